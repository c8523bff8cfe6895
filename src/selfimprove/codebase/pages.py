"""Pages: what a prompt shows of each file, and the count of the tokens that this takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from selfimprove.codebase import fence
from selfimprove.codebase.sources import LARGEST
from selfimprove.model.context import FOUND, OWN, Place, Spent

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from selfimprove.codebase.related import Files
    from selfimprove.codebase.tokens import Counter

_HEADS = "signatures only"
_NO_TEXT = ("it is not a text file", "there is no such file")


@dataclass(slots=True)
class Page:
    """What is shown of one file: all of it, or some runs of lines and the heads of others, by first line."""

    path: str
    own: bool
    text: str = ""
    whole: bool = False
    parts: dict[int, tuple[int, str]] = field(default_factory=dict)
    heads: dict[int, str] = field(default_factory=dict)
    rest: str = ""

    def shows(self, start: int, end: int) -> bool:
        """True when one of these lines is shown already."""
        return self.whole or any(start <= last and first <= end for first, (last, _) in self.parts.items())


def _hidden(files: Files, path: str) -> str:
    """Say why a file is not shown, ``""`` when it is."""
    if why := fence.private(path):
        return why
    content = files.content(path)
    if content is not None and len(content) > LARGEST:
        return f"it is too large ({len(content):,} bytes)"
    return files.secret(path) if files.text(path) is not None else _NO_TEXT[content is None]


def below(path: str, places: Iterable[str]) -> bool:
    """True when ``path`` is one of ``places`` or stands in one that is a folder; ``""`` is the top folder."""
    return any(not place or path == place or path.startswith(f"{place}/") for place in places)


@dataclass(slots=True)
class Fit:
    """Takes pieces as long as there is room, and remembers what each cost.

    ``mark`` is the fence's; ``signatures`` are known heads of places. ``free``
    are the files and folders that may be changed, ``""`` being all; the others are shown for reference.
    ``careful`` says that there are secrets in the texts: they are hidden piece by piece. ``clash`` is set when
    a text that is shown contains the mark.
    """

    counter: Counter
    room: int
    mark: str
    files: Files
    signatures: Mapping[tuple[str, int], str]
    free: Sequence[str]
    careful: bool = False
    pages: dict[str, Page] = field(default_factory=dict)
    spent: list[Spent] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    clash: bool = False

    def allows(self, path: str) -> bool:
        """True when the text of a file can be shown; else the reason is noted in ``left_out``."""
        if path not in self.files.reasons:
            self.files.reasons[path] = _hidden(self.files, path)
        if why := self.files.reasons[path]:
            self.left_out[path] = why
        return not why

    def count(self, text: str) -> int:
        """Return the tokens of ``text``."""
        return self.counter.count(text)

    def hide(self, text: str) -> str:
        """Return ``text`` without the keys in it, when it is known that there are some."""
        return self.files.hide(text) if self.careful else text

    def lines(self, path: str, start: int, end: int) -> str:
        """Return these lines of a file."""
        return self.hide(self.files.lines(path, start, end))

    def take(self, section: str, what: str, mode: str, text: str, frame: int = 0) -> bool:
        """Note a piece if it fits, with ``frame`` tokens for the lines around it; False when it does not."""
        tokens = self.count(text)
        if tokens + frame > self.room:
            return False
        self.room -= tokens + frame
        self.clash = self.clash or self.mark in text or self.mark in what
        self.spent.append(Spent(section, what, mode, tokens))
        return True

    def give_back(self, what: str) -> None:
        """Take back a signature in whose place the whole is shown now."""
        for spent in [one for one in self.spent if (one.what, one.mode) == (what, "signature")]:
            self.room += spent.tokens
            self.spent.remove(spent)

    def page(self, path: str, *, own: bool) -> Page:
        """Return the page of a file, a new one that is not yet shown if there is none."""
        return self.pages.get(path) or Page(path, own)

    def heading(self, page: Page, mark: str) -> str:
        """Return the line before a page."""
        notes = [] if page.whole else ["parts"]
        if not (page.own or below(page.path, self.free)):
            notes = ["reference", *notes]
        return fence.begin(mark, "FILE", page.path, ", ".join(notes))

    def frame(self, page: Page) -> int:
        """Return the tokens of the lines around a page that is not shown yet, 0 for one that is."""
        if page.path in self.pages:
            return 0
        return self.count(self.heading(page, fence.BLANK)) + self.count(fence.end(fence.BLANK, "FILE"))

    def around(self, start: int, end: int) -> int:
        """Return the tokens of the line before a run of lines; they are the same for all numbers as long."""
        numbers = f"{'0' * len(str(start))}-{'0' * len(str(end))}"
        return self.count(fence.part(fence.BLANK, f"lines {numbers}"))

    def before_heads(self, page: Page) -> int:
        """Return the tokens of the line before the first head of a page."""
        return 0 if page.heads else self.count(fence.part(fence.BLANK, _HEADS))

    def render(self, page: Page) -> str:
        """Return a page with its marks, its parts in the order of the file."""
        shown = fence.whole_lines(page.text) if page.whole else ""
        for start, (end, text) in sorted(page.parts.items()):
            shown += fence.part(self.mark, f"lines {start}-{end}") + fence.whole_lines(text)
        if page.heads:
            shown += fence.part(self.mark, _HEADS)
            shown += "".join(head for _, head in sorted(page.heads.items()))
        return self.heading(page, self.mark) + shown + page.rest + fence.end(self.mark, "FILE")


def shown_places(fit: Fit) -> tuple[Place, ...]:
    """Return the lines that are shown, page by page."""
    places = []
    for page in fit.pages.values():
        role = OWN if page.own else FOUND
        if page.whole:
            places.append(Place(page.path, 1, 0, "", role))
        places += [Place(page.path, start, last, "", role) for start, (last, _) in sorted(page.parts.items())]
    return tuple(places)
