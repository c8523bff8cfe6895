"""Manifests: what a repository says of itself in pyproject.toml, setup.py, package.json, Cargo.toml and their like."""

from __future__ import annotations

import ast
import configparser
import json
import re
import tomllib
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

_PERSON = re.compile(r"(?P<name>[^<(]*)(?:<(?P<mail>[^<>\s]+@[^<>\s]+)>)?\s*(?:\(.*\))?$")
_ASSIGNED = re.compile(
    r"^\s*(?:[\w]+\.)?(?P<key>name|licenses?|authors?|email)\s*(?:=|:)\s*(?P<value>\[[^\]]*\]|[\"'][^\"'\n]*[\"'])",
    re.MULTILINE,
)
_MAIL = re.compile(r"^[^@\s<>,;]+@[^@\s<>,;]+\.[A-Za-z]{2,}$")


@dataclass(frozen=True, slots=True)
class Manifest:
    """One manifest. What it does not say is empty.

    ``licences`` are its words on the licence as they stand there, ``authors`` pairs of a name and an e-mail address
    (``""`` where it gives none), maintainers behind them, ``requires`` the range of language versions, ``extras`` and
    ``groups`` the names of optional dependencies and of dependency groups, each with what it lists. ``data`` is all of
    a TOML or JSON file.
    """

    path: str
    name: str = ""
    licences: tuple[str, ...] = ()
    authors: tuple[tuple[str, str], ...] = ()
    requires: str = ""
    classifiers: tuple[str, ...] = ()
    extras: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)


def read_manifests(names: Collection[str], read: Callable[[str], str]) -> tuple[Manifest, ...]:
    """Return the manifests at the top of the repository; one that cannot be read says nothing."""
    readers = {
        **_READERS,
        **{name: _worded for name in names if name.endswith(".gemspec") and "/" not in name},
    }
    return tuple(_told(path, reader, read(path)) for path, reader in readers.items() if path in names)


def toml(text: str) -> dict[str, Any]:
    """Return what TOML text holds, empty where it is not TOML."""
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}


def table(data: Any, *keys: str) -> dict[str, Any]:
    """Return the table at the end of ``keys``, empty where there is none."""
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}


def section_of(text: str, name: str) -> dict[str, str]:
    """Return a section of an INI file as it stands, empty where there is none."""
    reader = configparser.RawConfigParser(strict=False)
    try:
        reader.read_string(text)
    except configparser.Error:
        return {}
    return dict(reader.items(name)) if reader.has_section(name) else {}


def _told(path: str, reader: Callable[[str, str], Manifest], text: str) -> Manifest:
    try:
        return reader(path, text)
    except (ValueError, TypeError, AttributeError, SyntaxError, RecursionError, MemoryError):
        return Manifest(path)


def _pyproject(path: str, text: str) -> Manifest:
    data = toml(text)
    project, poetry = table(data, "project"), table(data, "tool", "poetry")
    classifiers = (*_texts(project.get("classifiers")), *_texts(poetry.get("classifiers")))
    people = [*_people(project.get("authors")), *_people(project.get("maintainers"))]
    people += [person(one) for one in _texts(poetry.get("authors"))]
    extras = table(data, "project", "optional-dependencies") or table(data, "tool", "poetry", "extras")
    python = _text(project.get("requires-python")) or _text(table(poetry, "dependencies").get("python"))
    return Manifest(
        path,
        _text(project.get("name")) or _text(poetry.get("name")),
        tuple(_licence_words(project.get("license"), classifiers))
        or tuple(_licence_words(poetry.get("license"), ())),
        tuple(one for one in people if one[0]),
        python,
        classifiers,
        {str(name): _texts(value) for name, value in extras.items()},
        {str(name): _texts(value) for name, value in table(data, "dependency-groups").items()},
        data,
    )


def _setup_cfg(path: str, text: str) -> Manifest:
    meta, options = section_of(text, "metadata"), section_of(text, "options")
    classifiers = tuple(
        line.strip() for line in (meta.get("classifiers") or meta.get("classifier") or "").splitlines()
    )
    author = (meta.get("author") or "").strip()
    return Manifest(
        path,
        (meta.get("name") or "").strip(),
        tuple(_licence_words(meta.get("license"), classifiers)),
        ((author, _mail(meta.get("author_email") or meta.get("author-email"))),) if author else (),
        (options.get("python_requires") or "").strip(),
        tuple(filter(None, classifiers)),
        {name: _lines(value) for name, value in section_of(text, "options.extras_require").items()},
    )


