"""Unions: types of which one is a part of another, and what is known where several ways come together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selfimprove.executor.refactor.naming.annotations import members, union

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selfimprove.executor.refactor.naming.known import Known
    from selfimprove.executor.refactor.naming.values import Env, Values


def is_part(kind: str, whole: str | None, known: Known) -> bool:
    """True when values of type ``kind`` are all of type ``whole``."""
    return whole is not None and all(
        any(one == other or known.is_below(one, other) for other in members(whole)) for one in members(kind)
    )


def merged(ways: Sequence[Env], values: Values, declared: Env | None = None) -> Env:
    """Return the types where several ways come together: the union of those on each, in the order declared."""
    if len(ways) == 1:
        return ways[0]
    found: Env = {}
    for name in dict.fromkeys(name for one in ways for name in one):
        kinds = [one[name] for one in ways if name in one]
        if "." in name and len(kinds) < len(ways):
            continue
        found[name] = (
            kinds[0] if len({*kinds}) == 1 else _widest(union(*kinds), (declared or {}).get(name), values)
        )
    return found


def _widest(kind: str | None, declared: str | None, values: Values) -> str | None:
    if kind is None or declared is None:
        return kind if declared is None else declared
    parts = [one for one in members(declared) if one in members(kind)]
    if len(parts) == len(members(kind)):
        return " | ".join(parts)
    return collapsed(kind, values.known)


def collapsed(kind: str, known: Known) -> str:
    """Return a union without the types whose values are all of another type in it."""
    parts = members(kind)
    return " | ".join(
        one for one in parts if not any(one != other and known.is_below(one, other) for other in parts)
    )
