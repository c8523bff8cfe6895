"""Public: which names of a project are for those who import it, by griffe's rules of what is public."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.codebase.testing import is_test

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from selfimprove.codebase.importing import Places
    from selfimprove.codebase.portrait.outline import Defined, Outline

NOT_API = frozenset({"tests", "test", "testing", "docs", "doc", "examples", "benchmarks", "bench", "scripts"})
"""Folders whose code nobody imports from outside."""

NOT_MODULES = frozenset({"setup.py", "conftest.py", "noxfile.py", "tasks.py", "fabfile.py", "manage.py"})
"""Files at the top that are scripts of the project itself."""

_EXPORTED = ("export ", "pub ", "public ", "open ")
_ALL_BUT_PRIVATE = frozenset(
    {"c", "cpp", "ruby", "php", "elixir", "lua", "dart", "ocaml", "haskell", "julia"}
)


class PublicName(NamedTuple):
    """A public name: how it is called, its first line of docstring, and for a class its public methods."""

    name: str
    kind: str
    signature: str
    doc: str
    methods: tuple[str, ...] = ()


class PublicModule(NamedTuple):
    """A module with public names. ``name`` is dotted for Python, else the path."""

    path: str
    name: str
    doc: str
    names: tuple[PublicName, ...]


def public_modules(outlines: Mapping[str, Outline], places: Places) -> list[PublicModule]:
    """Return the modules that have public names, by path: those of the packages first, then single files."""
    found = []
    for path, one in outlines.items():
        if is_aside(path):
            continue
        names = tuple(_public(path, one, outlines, places))
        if names:
            name = places.name(path) if one.language == "python" else path
            found.append(PublicModule(path, name, one.doc, names))
    return found


def is_aside(path: str) -> bool:
    """True for tests, for what lies in NOT_API's folders, and for the project's own scripts at the top."""
    *folders, name = path.split("/")
    return (
        is_test(path)
        or bool(NOT_API & {one.lower() for one in folders})
        or (not folders and name in NOT_MODULES)
    )


def is_private_module(path: str) -> bool:
    """True where a part of a Python file's path says that nobody outside should import it."""
    parts = PurePosixPath(path).with_suffix("").parts
    return any(part.startswith("_") and not part.startswith("__") for part in parts)


def _public(path: str, one: Outline, outlines: Mapping[str, Outline], places: Places) -> Iterator[PublicName]:
    if one.language != "python":
        yield from _elsewhere(one)
        return
    if is_private_module(path) or not path.endswith(".py") or path.endswith("__main__.py"):
        return
    if one.exports is not None:
        for name in one.exports:
            yield _exported(name, path, outlines, places)
        return
    for defined in one.defined:
        if "." not in defined.name and not defined.name.startswith("_"):
            yield _shown(defined, one)


def _exported(name: str, path: str, outlines: Mapping[str, Outline], places: Places) -> PublicName:
    """Return a name of ``__all__``, with what is said of it where it is defined."""
    home = defined_in(name, path, outlines, places)
    if home is not None:
        file, own = home
        for defined in outlines[file].defined:
            if defined.name == own:
                return _shown(defined, outlines[file])._replace(name=name)
    return PublicName(name, "", name, "")


def defined_in(
    name: str, path: str, outlines: Mapping[str, Outline], places: Places, depth: int = 6
) -> tuple[str, str] | None:
    """Return the file that defines what ``path`` calls ``name``, and its name there; follows what is imported."""
    one = outlines.get(path)
    if one is None or depth == 0:
        return None
    if any(defined.name == name for defined in one.defined):
        return path, name
    for used in one.uses:
        what = used.what
        if what.name not in (name, "*"):
            continue
        for base in places.bases(what.module, what.level, path):
            if (file := places.file(base)) and file != path:
                return defined_in(name, file, outlines, places, depth - 1)
    return None


def _shown(defined: Defined, one: Outline) -> PublicName:
    methods = (
        tuple(
            other.name.partition(".")[2]
            for other in one.defined
            if other.kind == "method" and other.name.startswith(f"{defined.name}.")
        )
        if defined.kind == "class"
        else ()
    )
    shown = tuple(name for name in methods if not name.startswith("_"))
    return PublicName(defined.name, defined.kind, defined.signature or defined.name, defined.doc, shown)


def _elsewhere(one: Outline) -> Iterator[PublicName]:
    """Yield the names of another language that its own sign (export, pub, a capital) makes public."""
    for defined in one.defined:
        last = defined.name.rpartition(".")[2]
        if defined.kind == "method" or last.startswith(("_", "#")):
            continue
        public = defined.signature.startswith(_EXPORTED) or one.language in _ALL_BUT_PRIVATE
        if one.language == "go":
            public = last[:1].isupper()
        if public:
            yield PublicName(defined.name, defined.kind, defined.name, defined.doc)
