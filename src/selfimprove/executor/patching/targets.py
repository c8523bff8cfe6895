"""Targets: which definition of the file one of the reply is, when names alone do not tell."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from selfimprove.errors import PatchError
from selfimprove.executor.patching.definitions import CLASS, indent_of, meant_again

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from selfimprove.executor.patching.definitions import Node

_LIKE, _MARGIN = 0.6, 0.15  # likeness of a body to be the one meant, and by how much more than the next


def target(
    path: str,
    own: Sequence[Node],
    have: Sequence[str],
    node: Node,
    lines: Sequence[str],
    symbol: str,
    base: str,
) -> Node | None:
    """Return the definition among ``own`` of the file that the reply's ``node`` is, None for a new one.

    ``symbol`` is its qualified name if the reply tells it, ``base`` how deep it stands there. Raises PatchError,
    with the places, when it could be more than one.
    """
    name = symbol if symbol.rpartition(".")[2] == node.symbol else node.qualified
    fits = _named(own, node, name)
    if len(fits) == 1:
        sure = symbol or base or name == fits[0].qualified
        return _only(fits[0], have, node, lines, sure=bool(sure))
    fits = _alike(fits, have, node, base)
    if len(fits) < 2:
        return fits[0] if fits else None
    scored = sorted(((_near(have, one, lines), one) for one in fits), reverse=True)
    if scored[0][0] >= _LIKE and scored[0][0] - scored[1][0] >= _MARGIN:
        return scored[0][1]
    raise PatchError(
        f"{node.symbol} is defined {len(fits)} times in {path}",
        where=", ".join(f"{path}:{one.head + 1}" for one in fits),
        hint="say which: Class.method",
    )


def _only(one: Node, have: Sequence[str], node: Node, lines: Sequence[str], *, sure: bool) -> Node | None:
    """Return the one definition of the name, unless it is another: a method, or a property for its setter."""
    if not sure and one.owner and not is_method(node):
        return one if _near(have, one, lines) >= _LIKE else None
    return None if meant_again(node) and node.decorators != one.decorators else one


def _named(own: Sequence[Node], node: Node, name: str) -> list[Node]:
    """Return the definitions of the file that have the ``name``, or at least end with it, and are of its kind."""
    kind = [one for one in own if (one.kind == CLASS) == (node.kind == CLASS)]
    return [one for one in kind if one.qualified == name] or [
        one
        for one in kind
        if one.symbol == node.symbol and ("." not in name or one.qualified.endswith(f".{name}"))
    ]


def _alike(fits: list[Node], have: Sequence[str], node: Node, base: str) -> list[Node]:
    """Return those of several definitions that stand as deep, or have the same decorators or parameters."""
    tests: tuple[Callable[[Node], bool], ...] = (
        lambda one: bool(base) and indent_of(have[one.head]) == base,
        lambda one: one.decorators == node.decorators and one.signature == node.signature,
        lambda one: bool(node.decorators) and one.decorators == node.decorators,
        lambda one: not meant_again(one) and one.signature == node.signature,
    )
    for same in tests:
        fits = [one for one in fits if same(one)] or fits
        if len(fits) == 1:
            break
    return fits


def is_method(node: Node) -> bool:
    """True for a function that looks like a method."""
    return node.signature.startswith(("self", "cls")) or "classmethod" in node.decorators


def _near(have: Sequence[str], one: Node, lines: Sequence[str]) -> float:
    """Return how like a definition of the file is to the lines of a reply, 0 to 1."""
    mine = [line.strip() for line in have[one.start : one.end + 1] if line.strip()][:400]
    theirs = [line.strip() for line in lines if line.strip()][:400]
    return SequenceMatcher(None, mine, theirs, autojunk=False).ratio()
