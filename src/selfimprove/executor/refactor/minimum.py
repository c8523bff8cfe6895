"""Minimum: the oldest Python that a project supports, as its own files state it; nothing of them is executed."""

from __future__ import annotations

import ast
import configparser
import re
import tomllib
from typing import TYPE_CHECKING, Any

from selfimprove.codebase.measure.source import parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

Version = tuple[int, int]

DEFAULT = (3, 8)
"""What is taken where nothing is stated: the oldest that most projects of today still name."""

PYTHON_2 = (2, 7)
"""What code says that runs on both: nothing of it is modernised."""

_CLASSIFIER = re.compile(
    r"Programming Language :: Python :: (\d)(?:\.(\d+))?\s*(?:$|[\"'\r\n])", re.MULTILINE
)
_CLAUSE = re.compile(r"(~=|===|==|>=|<=|!=|\^|~|>|<|=|)\s*v?(\d+)(?:\.(\d+|\*))?")
_LOWER = {"", "=", "==", "===", ">=", ">", "~=", "~", "^"}
_TOX = re.compile(r"\bpy(\d)(\d+)\b|\bpy\{([\d, ]+)\}")
_NOX = re.compile(r"[\"'](\d)\.(\d+)[\"']")
_IDIOMS = re.compile(
    rb"^[ \t]*print[ \t]+[\"']|^[ \t]*except[^\n:(]+,[ \t]*\w+[ \t]*:|\bfrom __future__ import[^\n]*"
    rb"(print_function|unicode_literals|absolute_import|division|with_statement)"
    rb"|^[ \t]*(?:import|from) six\b|\bPY2\b"
    rb"|version_info(?:\[0\]|\.major)?[ \t]*[<=>]=?[ \t]*\(?[23],?[ \t]*0?\)?[ \t]*(?:\)|:|$)"
    rb"|\bexcept NameError:[^\n]*\n[ \t]*(?:unicode|basestring|xrange|raw_input|unichr)[ \t]*=",
    re.MULTILINE,
)
_BARE = re.compile(r"\d+(?:\.\d+)?\.?\*?")


def minimum_python(files: Mapping[str, bytes]) -> Version:
    """Return the oldest Python, as (major, minor), that the project of ``files`` (contents by path) supports.

    Asked in this order: what keeps pip from installing it (``requires-python`` and its older forms), classifiers,
    what the environments of tox and nox are, what ruff, black and mypy are told. In the project's root first, then
    in the folders below it, of which the oldest counts. Where nothing is stated it is PYTHON_2 for code with idioms
    of Python 2, else DEFAULT.
    """
    depths = sorted({path.count("/") for path in files if path.rpartition("/")[2] in _NAMES})
    for read in (_required, _classified, _tried, _told):
        for depth in depths:
            here = {path: files[path] for path in sorted(files) if path.count("/") == depth}
            if found := list(read(here)):
                return max(min(found), PYTHON_2)
    python = (content for path, content in files.items() if path.endswith(".py"))
    return PYTHON_2 if any(_IDIOMS.search(content) for content in python) else DEFAULT


_NAMES = {"pyproject.toml", "setup.cfg", "setup.py", "tox.ini", "tox.toml", "noxfile.py"}


def lower_bound(specifier: str) -> Version | None:
    """Return the oldest Python that a specifier such as ``>=3.8,<4``, ``^3.8`` or ``~=3.9 || 3.12.*`` allows.

    ``None`` for one that has no lower bound. Patch releases are not told apart.
    """
    bounds = [_lower_of(part) for part in specifier.split("|") if part.strip()]
    found = [bound for bound in bounds if bound is not None]
    return min(found) if found and len(found) == len(bounds) else None


def _lower_of(part: str) -> Version | None:
    found = [
        (int(major), int(minor) if minor.isdecimal() else 0)
        for operator, major, minor in (_CLAUSE.match(one.strip()).groups("0") for one in _clauses(part))  # type: ignore[union-attr]
        if operator in _LOWER
    ]
    return max(found, default=None)


def _clauses(part: str) -> list[str]:
    """Split at commas, and at spaces between clauses."""
    split = re.split(r",|(?<=[\d*])\s+(?=[<>=!~^])", part)
    return [one for one in split if _CLAUSE.match(one.strip())]


