"""Settling: asks for a test file, tries it, asks once more with what was wrong, and takes out what stays red."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from selfimprove.errors import LLMError, PatchError
from selfimprove.executor.testing.answer import Answer, read_answer
from selfimprove.executor.testing.trial import Tried
from selfimprove.executor.testing.trimming import without_tests

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from selfimprove.tools.llm.client import Reply

AT_ONCE, IN_ALL = 2, 4
"""Questions about one file in one attempt of the task, and about one group in all its attempts."""

_ROUNDS = 3  # how often tests are taken out of a file before it is given up


class Ways(NamedTuple):
    """How a file is asked for and tried: ``ask`` takes a number, what was proposed and what was wrong with that.

    ``attempt`` tries an answer; ``files`` returns the files of the repository as they are without it.
    """

    path: str
    ask: Callable[[int, str, str], Reply]
    attempt: Callable[[Answer], Tried]
    files: Callable[[], Mapping[str, bytes]]


class Settled(NamedTuple):
    """What came of it: the file's ``text`` (``""``: none was accepted, for the ``reason``), and what was used.

    ``dropped`` are tests that were taken out, ``calls`` the questions so far, ``subject`` what the model would call it.
    ``unchanged``: it said that behaviour stays. ``error`` is that of the last question, when nothing was proposed.
    """

    text: str = ""
    tried: Tried = Tried()
    reason: str = ""
    dropped: tuple[str, ...] = ()
    subject: str = ""
    unchanged: bool = False
    error: LLMError | None = None
    calls: int = 0
    model: str = ""
    dollars: float = 0.0
    tokens: int = 0


def settle(ways: Ways, known: Answer, failure: str, calls: int) -> Settled:
    """Return the test file that was accepted, or why none was.

    ``known`` is the file that was accepted on an earlier version of the code (no text: none), kept as long as it
    stands and there is no ``failure`` to mend. ``calls`` are the questions that were asked before. When the last
    question gets no answer, what was proposed before it is trimmed; without that the ``error`` is returned.
    """
    state = Settled(text=known.text, calls=calls, unchanged=known.unchanged)
    if known.text:
        state = state._replace(tried=ways.attempt(known))
        if not state.tried.problems and not failure:
            return state
        failure = state.tried.told() or failure
    left = min(AT_ONCE, IN_ALL - calls)
    while left > 0:
        left -= 1
        try:
            state, failure = _asked(ways, state, failure)
        except LLMError as error:
            state = state._replace(calls=state.calls + 1)
            if not left and not state.text:
                return state._replace(reason=error.message, error=error)
            if not left:
                break
            failure = f"Your last answer could not be read: {error.message}."
            continue
        if not failure:
            return state
    return _trimmed(ways, state, failure)


def _asked(ways: Ways, state: Settled, failure: str) -> tuple[Settled, str]:
    """Ask once; return what is known then, and what is still wrong."""
    files = ways.files()
    reply = ways.ask(state.calls + 1, state.text, failure)
    state = state._replace(
        calls=state.calls + 1,
        model=reply.model,
        dollars=state.dollars + (reply.dollars or 0.0),
        tokens=state.tokens + reply.tokens,
    )
    try:
        answer = read_answer(reply.text, ways.path, files, state.text)
    except PatchError as error:
        said = f"The answer could not be used: {error.message}." + (f" {error.hint}." if error.hint else "")
        return state._replace(reason=said), said
    tried = ways.attempt(answer)
    state = state._replace(text=answer.text, tried=tried, unchanged=answer.unchanged, reason="")
    state = state._replace(subject=answer.subject or state.subject)
    return state, tried.told()


def _trimmed(ways: Ways, state: Settled, failure: str) -> Settled:
    """Take out the tests that are wrong as long as each problem is one of single tests; else give the file up."""
    tried = state.tried
    for _ in range(_ROUNDS):
        gone = {test for problem in tried.problems for test in problem.tests}
        if not state.text or not gone or not all(problem.tests for problem in tried.problems):
            break
        if not (text := without_tests(state.text, gone)):
            break
        tried = ways.attempt(Answer(text, unchanged=state.unchanged))
        state = state._replace(text=text, tried=tried, dropped=tuple(sorted({*state.dropped, *gone})))
        if not tried.problems:
            return state._replace(reason="")
    first = tried.problems[0] if tried.problems else None
    words = first.words() if first and not state.reason else state.reason or failure
    return state._replace(text="", tried=tried, reason=" ".join(words.split())[:300])
