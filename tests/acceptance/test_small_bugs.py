"""Programs with one bug each: the known fix, in any style, comes from a model's server and ends as a proved commit."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from conftest import Project
from executor_rig import Done, leftovers, prompt, write_tasks
from openai_server import Answer, OpenAIServer, failure
from small_bugs import BUGS, STYLES, Bug

Make = Callable[..., Project]


def solve(made: Project, bugs: Sequence[Bug], styles: Sequence[str]) -> tuple[Done, list[str], int]:
    """Run a task for each bug, answered in the style beside it; return the end, what is not solved, and the calls."""
    told = dict(zip((bug.name for bug in bugs), styles, strict=True))

    def answer(body: dict[str, Any]) -> Answer | str:
        asked = "\n".join(str(message["content"]) for message in body["messages"])
        for bug in bugs:
            if f"Task mend-{bug.name}:" in asked:
                return STYLES[told[bug.name]](bug)
        return failure(400, "which program is meant?")

    tasks = [
        prompt(f"mend-{bug.name}", prompt=f"{bug.test_path} fails. Mend {bug.path}.", files=[bug.path])
        for bug in bugs
    ]
    write_tasks(made, tasks)
    before = made.state()
    with OpenAIServer(answer) as server:
        env = {
            "SELFIMPROVE_LLM__MODEL": "openai/test",
            "SELFIMPROVE_LLM__BASE_URL": server.url,
            "OPENAI_API_KEY": "sk-x",
        }
        result = made.run("run", "--no-audit", "--format", "json", env=env, timeout=900)
        calls = len(server.requests)
    assert made.state() == before
    assert leftovers(made) == []
    unsolved = []
    for bug in bugs:
        text = made.git("show", f"selfimprove/run-1:{bug.path}") + "\n"
        if text != bug.fixed:
            unsolved.append(f"{bug.name} ({told[bug.name]})")
    return Done(result.code, {}, result.err, {}), unsolved, calls


def with_bugs(project: Make, bugs: Sequence[Bug]) -> Project:
    """A repository with these programs, all of them broken, and their tests, all of them red."""
    files = {bug.path: bug.broken for bug in bugs} | {bug.test_path: bug.tests for bug in bugs}
    return project(
        {**files, "programs/__init__.py": "", "tests/__init__.py": "", ".gitignore": "__pycache__/\n"}
    )


def test_one_program_is_mended_in_each_style(project: Make) -> None:
    bugs = random.Random(5).sample(BUGS, len(STYLES))
    done, unsolved, calls = solve(with_bugs(project, bugs), bugs, list(STYLES))
    assert unsolved == [], done.err
    assert calls <= 1.2 * len(bugs)
    assert done.code == 0, done.err


@pytest.mark.torture
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("style", STYLES)
def test_each_program_is_mended_in_every_style(project: Make, style: str) -> None:
    done, unsolved, calls = solve(with_bugs(project, BUGS), BUGS, [style] * len(BUGS))
    print(f"{style}: {len(BUGS) - len(unsolved)} of {len(BUGS)} solved, {calls / len(BUGS):.2f} calls each")
    assert unsolved == [], done.err
    assert calls <= 1.2 * len(BUGS)
