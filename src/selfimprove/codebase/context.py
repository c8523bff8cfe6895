"""Context: what a model sees of the repository for a task: the best code there is for it within a number of tokens."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.codebase import fence
from selfimprove.codebase.fitting import fit_own, fit_related, summarise
from selfimprove.codebase.pages import Fit, shown_places
from selfimprove.codebase.related import Files, Related, find_all
from selfimprove.codebase.tokens import counter_for
from selfimprove.model.context import Context, Spent, TokenAllocation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selfimprove.codebase.index import Index
    from selfimprove.codebase.tokens import Counter
    from selfimprove.model.context import Place
    from selfimprove.model.task import Task

FAILURES, LESSONS, NAMES = 0.25, 0.1, 0.05
"""The most that the output of failing tests, lessons and the list of file names may have of all tokens."""

OWN = 0.85
"""The most that the task's own files may have of what is left then, when there is related code to show."""

_TRIES = 8  # how often a text that came out too long is made shorter
_WORD = re.compile(r"\w+")


class Extras(NamedTuple):
    """What a prompt shows besides code: ``names`` of the files that exist, ``lessons`` with the most useful first,
    and ``failure``, the output of what went wrong last time."""

    names: Sequence[str] = ()
    lessons: Sequence[str] = ()
    failure: str = ""


_NOTHING = Extras()


class _Wanted(NamedTuple):
    """What shall be shown: own files, files that the task names, places, and the words of the task."""

    own: Sequence[str]
    named: Sequence[str]
    places: Sequence[Place]
    asked: frozenset[str]


def build_context(
    task: Task,
    budget: int,
    index: Index | None = None,
    *,
    counter: Counter | None = None,
    files: Files | None = None,
    own: Sequence[str] | None = None,
    named: Sequence[str] = (),
    found: Related | None = None,
    extras: Extras = _NOTHING,
) -> Context:
    """Return what to show for ``task`` in at most ``budget`` tokens, by ``counter`` (any model's if None).

    ``files`` are the files as they stand; if None, those of the ``index``, which was just brought up to date.
    ``own`` are the task's own files (those of ``task.files`` if None): they come first, whole or in the parts
    that matter; then ``named`` ones, which its text names; then ``found`` code, as `find_all` finds it in the
    index if None: whole chunks with the signatures of what they call, signatures alone, a summary; then the
    ``extras`` within their shares. The same arguments give the same text. Raises ValueError without both files
    and index.
    """
    counter = counter or counter_for("")
    files = files or _indexed(index)
    own = task.files if own is None else own
    words = question(task, extras.failure)
    if found is None and index is not None:
        found = find_all(words, index, files, own, budget)
    found = found or Related()
    wanted = _Wanted(
        tuple(dict.fromkeys(own)),
        tuple(path for path in dict.fromkeys(named) if path not in own),
        found.places,
        frozenset(_WORD.findall(words)),
    )
    sources = [words, *(files.text(path) or "" for path in own), repr(found.places), repr(extras)]
    free = [tidy(path) for path in task.files] or [""]
    fresh = partial(Fit, counter, files=files, signatures=found.signatures, free=free)
    fit, text, used = _try(fresh, budget, wanted, extras, sources)
    marks = Spent("frame", "marks", "whole", used - sum(one.tokens for one in fit.spent))
    allocation = TokenAllocation(budget, used, counter.name, counter.exact, (*fit.spent, marks))
    return Context(text, allocation, shown_places(fit), tuple(fit.left_out.items()))


