"""Fitting: chooses how much of each file a prompt shows, so that all of it stays within a number of tokens."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from selfimprove.codebase import fence
from selfimprove.codebase.languages import language_of
from selfimprove.codebase.pages import Page
from selfimprove.codebase.related import DEFINITIONS, calls
from selfimprove.model.context import CALLED, FOUND, Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from selfimprove.codebase.pages import Fit
    from selfimprove.model.chunk import Chunk

LARGEST = 0.5
"""Share of the room for related code that a single chunk may take, unless it is the best one."""

SIGNATURES = 0.25
"""Share of the room of a file that is shown in parts which is kept for the heads of what is not shown."""

LEAST = 16
"""Tokens below which nothing more is tried."""

WIDEST = 6
"""Characters for a token that code hardly has on average: a text with more for the room is taken not to fit."""

LONGEST = 240  # characters of a signature
NAMES = 12  # definitions that a summary names
_BLOCK = 60  # lines of a part where a file cannot be cut by its grammar
_HEAD_END = (":", "{", ";", "=", "=>", ")", "do", "then", "begin", "is")
_NOT_HEAD = re.compile(r"\s*(?:[@#*\[]|//|/\*|--|;|%|\"\"\"|'''|$)")


def fit_own(
    fit: Fit, paths: Sequence[str], places: Sequence[Place], asked: frozenset[str], room: int
) -> None:
    """Show the task's own files: whole where they fit into ``room`` tokens, else the parts that matter.

    Small files are not shortened for the sake of large ones: each gets an even share of what is left.
    ``places`` are lines in them that search found, best first; ``asked`` are the words of the task.
    """
    pages = [Page(path, own=True, text=fit.hide(fit.files.texts[path]), whole=True) for path in paths]
    costs = {page.path: fit.count(fence.whole_lines(page.text)) + fit.frame(page) for page in pages}
    room = min(room, fit.room)
    large: list[tuple[Page, int]] = []
    for left, page in zip(
        range(len(pages), 0, -1), sorted(pages, key=lambda page: costs[page.path]), strict=True
    ):
        cost = costs[page.path]
        if cost <= room // left:
            fit.take("own files", page.path, "whole", fence.whole_lines(page.text), fit.frame(page))
            fit.pages[page.path] = page
            room -= cost
        else:
            large.append((page, room // left))
            room -= room // left
    for page, share in large:
        page.whole = False
        wanted = [place for place in places if place.path == page.path]
        fit_parts(fit, page, wanted, asked, share)
    order = [path for path in paths if path in fit.pages]
    fit.pages = {path: fit.pages[path] for path in order}


def fit_parts(fit: Fit, page: Page, wanted: Sequence[Place], asked: frozenset[str], share: int) -> None:
    """Show of a large file the chunks that matter whole, and the heads of the others, in ``share`` tokens."""
    chunks = cut_text(page.path, page.text)
    limit = fit.room - min(share, fit.room)
    frame = fit.frame(page)
    heads = {
        chunk.start: head_line(chunk.start, chunk.end, chunk.signature) for chunk in chunks if chunk.signature
    }
    kept = min(sum(fit.count(head) for head in heads.values()), int(share * SIGNATURES))
    for chunk in _by_relevance(chunks, wanted, asked):
        text = fit.lines(page.path, chunk.start, chunk.end)
        around = frame + fit.around(chunk.start, chunk.end)
        if fit.room - fit.count(text) - around - kept < limit:
            continue
        if not text.strip() or not fit.take("own files", _where(page.path, chunk), "chunk", text, around):
            continue
        page.parts[chunk.start] = (chunk.end, text)
        frame = 0
    _show_hidden(fit, page, chunks, heads, limit, frame)
    if page.parts or page.heads or page.rest:
        fit.pages[page.path] = page
    else:
        fit.left_out[page.path] = f"its {len(page.text):,} characters do not fit"


def _show_hidden(
    fit: Fit, page: Page, chunks: Sequence[Chunk], heads: Mapping[int, str], limit: int, frame: int
) -> None:
    """Show the ``heads`` of the chunks of which no line is shown, until only ``limit`` tokens are left."""
    frame += fit.before_heads(page)
    hidden = [chunk for chunk in chunks if chunk.start not in page.parts and chunk.start in heads]
    for place, chunk in enumerate(hidden):
        head = heads[chunk.start]
        more = f"... and {len(hidden) - place} more definitions\n"
        if fit.room - fit.count(head) - frame - fit.count(more) < limit:
            if fit.take("own files", page.path, "summary", more, frame):
                page.rest = more
            break
        fit.take("own files", _where(page.path, chunk), "signature", head, frame)
        page.heads[chunk.start] = head
        frame = 0


def _by_relevance(chunks: Sequence[Chunk], wanted: Sequence[Place], asked: frozenset[str]) -> list[Chunk]:
    """Return ``chunks``, first those that search found, then those whose name the task says, then the others."""

    def rank(chunk: Chunk) -> tuple[int, int, int]:
        found = next(
            (at for at, place in enumerate(wanted) if place.start <= chunk.end and chunk.start <= place.end),
            len(wanted),
        )
        return found, not (chunk.symbol and chunk.symbol in asked), chunk.start

    return sorted(chunks, key=rank)


def fit_related(fit: Fit, places: Sequence[Place], *, named: Sequence[str] = ()) -> list[Place]:
    """Show code that search found: whole chunks with the heads of what they call, else heads alone.

    ``places`` are in their order of rank, what is called by others (role CALLED) after all that was found.
    ``named`` are files that the task names: they come first, and whole if they fit. Returns the places for
    which there was no room, best first.
    """
    _show_named(fit, named)
    called = _by_name(places)
    for page in list(fit.pages.values()):
        if page.own:
            _show_heads(fit, _needed(fit, page.path, page.text, called))
    over: list[Place] = []
    largest = int(fit.room * LARGEST)
    found = [place for place in places if place.role != CALLED]
    for at, place in enumerate(found):
        if fit.room < LEAST or not _show_chunk(fit, place, called, fit.room if at == 0 else largest):
            over.append(place)
    return [place for place in over if fit.room < LEAST or not _show_heads(fit, [place])]


def _show_named(fit: Fit, paths: Iterable[str]) -> None:
    """Show each of these files that fits whole and is not shown already."""
    for path in filter(fit.allows, paths):
        page = Page(path, own=False, text=fit.hide(fit.files.texts[path]), whole=True)
        text = fence.whole_lines(page.text)
        if path not in fit.pages and fit.take("related code", path, "whole", text, fit.frame(page)):
            fit.pages[path] = page


def _by_name(places: Iterable[Place]) -> dict[str, list[Place]]:
    """Return the places by the last name of what they define, without the names that too many define."""
    called: dict[str, list[Place]] = {}
    for place in places:
        if place.symbol:
            called.setdefault(_tail(place.symbol), []).append(place)
    return {name: some for name, some in called.items() if len(some) <= DEFINITIONS}


def _show_chunk(fit: Fit, place: Place, called: Mapping[str, list[Place]], largest: int) -> bool:
    """Show the lines of ``place`` and the heads of what they call; False when both do not fit."""
    page = fit.page(place.path, own=False)
    if page.shows(place.start, place.end):
        return True
    if not fit.allows(place.path):
        return True
    text = fit.lines(place.path, place.start, place.end)
    largest = min(largest, fit.room)
    if not text.strip() or len(text) > WIDEST * largest:
        return not text.strip()
    tokens = fit.count(text)
    frame = fit.frame(page) + fit.around(place.start, place.end)
    if tokens > largest or tokens + frame > fit.room:
        return False
    heads = [
        one
        for one in _needed(fit, place.path, text, called)
        if (one.path, one.start) != (place.path, place.start)
    ]
    if tokens + frame + _cost_of_heads(fit, heads, page) > fit.room:
        return False
    fit.take("related code", _lines_of(place), "chunk", text, frame)
    if page.heads.pop(place.start, ""):
        fit.give_back(_lines_of(place))
    page.parts[place.start] = (place.end, text)
    fit.pages[page.path] = page
    _show_heads(fit, heads)
    return True


def _needed(fit: Fit, path: str, text: str, called: Mapping[str, list[Place]]) -> list[Place]:
    """Return the places that define, in the same language, what ``text`` calls, and of which nothing is shown."""
    language = language_of(path)
    return [
        place
        for name in calls(text)
        for place in called.get(name, ())
        if language_of(place.path) == language and not _is_shown(fit, place)
    ]


def _is_shown(fit: Fit, place: Place) -> bool:
    page = fit.pages.get(place.path)
    return page is not None and (place.start in page.heads or page.shows(place.start, place.end))


def _cost_of_heads(fit: Fit, places: Iterable[Place], page: Page) -> int:
    """Return at most how many tokens the heads of ``places`` cost when ``page`` is shown too."""
    tokens, new = 0, {page.path}
    for place in places:
        other = fit.page(place.path, own=False)
        tokens += fit.count(_head_of(fit, place))
        tokens += fit.before_heads(other)
        if other.path not in new:
            tokens += fit.frame(other)
            new.add(other.path)
    return tokens


def _show_heads(fit: Fit, places: Iterable[Place]) -> bool:
    """Show the head of each of ``places`` that fits and is not shown; False when one did not."""
    fits = True
    for place in places:
        if _is_shown(fit, place):
            continue
        page, head = fit.page(place.path, own=False), _head_of(fit, place)
        frame = fit.frame(page)
        if not page.heads:
            frame += fit.before_heads(page)
        if head and fit.take("related code", _lines_of(place), "signature", head, frame):
            page.heads[place.start] = head
            fit.pages[page.path] = page
        else:
            fits = False
    return fits


def _head_of(fit: Fit, place: Place) -> str:
    """Return the line that shows a place by its signature, ``""`` for lines that define nothing."""
    if not place.symbol:
        return ""
    signature = fit.signatures.get((place.path, place.start), "")
    if not signature:
        signature = first_head(fit.files.lines(place.path, place.start, place.end))
    return fit.hide(head_line(place.start, place.end, signature))


def head_line(start: int, end: int, signature: str) -> str:
    """Return a definition's head with its lines: ``12-40: def total(self) -> int``."""
    short = " ".join(signature.split())
    return f"{start}-{end}: {short[:LONGEST]}\n"


