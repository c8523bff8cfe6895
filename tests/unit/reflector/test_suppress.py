"""Comments that silence findings: where they count, and what is said of those that do not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from selfimprove.codebase.measure.comments import suppressions
from selfimprove.codebase.measure.measure import measure
from selfimprove.model.finding import Finding, Severity
from selfimprove.reflector import suppress
from selfimprove.reflector.policy import Policy
from selfimprove.reflector.rules import findings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selfimprove.codebase.measure.record import FileMetrics

BODY = "    if a: pass\n" * 3
STRICT = Policy({"SI101": 2, "SI102": "A"}, select=["SI001", "SI002", "SI101", "SI102"])


def judged(
    text: str, policy: Policy = STRICT, others: Sequence[Finding] = (), *, whole: bool = True
) -> tuple[list[str], list[str], list[str]]:
    """Return what stays, what is silenced, and what is wrong with the comments, each as ``rule symbol``."""
    metrics = measure(text.encode(), extra=policy.needs_extra)
    found = [*findings("a.py", metrics, policy), *others]
    kept, silenced, wrong = suppress.apply(found, {"a.py": metrics}, policy, whole=whole, linted={"a.py"})
    names = [[f"{one.rule} {one.symbol}".strip() for one in part] for part in (kept, silenced)]
    return names[0], names[1], [f"{one.rule}:{one.line} {one.message}" for one in wrong]


def other(rule: str, line: int) -> Finding:
    """A finding at a line, as duplicates, cycles and pylint make them."""
    return Finding(rule, "a.py", line, line, "", Severity.WARNING, 1, 0, "m", "s")


@pytest.mark.parametrize(
    "head",
    [
        "def f(a):  # selfimprove: ignore[SI101] why\n",
        "def f(a):  # noqa: X  # selfimprove: ignore[SI101] why\n",
        "def f(a): #selfimprove:ignore [ si101 ] why  # noqa\n",
        "def f(a):  # Selfimprove: Ignore[SI104, SI101] why\n",
        "def f(a):  # selfimprove: ignore[SI1] why\n",
        "def f(a):  # selfimprove: ignore why\n",
        "# selfimprove: ignore[SI101] why\ndef f(a):\n",
        "# selfimprove: ignore[SI104] why\n# selfimprove: ignore[SI101] why\ndef f(a):\n",
        "def f(\n    a,\n):  # selfimprove: ignore[SI101] why\n",
        "def f(\n    a,  # selfimprove: ignore[SI101] why\n):\n",
        "def f(\n    # selfimprove: ignore[SI101] why\n    a,\n):\n",
        "async def f(  # selfimprove: ignore[SI101] why\n    a,\n) -> None:\n",
        "@g  # selfimprove: ignore[SI101] why\n@h\ndef f(a):\n",
        "@g\n@h(  # x\n    1,  # selfimprove: ignore[SI101] why\n)\ndef f(a):\n",
        "@g\n# selfimprove: ignore[SI101] why\n@h\ndef f(a):\n",
        "# selfimprove: ignore[SI101] why\n@g\n@h\ndef f(a):\n",
        "@g\ndef f(a):  # selfimprove: ignore[SI101] why\n",
    ],
)
def test_a_comment_about_a_function(head: str) -> None:
    policy = Policy({"SI101": 2}, select=["SI001", "SI101"])
    assert judged(head + BODY, policy) == ([], ["SI101 f"], [])


@pytest.mark.parametrize(
    "text",
    [
        "# selfimprove: ignore[SI101] why\n\ndef f(a):\n" + BODY,
        "x = 1  # selfimprove: ignore[SI101] why\ndef f(a):\n" + BODY,
        "def f(a):\n    # selfimprove: ignore[SI101] why\n" + BODY,
        "def f(a):\n" + BODY + "# selfimprove: ignore[SI101] why\n",
        "def f(a):\n" + BODY + "    x = 1  # selfimprove: ignore[SI101] why\n",
        "def f(a):  # selfimprove: ignore[SI102] why\n" + BODY,
    ],
)
def test_a_comment_in_another_place_or_about_another_rule_silences_nothing(text: str) -> None:
    kept, silenced, (wrong,) = judged(text)
    assert (kept, silenced) == (["SI101 f"], [])
    assert "nothing is found here that SI10" in wrong


def test_a_string_and_another_word_are_no_comment() -> None:
    text = (
        'def f(a):\n    """# selfimprove: ignore[SI101] why"""\n' + BODY + "# selfimprove: ignored\n"
        "# selfimprove: ignore-file\nX = '''\n# selfimprove: ignore\n'''\n"
    )
    assert judged(text) == (["SI101 f"], [], [])
    assert suppressions(text) == ()


