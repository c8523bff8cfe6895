"""Parts: puts the functions and classes that a reply gives into the file, in the place of those of the same name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.errors import PatchError
from selfimprove.executor.patching.definitions import CLASS, indent_of, nodes, words
from selfimprove.executor.patching.filling import fill, marks
from selfimprove.executor.patching.lining import shifted
from selfimprove.executor.patching.targets import is_method, target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selfimprove.executor.patching.definitions import Node

_IMPORT = re.compile(r"(?:import\s+\w|from\s+[\w.]+\s+import\s+\w)[^#(\\]*$")
_WHOLE_CLASS = "give the whole class, or mark what stays with '# ... existing code ...'"
_MAIN = re.compile(r"if\s+__name__\s*==")


class Part(NamedTuple):
    """A definition of the reply with its lines and, if the file has it, the definition that it is."""

    node: Node
    lines: list[str]
    target: Node | None


class Change(NamedTuple):
    """Rows ``start`` up to ``end`` of the file become ``lines``."""

    start: int
    end: int
    lines: list[str]


def merge_parts(
    path: str, have: Sequence[str], given: Sequence[str], symbol: str = ""
) -> tuple[list[str], int]:
    """Return the file's lines with the definitions that ``given`` consists of, and the row of the first of them.

    A definition that the file has is replaced, with its decorators when the reply gives any; the comments above
    it stay unless the reply has some; it is indented as the file's. A new one goes behind the one before it in
    the reply, or before the one after it, or to the end of its class or of the file. ``symbol`` is the qualified
    name of the first. Raises PatchError when a name could be more than one, or a line belongs to no definition.
    """
    own = nodes(path, "\n".join(have))
    flat = shifted(given, "")
    base = min((indent_of(line) for line in given if line.strip()), key=len, default="")
    inner = nodes(path, "\n".join(flat))
    if own is None or not inner:
        raise PatchError(
            f"{path} is not replaced by this part: its definitions cannot be told apart", where=path
        )
    names = {one.qualified for one in inner}
    top = [one for one in inner if one.owner not in names]
    parts = []
    for one in top:
        lines = flat[one.lead : one.end + 1]
        parts.append(
            Part(one, lines, target(path, own, have, one, lines, symbol if one is top[0] else "", base))
        )
    imports = _loose(path, flat, top, have)
    changes = [_change(path, have, own, part, inner, flat) for part in parts if part.target]
    changes += _additions(path, have, own, parts, symbol, base)
    if imports:
        changes.append(_importing(path, have, own, imports))
    return _changed(path, have, changes), min((change.start for change in changes), default=0)


def _loose(path: str, flat: Sequence[str], top: Sequence[Node], have: Sequence[str]) -> list[str]:
    """Return the imports of the reply that the file lacks; any other line that it lacks is refused."""
    inside = {row for one in top for row in range(one.lead, one.end + 1)}
    inside |= set(marks(flat, have))
    known = {line.strip() for line in have} | {""}
    imports = []
    for row, line in enumerate(flat):
        text = line.strip()
        if row in inside or text in known:
            continue
        if _IMPORT.match(line) and path.endswith((".py", ".pyi")):
            imports.append(line.rstrip())
        elif not text.startswith(("#", "//")):
            raise PatchError(
                f"{text[:80]!r} is in no definition, and {path} does not have it: is the reply the whole file?",
                where=path,
                hint="give the whole file, or a SEARCH/REPLACE block for each place",
            )
    return imports


def _change(
    path: str,
    have: Sequence[str],
    own: Sequence[Node],
    part: Part,
    inner: Sequence[Node],
    flat: Sequence[str],
) -> Change:
    """Return what makes the file's definition the reply's."""
    node, old = part.node, part.target
    assert old is not None  # noqa: S101 - for the type checker
    lead, lines = node.lead < node.start, list(part.lines)
    start = old.lead if lead else old.start
    if not node.decorators and old.decorators:
        start = old.head
        lines = list(flat[node.head : node.end + 1])
        if lead:
            start = old.lead
            kept = shifted(have[old.start : old.head], "")
            lines = [*flat[node.lead : node.start], *kept, *lines]
    lines = shifted(lines, indent_of(have[old.head]))
    region = list(have[start : old.end + 1])
    if node.kind == CLASS:
        return _class_change(path, have, own, part, inner, Change(start, old.end + 1, lines))
    if rows := marks(lines, region):
        lines = fill(region, lines, rows, ((), ()))
    return Change(start, old.end + 1, lines)


def _class_change(
    path: str, have: Sequence[str], own: Sequence[Node], part: Part, inner: Sequence[Node], change: Change
) -> Change:
    """Return what makes a class of the file the reply's: as it is given, or with the methods that it leaves out."""
    old, node = part.target, part.node
    assert old is not None  # noqa: S101
    region = list(have[change.start : change.end])
    if rows := marks(change.lines, region):
        told = nodes(path, "\n".join(shifted(change.lines, ""))) or []
        present = nodes(path, "\n".join(shifted(region, ""))) or []
        return change._replace(lines=fill(region, change.lines, rows, (present, told)))
    mine = [one.symbol for one in own if one.owner == old.qualified]
    given = {one.symbol for one in inner if one.owner == node.qualified}
    missing = [name for name in dict.fromkeys(mine) if name not in given]
    if len(missing) * 2 > len(set(mine)):  # most are missing: only those that change were given
        return change._replace(lines=_only_methods(path, region, change.lines))
    if missing:
        _not_used(
            f"{path}:{old.head + 1}",
            old,
            missing,
            [*have[: change.start], *have[change.end :], *change.lines],
        )
    return change


