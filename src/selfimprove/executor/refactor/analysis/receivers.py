"""Receivers: whether a helper of a method can be a method of the same class, called on the same first parameter."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.executor.refactor.analysis.hazards import dotted
from selfimprove.executor.refactor.analysis.vocabulary import ODD, SPECIAL

if TYPE_CHECKING:
    from selfimprove.executor.refactor.source import Place

_IMPLICIT = frozenset({"__new__", "__init_subclass__", "__class_getitem__"})
_METACLASSES = frozenset({"ABCMeta", "type"})
_LOOKUP = frozenset({"__getattribute__"})


class Receiver(NamedTuple):
    """A method's first parameter. ``why_not`` says why a helper cannot be called on it, ``""`` when it can."""

    name: str = ""
    why_not: str = ""


def receiver_of(place: Place) -> Receiver:
    """Return the first parameter of a method and whether it can have a helper beside it; no name for a function."""
    owner = place.owner
    arguments = [*place.node.args.posonlyargs, *place.node.args.args]
    if owner is None or not arguments:
        return Receiver("", "it is no method")
    name = arguments[0].arg
    decorators = [dotted(one.func if isinstance(one, ast.Call) else one) for one in place.node.decorator_list]
    last = {one.rpartition(".")[2] for one in decorators}
    if "staticmethod" in last:
        return Receiver("", "it is a static method")
    if place.node.name in _IMPLICIT:
        return Receiver(name, f"{place.node.name} is called in a way of its own")
    if last & ODD:
        return Receiver(name, f"@{min(last & ODD)} decides what its first parameter is")
    if last - {"property", "abstractmethod", "classmethod"} and name == "cls" and "classmethod" not in last:
        return Receiver(name, "its decorator decides what its first parameter is")
    if any(not isinstance(one, ast.ClassDef) for one in place.around):
        return Receiver(name, "its class stands in a function")
    return Receiver(name, _odd_class(owner))


def _odd_class(owner: ast.ClassDef) -> str:
    for keyword in owner.keywords:
        if keyword.arg == "metaclass" and dotted(keyword.value).rpartition(".")[2] not in _METACLASSES:
            return f"the metaclass of {owner.name} may look at its body"
    bases = {
        dotted(one.value if isinstance(one, ast.Subscript) else one).rpartition(".")[2] for one in owner.bases
    }
    if bases & SPECIAL:
        return f"{owner.name} is a {min(bases & SPECIAL)}"
    for item in owner.body:
        if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef)) and item.name in _LOOKUP:
            return f"{owner.name} has a {item.name} of its own"
    return ""
