"""Move: a method that does not use its object becomes a function above its class, and its callers call that."""

from __future__ import annotations

import ast
import builtins
from typing import TYPE_CHECKING

from selfimprove.errors import RefactorError
from selfimprove.executor.refactor.draft import Added, Draft
from selfimprove.executor.refactor.moving.callers import Method, Use, Via, method_of
from selfimprove.executor.refactor.moving.elsewhere import (
    free_for,
    import_of,
    imported,
    module_name,
    used_besides,
)
from selfimprove.executor.refactor.moving.families import read
from selfimprove.executor.refactor.moving.movable import (
    DROPPED,
    called,
    is_static,
    kept_decorators,
    obstacles,
    statement_of,
)
from selfimprove.executor.refactor.moving.relocating import (
    aligned,
    dedents,
    extent,
    insertion,
    piece,
    removal,
    shifted,
    without_first,
)
from selfimprove.executor.refactor.moving.shadows import visible
from selfimprove.executor.refactor.source import Source, Splice

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from selfimprove.executor.refactor.project import Project
    from selfimprove.executor.refactor.source import Place

_HARMLESS = frozenset({"contextmanager", "asynccontextmanager", "beartype", "no_type_check"})
# Bases that call no method with a name of the kind _name.
_QUIET = frozenset(
    {"ABC", "Generic", "Protocol", "NamedTuple", "TypedDict", "Enum", "IntEnum", "StrEnum", "Flag"}
)
_QUIET |= frozenset(name for name in dir(builtins) if not name.startswith("_"))


def move_to_function(source: Source, project: Project, place: Place, *, lasting: bool = True) -> Draft:
    """Return the move of a method to a top-level function of the same name, directly above its class.

    The method must not use its first parameter, but for calling itself. What calls it through ``self``, ``cls``
    or the class calls the function then. With ``lasting`` (a person asked for this move) a method that others may
    reach unseen (a public name, an override, a hook of a framework) stays reachable: the class keeps
    ``name = staticmethod(name)``. Without it such a method is refused. Raises RefactorError with the reason.
    """
    owner = place.owner
    if owner is None:
        raise RefactorError(f"{place.symbol} is not a method", where=f"{source.path}:{place.node.lineno}")
    method = Method(source, project, place, owner)
    reason = next(obstacles(method), "") or next(_uses_against(method), "")
    if reason:
        where = f"{source.path}:{place.node.lineno}"
        raise RefactorError(f"{place.symbol} cannot become a function: {reason}", where=where)
    reached = next(_reached_unseen(method), "")
    if reached and not lasting:
        raise RefactorError(
            f"{place.symbol} stays a method: {reached}", where=f"{source.path}:{place.node.lineno}"
        )
    return _draft(method, reached)


def _uses_against(method: Method) -> Iterator[str]:
    for use in method.uses:
        yield from _use(method, use)


def _use(method: Method, use: Use) -> Iterator[str]:
    """Yield why a use does not let the method go, whatever its class keeps."""
    lost = use.via is Via.TYPE and not _takes_no_object(method)
    if use.via in (Via.ASSIGNED, Via.REPLACED) or lost:
        yield f"it {use.via} in {use.where}"
    plain = use.via is not Via.CLASS or _takes_no_object(method)
    if not plain and not (_explicit(use) and _is_rewritten(method, use)):
        yield f"it {use.via} in {use.where}, where its object cannot be left out"
    if _is_rewritten(method, use) and not visible(method.name, use.around):
        yield f"{method.name} is a local variable in {use.where}, where it is called"


def _takes_no_object(method: Method) -> bool:
    return any(called(one) in DROPPED for one in method.place.node.decorator_list)


def _explicit(use: Use) -> ast.expr | None:
    """Return the object in ``Class.name(object, ...)``, when it is a plain name that can be left out."""
    args = use.call.args if use.call else []
    return args[0] if args and isinstance(args[0], ast.Name) else None


def _is_rewritten(method: Method, use: Use) -> bool:
    """True when a use will be one of the function: it can mean this method only, and the function is at hand."""
    if use.node is None or use.via not in (Via.SELF, Via.CLASS):
        return False
    by_name = use.via is Via.CLASS and _class_of(use, method) == method.owner.name and not _is_parameter(use)
    if not by_name and method.overridden_in(_class_of(use, method)):
        return False
    return (
        use.path == method.source.path or _import_for(method, use) is not None or _is_of_module(method, use)
    )


def _is_parameter(use: Use) -> bool:
    return bool(use.receiver) and method_of(use.receiver, use.around) is not None


def _import_for(method: Method, use: Use) -> ast.ImportFrom | None:
    """Return the import in another file that can bring the function too, from where the class comes."""
    source = read(use.path, method.project.files[use.path])
    if source is None or not free_for(source, method.name, use.around):
        return None
    return import_of(source, method.source.path, method.owner.name)


def _is_of_module(method: Method, use: Use) -> bool:
    """True for ``module.Class.name`` in another file."""
    source = read(use.path, method.project.files[use.path])
    match use.node.value if use.node else None:
        case ast.Attribute(value=module, attr=attr) if source and attr == method.owner.name:
            return module_name(source, method.source.path, ast.unparse(module))
        case _:
            return False


def _class_of(use: Use, method: Method) -> str:
    """Return the class whose objects the use may see, or that it names."""
    bound = method_of(use.receiver, use.around) if use.receiver else None
    if bound:
        return bound[1].name
    value = use.node.value if use.node else None
    return value.attr if isinstance(value, ast.Attribute) else use.receiver or method.owner.name


