"""History: what commits changed, read from git's log without a checkout and whatever a person configured."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from selfimprove.errors import GitError
from selfimprove.model.history import MEASURED, Change, Commit, History
from selfimprove.tools.git.objects import NO_FETCH, Objects, is_partial

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from selfimprove.tools.git.repo import Repo

LIMIT = 20_000

_REGULAR = {"100644", "100755", "100664"}  # the last is what very old gits wrote
# Every option that a configuration could set otherwise, said outright.
_CONFIG = (
    *("-c", "core.fsmonitor=false", "-c", "log.showRoot=true", "-c", "log.diffMerges=separate"),
    *("-c", "diff.ignoreSubmodules=all", "-c", "core.splitIndex=false", "-c", "diff.autoRefreshIndex=false"),
)
_DIFF = (
    *("--raw", "-z", "-r", "--no-abbrev", "--no-ext-diff", "--no-textconv", "--no-color", "--no-relative"),
    *("-O/dev/null", "-l1000", "--ignore-submodules=all"),
)
_LOG = (
    *("log", "--date-order", "--no-show-signature", "--no-notes", "--no-decorate", "--no-follow"),
    *("--encoding=UTF-8", "--format=tformat:%x02%H%x00%at%x00%aN%x00%s%x00"),
)


def read_history(repo: Repo, *, limit: int = LIMIT) -> History:
    """Return the newest ``limit`` commits that lead to HEAD and are no merges, with the files of interest.

    Commits that touch no Python file and no notebook count toward the limit and are left out. The oldest
    commits of a shallow clone are left out too: what they changed is not known. Renames are told by git's
    similarity of 50 %, in a partial clone only for unchanged content. Raises GitError when objects are missing
    or damaged.
    """
    if repo.head() is None:
        return History()
    boundary = _boundary(repo)
    commits = _log(repo, "--no-merges", f"--max-count={limit + 1}", "HEAD")
    kept = tuple(commit for commit in commits[:limit] if commit.changes and commit.id not in boundary)
    return History(kept, shallow=bool(boundary), cut=len(commits) > limit)


def first_parents(repo: Repo, count: int, commit: str = "HEAD") -> list[Commit]:
    """Return up to ``count`` commits from ``commit`` back along first parents, the newest first.

    A merge's changes are those against its first parent, so that this is the branch's own line. The oldest
    commit of a shallow clone has no changes: they are not known. Raises GitError when there is no such commit.
    """
    if commit == "HEAD" and repo.head() is None:
        return []
    boundary = _boundary(repo)
    found = _log(repo, "--first-parent", "-m", f"--max-count={count}", _known(repo, commit))
    return [Commit(c.id, c.time, c.author, c.subject) if c.id in boundary else c for c in found]


def tree_blobs(repo: Repo, commit: str) -> dict[str, str]:
    """Return the blob by path of each Python file and notebook in a commit, without links and submodules.

    Empty for the HEAD of a repository without a commit. Raises GitError when there is no such commit.
    """
    if commit == "HEAD" and repo.head() is None:
        return {}
    out = _read(repo, "ls-tree", "-r", "-z", "--full-tree", _known(repo, commit))
    rows = (os.fsdecode(row).partition("\t") for row in out.split(b"\0") if row)
    return {
        path: stat.split(" ")[2]
        for stat, _, path in rows
        if path.endswith(MEASURED) and stat.split(" ")[0] in _REGULAR
    }


def is_shallow(repo: Repo) -> bool:
    """True when the clone ends before the first commit of the project."""
    return bool(_boundary(repo))


def _boundary(repo: Repo) -> frozenset[str]:
    """Return the commits whose parents a shallow clone does not have."""
    try:
        text = (repo.common_dir / "shallow").read_text(encoding="ascii")
    except FileNotFoundError:
        return frozenset()
    return frozenset(text.split())


def _known(repo: Repo, commit: str) -> str:
    """Return the full id of a commit; what is one already was asked for before."""
    if re.fullmatch("[0-9a-f]{40}|[0-9a-f]{64}", commit):
        return commit
    found = repo.resolve(commit)
    if found is None:
        raise GitError(
            f"there is no commit {commit} here", where=commit, hint="`git log --oneline` shows them"
        )
    return found


def _read(repo: Repo, *args: str) -> bytes:
    """Run git to read objects. An object that is missing or damaged is the only thing that can go wrong."""
    try:
        return repo.git(*_CONFIG, *args, env=NO_FETCH)
    except GitError as error:
        hint = "`git fsck` tells what is missing or damaged"
        raise GitError(error.message, where=error.where, hint=hint) from error


def _log(repo: Repo, *which: str) -> list[Commit]:
    # Similar content is found by reading it, which a partial clone cannot without fetching.
    renames = "-M100%" if is_partial(repo) else "-M50%"
    out = _read(repo, *_LOG, *_DIFF, renames, *which, "--")
    return list(_commits(iter(out.split(b"\0"))))


def _commits(tokens: Iterator[bytes]) -> Iterator[Commit]:
    """Parse git's log: a commit is four fields, then for each change its row and one or two paths."""
    head: tuple[str, float, str, str] | None = None
    changes: list[Change] = []
    for token in tokens:
        if token.startswith(b"\2"):
            if head:
                yield Commit(*head, tuple(changes))
            time, author, subject = (next(tokens).decode(errors="replace") for _ in range(3))
            head, changes = (token[1:].decode(), float(time or 0), author, subject), []
        elif row := token.lstrip(b"\n"):
            changes += _change(row, tokens)
    if head:
        yield Commit(*head, tuple(changes))


