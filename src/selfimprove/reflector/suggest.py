"""Suggest: asks a model for improvements in features, security, compliance and integration."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from selfimprove.errors import LimitReached, LLMError, SelfimproveError
from selfimprove.model.suggested import Asked, Dropped, Problem, Suggested
from selfimprove.reflector.briefing import Facts, Topic
from selfimprove.reflector.proposing import Errand, propose, question

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selfimprove.asking import Asker
    from selfimprove.model.finding import Finding
    from selfimprove.model.task import Task
    from selfimprove.reflector.ground import Ground
    from selfimprove.reflector.proposing import Proposed

SOURCE = "suggest"


class Wanted(NamedTuple):
    """A category in the words of the question, and the words by which search finds the code that matters for it."""

    wanted: str
    words: str


CATEGORIES = {
    "features": Wanted(
        "Wanted are features: what the users of this project could do afterwards and cannot do today, close to what"
        " it is for.",
        "command option argument public interface export entry point main handler route plugin format output load"
        " save convert list filter parse render TODO not implemented unsupported",
    ),
    "security": Wanted(
        "Wanted is security: weaknesses that the code shown has, such as injection, unsafe deserialisation, path"
        " traversal, weak secrets, missing checks of certificates, of sizes, of who may do what; and their cure.",
        "subprocess shell command eval exec pickle yaml load sql query execute password secret token login"
        " authentication permission session cookie tls ssl verify certificate upload path join extract archive tempfile"
        " random hash md5 deserialize escape html redirect request timeout",
    ),
    "compliance": Wanted(
        "Wanted is compliance: what licences, standards, laws and policies ask for, such as licence notices, audit"
        " trails, care for personal data (consent, retention, erasure), accessibility, traceable builds.",
        "license copyright log audit trail user personal data email address delete retention export consent privacy"
        " record history version release dependency manifest accessibility",
    ),
    "integration": Wanted(
        "Wanted is integration: how this project works together with others, such as its interfaces for programs,"
        " formats, exit codes, events, configuration by the environment, packaging, continuous integration, editors.",
        "api client http request response json yaml csv environment variable configuration settings plugin hook"
        " webhook event callback exit code stdout format package entry point docker workflow database connect",
    ),
}
"""What is asked for, one question for each: the code that matters for them differs."""


class Wish(NamedTuple):
    """The ``categories`` to ask for, the most ideas of each, and the most of all (None: no limit)."""

    categories: tuple[str, ...]
    per_category: int = 4
    most: int | None = None


def suggest(asker: Asker, ground: Ground, facts: Facts, tasks: Sequence[Task], wish: Wish) -> Suggested:
    """Return the ideas that hold and are new, those of the highest priority where there are too many.

    A category whose question fails is told in ``problems``; the others are asked all the same, unless a limit was
    reached. Raises the error when no question was answered, and NeedsKey.
    """
    done: list[Proposed] = []
    problems: list[Problem] = []
    first: SelfimproveError | None = None
    listed = errands(wish)
    for place, errand in enumerate(listed):
        new = [finding for one in done for finding in one.findings]
        try:
            done.append(propose(asker, errand, ground, facts, tasks, new))
        except (LLMError, LimitReached) as error:
            first = first or error
            problems.append(Problem(errand.name, error.code, error.message, error.hint, error.where))
            if isinstance(error, LimitReached):
                why = "was not asked, since a limit is reached"
                problems += [Problem(one.name, error.code, why) for one in listed[place + 1 :]]
                break
    if first and not done:
        raise first
    return gathered(done, problems, wish.most)


def preview(ground: Ground, facts: Facts, tasks: Sequence[Task], wish: Wish) -> list[tuple[Asked, str]]:
    """Return what would be asked, with the text of each question; no model is called."""
    found = [question(errand, ground, facts, tasks) for errand in errands(wish)]
    return [(asked, "\n\n".join(message.content for message in ask.messages)) for ask, asked in found]


def errands(wish: Wish) -> list[Errand]:
    """Return the question of each category, in the order of the wish."""
    most = wish.per_category if wish.most is None else min(wish.per_category, wish.most)
    return [
        Errand(
            f"suggest-{name}",
            SOURCE,
            (name,),
            CATEGORIES[name].wanted,
            most,
            Topic(name, CATEGORIES[name].words),
        )
        for name in dict.fromkeys(wish.categories)
    ]


def gathered(done: Sequence[Proposed], problems: Sequence[Problem], most: int | None) -> Suggested:
    """Return what several questions brought, at most ``most`` findings: the most urgent, in the order they came."""
    found = [finding for one in done for finding in one.findings]
    dropped = [each for one in done for each in one.dropped]
    kept = set(map(id, sorted(found, key=lambda one: -_priority(one))[:most]))
    dropped += [_over(one, most or 0) for one in found if id(one) not in kept]
    return Suggested(
        tuple(one for one in found if id(one) in kept),
        tuple(dropped),
        tuple(one.asked for one in done),
        tuple(problems),
        sum(one.dollars for one in done),
        sum(one.tokens for one in done),
    )


def _priority(finding: Finding) -> float:
    return finding.idea.priority if finding.idea else 0.0


def _over(finding: Finding, most: int) -> Dropped:
    title, category = (finding.idea.title, finding.idea.category) if finding.idea else (finding.symbol, "")
    return Dropped(title, category, f"others are more urgent, and no more than {most} were wanted")
