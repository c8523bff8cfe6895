"""Edits of a config file that leave the rest of it alone."""

from __future__ import annotations

import copy
import fcntl
import os
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml
from yaml import CollectionNode, MappingNode, Node, ScalarNode

from selfimprove.atomicfile import replace_file
from selfimprove.configfile import LIMIT, OWN, ConfigFile, parse_config
from selfimprove.errors import ConfigError
from selfimprove.readfile import read_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from selfimprove.yamlfile import Document

_HEADER = "# Settings of selfimprove for this repository; `selfimprove config schema` describes them all.\n"


def edit_config(
    path: Path, keys: Sequence[str], value: object, check: Callable[[ConfigFile], object]
) -> None:
    """Set the setting ``keys`` to ``value`` in the file ``path``, made when missing; the rest stays as it is.

    ``check`` sees the result before it replaces the file. Two edits at once wait for each other. Raises
    ``ConfigError`` when the file is broken or too unusual to edit, and then it is unchanged.
    """
    target, name, shared = path.resolve(), str(path), path.parts[-2:] != OWN.parts
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as problem:
        raise _cannot_write(name, problem) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            before = read_file(target, name, ConfigError, limit=LIMIT)
        except FileNotFoundError:
            before = _HEADER.encode()
        after = _edited(parse_config(before, path, name, shared=shared), keys, value)
        check(parse_config(after, path, name, shared=shared))
        replace_file(target, after)
    except OSError as problem:
        raise _cannot_write(name, problem) from None
    finally:
        os.close(lock)


def _edited(file: ConfigFile, keys: Sequence[str], value: object) -> bytes:
    """Return the file's bytes with one setting changed, proved by reading them again."""
    document = file.document
    text = _splice(document, (*file.prefix, *keys), _render(value))
    data = (b"\xef\xbb\xbf" if document.bom else b"") + text.encode()
    wanted: Any = copy.deepcopy(dict(file.settings))
    inner = wanted
    for key in keys[:-1]:
        if not isinstance(inner.get(key), dict):
            inner[key] = {}
        inner = inner[key]
    inner[keys[-1]] = value
    try:
        if parse_config(data, file.path, document.name, shared=True).settings == wanted:
            return data
    except ConfigError:
        pass
    raise ConfigError(
        f"cannot edit {'.'.join(keys)} without touching other parts of the file",
        where=file.where(keys),
        hint=f"change it by hand: {keys[-1]}: {_render(value)}",
    )


def _cannot_write(name: str, problem: OSError) -> ConfigError:
    reason = (problem.strerror or str(problem)).lower()
    return ConfigError(f"cannot write {name}: {reason}", where=name, hint=f"see: ls -ld {name}")


def _render(value: object) -> str:
    """Return ``value`` as one line of YAML that fits anywhere, also between brackets."""
    listing = yaml.safe_dump(
        [value],
        default_flow_style=True,
        allow_unicode=True,
        width=1_000_000,
        default_style='"' if isinstance(value, str) and not value.isprintable() else None,
    )
    return listing.strip()[1:-1]


class _Gap(NamedTuple):
    """Where new lines go: after offset ``at``, indented by ``column``."""

    at: int
    column: int


def _splice(document: Document, path: Sequence[str], rendered: str) -> str:
    """Return the text with the value at ``path`` replaced or inserted."""
    text, node, above = document.text, document.root, None
    if node is None:
        return _insert(text, _commented(text, 0, path, 0) or _Gap(len(text), 0), path, rendered)
    for depth, part in enumerate(path):
        rest = path[depth:]
        pair = _own_pair(node, part)
        if pair is None:
            return _add(text, node, above, rest, rendered)
        key, value = pair
        if len(rest) == 1:
            return _put(text, key, value, rendered)
        if not isinstance(value, MappingNode) or value.start_mark.index < key.start_mark.index:
            return _open(text, node, pair, rest[1:], rendered)
        node, above = value, key
    return text


def _own_pair(node: Node, part: str) -> tuple[Node, Node] | None:
    """Return the pair of key ``part`` that stands in the mapping itself, not one that ``<<`` brings in."""
    pairs = node.value if isinstance(node, MappingNode) else []
    return next((pair for pair in pairs if isinstance(pair[0], ScalarNode) and pair[0].value == part), None)


