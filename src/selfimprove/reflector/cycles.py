"""Import cycles (SI202): modules that cannot be loaded without each other.

An edge leads from a module to each one that must be executed, or from which names are taken, while the module
itself is being loaded. Imports inside of functions, under ``if TYPE_CHECKING:`` and under
``if __name__ == "__main__":`` run later or never and are no edges. Loading ``a.b`` loads the package ``a``
first, so that is an edge too, except for modules inside of ``a``: they only run when ``a`` is being loaded
already. For the same reason a plain ``import a`` inside of ``a`` is no edge. ``from a import name`` there is
one, unless ``name`` is a submodule: it fails when ``a`` has not come to ``name`` yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from selfimprove.codebase.importing import Places, components, load_edges, shortest_cycle
from selfimprove.model.finding import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from selfimprove.codebase.measure.record import FileMetrics
    from selfimprove.reflector.policy import Policy

    Graph = dict[str, dict[str, int]]  # file -> file that it imports -> line

RULE = "SI202"
_SHOWN = 12  # modules of a cycle that a message names


def find_cycles(
    measured: Mapping[str, FileMetrics], policy: Policy, roots: Sequence[str] = ()
) -> list[Finding]:
    """Return one finding for each group of modules of which every one leads to every other.

    ``roots`` are folders relative to the repository that hold packages, besides its top, ``src``, ``lib`` and
    the folder around every package. The message shows the shortest cycle; the finding is where its first
    import stands, in its alphabetically first module. Imports of files for which the rule is off are not
    followed.
    """
    places = Places(measured, roots)
    graph: Graph = {
        path: load_edges(path, metrics.extra.imports if metrics.extra else (), places)
        if policy.limit(RULE, path) is not None
        else {}
        for path, metrics in sorted(measured.items())
    }
    found = [_finding(group, graph, places, policy) for group in components(graph) if len(group) > 1]
    return sorted(found, key=lambda finding: (finding.path, finding.line))


def _finding(group: Sequence[str], graph: Graph, places: Places, policy: Policy) -> Finding:
    cycle = shortest_cycle(graph, group)
    edges = list(zip(cycle, [*cycle[1:], cycle[0]], strict=True))
    names = [places.name(path) for path in (*cycle, cycle[0])]
    if len(names) > _SHOWN:
        names[_SHOWN - 1 : -1] = ["..."]
    path, line = cycle[0], graph[cycle[0]][edges[0][1]]
    message = f"{len(group)} modules import each other in a circle: {' -> '.join(names)}"
    if len(group) > len(cycle):
        message += f" is its shortest way, and {len(group) - len(cycle)} more modules are in it"
    limit = policy.limit(RULE, path)
    return Finding(
        rule=RULE,
        path=path,
        line=line,
        end_line=line,
        symbol="",
        severity=Severity.WARNING,
        value=len(group),
        limit=1 if limit is None else limit,
        message=message,
        suggestion=_suggestion(group, edges, graph, places),
    )


def _suggestion(group: Sequence[str], edges: Sequence[tuple[str, str]], graph: Graph, places: Places) -> str:
    """Return which of ``edges`` to break first: the one after which the least modules are left in a circle."""
    (start, end), left = min(
        ((edge, _left_after(edge, group, graph)) for edge in edges), key=lambda pair: pair[1]
    )
    rest = (
        f"{left} modules then still are in a circle" if left else "then none of them is in a circle any more"
    )
    return (
        f"First remove the import of {places.name(end)} in {start}:{graph[start][end]}; {rest}. Move what both "
        "modules need into a third one, import inside of the function that needs it, or under "
        "`if TYPE_CHECKING:` when only annotations do. Behaviour and public names stay as they are."
    )


def _left_after(edge: tuple[str, str], group: Sequence[str], graph: Graph) -> int:
    """Return how many modules of ``group`` are still in a cycle without ``edge``."""
    inside = set(group)
    rest = {
        node: {other: 0 for other in graph[node] if other in inside and (node, other) != edge}
        for node in group
    }
    return sum(len(one) for one in components(rest) if len(one) > 1)
