"""tasks.yml on disk: read, locked, merged with what a person wrote meanwhile, and replaced in one step."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import glob
import hashlib
import os
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING

from selfimprove.errors import EditKept, TaskFileError
from selfimprove.memory import taskdoc
from selfimprove.memory.taskmerge import merge

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from filelock import FileLock

    from selfimprove.memory.taskdoc import Document
    from selfimprove.model.task import Task

LOCK_SECONDS = 60.0
QUIET_SECONDS = 0.03
PATIENCE_SECONDS = 2.0
SIZE_LIMIT = 256 * 1024 * 1024

_ATTEMPTS = 50
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2
_HINTS = {
    errno.EISDIR: "move the folder away, or name another file",
    errno.EACCES: "change the permissions, for example with chmod u+rw",
    errno.EPERM: "change the permissions, for example with chmod u+rw",
    errno.EROFS: "the file system is read-only; work in another place",
    errno.ENOSPC: "make room on the disk, then try again; the file is as it was",
    errno.EDQUOT: "make room on the disk, then try again; the file is as it was",
    errno.EFBIG: "make room on the disk or the file smaller, then try again; it is as it was",
    errno.ELOOP: "the symbolic link leads back to itself; let it point to a file",
    errno.ENOTDIR: "a part of the path is a file, not a folder; mend the path",
}


def parse_tasks(data: bytes, name: str) -> list[Task]:
    """Return the tasks that the bytes of a tasks.yml hold; ``name`` is what errors call the file.

    Raises TaskFileError with file and line, and a hint.
    """
    return taskdoc.read(data, name).tasks


def line_of(path: Path, index: int) -> int | None:
    """Return the line on which the task number ``index`` (from 0) of a file begins, None when that is unknown."""
    try:
        seat = taskdoc.read(_content(path) or b"", str(path)).seat
        return int(seat.value[index].start_mark.line) + 1 if seat else None
    except (OSError, TaskFileError, IndexError):
        return None


class TaskFile:
    """The tasks of one tasks.yml, which people edit while the program works.

    ``lock_path`` is the file that writers of this tasks.yml lock, best outside of the tree that people see.
    One object serves one thread; any number of processes may have their own.
    """

    def __init__(self, path: Path, *, lock_path: Path) -> None:
        self._path = path
        self._name = str(path)
        self._lock_path = lock_path
        self._lock: FileLock | None = None
        self._document = taskdoc.read(b"", self._name)
        self._base: dict[str, Task] = {}

    def load(self) -> list[Task]:
        """Return the tasks of the file, none when it is missing; ``save`` compares with them.

        Raises TaskFileError when the file cannot be read or is not valid.
        """
        try:
            document = taskdoc.reread(self._document, self._read() or self._read_at_rest() or b"")
        except TaskFileError:
            document = taskdoc.reread(self._document, self._read_at_rest() or b"")
        return self._remember(document)

    def save(self, tasks: Sequence[Task]) -> list[Task]:
        """Write what differs between ``tasks`` and what was returned last; return what the file holds.

        The result holds the edits of other people and programs too; go on with it, since the next call
        compares with it. What a person wrote meanwhile wins; a task missing in ``tasks`` stays.
        Raises TaskFileError and leaves the file alone when it cannot be read or written, or is not valid just
        now; nothing is lost by that, the same call may simply be made again.
        """
        with self._locked(), self._plain_errors("written"):
            target = Path(os.path.realpath(self._path))
            self._recover(target)
            seen = self._read()
            if seen != self._document.data and not (seen is None and not self._document.data):
                seen = self._read_at_rest()
            return self._remember(self._write(target, tasks, seen))

    def _remember(self, document: Document) -> list[Task]:
        tasks = document.tasks
        self._document = document
        self._base = {task.id: task for task in tasks}
        return tasks

    def _write(self, target: Path, tasks: Sequence[Task], seen: bytes | None) -> Document:
        """Merge ``tasks`` into the file that held ``seen`` and replace it, until nobody wrote in between."""
        for _ in range(_ATTEMPTS):
            current = taskdoc.reread(self._document, seen or b"")
            wanted = taskdoc.revise(current, merge(self._base, tasks, current.tasks))
            if wanted.data == (seen or b"") or self._replace(target, wanted.data, seen):
                return wanted
            seen = self._read_at_rest()
        message = "the file keeps changing while it is being saved"
        raise TaskFileError(message, where=self._name, hint="stop the program that writes it, then try again")

    def _read(self) -> bytes | None:
        """Return the bytes of the file, None when it is missing."""
        with self._plain_errors("read"):
            return _content(self._path)

    def _read_at_rest(self) -> bytes | None:
        """Return the bytes of the file once nobody has written it for a moment.

        Many editors empty the file and then write it; what is read in between would look like deleted tasks.
        """
        with self._plain_errors("read"):
            return _at_rest(self._path)

    def _replace(self, target: Path, data: bytes, expected: bytes | None) -> bool:
        """Put ``data`` in the place of ``target``, which held ``expected``; False, and it stays, when it does not.

        The new file and the old one change places, so that the old one can be looked at: even an edit of the
        last microsecond is found there, and goes back to its place. The draft's name says what was expected
        and what is wanted, so that the next writer can do the same for one that was killed in between.
        """
        target.parent.mkdir(parents=True, exist_ok=True)
        folder = _drafts(target, self._lock_path.parent)
        draft = folder / f"{_prefix(target)}new"
        try:
            _write_through(draft, data, target)
            if _content(target) != expected:
                return False
            if expected is not None:
                complete = folder / f"{_prefix(target)}{_digest(expected)}-{_digest(data)}"
                draft = draft.rename(complete)
                if _exchange(complete, target):
                    _sync_folder(target.parent)
                    return self._settle(complete, target)
            draft.replace(target)
            _sync_folder(target.parent)
            return True
        finally:
            (folder / f"{_prefix(target)}new").unlink(missing_ok=True)

    def _recover(self, target: Path) -> None:
        """Clear away what writers that were killed have left; only the holder of the lock may do that.

        Raises TaskFileError when a person's edit cannot go back to its place since the file has been changed
        again; it is kept, and the error says where.
        """
        folder, prefix = _drafts(target, self._lock_path.parent), _prefix(target)
        for left in sorted(folder.glob(glob.escape(prefix) + "*")) if folder.is_dir() else []:
            if left.name.count("-", len(prefix)):
                self._settle(left, target)
            else:
                left.unlink()

    def _settle(self, draft: Path, target: Path) -> bool:
        """Return whether ``draft`` is a file that nobody wrote to any more when its place was taken.

        What a person had written into it goes back to its place.
        """
        expected, wanted = draft.name.removeprefix(_prefix(target)).split("-")
        if _digest(_content(draft) or b"") in (expected, wanted):  # wanted: killed before they changed places
            draft.unlink()
            return True
        theirs = _at_rest(draft) or b""
        if _digest(_content(target) or b"") != wanted:
            kept = draft.with_name(f"{target.name}.edit-{_digest(theirs)}")
            draft.rename(kept)
            message = "a program was killed in the moment of your edit, and the file has been changed since"
            raise EditKept(
                message, where=self._name, hint=f"that edit is in {kept}; take from it what you miss"
            )
        if not _exchange(draft, target):
            raise OSError(errno.EIO, f"what you wrote is in {draft} and cannot be put back")
        # Written once more just now: the newer one stands. Where it cannot, both stay for the next writer.
        if _digest(_content(draft) or b"") == wanted or _exchange(draft, target):
            draft.unlink()
        return False

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        from filelock import FileLock, Timeout  # it loads asyncio, which reading does not need

        lock = self._lock = self._lock or FileLock(self._lock_path)
        try:
            self._lock_path.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=LOCK_SECONDS, poll_interval=0.01)
        except Timeout as error:
            message = f"another program has been writing for {LOCK_SECONDS:.0f} seconds"
            hint = f"wait for it, or end the program that holds {self._lock_path}"
            raise TaskFileError(message, where=self._name, hint=hint) from error
        except OSError as error:
            message = f"the lock file {self._lock_path} cannot be used: {error.strerror}"
            raise TaskFileError(
                message, where=self._name, hint="check that folder and its permissions"
            ) from error
        try:
            yield
        finally:
            lock.release()

    @contextlib.contextmanager
    def _plain_errors(self, done: str) -> Iterator[None]:
        """Turn an OSError into a TaskFileError that says that the file cannot be ``done``."""
        try:
            yield
        except OSError as error:
            message = f"the file cannot be {done}: {(error.strerror or str(error)).lower()}"
            hint = _HINTS.get(error.errno or 0, "check that the path is right and the disk is well")
            raise TaskFileError(message, where=self._name, hint=hint) from error


def _drafts(target: Path, ours: Path) -> Path:
    """Return the folder in which a new version is written.

    It is our own, where the draft of a writer that was killed is in nobody's way, unless that is on another
    disk, from which a file cannot be exchanged.
    """
    with contextlib.suppress(OSError):
        if ours.stat().st_dev == target.parent.stat().st_dev:
            return ours
    return target.parent


def _prefix(target: Path) -> str:
    """Return how the names of new versions begin; only the holder of the lock uses them."""
    return f".{target.name}.selfimprove-"


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def _content(path: Path) -> bytes | None:
    """Return the bytes of ``path``, None when it is missing. Raises OSError, also for what is no file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        _check_kind(os.fstat(descriptor))
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read()
    finally:
        os.close(descriptor)


