"""Which rules are looked for, and with which limit where."""

from __future__ import annotations

from typing import Any

import pytest

from selfimprove.errors import ConfigError
from selfimprove.reflector.policy import Policy, covered_by, nearest
from selfimprove.reflector.rules import BY_ID


def wanted(**given: Any) -> list[str]:
    policy = Policy(**given)
    return [rule for rule in BY_ID if policy.wants(rule)]


def refused(**given: Any) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        Policy(**given)
    return caught.value


@pytest.mark.parametrize(
    ("select", "ignore", "rules"),
    [
        (["SI101"], [], ["SI101"]),
        (["SI2"], [], ["SI201", "SI202"]),
        (["SI20", "si101 "], [], ["SI101", "SI201", "SI202"]),
        (["ALL"], [], list(BY_ID)),
        (["all"], ["SI1", "SI3"], ["SI001", "SI002", "SI201", "SI202"]),
        (["SI2"], ["SI202"], ["SI201"]),
        (["SI202"], ["SI2"], ["SI202"]),
        (["SI101"], ["ALL"], ["SI101"]),
        (["ALL"], ["ALL"], []),
        (["SI1"], ["SI1"], []),
        (["SI"], ["SI1", "SI3", "SI0"], ["SI201", "SI202"]),
        ([], [], []),
    ],
)
def test_the_longer_prefix_counts(select: list[str], ignore: list[str], rules: list[str]) -> None:
    assert wanted(select=select, ignore=ignore) == rules


def test_the_defaults() -> None:
    assert wanted() == ["SI001", "SI101", "SI102"]
    assert Policy().limits("x.py") == {"SI001": 0, "SI101": 15, "SI102": "B"}
    assert Policy().limit("SI104", "x.py") is None
    assert Policy({"SI104": 60}).limit("SI104", "x.py") is None, "a limit does not select its rule"


def test_limits_by_path_and_later_ones_win() -> None:
    policy = Policy(
        {"SI101": 12, "si104": 60},
        select=["SI101", "SI102", "SI104"],
        per_path={
            "tests": {"SI104": None, "SI101": 30},
            "tests/slow_*.py": {"SI104": 200},
            "generated/": {"SI101": False, "SI102": False},
            "**/setup.py": {"SI103": 1},
            "vendor": {"ALL": None},
        },
    )
    assert policy.limits("src/a.py") == {"SI101": 12, "SI102": "B", "SI104": 60}
    assert policy.limits("tests/a.py") == {"SI101": 30, "SI102": "B"}
    assert policy.limits("src/tests/a.py") == {"SI101": 30, "SI102": "B"}, "a name hits at every depth"
    assert policy.limits("tests/slow_a.py") == {"SI101": 30, "SI102": "B", "SI104": 200}
    assert policy.limits("vendor/a.py") == {}
    assert policy.limits("generated/deep/a.py") == {"SI104": 60}
    assert policy.limits("setup.py") == {"SI101": 12, "SI102": "B", "SI104": 60}, "SI103 is not selected"
    assert policy.limits("tests/a.py") is policy.limits("tests/a.py")


def test_a_rule_that_is_off_is_not_wanted_unless_it_is_on_somewhere() -> None:
    assert wanted(limits={"SI101": None}) == ["SI001", "SI102"]
    only = Policy({"SI104": None}, select=["SI104"], per_path={"src": {"SI104": 50}})
    assert (only.wants("SI104"), only.limit("SI104", "a.py"), only.limit("SI104", "src/a.py")) == (
        True,
        None,
        50,
    )
    assert only.needs_extra


def test_extra_is_needed_only_for_rules_that_need_it() -> None:
    assert not Policy().needs_extra
    assert not Policy(select=["SI0", "SI3", "SI101"]).needs_extra
    assert not Policy({"SI103": None}, select=["SI103"]).needs_extra
    for rule in ("SI103", "SI108", "SI201", "SI202"):
        assert Policy(select=[rule]).needs_extra, rule


