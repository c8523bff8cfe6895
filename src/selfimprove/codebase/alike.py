"""Alike: how near in meaning short texts are to each other, by the vectors that search uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

SAME_PLACE, ELSEWHERE = 0.48, 0.63
"""Cosines from which two wishes for a change are one: of those that touch a common file, and of others.

Chosen on 24 pairs of paraphrases and 35 of different wishes for the same code, and on no others
(tests/unit/codebase/test_alike.py): from 0.48 on are 19 and 2 of them, from 0.63 on 4 and none; of 1,104 pairs about
different things none is over 0.44.
"""

_READ = 600  # characters of a text: what it is about is said first


def nearness(texts: Sequence[str], others: Sequence[str]) -> list[list[float]] | None:
    """Return for each of ``texts`` its cosine with each of ``others``, None where parts of the index are missing."""
    from selfimprove.codebase.packing import embedding_or_none
    from selfimprove.codebase.query import understand
    from selfimprove.codebase.search import missing_parts

    embedding = None if missing_parts() else embedding_or_none()
    if embedding is None:
        return None
    left, right = (
        [embedding.query(understand(text[:_READ]).terms) for text in some] for some in (texts, others)
    )
    return [[float(one @ other) for other in right] for one in left]
