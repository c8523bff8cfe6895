"""Backlog: how the tasks of tasks.yml follow the findings: which are new, which changed, which are over."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from selfimprove.model.finding import fingerprint
from selfimprove.model.task import Status
from selfimprove.reflector.rules import BY_ID, RULES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from selfimprove.model.finding import Finding
    from selfimprove.model.task import Task

GONE = "(no longer found)"
"""Stands behind the description of a task that the program closed: the mark by which it may open it again."""

NOTICEABLE = 0.5
"""A priority that differs by less is left as it is: history moves all of them a little with every commit."""

_NUMBER = r"\d+(?:\.\d+)?"
_LINES = re.compile(r"(?:\b(?:lines?|cell) |:)\d+(?:(?: to |-)\d+)?")
_ORDINALS = range(1, 10)
_TEMPLATE = re.compile(r"\{\w+\}")
# pylint's name and number of a message, behind its text.
_PYLINT = re.compile(r"\([a-z0-9-]+, ([CRWEF])\d{4}\)$")
_PYLINT_RULE = dict(zip("CRWEF", ("SI301", "SI302", "SI303", "SI304", "SI305"), strict=True))


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look saw. ``hidden`` are findings that a comment silences or the baseline accepts.

    ``looked`` says of a rule and a path whether a finding of that rule would have been found there,
    ``deleted`` of a path that there is no such file.
    """

    findings: Sequence[Finding]
    hidden: Iterable[Finding]
    looked: Callable[[str, str], bool]
    deleted: Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Changes:
    """What tasks.yml lacks: tasks to append, and tasks that take the place of those with their ids."""

    new: tuple[Task, ...] = ()
    updated: tuple[Task, ...] = ()
    closed: tuple[Task, ...] = ()
    reopened: tuple[Task, ...] = ()

    def __bool__(self) -> bool:
        """True when there is anything to write."""
        return bool(self.new or self.updated or self.closed or self.reopened)

    def words(self) -> str:
        """Return "2 new, 1 updated, 1 closed, 1 reopened", without what is none; ``""`` for nothing."""
        parts = ("new", "updated", "closed", "reopened")
        return ", ".join(f"{len(found):,} {part}" for part in parts if (found := getattr(self, part)))

    def apply(self, tasks: Iterable[Task]) -> list[Task]:
        """Return ``tasks`` with the changes made, the new ones behind."""
        now = {task.id: task for task in (*self.updated, *self.closed, *self.reopened)}
        return [*(now.get(task.id, task) for task in tasks), *self.new]


def match(tasks: Iterable[Task], findings: Sequence[Finding]) -> tuple[dict[str, Finding], list[Finding]]:
    """Return the finding by the fingerprint of the task that stands for it, and the findings without any.

    A task stands for the finding that has its very fingerprint, else for one that had it under an earlier
    name, unless that one has a task of its own.
    """
    known = {task.fingerprint for task in tasks if task.fingerprint}
    matched = {one.fingerprint: one for one in findings if one.fingerprint in known}
    owned = set(matched)
    # First those that would have no task; then a second task for the same finding is found out too.
    for finding in sorted(findings, key=lambda one: one.fingerprint in owned):
        for name in finding.fingerprints:
            if name in known:
                matched.setdefault(name, finding)
    having = {id(finding) for finding in matched.values()}
    return matched, [finding for finding in findings if id(finding) not in having]


def changes(tasks: Sequence[Task], seen: Seen) -> Changes:
    """Return how the tasks follow what was seen in the person's tree.

    Only tasks that the audit made (source ``audit``, with a fingerprint) change: pending ones are updated or
    closed, and what was closed that way opens again when the finding is back. What a person decided (skipped,
    rejected, done), what failed and what is being worked on stays.
    """
    matched, without = match(tasks, seen.findings)
    hidden = {name for finding in seen.hidden for name in finding.fingerprints}
    updated, closed, reopened = [], [], []
    for task in tasks:
        if task.source != "audit" or task.fingerprint is None:
            continue
        finding = matched.get(task.fingerprint)
        if finding is not None and task.status is Status.PENDING:
            if (now := renewed(task, finding)) is not task:
                updated.append(now)
        elif finding is not None and task.status is Status.DONE and task.description.endswith(GONE):
            reopened.append(renewed(replace(task, status=Status.PENDING), finding))
        elif finding is None and task.status is Status.PENDING and _is_settled(task, seen, hidden):
            closed.append(_closed(task))
    return Changes(tuple(map(new_task, without)), tuple(updated), tuple(closed), tuple(reopened))