def _reached_unseen(method: Method) -> Iterator[str]:
    """Yield why the class must go on having something of this name, the plainest reason first."""
    name, owner = method.name, method.owner
    if method.mangled:
        if any(use.via not in (Via.SELF, Via.CLASS) for use in method.uses):
            yield f"{name} is reached from outside of {owner.name}"
        return
    if not name.startswith("_"):
        yield f"{name} is a public name"
    kin = method.families.related(owner.name)
    yield from (f"{other} defines {name} as well" for other in sorted(method.definers) if other in kin)
    yield from (f"it {use.via} in {use.where}" for use in method.uses if not _is_rewritten(method, use))
    known = method.families.parents.keys() | _QUIET
    yield from (f"{one} may call it" for one in sorted(method.families.above(owner.name) - known))
    if not any(_is_rewritten(method, use) for use in method.uses):
        yield f"nothing calls {name}"
    names = [called(one) for one in kept_decorators(method.place.node)]
    yield from (f"what @{one} does with it is not known" for one in names if one not in _HARMLESS)


def _draft(method: Method, reached: str) -> Draft:
    source, node, name = method.source, method.place.node, method.name
    first, last = extent(source, node)
    splices, moves = _calls(method, source)
    text = _function(method, (first, last), splices, moves) + _by_its_other_name(method)
    left = f"{name} = staticmethod({name})" if reached else ""
    start, end = source.starts[first - 1], source.starts[last]
    changed = source.but(
        [
            insertion(source, statement_of(method), text),
            removal(source, method.owner, node, left),
            *(one for one in splices if not start <= one.start < end),
            *shifted(source, {line: count for line, count in moves.items() if not first <= line <= last}),
        ]
    )
    made = changed.place(name).node
    return Draft(
        files={source.path: changed.content, **dict(_others(method))},
        subject=f"Move {name} out of {method.owner.name}",
        rewrites=("move-to-function",),
        added=(Added(source.path, name, made.lineno, made.end_lineno or made.lineno),),
        key=f"move-to-function {source.path} {method.place.symbol} {method.place.ordinal}",
        notes=(f"{method.owner.name} keeps {name} as a static method: {reached}",) if reached else (),
    )


def _function(
    method: Method, extent: tuple[int, int], splices: list[Splice], moves: Mapping[int, int]
) -> str:
    """Return the text of the function, from its comments to its last line."""
    source, node = method.source, method.place.node
    kept = kept_decorators(node)
    gone = [one for one in node.decorator_list if one not in kept]
    taken = [
        Splice(source.starts[one.lineno - 1], source.starts[one.end_lineno or one.lineno], "") for one in gone
    ]
    if not is_static(node):
        taken.append(without_first(source, node))
    indents = {
        line: count + moves.get(line, 0)
        for line, count in dedents(source, node, *extent).items()
        if not any(one.start <= source.starts[line - 1] < one.end for one in taken)
    }
    return piece(source, *extent, [*taken, *splices, *shifted(source, indents)])


def _by_its_other_name(method: Method) -> str:
    """In the class Python reads ``__name`` as ``_Class__name``: the function needs that name too."""
    if not method.mangled or not method.uses:
        return ""
    end = method.source.newline
    return f"{end}{end}{method.mangled} = {method.name}  # what Python reads in the class{end}"


def _calls(method: Method, source: Source) -> tuple[list[Splice], dict[int, int]]:
    """Return the splices that make a file call the function, and how far lines aligned with its calls move."""
    found, moves = [], dict[int, int]()
    for use in method.uses:
        if use.node is None or use.path != source.path or not _is_rewritten(method, use):
            continue
        start, end = source.span(use.node)
        text = method.name
        if isinstance(use.node.value, ast.Attribute) and use.path != method.source.path:
            text = f"{source.segment(use.node.value.value)}.{text}"
        found.append(Splice(start, end, text))
        if use.via is Via.CLASS and not _takes_no_object(method) and use.call is not None:
            found.append(_without_object(source, use.call))
        elif use.call is not None:
            for line, count in aligned(source, use.call, end - start - len(text)).items():
                moves[line] = moves.get(line, 0) + count
    return found, moves


def _others(method: Method) -> Iterator[tuple[str, bytes]]:
    """Yield the other files that call the function now, by path, with the import that they need."""
    paths = {use.path for use in method.uses if use.path != method.source.path and _is_rewritten(method, use)}
    for path in sorted(paths):
        source = read(path, method.project.files[path])
        if source is not None:
            splices, moves = _calls(method, source)
            edits = [*splices, *_bringing(method, source), *shifted(source, moves)]
            yield path, source.but(edits).content


def _bringing(method: Method, source: Source) -> Iterator[Splice]:
    """Yield the splice that imports the function, instead of the class when nothing else there uses that."""
    uses = [use for use in method.uses if use.path == source.path and _is_rewritten(method, use)]
    uses = [use for use in uses if not _is_of_module(method, use)]
    node = _import_for(method, uses[0]) if uses else None
    if node is not None:
        owner = method.owner.name
        left = used_besides(source, owner, [use.node for use in uses if use.node])
        yield imported(source, node, method.name, "" if left else owner)


def _without_object(source: Source, call: ast.Call) -> Splice:
    """Return the splice that takes the first argument, a plain name, out of a call."""
    start, end = source.span(call.args[0])
    others = [*call.args[1:], *call.keywords]
    if others:
        return Splice(start, min(source.span(one)[0] for one in others), "")
    closing = source.span(call)[1] - 1
    return Splice(start, closing if not source.text[end:closing].strip(" ,") else end, "")
