"""API: what a change takes away from those who import the code, by griffe's rules of what is public."""

from __future__ import annotations

import ast
from enum import Enum
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

from selfimprove.codebase.portrait.public import NOT_API, NOT_MODULES
from selfimprove.errors import MissingTool, PatchError
from selfimprove.executor.patching.coding import decoded
from selfimprove.executor.refactor.moving.shadows import bound_globally

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from selfimprove.codebase.measure.shape import FunctionNode

_SAID = {
    "PARAMETER_MOVED": "a parameter has moved",
    "PARAMETER_REMOVED": "a parameter is gone",
    "PARAMETER_CHANGED_KIND": "a parameter is passed in another way",
    "PARAMETER_CHANGED_DEFAULT": "a default has changed",
    "PARAMETER_CHANGED_REQUIRED": "a parameter has no default any more",
    "PARAMETER_ADDED_REQUIRED": "a new parameter has no default",
    "RETURN_CHANGED_TYPE": "its type has changed",
    "OBJECT_REMOVED": "it is gone",
    "OBJECT_CHANGED_KIND": "it is something else now",
    "ATTRIBUTE_CHANGED_TYPE": "its type has changed",
    "CLASS_REMOVED_BASE": "a base class is gone",
}
_SAME = {
    "List": "list",
    "Dict": "dict",
    "Set": "set",
    "FrozenSet": "frozenset",
    "Tuple": "tuple",
    "Type": "type",
}


class _Tree(NamedTuple):
    """One side: the text of each Python file by path, and griffe's modules by name."""

    texts: Mapping[str, str]
    modules: Any


def refuse_unchecked(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> None:
    """Raise MissingTool when griffe is not there and what a change makes of public names would not be checked.

    ``before`` is the whole tree, ``after`` has the changed files: for saying so before the tests are run.
    """
    try:
        import griffe  # noqa: F401
    except ImportError:
        api_changes(before, {**before, **after})


def api_changes(
    before: Mapping[str, bytes], after: Mapping[str, bytes], roots: Sequence[str] | None = None
) -> list[str]:
    """Return what the change breaks for those who import the packages, one line each; ``[]`` when nothing.

    Both sides are whole trees, by path. ``roots`` are the folders that packages are imported from (``src``, or
    ``""``); without it, they are found by their ``__init__.py``. What is public is griffe's to say
    (https://mkdocstrings.github.io/griffe/reference/api/models/), and so is what breaks it, but for what only looks
    so: ``Optional[int]`` written ``int | None``, ``object`` left out as a base, a method kept as
    ``name = staticmethod(name)``, an attribute that another method sets now. Nothing is imported or written.

    Raises MissingTool when griffe is not installed and the change touches more than private names.
    """
    changed = [path for path in sorted(before) if path.endswith(".py") and before[path] != after.get(path)]
    touched = {
        path: names for path in changed if (names := changed_names(before[path], after.get(path, b"")))
    }
    packages = {_package(path, before, roots) for path in touched} - {""}
    if not packages:
        return []
    try:
        import griffe
    except ImportError:
        if all(_is_private(name) for names in touched.values() for name in names):
            return []
        raise MissingTool(
            "whether the public API stays the same is not checked: griffe is not installed",
            hint="pip install 'selfimprove[refactor]'",
        ) from None
    found: list[str] = []
    with griffe.logger.disable():
        for package in sorted(packages):
            old, new = _load(package, before), _load(package, after)
            found += _broken(package.rpartition("/")[2].removesuffix(".py"), old, new)
    found += [one for path in touched for one in _no_longer_exported(path, before, after)]
    return list(dict.fromkeys(found))


def changed_names(before: bytes, after: bytes) -> list[str]:
    """Return the qualified names whose head differs (signature, bases, value) or that are on one side only, sorted.

    What functions do inside does not count. A side that does not parse has no names.
    """
    old, new = _heads(before), _heads(after)
    return sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))


def _is_private(name: str) -> bool:
    return any(one.startswith("_") and not one.endswith("__") for one in name.split("."))


def _heads(content: bytes) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    try:
        tree = ast.parse(decoded(content, "").text)
    except (SyntaxError, ValueError, RecursionError, PatchError):
        return found
    for name, text in _heads_in(tree, ""):
        found.setdefault(name, []).append(text)
    return found


