"""Rules of the audit: each fires at the right place with the right value, is chosen, limited and silenced."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Project


def branchy(complexity: int, name: str = "f") -> str:
    return f"def {name}({name}_):\n" + f"    if {name}_:\n        {name}_ -= 1\n" * (complexity - 1) + "\n\n"


def audit(here: Project, *words: str, code: int | None = None, **env: str) -> dict[str, Any]:
    answer = json.loads(here.run("audit", "-f", "json", *words, check=code, env=env).out)
    found: dict[str, Any] = answer["data"]
    return found


def rules(here: Project, *words: str, **env: str) -> list[str]:
    """Return the rules that are found, each once."""
    return sorted({one["rule"] for one in audit(here, *words, **env)["findings"]})


def lines(*text: str) -> str:
    return "\n".join(text) + "\n"


def nested(depth: int) -> str:
    body = [f"{'    ' * level}if f:" for level in range(1, depth + 1)]
    return lines("def f(f):", *body, "    " * (depth + 1) + "g()")


REPEATED = lines(*(f"    a{n} = first(a{n - 1}, {n}) + len(second({n}))" for n in range(1, 13)))
# rule -> files, then (path, line, end_line, symbol, value) of the one finding
ONE: dict[str, tuple[dict[str, str], tuple[Any, ...]]] = {
    "SI101": ({"m.py": "\n" + branchy(16)}, ("m.py", 2, 32, "f", 16)),
    "SI102": (
        {"m.py": lines(*(f"x{n} = (y{n} + z{n}) * w{n} - v{n}" for n in range(900)))},
        ("m.py", 1, 900, "", "C"),
    ),
    "SI103": ({"m.py": "\n\n" + nested(6)}, ("m.py", 3, 10, "f", 21)),  # 1 + 2 + 3 + 4 + 5 + 6
    "SI104": (
        {"m.py": lines("class A:", "    def f(self):", *["        self.x = 1"] * 80)},
        ("m.py", 2, 82, "A.f", 81),
    ),
    "SI105": ({"m.py": nested(6)}, ("m.py", 1, 8, "f", 6)),
    "SI106": ({"m.py": lines("def f(a, /, b, c, *d, e, g, h, **i):", "    pass")}, ("m.py", 1, 2, "f", 8)),
    "SI107": (
        {"m.py": lines("def f(a):", *["    for _ in a:", "        a()"] * 16)},
        ("m.py", 1, 33, "f", 16),
    ),
    "SI108": (
        {"m.py": lines("async def f(a):", *["    if a:", "        return 1"] * 6, "    return 2")},
        ("m.py", 1, 14, "f", 7),
    ),
    "SI201": (
        {"m.py": f"def one(a0):\n{REPEATED}", "n.py": f"\ndef two(a0):\n{REPEATED}"},
        ("n.py", 3, 14, "two", 12),
    ),
    "SI202": (
        {
            "p/__init__.py": "",
            "p/a.py": "import os\n\nfrom p import b\n",
            "p/b.py": "import p.c\n",
            "p/c.py": "from . import a\n",
        },
        ("p/a.py", 3, 3, "", 3),
    ),
}


@pytest.mark.parametrize("rule", ONE)
def test_a_rule_finds_its_one_place(project: Callable[..., Project], rule: str) -> None:
    files, expected = ONE[rule]
    here = project(files)
    data = audit(here, "--select", rule, "--fail-on", "any", code=1)
    found = [
        tuple(one[key] for key in ("path", "line", "end_line", "symbol", "value")) for one in data["findings"]
    ]
    assert found == [expected]
    assert data["findings"][0]["rule"] == rule
    assert (rule in rules(here)) == (rule in ("SI101", "SI102"))
    if rule not in ("SI102", "SI202"):  # whose values no limit can be set to
        limit = json.dumps({rule: expected[-1] + (rule == "SI201")})
        assert rules(here, "--select", rule, SELFIMPROVE_AUDIT__LIMITS=limit) == []


SMELLS = """\
import os


def f(x, y):
    "It."
    if x:
        return 1
    else:
        return y.z + undefined