def _required(files: Mapping[str, bytes]) -> Iterator[Version]:
    for table in _tomls(files):
        for keys in (
            ("project", "requires-python"),
            ("tool", "poetry", "dependencies", "python"),
            ("tool", "flit", "metadata", "requires-python"),
        ):
            yield from _bounds([_at(table, keys)])
    yield from _bounds(
        config.get("options", "python_requires", fallback="") for config in _configs(files, "setup.cfg")
    )
    yield from _bounds(_keyword(files, "python_requires"))


def _bounds(values: Iterable[Any]) -> Iterator[Version]:
    for value in values:
        said = value.get("version") if isinstance(value, dict) else value
        if isinstance(said, str) and (found := lower_bound(said)):
            yield found


def _classified(files: Mapping[str, bytes]) -> Iterator[Version]:
    names = ("pyproject.toml", "setup.cfg", "setup.py")
    found = [
        (int(major), int(minor) if minor else -1)
        for text in _texts(files, names)
        for major, minor in _CLASSIFIER.findall(text)
    ]
    yield from (one for one in found if one[1] >= 0)
    if (2, -1) in found:
        yield PYTHON_2


def _tried(files: Mapping[str, bytes]) -> Iterator[Version]:
    for text in _texts(files, ("tox.ini", "tox.toml", "setup.cfg", "pyproject.toml")):
        if "envlist" in text or "env_list" in text:
            for major, minor, several in _TOX.findall(text):
                for one in several.split(",") if several else [major + minor]:
                    if len(one.strip()) > 1:
                        yield int(one.strip()[0]), int(one.strip()[1:])
    for text in _texts(files, ("noxfile.py",)):
        yield from ((int(major), int(minor)) for major, minor in _NOX.findall(text))


def _told(files: Mapping[str, bytes]) -> Iterator[Version]:
    for table in _tomls(files):
        black = _at(table, ("tool", "black", "target-version"))
        said = [_at(table, ("tool", "ruff", "target-version")), *(black if isinstance(black, list) else [])]
        shorts = [one for one in said if isinstance(one, str)]
        yield from ((int(one[2]), int(one[3:])) for one in shorts if re.fullmatch(r"py\d{2,3}", one))
        if isinstance(mypy := _at(table, ("tool", "mypy", "python_version")), str) and _BARE.fullmatch(mypy):
            yield from _bounds([mypy])


def _tomls(files: Mapping[str, bytes]) -> Iterator[dict[str, Any]]:
    for text in _texts(files, ("pyproject.toml",)):
        try:
            yield tomllib.loads(text)
        except tomllib.TOMLDecodeError:
            continue


def _configs(files: Mapping[str, bytes], name: str) -> Iterator[configparser.RawConfigParser]:
    for text in _texts(files, (name,)):
        config = configparser.RawConfigParser(strict=False)
        try:
            config.read_string(text)
        except configparser.Error:
            continue
        yield config


def _texts(files: Mapping[str, bytes], names: tuple[str, ...]) -> Iterator[str]:
    for path, content in files.items():
        if path.rpartition("/")[2] in names:
            yield content.decode("utf-8", errors="replace").removeprefix("\ufeff")


def _at(table: Any, keys: Iterable[str]) -> Any:
    for key in keys:
        table = table.get(key) if isinstance(table, dict) else None
    return table


def _keyword(files: Mapping[str, bytes], name: str) -> Iterator[str]:
    """Yield what setup.py hands on as ``name``: a text, or a name for one; nothing of it runs."""
    for text in _texts(files, ("setup.py",)):
        try:
            nodes = list(ast.walk(parse(text)))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        named = dict(pair for node in nodes for pair in _named(node))
        for value in (value for node in nodes for value in _handed(node, name)):
            said = named.get(value.id) if isinstance(value, ast.Name) else getattr(value, "value", None)
            if isinstance(said, str):
                yield said


def _named(node: ast.AST) -> Iterator[tuple[str, Any]]:
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
        yield from ((one.id, node.value.value) for one in node.targets if isinstance(one, ast.Name))


def _handed(node: ast.AST, name: str) -> Iterator[ast.expr]:
    """Yield the values that ``node`` gives to ``name``, as a keyword or in a dictionary."""
    if isinstance(node, ast.keyword) and node.arg == name:
        yield node.value
    elif isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        yield from (value for key, value in pairs if isinstance(key, ast.Constant) and key.value == name)
