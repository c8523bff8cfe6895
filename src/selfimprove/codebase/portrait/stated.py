"""Stated: what a project says of itself in its manifests, each fact with the file that states it."""

from __future__ import annotations

import ast
import configparser
import json
import re
import tomllib
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_LARGEST = 2_000_000
_UNREADABLE = (
    *(ValueError, TypeError, KeyError, AttributeError, RecursionError, SyntaxError),
    configparser.Error,
)
_REQUIREMENT = re.compile(r"[A-Za-z0-9][\w.-]*")
_TARGET = re.compile(r"^([A-Za-z0-9][\w./-]*)[ \t]*:(?![=:])", re.MULTILINE)
_GO = re.compile(r"^\s*([\w.-]+\.[\w./-]+) v[^\s/]+$|^require ([\w./-]+) v\S+$", re.MULTILINE)
_GEM = re.compile(r"\.(name|version|summary|license)\s*=\s*[\"']([^\"'\n]+)[\"']")


class Entry(NamedTuple):
    """A way in: how it is called, what it runs, and the file that says so. ``kind`` is what it is, in words."""

    name: str
    kind: str
    runs: str
    file: str


class Dependencies(NamedTuple):
    """The names of what a project needs. ``group`` is run, or how the file calls what is needed besides."""

    group: str
    names: tuple[str, ...]
    file: str


class Manifest(NamedTuple):
    """One manifest: ``facts`` in the words of a table (Name, Version, ...), entries and dependencies."""

    file: str
    facts: tuple[tuple[str, str], ...] = ()
    entries: tuple[Entry, ...] = ()
    needs: tuple[Dependencies, ...] = ()
    problem: str = ""


def manifests(names: Iterable[str], read: Callable[[str], bytes | None]) -> list[Manifest]:
    """Return what the manifests among ``names`` say, those nearest to the top first; never raises for their content."""
    known = [name for name in names if _reader(name)]
    found = []
    for name in sorted(known, key=lambda one: (one.count("/"), _ORDER.index(_key(one)), one)):
        data = read(name)
        if data is not None and len(data) <= _LARGEST and (reader := _reader(name)):
            try:
                found.append(reader(name, data.decode("utf-8-sig", "replace")))
            except _UNREADABLE as error:
                found.append(Manifest(name, problem=f"{type(error).__name__}: it cannot be read"))
    return found


def is_manifest(path: str) -> bool:
    """True for a file in which a project says what it is, what it needs or how it is built."""
    return _reader(path) is not None


def _key(path: str) -> str:
    name = path.rpartition("/")[2]
    return ".gemspec" if name.endswith(".gemspec") else _REQUIREMENTS if _is_list(path) else name


def _is_list(path: str) -> bool:
    return bool(re.fullmatch(r"(?:.*/)?(?:requirements[\w.-]*\.txt|requirements/[\w.-]+\.txt)", path))


def _reader(path: str) -> Callable[[str, str], Manifest] | None:
    return _READERS.get(_key(path))


