"""Graph page: the import graph of packages and modules with its circles, layers and libraries, as Markdown."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from selfimprove.codebase.importing import shortest_cycle
from selfimprove.codebase.portrait.imports import by_package, drawn, layers, unit_of
from selfimprove.codebase.portrait.markup import MARKER, code, codes, count, flowchart, plain, table
from selfimprove.codebase.portrait.outline import CALL
from selfimprove.codebase.portrait.public import is_aside

if TYPE_CHECKING:
    from collections.abc import Iterable

    from selfimprove.codebase.portrait.facts import Portrait
    from selfimprove.codebase.portrait.imports import Drawn

_MOST, _PER_LAYER, _LIBRARIES = 15, 14, 40
_PARTS = "package"
_INTRODUCTION = """\
An arrow leads from what imports to what is imported. A solid arrow: the import runs when the module is loaded; a
dotted one: only inside of functions. Imports for type checkers alone are left out, and so are tests, documentation
and examples. A dashed frame marks what is in a circle.
"""


def graph_page(portrait: Portrait) -> str:
    """Return the page; where nothing imports anything, it says so."""
    files = code_files(portrait)
    inside = {path: portrait.graph.edges[path] for path in files if path in portrait.graph.edges}
    parts = [f"{MARKER}\n# Import graph of {plain(portrait.name)}\n"]
    if not any(target in files for targets in inside.values() for target in targets):
        parts.append("No file of this project was found to import another one.\n")
    else:
        parts += [_INTRODUCTION, *_pictures(portrait, files)]
        parts += ["## Circles\n", _circles(portrait), "## Layers\n", _layers(portrait, files)]
        parts += ["## Most imported\n", _most_imported(portrait, files)]
    if portrait.graph.libraries:
        parts += ["## Libraries\n", _libraries(portrait)]
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def code_files(portrait: Portrait) -> set[str]:
    """Return the files of the project's own code that import something or are imported."""
    known = {*portrait.graph.edges, *(one for targets in portrait.graph.edges.values() for one in targets)}
    known |= {path for path, one in portrait.outlines.items() if one.language == "python" and one.defined}
    return {path for path in known if not is_aside(path) and not path.endswith(".pyi")}


def _pictures(portrait: Portrait, files: Iterable[str]) -> list[str]:
    found: list[str] = []
    own = set(files)
    packages = drawn(portrait.graph.edges, by_package(portrait.graph.edges, own))
    modules = drawn(portrait.graph.edges, {path: unit_of(path) for path in own}, fold=False)
    if len(packages.nodes) > 1:
        found += ["## Packages\n", _picture(portrait, packages, _PARTS)]
    if set(modules.nodes) != set(packages.nodes):
        found += ["## Modules\n", _picture(portrait, modules, "module")]
    return found


def _picture(portrait: Portrait, one: Drawn, noun: str) -> str:
    labels = {node: "the top folder" if node == "." else label(portrait, node) for node in one.nodes}
    edges = [(*pair, when == CALL) for pair, (_, when) in one.edges.items()]
    circles = [group for level in layers(one.nodes, _loaded(one)) for group in level if len(group) > 1]
    notes = []
    if one.chosen:
        notes.append(f"Shown are the {len(one.nodes)} of {one.total:,} {noun}s that have most arrows.")
    elif one.total > len(one.nodes):
        notes.append(f"{one.total:,} {noun}s, folded into {len(one.nodes)} by their folders.")
    if noun == _PARTS and any(node in portrait.outlines for node in one.nodes):
        notes.append("Modules of a package that is in a circle with what lies below it stand for themselves.")
    if one.left_out:
        notes.append(
            f"{count(one.left_out, 'arrow')} that few imports make {'is' if one.left_out == 1 else 'are'} left out."
        )
    return (" ".join(notes) + "\n\n" if notes else "") + flowchart(labels, edges, circles)


def _loaded(one: Drawn) -> list[tuple[str, str]]:
    return [pair for pair, (_, when) in one.edges.items() if when != CALL]


