"""Facts: all that a portrait says of a project, found in its files, in the measurements and in what is handed in."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.codebase.importing import Places, components
from selfimprove.codebase.measure.record import MeasureError
from selfimprove.codebase.measure.source import read_source
from selfimprove.codebase.portrait.imports import Graph, import_graph
from selfimprove.codebase.portrait.markup import NAMES, is_ours
from selfimprove.codebase.portrait.public import NOT_API, PublicModule, is_aside, public_modules
from selfimprove.codebase.portrait.stated import Manifest, manifests
from selfimprove.codebase.portrait.testmap import Mapped, map_tests
from selfimprove.codebase.scan import VENDORED
from selfimprove.codebase.testing import is_test

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from selfimprove.codebase.measure.record import FileMetrics
    from selfimprove.codebase.portrait.outline import Outline

_LICENCES = ("license", "licence", "copying", "unlicense")


class Check(NamedTuple):
    """How something is checked: ``what`` (Tests, Lint), the ``command`` or the tool, ``why`` it is taken for that."""

    what: str
    command: str
    why: str


class Hot(NamedTuple):
    """A file that is complex and changes often; ``commits`` have changed it."""

    path: str
    commits: int


class Portrait(NamedTuple):
    """``names`` are all files; ``outlines`` those that were read; ``measured`` the Python files with metrics.

    ``hot`` (the hottest first) and ``checks`` are handed in, None where nobody knows them now. ``not_analysed``
    has a reason by path. ``licence`` is the file with it and its first line.
    """

    name: str
    names: tuple[str, ...]
    outlines: Mapping[str, Outline]
    measured: Mapping[str, FileMetrics]
    places: Places
    graph: Graph
    cycles: tuple[tuple[str, ...], ...]
    stated: tuple[Manifest, ...]
    public: tuple[PublicModule, ...]
    tests: Mapped
    hot: tuple[Hot, ...] | None
    checks: tuple[Check, ...] | None
    not_analysed: tuple[tuple[str, str], ...]
    licence: tuple[str, str] | None


def portrait(
    root: Path,
    names: Iterable[str],
    outlines: Mapping[str, Outline],
    measured: Mapping[str, FileMetrics],
    *,
    name: str = "",
    not_analysed: Mapping[str, str],
    hot: Sequence[Hot] | None = None,
    checks: Sequence[Check] | None = None,
) -> Portrait:
    """Return the portrait of the tree at ``root`` with the files ``names``; nothing is written.

    ``name`` is what to call a project that does not say its name. ``outlines`` are of ``names``, as
    :func:`~selfimprove.codebase.portrait.reading.outlines` has them.
    """
    ours = own_documents(root, outlines)
    outlines = {path: one for path, one in outlines.items() if path not in ours}
    known = tuple(name for name in sorted(names) if name not in ours)
    texts = _manifest_texts(root, known, outlines)
    stated = tuple(manifests(texts, texts.get))
    places = Places({path: None for path, one in outlines.items() if one.language == "python"})
    graph = import_graph(outlines, places, texts)
    return Portrait(
        _name(stated) or _main_package(outlines) or name or root.resolve().name,
        known,
        outlines,
        measured,
        places,
        graph,
        _circles(graph),
        stated,
        tuple(public_modules(outlines, places)),
        map_tests(outlines, graph),
        None if hot is None else tuple(hot),
        None if checks is None else tuple(checks),
        _problems(outlines, stated, not_analysed),
        _licence(root, known),
    )


def _circles(graph: Graph) -> tuple[tuple[str, ...], ...]:
    """Return the groups of modules that import each other while they are loaded, tests aside."""
    loads = {path: targets for path, targets in graph.loads.items() if not is_test(path)}
    return tuple(sorted(tuple(group) for group in components(loads) if len(group) > 1))


def own_documents(root: Path, names: Iterable[str]) -> set[str]:
    """Return those of ``names`` that a portrait is written to: it does not speak of itself."""
    named = [name for name in names if posixpath.basename(name) in NAMES]
    return {name for name in named if is_ours(_bytes(root / name) or b"")}


def _manifest_texts(root: Path, names: Iterable[str], outlines: Mapping[str, Outline]) -> dict[str, bytes]:
    """Return the manifests of the project's own parts: not those of tests, of examples, or of what others wrote."""
    from selfimprove.codebase.portrait.stated import is_manifest

    found = {}
    for name in names:
        folders = set(name.lower().split("/")[:-1])
        own = not folders & (VENDORED | NOT_API) and not is_test(name)
        if own and name in outlines and is_manifest(name):
            data = _bytes(root / name)
            if data is not None:
                found[name] = data
    return found


def _bytes(path: Path) -> bytes | None:
    try:
        return read_source(path)
    except (MeasureError, OSError):
        return None


def _problems(
    outlines: Mapping[str, Outline], stated: Sequence[Manifest], measuring: Mapping[str, str]
) -> tuple[tuple[str, str], ...]:
    """Return why files were not read or measured; links and what is not there are not files of their own."""
    found = {path: one.problem for path, one in outlines.items() if one.problem}
    found |= {one.file: one.problem for one in stated if one.problem}
    found |= {path: why for path, why in measuring.items() if path in outlines}
    return tuple(sorted(found.items()))


def _name(stated: Sequence[Manifest]) -> str:
    """Return how the project calls itself at its top, ``""`` where it does not."""
    top = (one for one in stated if "/" not in one.file)
    return next((value for one in top for title, value in one.facts if title == "Name"), "")


def _main_package(outlines: Mapping[str, Outline]) -> str:
    """Return the one Python package at the top or in ``src``, ``""`` where there is none or more than one."""
    tops = {
        folders[0]
        for path in outlines
        if path.endswith("/__init__.py") and not is_aside(path)
        if len(folders := path.removeprefix("src/").split("/")) == 2
    }
    return tops.pop() if len(tops) == 1 else ""


def _licence(root: Path, names: Iterable[str]) -> tuple[str, str] | None:
    for name in names:
        stem = posixpath.basename(name).partition(".")[0].partition("-")[0].lower()
        if "/" not in name and stem in _LICENCES and not (root / name).is_symlink():
            data = _bytes(root / name) or b""
            lines = (line.strip(" #=*") for line in data[:2000].decode("utf-8", "replace").splitlines())
            return name, next((line[:100] for line in lines if line), "")
    return None
