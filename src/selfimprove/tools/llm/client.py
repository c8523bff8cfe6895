"""The one model client: asks a model, waits, tries again, asks the next, and never spends over the limit."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from selfimprove.errors import (
    Interrupted,
    LimitReached,
    LLMError,
    NeedsKey,
    SelfimproveError,
)
from selfimprove.model.budget import DoesNotFit, amount
from selfimprove.tools.llm.structured import complete_json
from selfimprove.tools.llm.waits import LONGEST_WAIT, LONGEST_WAITING, backoff

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from selfimprove.model.budget import Budget, Reservation

MAX_REPLY = 10_000_000
"""Bytes of a reply above which it is refused: no change of code is that long."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation; ``role`` is ``system``, ``user`` or ``assistant``."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Ask:
    """One question to the model.

    ``purpose`` says in a word what for (``edit``), ``attempt`` counts the task's questions of that purpose
    from 1, ``max_tokens`` bounds the reply (``None``: the backend's own bound). ``schema`` is the JSON Schema
    of the reply, for a backend that can hold the model to it.
    """

    messages: tuple[Message, ...]
    purpose: str
    task_id: str
    attempt: int = 1
    max_tokens: int | None = None
    schema: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What the model said, and what it cost. ``dollars`` is ``None`` when the price is not known.

    ``finish_reason`` is ``stop`` when the model had said all, ``length`` when it was cut off.
    """

    text: str
    model: str
    prompt_tokens: int
    completion_tokens: int
    dollars: float | None
    seconds: float
    finish_reason: str

    @property
    def tokens(self) -> int:
        """Tokens of the question and the reply together."""
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True, slots=True)
class Terms:
    """How one call is made: within ``seconds`` (``None``: the backend's own limit), and who hears of it.

    ``heard`` is called now and then with the tokens that have come so far.
    """

    seconds: float | None = None
    heard: Callable[[int], None] | None = None


class Backend(Protocol):
    """A way to a model. ``name`` is the backend's own, ``model`` the model's, as a person would write it."""

    @property
    def name(self) -> str:
        """The way's own name."""

    @property
    def model(self) -> str:
        """The model's name."""

    def ask(self, ask: Ask, terms: Terms) -> Reply:
        """Ask once. Raise :class:`CallFailed`, or a finished error such as ``NeedsKey``."""

    def worst_case(self, ask: Ask) -> tuple[int, float | None]:
        """Return the most that ``ask`` can cost: tokens, and dollars (``None``: the price is not known)."""


class Ledger(Protocol):
    """Where calls are written down, so that a process that is killed in the middle of one has counted it."""

    def begin(self, model: str, tokens: int, dollars: float | None) -> int:
        """Note that a call is about to be made, with its worst case; return its number."""

    def settle(self, call: int, tokens: int, dollars: float | None, calls: int) -> None:
        """Put what the call was billed in the place of its worst case; ``calls`` 0: it was not made."""


class CallFailed(Exception):
    """One call failed. ``again`` says that another try may help, ``wait`` the seconds the server asks for.

    ``cost`` is what the call must be taken to have cost all the same, in tokens and dollars; ``sent`` is
    false when nothing went out. ``ours`` says that the question itself may be at fault.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        again: bool = False,
        wait: float | None = None,
        cost: tuple[int, float | None] = (0, 0.0),
        sent: bool = True,
        ours: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.again = again
        self.wait = wait
        self.tokens, self.dollars = cost
        self.sent = sent
        self.ours = ours


class _GaveUp(Exception):
    """One model was asked in vain; another may be asked. ``ours``: as in :class:`CallFailed`."""

    def __init__(self, error: SelfimproveError, *, ours: bool = False) -> None:
        super().__init__(error.message)
        self.error = error
        self.ours = ours


def _say_nothing(line: str) -> None:
    """The listener of those who do not want to know."""


class LLM:
    """Asks ``backend`` on account of ``budget``, with up to ``retries`` further tries, then the ``fallbacks``.

    ``wait`` sleeps for a number of seconds; ``notify`` gets one line for each further try, and ``heard`` the
    task's id and the tokens that have come so far, while a reply comes in. Threads may share one.
    """

    def __init__(
        self,
        backend: Backend,
        budget: Budget,
        retries: int = 4,
        wait: Callable[[float], None] = time.sleep,
        notify: Callable[[str], None] = _say_nothing,
        fallbacks: Sequence[Backend] = (),
        heard: Callable[[str, int], None] | None = None,
    ) -> None:
        self.backend = backend
        self.budget = budget
        self.retries = retries
        self.fallbacks = tuple(fallbacks)
        self._wait = wait
        self._notify = notify
        self._heard = heard

    def complete(self, ask: Ask, ledger: Ledger | None = None) -> Reply:
        """Return the model's reply to ``ask`` and charge the budget with what it cost.

        The worst case of each call is reserved before it is made, and written into ``ledger``. A reply that
        was cut off (``finish_reason`` ``length``) is returned as it is. When a model does not answer after
        all retries, or cannot, the next of the fallbacks is asked; ``Reply.model`` says which answered.

        Raises ``LimitReached`` without a call when the worst case does not fit what is left of the budget,
        ``NeedsKey`` when the key is missing or refused, and ``LLMError`` when no model answers, all refuse
        the request or say nothing twice.
        """
        models = (self.backend, *self.fallbacks)
        failed: list[SelfimproveError] = []
        blamed = 0
        for number, backend in enumerate(models, 1):
            try:
                return _Asking(self, backend, ask, ledger).until_answered()
            except _GaveUp as end:
                failed.append(end.error)
                blamed += end.ours
            if number == len(models) or blamed > 1:  # what two call a bad request will be one for all
                break
            self._notify(f"{failed[-1].message}; asking {models[number].model} in place of {backend.model}")
        raise _joined(failed) from None

    def complete_json(
        self, ask: Ask, schema: Mapping[str, Any], ledger: Ledger | None = None
    ) -> tuple[dict[str, Any], Reply]:
        """Return what the model's reply holds as JSON that matches ``schema``, and the reply.

        A reply that does not match is sent back once with its errors; then the reply's cost is that of both.
        Raises ``LLMError`` when the second does not match either, and what :meth:`complete` raises.
        """
        return complete_json(ask, schema, lambda question: self.complete(question, ledger))


@dataclass(slots=True)
class _Asking:
    """One question to one model, until it answers or is given up."""

    llm: LLM
    backend: Backend
    ask: Ask
    ledger: Ledger | None
    tries: int = 0
    waited: float = 0.0

    def until_answered(self) -> Reply:
        """Return the reply; raise ``_GaveUp`` when there is to be no further try."""
        empty = 0
        while True:
            try:
                reply = self._call()
            except CallFailed as failure:
                self._before_next(failure)
                continue
            except NeedsKey as error:
                raise _GaveUp(error) from None
            if reply.text.strip() or reply.finish_reason == "length":
                return reply
            empty += 1
            message = f"the model said nothing (finish_reason {reply.finish_reason})"
            self._before_next(CallFailed(message, hint="try another model: llm.model", again=empty == 1))

    def _call(self) -> Reply:
        """Make one call on account of the budget: reserved and noted before, settled after."""
        tokens, dollars = self.backend.worst_case(self.ask)
        held = self._reserve(tokens, dollars)
        number = 0
        # From here on, whatever stops us, what stays set aside is the worst case.
        billed, calls = (tokens, dollars), 0
        try:
            number = self.ledger.begin(self.backend.model, tokens, dollars) if self.ledger else 0
            calls = 1
            self.tries += 1
            reply = self.backend.ask(self.ask, Terms(held.seconds, self._hear()))
            billed = (reply.tokens, reply.dollars)
        except CallFailed as failure:
            billed, calls = (failure.tokens, failure.dollars), int(failure.sent)
            raise
        except Interrupted:
            raise  # the call was under way, and will be on the bill
        except SelfimproveError as error:  # no key, no litellm, no reply on record: nothing is on the bill
            billed, calls = (0, 0.0), int(calls and isinstance(error, LLMError | NeedsKey))
            raise
        finally:
            self._settle(held, number, billed if calls else (0, 0.0), calls)
        return reply

    def _reserve(self, tokens: int, dollars: float | None) -> Reservation:
        """Set the worst case aside, or raise ``LimitReached`` when it could go over a limit."""
        try:
            return self.llm.budget.reserve(tokens, dollars)
        except DoesNotFit as problem:
            message, hint = _limit(problem, self.llm.budget)
            error = LimitReached(message, where=self._place(), hint=hint)
            if problem.name == "price":  # that of the next model may be known
                raise _GaveUp(error) from None
            raise error from None

    def _settle(self, held: Reservation, number: int, billed: tuple[int, float | None], calls: int) -> None:
        budget = self.llm.budget
        if not budget.settle(held, *billed, calls):
            cost = "" if billed[1] is None else f", ${billed[1]:.4f}"
            said = f"{self.backend.model} billed {billed[0]:,} tokens{cost}, more than a call can cost"
            budget.distrust(said)
            self.llm._notify(f"{said}; nothing more is spent")
        if self.ledger and number:
            self.ledger.settle(number, *billed, calls)

    def _hear(self) -> Callable[[int], None] | None:
        heard, task = self.llm._heard, self.ask.task_id
        return None if heard is None else lambda tokens: heard(task, tokens)

    def _before_next(self, failure: CallFailed) -> None:
        """Wait until the next try is due, or raise ``_GaveUp`` when there is to be none."""
        llm, tries, place = self.llm, self.tries, self._place()
        if not failure.again or tries > llm.retries:
            after = f", {tries} times in a row" if tries > 1 else ""
            error = LLMError(f"{failure.message}{after}", where=place, hint=failure.hint)
            raise _GaveUp(error, ours=failure.ours) from None
        seconds = max(failure.wait or 0.0, backoff(tries))
        asked = failure.wait is not None and failure.wait > LONGEST_WAIT
        if asked or self.waited + seconds > LONGEST_WAITING:
            message = f"{failure.message}; the server asks to wait {seconds:.0f} s"
            raise _GaveUp(LLMError(message, where=place, hint="run again later")) from None
        left = llm.budget.seconds_left()
        if left is not None and seconds >= left:
            message = f"{failure.message}; {max(0.0, left):.0f} s of {llm.budget.seconds:g} are left"
            raise LimitReached(message, where=place, hint="raise --time") from None
        llm._notify(f"{failure.message}; try {tries + 1} of {llm.retries + 1} in {seconds:.0f} s")
        self.waited += seconds
        llm._wait(seconds)

    def _place(self) -> str:
        task = f"task {self.ask.task_id}, " if self.ask.task_id else ""
        return f"{self.backend.model}, {task}{self.ask.purpose} {self.ask.attempt}"


def _limit(problem: DoesNotFit, budget: Budget) -> tuple[str, str]:
    """Return why a call does not fit, and what to type, in a person's words."""
    hint = "raise --max-spend, or lower llm.max_tokens"
    if problem.name == "price":
        return (
            f"spend is limited to ${budget.dollars:g}, but the price of the model is not known",
            "set llm.price_input and llm.price_output ($ per million tokens), or limit budget.tokens",
        )
    if problem.name == "dollars":
        left = f"${problem.left:.4f} of ${budget.dollars:g} is left"
        return f"the next call can cost ${problem.needed:.4f}; {left}", hint
    if problem.name == "trust":
        return f"{problem.words}; spend is limited", "what is the server at llm.base_url?"
    if problem.name == "seconds":
        return f"no time is left of {budget.seconds:g} s", "raise --time"
    limit = amount(problem.name, getattr(budget, problem.name))
    if problem.name == "calls":
        return f"all of {limit} calls are made", "raise budget.calls"
    text = f"the next call can use {problem.needed:.0f} tokens; {problem.left:.0f} of {limit} are left"
    return text, "raise budget.tokens, or lower llm.max_tokens"


def _joined(failed: Sequence[SelfimproveError]) -> SelfimproveError:
    """Return one error for all models that were asked in vain; alike in kind stays what it is."""
    last = failed[-1]
    if len(failed) == 1:
        return last
    message = "; ".join(f"{error.where.split(', task ')[0]}: {error.message}" for error in failed)
    kind = type(last) if len({type(error) for error in failed}) == 1 else LLMError
    return kind(message, where=last.where, hint=failed[0].hint or last.hint)