def label(portrait: Portrait, node: str) -> str:
    """Return how a file or folder is called: dotted for Python, else by its path."""
    if node in portrait.outlines:
        return portrait.places.name(node) if node.endswith(".py") else node
    package = f"{node}/__init__.py"
    return portrait.places.name(package) if package in portrait.outlines else node


def _circles(portrait: Portrait) -> str:
    own = [group for group in portrait.cycles if not all(is_aside(path) for path in group)]
    if not own:
        return "No modules import each other in a circle while they are loaded.\n"
    lines = []
    for group in own[:_MOST]:
        way = shortest_cycle(portrait.graph.loads, group)
        names = [label(portrait, path) for path in (*way, way[0])]
        more = (
            f"; {count(len(group) - len(way), 'more module')} in the same circle"
            if len(group) > len(way)
            else ""
        )
        lines.append(
            f"- {' → '.join(code(name) for name in names[:12])}{' → ...' if len(names) > 12 else ''}{more}"
        )
    if len(own) > _MOST:
        lines.append(f"- and {count(len(own) - _MOST, 'more circle')}")
    groups = count(len(own), "group")
    head = f"{groups} of modules that import each other while they are loaded, each by its shortest way:"
    return f"{head}\n\n" + "\n".join(lines) + "\n"


def _layers(portrait: Portrait, files: Iterable[str]) -> str:
    """Return the levels of the packages, or of the modules where there is one package only."""
    own = set(files)
    at = by_package(portrait.graph.edges, own)
    if len(set(at.values())) < 4:
        at = {path: path for path in own}
    pairs = {
        (at[source], at[target])
        for source in own
        for target, when in portrait.graph.edges.get(source, {}).items()
        if target in own and at[source] != at[target] and when != CALL
    }
    found = layers(at.values(), pairs)
    rows = [(str(height), _level(portrait, found[height])) for height in reversed(range(len(found)))]
    words = "packages" if any(path != node for path, node in at.items()) else "modules"
    head = (
        f"Levels of the {words}: each imports, while it is loaded, from lower levels only (longest paths in the "
        "graph of strongly connected components; Tarjan, 1972). Those in parentheses import each other.\n\n"
    )
    return head + table(("Level", words.capitalize()), rows)


def _level(portrait: Portrait, groups: Iterable[tuple[str, ...]]) -> str:
    shown = []
    for group in groups:
        listed = codes(label(portrait, node) for node in group[:_PER_LAYER])
        listed += f" and {len(group) - _PER_LAYER} more" if len(group) > _PER_LAYER else ""
        shown.append(f"({listed})" if len(group) > 1 else listed)
    more = f" and {len(shown) - _PER_LAYER} more" if len(shown) > _PER_LAYER else ""
    return ", ".join(shown[:_PER_LAYER]) + more


def _most_imported(portrait: Portrait, files: Iterable[str]) -> str:
    own = set(files)
    pairs = {
        (unit_of(source), unit_of(target))
        for source in own
        for target in portrait.graph.edges.get(source, ())
        if target in own and unit_of(source) != unit_of(target)
    }
    counts = Counter(target for _, target in pairs)
    order = sorted(counts, key=lambda path: (-counts[path], path))[:_MOST]
    rows = [
        (code(label(portrait, path)), str(counts[path]), code(path)) for path in order if counts[path] > 1
    ]
    return (
        table(("Module", "Imported by", "File"), rows)
        if rows
        else "No module is imported by more than one.\n"
    )


def _libraries(portrait: Portrait) -> str:
    rows = []
    for name, files in portrait.graph.libraries.items():
        own = [path for path in files if not is_aside(path)]
        where = f"{len(own)}" if own else "tests or examples only"
        rows.append((code(name), where, code(own[0]) if own else code(files[0]), -len(own)))
    rows.sort(key=lambda row: (row[3], row[0]))
    more = f"\nAnd {len(rows) - _LIBRARIES} more.\n" if len(rows) > _LIBRARIES else ""
    head = "Top-level names that Python files import and that are neither the project's own nor Python's:\n\n"
    return head + table(("Name", "Modules", "For example in"), [row[:3] for row in rows[:_LIBRARIES]]) + more