def _put(text: str, key: Node, value: Node, rendered: str) -> str:
    """Return the text with ``value`` replaced, and what follows on its line kept."""
    start, end = value.start_mark.index, _end(value)
    alias = re.compile(r"\s*:\s*(\*[^\s,\[\]{}]+)").match(text, key.end_mark.index)
    if start < key.start_mark.index and alias:
        start, end = alias.span(1)
    elif isinstance(value, ScalarNode) and value.style in ("|", ">"):
        end = start + len(text[start:end].rstrip())
    elif not _is_flow(value):  # a list in lines moves up beside its key, before the comment there
        colon = text.index(":", key.end_mark.index) + 1
        comment = text[colon:start].rstrip()
        return f"{text[:colon]} {rendered}{comment}{text[end:]}"
    gap = " " if text[start - 1] == ":" else ""
    return text[:start] + gap + rendered + text[end:]


def _add(text: str, node: Node, above: Node | None, rest: Sequence[str], rendered: str) -> str:
    """Return the text with a new key in the mapping ``node``, whose own key is ``above``."""
    if _is_flow(node):
        at = text.index("{", node.start_mark.index) + 1
        return text[:at] + _inline(rest, rendered) + (", " if node.value else "") + text[at:]
    column = node.value[0][0].start_mark.column
    start = above.end_mark.index if above else 0
    gap = _commented(text, start, rest, column) or _Gap(_line_end(text, _end(node)), column)
    return _insert(text, gap, rest, rendered)


def _open(text: str, parent: Node, pair: tuple[Node, Node], rest: Sequence[str], rendered: str) -> str:
    """Return the text with a section that has no keys yet (``audit:``) given its first one."""
    key, value = pair
    if _is_flow(parent) or value.start_mark.index != value.end_mark.index:
        return _put(text, key, value, "{" + _inline(rest, rendered) + "}")
    column = key.start_mark.column + 2
    gap = _commented(text, key.end_mark.index, rest, column)
    return _insert(text, gap or _Gap(_line_end(text, key.end_mark.index), column), rest, rendered)


def _commented(text: str, start: int, rest: Sequence[str], column: int) -> _Gap | None:
    """Return the gap below a line ``#key: ...`` that stands, commented out, where the key belongs."""
    if len(rest) > 1:
        return None
    at = start if start == 0 else _line_end(text, start)
    for line in text[at:].splitlines(keepends=True):
        bare = line.lstrip(" ")
        indent = len(line) - len(bare)
        if bare.strip() and not bare.startswith("#") and indent < column:
            return None
        at += len(line)
        if indent == column and re.match(rf"# ?{re.escape(rest[0])}:", bare):
            return _Gap(at, column)
    return None


def _insert(text: str, gap: _Gap, rest: Sequence[str], rendered: str) -> str:
    newline = "\r\n" if "\r\n" in text else "\n"
    lines = [" " * (gap.column + 2 * depth) + f"{part}:" for depth, part in enumerate(rest)]
    lines[-1] += f" {rendered}"
    before = text[: gap.at]
    if before and not before.endswith("\n"):
        before += newline
    return before + newline.join(lines) + newline + text[gap.at :]


def _inline(rest: Sequence[str], rendered: str) -> str:
    opened = ": {".join(rest)
    return f"{opened}: {rendered}" + "}" * (len(rest) - 1)


def _is_flow(node: Node) -> bool:
    return not isinstance(node, CollectionNode) or bool(node.flow_style)


def _end(node: Node) -> int:
    """Return where the last value of ``node`` ends; a block's own mark runs on over the comments below."""
    if _is_flow(node) or not node.value:
        return int(node.end_mark.index)
    last = node.value[-1][1] if isinstance(node, MappingNode) else node.value[-1]
    return _end(last) if last.start_mark.index >= node.start_mark.index else int(node.end_mark.index)


def _line_end(text: str, at: int) -> int:
    """Return the offset of the line after the one that ends at or holds ``at``."""
    if at and text[at - 1] == "\n":
        return at
    end = text.find("\n", at)
    return end + 1 if end >= 0 else len(text)