def _not_used(where: str, old: Node, missing: Sequence[str], rest: Sequence[str]) -> None:
    """Raise PatchError when methods that a class lacks now are used in the ``rest`` of the file."""
    names = words(rest)
    if used := [name for name in missing if name in names or name.startswith("__")]:
        raise PatchError(
            f"{old.qualified} in the reply has no {', '.join(used[:5])}, which is still used",
            where=where,
            hint=_WHOLE_CLASS,
        )


def _only_methods(path: str, region: Sequence[str], lines: Sequence[str]) -> list[str]:
    """Return the class with the reply's methods in it; its other lines must be the file's."""
    indent = indent_of(region[0])
    body, given = shifted(region, ""), shifted(lines, "")
    own, inner = nodes(path, "\n".join(body)) or [], nodes(path, "\n".join(given)) or []
    methods = [one for one in inner if one.owner == inner[0].qualified]
    if not own or not methods:
        raise PatchError(
            f"a class in the reply has none of its methods in {path}", where=path, hint=_WHOLE_CLASS
        )
    if foreign := _outside(given, methods, body):
        raise PatchError(
            f"{inner[0].symbol} in the reply lacks most of its methods, and {foreign[0][:80]!r} is not in the file",
            where=path,
            hint=_WHOLE_CLASS,
        )
    parts = []
    for one in methods:
        text = given[one.lead : one.end + 1]
        name = f"{own[0].qualified}.{one.symbol}"
        node = one._replace(qualified=name)
        parts.append(Part(node, text, target(path, own, body, node, text, name, indent_of(given[one.head]))))
    changes = [_change(path, body, own, part, inner, given) for part in parts if part.target]
    changes += _additions(path, body, own, parts, f"{own[0].qualified}.", indent_of(given[methods[0].head]))
    return shifted(_changed(path, body, changes), indent)


def _outside(given: Sequence[str], methods: Sequence[Node], body: Sequence[str]) -> list[str]:
    """Return the lines outside of ``methods`` that a class of the file does not have."""
    known = {line.strip() for line in body} | {""}
    inside = {row for one in methods for row in range(one.lead, one.end + 1)}
    return [line.strip() for row, line in enumerate(given) if row not in inside and line.strip() not in known]


