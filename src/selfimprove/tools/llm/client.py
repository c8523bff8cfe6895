"""The one model client: asks a backend, waits and tries again, and never spends over the limit."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from selfimprove.errors import Interrupted, LimitReached, LLMError

if TYPE_CHECKING:
    from collections.abc import Callable

    from selfimprove.model.budget import Budget

MAX_REPLY = 10_000_000
"""Bytes of a reply above which it is refused: no change of code is that long."""

LONGEST_WAIT = 300.0
"""Seconds; a server that asks to wait longer is not waited for."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation; ``role`` is ``system``, ``user`` or ``assistant``."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Ask:
    """One question to the model.

    ``purpose`` says in a word what for (``edit``), ``attempt`` counts the task's questions of that purpose
    from 1, ``max_tokens`` bounds the reply (``None``: the backend's own bound).
    """

    messages: tuple[Message, ...]
    purpose: str
    task_id: str
    attempt: int = 1
    max_tokens: int | None = None


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


class Backend(Protocol):
    """A way to a model. ``name`` is the backend's own, ``model`` the model's, as a person would write it."""

    @property
    def name(self) -> str:
        """The way's own name."""

    @property
    def model(self) -> str:
        """The model's name."""

    def ask(self, ask: Ask) -> Reply:
        """Ask once. Raise :class:`CallFailed`, or a finished error such as ``NeedsKey``."""

    def worst_case(self, ask: Ask) -> tuple[int, float | None]:
        """Return the most that ``ask`` can cost: tokens, and dollars (``None``: the price is not known)."""


class CallFailed(Exception):
    """One call failed. ``again`` says that another try may help, ``wait`` the seconds the server asks for.

    ``tokens`` and ``dollars`` are what the call must be taken to have cost all the same.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        again: bool = False,
        wait: float | None = None,
        cost: tuple[int, float | None] = (0, 0.0),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.again = again
        self.wait = wait
        self.tokens, self.dollars = cost


def _say_nothing(line: str) -> None:
    """The listener of those who do not want to know."""


class LLM:
    """Asks ``backend`` on account of ``budget``, with up to ``retries`` further tries.

    ``wait`` sleeps for a number of seconds; ``notify`` gets one line for each further try.
    """

    def __init__(
        self,
        backend: Backend,
        budget: Budget,
        retries: int = 4,
        wait: Callable[[float], None] = time.sleep,
        notify: Callable[[str], None] = _say_nothing,
    ) -> None:
        self.backend = backend
        self.budget = budget
        self.retries = retries
        self._wait = wait
        self._notify = notify

    def complete(self, ask: Ask) -> Reply:
        """Return the model's reply to ``ask`` and charge the budget with what it cost.

        A reply that was cut off (``finish_reason`` ``length``) is returned as it is.

        Raises ``LimitReached`` without a call when the worst case does not fit what is left of the budget,
        ``NeedsKey`` when the key is missing or refused, and ``LLMError`` when the model does not answer
        after all retries, refuses the request or says nothing twice.
        """
        tries = empty = 0
        while True:
            worst = self._fits(ask)
            tries += 1
            try:
                reply = self.backend.ask(ask)
            except CallFailed as failure:
                self._charge(failure.tokens, failure.dollars)
                self._before_next(ask, failure, tries)
                continue
            except (Interrupted, KeyboardInterrupt):
                self._charge(*worst)  # the call was under way, and will be on the bill
                raise
            self._charge(reply.tokens, reply.dollars)
            if reply.text.strip() or reply.finish_reason == "length":
                return reply
            empty += 1
            message = f"the model said nothing (finish_reason {reply.finish_reason})"
            hint = "try another model: llm.model"
            self._before_next(ask, CallFailed(message, hint=hint, again=empty == 1), tries)

    def _fits(self, ask: Ask) -> tuple[int, float | None]:
        """Return the worst case of ``ask``, or raise ``LimitReached`` when it could go over a limit."""
        tokens, dollars = self.backend.worst_case(ask)
        budget, refused = self.budget, ""
        hint = "raise --max-spend, or lower llm.max_tokens"
        if budget.dollars is not None and dollars is None:
            refused = f"spend is limited to ${budget.dollars:g}, but the price of the model is not known"
            hint = "set llm.price_input and llm.price_output ($ per million tokens), or limit budget.tokens"
        elif budget.dollars is not None and dollars and budget.dollars_spent + dollars > budget.dollars:
            left = max(0.0, budget.dollars - budget.dollars_spent)
            refused = f"the next call can cost ${dollars:.4f}; ${left:.4f} of ${budget.dollars:g} is left"
        elif budget.tokens is not None and budget.tokens_spent + tokens > budget.tokens:
            left = max(0, budget.tokens - budget.tokens_spent)
            refused = f"the next call can use {tokens} tokens; {left} of {budget.tokens} are left"
            hint = "raise budget.tokens, or lower llm.max_tokens"
        if refused:
            raise LimitReached(refused, where=self._place(ask), hint=hint)
        return tokens, dollars

    def _charge(self, tokens: int, dollars: float | None) -> None:
        self.budget.charge(tokens=tokens, dollars=dollars or 0.0)

    def _before_next(self, ask: Ask, failure: CallFailed, tries: int) -> None:
        """Wait until the next try is due, or raise ``LLMError`` when there is to be none."""
        if not failure.again or tries > self.retries:
            after = f", {tries} times in a row" if tries > 1 else ""
            raise LLMError(f"{failure.message}{after}", where=self._place(ask), hint=failure.hint) from None
        if failure.wait is not None and failure.wait > LONGEST_WAIT:
            message = f"{failure.message}; the server asks to wait {failure.wait:.0f} s"
            raise LLMError(message, where=self._place(ask), hint="run again later") from None
        seconds = max(failure.wait or 0.0, _backoff(tries))
        self._notify(f"{failure.message}; try {tries + 1} of {self.retries + 1} in {seconds:.0f} s")
        self._wait(seconds)

    def _place(self, ask: Ask) -> str:
        return f"{self.backend.model}, task {ask.task_id}, {ask.purpose} {ask.attempt}"


def _backoff(tries: int) -> float:
    """Seconds before the next try: 1, 2, 4 ... 60, less a random part, so that workers spread."""
    return min(60.0, 2.0 ** (tries - 1)) * random.uniform(0.5, 1.0)  # noqa: S311
