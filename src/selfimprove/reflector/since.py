"""Since: of all findings those that are new or worse against an older commit."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from selfimprove.reflector.matters import worse_by
from selfimprove.reflector.measure.record import FileMetrics
from selfimprove.reflector.renames import Place, places
from selfimprove.reflector.rules import facts

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence

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
    former = _former(pairs.values())
    base = {path: _by_place(path, pair.then, policy) for path, pair in pairs.items()}
    stay = []
    for finding in findings:
        if finding.path not in pairs:
            continue
        here = finding.path, (finding.symbol, finding.ordinal)
        path, place = former.get(here, here)
        then = base[path].get((finding.rule, *place))
        if then is None:
            stay.append(replace(finding, before=None))
        elif worse_by(finding.value, then.value, finding.limit) > 0:
            stay.append(replace(finding, before=then.value))
    moved = set(former.values())
    counted = [pair for path, pair in pairs.items() if asked is None or path in asked]
    return stay, sum(_got_better(pair, base[pair.path], moved, policy) for pair in counted)


def _metrics(answer: FileMetrics | NotAnalysed | None) -> FileMetrics | None:
    return answer if isinstance(answer, FileMetrics) else None


def _former(pairs: Iterable[_Pair]) -> dict[_Function, _Function]:
    """Return where each function was that has another name or file now; each old one stands for one new one.

    The body is the same, the new place is new, and at the old place is nothing or another body: a thin
    wrapper may have taken the name.
    """
    appeared: list[tuple[_Function, str]] = []
    left: dict[str, list[_Function]] = defaultdict(list)
    for pair in pairs:
        here = places(pair.now) if pair.now else {}
        there = places(pair.then) if pair.then else {}
        appeared += [((pair.path, place), body) for place, body in here.items() if place not in there]
        # A file that is not measured now may well still have all its functions.
        if pair.now or pair.deleted:
            for place, body in there.items():
                if here.get(place) != body:
                    left[body].append((pair.path, place))
    found: dict[_Function, _Function] = {}
    for function, body in appeared:
        if body and left[body]:
            found[function] = _nearest(function, left[body])
            left[body].remove(found[function])
    return found


def _nearest(function: _Function, candidates: Sequence[_Function]) -> _Function:
    """Choose among functions of the same body: one of the same file, then one of the same name."""
    path, name = function[0], _name(function)
    return min(candidates, key=lambda one: (one[0] != path, _name(one) != name, one))


def _name(function: _Function) -> str:
    return function[1][0].rpartition(".")[2]


def _got_better(pair: _Pair, base: _Facts, moved: set[_Function], policy: Policy) -> int:
    """Count the values of a file that were over their limit at the base and are lower or gone now."""
    if not pair.now and not pair.deleted:
        return 0
    now = _by_place(pair.path, pair.now, policy)
    return sum(
        key not in now or worse_by(fact.value, now[key].value, fact.limit) > 0
        for key, fact in base.items()
        if worse_by(fact.value, fact.limit, fact.limit) > 0 and (pair.path, key[1:]) not in moved
    )


def _by_place(path: str, metrics: FileMetrics | None, policy: Policy) -> _Facts:
    """Return everything that is measured in a file by rule and place."""
    found = facts(path, metrics, policy) if metrics else ()
    return {(one.rule, one.symbol, one.ordinal): one for one in found}