def _check_kind(state: os.stat_result) -> None:
    """Raise OSError for a folder, a pipe, or a file that no list of tasks can fill."""
    if stat.S_ISDIR(state.st_mode):
        raise OSError(errno.EISDIR, "it is a folder, not a file")
    if not stat.S_ISREG(state.st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file")
    if state.st_size > SIZE_LIMIT:
        raise OSError(errno.EFBIG, f"it is larger than {SIZE_LIMIT >> 20} MB")


def _at_rest(path: Path) -> bytes | None:
    """Return the bytes of ``path`` once they stay for QUIET_SECONDS, after PATIENCE_SECONDS as they are."""
    seen = _content(path)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        time.sleep(QUIET_SECONDS)
        now = _content(path)
        if now == seen:
            break
        seen = now
    return seen


def _write_through(path: Path, data: bytes, model: Path) -> None:
    """Write ``data`` to the new file ``path``, down to the disk, with mode and owner of ``model`` if any."""
    try:
        state = model.stat()
    except FileNotFoundError:
        state = None
    if state and not os.access(model, os.W_OK):
        raise PermissionError(errno.EACCES, "it is write-protected")
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    with os.fdopen(descriptor, "wb") as file:
        if state:
            with contextlib.suppress(PermissionError):
                os.fchown(descriptor, state.st_uid, state.st_gid)
            os.fchmod(descriptor, stat.S_IMODE(state.st_mode))
        file.write(data)
        file.flush()
        os.fsync(descriptor)


def _exchange(one: Path, other: Path) -> bool:
    """Let two files change names in one step; return False where the system cannot do that."""
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    names = (_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other))
    return bool(rename(*names, ctypes.c_uint(_RENAME_EXCHANGE)) == 0)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
