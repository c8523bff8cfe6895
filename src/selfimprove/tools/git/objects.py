"""Objects: the contents of many blobs by one git process, without a checkout."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from selfimprove.errors import GitError
from selfimprove.tools.shell.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from selfimprove.tools.git.repo import Repo

# Reading must neither fetch what a partial clone lacks (older gits know no GIT_NO_LAZY_FETCH, but none has a
# protocol of that name) nor show the content of one id under another (`git replace`): contents are kept by id.
NO_FETCH = {"GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "none"}
_ENV = {**NO_FETCH, "GIT_NO_REPLACE_OBJECTS": "1"}
_QUIET = ("-c", "core.fsmonitor=false")
_PARTIAL = r"^(extensions\.partialclone|remote\..*\.promisor)$"


class Objects:
    """Reads blobs of ``repo`` while it is open as a context manager; the process starts at the first read."""

    def __init__(self, repo: Repo) -> None:
        self._repo = repo
        self._stream: Stream | None = None
        self._present: frozenset[str] | None = None  # None: not looked yet, or everything should be there

    def __enter__(self) -> Objects:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def read(self, ids: Iterable[str]) -> Iterator[tuple[str, bytes | None]]:
        """Yield each id (full, in hex) with its content, in order; several reads may be under way at once.

        None stands for a blob that this clone does not have (a partial clone; it is not fetched), that is
        damaged, or that is no blob. Only one content is held at a time. Raises MissingTool without git.
        """
        for one in ids:
            yield one, self._content(one)

    def _content(self, one: str) -> bytes | None:
        if not one.isalnum() or (self._present is not None and one not in self._present):
            return None
        if self._stream is None:
            argv = ["git", *_QUIET, "cat-file", "--batch"]
            self._stream = Stream(argv, cwd=self._repo.root, env={**self._repo.environ, **_ENV})
        head = self._stream.ask(one.encode()).split()
        if len(head) != 3:  # "<id> <type> <size>", or "<id> missing", or git has ended
            if not head:
                self._died()
            return None
        size = int(head[2])
        data = self._stream.read(size + 1)
        if len(data) <= size:
            self._died()
            return None
        return data[:-1] if head[1] == b"blob" else None

    def _died(self) -> None:
        """Make ready for the next id: git gives up at one that is damaged, or that it may not fetch.

        In a partial clone it would give up at each of thousands, so there what is present is listed once.
        """
        self._end()
        if self._present is None and is_partial(self._repo):
            listing = ("cat-file", "--batch-all-objects", "--unordered", "--batch-check=%(objectname)")
            self._present = frozenset(self._repo.git(*_QUIET, *listing, env=_ENV).decode().split())

    def _end(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None


def is_partial(repo: Repo) -> bool:
    """True when ``repo`` was cloned with a filter, so that contents may be absent by design."""
    with contextlib.suppress(OSError):  # git writes it there; most clones need no process to be asked
        own = (repo.common_dir / "config").read_bytes().lower()
        if not any(word in own for word in (b"promisor", b"partialclone", b"include")):
            return False
    code, _, err = repo.ask("config", "--get-regexp", _PARTIAL)
    if code > 1:
        raise GitError(f"git config: {err.decode(errors='replace').strip()}", where=str(repo.root))
    return code == 0
