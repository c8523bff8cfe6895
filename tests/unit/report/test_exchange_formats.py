"""What other programs read: SARIF, workflow commands and JUnit are what their readers' schemas and parsers take."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes
from xml.etree import ElementTree

import jsonschema
import pytest
import xmlschema

from selfimprove.model.audit import Audit, FileFacts, NotAnalysed
from selfimprove.model.finding import Finding, Severity
from selfimprove.report.github import github
from selfimprove.report.json import dumps
from selfimprove.report.junit import junit
from selfimprove.report.sarif import MOST_RESULTS, sarif

SCHEMAS = Path(__file__).parent / "schemas"
RULES = [
    {
        "id": "SI102",
        "name": "maintainability",
        "summary": "A file is hard to keep.",
        "help": "radon's index.",
    },
    {"id": "SI101", "name": "complexity", "summary": "Too many decisions.", "help": "McCabe, 1976."},
]
HOSTILE = "a b/%2e,x:y\n::error::]]>&<é😀\udce9\x00\x1b.py"
COMPLEX = Finding(
    "SI101", "src/a.py", 88, 170, "parse", Severity.ERROR, 31, 15, "parse has complexity 31", "Split.", 19
)
MODULE = Finding("SI102", "src/a.py", 1, 400, "", Severity.WARNING, "C", "B", "a.py has rank C", "Shrink it.")
CELL = COMPLEX._replace(path="n.ipynb", severity=Severity.NOTE, cell=3, line=2, end_line=9, before=None)
ODD = COMPLEX._replace(
    path=HOSTILE,
    symbol="f\x00\udcff]]>",
    message="100% of\r\nit \x00\ud800 is ]]> over",
    rule="SI999",
)
FACTS = FileFacts("src/a.py", 400, 120, 31, 8.5, "C", heat=73.0)
AUDIT = Audit(
    (COMPLEX, MODULE, ODD, CELL),
    41,
    (NotAnalysed("old\n\udce9.py", "line 1: syntax \x01 error"),),
    (FACTS, FACTS._replace(path="src/fine.py")),
    suppressed=2,
    accepted=3,
    notes=("the clone is shallow",),
    engine="radon 6.0.1",
    python="3.12",
)


def log(audit: Audit, **other: Any) -> dict[str, Any]:
    """Return the run of a SARIF log that the official schema accepts."""
    text = dumps(sarif(audit, RULES, version="1.2.3", **other)).encode("utf-8")
    document = json.loads(text)
    official = json.loads((SCHEMAS / "sarif-2.1.0-rtm.5.json").read_text(encoding="utf-8"))
    jsonschema.Draft4Validator(official).validate(document)
    assert document["version"] == "2.1.0"
    (run,) = document["runs"]
    return dict(run)


def test_sarif_says_where_what_and_which_rule() -> None:
    run = log(AUDIT, root_uri="file:///repo/")
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["SI101", "SI102", "SI999"]
    first = run["results"][0]
    assert first["ruleId"] == rules[first["ruleIndex"]]["id"] == "SI101"
    assert (first["level"], first["message"]["text"]) == ("error", "parse has complexity 31")
    place = first["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "src/a.py", "uriBaseId": "%SRCROOT%"}
    assert place["region"] == {"startLine": 88, "startColumn": 1, "endLine": 170}
    assert first["partialFingerprints"] == {"selfimprove/v1": COMPLEX.fingerprint}
    assert {"value": 31, "limit": 15, "before": 19, "heat": 73.0}.items() <= first["properties"].items()
    assert run["originalUriBaseIds"]["%SRCROOT%"]["uri"] == "file:///repo/"
    assert [result["level"] for result in run["results"]] == ["error", "warning", "error", "note"]


def test_sarif_has_what_github_asks_of_a_rule() -> None:
    for rule in log(AUDIT)["tool"]["driver"]["rules"]:
        for name in ("shortDescription", "fullDescription", "help"):
            assert 0 < len(rule[name]["text"]) <= 1024
        assert len(rule["name"]) <= 255
        assert len(rule["properties"]["tags"]) <= 10
        assert rule["defaultConfiguration"]["level"] == "warning"


def test_sarif_paths_are_uris_that_lead_back_to_the_bytes_of_the_name() -> None:
    uri = log(AUDIT)["results"][2]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert re.fullmatch(r"[A-Za-z0-9._~/%-]+", uri)
    assert unquote_to_bytes(uri).decode("utf-8", "surrogateescape") == HOSTILE


def test_sarif_tells_of_files_and_notes_and_stays_the_same() -> None:
    (invocation,) = log(AUDIT)["invocations"]
    told = invocation["toolExecutionNotifications"]
    assert [(one["descriptor"]["id"], one["level"]) for one in told] == [
        ("not-analysed", "warning"),
        ("note", "note"),
    ]
    assert told[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "old%0A%E9.py"
    assert invocation["executionSuccessful"] is True
    assert log(AUDIT) == log(AUDIT)
    assert log(Audit())["results"] == []


def test_sarif_names_the_cell_since_lines_in_it_are_not_lines_of_the_file() -> None:
    result = log(AUDIT)["results"][3]
    assert result["message"]["text"].endswith(" (cell 3, line 2)")
    assert result["locations"][0]["physicalLocation"]["region"]["startLine"] == 1


def test_sarif_holds_no_more_than_github_takes() -> None:
    document = sarif(Audit((COMPLEX,) * (MOST_RESULTS + 2), 1), RULES, version="1")["runs"][0]
    assert len(document["results"]) == MOST_RESULTS
    (told,) = document["invocations"][0]["toolExecutionNotifications"]
    assert told["message"]["text"] == "2 findings that matter less are left out"


def commands(text: str) -> list[tuple[str, dict[str, str], str]]:
    """Read workflow commands as the runner does: ActionCommand.TryParseV2 of actions/runner."""
    found = []
    for line in re.split(r"\r\n|\r|\n", text):
        if matched := re.match(r"::(\w+)(?: (.*?))?::(.*)", line):
            name, properties, message = matched.groups()
            pairs = (pair.split("=", 1) for pair in (properties or "").split(","))
            found.append((name, {key: unescape(value) for key, value in pairs}, unescape(message)))
    return found


def unescape(text: str) -> str:
    for char in ":,\r\n%":
        text = text.replace(f"%{ord(char):02X}", char)
    return text


def test_github_commands_read_back_as_they_were_meant() -> None:
    shown = commands(github(AUDIT, known=1))
    assert [name for name, _, _ in shown] == ["error", "error", "warning", "notice", "warning", "notice"]
    assert shown[0] == (
        "error",
        {"file": "src/a.py", "line": "88", "endLine": "170", "title": "SI101 parse"},
        "parse has complexity 31, was 19",
    )
    assert shown[1][1]["file"] == HOSTILE
    assert "\n" not in shown[1][2]
    assert "line" not in shown[3][1], "lines in a cell are not lines of the file"
    assert shown[3][2].endswith("(cell 3, line 2)")
    assert shown[4][1:] == ({"file": "old\n\udce9.py", "title": "not analysed"}, "line 1: syntax \\x01 error")
    assert github(AUDIT, known=1).endswith("1 is already a task.  No code was changed.\n")


def test_github_says_how_many_it_will_not_show() -> None:
    many = Audit((*[MODULE] * 12, *[COMPLEX] * 11), 1)
    text = github(many)
    assert [name for name, _, _ in commands(text)] == ["error"] * 11 + ["warning"] * 12
    assert text.splitlines()[-1].endswith("notices of a step; 3 more are in this log.")


def report(audit: Audit, least: int = Severity.WARNING) -> ElementTree.Element:
    """Return a JUnit document that Jenkins' schema accepts."""
    text = junit(audit, least).encode("utf-8")
    xmlschema.XMLSchema(SCHEMAS / "junit-10.xsd").validate(text.decode())
    return ElementTree.fromstring(text)


