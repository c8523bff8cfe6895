"""Movable: what speaks against making a function of a method, in its own code and among the names of its file."""

from __future__ import annotations

import ast
import builtins
from typing import TYPE_CHECKING

from selfimprove.codebase.measure.shape import FunctionNode
from selfimprove.executor.refactor.moving.callers import method_of
from selfimprove.executor.refactor.moving.families import mentioning, names_of
from selfimprove.executor.refactor.moving.shadows import (
    bound_globally,
    bound_in,
    first_parameter,
    visible,
    walk,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from selfimprove.executor.refactor.moving.callers import Method
    from selfimprove.executor.refactor.source import Source

DROPPED = frozenset({"staticmethod", "classmethod"})
_CACHES = ("cache", "lru_cache")
_MEANT_FOR_METHODS = {
    **dict.fromkeys(
        ("property", "cached_property", "setter", "getter", "deleter"), "it is read as an attribute"
    ),
    **dict.fromkeys(("abstractmethod", "abstractproperty"), "it is abstract"),
    **dict.fromkeys(("overload", "override", "final"), "its decorator is for methods only"),
    **dict.fromkeys(_CACHES, "its results are kept for each object"),
    **dict.fromkeys(
        ("singledispatchmethod", "partialmethod", "hybrid_property"), "its decorator is for methods only"
    ),
}
_LOOKING_BACK = frozenset({"locals", "vars", "dir", "eval", "exec"})
_FRAMES = frozenset({"_getframe", "currentframe", "stack", "getouterframes"})
_FRAME_MODULES = frozenset({"inspect", "sys"})


def obstacles(method: Method) -> Iterator[str]:
    """Yield the reasons against a move, the plainest first."""
    yield from _not_movable(method)
    yield from _use_of_the_object(method)
    yield from _decorators(method)
    yield from _name_taken(method)
    yield from _names_of_the_class(method)


def _not_movable(method: Method) -> Iterator[str]:
    node, owner = method.place.node, method.owner
    if node.name.startswith("__") and node.name.endswith("__"):
        yield "Python calls it by this name"
    if node not in owner.body:
        yield "it is defined under a condition"
    elif sum(node.name in names_of(one) for one in owner.body) > 1:
        yield f"{owner.name} defines the name more than once"
    args = node.args
    if not is_static(node):
        if not first_parameter(node):
            yield "it takes its object among others, not as a parameter of its own"
        elif len(args.defaults) == len(args.posonlyargs) + len(args.args):
            yield f"{first_parameter(node)} has a default"
    if _is_a_gap(node):
        yield "it is empty, there to be overridden"


def is_static(node: FunctionNode) -> bool:
    """True for a method that is given no object."""
    return any(isinstance(one, ast.Name) and one.id == "staticmethod" for one in node.decorator_list)


def _is_a_gap(node: FunctionNode) -> bool:
    last = node.body[-1]
    match last:
        case ast.Pass() | ast.Expr(value=ast.Constant()):
            return len(node.body) <= 2
        case ast.Raise(exc=ast.Name(id=name) | ast.Call(func=ast.Name(id=name))):
            return name == "NotImplementedError" and len(node.body) <= 2
        case _:
            return False


def _name_taken(method: Method) -> Iterator[str]:
    source, name = method.source, method.name
    for bound, line in bound_globally(source.tree):
        if bound in {name, method.mangled} - {""}:
            yield f"the top level has a {bound} already (line {line})"
    if hasattr(builtins, name):
        yield f"it would hide the builtin {name}"
    yield from _bare_names(method)
    folder, _, file = source.path.rpartition("/")
    beside = f"{folder}/{name}" if folder else name
    if file == "__init__.py" and ({f"{beside}.py", f"{beside}/__init__.py"} & set(method.project.files)):
        yield f"the package has a module {name} already"
    stem = folder.rpartition("/")[2] if file == "__init__.py" else file.removesuffix(".py")
    for other in mentioning(method.project, name):
        yield from _imports_of_it(method, other, stem)


def _bare_names(method: Method) -> Iterator[str]:
    source, name = method.source, method.name
    for node, above, around in walk(source.tree):
        match node:
            case ast.Name(id=bare, lineno=line) if bare == name:
                if visible(name, around):
                    yield f"{name} is a name of its own in line {line}"
                elif around and around[-1] is method.owner:
                    yield f"the class itself uses {name} in line {line}"
            case ast.ImportFrom(names=[ast.alias(name="*")], lineno=line) if line > method.owner.lineno:
                if not name.startswith("_"):
                    yield f"the import of everything in line {line} may bring a {name}"
            case ast.Constant(value=text, lineno=line) if text == name and _exports(above):
                yield f"__all__ promises a {name} already (line {line})"


def _exports(above: tuple[ast.AST, ...]) -> bool:
    return any(
        isinstance(one, ast.Assign | ast.AugAssign | ast.AnnAssign)
        and "__all__" in ast.unparse(one).split("=")[0]
        for one in above[1:2]
    )


def _imports_of_it(method: Method, other: Source, stem: str) -> Iterator[str]:
    if other.path == method.source.path:
        return
    for node in ast.walk(other.tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").rpartition(".")[2] in {stem, ""}:
            names = {one.name for one in node.names}
            if (node.module and method.name in names) or (
                "*" in names and not method.name.startswith("_") and node.module
            ):
                yield f"{other.path}:{node.lineno} imports the name from a module called {stem}"


def _use_of_the_object(method: Method) -> Iterator[str]:
    node = method.place.node
    receiver = "" if is_static(node) else first_parameter(node)
    for one, above, around in walk(node, method.place.around):
        if one is node:
            continue
        if isinstance(one, ast.Name) and one.id == receiver and node in around:
            parent = above[-1]
            itself = isinstance(parent, ast.Attribute) and parent.attr == method.name
            ours = visible(receiver, around[around.index(node) + 1 :])
            if ours and not (itself and method_of(receiver, around)):
                yield f"it uses {receiver} in line {one.lineno}"
        yield from _magic(one)


def _magic(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Name(id="super" | "__class__" as name):
            yield f"it uses {name} in line {node.lineno}"
        case ast.Call(func=ast.Name(id=name), args=args) if name in _LOOKING_BACK and len(args) < 1 + (
            name in {"eval", "exec"}
        ):
            yield f"it looks at its own names by {name}() in line {node.lineno}"
        case ast.Attribute(value=ast.Name(id=owner), attr=name) if (
            name in _FRAMES and owner in _FRAME_MODULES
        ):
            yield f"it looks at frames by {name} in line {node.lineno}"
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name) | ast.keyword(arg=str(name)):
            yield from _private(name, getattr(node, "lineno", 0))
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield from _private(name, node.lineno)
        case ast.Global(names=names) | ast.Nonlocal(names=names):
            for name in names:
                yield from _private(name, node.lineno)
        case ast.alias(name=name, asname=other):
            yield from _private((other or name).partition(".")[0], node.lineno)


def _private(name: str, line: int) -> Iterator[str]:
    if name.startswith("__") and not name.endswith("__"):
        yield f"the name {name} in line {line} belongs to its class"


def _decorators(method: Method) -> Iterator[str]:
    node = method.place.node
    shared = len(kept_decorators(node)) < len(node.decorator_list)
    for name in (called(one) for one in node.decorator_list):
        if name in _MEANT_FOR_METHODS and not (shared and name in _CACHES):
            yield _MEANT_FOR_METHODS[name]


def called(node: ast.expr) -> str:
    """Return the last name of a decorator: ``cache`` for ``functools.cache``, ``lru_cache`` for ``lru_cache(1)``."""
    inner = node.func if isinstance(node, ast.Call) else node
    return ast.unparse(inner).rpartition(".")[2]


def _names_of_the_class(method: Method) -> Iterator[str]:
    """What decorators, defaults and annotations name is looked up where they stand, and that place changes."""
    node, source = method.place.node, method.source
    near = _bound_near(method)
    heads = [*kept_decorators(node), node.args, *([node.returns] if node.returns else ())]
    for name, line in sorted(set(_names(heads))):
        if name in near or name == "Self":
            yield f"its signature uses {name} of the class in line {line}"
    outer = [bound_in(one) for one in method.place.around if not isinstance(one, ast.ClassDef)]
    local = (frozenset[str]().union(*outer) - {node.name}) | _type_parameters(method)
    for name, line in _names([node]):
        if name in local:
            yield f"it uses {name} of what its class stands in (line {line})"
    if source.line(node.body[0].lineno - 1).strip().startswith("# type: ("):
        yield "its types stand in a comment"


def _bound_near(method: Method) -> frozenset[str]:
    """Return what the classes around the method bind, and the statement that they stand in."""
    classes = [one for one in method.place.around if isinstance(one, ast.ClassDef)]
    top = statement_of(method)
    under = frozenset[str]() if isinstance(top, ast.ClassDef | FunctionNode) else bound_in(top)
    return under.union(_type_parameters(method), *(bound_in(one) for one in classes))


def _names(nodes: Iterable[ast.AST]) -> Iterator[tuple[str, int]]:
    for node in nodes:
        yield from ((one.id, one.lineno) for one in ast.walk(node) if isinstance(one, ast.Name))


def _type_parameters(method: Method) -> frozenset[str]:
    """The names in brackets behind ``class Name``, from Python 3.12 on."""
    return frozenset(one.name for scope in method.place.around for one in getattr(scope, "type_params", ()))


def kept_decorators(node: FunctionNode) -> list[ast.expr]:
    """Return the decorators of a method that its function has too."""
    return [one for one in node.decorator_list if not (isinstance(one, ast.Name) and one.id in DROPPED)]


def statement_of(method: Method) -> ast.stmt:
    """Return the top-level statement that the class is, or stands in."""
    line = method.owner.lineno
    return next(one for one in reversed(method.source.tree.body) if one.lineno <= line)
