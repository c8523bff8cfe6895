"""Drawing: the lesson that is drawn from a task that has ended, from its steps and its patch and without a model."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from selfimprove.codebase.context import question
from selfimprove.executor.shape import kinds_of, shape_between
from selfimprove.executor.size import storable
from selfimprove.model.lesson import Lesson
from selfimprove.model.task import Status
from selfimprove.tools.shell.masking import mask

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from selfimprove.executor.bench import Bench
    from selfimprove.executor.shape import FileShape
    from selfimprove.executor.steps import Job
    from selfimprove.model.run import Step
    from selfimprove.model.task import Task
    from selfimprove.model.work import Work

_ABOUT, _TITLE, _WORDS, _NOTE, _NAMED, _FAILURES = 1500, 80, 200, 1000, 4, 8
_FENCED = re.compile(r"^(`{3,}|~{3,}).*?(?:^\1|\Z)", re.MULTILINE | re.DOTALL)
_RAISED = re.compile(
    r"^\s*(?:E\s+)?((?:\w+\.)*(\w*(?:Error|Exception|Warning|Exit|Interrupt)))\b(.{0,300})", re.MULTILINE
)
_MESSAGE = re.compile(r"^\s*(\S+:\d+:(?:\d+:)? .{0,300})", re.MULTILINE)
_TEST = re.compile(r"^\s*(\S+::\S+)", re.MULTILINE)
_QUOTED = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"")


class _Attempt(NamedTuple):
    """One attempt of a model: its number, what was wrong with it (``""``: nothing), its tree, what it had touched."""

    number: int
    wrong: str
    tree: str
    paths: frozenset[str]


def about(task: Task, secrets: Sequence[str] = ()) -> str:
    """Return the words of a task by which it is compared with others: no code, no secret, no more than a page."""
    return mask(storable(_FENCED.sub("", question(task))), secrets)[:_ABOUT]


def lesson_of(job: Job, work: Work, bench: Bench) -> Lesson:
    """Return what a task teaches that has ended as ``work`` says: facts, and one or two sentences made of them."""
    repo, task, secrets = bench.repo, job.task, bench.secrets
    base = repo.tree_of(work.base)
    tree = work.tree or base
    attempts = _attempts(bench.journal.steps(job.run.id, task.id, job.turn), secrets)
    whole = shape_between(repo, base, tree)
    status = Status.DONE if work.commit else Status.FAILED
    wrong = tuple(one.wrong for one in attempts if one.wrong)
    if status is Status.FAILED and not (attempts and attempts[-1].wrong):
        wrong = (*wrong, _line(work.stop, secrets))
    checks = [{"name": one.name, "ok": one.ok, "summary": _line(one.summary, secrets)} for one in work.checks]
    lesson = Lesson(
        *(job.run.id, task.id, job.turn, time.time(), status),
        title=_line(task.title, secrets, _TITLE),
        about=about(task, secrets),
        note="",
        category=storable(task.category or ""),
        fingerprint=storable(task.fingerprint or ""),
        rule=str(work.metrics.get("name", "")),
        kinds=kinds_of(one.path for one in whole),
        shape=_shape(whole, secrets),
        checks=tuple(checks),
        failures=wrong[:_FAILURES],
        review=float(work.review["mean"]) if work.review else None,
        attempts=max(1, work.attempt - len(work.tried)),
        dollars=work.dollars,
        tokens=work.tokens,
        model=_line(work.model, secrets, _TITLE),
        code=work.code if status is Status.FAILED else "",
    )
    # Tests and documents that other steps wrote for the change follow from it.
    own = shape_between(repo, base, tree, work.written) or whole
    return replace(lesson, note=_line(_note(lesson, own, _mend(attempts, tree, work, bench)), secrets, _NOTE))


def _attempts(steps: Sequence[Step], secrets: Sequence[str]) -> list[_Attempt]:
    """Return the attempts of a model in their order, as the journal has them; rewrites without one are none."""
    last: dict[int, tuple[str, Mapping[str, Any]]] = {}
    for step in steps:
        if step.ended_at is not None and step.result.get("model") and not step.result.get("rewrite"):
            known = last.get(step.attempt)
            if known is None or not known[0]:
                last[step.attempt] = (str(step.result.get("failure") or ""), step.result)
    return [
        _Attempt(
            number, _wrong(result, secrets) if failure else "", result["tree"], frozenset(result["paths"])
        )
        for number, (failure, result) in enumerate((last[key] for key in sorted(last)), 1)
    ]


def _wrong(result: Mapping[str, Any], secrets: Sequence[str]) -> str:
    """Return in a few words why an attempt was not accepted, without a line of a file."""
    failure = str(result["failure"])
    red = next((check for check in result["checks"] if not check["ok"]), None)
    if result["code"] == "patch_refused" or red is None:
        first = failure.split("\n")[0].partition("; near line")[0]  # what follows quotes the file
        return _line(_QUOTED.sub("(...)", first[:1].lower() + first[1:]), secrets)
    return _line(f"{red['name']}: {_first_words(str(red['detail'])) or red['summary']}", secrets)


def _first_words(detail: str) -> str:
    """Return which test failed and with which error, or the first message of a linter; ``""`` for other output."""
    test = _TEST.search(detail)
    where = f"{test[1]}: " if test else ""
    if raised := _RAISED.search(detail):
        # An assertion that failed says the line of the test; what was compared is no lesson.
        rest = "" if raised[2] == "AssertionError" else raised[3]
        return where + raised[1] + rest
    if message := _MESSAGE.search(detail):
        return message[1]
    return where.removesuffix(": ")


def _mend(attempts: Sequence[_Attempt], tree: str, work: Work, bench: Bench) -> str:
    """Return what differs between the last attempt that was not accepted and the end, ``""`` if nothing."""
    failed = [one for one in attempts if one.wrong]
    if not failed:
        return ""
    shapes = shape_between(bench.repo, failed[-1].tree, tree, work.written)
    new = [one for one in shapes if failed[-1].paths and one.path not in failed[-1].paths]
    words = [f"{one.words}, which had not been changed before" if one in new else one.words for one in shapes]
    return _listed(words)


def _note(lesson: Lesson, whole: Sequence[FileShape], mend: str) -> str:
    """Return what a model is told of a task: one sentence on what went wrong, one on what became of it."""
    name, change = f'"{lesson.title}"', _listed([one.words for one in whole])
    if lesson.status is Status.DONE and not lesson.failures:
        return f"{name} was done at the first attempt by changing {change}."
    said = _failed(lesson.failures)
    if lesson.status is Status.DONE:
        return f"{name}: {said}. Mended by changing {mend or change}."
    tried = f" It had changed {change}." if change else ""
    return f"{name} was not done: {said}.{tried}"


def _failed(failures: Sequence[str]) -> str:
    """Return how the first and the last attempt failed; what failed in the same words is said once."""
    first, last = failures[0].rstrip("."), failures[-1].rstrip(".")
    if len(failures) == 1:
        return f"attempt 1 failed: {first}"
    if first == last:
        return f"attempts 1 to {len(failures)} failed: {first}"
    return f"attempt 1 failed: {first}; attempt {len(failures)} failed: {last}"


def _shape(whole: Sequence[FileShape], secrets: Sequence[str]) -> dict[str, Any]:
    return {
        "files": [[_line(one.path, secrets), one.added, one.removed] for one in whole[:20]],
        "added": sum(max(one.added, 0) for one in whole),
        "removed": sum(max(one.removed, 0) for one in whole),
        "changes": [_line(f"{one.path}: {change}", secrets) for one in whole for change in one.changes][:20],
    }


def _listed(words: Sequence[str]) -> str:
    more = f" and {len(words) - _NAMED} more files" if len(words) > _NAMED else ""
    return "; ".join(words[:_NAMED]) + more


def _line(text: str, secrets: Sequence[str], most: int = _WORDS) -> str:
    """Return ``text`` as one printable line of at most ``most`` characters, with secrets masked before it is cut."""
    masked = mask(storable(text), secrets)
    line = " ".join("".join(char if char.isprintable() else " " for char in masked).split())
    return line if len(line) <= most else f"{line[: most - 3]}..."