def test_only_the_function_it_belongs_to() -> None:
    inner = "    def g(b):  # selfimprove: ignore[SI101] why\n" + BODY.replace("    if a", "        if b")
    text = (
        "def f(a):\n" + inner + BODY + "class A:\n    # selfimprove: ignore[SI101] why\n    def f(self, a):\n"
    )
    kept, silenced, wrong = judged(text + BODY.replace("    if", "        if"))
    assert (kept, wrong) == (["SI101 f"], [])
    assert sorted(silenced) == ["SI101 A.f", "SI101 f.g"]


@pytest.mark.parametrize(
    ("text", "hit"),
    [
        ("# selfimprove: ignore[SI102] why\nimport a\n", True),
        ('"""Doc."""  # selfimprove: ignore[SI102] why\n', True),
        ('"""Doc."""\n\nimport a\n\n# selfimprove: ignore[SI101, SI102] why\nX = 1\n', True),
        ("# selfimprove: ignore why\nimport a\n", False),
        ("# selfimprove: ignore[SI1] why\nimport a\n", False),
        ("import a\nimport b  # selfimprove: ignore[SI102] why\n", False),
        ("class A:\n    # selfimprove: ignore[SI102] why\n    x = 1\n", False),
        ("def f():\n    # selfimprove: ignore[SI102] why\n    x = 1\n", False),
    ],
)
def test_a_comment_about_a_whole_file_names_the_rule(text: str, hit: bool) -> None:

    metrics = measure(text.encode())._replace(rank="C")
    found = findings("a.py", metrics, STRICT)
    kept, silenced, _ = suppress.apply(found, {"a.py": metrics}, STRICT)
    assert [one.rule for one in (silenced if hit else kept)] == ["SI102"]
    assert not (kept if hit else silenced)


def test_findings_at_a_line() -> None:
    text = (
        "import b  # selfimprove: ignore[SI202] why\n# selfimprove: ignore[SI3] why\nx = 1\ny = 2\n"
        "@z\n# selfimprove: ignore why\ndef f(): pass\n"
    )
    others = [other("SI202", 1), other("SI301", 3), other("SI303", 4), other("SI305", 7), other("SI999", 1)]
    policy = Policy(select=["ALL"])
    assert judged(text, policy, others) == (["SI303", "SI999"], ["SI202", "SI301", "SI305"], [])


def test_an_unused_comment_is_a_warning_at_its_line() -> None:
    metrics = measure(text := b"def f(a):  # selfimprove: ignore[SI101] it was long\n    return a\n")
    _, _, (found,) = suppress.apply([], {"a.py": metrics}, Policy())
    assert (found.rule, found.severity, found.path, found.line) == ("SI001", Severity.WARNING, "a.py", 1)
    assert found.symbol == "f"
    assert found.message == "nothing is found here that SI101 would silence"
    assert "a.py, line 1" in found.suggestion
    assert text.count(b"\n") == 2


