"""Trends, every number and what git's past says: equal to radon's own answers, revision by revision."""

from __future__ import annotations

import abc
import ast
import bisect
import json
import shlex
import textwrap
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import radon.complexity
import radon.metrics
import radon.raw

from selfimprove.reflector.trend_metrics import METRICS
from selfimprove.report.json import schema

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Project


def branchy(complexity: int, name: str = "f") -> str:
    return f"def {name}({name}_):\n" + f"    if {name}_:\n        {name}_ -= 1\n" * (complexity - 1) + "\n\n"


def audit(here: Project, *words: str, code: int | None = None, env: dict[str, str] | None = None) -> Any:
    document = json.loads(here.run("audit", "-f", "json", *words, check=code, env=env).out)
    jsonschema.Draft202012Validator(schema("audit")).validate(document)
    return document["data"]


def commit(here: Project, message: str, day: int, who: str = "A Person") -> None:
    when = f"2026-01-{day:02}T12:00:00Z"
    env = here.env | {"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when}
    own = type(here)(here.root, env)
    own.git("add", "-A")
    own.git(
        "commit", "-q", "--allow-empty", "-m", message, "--author", f"{who} <{who.split()[0]}@example.org>"
    )


def functions(text: str) -> list[Any]:
    """Return radon's blocks of a text that are functions and methods, closures too."""
    found = []
    todo = list(radon.complexity.cc_visit(text))
    seen = set()
    while todo:
        one = todo.pop()
        if (one.lineno, one.name) in seen:
            continue
        seen.add((one.lineno, one.name))
        todo += [
            *getattr(one, "methods", ()),
            *getattr(one, "inner_classes", ()),
            *getattr(one, "closures", ()),
        ]
        found += [one] if one.letter != "C" else []
    return found


def mine(text: str) -> dict[str, float]:
    """Return each metric of a file as radon, or ast, tells it."""
    blocks, raw = [one.complexity for one in functions(text)], radon.raw.analyze(text)
    halstead = radon.metrics.h_visit(text).total
    return {
        "complexity": sum(blocks),
        "mean-complexity": sum(blocks) / len(blocks),
        "worst": max(blocks),
        "maintainability": radon.metrics.mi_visit(text, multi=True),
        "lines": raw.loc,
        "sloc": raw.sloc,
        "lloc": raw.lloc,
        "comments": raw.comments,
        "volume": halstead.volume,
        "functions": sum(isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef) for one in ast.walk(ast.parse(text))),
        "files": 1,
    }  # fmt: skip


STEPS = [
    branchy(3) + "# one\n",
    branchy(5) + branchy(9, "g") + "# one\n",
    "import os\n\n\n" + branchy(4) + branchy(8, "g") + "x = [os for os in (1, 2) if os]\n",
]


def three(project: Callable[..., Project]) -> Project:
    """Three revisions of a file that changes, is renamed with the third, and one beside it."""
    here = project(commit=False)
    for day, text in enumerate(STEPS, 1):
        if day == 3:
            here.git("mv", "old.py", "new.py")
        here.write("new.py" if day == 3 else "old.py", text)
        here.write("aside.py", branchy(2 + day, "aside"))
        commit(here, f"Day {day}", day)
    return here


@pytest.mark.parametrize("metric", METRICS)
def test_every_metric_is_radons(project: Callable[..., Project], metric: str) -> None:
    here = three(project)
    trend = audit(here, "new.py", "--trend", "9", "--metric", metric, code=0)["trend"]
    assert [one["subject"] for one in trend["revisions"]] == ["Day 1", "Day 2", "Day 3"]
    assert trend["metric"] == metric
    assert trend["complete"]
    (line,) = trend["lines"]
    assert line["path"] == "new.py"
    # A chain of ifs without nesting costs as much for a reader as it has decisions.
    expected = [mine(text).get(metric) for text in STEPS]
    if metric == "cognitive":
        expected = [2, 4 + 8, 3 + 7]
    assert line["values"] == pytest.approx(expected)
    assert trend["total"] == line["values"]


