"""Pull requests on GitHub, through its program gh; and the push of a branch of ours to the remote."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.errors import GitError, MissingTool, NeedsKey
from selfimprove.tools.shell.process import capture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selfimprove.tools.git.repo import Repo

PUSHED = "refs/selfimprove/pushed/"
"""What we pushed to which branch: only that may be replaced there."""

_FIELDS = "number,url,state,headRefName,body"
_ADDRESS = re.compile(r"(?:[a-z+]+://)?(?:[^@/]+@)?([^/:]+\.[^/:]+)(?::\d+)?[:/](.+?)/([^/]+?)(?:\.git)?/?")
_NO_LOGIN = 4  # gh's own exit code for it
_SECONDS = 120
_MOST = "1000"


class Request(NamedTuple):
    """One pull request; ``state`` is OPEN, CLOSED or MERGED, ``branch`` the one that it wants to have merged."""

    number: int
    url: str
    state: str
    branch: str
    body: str


class GitHub(NamedTuple):
    """The pull requests of ``slug`` (``host/owner/name``; ``""`` lets gh find it from the remotes)."""

    repo: Repo
    slug: str

    def of_branch(self, branch: str) -> list[Request]:
        """Return the pull requests of a branch, whatever their state, the newest first."""
        return self._listed("--head", branch)

    def with_word(self, word: str) -> list[Request]:
        """Return the pull requests, whatever their state, with ``word`` in their text."""
        return [one for one in self._listed("--search", f"{word} in:body") if word in one.body]

    def create(self, base: str, head: str, title: str, body: str, labels: Sequence[str] = ()) -> str:
        """Open a pull request and return its address."""
        marked = [word for label in labels for word in ("--label", label)]
        args = ("--base", base, "--head", head, "--title", title, "--body-file", "-", *marked)
        said = self._gh("pr", "create", *args, stdin=body.encode("utf-8", "replace")).decode(
            "utf-8", "replace"
        )
        return next((word for word in reversed(said.split()) if "://" in word), said.strip())

    def merge_when_green(self, number: int, head: str) -> None:
        """Have GitHub squash and merge a pull request, as it is at the commit ``head``, once what it requires is there.

        Where the server requires no check, that is at once.
        """
        self._gh("pr", "merge", str(number), "--auto", "--squash", "--match-head-commit", head)

    def close(self, number: int, comment: str) -> None:
        """Close a pull request without a merge."""
        self._gh("pr", "close", str(number), "--comment", comment)

    def _listed(self, *which: str) -> list[Request]:
        out = self._gh("pr", "list", "--state", "all", "--limit", _MOST, *which, "--json", _FIELDS)
        try:
            rows = json.loads(out or b"[]")
            found = [Request(*(row[name] for name in _FIELDS.split(","))) for row in rows]
        except (ValueError, KeyError, TypeError) as error:
            raise GitError(f"gh pr list answered in a form that is not known: {error}") from error
        return sorted(found, key=lambda one: -one.number)

    def _gh(self, *args: str, stdin: bytes | None = None) -> bytes:
        """Run gh and return its answer. Raises NeedsKey without gh or a login, GitError for all else."""
        where = ("--repo", self.slug) if self.slug else ()
        env = {**self.repo.environ, "GH_PROMPT_DISABLED": "1", "GH_NO_UPDATE_NOTIFIER": "1", "NO_COLOR": "1"}
        try:
            done = capture(["gh", *args, *where], cwd=self.repo.root, env=env, stdin=stdin, timeout=_SECONDS)
        except MissingTool as error:
            raise NeedsKey(
                "gh is not installed, and pull requests are opened by it",
                where="looked for gh in PATH",
                hint="install it (https://cli.github.com), then: gh auth login",
            ) from error
        words = " ".join(done.stderr.decode(errors="replace").split())
        if done.timed_out:
            raise GitError(f"gh {args[0]} {args[1]}: no answer after {_SECONDS} s", where=self.slug)
        if done.exit_code == _NO_LOGIN or (done.exit_code and "gh auth login" in words):
            raise NeedsKey(
                "gh is not logged in", where=self.slug or "gh", hint="gh auth login, or export GH_TOKEN"
            )
        if done.exit_code:
            raise GitError(f"gh {args[0]} {args[1]}: {words[-300:] or done.exit_code}", where=self.slug)
        return done.stdout


class Remote(NamedTuple):
    """A remote of the person's repository, and the branch there that changes are for."""

    repo: Repo
    name: str
    base: str

    def github(self) -> GitHub:
        """Return the pull requests of this remote."""
        url = self.repo.line("remote", "get-url", self.name) or ""
        found = _ADDRESS.fullmatch(url)
        return GitHub(self.repo, "/".join(found.groups()) if found and ("://" in url or "@" in url) else "")

    def tip(self, branch: str) -> str | None:
        """Return the commit at which ``branch`` stands on the remote now, ``None`` when it is not there."""
        out = self.repo.git("ls-remote", "--heads", self.name, f"refs/heads/{branch}")
        return out.decode().split("\t")[0] or None

    def fetch_base(self) -> str:
        """Bring the base branch's commits here, beside the person's own refs, and return its tip."""
        ref = f"refs/selfimprove/remote/{self.name}/{self.base}"
        spec = f"+refs/heads/{self.base}:{ref}"
        self.repo.git("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--refmap=", self.name, spec)
        return self.repo.resolve(ref) or ""

    def push(self, commit: str, branch: str) -> None:
        """Put ``commit`` at ``branch`` on the remote; nothing else is pushed, and nothing of others is replaced.

        The person's pre-push hook runs. Raises GitError when the branch there holds what we did not push.
        """
        there, known = self.tip(branch), self.repo.resolve(f"{PUSHED}{branch}")
        if there and there not in (commit, known) and not self.repo.is_ancestor(there, commit):
            raise GitError(
                f"{branch} on {self.name} holds commits that are not from here",
                where=there,
                hint=f"look at it: git fetch {self.name} {branch}",
            )
        # First the note, then the push: after a kill between the two the branch is still known to be ours.
        self.repo.git("update-ref", f"{PUSHED}{branch}", commit)
        if there != commit:
            lease = f"--force-with-lease=refs/heads/{branch}:{there or ''}"
            self.repo.git("push", "--quiet", lease, self.name, f"{commit}:refs/heads/{branch}")


def find_remote(repo: Repo) -> Remote:
    """Return the remote and base branch of what is checked out: its upstream, else origin or the only remote.

    Raises GitError when there is no remote, or HEAD is detached and the remote names no branch of its own.
    """
    names = os.fsdecode(repo.git("remote")).split()
    branch = repo.branch()
    upstream = repo.line("config", f"branch.{branch}.remote") if branch else None
    name = next((one for one in (upstream, "origin", *names) if one in names), None)
    if name is None:
        raise GitError(
            "there is no remote to open a pull request at",
            where=str(repo.root),
            hint="git remote add origin URL, or leave the commits on their branch: --land branch",
        )
    merged = repo.line("config", f"branch.{branch}.merge") if branch and upstream == name else None
    base = merged.removeprefix("refs/heads/") if merged else branch
    if base is None or Remote(repo, name, base).tip(base) is None:
        base = _default(repo, name) or base
    if base is None:
        raise GitError("HEAD is detached, so the pull request has no base", hint="git switch a branch")
    return Remote(repo, name, base)


def _default(repo: Repo, name: str) -> str | None:
    out = os.fsdecode(repo.git("ls-remote", "--symref", name, "HEAD"))
    found = re.match(r"ref: refs/heads/(\S+)\tHEAD", out)
    return found[1] if found else None
