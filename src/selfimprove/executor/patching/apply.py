"""Puts new file contents on the disk, all of them or none, with a record by which they can be taken back."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from selfimprove.errors import PatchError
from selfimprove.executor.patching.coding import LARGEST
from selfimprove.executor.patching.paths import unsafe

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True, slots=True)
class Kept:
    """One file of a record: its content ``before``, its permissions, and its content ``after``; ``None``: no file."""

    path: str
    before: bytes | None
    after: bytes | None
    mode: int = 0o644


@dataclass(frozen=True, slots=True)
class Record:
    """What a write changes, file by file: enough to take it back."""

    files: tuple[Kept, ...]

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON has it; of the content after only a digest, which is enough to know it again."""
        rows = [
            {"path": one.path, "mode": one.mode, "before": _packed(one.before), "after": digest(one.after)}
            for one in self.files
        ]
        return {"files": rows}


class Tree(Mapping[str, bytes]):
    """The files ``names`` below ``root``, each read when it is first asked for and the same from then on.

    Of a file that is too large to be edited no more is read than shows that. A name that is a link, or not
    there, raises PatchError when it is read.
    """

    def __init__(self, root: Path, names: Iterable[str]) -> None:
        self._root = root
        self._names = dict.fromkeys(names)
        self._read: dict[str, bytes] = {}

    def __getitem__(self, path: str) -> bytes:
        if path not in self._names:
            raise KeyError(path)
        if path not in self._read:
            try:
                with safe_path(self._root, path).open("rb") as file:
                    self._read[path] = file.read(LARGEST + 1)
            except OSError as error:
                raise PatchError(f"{path} cannot be read: {error.strerror}", where=path) from None
        return self._read[path]

    def __contains__(self, path: object) -> bool:
        return path in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def digest(content: bytes | None) -> str:
    """Return the SHA-256 of a content, ``""`` for no file."""
    return "" if content is None else hashlib.sha256(content).hexdigest()


def read_files(root: Path, paths: Iterable[str]) -> dict[str, bytes]:
    """Return the content of those ``paths`` that exist under ``root``. Raises PatchError for an unsafe path."""
    found = {}
    for path in paths:
        target = safe_path(root, path)
        if target.is_file():
            found[path] = target.read_bytes()
    return found


def record_of(root: Path, files: Mapping[str, bytes], removed: Sequence[str] = ()) -> Record:
    """Return the record of what writing ``files`` and taking ``removed`` away would change. Raises PatchError."""
    kept = []
    for path, after in {**dict.fromkeys(removed), **files}.items():
        before, mode = _present(safe_path(root, path), path)
        kept.append(Kept(path, before, after, mode))
    return Record(tuple(kept))


def write_files(
    root: Path,
    files: Mapping[str, bytes],
    removed: Sequence[str] = (),
    was: Mapping[str, bytes] | None = None,
) -> Record:
    """Write ``files`` below ``root`` and take ``removed`` away, and return what there was.

    All or none: each new content is written beside its file first and takes its place when all are there; when
    anything fails, what was done is taken back. ``was`` are the contents as they were read: a file that is no
    longer that refuses all. No link is followed, a file keeps its mode; folders are made, and those that become
    empty go. Raises PatchError, and then nothing has changed, unless it says so.
    """
    record = record_of(root, files, removed)
    _not_inside_each_other(list(files))
    if was is not None:
        for one in record.files:
            _still(one.path, one.before, was.get(one.path))
    _replace_all(root, record)
    return record


def undo(root: Path, record: Mapping[str, Any]) -> list[str]:
    """Put back what a record (as JSON) says there was; return the paths.

    Raises PatchError when a file is neither what was written nor what was there before: it has changed since.
    """
    rows = []
    for row in record["files"]:
        before = None if row["before"] is None else base64.b64decode(row["before"], validate=True)
        now, _ = _present(safe_path(root, row["path"]), row["path"])
        if now == before:
            continue
        if digest(now) != row["after"]:
            raise PatchError(
                f"{row['path']} has changed since",
                where=row["path"],
                hint="nothing was taken back; put it as it was, or take the change out by hand",
            )
        rows.append(Kept(row["path"], now, before, int(row["mode"])))
    _replace_all(root, Record(tuple(rows)))
    return [row.path for row in rows]


def _present(target: Path, path: str) -> tuple[bytes | None, int]:
    """Return a file's content and permissions, None and those of a new file when there is none."""
    try:
        return target.read_bytes(), stat.S_IMODE(target.lstat().st_mode)
    except FileNotFoundError:
        return None, 0o644
    except OSError as error:
        raise PatchError(f"{path} cannot be read: {error.strerror}", where=path) from None