def test_the_digest_tells_policies_apart() -> None:
    policies = [
        Policy(),
        Policy(select=["ALL"]),
        Policy({"SI101": 14}),
        Policy(per_path={"a": {"SI101": 14}}),
        Policy(per_path={"b": {"SI101": 14}}),
        Policy(per_path={"a": {"SI101": None}}),
        Policy(per_path={"a": {"SI101": None}, "b": {"SI101": 3}}),
        Policy(per_path={"b": {"SI101": 3}, "a": {"SI101": None}}),
    ]
    assert len({policy.digest() for policy in policies}) == len(policies)
    assert Policy({"SI101": 15}).digest() == Policy(select=["SI102", "SI101", "SI001"]).digest()


@pytest.mark.parametrize(
    ("given", "message", "hint"),
    [
        ({"select": ["SI110"]}, "SI110 is not a rule", "did you mean SI10"),
        ({"select": ["cognitive-complexity"]}, "is not a rule", "did you mean SI103 (cognitive-complexity)?"),
        ({"select": ["cognitve"]}, "is not a rule", "did you mean SI103 (cognitive-complexity)?"),
        ({"ignore": ["duplicates"]}, "duplicates is not a rule", "did you mean SI201 (duplicated-block)?"),
        ({"ignore": ["E501"]}, "E501 is not a rule", "rules are SI001 to SI305, prefixes like SI1, and ALL"),
        ({"select": ["S"]}, "S is not a rule", "rules are"),
        ({"select": [""]}, "an empty text is not a rule", "rules are"),
        (
            {"limits": {"SI1": 3}},
            "SI1 in limits is more than one rule",
            "a limit belongs to one rule, like SI101",
        ),
        ({"per_path": {"x": {"SI999": 3}}}, "SI999 is not a rule", "rules are"),
        (
            {"limits": {"SI102": 20}},
            "the limit of SI102 (maintainability-index) in limits is 20",
            "it is one of A, B, C",
        ),
        ({"limits": {"SI102": "D"}}, "is 'D'", "it is one of A, B, C"),
        ({"limits": {"SI101": "B"}}, "is 'B'", "it is a whole number of decisions, like 15"),
        ({"limits": {"SI101": True}}, "is True", "a whole number"),
        ({"limits": {"SI101": -1}}, "is -1", "a whole number"),
        ({"limits": {"SI101": 1.5}}, "is 1.5", "a whole number"),
        ({"limits": {"SI101": float("nan")}}, "is nan", "a whole number"),
        ({"limits": {"SI101": float("inf")}}, "is inf", "a whole number"),
        (
            {"per_path": {"tests/**": {"SI104": "x"}}},
            "the limit of SI104 (function-length) in per_path['tests/**'] is 'x'",
            "it is a whole number of lines, like 80",
        ),
        ({"limits": {"SI301": 3}}, "is 3, but the rule has none", "null (or false) switches it off"),
    ],
)
def test_what_does_not_exist_or_fit_is_refused(given: dict[str, Any], message: str, hint: str) -> None:
    problem = refused(**given)
    assert message in problem.message
    assert hint in problem.hint


def test_an_error_names_where_it_was_set() -> None:
    origins = {"select": "command line", "limits": "pyproject.toml:3", "per_path": "config.yaml:9"}
    assert refused(select=["X"], origins=origins).where == "command line"
    assert refused(limits={"X": 1}, origins=origins).where == "pyproject.toml:3"
    assert refused(per_path={"a": {"X": 1}}, origins=origins).where == "config.yaml:9"


def test_codes_stand_for_rules() -> None:
    assert covered_by("SI0") == ("SI001", "SI002")
    assert covered_by("all") == tuple(BY_ID)
    assert covered_by("SI4") == covered_by("") == covered_by("S") == covered_by("SI1011") == ()
    assert nearest("zzzzzz") == ""
