"""Ground: the repository as a commit has it, which everything that a model says of it is held against."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING

from selfimprove.codebase.fence import private
from selfimprove.codebase.sources import LARGEST
from selfimprove.tools.git.standing import regular_files, standing_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from selfimprove.codebase.index import Index
    from selfimprove.codebase.related import Files
    from selfimprove.codebase.tokens import Counter
    from selfimprove.tools.git.repo import Repo

_MOST = 1000  # places of a quotation that are looked at
_FORBIDDEN = {"", ".", "..", ".git", ".selfimprove"}


@dataclass
class Ground:
    """What stands in ``commit`` of ``repo``, read through ``files``, which hide secrets.

    ``tokens`` is the most that a question may have, by ``counter``; ``index`` gives the index, None where there can
    be none. ``ours`` are files of the program itself (tasks.yml), which say nothing about the code. ``tell`` is
    told what a person should know.
    """

    repo: Repo
    commit: str
    files: Files
    tokens: int
    counter: Counter
    index: Callable[[], Index | None]
    ours: tuple[str, ...] = ()
    tell: Callable[[str], object] = lambda _: None
    _words: dict[str, bool] = field(default_factory=dict)
    _symbols: dict[str, frozenset[str]] = field(default_factory=dict)

    @cached_property
    def names(self) -> frozenset[str]:
        """The paths of all files, without links."""
        return frozenset(regular_files(self.repo, self.commit)) - frozenset(self.ours)

    @cached_property
    def folders(self) -> frozenset[str]:
        """The folders in which files stand; ``""`` is the top."""
        parts = (name.split("/")[:-1] for name in self.names)
        return frozenset("/".join(part[:end]) for part in parts for end in range(len(part) + 1)) | {""}

    @cached_property
    def ends(self) -> frozenset[str]:
        """The ends of all paths at a slash: ``app.py`` and ``src/app.py`` for the file src/app.py; of folders too."""
        paths = (path.split("/") for path in (*self.names, *self.folders))
        return frozenset("/".join(parts[at:]) for parts in paths for at in range(len(parts)))

    def text(self, path: str) -> str | None:
        """Return the text of a file with its secrets hidden, None for what no model is shown."""
        if path not in self.names or private(path):
            return None
        content = self.files.content(path)
        if content is None or len(content) > LARGEST:
            return None
        text = self.files.text(path)
        return None if text is None or self.files.secret(path) else self.files.hide(text)

    def line_of(self, path: str, quote: str, near: int) -> int | None:
        """Return the line (from 1) at which ``quote`` begins, None when it does not stand in the file.

        Blanks may differ; of several places the one nearest to ``near`` counts.
        """
        text, words = self.text(path), quote.split()
        if not text or not words:
            return None
        pattern = re.compile(r"\s+".join(map(re.escape, words)))
        found = (text.count("\n", 0, match.start()) + 1 for match in islice(pattern.finditer(text), _MOST))
        return min(found, key=lambda line: (abs(line - near), line), default=None)

    def stands(self, words: Iterable[str]) -> frozenset[str]:
        """Return those of ``words`` that stand somewhere in the files, or in their paths."""
        wanted = frozenset(words)
        if unknown := wanted - self._words.keys():
            there = standing_words(self.repo, self.commit, unknown, self.ours)
            self._words.update({word: word in there or word in self._in_paths for word in unknown})
        return frozenset(word for word in wanted if self._words[word])

    def defines(self, path: str) -> frozenset[str]:
        """Return the qualified names of what a file defines, and the file's own dotted endings of them."""
        if path not in self._symbols:
            self._symbols[path] = self._cut(path)
        return self._symbols[path]

    def why_not_new(self, path: str) -> str:
        """Say why a new file cannot stand at ``path``, ``""`` when it can: in a folder that there is."""
        folder, _, name = path.rpartition("/")
        parts = path.split("/")
        if not path.isprintable() or "\\" in path or path.startswith(("/", "~")) or ":" in path:
            return "it is no path inside of the repository"
        if _FORBIDDEN & {part.lower() for part in parts}:
            return "it is no path inside of the repository"
        if folder not in self.folders:
            return f"there is no folder {folder}"
        if path in self.folders:
            return "it is a folder"
        return "" if name else "it has no name"

    @cached_property
    def _in_paths(self) -> frozenset[str]:
        return frozenset(word for name in self.names for word in re.findall(r"\w+", name))

    def _cut(self, path: str) -> frozenset[str]:
        from selfimprove.codebase.chunks import cut

        if (text := self.text(path)) is None:
            return frozenset()
        found = {one.qualified or one.symbol for one in cut(path, text.encode("utf-8", "replace")).chunks}
        parts = (name.split(".") for name in found if name)
        return frozenset(".".join(part[at:]) for part in parts for at in range(len(part)))