def _still(path: str, now: bytes | None, was: bytes | None) -> None:
    """Raise PatchError when a file is not what it was; None: no file."""
    if now == was:
        return
    what = "is gone since it was read" if now is None else "has changed since it was read"
    if was is None:
        what = "exists already, though it is not among the files that can be changed"
    raise PatchError(f"{path} {what}", where=path, hint="nothing was written")


def _replace_all(root: Path, record: Record) -> None:
    """Make every file of the record what it shall be after, or leave all as they were. Raises PatchError."""
    drafts: dict[str, Path] = {}
    folders: list[Path] = []
    done: list[Kept] = []
    try:
        for one in record.files:
            if one.after is not None:
                drafts[one.path] = _draft(safe_path(root, one.path), one.after, one.mode, folders)
        for one in record.files:
            target = safe_path(root, one.path)
            _still(one.path, _present(target, one.path)[0], one.before)
            done.append(one)
            if one.after is None:
                target.unlink()
            else:
                drafts[one.path].replace(target)
                del drafts[one.path]
    except (OSError, PatchError) as error:
        why = error.message if isinstance(error, PatchError) else error.strerror
        left = _rolled_back(root, done)
        for draft in drafts.values():
            draft.unlink(missing_ok=True)
        _without_empty(reversed(folders))
        after = f"; these could not be put back: {', '.join(left)}" if left else "; nothing was changed"
        raise PatchError(f"the files cannot be written: {why}{after}", where=str(root)) from None
    gone = (safe_path(root, one.path).parent for one in record.files if one.after is None)
    _without_empty(
        folder for parent in gone for folder in (parent, *parent.parents) if root in folder.parents
    )


def _draft(target: Path, content: bytes, mode: int, folders: list[Path]) -> Path:
    """Write ``content`` beside ``target`` and return where; add the folders that this made to ``folders``."""
    missing = []
    folder = target.parent
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for one in reversed(missing):
        one.mkdir()
        folders.append(one)
    draft = target.with_name(f".selfimprove-{os.urandom(8).hex()}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    try:
        with os.fdopen(os.open(draft, flags, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), mode)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    return draft


def _rolled_back(root: Path, done: Sequence[Kept]) -> list[str]:
    """Put back what stood in the place of the files; return those for which that failed."""
    left = []
    for one in reversed(done):
        try:
            target = safe_path(root, one.path)
            if _present(target, one.path)[0] == one.before:
                continue
            if one.before is None:
                target.unlink(missing_ok=True)
            else:
                draft = _draft(target, one.before, one.mode, [])
                try:
                    draft.replace(target)
                finally:
                    draft.unlink(missing_ok=True)
        except (OSError, PatchError):
            left.append(one.path)
    return left


def _without_empty(folders: Iterable[Path]) -> None:
    """Take folders away that are empty."""
    for folder in folders:
        with contextlib.suppress(OSError):
            folder.rmdir()


def _packed(content: bytes | None) -> str | None:
    return None if content is None else base64.b64encode(content).decode()


def _not_inside_each_other(paths: Sequence[str]) -> None:
    """Raise PatchError when one new file would be a folder for another."""
    folders = {str(parent): path for path in paths for parent in PurePosixPath(path).parents}
    for path in paths:
        if inner := folders.get(str(PurePosixPath(path))):
            raise PatchError(f"{path} cannot be a file and the folder of {inner}", where=path)


def safe_path(root: Path, path: str) -> Path:
    """Return ``root / path`` when writing there stays inside ``root``; PatchError tells why it would not."""
    refused = unsafe(path) or _blocked(root, PurePosixPath(path).parts)
    if refused:
        raise PatchError(
            f"{path!r} {refused}",
            where=path,
            hint="name files by their path from the repository's top folder",
        )
    return root.joinpath(*PurePosixPath(path).parts)


def _blocked(root: Path, parts: tuple[str, ...]) -> str | None:
    """Say what on the way to the file forbids writing it: a link, a file used as a folder, a device."""
    here = root
    for index, part in enumerate(parts):
        here = here / part
        try:
            mode = here.lstat().st_mode
        except FileNotFoundError:
            return None
        except OSError as error:
            return f"cannot be used: {error.strerror}"
        last = index == len(parts) - 1
        if stat.S_ISLNK(mode):
            return "leads through a symbolic link"
        if not last and (not stat.S_ISDIR(mode) or (here / ".git").exists()):
            return "leads through something that is not a folder of this repository"
        if last and not stat.S_ISREG(mode):
            return "is not a regular file"
    return None
