"""Every JSON answer is one valid document that its schema accepts and UTF-8 can hold."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfimprove.model.audit import Audit, FileFacts, NotAnalysed, Revision, Trend, TrendLine
from selfimprove.model.budget import Budget
from selfimprove.model.finding import Finding, Severity
from selfimprove.model.outcome import CheckResult, Objection, Outcome
from selfimprove.model.plan import Plan, Waiting
from selfimprove.model.run import Run
from selfimprove.model.task import Status, Task
from selfimprove.report.json import (
    audit_data,
    dumps,
    envelope,
    history_data,
    plan_data,
    run_data,
    schema,
    tasks_data,
)

COMPLEX = Finding(
    "SI101", "src/a.py", 88, 170, "parse", Severity.ERROR, 31, 15, "parse has ...", "Split it.", before=19
)
MODULE = Finding("SI102", "src/a.py", 1, 400, "", Severity.WARNING, "C", "B", "a.py has ...", "Shrink it.")
FACTS = FileFacts(
    "src/a.py", 400, 120, 31, 8.5, "C", 12, 9.26, 40, 1_795_000_000.5, "Ada", 0.62, 3, 48.4, 100.0
)
TREND = Trend(
    "complexity",
    (Revision("a" * 40, 1_795_000_000.5, "Ada", "Begin"), Revision("", 1_795_000_072, "", "")),
    (None, 120.0),
    (TrendLine("src/a.py", "parse", (None, 31.0)),),
    complete=False,
)
AUDIT = Audit(
    (COMPLEX, MODULE),
    41,
    (NotAnalysed("old\n\udce9.py", "line 1: syntax error"),),
    (
        FACTS,
        *(FACTS._replace(path=f"{n}.py", last_changed=None, coverage=None, change=None) for n in range(60)),
    ),
    TREND,
    suppressed=2,
    accepted=3,
    notes=("the clone is shallow",),
    engine="radon 6.0.1",
    python="3.12",
)
TASK = Task("fix-login", "Fix login", prompt="Fix it.", files=("a.py",), priority=2, cost=3)
PLAN = Plan(
    (TASK,),
    (Waiting(Task("later", "Later", command="true"), "dependency", "needs x"),),
    {"fix-login": "ready"},
)
OUTCOME = Outcome(
    "fix-login",
    Status.FAILED,
    "held back",
    checks=(CheckResult("pytest", False, "2 failed", 1.5, "..."),),
    objections=(Objection("outside", "pyproject.toml is not its file", "pyproject.toml", "pyproject.toml"),),
    metrics={"complexity": [31, 9]},
)
RUN = Run(
    7, "finished", 1_795_000_000.5, "abc", "selfimprove/run-7", "host:1", 1_795_000_072.0, 1, {"done": 2}
)


def checked(document: dict[str, Any], name: str) -> dict[str, Any]:
    """Write and read the document again, and hold it against both schemas that it promises to keep."""
    text = dumps(document).encode("utf-8")
    again: dict[str, Any] = json.loads(text)
    for each in (name, "envelope"):
        jsonschema.Draft202012Validator(schema(each)).validate(again)
    return again


@pytest.mark.parametrize("name", ["envelope", "audit", "plan", "run", "verify", "undo", "suggest"])
def test_the_schemas_are_schemas(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(schema(name))


def test_audit() -> None:
    data = checked(envelope("audit", audit_data(AUDIT), exit_code=1), "audit")["data"]
    assert data["findings"][0] == {
        "rule": "SI101",
        "path": "src/a.py",
        "line": 88,
        "end_line": 170,
        "symbol": "parse",
        "severity": "error",
        "value": 31,
        "limit": 15,
        "before": 19,
        "message": "parse has ...",
        "suggestion": "Split it.",
        "fingerprint": COMPLEX.fingerprint,
        "cell": None,
        "urgency": 0.0,
    }
    assert (data["findings"][1]["value"], data["findings"][1]["before"]) == ("C", None)
    assert data["files"] == 41
    assert data["not_analysed"] == [{"path": "old\n\udce9.py", "reason": "line 1: syntax error"}]
    assert data["hotspots"][0]["last_changed"] == "2026-11-18T11:06:40.500Z"
    assert (len(data["hotspots"]), len(audit_data(AUDIT, most=None)["hotspots"])) == (50, 61)
    assert data["trend"]["revisions"][0]["time"] == "2026-11-18T11:06:40.500Z"
    assert data["trend"]["lines"] == [{"path": "src/a.py", "symbol": "parse", "values": [None, 31.0]}]
    assert (data["suppressed"], data["accepted"], data["notes"]) == (2, 3, ["the clone is shallow"])
    assert (data["engine"], data["python"], "metrics" in data) == ("radon 6.0.1", "3.12", False)


def test_audit_without_history_and_with_metrics() -> None:
    metrics = [{"path": "a.py", "maintainability": math.nan}]
    data = checked(envelope("audit", audit_data(Audit(), metrics=metrics)), "audit")["data"]
    assert (data["hotspots"], data["trend"]) == ([], None)
    assert data["metrics"] == [{"path": "a.py", "maintainability": None}]


def test_plan() -> None:
    data = checked(envelope("plan", plan_data(PLAN, Budget(units=10), {"later"})), "plan")["data"]
    assert [(t["id"], t["why"], t["new"], t["needs_model"]) for t in data["next"]] == [
        ("fix-login", "ready", False, True)
    ]
    assert [(t["id"], t["code"], t["reason"], t["new"]) for t in data["waiting"]] == [
        ("later", "dependency", "needs x", True)
    ]
    assert (data["budget"]["units"], data["budget"]["units_planned"], data["budget"]["dollars"]) == (
        10,
        3,
        None,
    )


def test_run() -> None:
    data = checked(envelope("run", run_data(RUN, [OUTCOME]), exit_code=1), "run")["data"]
    assert data["run"]["started_at"] == "2026-11-18T11:06:40.500Z"
    assert data["run"]["id"] == 7
    assert data["outcomes"][0]["status"] == "failed"
    assert data["outcomes"][0]["checks"][0]["name"] == "pytest"
    none = {"run": None, "outcomes": [], "waiting": []}
    assert checked(envelope("run", run_data(None, [])), "run")["data"] == none


def test_run_with_what_was_not_begun() -> None:
    data = checked(envelope("run", run_data(RUN, [OUTCOME], PLAN.waiting)), "run")["data"]
    assert data["waiting"] == [{"id": "later", "code": "dependency", "reason": "needs x"}]


def test_tasks_and_history() -> None:
    assert checked(envelope("tasks list", tasks_data([TASK])), "envelope")["data"]["tasks"][0]["files"] == [
        "a.py"
    ]
    assert checked(envelope("history", history_data([RUN])), "envelope")["data"]["runs"][0]["exit_code"] == 1


@pytest.mark.parametrize("name", ["audit", "plan", "run"])
def test_a_failure_is_a_document_too(name: str) -> None:
    error = {"code": "not_a_repository", "message": "no repository here", "hint": "git init"}
    document = checked(envelope(name, error=error, exit_code=2), name)
    assert document["ok"] is False
    assert document["data"] is None
    assert document["error"] == error | {"where": ""}


@pytest.mark.parametrize(("exit_code", "ok"), [(0, True), (1, False), (130, False)])
def test_ok_means_exit_code_zero(exit_code: int, ok: bool) -> None:
    assert envelope("x", exit_code=exit_code)["ok"] is ok


def test_a_schema_refuses_what_does_not_go_together() -> None:
    document = envelope("audit", audit_data(AUDIT)) | {"ok": False}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, schema("audit"))
    lacking = audit_data(AUDIT)
    del lacking["findings"][0]["fingerprint"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(envelope("audit", lacking), schema("audit"))


def test_what_json_does_not_have_becomes_null() -> None:
    strange = {"a": math.nan, "b": [math.inf, (1.5, -math.inf)]}
    assert json.loads(dumps(strange)) == {"a": None, "b": [None, [1.5, None]]}


def test_text_survives() -> None:
    text = 'quote " backslash \\ line\n esc \x1b nul \0 é 😀 \u2028 \udcff\udc80'
    written = dumps({"t": text}, indent=None)
    assert "\n" not in written
    assert "\\udcff\\udc80" in written
    assert "é 😀" in written
    assert json.loads(written.encode("utf-8")) == {"t": text}


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.text() | st.integers(), inner, max_size=4)
            | st.tuples(inner, inner)
        ),
        max_leaves=30,
    )
)
def test_documents_look_as_the_standard_library_indents_them(document: object) -> None:
    plain = json.dumps(document, indent=2, ensure_ascii=False)
    assert json.loads(dumps(document)) == json.loads(plain)
    if not re.search("[\ud800-\udfff]", plain):
        assert dumps(document) == plain