def test_the_whole_and_its_shapes(project: Callable[..., Project]) -> None:
    here = three(project)
    aside = [3, 4, 5]
    file = [mine(text)["complexity"] for text in STEPS]
    trend = audit(here, "--trend", code=0)["trend"]
    assert trend["total"] == [a + b for a, b in zip(aside, file, strict=True)]
    assert {one["path"]: one["values"] for one in trend["lines"]} == {"aside.py": aside, "new.py": file}
    assert len(audit(here, "--trend", "2", code=0)["trend"]["revisions"]) == 2
    assert audit(here, "--trend", "aside.py", code=0)["trend"]["total"] == aside
    assert audit(here, "--trend=2", "aside.py", code=0)["trend"]["total"] == aside[1:]
    first, last = (str(values) for values in (trend["total"][0], trend["total"][-1]))
    for form in ("table", "markdown", "html"):
        out = here.run("audit", "--trend", "-f", form, check=0).out
        assert "new.py" in out
        assert first in out, form
        assert last in out, form
    for words in (("--trend", "0"), ("--trend=x",), ("--trend", "-1"), ("--trend", "3", "--metric", "worts")):
        result = here.run("audit", *words, check=2)
        assert result.out == ""
        assert result.err
    assert "did you mean worst?" in result.err


def test_functions_are_followed(project: Callable[..., Project]) -> None:
    here = three(project)
    assert audit(here, "--trend", "3", "new.py:f", "new.py:g", code=0)["trend"]["lines"] == [
        {"path": "new.py", "symbol": "f", "values": [3, 5, 4]},
        {"path": "new.py", "symbol": "g", "values": [None, 9, 8]},
    ]
    here.write("new.py", STEPS[2].replace("def f(", "def named_anew("))
    commit(here, "Rename", 4)
    (line,) = audit(here, "--trend", "4", "new.py:named_anew", code=0)["trend"]["lines"]
    assert line["values"] == [3, 5, 4, 4]
    assert "did you mean" in here.run("audit", "--trend", "4", "new.py:named_ane", check=2).err
    assert "--trend" in here.run("audit", "new.py:f", check=2).err
    assert "file" in here.run("audit", "--trend", "2", "new.py:g", "--metric", "comments", check=2).err


def test_the_tree_of_now_and_a_shallow_clone(project: Callable[..., Project]) -> None:
    here = three(project)
    here.write("new.py", branchy(12))
    trend = audit(here, "--trend", "3", "new.py", code=0)["trend"]
    assert [one["commit"] != "" for one in trend["revisions"]][-2:] == [True, False]
    assert trend["total"][-2:] == [mine(STEPS[2])["complexity"], 12]
    root = here.root.parent / "shallow"
    here.git("clone", "-q", "--depth=2", here.root.as_uri(), str(root))
    shallow = type(here)(root, here.env)
    data = audit(shallow, "--trend", "3", "new.py", code=0)
    assert not data["trend"]["complete"]
    assert len(data["trend"]["revisions"]) == 2
    assert any("shallow" in note for note in data["notes"])
    assert "shallow" in shallow.run("audit", "--trend", "3", check=0).out
    assert audit(shallow, "--trend", "2", code=0)["trend"]["complete"]
    shallow.git("fetch", "-q", "--unshallow")
    data = audit(shallow, "--trend", "3", "new.py", code=0)
    assert data["trend"]["complete"]
    assert data["trend"]["total"] == [mine(text)["complexity"] for text in STEPS]
    empty = project(commit=False)
    assert audit(empty, "--trend", "3", code=0)["trend"]["revisions"] == []


COPIED = (abc, ast, bisect, shlex, textwrap)


