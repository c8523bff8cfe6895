"""Config files on disk: which one counts, what it says, and an edit that leaves the rest of it alone."""

from __future__ import annotations

import copy
import fcntl
import io
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml
from yaml import CollectionNode, MappingNode, Node, ScalarNode

from selfimprove.atomicfile import replace_file
from selfimprove.errors import ConfigError
from selfimprove.settings import WRAPPER
from selfimprove.yamlfile import Document, compose, read_file

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

OWN = Path(".selfimprove") / "config.yaml"
SHARED = Path("config.yaml")
LIMIT = 1_000_000  # bytes; the complete example has 6,000
_NULL = "tag:yaml.org,2002:null"
_FOREIGN_LIMIT = 100_000_000
_OURS = re.compile(rb"^(?:\xef\xbb\xbf)?(?:\{\s*)?[\"']?selfimprove[\"']?\s*:", re.MULTILINE)
_HEADER = "# Settings of selfimprove for this repository; `selfimprove config schema` describes them all.\n"


@dataclass(frozen=True)
class ConfigFile:
    """A config file as read: ``settings`` are its own keys, which stand under ``prefix`` in the document."""

    path: Path
    document: Document
    prefix: tuple[str, ...]
    settings: Mapping[str, Any]
    example: str = "write `{section}:` alone on its line and indented `key: value` lines below it"

    def where(self, keys: Sequence[str]) -> str:
        """Return ``path:line`` of a setting."""
        return self.document.where((*self.prefix, *keys))


def user_config_path(environ: Mapping[str, str]) -> Path:
    """Return where the person's own config file belongs; ``XDG_CONFIG_HOME`` is honoured on every system."""
    folder = Path(environ.get("XDG_CONFIG_HOME", ""))
    if folder.is_absolute():
        return folder / "selfimprove" / "config.yaml"
    from platformdirs import user_config_dir

    return Path(user_config_dir("selfimprove", appauthor=False)) / "config.yaml"


def read_config(path: Path, name: str, *, shared: bool = False) -> ConfigFile:
    """Return the config file ``path``; with ``shared`` other top-level keys beside ours are not looked at.

    Raises ``ConfigError`` with ``name:line``, and ``FileNotFoundError`` when there is no such file.
    """
    return parse_config(read_file(path, name, ConfigError, limit=LIMIT), path, name, shared=shared)


def find_repository_config(root: Path) -> tuple[ConfigFile | None, list[str]]:
    """Return the repository's config file, if there is one, and warnings.

    ``.selfimprove/config.yaml`` wins over a ``config.yaml`` that has our key; any other ``config.yaml`` is
    somebody else's and is left alone, whatever is in it.
    """
    try:
        own = read_config(root / OWN, str(OWN))
    except FileNotFoundError:
        return _read_shared(root / SHARED), []
    try:
        hidden = _read_shared(root / SHARED) is not None
    except ConfigError:
        hidden = False
    warning = f"{SHARED} has a `{WRAPPER}:` key that is not read, because {OWN} exists"
    return own, [warning] if hidden else []


def parse_config(data: bytes, path: Path, name: str, *, shared: bool = False) -> ConfigFile:
    """Return ``data`` as a config file; settings stand at top level or under a single ``selfimprove:``."""
    document = compose(data, name, ConfigError)
    if document.root is None or document.root.tag == _NULL:  # only comments, perhaps after `---`
        return ConfigFile(path, replace(document, root=None), (), {})
    if not isinstance(document.root, MappingNode):
        raise _not_a_mapping(name, document.root)
    inner = document.find([WRAPPER])
    if inner is None:
        return ConfigFile(path, document, (), document.construct(document.root))
    if not shared and len(document.root.value) > 1:
        raise ConfigError(
            f"`{WRAPPER}:` wraps all settings, but other keys stand beside it",
            where=document.where([WRAPPER]),
            hint=f"move them under `{WRAPPER}:`, or remove that line",
        )
    if sum(key.value == WRAPPER for key, _ in document.root.value) > 1:
        document.construct(document.root)  # names both lines of the duplicate
    settings = document.construct(inner)
    if not isinstance(settings, dict | None):
        raise _not_a_mapping(name, inner)
    return ConfigFile(path, document, (WRAPPER,), settings or {})


class Variable(NamedTuple):
    """One environment variable; ``origin`` says where it is set."""

    name: str
    value: str
    origin: str


def read_dotenv(root: Path) -> tuple[list[Variable], list[str]]:
    """Return the variables of ``root``'s ``.env`` (the last of one name counts), and warnings.

    Many programs share a ``.env``, so a line that is not ours and cannot be read is only a warning. Raises
    ``ConfigError`` when the file, or a line with one of our names, is unreadable.
    """
    path = root / ".env"
    if path.is_dir():  # some people call their virtual environment so
        return [], []
    try:
        data = read_file(path, ".env", ConfigError, limit=LIMIT)
    except FileNotFoundError:
        return [], []
    from dotenv.parser import parse_stream

    found: dict[str, Variable] = {}
    warnings: list[str] = []
    for binding in parse_stream(io.StringIO(data.decode("utf-8-sig", "surrogateescape"), newline="")):
        said = binding.original.string
        where = f".env:{binding.original.line + said[: len(said) - len(said.lstrip())].count(chr(10))}"
        if binding.error or "\0" in f"{binding.key}{binding.value}":
            if "SELFIMPROVE_" in said:
                raise ConfigError(
                    "this line is not NAME=value", where=where, hint="close the quote, or remove it"
                )
            warnings.append(f"{where} is not NAME=value and is left out")
        elif binding.key and binding.value is not None:
            found[binding.key] = Variable(binding.key, binding.value, where)
    return list(found.values()), warnings


def _read_shared(path: Path) -> ConfigFile | None:
    """Return the repository's ``config.yaml`` if it has our key, else ``None``."""
    name = path.name
    try:
        data = read_file(path, name, ConfigError, limit=_FOREIGN_LIMIT)
    except FileNotFoundError:
        return None
    if WRAPPER.encode() not in data:
        return None
    ours = _OURS.search(data) is not None
    if len(data) > LIMIT:
        return read_config(path, name) if ours else None  # raises: too large
    try:
        file = parse_config(data, path, name, shared=True)
    except ConfigError:
        if ours:
            raise
        return None
    return file if file.prefix else None


def _not_a_mapping(name: str, node: Node) -> ConfigError:
    return ConfigError(
        "the settings are not a mapping of keys to values",
        where=f"{name}:{node.start_mark.line + 1}",
        hint="write `key: value` lines; config.yaml.example shows them all",
    )


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
