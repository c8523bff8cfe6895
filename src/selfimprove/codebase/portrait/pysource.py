"""Python source: the definitions, exports, imports and names of one module, from its syntax tree."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from selfimprove.codebase.measure.extra import imports
from selfimprove.codebase.measure.record import Import
from selfimprove.codebase.portrait.outline import (
    CALL,
    LOAD,
    TYPES,
    Defined,
    Outline,
    Used,
    bound_names,
    first_sentence,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_MOST_NAMES, _MOST_SIGNATURE = 4_000, 110
_FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)


def read(tree: ast.Module, found: Outline) -> Outline:
    """Return ``found`` with what the module says."""
    statements = list(_outer(tree.body))
    exports = _exports(statements)
    return found._replace(
        doc=first_sentence(ast.get_docstring(tree)),
        defined=tuple(_definitions(statements)),
        exports=exports,
        uses=tuple(_uses(tree)),
        names=tuple(dict.fromkeys(bound_names(tree)))[:_MOST_NAMES],
        main=any(_is_main(one) for one in tree.body),
    )


def _outer(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements that run when the module is loaded, with those under ``if`` and ``try``."""
    todo = list(reversed(list(body)))
    while todo:
        node = todo.pop()
        yield node
        if isinstance(node, ast.If):
            todo += reversed([*node.body, *node.orelse])
        elif isinstance(node, ast.Try):
            todo += reversed([*node.body, *(one for handler in node.handlers for one in handler.body)])


def _definitions(statements: Iterable[ast.stmt]) -> Iterator[Defined]:
    seen: set[str] = set()
    for node in statements:
        for one in _defined(node):
            if one.name not in seen:
                seen.add(one.name)
                yield one


def _defined(node: ast.stmt) -> Iterator[Defined]:
    if isinstance(node, _FUNCTION):
        yield Defined(node.name, "function", signature(node), first_sentence(ast.get_docstring(node)))
    elif isinstance(node, ast.ClassDef):
        bases = ", ".join(_named(one) for one in node.bases)
        head = f"{node.name}({bases})" if bases else node.name
        yield Defined(node.name, "class", _short(head), first_sentence(ast.get_docstring(node)))
        for one in node.body:
            if isinstance(one, _FUNCTION):
                yield Defined(f"{node.name}.{one.name}", "method", signature(one, method=True))
    else:
        yield from (Defined(name, "value") for name in _assigned(node))


def _assigned(node: ast.stmt) -> Iterator[str]:
    targets: list[Any] = []
    if isinstance(node, ast.Assign):
        targets = [part for one in node.targets for part in getattr(one, "elts", [one])]
    elif isinstance(node, ast.AnnAssign):
        targets = [node.target]
    elif type(node).__name__ == "TypeAlias":
        targets = [getattr(node, "name", None)]
    yield from (one.id for one in targets if isinstance(one, ast.Name))


def signature(node: ast.FunctionDef | ast.AsyncFunctionDef, *, method: bool = False) -> str:
    """Return ``name(a, b=..., *, c)``: the parameters without types, self and cls; defaults as three dots."""
    args = node.args
    plain = [*args.posonlyargs, *args.args]
    defaults = len(plain) - len(args.defaults)
    parts = [f"{one.arg}=..." if at >= defaults else one.arg for at, one in enumerate(plain)]
    if args.posonlyargs:
        parts.insert(len(args.posonlyargs), "/")
    if args.vararg:
        parts.append(f"*{args.vararg.arg}")
    elif args.kwonlyargs:
        parts.append("*")
    given = zip(args.kwonlyargs, args.kw_defaults, strict=True)
    parts += [one.arg if default is None else f"{one.arg}=..." for one, default in given]
    if args.kwarg:
        parts.append(f"**{args.kwarg.arg}")
    if method and parts and parts[0] in ("self", "cls"):
        parts = parts[2:] if parts[1:2] == ["/"] else parts[1:]
    return _short(f"{node.name}({', '.join(parts)})")


def _short(text: str) -> str:
    return (
        text if len(text) <= _MOST_SIGNATURE else text[: _MOST_SIGNATURE - 4].rpartition(", ")[0] + ", ...)"
    )


def _named(base: ast.expr) -> str:
    """Return a base class by its name, without what it is subscribed with."""
    while isinstance(base, ast.Subscript):
        base = base.value
    if isinstance(base, ast.Name | ast.Attribute):
        return ast.unparse(base)
    return "..."


def _exports(statements: Iterable[ast.stmt]) -> tuple[str, ...] | None:
    """Return what ``__all__`` lists as far as it is written out, None where there is none."""
    found: list[str] | None = None
    for node in statements:
        named: Any = getattr(node, "targets", [getattr(node, "target", None)])
        if not any(isinstance(one, ast.Name) and one.id == "__all__" for one in named):
            continue
        value = getattr(node, "value", None)
        texts = [
            one.value
            for one in ast.walk(value or ast.Tuple([]))
            if isinstance(one, ast.Constant) and isinstance(one.value, str)
        ]
        found = [*(found or ()), *texts] if isinstance(node, ast.AugAssign) else texts
    return None if found is None else tuple(dict.fromkeys(found))


def _uses(tree: ast.Module) -> Iterator[Used]:
    """Yield every import with when it runs, each once."""
    loaded = set(imports(tree))
    typed = {one for node in _checked_only(tree) for one in _written(node)}
    seen: set[Import] = set()
    for one in _written(tree):
        if one not in seen:
            seen.add(one)
            yield Used(one, LOAD if one in loaded else TYPES if one in typed else CALL)


def _checked_only(tree: ast.Module) -> Iterator[ast.stmt]:
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            yield from node.orelse if isinstance(node.test, ast.UnaryOp) else node.body


def _written(tree: ast.AST) -> Iterator[Import]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, "", 0, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (
                Import(node.module or "", alias.name, node.level, node.lineno) for alias in node.names
            )


def _is_main(node: ast.stmt) -> bool:
    if not isinstance(node, ast.If) or not isinstance(node.test, ast.Compare):
        return False
    parts = {
        getattr(one, "id", getattr(one, "value", "")) for one in (node.test.left, *node.test.comparators)
    }
    return parts == {"__name__", "__main__"}
