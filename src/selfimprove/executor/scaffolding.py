"""Scaffolding: the edit step's way to a missing file of good practice: from facts, in a model's words if they fit."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from selfimprove.errors import RefactorError
from selfimprove.executor.bench import asker
from selfimprove.executor.patching.apply import write_files
from selfimprove.executor.scaffold.making import make
from selfimprove.executor.scaffold.reading import facts_at
from selfimprove.executor.scaffold.writing import PROSE, written
from selfimprove.model.gap import SOURCE
from selfimprove.tools.git.worktree import reopen_copy

if TYPE_CHECKING:
    from selfimprove.executor.bench import Bench
    from selfimprove.executor.scaffold.writing import Written
    from selfimprove.model.task import Task
    from selfimprove.model.work import Work


_UNREAD = re.compile(
    r"LICENSE|COPYING(\.LESSER)?|(SECURITY|CONTRIBUTING|CHANGELOG)\.md|\.gitignore|\.editorconfig|renovate\.json"
    r"|\.pre-commit-config\.yaml|\.gitlab-ci\.yml|\.github/.+|\.gitlab/.+"
)


def applies(task: Task) -> bool:
    """True when the task is to make files that the rules of good practice miss."""
    return task.source == SOURCE and task.category == SOURCE and task.command is None and bool(task.files)


def is_unread(task: Task) -> bool:
    """True when the task only adds files that nothing in the project reads: prose, and what editors and forges read.

    Such a task is not held back where the tests cannot be run at all.
    """
    return applies(task) and all(_UNREAD.fullmatch(path) for path in task.files)


def scaffold(task: Task, work: Work, bench: Bench, turn: int) -> Work:
    """Return the work with the task's files in its ``tree``.

    Raises RefactorError when what was made did not pass, since the facts make the same again, and PatchError when
    the facts do not suffice or something is there already.
    """
    if work.attempt > 1:
        raise RefactorError("the same facts make the same file", where=task.files[0])
    copy = reopen_copy(bench.repo, Path(work.copy), work.base)
    copy.restore(bench.repo.tree_of(work.base))
    with facts_at(bench.repo, work.base, copy.path, bench.licence) as facts:
        files = make(facts, task.files)
        for path in [path for path in files if bench.llm is not None and path in PROSE]:
            found = written(path, files[path].decode(), facts, task, bench, asker(bench, work, turn))
            files[path] = found.text.encode()
            work = _paid(work, found)
    write_files(copy.path, files)
    lines = sum(content.count(b"\n") for content in files.values())
    return work.but(
        tree=copy.snapshot(tuple(files)),
        paths=tuple(files),
        failure="",
        code="",
        subject=task.title,
        summary=f"{', '.join(files)}: {lines} line{'s' * (lines != 1)}{work.summary}",
    )


def _paid(work: Work, found: Written) -> Work:
    """Return the work with what a reply cost, and a word on whose text it is."""
    words = f", from the template: {found.refused}" if found.refused else ", in a model's words"
    if found.reply is None:
        return work.but(summary=words)
    return work.but(
        model="" if found.refused else found.reply.model,
        dollars=work.dollars + (found.reply.dollars or 0.0),
        tokens=work.tokens + found.reply.tokens,
        summary=words,
    )