def _facts(table: Mapping[str, Any], keys: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    found = ((title, _text(table.get(key))) for key, title in keys.items())
    return tuple((title, text) for title, text in found if text)


def _text(value: Any) -> str:
    """Return a stated value as one line, ``""`` for what says nothing or comes from elsewhere."""
    if isinstance(value, dict):
        value = value.get("text") or (f"see {value['file']}" if isinstance(value.get("file"), str) else "")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return " ".join(str(value).split())[:300]


_PYTHON = {
    "name": "Name",
    "version": "Version",
    "description": "Description",
    "license": "Licence",
    "requires-python": "Python",
}


def _pyproject(file: str, text: str) -> Manifest:
    data = tomllib.loads(text)
    project, tool = _dict(data, "project"), _dict(data, "tool")
    poetry = _dict(tool, "poetry")
    if not project and not poetry:
        return Manifest(file)
    table = {**poetry, **project}
    python = _text(_dict(poetry, "dependencies").get("python"))
    facts = _facts({"requires-python": python, **table}, _PYTHON)
    scripts = {**_dict(poetry, "scripts"), **_dict(project, "scripts")}
    entries = [*_entries(scripts, "command", file), *_entries(_dict(project, "gui-scripts"), "window", file)]
    for group, points in _dict(project, "entry-points").items():
        entries += _entries(points, f"entry point of {group}", file)
    needs = [
        _needs("run", project.get("dependencies"), file),
        _needs("run", _dict(poetry, "dependencies"), file),
    ]
    for group, wanted in _dict(project, "optional-dependencies").items():
        needs.append(_needs(f"extra {group}", wanted, file))
    for group, wanted in _dict(data, "dependency-groups").items():
        needs.append(_needs(f"group {group}", wanted, file))
    for group, wanted in _dict(poetry, "group").items():
        needs.append(_needs(f"group {group}", _dict(wanted, "dependencies"), file))
    return Manifest(file, facts, tuple(entries), tuple(one for one in needs if one.names))


def _dict(table: Any, key: str) -> dict[str, Any]:
    value = table.get(key) if isinstance(table, dict) else None
    return value if isinstance(value, dict) else {}


def _entries(table: Any, kind: str, file: str) -> list[Entry]:
    rows = table.items() if isinstance(table, dict) else ()
    return [Entry(str(name), kind, _run(what), file) for name, what in rows]


def _run(what: Any) -> str:
    return " ".join(str(what.get("reference", "") if isinstance(what, dict) else what).split())[:120]


def _needs(group: str, wanted: Any, file: str) -> Dependencies:
    """Return the names of requirements: a list of PEP 508 texts, or a table by name."""
    names = [
        found[0]
        for one in (wanted if isinstance(wanted, list | dict) else ())
        if isinstance(one, str) and (found := _REQUIREMENT.match(one.strip())) and found[0] != "python"
    ]
    return Dependencies(group, tuple(dict.fromkeys(names)), file)


def _setup_cfg(file: str, text: str) -> Manifest:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.read_string(text)
    rows = {name: dict(parser.items(name)) for name in parser.sections()}
    if "metadata" not in rows and "options" not in rows:
        return Manifest(file)
    options = rows.get("options", {})
    plain = {
        key: "" if value.startswith(("file:", "attr:")) else value
        for key, value in rows.get("metadata", {}).items()
    }
    facts = _facts({"requires-python": options.get("python_requires"), **plain}, _PYTHON)
    entries: list[Entry] = []
    for group, lines in rows.get("options.entry_points", {}).items():
        kind = {"console_scripts": "command", "gui_scripts": "window"}.get(group, f"entry point of {group}")
        pairs = (line.partition("=")[::2] for line in lines.splitlines() if "=" in line)
        entries += [Entry(name.strip(), kind, what.strip(), file) for name, what in pairs]
    needs = [_needs("run", options.get("install_requires", "").splitlines(), file)]
    for group, lines in rows.get("options.extras_require", {}).items():
        needs.append(_needs(f"extra {group}", lines.splitlines(), file))
    return Manifest(file, facts, tuple(entries), tuple(one for one in needs if one.names))


def _setup_py(file: str, text: str) -> Manifest:
    """Read what a call of setup() says in so many words; nothing is run."""
    tree = ast.parse(text)
    said: dict[str, Any] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "setup":
            said |= {
                key.arg or "": value
                for key in node.keywords
                if (value := _literal(key.value, tree)) is not None
            }
    facts = _facts({"requires-python": said.get("python_requires"), **said}, _PYTHON)
    entries: list[Entry] = []
    points = said.get("entry_points")
    for group, lines in points.items() if isinstance(points, dict) else ():
        kind = {"console_scripts": "command"}.get(group, f"entry point of {group}")
        pairs = (str(line).partition("=")[::2] for line in lines if "=" in str(line))
        entries += [Entry(name.strip(), kind, what.strip(), file) for name, what in pairs]
    needs = [_needs("run", said.get("install_requires"), file)]
    for group, wanted in _dict(said, "extras_require").items():
        needs.append(_needs(f"extra {group}", wanted, file))
    return Manifest(file, facts, tuple(entries), tuple(one for one in needs if one.names))


def _literal(value: ast.expr, tree: ast.Module) -> Any:
    """Return what an expression says in so many words, itself or as a constant of the module; else None."""
    if isinstance(value, ast.Name):
        name = value.id
        for node in tree.body:
            if isinstance(node, ast.Assign) and [ast.unparse(one) for one in node.targets] == [name]:
                value = node.value
    try:
        return ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError, RecursionError):
        return None


