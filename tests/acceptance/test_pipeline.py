"""The pipeline: ten steps over a repository with a remote, gh and a model, each a bead, all of it in one record."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from executor_rig import block, leftovers
from github_rig import Server
from ideas_rig import SHOP, YAML, said, tasks_of
from openai_server import Answer, OpenAIServer
from selfimprove.codebase.portrait.markup import MARKER
from selfimprove.report.json import schema

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Project

    Make = Callable[..., Project]

TASK = "security-load-orders-with-the-safe-yaml-loader"
SAFE = "COMMIT: Load orders with the safe loader\n\n" + block(
    "shop/store.py",
    "            return yaml.load(file, Loader=yaml.Loader)\n",
    "            return yaml.safe_load(file)\n",
)
TESTS = """\
import pytest
import yaml

from shop.store import Store


def test_a_tag_of_python_is_refused(tmp_path):
    path = tmp_path / "orders.yml"
    path.write_text("!!python/object/apply:os.getcwd []\\n")
    with pytest.raises(yaml.YAMLError):
        Store(path).load()


def test_orders_are_read_as_before(tmp_path):
    path = tmp_path / "orders.yml"
    path.write_text("- {price: 2}\\n")
    assert Store(path).load() == [{"price": 2}]
"""
SCORES = dict.fromkeys(("correctness", "safety", "tests", "readability", "scope", "maintainability"), 9)
REVIEW = json.dumps({"scores": SCORES, "issues": [], "summary": "Fine."})
SUMMARIES = json.dumps(
    {
        "specification": "The project keeps the orders of a shop. `Store` in `shop/store.py` reads them from a file.",
        "graph": "The module `shop/orders.py` needs `shop/store.py`, so a change of the latter reaches both.",
        "architecture": "All of the code is in `shop`. It is run by `magic_runner.py`. It is small and has one test.",
    }
)
PHASES = [
    *("analyze", "suggest", "log tasks", "execute", "review", "generate tests", "run tests", "pull request"),
    *("update documents", "log and confirm"),
]
# What tells one question of the product from another, and its purpose in recorded replies.
SIGNS = {
    "You write the summaries at the top": "analyze",
    "improvements": "suggest",
    "You change a git repository": "edit",
    "You write tests in Python": "write_tests",
    "You review a change": "review",
    "You keep the documents": "document",
}


class Model:
    """A model that answers each kind of question as it was told, and counts them."""

    def __init__(self, **answers: str | Answer) -> None:
        self.answers: dict[str, str | Answer] = {
            "analyze": SUMMARIES,
            "suggest": said(YAML),
            "edit": SAFE,
            "review": REVIEW,
            "document": '{"passages": []}',
            **answers,
        }
        self.asked: list[str] = []

    def __call__(self, body: dict[str, Any]) -> str | Answer:
        system, user = (body["messages"][at]["content"] for at in (0, 1))
        kind = next((purpose for sign, purpose in SIGNS.items() if sign in system), "unknown")
        self.asked.append(kind)
        if kind == "write_tests" and kind not in self.answers:
            path = re.search(r"tests/security/test_\w+\.py", user)
            return f"FILE: {path[0] if path else ''}\n```python\n{TESTS}```\n"
        return self.answers[kind]


def variables(server: Server, http: OpenAIServer) -> dict[str, str]:
    """The environment in which gh and a model on loopback are found."""
    return server.env | {
        "SELFIMPROVE_LLM__MODEL": "openai/test-model",
        "SELFIMPROVE_LLM__BASE_URL": http.url,
        "OPENAI_API_KEY": "sk-very-secret-0123456789",
    }


def run(server: Server, model: Model, *args: str) -> tuple[Any, dict[str, Any]]:
    """Run the pipeline for security against a model on loopback; return how it ended and its JSON."""
    made = server.made
    before = made.state()
    with OpenAIServer(model) as http:
        words = ("pipeline", "--category", "security", "--format", "json", *args)
        done = made.run(*words, env=variables(server, http))
    assert done.out, done.err
    now = made.state()  # what is committed, staged and on disk
    assert all(now[key] == value for key, value in before.items() if key != "refs" and "tasks.yml" not in key)
    assert leftovers(made) == []
    answer = json.loads(done.out)
    jsonschema.validate(answer, schema("pipeline"))
    return done, answer


@pytest.fixture
def server(project: Make) -> Server:
    """The shop with a remote and gh."""
    return Server(project({**SHOP, ".gitignore": "tasks.yml\n"}))


def phase(answer: dict[str, Any], name: str) -> dict[str, Any]:
    """One of the ten."""
    return next(one for one in answer["data"]["phases"] if one["name"] == name)


def branch_of(made: Project) -> list[str]:
    """The two commits of the run: the documents; the change with its tests and what they make of the documents."""
    documents, change = made.git("rev-list", "--reverse", "main..selfimprove/run-1").split()
    first, second = (
        set(made.git("show", "--format=", "--name-only", one).split()) for one in (documents, change)
    )
    assert first == {"docs/specification.md", "docs/graph.md", "docs/architecture.md"}
    assert {"shop/store.py", "docs/architecture.md"} < second
    assert len([name for name in second if name.startswith("tests/security")]) == 1
    before, after = (made.git("show", f"{one}:docs/architecture.md") for one in (documents, change))
    assert "It is small and has one test." in before and "magic_runner" not in before
    assert "tests/security" in after
    return [documents, change]


def handed_over(server: Server, tip: str) -> str:
    """The address of the one pull request, which has the evidence and merges itself."""
    [request] = server.requests
    assert request["auto"] is True and request["headRefName"] == "selfimprove/run-1"
    assert request["title"] == "Load orders with the safe loader, and 1 more"
    assert "**9 of 10**" in request["body"]
    assert server.branches()["selfimprove/run-1"] == tip
    return str(request["url"])


def test_ten_steps_from_the_look_to_the_pull_request(server: Server) -> None:
    made, model = server.made, Model()
    done, answer = run(server, model)
    assert done.code == 0, done.err
    told = {one["name"]: (one["status"], one["summary"]) for one in answer["data"]["phases"]}
    assert [*told] == PHASES
    assert {status for status, _ in told.values()} == {"done"}, told
    [task] = tasks_of(made)
    assert (task["id"], task["status"], task["category"]) == (TASK, "done", "security")
    branch = branch_of(made)
    assert told["pull request"][1] == handed_over(server, branch[1])
    assert phase(answer, "run tests")["output"]["security"]["passed"] == 2
    assert phase(answer, "log and confirm")["output"]["commits"] == {
        "documents of run 1": branch[0],
        TASK: branch[1],
    }
    assert model.asked == ["analyze", "analyze", "review", "suggest", "edit", "write_tests", "review"]

    record = json.loads((made.root / "logs" / "run-1.json").read_text())
    assert [one["name"] for one in record["phases"]] == PHASES
    beads = {(step["task_id"], step["name"]) for step in record["steps"] if step["status"] == "done"}
    of_run = ("analyze", "suggest", "log", "tests", "pull request", "confirm")
    of_task = ("edit", "write_tests", "document", "check", "guard", "review", "publish")
    assert beads >= {("", name) for name in of_run} | {(TASK, name) for name in of_task}


def two(name: str, path: str, line: str) -> str:
    """The reply that adds a word to a file's first line."""
    return f"COMMIT: {name}\n\n" + block(path, f"{line}\n", line.replace('."""', ', of the shop."""\n'))


