"""What the tests of prompt tasks share: replies, a run that must leave everything as it was, and what it left."""

from __future__ import annotations

import contextlib
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from conftest import Project

PLAIN = {"m.py": "def f():\n    return 1\n"}


def block(path: str, search: str, replace: str, width: int = 7) -> str:
    """A search/replace block as a model writes it."""
    marks = ("<" * width + " SEARCH", "=" * width, ">" * width + " REPLACE")
    return f"{path}\n{marks[0]}\n{search}{marks[1]}\n{replace}{marks[2]}\n"


def two() -> str:
    """The reply that lets ``PLAIN``'s function return 2."""
    return "COMMIT: Return two\n\n" + block("m.py", "    return 1\n", "    return 2\n")


def prompt(name: str, **fields: Any) -> dict[str, Any]:
    """A prompt task."""
    return {"id": name, "title": f"Task {name}", "prompt": f"do {name}"} | fields


@dataclass(frozen=True)
class Done:
    """How a run ended: its exit code, outcomes by task id, standard error, and the whole JSON answer."""

    code: int
    outcomes: dict[str, dict[str, Any]]
    err: str
    answer: dict[str, Any]

    def reason(self, task: str) -> str:
        """Why a task failed."""
        return str(self.outcomes[task]["reason"])


def write_tasks(project: Project, tasks: Sequence[Mapping[str, Any]]) -> None:
    """Write tasks.yml, which git shall ignore so that it is no part of the tree."""
    project.write("tasks.yml", yaml.safe_dump([dict(task) for task in tasks], sort_keys=False))


def replies_for(project: Project, replies: Mapping[str, Sequence[str] | str]) -> dict[str, str]:
    """Recorded replies by task id."""
    return project.replies(
        *(
            {"task": task, "reply": text}
            for task, texts in replies.items()
            for text in ([texts] if isinstance(texts, str) else texts)
        )
    )


def do(
    project: Project,
    tasks: Sequence[Mapping[str, Any]],
    replies: Mapping[str, Sequence[str] | str],
    *args: str,
    env: Mapping[str, str] | None = None,
) -> Done:
    """Run the tasks; what is the person's must be as it was, and nothing may be left behind."""
    write_tasks(project, tasks)
    before = project.state()
    variables = replies_for(project, replies) | dict(env or {})
    result = project.run("run", "--no-audit", "--format", "json", *args, env=variables)
    assert result.out, result.err
    assert project.state() == before
    assert leftovers(project) == []
    answer = json.loads(result.out)
    outcomes = (answer["data"] or {}).get("outcomes", [])
    return Done(result.code, {outcome["task_id"]: outcome for outcome in outcomes}, result.err, answer)


def leftovers(project: Project) -> list[str]:
    """Private copies, git's records of them, locks and processes that should be gone."""
    found = [
        line
        for line in project.git("worktree", "list", "--porcelain").splitlines()
        if "/selfimprove/copies/" in line
    ]
    copies = Path(project.env["XDG_CACHE_HOME"]) / "selfimprove" / "copies"
    found += [str(path) for path in copies.glob("*/*") if path.name != "opening.lock"]
    common = Path(project.git("rev-parse", "--path-format=absolute", "--git-common-dir"))
    found += [str(path) for path in common.rglob("*.lock")]
    return found + processes(project)


def processes(project: Project) -> list[str]:
    """Processes that still run with this project's home folder."""
    home = f"HOME={project.env['HOME']}".encode()
    patience = time.monotonic() + 5
    while (found := _with(home)) and time.monotonic() < patience:
        time.sleep(0.05)
    return found


def _with(variable: bytes) -> list[str]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            mine = variable in (folder / "environ").read_bytes().split(b"\0")
            if mine and int(folder.name) != os.getpid() and b") Z " not in (folder / "stat").read_bytes():
                found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return found


def commits(project: Project, branch: str = "selfimprove/run-1", since: str = "HEAD") -> list[str]:
    """The subjects of the commits that a run made, oldest first."""
    return project.git("log", "--reverse", "--format=%s", f"{since}..{branch}").splitlines()


def blob(project: Project, path: str, branch: str = "selfimprove/run-1") -> bytes:
    """A file's bytes on the run's branch."""
    import subprocess

    done = subprocess.run(
        ["git", "cat-file", "blob", f"{branch}:{path}"],
        cwd=project.root,
        env=project.env,
        capture_output=True,
        check=True,
    )
    return done.stdout


def has_branch(project: Project, branch: str = "selfimprove/run-1") -> bool:
    """True when the run made its branch."""
    return bool(project.git("branch", "--list", branch))