def _try(
    fresh: partial[Fit], budget: int, wanted: _Wanted, extras: Extras, sources: Sequence[str]
) -> tuple[Fit, str, int]:
    """Return the first text that is within ``budget``, hides each secret and has a mark that is in none of
    ``sources``, with what it consists of and its tokens; ``""`` when none of several tries is."""
    shorter, number, careful = 0, 0, False
    for _ in range(_TRIES):
        # The parts can come to a few tokens less than the whole: then the next try has less room.
        room = max(budget - shorter * (2 + budget // 50), 0)
        mark = fence.mark_for(sources, number)
        fit = fresh(room=room, mark=mark, careful=careful)
        text = _text(fit, wanted, extras)
        used = fit.count(text)
        hides = not careful and fit.files.hide(text) != text
        if used <= budget and not fit.clash and not hides:
            return fit, text, used
        shorter, number, careful = shorter + (used > budget), number + fit.clash, careful or hides
    return fresh(room=0, mark=mark), "", 0


def tidy(path: str) -> str:
    """Return a path of tasks.yml as git writes it, ``""`` for the top folder."""
    path = path.removeprefix("./").rstrip("/")
    return "" if path == "." else path


def question(task: Task, failure: str = "") -> str:
    """Return what search is asked for a task: its words, and the end of what went wrong."""
    said = dict.fromkeys(part.strip() for part in (task.title, task.description, task.prompt or ""))
    return "\n".join([part for part in said if part] + ([failure[-4000:]] if failure else []))


def _indexed(index: Index | None) -> Files:
    if index is None:
        raise ValueError("a context needs files or an index")
    root = index.origin.root

    def read(path: str) -> bytes | None:
        try:
            return (root / path).read_bytes()
        except OSError:
            return None

    return Files(read, indexed=True)


def _text(fit: Fit, wanted: _Wanted, extras: Extras) -> str:
    """Return the text for ``wanted``; what it consists of is in ``fit``."""
    whole = fit.room
    failure = _extra(fit, "failures", "OUTPUT", _ends(fit, extras.failure, int(whole * FAILURES)))
    lessons = _extra(fit, "lessons", "LESSONS", _first(fit, extras.lessons, int(whole * LESSONS)))
    names = _extra(fit, "file names", "NAMES", _first(fit, extras.names, int(whole * NAMES)))
    own = [path for path in wanted.own if fit.allows(path)]
    others = [place for place in wanted.places if place.path not in wanted.own]
    related_too = bool(others or wanted.named)
    fit_own(fit, own, wanted.places, wanted.asked, int(fit.room * OWN) if related_too else fit.room)
    over = fit_related(fit, others, named=wanted.named)
    omitted = [f"{path}: {why}" for path, why in fit.left_out.items()]
    without = _extra(fit, "summaries", "OMITTED", _first(fit, omitted, int(whole * NAMES)))
    summary = summarise(fit, over)
    pages = [fit.render(page) for page in fit.pages.values()]
    return "\n".join(part for part in (*pages, summary, without, names, lessons, failure) if part)


def _extra(fit: Fit, section: str, kind: str, shown: tuple[str, str]) -> str:
    """Return a fenced piece that is not code; ``shown`` is its text and how much of it there is."""
    text, mode = shown
    around = fit.count(fence.begin(fence.BLANK, kind)) + fit.count(fence.end(fence.BLANK, kind))
    if not text or not fit.take(section, kind.lower(), mode, text, around):
        return ""
    return fence.begin(fit.mark, kind) + text + fence.end(fit.mark, kind)


def _first(fit: Fit, lines: Sequence[str], limit: int) -> tuple[str, str]:
    """Return as many of ``lines``, from the first, as fit into ``limit`` tokens."""
    shown: list[str] = []
    left = limit
    for line in lines:
        text = fit.hide(fence.spelled(line) + "\n")
        left -= fit.count(text)
        if left < 0:
            return "".join(shown), "cut"
        shown.append(text)
    return "".join(shown), "whole"


def _ends(fit: Fit, text: str, limit: int) -> tuple[str, str]:
    """Return ``text``, or its beginning and twice as much of its end when it is over ``limit`` tokens."""
    text = fit.hide(fence.whole_lines(text))
    if fit.count(text) <= limit:
        return text, "whole"
    low, high, best = 0, len(text), ""
    while low < high:
        kept = (low + high + 1) // 2
        cut = f"{text[: kept // 3]}\n(... {len(text) - kept:,} characters left out ...)\n{text[-(kept - kept // 3) :]}"
        if fit.count(cut) <= limit:
            low, best = kept, cut
        else:
            high = kept - 1
    return best, "cut"
