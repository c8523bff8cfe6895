"""Doubts: which of ruff's fixes are not taken, though it calls them safe, and which one is that it does not."""

from __future__ import annotations

import ast
import io
import re
import string
import sys
import tokenize
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from selfimprove.executor.refactor.project import Project
    from selfimprove.executor.refactor.source import Source
    from selfimprove.tools.ruff import Fix

# Words by which a program reads annotations while it runs: `X | None` is then another object than Optional[X].
_READS_ANNOTATIONS = frozenset(
    {
        *("get_type_hints", "get_annotations", "__annotations__", "get_origin", "get_args", "signature"),
        *("singledispatch", "pydantic", "typer", "fastapi", "attrs", "cattrs", "msgspec", "beartype"),
        *("typeguard", "sqlalchemy", "strawberry", "dacite", "marshmallow", "injector", "plum", "sqlmodel"),
        *(
            "mashumaro",
            "serde",
            "hydra",
            "omegaconf",
            "jsonargparse",
            "tyro",
            "dataclasses_json",
            "apischema",
        ),
    }
)
_ANNOTATIONS = {"UP006", "UP007", "UP035", "UP037", "UP043", "UP045"}
# Modules whose import does something.
_ACTS = {
    "readline",
    "rlcompleter",
    "this",
    "antigravity",
    "site",
    "encodings",
    "idlelib",
    "tkinter",
    "codecs",
}
_NO_EFFECT = {
    *("len", "repr", "str", "type", "int", "float", "abs", "min", "max", "round", "sorted", "sum", "hex"),
    *("id", "ascii", "list", "tuple", "join", "lower", "upper", "strip", "lstrip", "rstrip", "title", "keys"),
    *(
        "capitalize",
        "replace",
        "format",
        "values",
        "items",
        "get",
        "split",
        "basename",
        "dirname",
        "isoformat",
    ),
    *("decode", "encode", "hexdigest", "as_posix", "getattr", "bool", "oct", "bin", "chr", "ord"),
}
_CODING = re.compile(r"#.*coding[:=]\s*utf-?8", re.IGNORECASE)
_IMPORTED = re.compile(r"`([^`]+)` imported but unused")


def is_doubtful(fix: Fix, source: Source, project: Project) -> bool:
    """True for a fix that may change what happens: what ruff calls unsafe, and what one of our own doubts is about.

    The one exception is ``UP031`` (``%`` to ``format``), unsafe to ruff whatever stands there: it is taken where
    each value is certainly a text or a whole number, for which both say the same.
    """
    if fix.code == "UP031":
        return not _is_plain_percent(fix, source)
    if not fix.safe:
        return True
    if fix.code in _ANNOTATIONS and not project.words.isdisjoint(_READS_ANNOTATIONS):
        return True
    doubt = _DOUBTS.get(fix.code)
    return doubt is not None and doubt(fix, source, project)


