"""Rewrite: what can be done about a wish: small rewrites alone, a large one, or the one on top of the others."""

from __future__ import annotations

import ast
import hashlib
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from selfimprove.codebase.measure.measure import measure
from selfimprove.codebase.measure.record import FunctionMetrics, MeasureError
from selfimprove.errors import RefactorError, SelfimproveError
from selfimprove.executor.patching.diff import opcodes
from selfimprove.executor.refactor.draft import Draft
from selfimprove.executor.refactor.limit import line_length
from selfimprove.executor.refactor.source import Source
from selfimprove.executor.refactor.table import REWRITES
from selfimprove.executor.refactor.untested import untested

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from selfimprove.executor.refactor.project import Project
    from selfimprove.executor.refactor.source import Place
    from selfimprove.executor.refactor.table import Rewrite
    from selfimprove.executor.refactor.wish import Wish


NOTHING = "nothing_to_do"
"""The code of the error when no rewrite that was asked for has anything to do."""


class _State(NamedTuple):
    """A source on its way: the file after some small rewrites, and the place of the function in it."""

    source: Source
    project: Project
    place: Place | None
    done: tuple[Rewrite, ...] = ()


def propose(project: Project, wish: Wish, tried: Collection[str] = ()) -> Draft:
    """Return the first change that does what ``wish`` asks for and whose key is not among those that were ``tried``.

    Small rewrites come first, alone; then each large one, on the file as it is and after the small ones. The
    function and every new one reach the aims, and no other gets worse. Raises RefactorError with the reason when
    nothing is left; its code is NOTHING when there was nothing to do in the first place.
    """
    reasons: list[str] = []
    for aims in _levels(wish):
        for draft in _choices(project, wish, aims, tried, reasons):
            if draft.key in tried:
                reasons.append("every way to do it was tried")
            elif short := shortfall(project, wish, aims, draft) or _untested(project, wish, draft):
                reasons.append(short)
            else:
                return draft
    if any(reasons) or not wish.rewrites:
        raise RefactorError(_told(reasons, wish), where=wish.path)
    reached = f"{wish.symbol} is within its limits already" if _is_reached(project, wish) else ""
    error = RefactorError(reached or _told(reasons, wish), where=wish.path)
    error.code = NOTHING
    raise error


def _is_reached(project: Project, wish: Wish) -> bool:
    """True when the function is as the wish would have it, before anything is done."""
    try:
        now = functions_of(_content(project, wish.path)).get((wish.symbol, wish.ordinal))
    except (MeasureError, RefactorError):
        return False
    return now is not None and bool(wish.aims) and not _over(now, wish.aims)


def _levels(wish: Wish) -> tuple[Mapping[str, int], ...]:
    return (wish.aims, wish.least) if wish.least and wish.least != wish.aims else (wish.aims,)


def _told(reasons: list[str], wish: Wish) -> str:
    """Return the reason of the most thorough attempt: the last one that has any."""
    if not wish.rewrites:
        return "no rewrite mends this"
    return next(filter(None, reversed(reasons)), "there is nothing to do")


def _choices(
    project: Project, wish: Wish, aims: Mapping[str, int], tried: Collection[str], reasons: list[str]
) -> Iterator[Draft]:
    """Yield what can be done, the least change first; what stands in the way is added to ``reasons``.

    ``""`` stands there for a rewrite that has nothing to do.
    """
    try:
        content = _content(project, wish.path)
        source = Source.read(wish.path, content, line_length(project.files))
        place = source.place(wish.symbol, wish.ordinal) if wish.symbol else None
    except RefactorError as error:
        reasons.append(error.message)
        return
    start = _State(source, project, place)
    wanted = [REWRITES[name] for name in wish.rewrites]
    after = _after_small_ones(start, wanted, wish, reasons)
    if after.done:
        yield _small_draft(after, wish)
    else:
        reasons.append("")
    for large in (one for one in wanted if one.large):
        for state in (start, after) if after.done else (start,):
            try:
                draft = _large(large, state, wish, aims, tried)
            except Exception as error:
                reasons.append(_reason(error, large))
            else:
                yield draft