def test_what_a_finished_run_still_does_reaches_the_same_request(server: Server) -> None:
    made = server.made
    made.write(
        "tasks.yml",
        "- {id: one, title: Say of the orders, prompt: x, files: [shop/orders.py]}\n"
        "- {id: store, title: Say of the store, prompt: x, files: [shop/store.py]}\n",
    )
    first = Model(suggest='{"ideas": []}', edit=two("Orders", "shop/orders.py", '"""Orders."""'))
    done, _ = run(server, first, "--max-tasks", "1", "--no-tests", "--no-auto-merge")
    assert (done.code, len(server.requests)) == (5, 1), done.err
    second = Model(suggest='{"ideas": []}', edit=two("Store", "shop/store.py", '"""Orders on disk."""'))
    done, answer = run(server, second, "--resume", "1", "--no-tests", "--no-auto-merge")
    assert done.code == 0, done.err
    tip = made.git("rev-parse", "selfimprove/run-1")
    assert server.branches()["selfimprove/run-1"] == tip and len(server.requests) == 1
    assert phase(answer, "log and confirm")["summary"].startswith("3 done")
    assert "suggest" not in second.asked


def test_documents_are_of_what_is_committed_and_never_a_persons(server: Server) -> None:
    made = server.made
    made.write("docs/graph.md", "# By hand\n")
    made.git("add", "-A")
    made.git("commit", "-qm", "by hand")
    made.git("push", "-q")
    (made.root / "docs/graph.md").unlink()
    made.write("shop/unreleased.py", "def secret_plan():\n    return 1\n")
    hijack = two("Orders", "shop/orders.py", '"""Orders."""') + block(
        "docs/graph.md", "# By hand\n", f"{MARKER}\n# By hand\n"
    )
    made.write("tasks.yml", "- {id: documents, title: Say it, prompt: x, files: [shop/orders.py]}\n")
    _, answer = run(server, Model(suggest='{"ideas": []}', edit=hijack), "--no-tests", "--land", "branch")
    [commit] = made.git("rev-list", "main..selfimprove/run-1").split()
    names = made.git("show", "--format=", "--name-only", commit).split()
    assert names == ["docs/architecture.md", "docs/specification.md"]
    assert "unreleased" not in "".join(made.git("show", f"{commit}:{name}") for name in names)
    ends = {one["task_id"]: one for one in answer["data"]["outcomes"]}
    assert ends["documents"]["objections"][0]["code"] == "outside_files"
    assert [task["status"] for task in tasks_of(made)] == ["failed"]


