"""Wishes: pairs that say one thing in different words, and pairs that want different things of one."""

SAME = (
    (
        "Limit failed logins. Lock an account for a while after several wrong passwords, so guessing takes long.",
        "Throttle password guessing. After five failed login attempts the account should be blocked for some minutes.",
    ),
    (
        "Load YAML safely. yaml.load builds arbitrary objects from the settings file; use the safe loader.",
        "Replace the unsafe YAML loader. The configuration is parsed with yaml.load, which can execute code.",
    ),
    (
        "Do not run commands through a shell. The archive name is put into a shell string and can inject commands.",
        "Avoid shell=True in subprocess calls. User supplied file names reach the shell and allow command injection.",
    ),
    (
        "Export invoices as CSV. Users can only print invoices; a CSV export lets them use spreadsheets.",
        "Add a CSV download for invoices, so that customers can open their invoices in a spreadsheet.",
    ),
    (
        "Add a --json option. Scripts have to parse the table that list prints; print JSON on request.",
        "Machine-readable output. Let the list command write JSON, so that other programs can read it.",
    ),
    (
        "Verify TLS certificates. requests.get is called with verify=False, so anybody on the way can read along.",
        "Turn certificate checking on again in the HTTP client; verify=False allows man in the middle attacks.",
    ),
    (
        "Log who deletes records. An audit trail of deletions is required for compliance.",
        "Write an audit log entry for each deleted record, with user and time, as auditors ask for it.",
    ),
    (
        "Retry failed requests. A short outage of the server makes the whole synchronisation fail.",
        "Network calls should be tried again with backoff when the server is not reachable for a moment.",
    ),
    (
        "Hash passwords with bcrypt. MD5 without a salt is broken within seconds.",
        "Store passwords safely: the users' passwords are kept as plain MD5 digests; use a slow salted hash.",
    ),
    (
        "Send notifications to Slack. Teams want to be told in their chat when a build fails.",
        "Slack integration: post a message to a channel when a build has failed.",
    ),
    (
        "Refuse paths outside of the upload folder. ../ in a file name lets a client overwrite any file.",
        "Prevent path traversal on upload: a name with .. in it escapes the directory.",
    ),
    (
        "Add a licence file. Without one nobody may use the code, although the metadata says MIT.",
        "The repository has no LICENSE although pyproject says MIT; add the text of the licence.",
    ),
    (
        "Cache rendered templates. Each request compiles the same template again.",
        "Keep compiled templates in memory instead of compiling them for every request.",
    ),
    (
        "Delete personal data on request. Users have a right to erasure under the GDPR.",
        "GDPR: provide a way to erase all data of a user.",
    ),
    (
        "Support Python 3.13. The classifiers and the CI matrix end at 3.11.",
        "Test on newer Python versions: add 3.13 to the workflow's matrix and the classifiers.",
    ),
    (
        "Read settings from environment variables. Containers cannot easily mount a settings file.",
        "Let environment variables override the configuration file, which is what container deployments need.",
    ),
    (
        "Set a timeout on HTTP requests. A server that does not answer blocks the worker for ever.",
        "Requests without timeout can hang the process; pass a timeout to every call.",
    ),
    (
        "Provide a Dockerfile. Operators want to run the service in a container.",
        "Container image: ship a Dockerfile so that the server can be deployed with docker.",
    ),
    (
        "Escape user input in HTML. Comments are put into the page as they are, which allows scripts.",
        "Cross-site scripting: the comment text is inserted without escaping; escape it.",
    ),
    (
        "Add pagination to the list of orders. All orders are loaded at once.",
        "Return orders page by page instead of the whole list in one response.",
    ),
    (
        "Pin dependencies by hash. A changed package on the index would be installed unnoticed.",
        "Use a lock file with hashes so that a tampered dependency cannot be installed.",
    ),
    (
        "Publish metrics for Prometheus. There is no way to see the length of the queue.",
        "Expose a Prometheus endpoint with the queue length and other numbers.",
    ),
    (
        "Use a temporary file that others cannot read. tempfile.mktemp is open to a race.",
        "Replace mktemp by NamedTemporaryFile, since an attacker can create the file in between.",
    ),
    (
        "Show progress of long imports. The import prints nothing for minutes.",
        "Progress bar for the import command, which runs silently for a long time.",
    ),
)
OTHER = (
    (SAME[0][0], "Hash passwords with bcrypt. MD5 without a salt is broken within seconds."),
    (SAME[0][0], "Log every login. Auditors want to know who signed in and when."),
    (
        SAME[1][0],
        "Do not use pickle for the cache. Loading a pickle executes code that somebody may have put there.",
    ),
    (SAME[1][0], "Validate the settings file against a schema, so that an unknown key is told."),
    (SAME[2][0], "Check archive members before they are extracted, since a name with .. escapes the folder."),
    (SAME[2][0], "Set a timeout for the external commands; one that hangs blocks the worker."),
    (SAME[3][0], "Send invoices by e-mail as PDF when they are due."),
    (SAME[3][0], "Import customers from a CSV file."),
    (SAME[4][0], "Add a --since option to the list command, which shows only what is new."),
    (SAME[4][0], "Colour the table that the list command prints in a terminal."),
    (SAME[5][0], "Set a timeout on requests.get, which blocks for ever when the server does not answer."),
    (SAME[5][0], "Do not write the API token into the log of the HTTP client."),
    (SAME[6][0], "Delete personal data on request. Users have a right to erasure under the GDPR."),
    (SAME[6][0], "Ask before records are deleted, or let deletion be undone."),
    (SAME[7][0], "Set a timeout on HTTP requests. A server that does not answer blocks the worker for ever."),
    (SAME[7][0], "Synchronise only what changed since the last time, by the server's ETag."),
    (SAME[9][0], "Send an e-mail to the author when a build fails."),
    (SAME[9][0], "Build pull requests of forks without secrets."),
    (SAME[10][0], "Limit the size of uploads; a large file fills the disk."),
    (SAME[10][0], "Scan uploaded files for viruses with ClamAV."),
    (SAME[11][0], "Add a CONTRIBUTING file that tells how tests are run."),
    (SAME[11][0], "State the licence of each source file in an SPDX header."),
    (SAME[12][0], "Escape user input in templates."),
    (SAME[14][0], "Run the tests on Windows and macOS too."),
    (SAME[15][0], "Watch the settings file and load it again when it changes."),
    (SAME[17][0], "Provide a systemd unit, so that the service starts with the machine."),
    (SAME[18][0], "Set a Content-Security-Policy header on every page."),
    (SAME[19][0], "Let customers filter the list of orders by status."),
    (SAME[20][0], "Update dependencies weekly with a bot."),
    (SAME[21][0], "Trace requests with OpenTelemetry."),
    (SAME[22][0], "Remove temporary files when the program is interrupted."),
    (SAME[23][0], "Import large files in batches to save memory."),
    (SAME[8][0], "Let users change their password, after they have given the old one."),
    (SAME[13][0], "Export all data of a user as JSON, as the GDPR demands."),
    (SAME[16][0], "Reuse HTTP connections by a session object."),
)
