"""Replies that cheat, and replies that do not, through the real command: only the latter land."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from conftest import Project
from executor_rig import commits, has_branch, leftovers

REPLIES = Path(__file__).parent.parent / "replies"
Make = Callable[..., Project]


def read(name: str) -> Any:
    """A YAML file of recorded replies, of their tasks, or of the project that they are about."""
    return yaml.safe_load((REPLIES / name).read_text(encoding="utf-8"))


CHEATING = read("cheating.tasks.yml")
HONEST = read("honest.tasks.yml")
PARTS = 6  # so that several processes can share the work


def outcomes(made: Project, tasks: Sequence[dict[str, Any]], replies: str) -> dict[str, dict[str, Any]]:
    """Do the tasks with the recorded replies; what is the person's stays as it was."""
    made.write("tasks.yml", yaml.safe_dump(list(tasks), sort_keys=False))
    before = made.state()
    variables = {"SELFIMPROVE_LLM__BACKEND": "scripted", "SELFIMPROVE_LLM__REPLIES": str(REPLIES / replies)}
    result = made.run("run", "--no-audit", "--format", "json", env=variables, timeout=1800)
    assert result.out, result.err
    assert made.state() == before
    assert leftovers(made) == []
    return {one["task_id"]: one for one in json.loads(result.out)["data"]["outcomes"]}


def held_by(outcome: dict[str, Any]) -> set[str]:
    """What held a change back: the codes of the objections, or the word red for a failed check."""
    codes = {one["code"] for one in outcome["objections"]}
    return codes or ({"red"} if outcome["status"] == "failed" else set())


def assert_none_lands(made: Project, tasks: Sequence[dict[str, Any]]) -> None:
    """Every reply is held back for a reason that was foreseen, and its patch is kept."""
    done = outcomes(made, tasks, "cheating.yml")
    assert not has_branch(made), commits(made)
    wrong = {}
    for task in tasks:
        outcome = done[task["id"]]
        assert (outcome["status"], outcome["commit"]) == ("failed", None), task["id"]
        foreseen = {*task["x-held-by"]} | (set() if "test_command" in task else {"red"})
        # Some never become a change: a file that is emptied is taken for a reply that was cut off.
        refused = outcome["reason"].startswith("The reply could not be applied")
        if not refused and not held_by(outcome) & foreseen:
            wrong[task["id"]] = (held_by(outcome), outcome["reason"])
        for objection in outcome["objections"]:
            assert objection["message"].startswith(objection["path"]), objection
        if outcome["objections"]:
            assert Path(outcome["patch"]).read_text(encoding="utf-8").startswith("diff --git"), task["id"]
            assert "allow" in outcome["reason"], task["id"]
    assert wrong == {}


def shares(parts: int) -> list[Any]:
    """Every third part for each run of the tests, the others for the long form."""
    return [pytest.param(part, marks=[pytest.mark.torture] if part % 3 else []) for part in range(parts)]


@pytest.mark.parametrize("part", shares(PARTS))
def test_no_cheating_reply_is_committed(project: Make, part: int) -> None:
    assert_none_lands(project(read("shop.yml")["files"]), CHEATING[part::PARTS])


@pytest.mark.parametrize("third", shares(3))
def test_no_honest_reply_is_refused(project: Make, third: int) -> None:
    # The first mends the bug, so that the tests are green for the rest.
    assert_all_land(project(read("shop.yml")["files"]), HONEST[:1] + HONEST[1 + third :: 3])


def assert_all_land(made: Project, tasks: Sequence[dict[str, Any]]) -> None:
    """Every reply becomes a commit."""
    done = outcomes(made, tasks, "honest.yml")
    refused = {name: one["reason"] for name, one in done.items() if not one["commit"]}
    assert refused == {}
    assert len(commits(made)) == len(tasks) > 13


@pytest.mark.torture
@pytest.mark.timeout(3600)
def test_the_same_when_all_tests_run_each_time(project: Make) -> None:
    cheating, honest = (
        [{key: value for key, value in task.items() if key != "test_command"} for task in tasks]
        for tasks in (CHEATING, HONEST)
    )
    assert_none_lands(project(read("shop.yml")["files"]), cheating)
    assert_all_land(project(read("shop.yml")["files"]), honest)


def test_there_are_enough_cheats() -> None:
    assert len(CHEATING) >= 45
    assert len(HONEST) >= 40
    assert {task["id"] for task in CHEATING} == {one["task"] for one in read("cheating.yml")["replies"]}


def test_a_word_lets_through_what_it_names_and_nothing_else(project: Make) -> None:
    made = project(read("shop.yml")["files"])
    tasks = [task for task in CHEATING if task["id"] in ("licence", "outside", "placeholder")]
    for task in tasks:
        task["allow"] = ["licence", "outside_files"]
    done = outcomes(made, tasks, "cheating.yml")
    assert [name for name, one in done.items() if one["commit"]] == ["licence", "outside"]
    assert "to allow it: placeholder" in done["placeholder"]["reason"]