def _change(row: bytes, tokens: Iterator[bytes]) -> list[Change]:
    """Return the change that ``row`` and the paths after it tell of, none when it is not of interest."""
    old_mode, new_mode, old, new, status = row[1:].decode().split(" ")
    old_path = path = os.fsdecode(next(tokens))
    if status[0] in "RC":
        path = os.fsdecode(next(tokens))
    old = old if old_mode in _REGULAR and old_path.endswith(MEASURED) and status[0] != "C" else ""
    new = new if new_mode in _REGULAR and path.endswith(MEASURED) else ""
    if old == new and (not old or old_path == path):  # nothing that is measured, or only the mode
        return []
    return [Change(old, new, old_path if old else "", path if new else old_path)]


def merge_base(repo: Repo, ref: str) -> str:
    """Return the commit where HEAD's line left that of ``ref``, the best common ancestor of both.

    Raises GitError with the line that mends it when there is no commit yet, when ``ref`` names none here (a
    clone of a single branch, a typing error) and when a shallow clone does not reach back far enough.
    """
    if repo.head() is None:
        raise GitError("there is no commit yet", where=str(repo.root), hint="commit once, then ask again")
    commit = repo.resolve(ref)
    if commit is None:
        raise GitError(
            f"there is no branch, tag or commit {ref} here", where=ref, hint=_how_to_get(repo, ref)
        )
    code, out, err = repo.ask("merge-base", "HEAD", commit, env=NO_FETCH)
    if code == 0:
        return out.decode().split()[0]
    if code > 1:
        raise GitError(f"git merge-base: {err.decode(errors='replace').strip()}", where=ref)
    if not is_shallow(repo):
        hint = "their histories never met; name a branch or commit that HEAD comes from"
        raise GitError(f"HEAD and {ref} have no common commit", where=ref, hint=hint)
    hint = "git fetch --unshallow (in GitHub Actions: fetch-depth: 0 for actions/checkout)"
    raise GitError(
        f"HEAD and {ref} have no common commit in this shallow clone", where=ref, hint=f"type: {hint}"
    )


