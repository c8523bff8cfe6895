"""Import graph of a portrait: which file imports which, when, and which libraries are not the project's own."""

from __future__ import annotations

import posixpath
import sys
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.codebase.importing import components, load_edges
from selfimprove.codebase.portrait.elsewhere import Elsewhere
from selfimprove.codebase.portrait.outline import CALL, LOAD, TYPES
from selfimprove.codebase.portrait.public import defined_in

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from selfimprove.codebase.importing import Places
    from selfimprove.codebase.measure.record import Import
    from selfimprove.codebase.portrait.outline import Outline

    Edges = dict[str, dict[str, str]]


class Graph(NamedTuple):
    """``edges`` lead from a file to each that it imports, with LOAD or CALL; ``loads`` are those of SI202's cycles.

    ``libraries`` are the top names of what is imported from elsewhere, by the files that do. ``reached`` are, by
    file, all files that its imports lead to, also through names that a package only hands on.
    """

    edges: Edges
    loads: dict[str, dict[str, int]]
    libraries: dict[str, list[str]]
    reached: dict[str, set[str]]


def import_graph(outlines: Mapping[str, Outline], places: Places, names: Mapping[str, bytes]) -> Graph:
    """Return who imports whom. ``names`` has what is said of modules in other languages: go.mod by path."""
    edges: Edges = {}
    loads: dict[str, dict[str, int]] = {}
    libraries: dict[str, list[str]] = defaultdict(list)
    reached: dict[str, set[str]] = {}
    elsewhere = Elsewhere(outlines, names)
    for path, one in outlines.items():
        if one.language == "python":
            found = _python(path, one, places, libraries)
            loads[path] = load_edges(path, [use.what for use in one.uses if use.when == LOAD], places)
            reached[path] = {*found, *_handed_on(path, one, outlines, places)}
        else:
            found = {target: LOAD for use in one.uses for target in elsewhere.files(use.what.module, path)}
            found.pop(path, None)
            loads[path] = dict.fromkeys(found, 0)
            reached[path] = set() if one.language == "go" else set(found)
        if found:
            edges[path] = dict(sorted(found.items()))
    return Graph(
        edges, loads, {name: sorted(set(files)) for name, files in sorted(libraries.items())}, reached
    )


def _python(path: str, one: Outline, places: Places, libraries: dict[str, list[str]]) -> dict[str, str]:
    """Return the files that a Python file imports as it runs, and note the libraries."""
    found: dict[str, str] = {}
    for use in one.uses:
        file = _meant(use.what, path, places)
        if file is not None and file != path and use.when != TYPES:
            found[file] = LOAD if LOAD in (use.when, found.get(file)) else CALL
        if file is None and (library := _library(use.what, places)):
            libraries[library].append(path)
    return found


def _meant(what: Import, path: str, places: Places) -> str | None:
    if not what.level and not places.has_name(what.module.partition(".")[0]):
        return None  # of elsewhere; most imports are
    for base in places.bases(what.module, what.level, path):
        submodule = places.file(f"{base}/{what.name}") if what.name else None
        if file := submodule or places.file(base):
            return file
    return None


def _library(what: Import, places: Places) -> str:
    """Return the top name of what is imported from elsewhere, ``""`` for what is Python's or the project's own."""
    top = what.module.partition(".")[0]
    ours = what.level or places.has_name(top)
    return "" if ours or top in sys.stdlib_module_names or not top.isidentifier() else top


def _handed_on(path: str, one: Outline, outlines: Mapping[str, Outline], places: Places) -> Iterator[str]:
    """Yield the files that define what ``path`` imports from packages that import it themselves."""
    for use in one.uses:
        file = _meant(use.what, path, places)
        if file is not None and use.what.name:
            home = defined_in(use.what.name, file, outlines, places)
            if home is not None:
                yield home[0]


def folder_of(path: str) -> str:
    """Return the folder of a file, ``.`` at the top."""
    return posixpath.dirname(path) or "."


def unit_of(path: str) -> str:
    """Return what is imported as one: the file, for Go its folder."""
    return folder_of(path) if path.endswith(".go") else path


class Drawn(NamedTuple):
    """A graph that fits on a page: ``nodes`` (files, or folders for what is in them) and weighted edges.

    ``left_out`` counts edges that were dropped because there are too many, the lightest first. ``chosen`` says
    that only the nodes with most edges are there, of ``total``.
    """

    nodes: tuple[str, ...]
    edges: dict[tuple[str, str], tuple[int, str]]
    left_out: int = 0
    chosen: bool = False
    total: int = 0


