"""Duplicated blocks: what counts as the same, how far a block goes, and that one place has one finding."""

from __future__ import annotations

import pytest

from selfimprove.codebase.measure.blocks import BREAK, WINDOW
from selfimprove.codebase.measure.measure import measure
from selfimprove.codebase.measure.record import pack, unpack
from selfimprove.model.finding import Finding, Severity
from selfimprove.reflector.duplicates import find_duplicates
from selfimprove.reflector.policy import Policy

BODY = """\
    total = start(items)
    for item in items:
        if item.price > 10:
            total += item.price * 2
        elif item.free:
            continue
        log(f"{item} has {total!r}")
        try:
            item.send(total)
        except OSError as error:
            warn(error, total)
    total = round(total, 2)
    store(total, name=items)
    return total
"""  # 13 statements and heads
BLOCK = "def first(items):\n" + BODY


def found(files: dict[str, str], limit: int = 10, **more: object) -> list[Finding]:
    """The findings in files of that text."""
    measured = {path: measure(text.encode(), extra=True) for path, text in files.items()}
    return find_duplicates(measured, Policy({"SI201": limit}, select=("SI201",), **more))  # type: ignore[arg-type]


def test_a_copy_is_found_once_and_the_first_place_is_named() -> None:
    (one,) = found({"b.py": "x = 1\n" + BLOCK.replace("first", "second"), "a.py": BLOCK})
    assert (one.rule, one.path, one.symbol, one.line, one.end_line) == ("SI201", "b.py", "second", 3, 16)
    assert (one.value, one.limit, one.severity) == (14, 10, Severity.NOTE)
    assert (
        one.message
        == "second repeats 14 statements in lines 3-16 that also stand in a.py:2-15 (first), limit 10"
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("total", "result"),
        ("items", "things"),
        ("error", "problem"),
        ("item.send(total)", "item.send(  # why\n                total,\n            )"),
        ("    store(", "\n    # a comment\n    store("),
        ("if item.price > 10", "if (item.price\\\n            > 10)".replace("(", "").replace(")", "")),
    ],
)
def test_names_and_layout_may_differ(old: str, new: str) -> None:
    (one,) = found({"a.py": BLOCK, "b.py": BLOCK.replace("first", "second").replace(old, new)})
    assert one.value == 14


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("item.price * 2", "item.price * 3"),
        (".send(", ".receive("),
        ("log(", "debug("),
        ("item.send(total)", "item.send(items)"),  # another of the local names
        ("name=items", "title=items"),
        ("elif item.free", "if item.free"),
    ],
)
def test_what_says_something_else_is_no_copy(old: str, new: str) -> None:
    changed = BLOCK.replace("first", "second").replace(old, new)
    assert changed.count(new) >= 1
    assert not [one for one in found({"a.py": BLOCK, "b.py": changed}) if one.value == 14]


def test_the_limit_is_the_shortest_block_that_counts() -> None:
    files = {"a.py": BLOCK, "b.py": BLOCK.replace("first", "second")}
    assert [one.value for one in found(files, 14)] == [14]
    assert not found(files, 15)
    assert [one.severity for one in found(files, WINDOW)] == [Severity.WARNING]
    assert [one.limit for one in found(files, 2)] == [WINDOW]


def test_three_copies_are_two_findings_and_twins_have_their_own_fingerprints() -> None:
    copies = "\n\n".join(BLOCK for _ in range(3))
    one, two = found({"a.py": copies})
    assert (one.symbol, one.ordinal, two.symbol, two.ordinal) == ("first", 1, "first", 2)
    assert one.fingerprint != two.fingerprint
    assert one.end_line < two.line


def test_a_block_whose_parts_stand_in_two_places_is_one_finding() -> None:
    lines = BLOCK.splitlines(keepends=True)
    files = {
        "a.py": "".join((*lines[:12], "    return g(total)\n")),
        "b.py": "".join(("def other(items):\n", "    total = go(items)\n", *lines[2:])),
        "c.py": BLOCK,
    }
    parts, whole = found(files)
    assert (parts.path, parts.value) == ("b.py", 10)
    assert (whole.path, whole.value) == ("c.py", 15)
    assert "a.py:1-12" in whole.message
    assert "b.py:4-15 (other)" in whole.message


def test_much_repeated_code_has_one_finding_a_place() -> None:
    files = {f"f{number:03}.py": BLOCK for number in range(60)}
    assert len(found(files)) == 59


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"import m{number}\n" for number in range(40)),
        "".join(f"NAME{number} = {number}\n" for number in range(40)),
        "".join(f"TABLE{number} = [f(1), f(2)]\n" for number in range(40)),
        "class C:\n" + "".join(f"    def m{number}(self): ...\n" for number in range(40)),
        "".join(f'def f{number}():\n    """Says."""\n' for number in range(40)),
        "class C:\n" + "".join(f"    field{number}: int\n" for number in range(40)),
        "def f(self, a, b, c):\n" + "".join(f"    self.x{number} = a\n" for number in range(40)),
        "def f():\n" + "".join(f"    check({number}, 'row {number}')\n" for number in range(40)),
    ],
)
def test_imports_data_heads_and_tables_are_no_code_to_join(text: str) -> None:
    assert not found({"a.py": text, "b.py": text} if "check" not in text else {"a.py": text})


def test_a_row_of_the_same_statement_repeats_only_where_it_does_not_overlap() -> None:
    row = "def f():\n" + "    tick()\n" * 15
    assert not found({"a.py": row})
    assert [one.value for one in found({"a.py": "def f():\n" + "    tick()\n" * 25})] == [15]


def test_a_file_for_which_the_rule_is_off_is_not_looked_at() -> None:
    files = {"src/a.py": BLOCK, "tests/b.py": BLOCK}
    assert found(files)
    assert not found(files, per_path={"tests": {"SI201": None}})


def test_limits_of_files_may_differ() -> None:
    files = {"a.py": BLOCK, "b.py": BLOCK, "tests/c.py": BLOCK}
    assert [one.path for one in found(files, per_path={"tests": {"SI201": 40}})] == ["b.py"]
    assert [one.path for one in found(files, 40, per_path={"tests": {"SI201": 10}})] == ["tests/c.py"]


def test_positions_hold_in_text_that_is_not_ascii() -> None:
    strange = BLOCK.replace("total", "größe").replace("OSError", "OSError")
    (one,) = found({"a.py": BLOCK, "b.py": "# Ä\n" + strange.replace("first", "zweite")})
    assert (one.symbol, one.value) == ("zweite", 14)


def test_blocks_survive_the_cache_and_are_the_same_in_every_process() -> None:
    metrics = measure(BLOCK.encode(), extra=True)
    assert unpack(pack(metrics)) == metrics
    assert metrics.extra
    numbers = [number for number, _, _ in metrics.extra.blocks]
    assert BREAK not in numbers
    assert numbers[0] == 252421089155686