def test_all_numbers_are_radons(project: Callable[..., Project]) -> None:
    texts = {f"{one.__name__}.py": _source(one.__file__ or "") for one in COPIED}
    here = project(texts)
    by_path = {one["path"]: one for one in audit(here, "--metrics")["metrics"]}
    assert set(by_path) == set(texts)
    for path, text in texts.items():
        told = by_path[path]
        own = {
            (one["line"], one["symbol"].rpartition(".")[2]): one["complexity"] for one in told["functions"]
        }
        theirs = {(one.lineno, one.name): one.complexity for one in functions(text)}
        assert theirs.items() <= own.items()
        assert told["maintainability"] == radon.metrics.mi_visit(text, multi=True)
        assert told["rank"] == radon.metrics.mi_rank(told["maintainability"])
        assert told["raw"] == radon.raw.analyze(text)._asdict()
        total = radon.metrics.h_visit(text).total
        assert told["halstead"] == {name: getattr(total, name) for name in ("h1", "h2", "N1", "N2")}


def _source(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


COVERAGE = """<?xml version="1.0" ?><coverage><sources><source>{root}</source></sources><packages><package>
<classes><class filename="hot.py"><lines><line number="1" hits="1"/><line number="2" hits="0"/>
<line number="3" hits="1"/><line number="4" hits="1"/></lines></class></classes></package></packages></coverage>
"""


def lived(project: Callable[..., Project]) -> Project:
    """A file that changes often and gets worse, one that gets better, and one that nobody touches."""
    here = project(commit=False)
    here.write("calm.py", branchy(20, "calm"))
    here.write("mends.py", branchy(28, "mends"))
    for day in range(1, 6):
        here.write("hot.py", branchy(15 + day, "hot"))
        commit(here, f"Hot {day}", day, "Ann Lee" if day > 2 else "Bob Ray")
    here.write("mends.py", branchy(20, "mends"))
    commit(here, "Mend", 6, "Bob Ray")
    return here


def test_what_the_past_says(project: Callable[..., Project]) -> None:
    here = lived(project)
    here.write("coverage.xml", COVERAGE.format(root=here.root))
    data = audit(here, code=1)
    by_symbol = {one["symbol"]: one for one in data["findings"]}
    assert {name: one["before"] for name, one in by_symbol.items()} == {"hot": 19, "mends": 28, "calm": None}
    assert data["findings"][0]["symbol"] == "hot"
    assert by_symbol["hot"]["urgency"] > 4 > 0 > by_symbol["mends"]["urgency"]
    facts = {one["path"]: one for one in data["hotspots"]}
    assert data["hotspots"][0]["path"] == "hot.py"
    hot, mends = facts["hot.py"], facts["mends.py"]
    assert (hot["heat"], hot["commits"], hot["authors"], hot["owner"]) == (100.0, 5, 2, "Ann Lee")
    assert 0.5 < hot["share"] < 0.7
    assert hot["last_changed"] == "2026-01-05T12:00:00.000Z"
    assert (mends["owner"], mends["commits"], mends["share"]) == ("Bob Ray", 2, 1.0)
    assert hot["coverage"] == 75.0
    assert mends["coverage"] is None
    assert "was 19" in here.run("audit", check=1).out
    quiet = audit(here, env={"SELFIMPROVE_AUDIT__HISTORY": "false"})
    assert {(one["before"], one["urgency"]) for one in quiet["findings"]} == {(None, 0.0)}


def test_the_priority_of_a_task_tells_worse_from_better(project: Callable[..., Project]) -> None:
    here = lived(project)
    here.run("plan", check=0)
    rows = json.loads(here.run("tasks", "list", "-f", "json", check=0).out)["data"]["tasks"]
    priority = {one["id"]: one["priority"] for one in rows}
    urgency = {one["symbol"]: one["urgency"] for one in audit(here)["findings"]}
    expected = {f"refactor-{name}-{name}": 20 + value for name, value in urgency.items()}
    assert priority == pytest.approx(expected, abs=0.11)  # a whole number is a person's, ours end in .1
    assert priority["refactor-hot-hot"] > 24
    assert priority["refactor-mends-mends"] < 20


def test_trends_write_nothing(project: Callable[..., Project], tmp_path: Path) -> None:
    here = three(project)
    before = here.state()
    out = here.run("audit", "--trend", "-f", "html", "-o", str(tmp_path / "page.html"), check=0)
    assert out.out == ""
    assert "new.py" in (tmp_path / "page.html").read_text(encoding="utf-8")
    assert here.state() == before
    assert not (here.root / ".selfimprove").exists()
