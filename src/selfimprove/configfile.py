"""Config files on disk: which one counts, and what it says."""

from __future__ import annotations

import re
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from selfimprove.errors import ConfigError
from selfimprove.readfile import read_file
from selfimprove.settings import WRAPPER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from yaml import Node

    from selfimprove.yamlfile import Document

OWN = Path(".selfimprove") / "config.yaml"
SHARED = Path("config.yaml")
LIMIT = 1_000_000  # bytes; the complete example has 6,000
_NULL = "tag:yaml.org,2002:null"
_FOREIGN_LIMIT = 100_000_000


class ConfigFile(NamedTuple):
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
    home = Path(environ.get("HOME", ""))
    if sys.platform == "linux" and home.is_absolute():
        return (
            home / ".config" / "selfimprove" / "config.yaml"
        )  # as platformdirs says, which takes time to load
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
    from dataclasses import replace

    from yaml import MappingNode  # slow to load, and many repositories have no config file

    from selfimprove.yamlfile import compose

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
    import io

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
    ours = _ours().search(data) is not None
    if len(data) > LIMIT:
        return read_config(path, name) if ours else None  # raises: too large
    try:
        file = parse_config(data, path, name, shared=True)
    except ConfigError:
        if ours:
            raise
        return None
    return file if file.prefix else None


@cache
def _ours() -> re.Pattern[bytes]:
    return re.compile(rb"^(?:\xef\xbb\xbf)?(?:\{\s*)?[\"']?selfimprove[\"']?\s*:", re.MULTILINE)


def _not_a_mapping(name: str, node: Node) -> ConfigError:
    return ConfigError(
        "the settings are not a mapping of keys to values",
        where=f"{name}:{node.start_mark.line + 1}",
        hint="write `key: value` lines; config.yaml.example shows them all",
    )
