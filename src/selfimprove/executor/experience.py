"""Experience: what earlier tasks taught that is told to a model, and what a task that has ended teaches."""

from __future__ import annotations

import math
import re
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from selfimprove.codebase import fence
from selfimprove.codebase.context import LESSONS
from selfimprove.codebase.query import understand
from selfimprove.errors import SelfimproveError
from selfimprove.executor.drawing import about, lesson_of
from selfimprove.executor.write_tests import asks_for_tests_only
from selfimprove.model.events import Notice
from selfimprove.tools.shell.masking import mask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from selfimprove.codebase.embedding import Embedding
    from selfimprove.executor.bench import Bench
    from selfimprove.executor.sight import Sight
    from selfimprove.executor.steps import Job
    from selfimprove.memory.lessons import Lessons
    from selfimprove.model.lesson import Lesson
    from selfimprove.model.task import Task
    from selfimprove.model.work import Work

ALIKE = 0.3
"""The least cosine of two tasks' words, by trained vectors, from which one has something to say about the other."""

SHARED = 0.4
"""The same for the words as they are written, where there are no vectors: chance makes more of these equal."""


class Experience(NamedTuple):
    """The lessons of a repository, and how many a question may hold: ``shown`` of them, in at most ``tokens``.

    ``keep`` and ``least`` say which are kept, as :meth:`selfimprove.memory.lessons.Lessons.learn` has it.
    """

    lessons: Lessons
    shown: int = 3
    tokens: int = 600
    keep: int = 500
    least: float = 0.2


def recall(
    task: Task, experience: Experience | None, sight: Sight
) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Return the lessons to tell for ``task``, the best first: their numbers, and a line of words for each.

    Those of the tasks most like it, by likeness times weight. The lines are at most ``experience.tokens``, by the
    counter of ``sight``, and leave room for code where a prompt has little.
    """
    if experience is None or not experience.shown or not experience.tokens:
        return (), ()
    room = min(experience.tokens, int(sight.tokens * LESSONS / 2))
    known = experience.lessons.all()
    words = about(task)
    ranked = [(likeness(words, lesson.about) * lesson.weight, lesson) for lesson in known if lesson.note]
    ranked = [pair for pair in ranked if pair[0] > 0]
    ranked.sort(key=lambda pair: (-pair[0], -pair[1].id))
    chosen: list[tuple[int, str]] = []
    for _, lesson in ranked:
        line = mask(_told(lesson), sight.secrets)
        cost = sight.counter.count(fence.spelled(line) + "\n")
        if len(chosen) < experience.shown and cost <= room:
            chosen.append((lesson.id, line))
            room -= cost
    return tuple(number for number, _ in chosen), tuple(line for _, line in chosen)


def learn(job: Job, work: Work, bench: Bench) -> Work:
    """Store what the task of ``job`` taught, when a model was asked to edit. Doing this twice does it once.

    Returns the work with the lessons that were told in fact: what needs no model, or tests alone, is told none. That
    nothing could be learned is said, and changes nothing about the task.
    """
    experience = bench.experience
    try:
        if not work.model or work.rewrite or asks_for_tests_only(job.task, work.base, bench):
            return work.but(lessons=())
        if experience is not None:
            new = lesson_of(job, work, bench)
            experience.lessons.learn(new, work.lessons, keep=experience.keep, least=experience.least)
    except SelfimproveError as error:
        bench.listener(Notice(f"nothing was learned from {job.task.id}: {error.message}", "warning"))
    return work


def likeness(one: str, other: str) -> float:
    """Return how much two tasks have in common by what their words mean, from 0 (nothing that counts) to 1.

    By the cosine of the sums of trained vectors, which the search for code uses too; by the words themselves where
    these are not installed, or do not know the words.
    """
    left, right = _plain_terms(one), _plain_terms(other)
    shared = _cosine(left, right)
    found = shared if shared >= SHARED else 0.0
    if (embedding := _embedding()) is not None:
        near = float(_vector(embedding, one) @ _vector(embedding, other))
        found = max(found, near if near >= ALIKE else 0.0)
    return min(found, 1.0)


@cache
def _embedding() -> Embedding | None:
    from selfimprove.codebase.search import missing_parts

    if missing_parts():
        return None
    from selfimprove.codebase.embedding import NoWeights, load

    try:
        return load()
    except NoWeights:
        return None


@cache
def _vector(embedding: Embedding, text: str) -> Any:
    return embedding.query(understand(text).terms)


@cache
def _plain_terms(text: str) -> Mapping[str, float]:
    return understand(text, words=_words_of).terms


def _words_of(text: str) -> list[str]:
    return [word.lower() for word in re.findall(r"\w+", text) if len(word) > 1]


def _cosine(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    product = sum(weight * other.get(term, 0.0) for term, weight in one.items())
    lengths = sum(weight**2 for weight in one.values()) * sum(weight**2 for weight in other.values())
    return product / math.sqrt(lengths) if lengths else 0.0


def _told(lesson: Lesson) -> str:
    """Return what a model is told: the note, and how often that helped."""
    if not lesson.told:
        return lesson.note
    return f"{lesson.note} Told {_times(lesson.told)}, helped {_times(lesson.helped)}."


def _times(number: int) -> str:
    return {0: "never", 1: "once"}.get(number, f"{number} times")