def _heads_in(node: ast.AST, prefix: str) -> Iterator[tuple[str, str]]:
    for one in ast.iter_child_nodes(node):
        match one:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                parts = [one.args, *one.decorator_list, *([one.returns] if one.returns else ())]
                yield f"{prefix}{one.name}", type(one).__name__ + "".join(map(ast.dump, parts))
                yield from _set_on_the_object(one, prefix)
            case ast.ClassDef():
                parts = [*one.bases, *one.keywords, *one.decorator_list]
                yield f"{prefix}{one.name}", "".join(map(ast.dump, parts))
                yield from _heads_in(one, f"{prefix}{one.name}.")
            case ast.Import() | ast.ImportFrom():
                whole = f"{getattr(one, 'level', '')}{getattr(one, 'module', '')}"
                yield from (((prefix + (each.asname or each.name)), whole + each.name) for each in one.names)
            case ast.Assign() | ast.AnnAssign() | ast.AugAssign():
                names = [each.id for each in ast.walk(one) if _is_target(each) and isinstance(each, ast.Name)]
                yield from ((f"{prefix}{name}", ast.dump(one)) for name in names)
            case ast.stmt() | ast.ExceptHandler() | ast.match_case():
                yield from _heads_in(one, prefix)


def _is_target(node: ast.AST) -> bool:
    return isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store)


def _set_on_the_object(function: FunctionNode, prefix: str) -> Iterator[tuple[str, str]]:
    """Attributes that ``__init__`` sets are seen by griffe as members of the class."""
    if function.name == "__init__":
        for one in ast.walk(function):
            if isinstance(one, ast.Attribute) and _is_target(one):
                yield f"{prefix}{one.attr}", "set in __init__"


def _package(path: str, files: Mapping[str, bytes], roots: Sequence[str] | None) -> str:
    """Return the folder of the outermost package that a file is in, or the file itself; ``""`` for one of no API."""
    place = PurePosixPath(path)
    if roots is not None:
        inside = [
            root.strip("/") for root in roots if not root.strip("/") or path.startswith(f"{root.strip('/')}/")
        ]
        if not inside:
            return ""
        root = max(inside, key=len)
        return f"{root}/{path.removeprefix(root).strip('/').partition('/')[0]}".strip("/")
    found = path
    for folder in place.parents:
        if f"{folder}/__init__.py" not in files:
            break
        found = str(folder)
    alone = found == path and place.name in NOT_MODULES
    return "" if alone or NOT_API & set(PurePosixPath(found).parts) or "test" in place.stem else found


def _load(package: str, files: Mapping[str, bytes]) -> _Tree:
    """Return griffe's view of a package, read from the text: parents before what is in them."""
    import griffe

    loader = griffe.GriffeLoader(search_paths=[], allow_inspection=False, store_source=False)
    texts: dict[str, str] = {}
    inside = [path for path in files if path == package or path.startswith(f"{package}/")]
    for path in sorted((one for one in inside if one.endswith(".py")), key=_depth):
        try:
            texts[path] = decoded(files[path], path).text
            _visit(loader, package, path, texts[path])
        except (PatchError, SyntaxError, ValueError, RecursionError):
            continue  # what does not parse has no API
    name = _module(package, package)
    if name in loader.modules_collection:
        top: Any = loader.modules_collection[name]
        loader.expand_exports(top)
        loader.expand_wildcards(top, external=False)
        loader.resolve_aliases(implicit=False, external=False)
    return _Tree(texts, loader.modules_collection)


def _depth(path: str) -> tuple[int, bool, str]:
    return path.count("/"), not path.endswith("/__init__.py"), path


def _module(package: str, path: str) -> str:
    """Return how a file of a package is imported."""
    top = package.rpartition("/")[0]
    inside = path.removeprefix(top).strip("/").removesuffix(".py").removesuffix("/__init__")
    return inside.replace("/", ".")


def _visit(loader: Any, package: str, path: str, text: str) -> None:
    import griffe

    whole = _module(package, path)
    above, _, name = whole.rpartition(".")
    if above and above not in loader.modules_collection:
        return  # a folder that is no package
    parent: Any = loader.modules_collection[above] if above else None
    module = griffe.visit(
        name,
        filepath=Path(path),
        code=text,
        parent=parent,
        modules_collection=loader.modules_collection,
        lines_collection=loader.lines_collection,
    )
    if parent is None:
        loader.modules_collection.set_member(name, module)
    else:
        parent.set_member(name, module)


def _broken(name: str, old: _Tree, new: _Tree) -> Iterator[str]:
    import griffe

    if name not in old.modules:
        return
    if name not in new.modules:
        yield f"{name}: it is gone"
        return
    for one in griffe.find_breaking_changes(old.modules[name], new.modules[name]):
        if not _only_looks_so(one, old, new):
            yield f"{one.obj.path}: {_SAID.get(one.kind.name, one.kind.value)}{_detail(one)}"


