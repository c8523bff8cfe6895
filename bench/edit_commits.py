"""Commits of public projects for the edit benchmark: what they changed, and other files that stood beside it."""

from __future__ import annotations

import ast
import random
import subprocess
from typing import TYPE_CHECKING, NamedTuple

import corpora

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

MOST_FILES = 4
MOST_BYTES = 60_000
MOST_LINES = 150
BESIDE = (20, 60)
# Name, repository and the commit from whose history the changes are drawn. The first six are on PyPI.
PROJECTS = tuple(
    corpora.Project(name, "", repository, "", tip)
    for name, repository, tip in (
        ("flask", "pallets/flask", "2ac89889f4cc"),
        ("sqlparse", "andialbrecht/sqlparse", "60cdc649726b"),
        ("click", "pallets/click", "2c8cd3ac958a"),
        ("httpx", "encode/httpx", "ae1b9f66238f"),
        ("boltons", "mahmoud/boltons", "967864f89791"),
        ("jinja", "pallets/jinja", "5ef70112a1ff"),
        ("axios", "axios/axios", "23a25af0688d"),
        ("gin", "gin-gonic/gin", "dcaa4296d111"),
    )
)


class Change(NamedTuple):
    """One changed file; ``before`` is ``None`` for a new one."""

    path: str
    before: bytes | None
    after: bytes


class Commit(NamedTuple):
    """What one commit changed, and ``others``: files of its parent that it left alone."""

    project: str
    id: str
    changes: tuple[Change, ...]
    others: dict[str, bytes]

    @property
    def files(self) -> dict[str, bytes]:
        """Return the files as the commit found them."""
        return self.others | {one.path: one.before for one in self.changes if one.before is not None}

    @property
    def wanted(self) -> dict[str, bytes]:
        """Return the files as the commit left them."""
        return self.others | {one.path: one.after for one in self.changes}


def lines_of(data: bytes) -> list[str]:
    """Return the lines of a file without their ends."""
    text = data.decode().replace("\r\n", "\n")
    return text.removesuffix("\n").split("\n") if text else []


def commits(project: corpora.Project, mirrors: Path | None, count: int, seed: int) -> Iterator[Commit]:
    """Yield up to ``count`` commits of a project, the same ones each time. Raises Unavailable."""
    folder = corpora.clone(project, mirrors)
    listed = _listed(folder, project)
    dice = random.Random(f"{seed} {project.name}")
    dice.shuffle(listed)
    with _Blobs(folder) as blobs:
        for one, raw in listed:
            if count <= 0:
                return
            changes = _changes(raw, blobs)
            if changes:
                count -= 1
                yield Commit(project.name, one[:12], changes, _beside(folder, one, changes, blobs, dice))


def _listed(folder: Path, project: corpora.Project) -> list[tuple[str, list[str]]]:
    """Return the commits that change few files in place, each with git's raw lines about it."""
    out = _git(
        folder, "log", "--no-merges", "--no-renames", "--raw", "--no-abbrev", "--format=%x01%H", project.tip
    )
    found = []
    for part in out.split("\x01")[1:]:
        head, *raw = [line for line in part.splitlines() if line]
        kinds = [line.split()[4] for line in raw]
        regular = all(line.split()[1].startswith("100") for line in raw)
        if 1 <= len(raw) <= MOST_FILES and regular and set(kinds) <= {"M", "A"} and "M" in kinds:
            found.append((head, raw))
    if not found:
        raise corpora.Unavailable(f"{project.name}: no commits before {project.tip}")
    return found


def _changes(raw: Sequence[str], blobs: _Blobs) -> tuple[Change, ...]:
    """Return the changes of a commit, none when one of them cannot be told in every style."""
    found = []
    for line in raw:
        _, _, old, new, rest = line.split(" ", 4)
        kind, path = rest.split("\t", 1)
        before = None if kind == "A" else blobs.get(old)
        after = blobs.get(new)
        if path.startswith('"') or not _plain(before, after) or not _sound(path, before, after):
            return ()
        found.append(Change(path, before, after))
    changed = sum(_moved(one) for one in found)
    return tuple(found) if 0 < changed <= MOST_LINES else ()


def _moved(change: Change) -> int:
    before, after = lines_of(change.before or b""), lines_of(change.after)
    shared = len(set(before) & set(after))
    return max(1, len(set(before)) + len(set(after)) - 2 * shared)


def _plain(before: bytes | None, after: bytes) -> bool:
    """Tell whether both are text of one kind of line ends that end alike."""
    both = [after] if before is None else [before, after]
    if any(not one.strip() or len(one) > MOST_BYTES or not _text(one) for one in both):
        return False
    if before is None:
        return after.endswith(b"\n")
    return before.endswith(b"\n") == after.endswith(b"\n") and (b"\r" in before) == (b"\r" in after)


def _sound(path: str, before: bytes | None, after: bytes) -> bool:
    """Tell whether a Python file parses, unless it never did: some are for other versions."""
    if not path.endswith(".py"):
        return True
    return parses(after) or (before is not None and not parses(before))


def parses(data: bytes) -> bool:
    """Tell whether a Python file parses."""
    try:
        ast.parse(data)
    except (SyntaxError, ValueError):
        return False
    return True


def _text(data: bytes) -> bool:
    """Tell whether a file is UTF-8 with line ends of one kind."""
    if b"\0" in data or b"\x0c" in data or data.count(b"\r") not in (0, data.count(b"\n")):
        return False
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _beside(
    folder: Path, commit: str, changes: Sequence[Change], blobs: _Blobs, dice: random.Random
) -> dict[str, bytes]:
    """Return other text files of the commit's parent, those of the same folders first."""
    out = _git(folder, "ls-tree", "-r", "-l", f"{commit}^")
    taken = {one.path for one in changes}
    homes = {one.path.rpartition("/")[0] for one in changes}
    rows = []
    for line in out.splitlines():
        meta, path = line.split("\t", 1)
        mode, _, blob, size = meta.split()
        if (
            mode.startswith("100")
            and int(size) <= MOST_BYTES
            and path not in taken
            and not path.startswith('"')
        ):
            rows.append((path.rpartition("/")[0] not in homes, dice.random(), path, blob))
    wanted = dice.randint(*BESIDE)
    near = sorted(row for row in rows if not row[0])[: wanted // 2]
    far = sorted(row for row in rows if row[0])[: wanted - len(near)]
    found = {path: blobs.get(blob) for _, _, path, blob in (*near, *far)}
    return {path: data for path, data in found.items() if b"\0" not in data}


class _Blobs:
    """Reads the contents of files out of a repository through one process."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            ["git", "-C", str(folder), "cat-file", "--batch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def __enter__(self) -> _Blobs:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def get(self, blob: str) -> bytes:
        """Return the content of ``blob``. Raises Unavailable when the repository lacks it."""
        into, out = self._process.stdin, self._process.stdout
        if into is None or out is None:
            raise corpora.Unavailable("git cat-file has no pipes")
        into.write(f"{blob}\n".encode())
        into.flush()
        head = out.readline().split()
        if len(head) != 3:
            raise corpora.Unavailable(f"the blob {blob} is not there")
        data = out.read(int(head[2]))
        out.read(1)
        return data


def _git(folder: Path, *args: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(folder), *args], capture_output=True, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise corpora.Unavailable(f"git {args[0]} in {folder}: {error}") from error
    return done.stdout.decode(errors="replace")
