"""What a task's work holds stays small enough to be stored after every step."""

from __future__ import annotations

import pytest

from selfimprove.executor.size import WHOLE, few, small, storable
from selfimprove.model.context import FOUND, Place
from selfimprove.model.outcome import CheckResult, Objection
from selfimprove.model.work import Work


@pytest.mark.parametrize("letter", ["x", "é", "\n"])
def test_work_stays_small_whatever_grows(letter: str) -> None:
    import json

    work = Work(
        1,
        "t",
        "b",
        "c",
        0.0,
        context=tuple(Place(f"{letter * 200}{n}", n, n + 9, letter * 50, FOUND) for n in range(500)),
        paths=tuple(f"{letter * 200}{n}" for n in range(500)),
        checks=(CheckResult("tests", False, letter * 9000, 0.0, letter * 90000),) * 3,
        objections=tuple(Objection("x", letter * 900, letter * 900, letter * 900) for _ in range(900)),
        failure="first line\n" + letter * 90000,
        stop=letter * 9000,
        summary=letter * 9000,
        subject=letter * 9000,
    )
    cut = small(work)
    assert len(json.dumps(cut.to_dict())) <= WHOLE
    assert cut.failure.startswith("first line")
    assert cut.checks[0].name == "tests"
    assert Work.from_dict(json.loads(json.dumps(cut.to_dict()))) == cut
    assert small(cut) == cut


def test_few_and_storable() -> None:
    assert few(("aa", "bb", "c"), 4) == ("aa", "bb")
    assert storable("caf\udce9") == "caf?"