def _additions(
    path: str, have: Sequence[str], own: Sequence[Node], parts: Sequence[Part], symbol: str, base: str
) -> list[Change]:
    """Return what adds the definitions that the file lacks, each beside its neighbour in the reply."""
    found: list[Change] = []
    before: Node | None = None
    for number, part in enumerate(parts):
        before = part.target or before
        if part.target:
            continue
        after = next((one.target for one in parts[number + 1 :] if one.target), None)
        if before:
            deep, row = indent_of(have[before.head]), before.end + 1
        elif after:
            deep, row = indent_of(have[after.head]), after.lead
        else:
            deep, row = _end_of(have, own, _class_of(path, own, part.node, symbol, base))
        found.append(_added(path, have, row, shifted(part.lines, deep), above=bool(after and not before)))
    return found


def _added(path: str, have: Sequence[str], row: int, lines: list[str], *, above: bool) -> Change:
    """Return what adds a definition at a row, with blank lines between it and its neighbours."""
    gap = [""] * (1 if indent_of(lines[0]) or not path.endswith((".py", ".pyi")) else 2)
    if above:
        return Change(row, row, [*lines, *gap])
    more = gap if row < len(have) and have[row].strip() else []
    return Change(row, row, [*(gap if row else []), *lines, *more])


def _end_of(have: Sequence[str], own: Sequence[Node], near: Node | None) -> tuple[str, int]:
    """Return the indentation and the row of what is added to a class, to the file for None."""
    if near is None:
        return "", _module_end(have)
    members = [one for one in own if one.owner == near.qualified]
    deep = indent_of(have[members[-1].head]) if members else indent_of(have[near.head]) + "    "
    return deep, near.end + 1


def _class_of(path: str, own: Sequence[Node], node: Node, symbol: str, base: str) -> Node | None:
    """Return the class that a new definition without a neighbour belongs to, None for the file itself."""
    owner = symbol.rpartition(".")[0]
    if owner:
        named = [one for one in own if one.kind == CLASS and one.qualified == owner]
        if len(named) == 1:
            return named[0]
    elif not base and not is_method(node):
        return None
    classes = [one for one in own if one.kind == CLASS and not one.owner]
    if len(classes) == 1 and not owner:
        return classes[0]
    raise PatchError(
        f"{path} has no {symbol or node.symbol}, and nothing says to which class it belongs",
        where=", ".join(f"{path}:{one.head + 1}" for one in classes),
        hint="give it with the class line around it",
    )


def _module_end(have: Sequence[str]) -> int:
    """Return the row at which a new definition goes: the end of the file, but before what runs it as a program."""
    row = next((row for row, line in enumerate(have) if _MAIN.match(line)), len(have))
    while row and not have[row - 1].strip():
        row -= 1
    return row


def _importing(path: str, have: Sequence[str], own: Sequence[Node], imports: list[str]) -> Change:
    """Return what adds imports: behind the last one that stands above all definitions."""
    first = own[0].lead if own else len(have)
    rows = [row for row, line in enumerate(have[:first]) if _IMPORT.match(line)]
    if not rows:
        raise PatchError(
            f"{imports[0]!r} is new, and {path} has no import beside which it belongs",
            where=path,
            hint="add it in a SEARCH/REPLACE block of its own",
        )
    return Change(rows[-1] + 1, rows[-1] + 1, imports)


def _changed(path: str, have: Sequence[str], changes: Sequence[Change]) -> list[str]:
    """Return the lines after the changes. Raises PatchError when two of them are for the same lines."""
    lines, done = list(have), len(have) + 1
    for _, change in sorted(
        enumerate(changes), key=lambda pair: (pair[1].start, pair[1].end, pair[0]), reverse=True
    ):
        if change.end > done:
            raise PatchError(f"two parts of the reply are for the same lines of {path}", where=path)
        lines[change.start : change.end] = change.lines
        done = change.start if change.end > change.start else done
    return lines