def _setup_py(path: str, text: str) -> Manifest:
    """Read what ``setup()`` is called with, where that stands there as it is; nothing is executed."""
    said: dict[str, Any] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "setup":
            said |= dict(_literals(node))
    classifiers = _texts(said.get("classifiers"))
    author = _text(said.get("author"))
    return Manifest(
        path,
        _text(said.get("name")),
        tuple(_licence_words(said.get("license"), classifiers)),
        ((author, _mail(said.get("author_email"))),) if author else (),
        _text(said.get("python_requires")),
        classifiers,
        {str(name): _texts(value) for name, value in table(said, "extras_require").items()},
    )


def _literals(call: ast.Call) -> Iterator[tuple[str, Any]]:
    for key in call.keywords:
        try:
            yield key.arg or "", ast.literal_eval(key.value)
        except (ValueError, TypeError):
            continue


def _package_json(path: str, text: str) -> Manifest:
    data = json.loads(text)
    author = data.get("author")
    people = (
        (_text(author.get("name")), _mail(author.get("email")))
        if isinstance(author, dict)
        else person(author or "")
    )
    words = data.get("license")
    said = _text(words.get("type")) if isinstance(words, dict) else _text(words)
    return Manifest(
        path,
        _text(data.get("name")),
        (said,) if said else (),
        (people,) if people[0] else (),
        _text(table(data, "engines").get("node")),
        data=data,
    )


def _cargo(path: str, text: str) -> Manifest:
    data = toml(text)
    package = table(data, "package") or table(data, "workspace", "package")
    people = [person(one) for one in _texts(package.get("authors"))]
    return Manifest(
        path,
        _text(package.get("name")),
        (package["license"],) if _text(package.get("license")) else (),
        tuple(one for one in people if one[0]),
        _text(package.get("rust-version")),
        data=data,
    )


def _composer(path: str, text: str) -> Manifest:
    data = json.loads(text)
    said = data.get("license")
    licences = (said,) if isinstance(said, str) else _texts(said)
    name = _text(data.get("name")).rpartition("/")[2]
    return Manifest(path, name, licences, tuple(filter(_named, _people(data.get("authors")))), data=data)


def _worded(path: str, text: str) -> Manifest:
    """Read a manifest that is a program (Ruby, Elixir): what it assigns as plain texts; nothing is executed."""
    rows = [(found["key"].rstrip("s"), found["value"]) for found in _ASSIGNED.finditer(text)]
    said = {key: re.findall(r"[\"']([^\"']+)[\"']", value) for key, value in rows}
    names = said.get("author", [])
    mails = [_mail(one) for one in said.get("email", [])]
    people = [(name, mails[at] if at < len(mails) else "") for at, name in enumerate(names)]
    return Manifest(path, next(iter(said.get("name", [])), ""), tuple(said.get("license", ())), tuple(people))


def _named(person: tuple[str, str]) -> bool:
    return bool(person[0])


_READERS: dict[str, Callable[[str, str], Manifest]] = {
    "pyproject.toml": _pyproject,
    "setup.cfg": _setup_cfg,
    "setup.py": _setup_py,
    "package.json": _package_json,
    "Cargo.toml": _cargo,
    "composer.json": _composer,
    "mix.exs": _worded,
}


def person(text: str) -> tuple[str, str]:
    """Return name and e-mail address of ``Name <name@host> (url)``."""
    found = _PERSON.match(" ".join(text.split())) if isinstance(text, str) and len(text) < 500 else None
    return (found["name"].strip(), _mail(found["mail"])) if found else ("", "")


def _licence_words(licence: Any, classifiers: Collection[str]) -> Iterator[str]:
    text = licence.get("text") if isinstance(licence, dict) else licence
    if _text(text):
        yield _text(text)
    for line in classifiers:
        if line.startswith("License ::") and line.count("::") > 1:
            yield line


def _people(value: Any) -> list[tuple[str, str]]:
    return [(_text(one.get("name")), _mail(one.get("email"))) for one in _dicts(value)]


def _mail(value: Any) -> str:
    text = _text(value)
    return text if _MAIL.match(text) else ""


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list | tuple) else ()


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines() if line.strip())
