"""Forms of answers for the edit benchmark: blocks, diffs, patches, JSON, whole files and whole definitions."""

from __future__ import annotations

import ast
import json
import re
from typing import TYPE_CHECKING

from edit_commits import lines_of

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

    from edit_commits import Change
    from edit_hunks import Hunk

    Files = Sequence[tuple[Change, Sequence[Hunk]]]
    Naming = Callable[[str, random.Random], str]

_PROSE = (
    "The loop reads one item too many, so this stops earlier.",
    "I kept the public names as they are.",
    "This also covers the empty case.",
    "Nothing else needs to change, as far as I can see.",
    "Here is the change.",
)
_LANGUAGES = {
    "py": "python",
    "md": "markdown",
    "js": "javascript",
    "go": "go",
    "rst": "rst",
    "toml": "toml",
    "yml": "yaml",
}


def as_is(path: str, dice: random.Random) -> str:
    """Name a file as it is named."""
    return path


def blocks(
    files: Files, dice: random.Random, *, at: str = "above", naming: Naming = as_is, numbered: bool = False
) -> str:
    """Write search/replace blocks; ``at`` says where the file's name stands."""
    out, count = [f"{dice.choice(_PROSE)}\n"], 0
    for change, hunks in files:
        name = naming(change.path, dice)
        for number, hunk in enumerate(hunks):
            count += 1
            if numbered:
                out.append(f"{count}. {dice.choice(_PROSE)}\n")
            shown = number == 0 or at in ("inside", "info") or dice.random() < 0.7
            out.append(_block(name if shown else "", change.path, hunk, at, dice))
    if dice.random() < 0.5:
        out.append(f"\n{dice.choice(_PROSE)}\n")
    return "\n".join(out)


def _block(name: str, path: str, hunk: Hunk, at: str, dice: random.Random) -> str:
    inner = "".join(
        ["<<<<<<< SEARCH\n", _ended(hunk.old), "=======\n", _ended(hunk.new), ">>>>>>> REPLACE\n"]
    )
    mark, language = _fence(inner), _language(path)
    opening = f"{mark}{language}\n"
    if at == "bare":
        return f"{name}\n{inner}" if name else inner
    if at == "inside":
        return f"{opening}{name}\n{inner}{mark}\n"
    if at == "info":
        opening = f"{mark}{language or 'text'}{dice.choice([' ', ':'])}{name}\n"
    elif at == "heading" and name:
        opening = dice.choice(["### `{}`", "## {}", "**{}**", "File: `{}`"]).format(name) + f"\n\n{opening}"
    elif at != "missing" and name:
        opening = f"{name}\n{opening}"
    return f"{opening}{inner}{mark}\n"


def diff(
    files: Files,
    dice: random.Random,
    *,
    numbers: str = "right",
    counts: str = "right",
    headers: str = "short",
    naming: Naming = as_is,
    fence: bool = True,
    spaces: str = "kept",
) -> str:
    """Write a unified diff. The options say what is wrong with its numbers, headers and leading spaces."""
    parts = []
    for change, hunks in files:
        name = naming(change.path, dice)
        head = _HEADERS[headers](name, change)
        body = []
        for hunk in hunks:
            body.append(_head_of(hunk, numbers, counts, dice) + "\n")
            body += _diff_lines(hunk, change, spaces)
        parts.append((name, head, "".join(body)))
    if not fence:
        return "".join(head + body for _, head, body in parts)
    out = [f"{dice.choice(_PROSE)}\n"]
    together = "".join(head + body for _, head, body in parts)
    mark = _fence(together)
    if headers in ("prose", "none"):
        for name, _, lines in parts:
            said = f"In `{name}`:\n\n" if headers == "prose" else ""
            out.append(f"{said}{mark}diff\n{lines}{mark}\n")
    else:
        out.append(f"{mark}diff\n{together}{mark}\n")
    return "\n".join(out)


_HEADERS: dict[str, Callable[[str, Change], str]] = {
    "git": lambda name, change: (
        f"diff --git a/{name} b/{name}\n"
        + ("new file mode 100644\n" if change.before is None else "")
        + f"--- {'/dev/null' if change.before is None else 'a/' + name}\n+++ b/{name}\n"
    ),
    "short": lambda name, change: (
        f"--- {'/dev/null' if change.before is None else 'a/' + name}\n+++ b/{name}\n"
    ),
    "plain": lambda name, change: f"--- {'/dev/null' if change.before is None else name}\n+++ {name}\n",
    "dated": lambda name, change: (
        f"--- {name}\t2024-03-01 10:00:00.000000000 +0000\n+++ {name}\t2024-03-01 10:05:00.000000000 +0000\n"
    ),
    "new only": lambda name, change: f"+++ b/{name}\n",
    "prose": lambda name, change: "",
    "none": lambda name, change: "",
}


