"""Parameters: the types that the parameters of a function are declared with: by annotation, default and class."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from selfimprove.executor.refactor.naming.annotations import members, text_of, union

if TYPE_CHECKING:
    from selfimprove.codebase.measure.shape import FunctionNode
    from selfimprove.executor.refactor.naming.values import Env
    from selfimprove.executor.refactor.source import Place


def receiver_of(place: Place) -> str:
    """Return the parameter that is the object or class of a method, "" where there is none."""
    every = _single(place.node)
    return every[0].arg if place.owner is not None and every and not _is_static(place.node) else ""


def declared_by(place: Place) -> Env:
    """Return the types that the parameters are declared with, the receiver's by the class around the function."""
    found = {one.arg: _declared(one, place.node) for one in _single(place.node)}
    found |= _collecting(place.node)
    if place.owner is not None and (receiver := receiver_of(place)):
        owner = place.owner.name
        found[receiver] = f"type[{owner}]" if _takes_class(place.node) else owner
    return found


def written_in(node: FunctionNode) -> dict[str, str]:
    """Return the annotations of the parameters; those that collect arguments always have a type."""
    found = {one.arg: text for one in _single(node) if (text := text_of(one.annotation))}
    return found | {name: text or "" for name, text in _collecting(node).items()}


def _single(node: FunctionNode) -> list[ast.arg]:
    """Return the parameters that take one argument each."""
    return [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]


def _declared(argument: ast.arg, node: FunctionNode) -> str | None:
    text = text_of(argument.annotation)
    if not text:
        return None
    default = _default(argument, node)
    if isinstance(default, ast.Constant) and default.value is None and "None" not in members(text):
        return union(text, "None")
    return " | ".join(members(text))


def _default(argument: ast.arg, node: FunctionNode) -> ast.expr | None:
    arguments = node.args
    plain = [*arguments.posonlyargs, *arguments.args]
    pairs = [
        *zip(reversed(plain), reversed(arguments.defaults), strict=False),
        *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
    ]
    return next((value for one, value in pairs if one is argument), None)


def _collecting(node: FunctionNode) -> Env:
    """Return the types of the parameters that collect arguments, ``*args`` and ``**kwargs``."""
    pairs = ((node.args.vararg, "tuple[{}, ...]"), (node.args.kwarg, "dict[str, {}]"))
    return {many.arg: _collected(many, word) for many, word in pairs if many is not None}


def _collected(argument: ast.arg, word: str) -> str | None:
    text = text_of(argument.annotation)
    plain = text is not None and not any(one in text for one in ("Unpack", "P.args", "P.kwargs"))
    return word.format(text) if plain else None


def _is_static(node: FunctionNode) -> bool:
    return any(ast.unparse(one) == "staticmethod" for one in node.decorator_list)


def _takes_class(node: FunctionNode) -> bool:
    return node.name == "__new__" or any(ast.unparse(one) == "classmethod" for one in node.decorator_list)