MOST_NODES, MOST_EDGES = 60, 180
_FEW, _ROUNDS = 10, 3


def by_package(edges: Edges, files: Collection[str]) -> dict[str, str]:
    """Return the node that each file belongs to: its folder.

    The files of a folder around others, which is in a circle with them, are nodes of their own: where one folder
    has both what all others need and what needs all others, it would hide in which direction things depend.
    """
    at = {path: folder_of(path) for path in files}
    for _ in range(_ROUNDS):
        pairs = [pair for pair, (_, when) in _joined(edges, at).items() if when == LOAD]
        circled = [group for level in layers(at.values(), pairs) for group in level if len(group) > 1]
        around = {node for group in circled for node in group if _is_around(node, group)}
        if not around:
            break
        at = {path: path if node in around else node for path, node in at.items()}
    return at


def _is_around(node: str, group: Iterable[str]) -> bool:
    """True for a folder in which another node of the group lies."""
    return any(other != node and (node == "." or other.startswith(f"{node}/")) for other in group)


def drawn(edges: Edges, at: Mapping[str, str], *, fold: bool = True) -> Drawn:
    """Return the graph of the nodes that the files belong to ``at``, small enough for a page.

    Too many nodes are folded into their folders, or else only those with most edges are there.
    """
    total, chosen = len(set(at.values())), False
    folded = dict(at)
    while len(set(folded.values())) > MOST_NODES and _depth(folded) > 0:
        deepest = _depth(folded)
        folded = {path: _outer(node) if node.count("/") == deepest else node for path, node in folded.items()}
    few = len(set(folded.values())) < _FEW or not fold
    if (few and total > MOST_NODES) or len(set(folded.values())) > MOST_NODES:
        folded, chosen = _most_connected(edges, at), True
    joined = _joined(edges, folded)
    kept = sorted(joined, key=lambda pair: (-joined[pair][0], pair))[:MOST_EDGES]
    nodes = tuple(sorted(set(folded.values())))
    return Drawn(nodes, {pair: joined[pair] for pair in sorted(kept)}, len(joined) - len(kept), chosen, total)


def _outer(node: str) -> str:
    return posixpath.dirname(node) or "."


def _depth(folded: Mapping[str, str]) -> int:
    return max((node.count("/") for node in folded.values()), default=0)


def _most_connected(edges: Edges, at: Mapping[str, str]) -> dict[str, str]:
    weight: dict[str, int] = defaultdict(int)
    for source, target in _joined(edges, at):
        weight[source] += 1
        weight[target] += 1
    best = set(sorted(set(at.values()), key=lambda node: (-weight[node], node))[: MOST_NODES * 2 // 3])
    return {path: node for path, node in at.items() if node in best}


def _joined(edges: Edges, at: Mapping[str, str]) -> dict[tuple[str, str], tuple[int, str]]:
    """Return the edges between nodes, each with how many imports make it and when the first of them runs."""
    found: dict[tuple[str, str], tuple[int, str]] = {}
    for source, targets in edges.items():
        for target, when in targets.items():
            if source in at and target in at and at[source] != at[target]:
                pair = at[source], at[target]
                count, before = found.get(pair, (0, CALL))
                found[pair] = count + 1, LOAD if LOAD in (when, before) else CALL
    return found


def layers(nodes: Iterable[str], pairs: Iterable[tuple[str, str]]) -> list[list[tuple[str, ...]]]:
    """Return the levels of the graph, the lowest first; each is a list of groups that import each other.

    The level of a group is the longest way down from it in the graph of strongly connected components (Tarjan,
    1972), so that each imports from lower levels only.
    """
    graph: dict[str, dict[str, int]] = {node: {} for node in sorted(nodes)}
    for source, target in sorted(pairs):
        graph[source][target] = 1
    level: dict[str, int] = {}
    found: dict[int, list[tuple[str, ...]]] = defaultdict(list)
    for group in components(graph):  # what a group leads to comes before it
        inside = set(group)
        below = [level[other] for node in group for other in graph[node] if other not in inside]
        height = 1 + max(below, default=-1)
        level.update(dict.fromkeys(group, height))
        found[height].append(tuple(group))
    return [sorted(found[height]) for height in sorted(found)]
