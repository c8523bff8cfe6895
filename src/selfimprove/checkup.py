"""Checkup: looks at everything that a run needs, and says how to mend what is missing."""

from __future__ import annotations

import importlib.util
import platform
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

from selfimprove.errors import SelfimproveError
from selfimprove.model.checkup import Part

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from selfimprove.target import Target

_GIT = (2, 31)
_REFACTOR = {
    "ruff": "there is no ruff-fixes and no modernise",
    "griffe": "a rewrite that touches public names is not made",
    "hypothesis": "old and new are not compared on generated inputs",
}
"""The optional parts of rewriting without a model, and what there is not without them."""


def examine(folder: Path, environ: Mapping[str, str], config: Path | None) -> list[Part]:
    """Return what was found, the basic things first. Nothing on disk changes and no model is called."""
    from selfimprove.target import open_target
    from selfimprove.tools.shell.guards import probe

    parts = [Part("python", True, True, platform.python_version()), _git(environ)]
    parts += [
        Part(f"sandbox: {guard.name}", guard.ok, guard.required, guard.detail, guard.mend)
        for guard in probe(environ)
    ]
    if not parts[1].ok:
        return parts
    try:
        target = open_target(folder, environ, config, {})
    except SelfimproveError as error:
        what = "configuration" if error.code == "config_invalid" else "repository"
        return [*parts, _from(what, error)]
    parts.append(Part("repository", True, True, str(target.repo.root)))
    if target.settings.sandbox.driver == "docker":
        parts = [
            part if part.ok or "sandbox" not in part.name else replace(part, required=False) for part in parts
        ]
        parts.append(_docker(target))
    return [*parts, _commit(target), _tasks(target), _state(target), *_refactor(target), *_model(target)]


def _docker(target: Target) -> Part:
    from selfimprove.tools.shell.docker import trial

    image = target.settings.sandbox.image
    why, mend = trial(image, target.environ)
    return Part("sandbox: docker", not why, True, why or f"image {image}", mend)


def _git(environ: Mapping[str, str]) -> Part:
    from selfimprove.tools.git.repo import version

    found = version(environ) if shutil.which("git", path=environ.get("PATH")) else None
    if found is None:
        return Part("git", False, True, "not found", "sudo apt-get install git")
    words = ".".join(map(str, found))
    return Part("git", found >= _GIT, True, words, "" if found >= _GIT else "install git 2.31 or newer")


def _from(name: str, error: SelfimproveError) -> Part:
    where = f" ({error.where})" if error.where else ""
    return Part(name, False, True, f"{error.message}{where}", error.hint)


def _commit(target: Target) -> Part:
    head = target.repo.head()
    if head is None:
        return Part(
            "commit", False, False, "none yet: tasks with a prompt need one to start from", "git commit"
        )
    changed = target.repo.uncommitted()
    detail = f"{head[:7]} on {target.repo.branch() or 'a detached HEAD'}"
    return Part(
        "commit",
        True,
        False,
        detail + (f"; uncommitted files: {changed}, not part of a run" if changed else ""),
    )


def _tasks(target: Target) -> Part:
    from selfimprove.wiring import load_tasks, with_place

    name = target.settings.tasks_file
    try:
        tasks = load_tasks(target)
        with_place(target, tasks)
    except SelfimproveError as error:
        return _from(name, error)
    missing = not (target.repo.root / name).exists()
    return Part(
        name,
        True,
        False,
        "not there yet" if missing else f"{len(tasks)} task{'s' * (len(tasks) != 1)}",
        "selfimprove init" if missing else "",
    )


def _state(target: Target) -> Part:
    from selfimprove.wiring import peek_memory

    try:
        memory = peek_memory(target)
        dead = memory.journal.dead_runs() if memory else []
    except SelfimproveError as error:
        return _from("state", error)
    if dead:
        return Part(
            "state", False, False, f"run {dead[0].id} ended without a word", "selfimprove run goes on with it"
        )
    return Part("state", True, False, "no run yet" if memory is None else "sound")


def _refactor(target: Target) -> list[Part]:
    """Return the optional parts of rewriting without a model, each with what it is for."""
    from selfimprove.tools.ruff import find_ruff

    try:
        there = {"ruff": find_ruff(target.repo.root, target.environ)}
    except SelfimproveError:
        there = {}
    there |= {name: "installed" for name in ("griffe", "hypothesis") if importlib.util.find_spec(name)}
    return [
        Part(
            name,
            name in there,
            False,
            there.get(name, f"not installed: {lost}"),
            "" if name in there else "pip install 'selfimprove[refactor]'",
        )
        for name, lost in _REFACTOR.items()
    ]


def _model(target: Target) -> list[Part]:
    from selfimprove.wiring import model_problem

    problem = model_problem(target)
    parts = [
        Part(
            "model",
            problem is None,
            False,
            f"{problem.message}: tasks with a prompt will wait" if problem else "configured",
            f"{problem.where}; {problem.hint}" if problem else "",
        )
    ]
    if target.settings.llm.backend == "litellm":
        there = importlib.util.find_spec("litellm") is not None
        parts.append(
            Part(
                "litellm",
                there,
                False,
                "installed" if there else "not installed",
                "" if there else "pip install 'selfimprove[llm]'",
            )
        )
    return parts
