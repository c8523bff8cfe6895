"""Documents: the three pages of a portrait by their names, and those that are there brought up to date."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from selfimprove.codebase.portrait.architecture import architecture, carried_hot
from selfimprove.codebase.portrait.facts import portrait
from selfimprove.codebase.portrait.graphpage import graph_page
from selfimprove.codebase.portrait.markup import NAMES, is_ours, parted, with_summary
from selfimprove.codebase.portrait.names import Known, without_unknown
from selfimprove.codebase.portrait.reading import outlines
from selfimprove.codebase.portrait.specification import CHECKS, specification

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from selfimprove.codebase.measure.record import FileMetrics
    from selfimprove.codebase.portrait.facts import Portrait
    from selfimprove.codebase.tree import Cache


_PAGES: dict[str, Callable[[Portrait], str]] = dict(
    zip(NAMES, (specification, graph_page, architecture), strict=True)
)


def pages(found: Portrait) -> dict[str, str]:
    """Return the factual pages by name."""
    return {name: page(found) for name, page in _PAGES.items()}


def refresh(
    root: Path,
    names: Iterable[str],
    measured: Mapping[str, FileMetrics],
    documents: Mapping[str, bytes],
    *,
    blobs: Mapping[str, str] = MappingProxyType({}),
    cache: Cache | None = None,
    name: str = "",
    not_analysed: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, bytes]:
    """Return the new bytes of those of ``documents`` (by path) whose facts are others in the tree at ``root``.

    ``names`` are the files of the tree, ``measured`` its Python files, and ``not_analysed`` those that could not be
    measured. ``blobs`` are the blob ids of files whose content git knows, which ``cache`` is asked about. ``name`` is
    what to call a project that does not say its name: that of the person's folder, not of a copy. Only documents
    with the marker change; what only history or this machine's programs tell (hot spots, checks) stays as it is, as
    far as its files are still there. A summary stays, without the sentences that name what is gone. The same tree
    and documents give the same bytes; no model is asked, and nothing is written.
    """
    ours = {
        path: data for path, data in documents.items() if path.rpartition("/")[2] in NAMES and is_ours(data)
    }
    if not ours:
        return {}
    known = list(names)
    read = outlines(root, known, blobs, cache)
    return refreshed(portrait(root, known, read, measured, name=name, not_analysed=not_analysed), ours)


def refreshed(found: Portrait, documents: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the new bytes of those of our ``documents`` whose facts are others in ``found``."""
    changed = {}
    for path, data in documents.items():
        text = data.decode("utf-8", "replace")
        plain = text.replace("\r\n", "\n")
        new = renewed(found, path.rpartition("/")[2], plain)
        if new != plain:
            changed[path] = (new.replace("\n", "\r\n") if plain != text else new).encode()
    return changed


def renewed(found: Portrait, name: str, document: str) -> str:
    """Return the page ``name`` as ``found`` has it, with what only the existing ``document`` knows."""
    facts, summary = parted(document)
    if name == "architecture.md" and found.hot is None:
        found = found._replace(hot=carried_hot(facts, found))
    page = _PAGES[name](found)
    if name == "specification.md" and found.checks is None:
        page = page.partition(f"{CHECKS}\n")[0] + CHECKS + facts.partition(CHECKS)[2]
    if not summary:
        return page
    kept, _ = without_unknown(summary, Known(found, pages(found).values()))
    return with_summary(page, kept)