def comments(text: str) -> list[str]:
    """Return the comments of a program, sorted, without that of its encoding."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    found = [token.string.rstrip() for token in tokens if token.type == tokenize.COMMENT]
    return sorted(one for one in found if not _CODING.match(one))


def _node_at(fix: Fix, source: Source, kind: type[ast.AST]) -> Iterator[ast.AST]:
    """Yield the nodes of ``kind`` in which the fix begins, the innermost last."""
    lines = source.starts
    (line, column), _, _ = fix.edits[0]
    place = lines[line - 1] + column - 1
    for node in ast.walk(source.tree):
        if isinstance(node, kind):
            start, end = source.span(node)
            if start <= place < end:
                yield node


def _unused_import(fix: Fix, source: Source, project: Project) -> bool:
    """The module is not of the standard library, its import acts, or the name is asked for from elsewhere."""
    found = _IMPORTED.search(fix.message)
    if found is None or source.path.endswith("__init__.py") or source.path.endswith(".pyi"):
        return True
    module, _, alias = found[1].partition(" as ")
    name = alias or (module.rpartition(".")[2] if _is_from(fix, source) else module)
    top = module.partition(".")[0]
    if top not in sys.stdlib_module_names or top in _ACTS or "." in name:
        return True
    if len(re.findall(rf"(?<!\w){re.escape(name)}(?!\w)", source.text)) > 1:
        return True  # in a doctest, a string, a comment
    return _is_asked_for(name, source.path, project)


def _is_from(fix: Fix, source: Source) -> bool:
    return any(True for _ in _node_at(fix, source, ast.ImportFrom))


def _is_asked_for(name: str, path: str, project: Project) -> bool:
    """True when another file may take ``name`` from the module at ``path``."""
    stem = path.rpartition("/")[2].removesuffix(".py")
    asks = re.compile(
        rf"\.\s*{re.escape(name)}\b|[\"']{re.escape(name)}[\"']|\bimport\b[^\n]*\b{re.escape(name)}\b"
        rf"|\b{re.escape(stem)}\s+import\s+(\*|\([^)]*\b{re.escape(name)}\b)".encode()
    )
    word = re.compile(rb"(?<!\w)" + re.escape(stem.encode()) + rb"(?!\w)")
    others = (project.files[other] for other in project.python if other != path)
    return any(word.search(content) and asks.search(content) for content in others)


def _super(fix: Fix, source: Source, project: Project) -> bool:
    """A decorator may put another class in the place of this one; ``super()`` would still mean this one."""
    del project
    return any(
        one.decorator_list for one in _node_at(fix, source, ast.ClassDef) if isinstance(one, ast.ClassDef)
    )


def _encode(fix: Fix, source: Source, project: Project) -> bool:
    """Only texts that are written out: anything else may have an ``encode`` of its own."""
    del source, project
    return "argument" in fix.message


def _tall(fix: Fix, source: Source, project: Project) -> bool:
    """The lines of a long condition would no longer stand below each other, or two like cases not side by side."""
    del project
    inner = [one for one in _node_at(fix, source, ast.If) if isinstance(one, ast.If)]
    below = [(outer, one) for outer in inner[-1:] for one in outer.orelse if isinstance(one, ast.If)]
    if not below:
        return True
    outer, one = below[0]
    first = outer.body[-1]
    between = source.text[source.span(first)[1] : source.span(one)[0]]
    return (
        "#" in between
        or one.test.lineno != one.test.end_lineno
        or (isinstance(first, ast.If) and bool(first.orelse))
    )


def _moved(fix: Fix, source: Source, project: Project) -> bool:
    """Only what the standard library itself re-exports; typing_extensions and mock have versions of their own."""
    del source, project
    return "`collections.abc`" not in fix.message


def _future(fix: Fix, source: Source, project: Project) -> bool:
    """That of annotations has an effect with every Python."""
    del source, project
    return "annotations" in fix.message


def _format_call(fix: Fix, source: Source, project: Project) -> bool:
    """An f-string evaluates and formats in turn, ``format`` evaluates all first: nothing that acts may stand there."""
    del project
    (line, column), _, _ = fix.edits[0]
    start = source.starts[line - 1] + column - 1
    calls = [
        node
        for node in _node_at(fix, source, ast.Call)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "format"
        and source.span(node)[0] == start
    ]
    if len(calls) != 1 or not isinstance(text := calls[0].func.value, ast.Constant):  # type: ignore[attr-defined]
        return True
    values = [*calls[0].args, *(key.value for key in calls[0].keywords)]
    return len(values) > 1 and (any(map(_acts, values[1:])) or (_acts(values[0]) and not _in_order(text)))


def _in_order(text: ast.Constant) -> bool:
    """True when the fields of a format come without numbers and names, in the order of the arguments."""
    names = [name for _, name, _, _ in string.Formatter().parse(str(text.value)) if name is not None]
    return all(not re.match(r"\w", name) for name in names)


def _acts(value: ast.expr) -> bool:
    """True when evaluating ``value`` may change something."""
    return any(
        isinstance(node, ast.Await | ast.Yield | ast.YieldFrom | ast.NamedExpr)
        or (isinstance(node, ast.Call) and _called(node) not in _NO_EFFECT)
        for node in ast.walk(value)
    )


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _is_plain_percent(fix: Fix, source: Source) -> bool:
    (line, column), _, _ = fix.edits[0]
    start = source.starts[line - 1] + column - 1
    found = [
        node
        for node in _node_at(fix, source, ast.BinOp)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod) and source.span(node)[0] == start
    ]
    if (
        len(found) != 1
        or not isinstance(text := found[0].left, ast.Constant)
        or not isinstance(text.value, str)
    ):
        return False
    if re.search(r"[\"'\\\n]", source.segment(found[0].right)):
        return False  # no f-string would come of it in the end
    values = found[0].right.elts if isinstance(found[0].right, ast.Tuple) else [found[0].right]
    wanted = re.findall(r"%(.)", text.value.replace("%%", ""))
    shadowed = {node.id for node in ast.walk(source.tree) if isinstance(node, ast.Name) and _is_set(node)}
    return len(wanted) == len(values) and all(
        _is_plain(value, kind, shadowed) for kind, value in zip(wanted, values, strict=True)
    )


def _is_set(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Store)


def _is_plain(value: ast.expr, kind: str, shadowed: set[str]) -> bool:
    """True when ``%s`` of ``value`` is what ``{}`` is: it is a text or a whole number for certain."""
    match value:
        case ast.Constant(value=int()) | ast.Call(func=ast.Name(id="len")):
            return kind == "s" and "len" not in shadowed
        case ast.Call(func=ast.Name(id="str" | "repr" | "ascii" | "hex" | "oct" | "bin" | "chr" as name)):
            return kind == "s" and name not in shadowed
        case ast.Attribute(attr="__name__" | "__qualname__"):
            return kind == "s"
    return False


_DOUBTS: dict[str, Callable[[Fix, Source, Project], bool]] = {
    "F401": _unused_import,
    "PLR5501": _tall,
    "UP008": _super,
    "UP010": _future,
    "UP012": _encode,
    "UP032": _format_call,
    "UP035": _moved,
}
