"""Documents: the three pages of a portrait by their names, and those that are there brought up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selfimprove.codebase.portrait.architecture import architecture, carried_hot
from selfimprove.codebase.portrait.graphpage import graph_page
from selfimprove.codebase.portrait.markup import NAMES, is_ours, parted, with_summary
from selfimprove.codebase.portrait.names import Known, without_unknown
from selfimprove.codebase.portrait.specification import CHECKS, specification

if TYPE_CHECKING:
    from collections.abc import Mapping

    from selfimprove.codebase.portrait.facts import Portrait


def pages(portrait: Portrait) -> dict[str, str]:
    """Return the factual pages by name."""
    return dict(
        zip(NAMES, (specification(portrait), graph_page(portrait), architecture(portrait)), strict=True)
    )


def refresh(portrait: Portrait, documents: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return those of ``documents`` (by path, as they are there) whose facts are others in ``portrait``.

    Only documents with the marker change. What ``portrait`` does not know (hot spots, checks) stays as the
    document has it, as far as its files are still there. A summary stays, without the sentences that name what is
    not there any more. The same portrait and documents give the same bytes.
    """
    found = {}
    for path, data in documents.items():
        name = path.rpartition("/")[2]
        if name in NAMES and is_ours(data):
            new = renewed(portrait, name, data.decode("utf-8", "replace")).encode()
            if new != data:
                found[path] = new
    return found


def renewed(portrait: Portrait, name: str, document: str) -> str:
    """Return the page ``name`` as ``portrait`` has it, with what only the existing ``document`` knows."""
    facts, summary = parted(document)
    if name == "architecture.md" and portrait.hot is None:
        portrait = portrait._replace(hot=carried_hot(facts, portrait))
    page = pages(portrait)[name]
    if name == "specification.md" and portrait.checks is None:
        page = page.partition(f"{CHECKS}\n")[0] + CHECKS + facts.partition(CHECKS)[2]
    if not summary:
        return page
    kept, _ = without_unknown(summary, Known(portrait, pages(portrait).values()))
    return with_summary(page, kept)