def test_unused_ones_are_told_apart() -> None:
    text = "# selfimprove: ignore[SI101] a\nx = 1\n# selfimprove: ignore[SI101] b\ny = 2\n"
    _, _, found = suppress.apply([], {"a.py": measure(text.encode())}, Policy())
    assert len({one.fingerprint for one in found}) == 2
    moved = measure(("\n" * 9 + text).encode())
    again = suppress.apply([], {"a.py": moved}, Policy())[2]
    assert [one.fingerprint for one in again] == [one.fingerprint for one in found]


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("[SI101]", "SI001:1 nothing is found here that SI101 would silence"),
        ("[SI999]", "SI001:1 SI999 is not a rule"),
        ("[S101]", "SI001:1 S101 is not a rule: did you mean SI101 (cyclomatic-complexity)"),
        ("[complexity]", "SI001:1 COMPLEXITY is not a rule: did you mean SI101 (cyclomatic-complexity)"),
        ("[]", "SI001:1 an empty bracket is not a rule"),
        ("[SI101", "SI001:1 SI101 WHY is not a rule"),
        ("[SI001]", "SI001:1 nothing is found here that SI001 would silence"),
        ("[SI301]", ""),
        ("[SI104]", ""),
        ("[SI1]", ""),
        ("", ""),
    ],
)
def test_only_what_was_looked_for_is_called_unused(rules: str, said: str) -> None:
    wrong = judged(f"x = 1  # selfimprove: ignore{rules} why\n", Policy())[2]
    assert "".join(wrong).startswith(said)
    assert bool(wrong) == bool(said)


def test_when_everything_was_looked_for_everything_is_judged() -> None:
    policy = Policy(select=["ALL"])
    for rules in ("", "[ALL]", "[SI3]", "[SI1]", "[SI201]"):
        (wrong,) = judged(f"x = 1  # selfimprove: ignore{rules} why\n", policy)[2]
        assert wrong.startswith("SI001:1 nothing is found here")
    part = judged("x = 1  # selfimprove: ignore[SI201] why\n", policy, whole=False)
    assert part == ([], [], []), "other files may hold the other half"
    assert (
        judged("x = 1  # selfimprove: ignore[SI101] why\n", Policy(per_path={"a.py": {"SI101": None}}))[2]
        == []
    )
    assert judged("x = 1  # selfimprove: ignore[SI101] why\n", Policy(ignore=["SI001"]))[2] == []


def test_pylint_is_judged_only_where_it_has_looked() -> None:
    metrics = measure(b"x = 1  # selfimprove: ignore[SI301] why\n", extra=True)
    policy = Policy(select=["ALL"])
    assert suppress.apply([], {"a.py": metrics}, policy, linted={"b.py"}) == ([], [], [])
    assert len(suppress.apply([], {"a.py": metrics}, policy, linted={"a.py"})[2]) == 1


def test_the_function_that_a_comment_is_in_or_above() -> None:
    mark = "# selfimprove: ignore[SI101] why\n"
    text = (
        f"{mark}class A:\n    {mark}    {mark}    def f(a):\n        {mark}        def g():\n"
        f"            pass  {mark}        return g  {mark}\n    x = 1  {mark}{mark}{mark}@f\n"
        f"def h(a):\n    pass\n{mark}x = 2  {mark}"
    )
    metrics = measure(text.encode())
    wrong = suppress.apply([], {"a.py": metrics}, STRICT)[2]
    found = [one.symbol for one in sorted(wrong, key=lambda one: one.line)]
    assert found == ["", "A.f", "A.f", "A.f.g", "A.f.g", "A.f", "", "h", "h", "", ""]
    assert len({one.fingerprint for one in wrong}) == len(wrong)


