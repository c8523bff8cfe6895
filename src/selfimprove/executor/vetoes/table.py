"""The table of vetoes, and the objections that they make to a proposal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selfimprove.executor.vetoes.configured import collects_less, conftests, looser, plugins
from selfimprove.executor.vetoes.dependencies import dependencies
from selfimprove.executor.vetoes.literals import known_answers
from selfimprove.executor.vetoes.other_tests import other_tests
from selfimprove.executor.vetoes.places import (
    binary,
    executable,
    git_folder,
    ignoring,
    licence,
    linked,
    outside,
    protected,
    shadowing,
)
from selfimprove.executor.vetoes.python_tests import python_tests
from selfimprove.executor.vetoes.swallowed import swallowed
from selfimprove.executor.vetoes.texts import (
    gutted,
    hidden,
    long_lines,
    lookalikes,
    placeholder,
    secret,
    silenced,
)
from selfimprove.executor.vetoes.tricks import tricks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from selfimprove.executor.vetoes.change import Case, Change
    from selfimprove.model.outcome import Objection

Veto = "Callable[[Change, Case], Iterator[Objection]]"

# By family. Within a file the first objection is the one that is named, so the plainest stand first.
VETOES: dict[str, tuple[Callable[[Change, Case], Iterator[Objection]], ...]] = {
    "places": (git_folder, linked, outside, protected, shadowing, binary, executable, ignoring),
    "tests": (python_tests, other_tests, collects_less, conftests, plugins),
    "code": (tricks, swallowed, known_answers),
    "texts": (placeholder, gutted, secret, hidden, lookalikes, long_lines, silenced, looser),
    "terms": (licence, dependencies),
}


def objections(case: Case) -> Iterator[Objection]:
    """Yield the objections to a proposal, waived or not."""
    for change in case.changes:
        for family in VETOES.values():
            for veto in family:
                try:
                    yield from veto(change, case)
                except RecursionError:
                    yield change.objection("too_deep", "is nested too deeply to be judged", allow="")
