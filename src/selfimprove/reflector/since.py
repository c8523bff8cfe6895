"""Since: of all findings those that are new or worse against an older commit."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from selfimprove.codebase.measure.record import FileMetrics
from selfimprove.reflector.matters import worse_by
from selfimprove.reflector.renames import Place, pair_up, places, same_named
from selfimprove.reflector.rules import facts

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Hashable, Iterable, Mapping, Sequence

    from selfimprove.model.audit import NotAnalysed
    from selfimprove.model.finding import Finding
    from selfimprove.model.history import Change
    from selfimprove.reflector.engine import Engine
    from selfimprove.reflector.policy import Policy

_Function = tuple[str, Place]  # the path of today, and the place in it
_Facts = dict[tuple[str, str, int], "Finding"]


@dataclass(frozen=True, slots=True)
class _Pair:
    """A changed file now and at the base, None where it is not there or is not measured."""

    path: str
    now: FileMetrics | None
    then: FileMetrics | None
    deleted: bool


def since(
    findings: Iterable[Finding],
    measured: Mapping[str, FileMetrics],
    changes: Sequence[Change],
    engine: Engine,
    policy: Policy,
    deleted: Mapping[str, str] = MappingProxyType({}),
    *,
    asked: Container[str] | None = None,
) -> tuple[list[Finding], int]:
    """Return the findings that are not in the base or worse than there, and how many others got better.

    ``changes`` are the files that differ between the base and the tree as it is measured, renames followed;
    ``old`` is the blob at the base. ``deleted`` are the blobs there of files that are gone, by path. Files and
    functions are known again under another name, and a function with the same body also in another file. Only
    what got better in the paths ``asked`` counts, everything without them.

    ``before`` becomes the value at the base, None for what is new or could not be measured there. Findings of
    rules that look at more than one file, or that another tool makes, stay when their file changed. What got
    better are values that were over their limit and are now lower or gone.
    """
    blobs = {one.path: one.old for one in changes} | dict(deleted)
    older = engine.blobs([(blob, path) for path, blob in blobs.items() if blob], extra=policy.needs_extra)
    pairs = {
        path: _Pair(path, measured.get(path), _metrics(older.get(blob)), path in deleted)
        for path, blob in blobs.items()
    }
    base = {path: _by_place(path, pair.then, policy) for path, pair in pairs.items()}
    now = {path: _by_place(path, pair.now, policy) for path, pair in pairs.items()}
    past = _Past(pairs.values(), now)
    compared = [_compared(finding, base, past) for finding in findings if finding.path in pairs]
    stay = [finding for finding in compared if finding is not None]
    counted = [pair for path, pair in pairs.items() if asked is None or path in asked]
    return stay, sum(_got_better(pair, base[pair.path], now[pair.path], past) for pair in counted)


def _compared(finding: Finding, base: Mapping[str, _Facts], past: _Past) -> Finding | None:
    """Return the finding with its value at the base, None when it was there and is no worse now."""
    was = past.of(finding.rule, (finding.path, (finding.symbol, finding.ordinal)))
    then = base[was[0]].get((finding.rule, *was[1])) if was else None
    if then is None:
        return finding._replace(before=None)
    return (
        finding._replace(before=then.value)
        if worse_by(finding.value, then.value, finding.limit) > 0
        else None
    )


def _metrics(answer: FileMetrics | NotAnalysed | None) -> FileMetrics | None:
    return answer if isinstance(answer, FileMetrics) else None


class _Past:
    """Which function at the base each function of today was; in each rule one there stands for one here.

    What still has its name and file is the same one. A function of another name or file is one of the base
    that has the same body, unless what has that one's name now is over the limit itself: then this is a copy.
    So a thin wrapper may take the name, and the value moves with the body.
    """

    def __init__(self, pairs: Iterable[_Pair], now: Mapping[str, _Facts]) -> None:
        self.now = now
        self.same: dict[_Function, _Function] = {}
        self.new: dict[_Function, str] = {}  # and its body
        left: dict[_Function, str] = {}
        for pair in pairs:
            left |= self._read(pair)
        self.heirs = {old: function for function, old in self.same.items()}
        self.moved: dict[_Function, _Function] = {}
        # What is gone for sure comes before what has another body now.
        for renewed in (False, True):
            old = {one: body for one, body in left.items() if body and (one in self.heirs) is renewed}
            new = {one: body for one, body in self.new.items() if body and one not in self.moved}
            self.moved |= pair_up(new, old, _SAME_BODY)
        self.left = frozenset(self.moved.values())

    def _read(self, pair: _Pair) -> dict[_Function, str]:
        """Tell what is the same and what is new in a file, and return what may be elsewhere now, with its body."""
        here = places(pair.now) if pair.now else {}
        there = places(pair.then) if pair.then else {}
        same = same_named(pair.now, pair.then) if pair.now and pair.then else {}
        self.same |= {(pair.path, place): (pair.path, old) for place, old in same.items()}
        self.new |= {(pair.path, place): body for place, body in here.items() if place not in same}
        if not pair.now and not pair.deleted:  # not measured: it may well still have all its functions
            return {}
        unchanged = {old for place, old in same.items() if here[place] == there[old]}
        return {(pair.path, place): body for place, body in there.items() if place not in unchanged}

    def of(self, rule: str, function: _Function) -> _Function | None:
        """Return what ``function`` (or a place that is none) was when ``rule`` looked at the base."""
        if function not in self.new:
            return self.same.get(function, function)
        old = self.moved.get(function)
        return old if old and self.has_moved(rule, old) else None

    def has_moved(self, rule: str, old: _Function) -> bool:
        """True when a function of the base is known again in another place, as far as ``rule`` goes."""
        return old in self.left and not (old in self.heirs and self._is_over(rule, self.heirs[old]))

    def _is_over(self, rule: str, function: _Function) -> bool:
        fact = self.now[function[0]].get((rule, *function[1]))
        return fact is not None and worse_by(fact.value, fact.limit, fact.limit) > 0


def _name(function: _Function) -> str:
    return function[1][0].rpartition(".")[2]


# Of functions with the same body one of the same file is meant, then one of the same name.
_SAME_BODY: tuple[Callable[[_Function, str], Hashable], ...] = (
    lambda one, body: (body, one[0], _name(one)),
    lambda one, body: (body, one[0]),
    lambda one, body: (body, _name(one)),
    lambda _one, body: body,
)


def _got_better(pair: _Pair, base: _Facts, now: _Facts, past: _Past) -> int:
    """Count the values of a file that were over their limit at the base and are lower or gone now."""
    if not pair.now and not pair.deleted:
        return 0
    better = 0
    for (rule, symbol, ordinal), fact in base.items():
        was = pair.path, (symbol, ordinal)
        if worse_by(fact.value, fact.limit, fact.limit) <= 0 or past.has_moved(rule, was):
            continue
        heir = past.heirs.get(was)
        if heir is None and was not in past.same and was not in past.new:
            heir = was  # what is no function, or is not measured
        then = now.get((rule, *heir[1])) if heir else None
        better += then is None or worse_by(fact.value, then.value, fact.limit) > 0
    return better


def _by_place(path: str, metrics: FileMetrics | None, policy: Policy) -> _Facts:
    """Return everything that is measured in a file by rule and place."""
    found = facts(path, metrics, policy) if metrics else ()
    return {(one.rule, one.symbol, one.ordinal): one for one in found}
