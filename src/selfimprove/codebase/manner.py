"""Manner: whether a text asks for a change of the code, or says what some code does; by how it is written."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from selfimprove.codebase.ranking import MANNER

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

_WORD = re.compile(r"\w+")
_CODE = re.compile(r"\w[_.]\w|[a-z][A-Z]|\(\)")
_HEAD = 25  # characters within which a colon ends a topic: "parser: accept empty files"
_LONGEST = 400  # characters of the first line that are looked at


def asks_for_change(text: str, names: Sequence[str], table: NDArray[np.float32]) -> float:
    """Return how probable it is, from 0 to 1, that ``text`` asks for a change (a task, a commit's subject).

    ``names`` and ``table`` are the features of the chunks that its words found: what a text describes, they
    fit better than what it only touches. The weights are learned, and none of them is that of a word.
    """
    known = traits(text, names, table)
    total = sum(
        weight * (known.get(name, 1.0) - mean) / scale for name, (weight, mean, scale) in MANNER.items()
    )
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))


def traits(text: str, names: Sequence[str], table: NDArray[np.float32]) -> dict[str, float]:
    """Return the form of the first line of ``text``, and how well the chunks that it found fit, as numbers."""
    line = next((one.strip() for one in text.split("\n") if one.strip()), "")[:_LONGEST]
    words = _WORD.findall(line) or [""]
    return {
        "words": math.log1p(len(words)),
        "characters": math.log1p(len(line)),
        "topic": float(":" in line[:_HEAD]),
        "third_person": float(words[0].endswith("s")),
        "capital": float(words[0][:1].isupper()),
        "digits": float(any(map(str.isdigit, line))),
        "quotes": float(any(mark in line for mark in "`\"'")),
        "code": float(bool(_CODE.search(line))),
        "commas": float(line.count(",")),
        "word_length": sum(map(len, words)) / len(words),
        **_fits(names, table),
    }


def _fits(names: Sequence[str], table: NDArray[np.float32]) -> dict[str, float]:
    import numpy as np

    def column(name: str) -> NDArray[np.float64]:
        if name not in names or not len(table):
            return np.zeros(1)
        return np.sort(np.nan_to_num(table[:, names.index(name)].astype(np.float64)))[::-1]

    meaning, share = column("meaning"), column("words_share")
    return {
        "best_meaning": float(meaning[0]),
        "mean_meaning": float(meaning.mean()),
        "lead": float(meaning[0] - meaning[min(5, len(meaning) - 1)]),
        "best_share": float(share[0]),
        "mean_share": float(share.mean()),
        "tests": float(column("test").mean()),
        "best_name": float(column("name")[0]),
        "best_path": float(column("path")[0]),
    }