def _head_of(hunk: Hunk, numbers: str, counts: str, dice: random.Random) -> str:
    old, new = len(hunk.old), len(hunk.new)
    start, begins = hunk.start + 1 if old else hunk.start, hunk.begins + 1 if new else hunk.begins
    if numbers == "bare":
        return "@@"
    if numbers == "pair":
        return "@@ @@"
    if numbers == "dots":
        return "@@ ... @@"
    if numbers == "off":
        by = dice.choice([-7, -3, -2, -1, 1, 2, 4, 9])
        start, begins = max(1, start + by), max(1, begins + by)
    elif numbers == "random":
        start = begins = dice.randint(1, 900)
    elif numbers == "ones":
        start = begins = 1
    if counts == "wrong":
        old, new = (max(1, one + dice.choice([-3, -2, -1, 1, 2, 3])) for one in (old, new))
    return f"@@ -{start},{old} +{begins},{new} @@"


def _diff_lines(hunk: Hunk, change: Change, spaces: str) -> list[str]:
    out = []
    for mark, text in hunk.lines:
        lost = mark == " " and (spaces == "lost" or (spaces == "stripped" and not text))
        out.append(f"{text}\n" if lost else f"{mark}{text}\n")
    if change.before is not None and not change.before.endswith(b"\n"):
        size = len(lines_of(change.before))
        if hunk.start + len(hunk.old) == size and out:
            out.append("\\ No newline at end of file\n")
    return out


def begin_patch(
    files: Files,
    dice: random.Random,
    *,
    anchors: bool = True,
    shell: str = "",
    spaces: str = "kept",
    naming: Naming = as_is,
) -> str:
    """Write ``*** Begin Patch``, with the definitions that hunks stand in as anchors or with bare ``@@``."""
    out = ["*** Begin Patch"]
    for change, hunks in files:
        name = naming(change.path, dice)
        out.append(f"*** {'Add' if change.before is None else 'Update'} File: {name}")
        for hunk in hunks:
            if change.before is None:
                out += [f"+{text}" for text in hunk.new]
                continue
            anchor = _anchor(lines_of(change.before), hunk.start) if anchors else ""
            out.append(f"@@ {anchor}".rstrip())
            out += [text if mark == " " and spaces == "lost" else mark + text for mark, text in hunk.lines]
    out.append("*** End Patch\n")
    text = "\n".join(out)
    if shell == "heredoc":
        return f"apply_patch <<'EOF'\n{text}EOF\n"
    if shell == "fence":
        mark = _fence(text)
        return f"{dice.choice(_PROSE)}\n\n{mark}\n{text}{mark}\n"
    return text.replace("*** End Patch\n", "") if shell == "no end" else text


def _anchor(lines: Sequence[str], start: int) -> str:
    """Return the definition above a line, with less indentation than it has."""
    room = next((len(x) - len(x.lstrip()) for x in lines[start:] if x.strip()), 0)
    for line in reversed(lines[:start]):
        if re.match(r"\s*(?:async def|def|class|func|function)\b", line):
            inside = len(line) - len(line.lstrip()) < room
            return line.strip() if inside and lines.count(line) == 1 else ""
    return ""


def jsons(
    files: Files, dice: random.Random, *, shape: str = "edits", damage: str = "", wrap: str = "fence"
) -> str:
    """Write JSON in one of several shapes; ``damage`` makes it not quite JSON."""
    end = dice.choice(["", "\n"])
    edits = [
        (change.path, _joined(hunk.old, end), _joined(hunk.new, end))
        for change, hunks in files
        for hunk in hunks
    ]
    text = json.dumps(_SHAPES[shape](edits), indent=2)
    if damage == "commas":
        text = re.sub(r'(["\]}])\n(\s*[\]}])', r"\1,\n\2", text)
    elif damage == "newlines":
        text = re.sub(r"(\\\\)|\\n", lambda found: found[1] or "\n", text)
    if wrap == "tag":
        return f"<tool_call>\n{text}\n</tool_call>\n"
    mark = _fence(text)
    return text + "\n" if wrap == "bare" else f"{dice.choice(_PROSE)}\n\n{mark}json\n{text}\n{mark}\n"


def _by_file(edits: Sequence[tuple[str, str, str]], old: str, new: str) -> list[dict[str, object]]:
    paths = dict.fromkeys(path for path, _, _ in edits)
    return [
        {"path": path, "edits": [{old: a, new: b} for name, a, b in edits if name == path]} for path in paths
    ]


def _call(path: str, old: str, new: str) -> dict[str, object]:
    if not old:
        return {"name": "create_file", "arguments": {"path": path, "content": new}}
    return {"name": "str_replace", "arguments": {"path": path, "old_str": old, "new_str": new}}


def _tool_call(path: str, old: str, new: str) -> dict[str, object]:
    told = {"file_path": path, "old_string": old, "new_string": new}
    return {"type": "function", "function": {"name": "edit_file", "arguments": json.dumps(told)}}


_SHAPES: dict[str, Callable[[Sequence[tuple[str, str, str]]], object]] = {
    "edits": lambda edits: {"edits": [{"path": a, "search": b, "replace": c} for a, b, c in edits]},
    "list": lambda edits: [{"file": a, "old": b, "new": c} for a, b, c in edits],
    "files": lambda edits: {"files": _by_file(edits, "oldText", "newText")},
    "calls": lambda edits: [_call(*one) for one in edits],
    "tool calls": lambda edits: {"tool_calls": [_tool_call(*one) for one in edits]},
    "changes": lambda edits: {
        "changes": {
            path: [{"find": b, "replace": c} for name, b, c in edits if name == path]
            for path in dict.fromkeys(path for path, _, _ in edits)
        }
    },
}


