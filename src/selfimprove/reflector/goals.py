"""Goals: new ones of a model's own when nothing is left to do, from what a person wrote down and how the code is."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from selfimprove.reflector.briefing import Facts, Topic
from selfimprove.reflector.ideas import RULES
from selfimprove.reflector.proposing import Errand, propose
from selfimprove.reflector.suggest import gathered
from selfimprove.tools.git.recent import recent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selfimprove.asking import Asker
    from selfimprove.model.suggested import Suggested
    from selfimprove.model.task import Task
    from selfimprove.reflector.ground import Ground

SOURCE = "generate"
PURPOSE = "generate"

MASTER_PROMPT = """\
Go on with what this project is for. Prefer what its users notice, then what keeps it correct: missing tests of
behaviour that matters, errors that are not handled, documents that say what is no longer so. Prefer small goals that
can be proved by a test. Follow up on the latest commits where they left something unfinished.
"""
"""What is asked for where the person wrote nothing down."""

_WORDS = (
    "TODO FIXME not implemented error handling missing test public interface command option validate input parse"
    " configuration document example edge case"
)


class Bounds(NamedTuple):
    """The most goals of one run, and how many of the latest commits are shown."""

    most: int = 3
    commits: int = 10


USUAL = Bounds()


def goals(
    asker: Asker,
    ground: Ground,
    facts: Facts,
    tasks: Sequence[Task],
    master: str = "",
    bounds: Bounds = USUAL,
) -> Suggested:
    """Return goals that hold and that no task stands for, at most ``bounds.most``.

    ``master`` is what the person wants goals to be about; it is trusted, and empty means MASTER_PROMPT. What was done
    and rejected is among ``tasks``. Raises what `propose` raises.
    """
    return gathered([propose(asker, errand(ground, master, bounds), ground, facts, tasks)], (), bounds.most)


def errand(ground: Ground, master: str = "", bounds: Bounds = USUAL) -> Errand:
    """Return the question for goals."""
    lines = recent(ground.repo, ground.commit, bounds.commits, lambda path: _may_be_seen(ground, path))
    wanted = (
        "No task is left, and you set the next goals. The person whose project it is wants this:\n\n"
        f"{(master.strip() or MASTER_PROMPT.strip())}\n\n"
        "Look at what was changed lately (COMMITS), at what was done and what was rejected (TASKS), and at the numbers."
    )
    topic = Topic("goals", f"{master[:500]} {_WORDS}")
    commits = tuple(lines) if bounds.commits else ()
    return Errand(PURPOSE, SOURCE, tuple(RULES), wanted, bounds.most, topic, commits)


def _may_be_seen(ground: Ground, path: str) -> bool:
    """True when the diff of a file may be shown: it is still there, and may be shown itself."""
    return ground.text(path) is not None