def logged(tasks: Sequence[Task], findings: Iterable[Finding]) -> tuple[Task, ...]:
    """Return the tasks of ``findings`` that no task stands for yet, whatever became of it, with ids of their own."""
    known = {task.fingerprint for task in tasks if task.fingerprint}
    new: dict[str, Task] = {}
    for finding in findings:
        if known.isdisjoint(finding.fingerprints):
            new.setdefault(finding.fingerprint, new_task(finding))
    return with_unique_ids(new.values(), {task.id for task in tasks})


def with_unique_ids(tasks: Iterable[Task], taken: set[str]) -> tuple[Task, ...]:
    """Return the tasks with ``-2``, ``-3`` ... appended to ids that are taken, also by one another."""
    named = []
    for task in tasks:
        name, number = task.id, 1
        while name in taken:
            number += 1
            name = f"{task.id}-{number}"
        taken.add(name)
        named.append(replace(task, id=name))
    return tuple(named)


def new_task(finding: Finding) -> Task:
    """Return the finding's task, with a priority that can be told from one that a person sets.

    Ours is 10, 20 or 30 or no whole number; so a whole number is a person's.
    """
    task = finding.to_task()
    priority = round(task.priority, 1)
    return replace(task, priority=priority if _is_ours(priority) else priority + 0.1)


def renewed(task: Task, finding: Finding) -> Task:
    """Return ``task`` as the finding stands now, the very same object when there is nothing to tell.

    A field changes only while it holds the words that the program wrote, with whatever numbers; in ``files``
    an earlier name of the file gives way to the present one. Lines that merely moved are nothing to tell.
    """
    wanted, then = new_task(finding), _Then(task, finding)
    texts = {"title": task.title, "description": _unmarked(task), "prompt": task.prompt or ""}
    said = {
        name: str(getattr(wanted, name)) if then.wrote(text, getattr(wanted, name)) else text
        for name, text in texts.items()
    }
    moved = _is_ours(task.priority) and abs(task.priority - wanted.priority) >= NOTICEABLE
    now = replace(
        task,
        title=said["title"],
        description=said["description"],
        prompt=said["prompt"] if task.prompt is not None else None,
        files=then.files(),
        fingerprint=finding.fingerprint,
        priority=wanted.priority if moved else task.priority,
    )
    return now if _told(now) != _told(task) or task.status is not Status.PENDING else task


def _is_settled(task: Task, seen: Seen, hidden: set[str]) -> bool:
    return task.fingerprint not in hidden and is_over(task, seen)


def is_over(task: Task, seen: Seen) -> bool:
    """True when the finding of ``task``, which was not found, is certainly gone.

    Its rule must have been looked for in its file, or the file be deleted. A task of which the rule cannot
    be told any more, because a person wrote another title and description, is never over.
    """
    files = [path for path in task.files if path.endswith((".py", ".ipynb"))]
    if not files:
        return False
    if all(map(seen.deleted, files)):
        return True
    rule = rule_of(task)
    return rule is not None and all(seen.deleted(path) or seen.looked(rule, path) for path in files)


def rule_of(task: Task) -> str | None:
    """Return the rule of a task of the audit, by its description or else by title and fingerprint."""
    said = _unmarked(task)
    if found := _PYLINT.search(said):
        return _PYLINT_RULE[found[1]]
    for rule in RULES:
        if rule.message and re.fullmatch(_TEMPLATE.sub("(?s:.+)", _escaped(rule.message)), said):
            return rule.id
    words = task.title.split(" ")
    symbols = ["", *(" ".join(words[at:]) for at in range(len(words)))]
    return next(
        (
            rule
            for rule in BY_ID
            for path in task.files
            for symbol in symbols
            for ordinal in _ORDINALS
            if fingerprint(rule, path, symbol, ordinal) == task.fingerprint
        ),
        None,
    )


