"""Search: which parts of a function become functions of their own, so that it and they keep to the aims."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.codebase.measure.measure import measure
from selfimprove.errors import RefactorError
from selfimprove.executor.refactor.draft import Added, Draft
from selfimprove.executor.refactor.extract.candidates import Candidates, reasons
from selfimprove.executor.refactor.extract.carrying import unrun
from selfimprove.executor.refactor.extract.choosing import Chooser
from selfimprove.executor.refactor.extract.lines import last_line
from selfimprove.executor.refactor.extract.steps import Refused, State, made
from selfimprove.executor.refactor.extract.weights import Numbers

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterator

    from selfimprove.codebase.measure.record import FunctionMetrics
    from selfimprove.executor.refactor.extract.choosing import Choice
    from selfimprove.executor.refactor.project import Project
    from selfimprove.executor.refactor.source import Place, Source

LONGEST_SUBJECT = 72
_ATTEMPTS = 40
"""How many choices are written out before the search gives up; each costs about as much as parsing the file."""
_PER_FUNCTION = 12


@dataclass(frozen=True, slots=True)
class Aims:
    """What a function, and each helper made for it, may have at most; None is no aim.

    ``complexity`` is radon's (10 is the end of its rank B), ``cognitive`` complexipy's, ``length`` counts lines,
    ``nesting`` levels of blocks, ``branches`` and ``returns`` are pylint's.
    """

    complexity: int | None = 10
    cognitive: int | None = None
    length: int | None = None
    nesting: int | None = None
    branches: int | None = None
    returns: int | None = None

    def missed(self, one: FunctionMetrics | Numbers) -> tuple[tuple[str, int, int], ...]:
        """Return the metrics that ``one`` has too much of, each with its number and its aim."""
        found = []
        for field in fields(self):
            aim, value = getattr(self, field.name), getattr(one, field.name)
            if aim is not None and value is not None and value > aim:
                found.append((field.name, value, aim))
        return tuple(found)


class _Where(NamedTuple):
    symbol: str
    ordinal: int


class _Budget:
    """Counts down the choices that are written out."""

    def __init__(self, left: int) -> None:
        self.left = left
        self.reason = ""

    def spend(self) -> bool:
        self.left -= 1
        return self.left >= 0


def search(
    source: Source, place: Place, project: Project, aims: Aims, tried: frozenset[str] = frozenset()
) -> Draft:
    """Return the cheapest way found to bring the function, and every helper, to ``aims`` by extracting parts of it.

    Choices of which the key is in ``tried`` are passed over. Raises RefactorError with the reason when the aims
    are not reached, or are already.
    """
    if "\r" in source.text.replace("\r\n", ""):
        raise RefactorError("lines end in a carriage return alone", where=source.path)
    before = _numbers(source)
    where = _Where(place.symbol, place.ordinal)
    if not aims.missed(before[where]):
        raise RefactorError(f"{place.symbol} is within its limits already", where=source.path)
    budget = _Budget(_ATTEMPTS + 4 * len(tried))
    passed_over = 0
    for state in _solutions(State.of(source, project), where, aims, budget):
        if state.key in tried:
            passed_over += 1
            continue
        worse = _unrun(state) or _worse(before, _numbers(state.source), where, state, aims)
        if not worse:
            return _draft(state, place)
        budget.reason = worse
    reason = budget.reason
    if passed_over and not reason:
        reason = f"all {passed_over} ways that were found have been tried"
    raise RefactorError(
        reason or "nothing in it can be extracted", where=f"{source.path}:{place.node.lineno}"
    )


def _solutions(
    state: State, where: _Where, aims: Aims, budget: _Budget, *, helper: bool = False
) -> Iterator[State]:
    """Yield states in which the function and its helpers reach the aims, the cheapest choices first."""
    place = state.source.place(*where)
    missed = aims.missed(Numbers.of(place.node))
    if not missed:
        yield state
        return
    metric, value, aim = missed[0]
    limits = aims.complexity, aim
    found = Candidates.of(state.source, place, state.project, metric, limits, helper=helper)
    chooser = Chooser(found.items, found.need or value - aim)
    queue = _Queue(chooser, place.node.body, found.need or value - aim)
    if not queue.waiting:
        why = reasons(state.source, place, state.project)
        number = value - queue.most if metric != "nesting" else value
        budget.reason = budget.reason or _still(metric, number, why)
        return
    for _ in range(_PER_FUNCTION):
        choice = queue.pop()
        if choice is None or not budget.spend():
            return
        try:
            after, symbols = made(state, found, choice)
            for item, symbol in zip(choice.items, symbols, strict=True):
                done = next(_solutions(after, _Where(symbol, 1), aims, budget, helper=True), None)
                if done is None:
                    queue.hopeless.add(item.key)  # with whatever else it is chosen
                    raise Refused(item.key, f"{symbol} stays too complex")
                after = done
        except Refused as refused:
            queue.without(choice, refused.key)
            budget.reason = budget.reason or refused.message
            continue
        yield from _solutions(after, where, aims, budget, helper=helper)
        queue.others(choice)


class _Queue:
    """Choices that reach ``need``, by their costs: the best one, then the best without one or more of its items."""

    def __init__(self, chooser: Chooser, body: list[ast.stmt], need: int) -> None:
        self.chooser, self.body, self.need = chooser, body, need
        self.waiting: list[tuple[float, int, frozenset[str], Choice]] = []
        self.seen: set[frozenset[str]] = set()
        self.banned: dict[frozenset[str], frozenset[str]] = {}
        self.hopeless: set[str] = set()
        self.most = 0
        self._push(frozenset())

    def pop(self) -> Choice | None:
        """Return the next choice that was not yet returned."""
        while self.waiting:
            _, _, banned, choice = heapq.heappop(self.waiting)
            keys = frozenset(item.key for item in choice.items)
            if hopeless := keys & self.hopeless:
                self._push(banned | hopeless)
            elif keys not in self.banned:
                self.banned[keys] = banned
                return choice
        return None

    def without(self, choice: Choice, key: str) -> None:
        """Go on without the item ``key``, which cannot be made."""
        self._push(self._of(choice) | {key})

    def others(self, choice: Choice) -> None:
        """Go on with choices that differ from ``choice`` in at least one item."""
        for item in choice.items:
            self._push(self._of(choice) | {item.key})

    def _of(self, choice: Choice) -> frozenset[str]:
        return self.banned[frozenset(item.key for item in choice.items)]

    def _push(self, banned: frozenset[str]) -> None:
        if banned in self.seen:
            return
        self.seen.add(banned)
        best = self.chooser.best(self.body, banned)[-1]
        self.most = max(self.most, best.gain)
        if best.gain >= self.need:
            heapq.heappush(self.waiting, (best.cost, len(self.seen), banned, best))


def _still(metric: str, number: int, why: str) -> str:
    words = {"complexity": "", "cognitive": "cognitive complexity ", "length": "lines ", "nesting": "levels "}
    return f"still {words.get(metric, metric + ' ')}{number} after all that can be cut{': ' + why if why else ''}"


def _numbers(source: Source) -> dict[_Where, FunctionMetrics]:
    metrics = measure(source.content, extra=True)
    return {_Where(one.symbol, one.ordinal): one for one in metrics.functions}


def _worse(
    before: dict[_Where, FunctionMetrics],
    after: dict[_Where, FunctionMetrics],
    where: _Where,
    state: State,
    aims: Aims,
) -> str:
    """Return why the rewrite is no improvement, ``""`` when it is.

    What a function does counts in part for those around it, which therefore may become simpler too.
    """
    for key, one in before.items():
        if key != where and not key.symbol.startswith(f"{where.symbol}."):
            other = after.get(key)
            around = where.symbol.startswith(f"{key.symbol}.")
            if other is None or _differs(other, one, around=around):
                return f"{key.symbol} would change too"
    old, new = before[where], after[where]
    if new.complexity > old.complexity or (new.cognitive or 0) > (old.cognitive or 0):
        return f"{where.symbol} would not be simpler"
    for symbol in state.symbols:
        if aims.missed(after[_Where(symbol, 1)]):
            return f"{symbol} would be too complex"
    return ""


def _unrun(state: State) -> str:
    """Return which line of a helper no test would run, for which its proof would fail."""
    executed = state.project.covered.get(state.source.path)
    for symbol in state.symbols if executed is not None else ():
        if line := unrun(state.source, symbol, executed or frozenset()):
            return f"`{state.source.line(line).strip()}` in {symbol} is not run by any test"
    return ""


def _differs(new: FunctionMetrics, old: FunctionMetrics, *, around: bool) -> bool:
    """True when a function has other numbers than it had; one around that which is rewritten may have better ones."""
    return (new.cognitive or 0) > (old.cognitive or 0) if around else _unplaced(new) != _unplaced(old)


def _unplaced(one: FunctionMetrics) -> FunctionMetrics:
    return one._replace(line=0, end_line=0, first_line=0)


def _draft(state: State, place: Place) -> Draft:
    added = []
    for symbol in state.symbols:
        node = state.source.place(symbol).node
        added.append(Added(state.source.path, symbol, node.lineno, last_line(node)))
    added.sort(key=lambda one: one.line)
    return Draft(
        files={state.source.path: state.source.content},
        subject=_subject([symbol.rpartition(".")[2] for symbol in state.symbols], place.node.name),
        rewrites=("extract-function",),
        added=tuple(added),
        key=state.key,
        run={path: lines for path, lines in state.project.covered.items() if path == state.source.path},
    )


def _subject(names: list[str], function: str) -> str:
    *many, last = names
    text = f"Extract {', '.join(many)}{' and ' if many else ''}{last} from {function}"
    if len(text) <= LONGEST_SUBJECT:
        return text
    text = f"Extract {len(names)} functions from {function}" if many else f"Extract {last}"
    return text if len(text) <= LONGEST_SUBJECT else f"Extract {len(names)} functions"