def _after_small_ones(state: _State, wanted: list[Rewrite], wish: Wish, reasons: list[str]) -> _State:
    """Return the state after all small rewrites, each on top of those before it."""
    for small in wanted:
        if small.large:
            continue
        try:
            state = _applied(small, state, wish)
        except Exception as error:
            reasons.append(_reason(error, small))
    return state


def _reason(error: Exception, rewrite: Rewrite) -> str:
    """Return why a rewrite made nothing; a fault of its own is told too, and keeps no other from being tried.

    What a person has to mend first (a tool that is missing) is raised again.
    """
    if isinstance(error, RefactorError):
        # One for whole files looks at each place, and says so when none is of its kind.
        return "" if rewrite.scope == "file" or error.code == NOTHING else error.message
    if isinstance(error, SelfimproveError):
        raise error
    if isinstance(error, RecursionError):
        return "the code is nested too deeply"
    return f"a fault of selfimprove in {rewrite.name}: {type(error).__name__}: {error}"


def _content(project: Project, path: str) -> bytes:
    try:
        return project.files[path]
    except KeyError:
        raise RefactorError(f"there is no file {path}", where=path) from None


def _applied(rewrite: Rewrite, state: _State, wish: Wish) -> _State:
    """Return the state after a small rewrite; the same state when that changes nothing."""
    splices = rewrite.function()(state.source, state.project, state.place)
    if not splices:
        return state
    source = state.source.but(splices)
    if source.text == state.source.text:
        return state
    place = source.place(wish.symbol, wish.ordinal) if wish.symbol else None
    return _State(source, _moved(state.project, state.source, source), place, (*state.done, rewrite))


def _moved(project: Project, old: Source, new: Source) -> Project:
    """Return the project with the new file, and what tests run in the numbers of its lines.

    A line that only got another indentation is the same line; of any other nothing is known, which counts as
    not run.
    """
    covered = dict(project.covered)
    if old.path in covered:
        one, two = (source.text.splitlines() for source in (old, new))
        run = set()
        for tag, first, last, start, _ in opcodes([row.strip() for row in one], [row.strip() for row in two]):
            if tag == "equal":
                run |= {start + at - first + 1 for at in range(first, last) if at + 1 in covered[old.path]}
        covered[old.path] = frozenset(run)
    return replace(project, files={**project.files, new.path: new.content}, covered=covered)


def landed(project: Project, draft: Draft) -> Project:
    """Return the project in which ``draft`` has landed, with what is known of lines that stay the same."""
    for path, content in sorted(draft.files.items()):
        if path in project.covered and path in project.files:
            project = _moved(project, *(Source.read(path, one) for one in (project.files[path], content)))
    return replace(project, files={**project.files, **draft.files}, covered={**project.covered, **draft.run})


def _small_draft(state: _State, wish: Wish) -> Draft:
    names = tuple(one.name for one in state.done)
    content = state.source.content
    digest = hashlib.sha256(content).hexdigest()[:12]
    return Draft(
        {wish.path: content},
        state.done[0].subject.format(name=wish.name),
        names,
        key=f"{'+'.join(names)}:{wish.symbol}#{wish.ordinal}:{digest}",
    )


def _large(
    rewrite: Rewrite, state: _State, wish: Wish, aims: Mapping[str, int], tried: Collection[str]
) -> Draft:
    """Return what a large rewrite makes of the state, with the small ones that came before it in its name."""
    if state.place is None and rewrite.scope == "function":
        raise RefactorError(f"{rewrite.name} is for a function: name one as {wish.path}:FUNCTION")
    before = tuple(one.name for one in state.done)
    lead = f"{'+'.join(before)}+" if before else ""
    if rewrite.searches:
        from selfimprove.executor.refactor.extract.search import Aims

        now = functions_of(state.source.content).get((wish.symbol, wish.ordinal))
        if now is not None and not Aims(**aims).missed(now):
            error = RefactorError(f"{wish.symbol} is within its limits already", where=wish.path)
            error.code = NOTHING
            raise error
        mine = frozenset(key.removeprefix(lead) for key in tried if key.startswith(lead))
        draft: Draft = rewrite.function()(state.source, state.place, state.project, Aims(**aims), mine)
    else:
        told = {"lasting": wish.by_hand} if rewrite.keeps else {}
        draft = rewrite.function()(state.source, state.project, state.place, **told)
    return replace(
        draft,
        rewrites=(*before, *draft.rewrites),
        key=lead + (draft.key or f"{rewrite.name}:{wish.symbol}#{wish.ordinal}"),
    )