class _Then:
    """How a task and its finding were called when the task was written."""

    def __init__(self, task: Task, finding: Finding) -> None:
        self._task, self._finding = task, finding
        paths = {finding.path, finding.origin or finding.path, *task.files}
        self._names = {
            finding.path: paths,
            PurePosixPath(finding.path).name: {PurePosixPath(path).name for path in paths},
        }
        if finding.symbol:
            self._names[finding.symbol] = {finding.symbol, *self._earlier_symbol(paths)}
        names = sorted(self._names, key=len, reverse=True)
        literal = "|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in names)
        self._variable = re.compile(rf"({literal}|{_NUMBER}|\b[ABC]\b)")

    def wrote(self, text: str, now: str) -> bool:
        """True when ``text`` differs from ``now`` in names that these had and in numbers only.

        Rules across files name other places too; of their texts only the plain words are compared.
        """
        if BY_ID[self._finding.rule].scope == "project" and _plain_words(text) == _plain_words(now):
            return True
        pattern = "".join(self._form(part) for part in self._variable.split(now.rstrip()))
        return re.fullmatch(pattern, text.rstrip()) is not None

    def files(self) -> tuple[str, ...]:
        """Return the task's files with an earlier name of the finding's file replaced by the present one."""
        finding, files = self._finding, self._task.files
        if finding.path in files:
            return files
        return tuple(finding.path if self._was(path) else path for path in files)

    def _was(self, path: str) -> bool:
        finding = self._finding
        symbols = self._names.get(finding.symbol, {""})
        return any(
            fingerprint(finding.rule, path, symbol, finding.ordinal)
            in {*finding.fingerprints, self._task.fingerprint}
            for symbol in symbols
        )

    def _form(self, part: str) -> str:
        if part in self._names:
            return f"(?:{'|'.join(map(re.escape, self._names[part]))})"
        if re.fullmatch(_NUMBER, part):
            return _NUMBER
        return "[ABC]" if part in {"A", "B", "C"} else re.escape(part)

    def _earlier_symbol(self, paths: Iterable[str]) -> set[str]:
        """Return the symbol in the title if the fingerprint proves that it is what the program wrote."""
        rule, ordinals = self._finding.rule, {self._finding.ordinal, *_ORDINALS}
        verb = self._finding.to_task().title.removesuffix(self._finding.symbol)
        symbol = self._task.title.removeprefix(verb)
        names = {fingerprint(rule, path, symbol, ordinal) for path in paths for ordinal in ordinals}
        return {symbol} if self._task.fingerprint in names else set()


def _plain_words(text: str) -> list[str]:
    words = [word.rstrip(",.:;") for word in text.split() if re.fullmatch(r"[A-Za-z']+[,.:;]?", word)]
    return [word for word in words if word not in {"and", "more"}]


def _is_ours(priority: float) -> bool:
    """True for a priority that the program may have written; see :func:`new_task`."""
    whole = float(priority).is_integer()
    return 0 < priority < 40 and round(priority, 1) == priority and (not whole or priority in {10, 20, 30})


def _told(task: Task) -> tuple[object, ...]:
    """Return what of a task is news: everything but where the lines are."""
    texts = (task.title, task.description, task.prompt or "")
    said = [_LINES.sub("", text).rstrip() for text in texts]
    return *said, task.files, task.fingerprint, task.priority


def _unmarked(task: Task) -> str:
    marked = task.description.endswith(GONE)
    return task.description.removesuffix(GONE).rstrip() if marked else task.description


def _closed(task: Task) -> Task:
    text = f"{_unmarked(task).rstrip()} {GONE}".lstrip()
    return replace(task, status=Status.DONE, description=text)


def _escaped(template: str) -> str:
    """Return a template as a pattern in which its ``{fields}`` still stand."""
    return "".join(
        part if _TEMPLATE.fullmatch(part) else re.escape(part)
        for part in re.split(rf"({_TEMPLATE.pattern})", template)
    )
