"""The table of rules, and what a file's numbers say about it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from selfimprove.codebase.measure.measure import measure
from selfimprove.codebase.measure.record import FileMetrics, FunctionMetrics
from selfimprove.model.finding import Severity
from selfimprove.reflector.policy import Policy
from selfimprove.reflector.rules import (
    BY_ID,
    DEFAULT,
    PYLINT,
    RULES,
    describe,
    facts,
    findings,
    place,
    severity,
)

FUNCTION_RULES = [rule for rule in RULES if rule.scope == "function"]


def function(**values: Any) -> FunctionMetrics:
    """A function with small numbers, except for ``values``."""
    names = ("cognitive", "length", "nesting", "parameters", "branches", "returns")
    small: dict[str, Any] = dict.fromkeys(names, 1)
    return FunctionMetrics(
        "Parser.parse", 2, 10, 19, **{"complexity": 1, "body": "b" * 16, **small, **values}
    )


def file(*functions: FunctionMetrics, rank: str = "A") -> FileMetrics:
    return FileMetrics(functions, 12.345, rank, 200)


def test_ids_and_names_are_unique_and_say_what_they_are() -> None:
    assert list(BY_ID) == [rule.id for rule in RULES] == sorted(BY_ID)
    assert len({rule.name for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert re.fullmatch(r"SI\d{3}", rule.id)
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", rule.name)
        assert rule.summary.endswith(".")
        assert rule.summary.count(". ") == 0, "one sentence"
        assert rule.help.endswith(".")
        assert rule.title
        assert rule.unit


def test_pylint_categories_are_those_of_the_settings() -> None:
    from selfimprove.settings import variants

    assert list(PYLINT) == variants("audit.pylint")[0]["items"]["enum"]
    assert list(PYLINT.values()) == ["SI301", "SI302", "SI303", "SI304", "SI305"]


def test_the_defaults_of_the_settings_are_those_of_the_rules() -> None:
    from selfimprove.settings import Settings

    assert Settings().audit.select == DEFAULT
    assert Settings().audit.rule_limits() == {"SI101": BY_ID["SI101"].limit, "SI102": BY_ID["SI102"].limit}


def test_described_as_plain_data() -> None:
    described = describe()
    assert [one["id"] for one in described] == list(BY_ID)
    assert json.loads(json.dumps(described)) == described
    assert {"id", "name", "summary", "help", "limit", "unit", "scope"} == set(described[0])
    limits = {one["id"]: one["limit"] for one in described if one["id"] < "SI202"}
    ranks = {"SI102": "B"}
    numbers = {"SI101": 15, "SI103": 15, "SI104": 80, "SI105": 5, "SI106": 7, "SI107": 15, "SI108": 6}
    assert limits == {"SI001": 0, "SI002": 0, "SI201": 10} | ranks | numbers


@pytest.mark.parametrize("rule", FUNCTION_RULES, ids=lambda rule: rule.name)
def test_a_function_over_a_limit_is_a_finding(rule: Any) -> None:
    policy = Policy(select=["ALL"])
    assert findings("a.py", file(function(**{rule.value: rule.limit})), policy) == []
    (found,) = findings("a.py", file(function(**{rule.value: rule.limit + 1})), policy)
    assert (found.rule, found.path, found.symbol, found.ordinal) == (rule.id, "a.py", "Parser.parse", 2)
    assert (found.line, found.end_line, found.body, found.cell) == (10, 19, "b" * 16, None)
    assert (found.value, found.limit, found.severity) == (rule.limit + 1, rule.limit, Severity.WARNING)
    assert found.message.startswith("Parser.parse ")
    assert found.message.endswith(f", limit {rule.limit}")
    assert str(rule.limit + 1) in found.message
    assert "Parser.parse (a.py, lines 10 to 19)" in found.suggestion
    assert f"at most {rule.limit}" in found.suggestion
    assert "{" not in found.message + found.suggestion
    assert findings("a.py", file(function(**{rule.value: 2 * rule.limit})), policy)[0].severity == 2
    assert findings("a.py", file(function(**{rule.value: 2 * rule.limit + 1})), policy)[0].severity == 3


@pytest.mark.parametrize(
    ("rank", "limit", "over"), [("C", "B", 1), ("B", "B", 0), ("B", "A", 1), ("C", "C", 0)]
)
def test_a_file_over_its_rank(rank: str, limit: str, over: int) -> None:
    found = findings("a.py", file(rank=rank), Policy({"SI102": limit}))
    assert len(found) == over
    for one in found:
        assert (one.severity, one.symbol, one.line, one.end_line) == (Severity.WARNING, "", 1, 200)
        assert one.message == f"a.py has maintainability {rank} (index 12.35), limit {limit}"


def test_facts_are_all_values_of_the_wanted_rules_and_findings_those_over_the_limit() -> None:
    metrics = file(function(), function(complexity=99), rank="C")
    assert [(one.rule, one.value) for one in facts("a.py", metrics, Policy())] == [
        ("SI101", 1),
        ("SI101", 99),
        ("SI102", "C"),
    ]
    assert [one.rule for one in findings("a.py", metrics, Policy())] == ["SI101", "SI102"]
    everything = Policy(select=["ALL"])
    assert len(list(facts("a.py", metrics, everything))) == 2 * len(FUNCTION_RULES) + 1
    over = [one for one in facts("a.py", metrics, everything) if str(one.value) > str(one.limit)]
    assert findings("a.py", metrics, everything) == over
    assert list(facts("a.py", metrics, Policy(select=["SI2"]))) == []


def test_what_was_not_measured_is_no_finding() -> None:
    bare = FunctionMetrics("f", 1, 1, 2, 99)
    found = facts("a.py", file(bare), Policy(select=["ALL"]))
    assert [one.rule for one in found] == ["SI101", "SI102"]


def test_names_with_braces_and_percent_signs_stay_as_they_are() -> None:
    (found,) = findings("{a}%s.py", file(function(complexity=16)), Policy())
    assert "({a}%s.py, lines 10 to 19)" in found.suggestion


def test_a_notebook_counts_lines_in_its_cells() -> None:
    metrics = FileMetrics((function(complexity=16),), 50.0, "C", 30, cells=((1, 1), (8, 3), (20, 4)))
    function_, whole = findings("n.ipynb", metrics, Policy())
    assert (function_.cell, function_.line, function_.end_line) == (3, 3, 12)
    assert "(n.ipynb, cell 3, lines 3 to 12)" in function_.suggestion
    assert (whole.cell, whole.line, whole.end_line) == (None, 1, 30)
    assert [place(metrics, line) for line in (1, 7, 8, 20, 25)] == [(1, 1), (1, 7), (3, 1), (4, 1), (4, 6)]
    assert place(file(), 7) == (None, 7)


def test_severity_of_rules_without_a_measure() -> None:
    assert severity("SI001", 1, 0) == Severity.WARNING
    assert severity("SI002", 1, 0) == Severity.NOTE


def test_on_real_code() -> None:
    code = "class A:\n    @property\n    def f(self):\n" + "        if self: pass\n" * 16
    (found,) = findings("a.py", measure(code.encode()), Policy())
    assert found.message == "A.f has cyclomatic complexity 17, limit 15"
    assert (found.line, found.end_line, found.symbol) == (3, 19, "A.f")
    assert found.body