def test_a_review_below_the_score_leaves_the_merge_to_a_person(server: Server) -> None:
    done, _ = run(server, Model(), "--auto-merge", "9.5", "--no-tests")
    [request] = server.requests
    assert (done.code, request["auto"]) == (0, False)
    assert "its review gave 9, below 9.5" in done.err


def test_without_a_key_the_documents_are_made_and_the_rest_waits(server: Server) -> None:
    made = server.made
    done = made.run("pipeline", "--format", "json", env=server.env)
    answer = json.loads(done.out)
    assert (done.code, answer["error"]["code"]) == (4, "needs_key")
    assert phase(answer, "analyze")["status"] == "done"
    assert phase(answer, "suggest")["status"] == "skipped"
    assert made.git("rev-list", "--count", "main..selfimprove/run-1") == "1"
    assert len(server.requests) == 1


BROKEN: dict[str, str | Answer] = {
    "not JSON": "Sure! I think that the shop is fine.",
    "cut off": Answer('{"ideas": [{"title": "Load', finish_reason="length"),
    "another shape": '{"ideas": "none", "scores": 7, "specification": [], "passages": {}}',
    "another language": json.dumps(
        {
            "ideas": [
                YAML
                | {
                    "title": "Die Bestellungen mit dem sicheren Lader laden und nicht mit dem vollen",
                    "what": "Der Lader ist nicht sicher und das ist nicht gut, weil er auch Code laden kann.",
                    "why": "Das ist ein Risiko für die Leute, und es ist nicht mehr so wie es sein soll.",
                }
            ],
            **dict.fromkeys(
                ("specification", "graph", "architecture"),
                "Das ist ein Laden, der die Bestellungen in einer Datei hat und sie auch nicht mehr vergisst, oder?",
            ),
        }
    ),
    "empty": "",
    "10 MB": "x" * 10_000_000,
}