def test_thousands_of_comments_are_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Comments alone in their lines, each silencing what is below, and as many findings as lines."""
    asked: list[str] = []
    covered = suppress.covered_by
    monkeypatch.setattr(suppress, "covered_by", lambda code: (asked.append(code), covered(code))[1])
    count = 3000
    inline = measure("".join(f"x = {n}  # selfimprove: ignore[SI201] r\n" for n in range(count)).encode())
    kept, silenced, wrong = suppress.apply(
        [other("SI201", line) for line in range(1, count + 1)], {"a.py": inline}, STRICT
    )
    assert (len(kept), len(silenced), wrong) == (0, count, [])
    assert len(asked) < 10 * count
    unknown = measure("".join(f"# selfimprove: ignore[SO{n}] r\n" for n in range(count)).encode())
    wrong = suppress.apply([], {"a.py": unknown}, STRICT)[2]
    assert len(wrong) == count
    assert {one.message.split(":")[0] for one in wrong[-2:]} == {
        f"SO{n} is not a rule" for n in (count - 2, count - 1)
    }


def test_one_of_two_rules_is_unused() -> None:
    policy = Policy({"SI101": 2}, select=["SI001", "SI101", "SI104"])
    wrong = judged("def f(a):  # selfimprove: ignore[SI101, SI104] why\n" + BODY, policy)[2]
    assert wrong == ["SI001:1 nothing is found here that SI104 would silence"]


def test_a_missing_reason_is_a_note_for_who_asks() -> None:
    text = "def f(a):  # selfimprove: ignore[SI101]\n" + BODY
    assert judged(text, Policy({"SI101": 2}))[2] == []
    metrics = measure(text.encode())
    _, _, (found,) = suppress.apply(findings("a.py", metrics, STRICT), {"a.py": metrics}, STRICT)
    assert (found.rule, found.severity, found.line) == ("SI002", Severity.NOTE, 1)


def test_what_is_said_of_comments_cannot_be_silenced_by_one() -> None:
    text = "# selfimprove: ignore[SI001] why\nx = 1  # selfimprove: ignore[SI101] why\n"
    assert [one[:7] for one in judged(text, Policy())[2]] == ["SI001:1", "SI001:2"]


def notebook(*cells: str) -> FileMetrics:
    lines = [{"cell_type": "code", "metadata": {}, "outputs": [], "source": cell} for cell in cells]
    data = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": lines}
    return measure(json.dumps(data).encode(), notebook=True)


def test_in_a_notebook() -> None:
    first = "x = 1  # selfimprove: ignore[SI101] why\ny = 2"
    metrics = notebook(first, "# selfimprove: ignore[SI101] why\ndef f(a):\n" + BODY)
    found = findings("n.ipynb", metrics, Policy({"SI101": 2}))
    assert [(one.cell, one.line) for one in found] == [(2, 2)]
    kept, silenced, (wrong,) = suppress.apply(found, {"n.ipynb": metrics}, Policy({"SI101": 2}))
    assert (kept, len(silenced)) == ([], 1)
    assert (wrong.cell, wrong.line) == (1, 1)
    assert "n.ipynb, cell 1, line 1" in wrong.suggestion


def test_a_finding_in_a_file_that_was_not_measured_stays() -> None:
    finding = other("SI301", 1)
    assert suppress.apply([finding], {}, Policy()) == ([finding], [], [])


def test_comments_are_read_as_python_reads_them() -> None:
    text = "x = 1\r\n# selfimprove: ignore[SI101] a: b\r\ny = '''\\\r\n'''  # selfimprove: ignore - c #12\r\n"
    assert [(one.line, one.rules, one.reason, one.own_line) for one in suppressions(text)] == [
        (2, ("SI101",), "a: b", True),
        (4, (), "c #12", False),
    ]
    assert [one.line for one in suppressions("x = 1\r# selfimprove: ignore\r")] == [2]


@pytest.mark.parametrize("rest", ["x = (", "'''open", "  x\n y\n", "$ ?", "x = 'a\n"])
def test_a_text_that_is_not_python_gives_what_stands_alone(rest: str) -> None:
    mark = "# selfimprove: ignore[SI101] why\n"
    text = f"{mark}if x:\n{rest}\n{mark}y = 1  {mark}"
    assert {1} <= {one.line for one in suppressions(text)} <= {1, text.count("\n") - 1, text.count("\n")}