def _detail(one: Any) -> str:
    if one.kind.name == "OBJECT_REMOVED":
        return ""
    values = [value for value in (one.old_value, one.new_value) if value is not None]
    named = [getattr(value, "value" if isinstance(value, Enum) else "name", value) for value in values]
    told = list(dict.fromkeys(map(str, named)))
    return f" ({', now '.join(told)})" if told and all(len(value) < 80 for value in told) else ""


def _only_looks_so(one: Any, old: _Tree, new: _Tree) -> bool:
    kind, path = one.kind.name, one.obj.path
    if kind in ("RETURN_CHANGED_TYPE", "ATTRIBUTE_CHANGED_TYPE"):
        return _meaning(one.old_value) == _meaning(one.new_value)
    if kind == "PARAMETER_CHANGED_DEFAULT":
        return _spelt(one.old_value.default) == _spelt(one.new_value.default)
    if kind == "CLASS_REMOVED_BASE":
        return [str(base) for base in one.old_value if str(base) != "object"] == list(map(str, one.new_value))
    if kind == "OBJECT_REMOVED":
        stored = {each.attr for text in new.texts.values() for each in _stores(text)}
        return bool(one.obj.is_attribute and one.obj.parent.is_class and one.obj.name in stored)
    if kind == "OBJECT_CHANGED_KIND":
        return _kept_as_static(path, old.modules, new.modules)
    return False


def _stores(text: str) -> Iterator[ast.Attribute]:
    for one in ast.walk(ast.parse(text)):
        if isinstance(one, ast.Attribute) and _is_target(one):
            yield one


def _kept_as_static(path: str, old: Any, new: Any) -> bool:
    """True for a method that the class keeps as ``name = staticmethod(name)`` with the same parameters."""
    was, now = old[path], new[path]
    if not (was.is_function and now.is_attribute and str(now.value) == f"staticmethod({now.name})"):
        return False
    function = now.module.members.get(now.name)
    if function is None or not function.is_function:
        return False
    first = 0 if "staticmethod" in was.labels else 1
    return _signature(was)[first:] == _signature(function)


def _signature(function: Any) -> list[tuple[str, str, str]]:
    return [(one.name, str(one.kind), _spelt(one.default)) for one in function.parameters]


def _spelt(value: Any) -> str:
    """Return a default as ``ast`` writes it: quotes and white space make no difference."""
    try:
        return ast.unparse(ast.parse(str(value), mode="eval"))
    except (SyntaxError, ValueError):
        return str(value)


def _meaning(value: Any) -> str:
    """Return an annotation in one spelling: ``typing.Optional[List[int]]`` is ``list[int] | None``."""
    try:
        tree = ast.parse(str(value), mode="eval")
    except (SyntaxError, ValueError):
        return str(value)
    return ast.unparse(_Modern().visit(tree))


class _Modern(ast.NodeTransformer):
    """Writes types as they have been written since Python 3.10."""

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.Name(id=_SAME.get(node.id, node.id))

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        self.generic_visit(node)
        known = isinstance(node.value, ast.Name) and node.value.id in ("typing", "t", "typing_extensions")
        return ast.Name(id=_SAME.get(node.attr, node.attr)) if known else node

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        if isinstance(node.value, str):
            try:
                return self.visit(ast.parse(node.value, mode="eval").body)  # type: ignore[no-any-return]
            except (SyntaxError, ValueError):
                return node
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        self.generic_visit(node)
        name = node.value.id if isinstance(node.value, ast.Name) else ""
        if name == "Optional":
            return _union([node.slice, ast.Constant(None)])
        if name == "Union":
            return _union(node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice])
        return node


def _union(parts: list[ast.expr]) -> ast.expr:
    found = parts[0]
    for one in parts[1:]:
        found = ast.BinOp(left=found, op=ast.BitOr(), right=one)
    return found


def _no_longer_exported(path: str, before: Mapping[str, bytes], after: Mapping[str, bytes]) -> Iterator[str]:
    """Names that a package's ``__init__`` brings in: others import them from there, whatever griffe says."""
    if not path.endswith("__init__.py"):
        return
    old, new = ({*_exported(files.get(path, b""))} for files in (before, after))
    for name in sorted(old - new):
        if name.isidentifier() and not name.startswith("_"):
            yield f"{path}: {name} cannot be imported from it any more"


def _exported(content: bytes) -> Iterator[str]:
    try:
        yield from (name for name, _ in bound_globally(ast.parse(decoded(content, "").text)))
    except (SyntaxError, ValueError, RecursionError, PatchError):
        return