def _untested(project: Project, wish: Wish, draft: Draft) -> str:
    """Return which line that a draft changes is run by no test, so that it could not be proved."""
    after = functions_of(draft.files[wish.path]) if wish.symbol and wish.path in draft.files else {}
    now = after.get((wish.symbol, wish.ordinal))
    return untested(project, wish, draft, (now.line, now.end_line) if now else None)


def shortfall(project: Project, wish: Wish, aims: Mapping[str, int], draft: Draft) -> str:
    """Return what a draft does not reach or makes worse, ``""`` when it is as it should be."""
    costs = any(REWRITES[name].costs for name in draft.rewrites)
    for path, content in draft.files.items():
        if not path.endswith(".py"):
            continue
        try:
            after = functions_of(content)
            before = functions_of(project.files[path]) if path in project.files else {}
        except MeasureError as error:
            return f"the rewritten {path} cannot be measured: {error}"
        for key, now in after.items():
            is_target = (path, *key) == (wish.path, wish.symbol, wish.ordinal)
            over = _over(now, aims) if is_target or key not in before else ""
            if over:
                return f"{now.symbol} would have {over}"
            if not is_target and not costs and key in before and (worse := _worse(before[key], now)):
                return f"{now.symbol} would get worse: {worse}"
    return ""


def _over(now: FunctionMetrics, aims: Mapping[str, int]) -> str:
    for name, most in aims.items():
        value = getattr(now, name)
        if value is not None and value > most:
            return f"{name} {value}, more than {most}"
    return ""


def _worse(before: FunctionMetrics, now: FunctionMetrics) -> str:
    for name in ("complexity", "cognitive"):
        old, new = getattr(before, name), getattr(now, name)
        if old is not None and new is not None and new > old:
            return f"{name} {old} -> {new}"
    return ""


@lru_cache(maxsize=32)
def functions_of(content: bytes) -> dict[tuple[str, int], FunctionMetrics]:
    """Return the metrics of every function in a file by (symbol, ordinal). Raises MeasureError."""
    return {(one.symbol, one.ordinal): one for one in measure(content, extra=True).functions}


def executed_in(project: Project, draft: Draft) -> dict[str, Any] | None:
    """Return how many lines of the new functions are lines that tests execute where they stand today.

    ``executed``, ``total`` and ``missing`` (numbers in the new text) of lines that begin a statement; where who made
    the draft does not tell what is run, of those that were there before, but for their indentation. None when no
    file with a new function was traced.
    """
    total, missing = 0, []
    paths = sorted({one.path for one in draft.added if one.path in project.covered})
    for path in paths:
        new = Source.read(path, draft.files[path])
        spans = [(one.line, one.end_line) for one in draft.added if one.path == path]
        lines = [line for first, last in spans for line in _statement_lines(new, first, last)]
        run = draft.run.get(path)
        if run is None:
            lines, run = _of_old(project, new, lines)
        total += len(lines)
        missing += [line for line in lines if line not in run]
    return {"executed": total - len(missing), "total": total, "missing": missing} if paths else None


def _of_old(project: Project, new: Source, lines: list[int]) -> tuple[list[int], frozenset[int]]:
    """Return those of ``lines`` that the old text has too, and those that it has where tests run them."""
    old = Source.read(new.path, project.files[new.path]).text.splitlines()
    executed = project.covered[new.path]
    known = {row.strip() for row in old}
    run = {row.strip() for number, row in enumerate(old, 1) if number in executed}
    rows = {line: new.line(line).strip() for line in lines}
    there = [line for line in lines if rows[line] in known]
    return there, frozenset(line for line in there if rows[line] in run)


def _statement_lines(source: Source, first: int, last: int) -> list[int]:
    """Return the lines from ``first`` to ``last`` on which a statement begins, docstrings aside."""
    found = {
        node.lineno
        for node in ast.walk(source.tree)
        if isinstance(node, ast.stmt)
        and first < node.lineno <= last
        and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
    }
    return sorted(found)