"""


def test_pylint_looks_at_what_changed(project: Callable[..., Project]) -> None:
    here = project({"same.py": SMELLS, "changed.py": "X = 1\n"})
    assert rules(here, "--select", "SI3") == []
    here.write("changed.py", SMELLS)
    data = audit(here, "--select", "SI3", code=1)
    assert {one["path"] for one in data["findings"]} == {"changed.py"}
    placed = {(one["rule"], one["line"]) for one in data["findings"]}
    assert {("SI303", 1), ("SI304", 9), ("SI302", 6), ("SI301", 1)} <= placed
    assert any("undefined-variable" in one["message"] for one in data["findings"])
    assert rules(here, "--select", "SI304") == ["SI304"]
    everywhere = {"SELFIMPROVE_AUDIT__PYLINT": '["error"]', "SELFIMPROVE_AUDIT__PYLINT_ALL": "true"}
    assert [one["path"] for one in audit(here, **everywhere)["findings"]] == ["changed.py", "same.py"]
    here.git("commit", "-q", "-a", "-m", "Change")
    assert rules(here, "--select", "SI3") == []
    assert "SI304" in rules(here, "--select", "SI3", "--since", "HEAD~")


MANY = {"m.py": branchy(16) + lines("def g(a, b, c, d, e, f, h, i):", *["    a()"] * 90)}


def test_select_and_ignore(project: Callable[..., Project]) -> None:
    here = project(MANY)
    both = ["SI104", "SI106"]
    asked = {
        (): ["SI101"],
        ("--select", "SI104"): ["SI104"],
        ("--select", "SI104,SI106"): both,
        ("--select", "SI104", "--select", "si106"): both,
        ("--select", "SI104 SI106"): both,
        ("--select", "SI10"): ["SI101", *both],
        ("--select", "ALL", "--ignore", "SI3,SI2"): ["SI101", *both],
        ("--select", "ALL", "--ignore", "SI3,SI2,SI104", "--ignore", "SI101"): ["SI106"],
        ("--select", "SI104", "--ignore", "SI1"): ["SI104"],  # the longer one counts
        ("--select", "SI1", "--ignore", "SI1"): [],
        ("--ignore", "ALL"): ["SI101"],
    }  # fmt: skip
    for words, expected in asked.items():
        assert rules(here, *words) == expected, words
    nearest = {"SI1O1": "SI101", "cognitve": "SI103", "SI999": "SI", "nesting": "SI105"}
    for wrong, hint in nearest.items():
        result = here.run("audit", "--select", wrong, check=2)
        assert f"{wrong} is not a rule" in result.err
        assert hint in result.err.partition("hint:")[2]
        here.run("audit", "--ignore", wrong, check=2)


def test_rules_and_limits_of_the_configuration(project: Callable[..., Project]) -> None:
    here = project(MANY | {"tests/t.py": MANY["m.py"]})
    own = ".selfimprove/config.yaml"
    here.write("pyproject.toml", '[tool.selfimprove.audit]\nselect = ["SI104"]\nlimits = {SI104 = 90}\n')
    data = audit(here, code=1)
    assert [(one["path"], one["limit"], one["value"]) for one in data["findings"]] == [
        ("m.py", 90, 91),
        ("tests/t.py", 90, 91),
    ]
    off = '[tool.selfimprove.audit.per_path]\n"tests/**" = {SI104 = false}\n'
    here.write("pyproject.toml", '[tool.selfimprove.audit]\nselect = ["SI104"]\n' + off)
    assert [one["path"] for one in audit(here)["findings"]] == ["m.py"]
    assert rules(here, SELFIMPROVE_AUDIT__SELECT="SI106,SI101") == ["SI101", "SI106"]
    assert rules(here, "--select", "SI106", SELFIMPROVE_AUDIT__SELECT="SI101") == ["SI106"]
    here.write(
        own,
        'audit:\n  select: [SI106]\n  limits: {SI106: 7}\n  per_path: {"*.py": {SI106: 8}, "m.py": {SI106: 3}}\n',
    )
    data = audit(here, code=1)  # the file of our own wins over pyproject.toml; of globs the later one
    assert [(one["path"], one["rule"], one["limit"]) for one in data["findings"]] == [("m.py", "SI106", 3)]
    assert data["findings"][0]["severity"] == "error"
    here.write(own, "audit:\n  complexity_threshold: 15\n  limits: {SI101: 16}\n")
    result = here.run("audit", check=2)  # two names for one limit
    assert f"{own}:3 and {own}:2" in result.err
    here.write(own, "audit:\n  limits: {SI101: 16}\n")
    assert rules(here, "--select", "SI101") == []
    assert rules(here, "--select", "SI101", SELFIMPROVE_AUDIT__LIMITS='{"SI101": 15}') == ["SI101"]
    for broken in ("limits: {SI999: 3}", "limits: {SI101: many}", "limits: {SI1: 3}", "select: [SI999]"):
        here.write(own, f"audit:\n  {broken}\n")
        error = json.loads(here.run("audit", "-f", "json", check=2).out)["error"]
        assert own in error["where"], error
        assert error["hint"]


SILENCED = f"""\
# selfimprove: ignore[SI102] generated
{branchy(20).replace(":", ":  # selfimprove: ignore[SI101] a state machine", 1)}
# selfimprove: ignore[SI104] nothing is that long here
{branchy(3, "g")}
# selfimprove: ignore[SI1O1] a slip
{branchy(17, "h")}
"""


def test_comments_silence_and_are_judged(project: Callable[..., Project]) -> None:
    here = project({"a.py": SILENCED})
    data = audit(here, "--select", "SI0", "--select", "SI101", "--ignore", "SI002", code=1)
    assert data["suppressed"] == 1
    found = {(one["rule"], one["line"], one["symbol"]) for one in data["findings"]}
    at = SILENCED[: SILENCED.index("# selfimprove: ignore[SI1O1]")].count("\n") + 1
    assert found == {("SI101", at + 1, "h"), ("SI001", at, "h")}
    (slip,) = (one for one in data["findings"] if one["rule"] == "SI001")
    assert slip["severity"] == "warning"
    assert "did you mean SI101" in slip["message"]
    data = audit(here, "--select", "SI001,SI102,SI104", code=1)  # now the rules of the others are looked for
    at = SILENCED[: SILENCED.index("# selfimprove: ignore[SI104]")].count("\n") + 1
    assert {(one["rule"], one["line"]) for one in data["findings"]} >= {("SI001", 1), ("SI001", at)}
    assert "1 suppressed by comments." in here.run("audit", check=1).out


def test_an_unused_comment_alone_fails_at_warning(project: Callable[..., Project]) -> None:
    here = project({"a.py": "def f():  # selfimprove: ignore[SI101] once\n    pass\n"})
    table = here.run("audit", check=1).out
    assert table.startswith("a.py:1   f   nothing is found here that SI101 would silence   warning   SI001")
    assert here.run("audit", "--fail-on", "error").code == 0
    assert here.run("audit", "--ignore", "SI001").code == 0
    here.write("a.py", branchy(20).replace(":", ":  # selfimprove: ignore[SI101]", 1))
    assert rules(here) == []
    assert rules(here, "--select", "SI002") == ["SI002"]


def notebook(*cells: str) -> str:
    made = [{"cell_type": "markdown", "metadata": {}, "source": ["# Title\n"]}]
    made += [
        {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": [cell]}
        for cell in cells
    ]
    python = {"language_info": {"name": "python"}}
    return json.dumps({"cells": made, "metadata": python, "nbformat": 4, "nbformat_minor": 5})


def test_notebooks(project: Callable[..., Project]) -> None:
    silenced = branchy(20, "s").replace(":", ":  # selfimprove: ignore[SI101] shown to people", 1)
    idle = "x = 1\ny = 2  # selfimprove: ignore[SI101] nothing\n"
    first, second = "%matplotlib inline\nimport os\n", "import re\n\n"
    here = project({"n.ipynb": notebook(first, second + branchy(18), silenced, idle)})
    data = audit(here, code=1)
    assert data["suppressed"] == 1
    rows = [
        (one["rule"], one["cell"], one["line"], one["end_line"], one["value"]) for one in data["findings"]
    ]
    assert sorted(rows) == [("SI001", 5, 2, 2, 1), ("SI101", 3, 3, 37, 18)]
    table = here.run("audit", check=1).out
    assert "n.ipynb:cell 3:3 " in table
    assert "n.ipynb:cell 5:2 " in table
    results = json.loads(here.run("audit", "-f", "sarif", check=1).out)["runs"][0]["results"]
    by_rule = {one["ruleId"]: one for one in results}
    assert by_rule["SI101"]["properties"]["cell"] == 3
    assert "(cell 3, line 3)" in by_rule["SI101"]["message"]["text"]
    assert by_rule["SI101"]["locations"][0]["physicalLocation"]["region"]["startLine"] == 1
    here.git("commit", "-q", "--allow-empty", "-m", "Base")
    here.write("n.ipynb", notebook("z = 1\n", first, second + branchy(19), silenced))
    (worse,) = audit(here, "--since", "HEAD", code=1)["findings"]
    assert (worse["cell"], worse["line"], worse["value"], worse["before"]) == (4, 3, 19, 18)