def whole_json(files: Files, dice: random.Random) -> str:
    """Write whole files as JSON."""
    told = [
        {"path": change.path, "content": change.after.decode().replace("\r\n", "\n")} for change, _ in files
    ]
    return json.dumps({"files": told}, indent=2) + "\n"


def whole(
    files: Files,
    dice: random.Random,
    *,
    at: str = "FILE",
    naming: Naming = as_is,
    edit: Callable[[Change, list[str], random.Random], list[str] | None] = lambda change, lines, dice: lines,
    tight: bool = False,
) -> str | None:
    """Write whole files; ``at`` says where the name stands, ``edit`` changes the lines, ``tight`` ends in the fence."""
    out = [f"{dice.choice(_PROSE)}\n"]
    for change, _ in files:
        name, lines = naming(change.path, dice), edit(change, lines_of(change.after), dice)
        if lines is None:
            return None
        text = _ended(lines)
        mark, language = _fence(text), _language(change.path)
        opening = {
            "FILE": f"FILE: {name}\n{mark}{language}\n",
            "above": f"{name}\n{mark}{language}\n",
            "heading": f"### `{name}`\n\n{mark}{language}\n",
            "bold": f"**{name}**\n\n{mark}{language}\n",
            "info": f"{mark}{language or 'text'} {name}\n",
            "colon": f"{mark}{language or 'text'}:{name}\n",
            "title": f'{mark}{language or "text"} title="{name}"\n',
            "comment": f"{mark}{language}\n# {name}\n",
            "tag": f'<file path="{name}">\n',
        }[at]
        closing = "</file>\n" if at == "tag" else f"{mark}\n"
        out.append(opening + (text.removesuffix("\n") if tight else text) + closing)
    return "\n".join(out)


def definitions(
    files: Files, dice: random.Random, *, kind: str = "function", dedent: bool = False, named: bool = True
) -> str | None:
    """Write the new text of the functions (or classes) that changed; files with other changes get blocks.

    None where there is no such file.
    """
    out, count = [f"{dice.choice(_PROSE)}\n"], 0
    for change, hunks in files:
        found = changed_definitions(change, kind)
        count += len(found)
        if not found:
            out += [_block(change.path if named else "", change.path, hunk, "above", dice) for hunk in hunks]
        for name, lines in found:
            room = min((len(x) - len(x.lstrip()) for x in lines if x.strip()), default=0) if dedent else 0
            if dedent and not room:
                return None
            text = _ended([line[room:] for line in lines])
            mark = _fence(text)
            told = f"`{change.path}`, `{name}`:\n\n" if "." in name else f"{change.path}\n"
            out.append(f"{told if named else ''}{mark}python\n{text}{mark}\n")
    return "\n".join(out) if count else None


def changed_definitions(change: Change, kind: str) -> list[tuple[str, list[str]]]:
    """Return qualified name and new lines of each definition that changed, none when something else did too."""
    if change.before is None or not change.path.endswith(".py"):
        return []
    try:
        old, new = (_defined(data, kind) for data in (change.before, change.after))
    except SyntaxError:
        return []
    before, after = lines_of(change.before), lines_of(change.after)
    found = []
    for name, (low, high) in new.items():
        if name in old and before[slice(*old[name])] != after[low:high]:
            found.append((name, after[low:high]))
    rest = [
        [line for at, line in enumerate(lines) if not any(low <= at < high for low, high in spans.values())]
        for lines, spans in ((before, old), (after, new))
    ]
    return found if rest[0] == rest[1] and list(old) == list(new) else []


def _defined(data: bytes, kind: str) -> dict[str, tuple[int, int]]:
    """Return the lines of each outermost function or method, or class, whose name is defined once."""
    wanted = ast.ClassDef if kind == "class" else (ast.FunctionDef, ast.AsyncFunctionDef)
    found: dict[str, list[tuple[int, int]]] = {}

    def walk(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, wanted):
                first = min([child.lineno, *(one.lineno for one in child.decorator_list)])
                found.setdefault(prefix + child.name, []).append((first - 1, child.end_lineno or first))
            elif isinstance(child, ast.ClassDef):
                walk(child, f"{prefix}{child.name}.")

    walk(ast.parse(data), "")
    short = [name.rpartition(".")[2] for name in found]
    return {
        name: spans[0]
        for name, spans in found.items()
        if len(spans) == 1 and short.count(name.rpartition(".")[2]) == 1
    }


def _ended(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _joined(lines: Sequence[str], end: str) -> str:
    return "\n".join(lines) + end if lines else ""


def _fence(text: str) -> str:
    """Return a fence that is longer than any in a text."""
    return "`" * max([3, *(len(found) + 1 for found in re.findall(r"^\s*(`{3,})", text, re.M))])


def _language(path: str) -> str:
    return _LANGUAGES.get(path.rpartition(".")[2], "")
