"""Duplicated blocks (SI201): the same statements in more than one place of the measured files."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.codebase.measure.blocks import BREAK, WINDOW
from selfimprove.model.finding import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from selfimprove.codebase.measure.record import FileMetrics
    from selfimprove.reflector.policy import Policy

    Blocks = tuple[tuple[int, int, int], ...]

RULE = "SI201"
_NAMED = 3  # other places that a message names
_BASE, _PRIME = 1_000_003, 2**61 - 1


class _Place(NamedTuple):
    """Windows ``first`` to ``last`` of a file, counted from 0."""

    path: str
    first: int
    last: int

    @property
    def statements(self) -> int:
        return self.last - self.first + WINDOW


class _Twin(NamedTuple):
    """A place, and the earliest one where the same stands."""

    here: _Place
    there: _Place


def find_duplicates(measured: Mapping[str, FileMetrics], policy: Policy) -> list[Finding]:
    """Return one finding for each block of statements that stands earlier too, in another file or the same.

    Files and lines are ordered by name and number; the first place of a block is the one that the findings
    name, and has none of its own. Blocks are as long as they can be; a block counts from as many statements on
    as the limit for its file says (at least WINDOW, which is what hashes are over). Files for which the rule
    is off are not looked at. The time is linear in the number of statements: each place is compared with the
    first of its kind only, so that much-repeated code has one finding a place and not one a pair.
    """
    limits = {path: limit for path in sorted(measured) if (limit := _limit(policy, path)) is not None}
    found: list[Finding] = []
    seen: dict[tuple[int, int], tuple[str, int]] = {}
    by_length = sorted(set(limits.values()))
    for path, limit in limits.items():
        runs: list[_Twin] = []
        for place, key in _keys(path, _blocks(measured[path]), by_length):
            first = seen.setdefault((key, place.statements), (path, place.first))
            if place.statements == limit and _apart(first, place):
                there = _Place(first[0], first[1], first[1] + place.last - place.first)
                _add(runs, _Twin(place, there))
        found += _findings(path, _regions(runs, limit), measured, limit)
    return found


def _limit(policy: Policy, path: str) -> int | None:
    limit = policy.limit(RULE, path)
    return None if limit is None else max(WINDOW, int(limit))


def _keys(path: str, blocks: Blocks, lengths: list[int]) -> Iterator[tuple[_Place, int]]:
    """Yield every block of one of ``lengths`` statements with a number for what it is (Karp and Rabin, 1987)."""
    for length in lengths:
        size = length - WINDOW + 1
        oldest = pow(_BASE, size, _PRIME)
        key = count = 0
        for index, (number, _, _) in enumerate(blocks):
            if number == BREAK:
                key = count = 0
                continue
            key, count = (key * _BASE + number) % _PRIME, count + 1
            if count > size:
                key = (key - blocks[index - size][0] * oldest) % _PRIME
            if count >= size:
                yield _Place(path, index - size + 1, index), key


def _apart(first: tuple[str, int], place: _Place) -> bool:
    return first[0] != place.path or first[1] + place.statements <= place.first


def _add(runs: list[_Twin], twin: _Twin) -> None:
    """Lengthen the last of ``runs`` by a twin that goes on with it in both places, or begin a new one."""
    if runs:
        here, there = runs[-1]
        follows = twin.here.last == here.last + 1 and twin.there.last == there.last + 1
        if follows and there.path == twin.there.path and (there.path != here.path or there.last < here.first):
            runs[-1] = _Twin(here._replace(last=twin.here.last), there._replace(last=twin.there.last))
            return
    runs.append(twin)


def _regions(runs: list[_Twin], limit: int) -> Iterator[tuple[_Place, list[_Place]]]:
    """Yield the places in one file where something is duplicated, with all first places of it.

    Runs that overlap are one place, unless the first place begins anew: then a copy follows a copy.
    """
    here: _Place | None = None
    others: list[_Place] = []
    for run in runs:
        if here and run.here.first <= here.last:
            anew = run.there.path == others[0].path and run.there.first <= others[0].first
            if not anew or run.here.first - here.first < limit:
                here = here._replace(last=max(here.last, run.here.last))
                others.append(run.there)
                continue
            here = here._replace(last=max(here.first, run.here.first - WINDOW))
        if here:
            yield here, others
        here, others = run.here, [run.there]
    if here:
        yield here, others


def _findings(
    path: str,
    regions: Iterator[tuple[_Place, list[_Place]]],
    measured: Mapping[str, FileMetrics],
    limit: int,
) -> Iterator[Finding]:
    ordinals: Counter[str] = Counter()
    for here, others in regions:
        first, last = _lines(here, measured)
        symbol = _symbol(measured[path], first, last)
        ordinals[symbol] += 1
        where = _named(sorted(set(others), key=lambda place: -place.statements), measured)
        yield Finding(
            rule=RULE,
            path=path,
            line=first,
            end_line=last,
            symbol=symbol,
            severity=Severity.WARNING if here.statements > 2 * limit else Severity.NOTE,
            value=here.statements,
            limit=limit,
            message=f"{symbol or path} repeats {here.statements} statements in lines {first}-{last} that also "
            f"stand in {where}, limit {limit}",
            suggestion=f"Keep the statements of {path}:{first}-{last} in one place: make them a function that "
            f"both places call, with what differs as parameters, or have one of the two call the other. "
            "Behaviour and public names stay as they are.",
            ordinal=ordinals[symbol],
        )


def _named(places: list[_Place], measured: Mapping[str, FileMetrics]) -> str:
    said = []
    for place in places[:_NAMED]:
        first, last = _lines(place, measured)
        symbol = _symbol(measured[place.path], first, last)
        said.append(f"{place.path}:{first}-{last}" + (f" ({symbol})" if symbol else ""))
    more = len(places) - len(said)
    return ", ".join(said) + (f" and {more} more" if more else "")


def _lines(place: _Place, measured: Mapping[str, FileMetrics]) -> tuple[int, int]:
    blocks = _blocks(measured[place.path])
    return blocks[place.first][1], blocks[place.last][2]


def _blocks(metrics: FileMetrics) -> Blocks:
    return metrics.extra.blocks if metrics.extra else ()


def _symbol(metrics: FileMetrics, first: int, last: int) -> str:
    """Return the innermost function that holds all of the lines, ``""`` when none does."""
    around = [
        one for one in metrics.functions if (one.first_line or one.line) <= first and last <= one.end_line
    ]
    return max(around, key=lambda one: one.line).symbol if around else ""