def _how_to_get(repo: Repo, ref: str) -> str:
    import difflib

    remotes = (repo.line("remote") or "").split("\n")
    remote = "origin" if "origin" in remotes else remotes[0]
    if remote and repo.resolve(f"refs/remotes/{remote}/{ref}"):
        return f"did you mean {remote}/{ref}?"
    names = repo.git("for-each-ref", "--format=%(refname:short)", "refs/heads", "refs/tags", "refs/remotes")
    near = difflib.get_close_matches(ref, os.fsdecode(names).split("\n"), n=1, cutoff=0.75)
    said = [f"did you mean {near[0]}?"] if near else []
    if re.search(r"[~^@:]|^[0-9a-f]{7,64}$", ref):
        said += ["git fetch --unshallow"] if is_shallow(repo) else []
    elif remote:
        branch = ref.removeprefix(f"{remote}/")
        name = "" if ref != branch else f", and then say {remote}/{branch}"
        fetch = "git fetch --unshallow" if is_shallow(repo) else "git fetch"
        said += [f"{fetch} {remote} {branch}:refs/remotes/{remote}/{branch}{name}"]
    return ", or type: ".join(said) or "`git log --oneline` shows the commits, `git branch -a` the branches"


def changed(repo: Repo, base: str, untracked: Iterable[str] | None = None) -> list[Change]:
    """Return the measured files of the working tree that are not as in the commit ``base``, sorted by path.

    Untracked files that git does not ignore belong to it, also as the new names of files that are gone;
    deleted files do not. ``old`` is the blob in ``base`` (``""``: it has none) and ``new`` always ``""``: the
    content is on disk. A file that was only touched, or only differs in the ends of its lines, is left out.
    ``untracked`` are those files when the caller has asked git for them already.
    """
    if untracked is None:
        listing = repo.git(*_CONFIG, "ls-files", "-z", "--others", "--exclude-standard")
        untracked = os.fsdecode(listing).split("\0")
    new = [os.fsencode(name) for name in untracked if name.endswith(MEASURED)]
    renames = "-M100%" if is_partial(repo) else "-M50%"
    command = ("diff-index", *_DIFF, renames, _known(repo, base), "--")
    if new:
        import tempfile

        with tempfile.TemporaryDirectory(prefix="selfimprove-") as folder:
            env = NO_FETCH | _index_with(repo, new, Path(folder))
            out = repo.git(*_CONFIG, *command, env=env)
    else:
        out = repo.git(*_CONFIG, *command, env=NO_FETCH)
    found = {change.path: change for change in _differences(iter(out.split(b"\0"))) if change.new}
    alike = _alike(repo, found.values())
    return [Change(c.old, "", c.old_path, c.path) for path, c in sorted(found.items()) if path not in alike]


def _index_with(repo: Repo, untracked: Sequence[bytes], folder: Path) -> dict[str, str]:
    """Return variables for a copy of the index that also knows the untracked files; theirs stays as it is."""
    env = {"GIT_INDEX_FILE": str(folder / "index")}
    own = repo.git_dir / "index"
    if own.exists():
        (folder / "index").write_bytes(own.read_bytes())
    # No such blob needs to exist: that it is not the file's makes git look at the file.
    some_id = b"1" * len(repo.head() or "1" * 40)
    rows = b"".join(b"100644 " + some_id + b"\t" + name + b"\0" for name in untracked)
    repo.git(*_CONFIG, "update-index", "-z", "--index-info", stdin=rows, env=env)
    return env


def _differences(tokens: Iterator[bytes]) -> Iterator[Change]:
    for row in tokens:
        if row:
            yield from _change(row, tokens)


def _alike(repo: Repo, changes: Iterable[Change]) -> set[str]:
    """Return the paths that hold what the blob holds, or nothing because they are not checked out."""
    old = {change.path: change.old for change in changes if change.old and change.old_path == change.path}
    gone = {change.path for change in changes if not (repo.root / change.path).is_file()}
    with Objects(repo) as objects:
        contents = objects.read(old.values())
        return gone | {
            path
            for path, (_, content) in zip(old, contents, strict=True)
            if content is not None and path not in gone and _holds(repo.root / path, content)
        }


def _holds(path: Path, content: bytes) -> bool:
    try:
        found = path.read_bytes()
    except OSError:
        return False
    return found.replace(b"\r\n", b"\n") == content.replace(b"\r\n", b"\n")