def first_head(text: str) -> str:
    """Return the head of the first definition in ``text`` on one line: what comes before its body."""
    taken: list[str] = []
    for line in text.split("\n"):
        if not taken and _NOT_HEAD.match(line):
            continue
        taken.append(line.strip())
        if len(taken) == 12 or line.rstrip().endswith(_HEAD_END):
            break
    return " ".join(taken)[:LONGEST]


def summarise(fit: Fit, places: Sequence[Place]) -> str:
    """Return a line for each file of ``places``, with the names and lines found there, as many as fit."""
    by_path: dict[str, list[Place]] = {}
    for place in places:
        if place.role == FOUND and not _is_shown(fit, place):
            by_path.setdefault(place.path, []).append(place)
    shown = ""
    frame = fit.count(fence.begin(fence.BLANK, "SUMMARY")) + fit.count(fence.end(fence.BLANK, "SUMMARY"))
    for path, some in by_path.items():
        if fit.room < LEAST or not fit.allows(path):
            continue
        names = [f"{one.symbol or 'lines'} {one.start}-{one.end}" for one in some[:NAMES]]
        line = f"{fence.spelled(path)}: {', '.join(names)}\n"
        if fit.take("summaries", path, "summary", line, 0 if shown else frame):
            shown += line
    return shown and fence.begin(fit.mark, "SUMMARY") + shown + fence.end(fit.mark, "SUMMARY")


def cut_text(path: str, text: str) -> Sequence[Chunk]:
    """Return the chunks of a file by its grammar, or blocks of lines where there is no parser installed."""
    from selfimprove.model.chunk import Chunk

    try:
        from selfimprove.codebase.chunks import cut

        return cut(path, text.encode("utf-8", "replace")).chunks
    except ImportError:
        last = text.count("\n") + 1
        return [Chunk(at, min(at + _BLOCK - 1, last), "block") for at in range(1, last + 1, _BLOCK)]


def _tail(symbol: str) -> str:
    """Return the last name of a qualified one: ``total`` of ``Invoice.total`` and of ``billing::total``."""
    return symbol.replace("::", ".").replace("#", ".").rpartition(".")[2]


def _where(path: str, chunk: Chunk) -> str:
    return f"{path}:{chunk.start}-{chunk.end}"


def _lines_of(place: Place) -> str:
    return f"{place.path}:{place.start}-{place.end}"