@pytest.mark.parametrize("kind", [*BROKEN])
def test_replies_of_no_use_are_asked_for_once_more_and_end_their_own_step_only(
    server: Server, kind: str
) -> None:
    broken = BROKEN[kind]
    model = Model(analyze=broken, suggest=broken, write_tests=broken)
    server.made.write(
        "tasks.yml", "- {id: safe, title: Load safely, prompt: Use safe_load, files: [shop/store.py]}\n"
    )
    done, answer = run(server, model, "--land", "branch")
    told = {one["name"]: (one["status"], one["summary"]) for one in answer["data"]["phases"]}
    assert (done.code, told["suggest"][0]) == (1, "failed"), told
    assert told["analyze"][0] == "done" and "written" not in told["generate tests"][1]
    [task] = tasks_of(server.made)
    assert (task["id"], task["status"]) == ("safe", "done")
    assert [model.asked.count(one) for one in ("suggest", "edit", "review")] == [2, 1, 1]
    assert model.asked.count("analyze") == 2
    [step] = [one for one in answer["data"]["phases"] if one["name"] == "suggest"]
    assert step["output"]["error"]["message"]


def test_invented_names_reach_neither_a_document_nor_a_task(server: Server) -> None:
    ghosts = {
        "a file": YAML | {"files": ["shop/ghost.py"]},
        "a function": YAML | {"symbols": ["Store.haunt"], "what": "Let `Store.haunt` do it."},
        "a quote": YAML | {"evidence": [{"path": "shop/store.py", "line": 3, "quote": "eval(input())"}]},
    }
    prose = json.dumps(
        {
            "specification": "The project keeps orders. They are in a file of YAML. It can list them. "
            "`haunt_the_shop()` in `shop/ghost.py` opens 4711 doors.",
            "graph": "`shop/orders.py` needs `shop/store.py`. `shop/ghost.py` needs nothing.",
            "architecture": "It has `GhostFactory`.",
        }
    )
    model = Model(suggest=said(*ghosts.values()), analyze=prose)
    run(server, model, "--land", "branch")
    made = server.made
    assert tasks_of(made) == []
    names = made.git("show", "--format=", "--name-only", "selfimprove/run-1").split()
    text = "".join(made.git("show", f"selfimprove/run-1:{name}") for name in names)
    assert "ghost" not in text.lower() and "haunt" not in text and "4711" not in text
    assert "The project keeps orders." in text


@pytest.mark.parametrize("purpose", ["suggest", "edit", "review"])
def test_a_killed_pipeline_goes_on_and_pays_nothing_twice(server: Server, purpose: str) -> None:
    made, model = server.made, Model()
    paid: list[str] = []
    with OpenAIServer(model, answered=lambda _: paid.append(model.asked[-1])) as http:
        words = ("pipeline", "--category", "security", "--format", "json")
        process = made.start(*words, env=variables(server, http))
        deadline = time.monotonic() + 100
        while purpose not in paid and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.5)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        done = made.run(*words, env=variables(server, http))
    answer = json.loads(done.out)
    assert done.code == 0, done.err
    assert [one["name"] for one in answer["data"]["phases"]] == PHASES
    assert {one["status"] for one in answer["data"]["phases"]} <= {"done", "skipped"}
    assert [task["id"] for task in tasks_of(made)] == [TASK]
    assert made.git("rev-list", "--count", "main..selfimprove/run-1") == "2"
    assert len(server.requests) == 1
    # One question may have been under way when it was killed; no stored reply is asked for again.
    often = {kind: model.asked.count(kind) for kind in ("suggest", "edit", "write_tests", "review")}
    often["review"] -= 1  # one is of the documents
    assert min(often.values()) == 1 and sum(often.values()) <= 5, model.asked
    assert leftovers(made) == []