def test_junit_fails_from_the_gate_on() -> None:
    root = report(AUDIT, Severity.ERROR)
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("6", "2", "0")
    suite = next(suite for suite in root if suite.get("file") == "src/a.py")
    assert [suite.get(name) for name in ("tests", "failures", "skipped")] == ["2", "1", "0"]
    first, second = suite
    assert (first.get("name"), first.get("classname")) == ("SI101 parse", "src.a")
    failure = first.find("failure")
    assert failure is not None
    assert (failure.get("type"), failure.get("message")) == ("SI101", "parse has complexity 31")
    assert (failure.text or "").startswith("src/a.py:88: complexity 31, limit 15, was 19\n")
    assert second.find("failure") is None
    assert (second.findtext("system-out") or "").startswith("warning: src/a.py: maintainability C")


def test_junit_without_a_gate_fails_nothing() -> None:
    assert report(AUDIT, 99).get("failures") == "0"


def test_junit_has_what_passed_and_what_was_skipped() -> None:
    root = report(AUDIT)
    assert [case.get("name") for case in root.findall("testsuite[@file='src/fine.py']/testcase")] == [
        "within its limits"
    ]
    skipped = root.find(".//skipped")
    assert skipped is not None
    assert skipped.get("message") == r"not analysed: line 1: syntax \x01 error"


@pytest.mark.parametrize("audit", [Audit(), Audit((COMPLEX, COMPLEX), 1), Audit((ODD,), 1)])
def test_junit_is_never_empty_and_never_says_a_name_twice(audit: Audit) -> None:
    names = [case.get("name") for case in report(audit).iter("testcase")]
    assert names
    assert len(set(names)) == len(names)