def _requirements(file: str, text: str) -> Manifest:
    lines = [line for line in text.splitlines() if not line.lstrip().startswith(("#", "-"))]
    needs = _needs(file.rpartition("/")[2].removesuffix(".txt"), lines, file)
    return Manifest(file, needs=(needs,) if needs.names else ())


def _package_json(file: str, text: str) -> Manifest:
    data = json.loads(text)
    keys = {"name": "Name", "version": "Version", "description": "Description", "license": "Licence"}
    node = _text(_dict(data, "engines").get("node"))
    facts = (*_facts(data, keys), *((("Node", node),) if node else ()))
    commands = data.get("bin")
    if isinstance(commands, str):
        commands = {str(data.get("name", "")).rpartition("/")[2]: commands}
    main = data.get("main") or data.get("module")
    entries = [
        *_entries(commands, "command", file),
        *([Entry(str(data.get("name", "")), "main module", main, file)] if isinstance(main, str) else ()),
        *_entries(_dict(data, "scripts"), "npm script", file),
    ]
    groups = {"dependencies": "run", "peerDependencies": "peer", "devDependencies": "development"}
    needs = [Dependencies(title, tuple(map(str, _dict(data, key))), file) for key, title in groups.items()]
    return Manifest(file, facts, tuple(entries), tuple(one for one in needs if one.names))


def _cargo(file: str, text: str) -> Manifest:
    data = tomllib.loads(text)
    package = _dict(data, "package")
    keys = {**_PYTHON, "rust-version": "Rust", "edition": "Edition"}
    bins = data.get("bin")
    entries = [
        Entry(_text(one.get("name")), "binary", _text(one.get("path")), file)
        for one in (bins if isinstance(bins, list) else ())
        if isinstance(one, dict)
    ]
    groups = {"dependencies": "run", "dev-dependencies": "development", "build-dependencies": "build"}
    needs = [Dependencies(title, tuple(_dict(data, key)), file) for key, title in groups.items()]
    return Manifest(file, _facts(package, keys), tuple(entries), tuple(one for one in needs if one.names))


def _go_mod(file: str, text: str) -> Manifest:
    module = re.search(r"^module\s+(\S+)", text, re.MULTILINE)
    version = re.search(r"^go\s+(\S+)", text, re.MULTILINE)
    facts = [("Name", module[1])] if module else []
    facts += [("Go", version[1])] if version else []
    names = tuple(found[1] or found[2] for found in _GO.finditer(text))
    return Manifest(file, tuple(facts), needs=(Dependencies("run", names, file),) if names else ())


def _composer(file: str, text: str) -> Manifest:
    data = json.loads(text)
    keys = {"name": "Name", "version": "Version", "description": "Description", "license": "Licence"}
    groups = {"require": "run", "require-dev": "development"}
    needs = [Dependencies(title, tuple(_dict(data, key)), file) for key, title in groups.items()]
    return Manifest(file, _facts(data, keys), needs=tuple(one for one in needs if one.names))


def _gemspec(file: str, text: str) -> Manifest:
    titles = {"name": "Name", "version": "Version", "summary": "Description", "license": "Licence"}
    found = {titles[one[1]]: one[2] for one in _GEM.finditer(text)}
    return Manifest(file, tuple(found.items()))


def _make(file: str, text: str) -> Manifest:
    targets = dict.fromkeys(
        one[1] for one in _TARGET.finditer(text) if "/" not in one[1] and "." not in one[1]
    )
    return Manifest(file, entries=tuple(Entry(name, "target", f"make {name}", file) for name in targets))


_REQUIREMENTS = "requirements.txt"
_READERS: dict[str, Any] = {
    "pyproject.toml": _pyproject,
    "setup.cfg": _setup_cfg,
    "setup.py": _setup_py,
    "package.json": _package_json,
    "Cargo.toml": _cargo,
    "go.mod": _go_mod,
    "composer.json": _composer,
    ".gemspec": _gemspec,
    _REQUIREMENTS: _requirements,
    "Makefile": _make,
    "GNUmakefile": _make,
    "makefile": _make,
}
_ORDER = list(_READERS)
