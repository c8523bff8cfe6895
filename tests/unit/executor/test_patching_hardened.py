"""apply_reply against replies that real commits turned into: what must land, and what must never land in silence."""

from __future__ import annotations

import pytest

from executor_rig import block
from selfimprove.executor.patching import apply_reply
from selfimprove.executor.patching.verify import left_out

CODE = "".join(f"def f{n}():\n    return {n}\n\n\n" for n in range(6))


@pytest.mark.parametrize(
    "remark",
    ["# keep all the others", "# ---- unchanged ----", "// and so on", "...", "<!-- nothing new here -->"],
)
def test_a_remark_never_takes_the_place_of_code(remark: str) -> None:
    have = ["a = 1", "b = 2", "c = 3", "d = 4", "e = 5", "f = 6"]
    assert left_out(have, ["a = 1", remark, "f = 6"]) == remark


@pytest.mark.parametrize(
    "made",
    [
        ["a = 1", "# b = 2", "# c = 3", "# d = 4", "# e = 5", "f = 6"],  # made into remarks
        ["a = 1", "f = 6"],
        ["a = 1", "# shorter", "b = 14", "f = 6"],
    ],
)
def test_code_may_go_for_other_reasons(made: list[str]) -> None:
    have = ["a = 1", "b = 2", "c = 3", "d = 4", "e = 5", "f = 6"]
    assert left_out(have, made) == ""


def test_a_block_whose_new_part_is_a_remark_is_refused() -> None:
    old = CODE
    new = "def f0():\n    return 10\n\n\n# all the others stay\n"
    result = apply_reply(block("f.py", old, new), {"f.py": CODE.encode()})
    assert not result.ok
