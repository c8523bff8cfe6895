"""Vetoes on dependencies: code of others that a change would have installed, by the manifests of packages."""

from __future__ import annotations

import ast
import configparser
import json
import re
import tomllib
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from selfimprove.executor.vetoes.change import parsed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from selfimprove.executor.vetoes.change import Case, Change
    from selfimprove.model.outcome import Objection

LOCKS = {
    *("poetry.lock", "Pipfile.lock", "uv.lock", "pdm.lock", "pixi.lock", "package-lock.json", "yarn.lock"),
    *("pnpm-lock.yaml", "npm-shrinkwrap.json", "bun.lock", "bun.lockb", "Cargo.lock", "go.sum"),
    *("Gemfile.lock", "composer.lock", "mix.lock", "pubspec.lock", "flake.lock", "pylock.toml"),
}
_NAME = re.compile(r"^\s*([@A-Za-z0-9][\w./@-]*)")
_KEY = re.compile(
    r"dependenc|requires?$|_require$|^dev-packages$|^packages$|^overrides$|^resolutions$", re.IGNORECASE
)
_NOT_A_PACKAGE = {"python", "php", "node", "npm"}
_ROWS = {  # how one package stands in a line of the manifests that are no TOML, JSON or Python
    "go.mod": re.compile(r"^\s*(?:require\s+)?([\w.-]+\.[\w.-]+/\S+)\s+v\d|^\s*replace\s+(.+)"),
    "Gemfile": re.compile(r"^\s*gem\s+[\"']([\w-]+)"),
    "pom.xml": re.compile(r"<artifactId>([^<]+)<"),
    "build.gradle": re.compile(
        r"(?:mplementation|ompile\w*|pi|untime\w*)\s*\(?[\"']([\w.:-]+?)(?::[\d.]+)?[\"']"
    ),
    "requirements": re.compile(r"^\s*((?:-r|-e|--\S+)?\s*[@A-Za-z][^\s;#<>=!~\[]*)"),
    "environment": re.compile(r"^\s*-\s+([A-Za-z][\w.:/-]*)"),
    ".csproj": re.compile(r"<PackageReference\s+Include=\"([^\"]+)"),
    ".gemspec": re.compile(r"add_\w*dependency\s*\(?[\"']([\w-]+)"),
}


def dependencies(change: Change, case: Case) -> Iterator[Objection]:
    """Object to a package that was not needed before, and to every change of a lock file."""
    name = PurePosixPath(change.path).name
    if name in LOCKS:
        if change.path in case.task.files:
            return
        yield change.objection("dependencies", "is a lock file")
        return
    if change.new is None or (reader := _reader(name)) is None:
        return
    try:
        new = reader(change.new)
    except ValueError:
        yield change.objection("dependencies", "is no longer a manifest that can be read")
        return
    try:
        old = reader(change.old or "")
    except ValueError:
        old = set()
    if more := sorted(new - old):
        line = next((number for number, text in change.added if more[0] in _plain(text)), 0)
        yield change.objection("dependencies", f"would need {', '.join(more)}", line)


def _reader(name: str) -> Callable[[str], set[str]] | None:
    """Return what reads the packages of a manifest with this name; it raises ``ValueError`` for a broken one."""
    if name in ("pyproject.toml", "Cargo.toml", "Pipfile"):
        return lambda text: set(_tables(tomllib.loads(text)))
    if name in ("package.json", "composer.json"):
        return lambda text: set(_tables(json.loads(text or "{}")))
    if name == "setup.py":
        return lambda text: set(_in_python(parsed(text)))
    if name == "setup.cfg":
        return _in_cfg
    for mark, pattern in _ROWS.items():
        if name.endswith(mark) or name.startswith((mark, "constraints" if mark == "requirements" else mark)):
            return lambda text, pattern=pattern: _rows(text, pattern)  # type: ignore[misc]
    return None


def _rows(text: str, pattern: re.Pattern[str]) -> set[str]:
    found = (pattern.search(line) for line in text.splitlines())
    return {_plain(next(filter(None, match.groups()))) for match in found if match}


def _tables(data: Any, key: str = "") -> Iterator[str]:
    """Yield the packages in TOML or JSON: the keys of tables and the texts of lists that are called so."""
    inside = _KEY.search(key)
    if isinstance(data, dict):
        for name, value in data.items():
            if inside and not isinstance(value, list):
                yield _plain(str(name))
            # A group of dependencies is a list below a name of the person's own.
            yield from _tables(value, key if inside and isinstance(value, list) else str(name))
    elif isinstance(data, list) and inside:
        yield from _names(one for one in data if isinstance(one, str))


def _names(requirements: Iterable[str]) -> Iterator[str]:
    for text in requirements:
        if (match := _NAME.match(text)) and _plain(match[1]) not in _NOT_A_PACKAGE:
            yield _plain(match[1])


def _in_python(tree: ast.Module | None) -> Iterator[str]:
    """Yield the packages of a ``setup.py``: the texts in arguments and variables that are called so."""
    for node in ast.walk(tree) if tree else ():
        value = None
        if isinstance(node, ast.keyword):
            value = node.value if _KEY.search(node.arg or "") else None
        elif isinstance(node, ast.Assign):
            called = [one.id for one in node.targets if isinstance(one, ast.Name)]
            value = node.value if any(map(_KEY.search, called)) else None
        if value:
            yield from _names(_listed(value))


def _listed(value: ast.expr) -> Iterator[str]:
    """Yield the texts of the lists in an expression."""
    for item in ast.walk(value):
        for one in item.elts if isinstance(item, ast.List | ast.Tuple | ast.Set) else ():
            if isinstance(one, ast.Constant) and isinstance(one.value, str):
                yield one.value


def _in_cfg(text: str) -> set[str]:
    reader = configparser.RawConfigParser(strict=False)
    try:
        reader.read_string(text)
    except configparser.Error as error:
        raise ValueError(str(error)) from None
    found: set[str] = set()
    for section in reader.sections():
        for key, value in reader.items(section):
            if section.startswith("options") and (_KEY.search(key) or "extras_require" in section):
                found |= set(_names(value.splitlines()))
    return found


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.strip().lower())
