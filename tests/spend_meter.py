"""A provider that bills all it may, and adds up its bill in exact arithmetic, whatever it then answers."""

from __future__ import annotations

import random
import threading
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from openai_server import Answer, failure, half_json, malformed, rate_limited, server_error

if TYPE_CHECKING:
    from collections.abc import Callable


class Meter:
    """Bills a token for every byte of the question and ``max_tokens`` for the reply, at dollars per million.

    ``act`` names what a request gets; it is asked with the request's number, from 1. What a real provider
    refuses before any work, such as 429, is not billed; everything else is, also when the reply never arrives.
    """

    def __init__(self, price: tuple[str, str], act: Callable[[int, dict[str, Any]], str]) -> None:
        self.price = [Fraction(one) / 10**6 for one in price]
        self.dollars = Fraction(0)
        self.tokens = 0
        self.calls = 0
        self.answered = 0
        self._act = act
        self._lock = threading.Lock()

    def __call__(self, body: dict[str, Any]) -> Answer:
        with self._lock:
            self.calls += 1
            act = self._act(self.calls, body)
            prompt = sum(len(message["content"].encode()) for message in body["messages"])
            completion = body["max_tokens"]
            if act not in _FREE:
                self.tokens += prompt + completion
                self.dollars += prompt * self.price[0] + completion * self.price[1]
            self.answered += act == "good"
        return _answer(act, {"prompt_tokens": prompt, "completion_tokens": completion})


_FREE = {"429", "503", "404", "context"}
FAULTS = ("429", "503", "500", "504", "half", "html", "drop", "cut", "stop", "empty", "no usage", "context")


def _answer(act: str, usage: dict[str, int]) -> Answer:
    table = {
        "good": Answer('{"said": "x"}', **usage),
        "plain": Answer('{"said": "x"}', streams=False, **usage),
        "prose": Answer("I would rather not say it in JSON.", **usage),
        "429": rate_limited(),
        "503": server_error(503),
        "500": server_error(500),
        "504": server_error(504),
        "404": failure(404, "no such model", "model_not_found"),
        "context": failure(400, "maximum context length is 9 tokens", "context_length_exceeded"),
        "half": half_json(),
        "html": malformed(),
        "drop": Answer(drop=True),
        "cut": Answer("x" * 400, cut=200, **usage),
        "stop": Answer("x" * 40, finish_reason="", **usage),
        "stall": Answer("x" * 400, stall=True, **usage),
        "hang": Answer(hang=True),
        "empty": Answer("", **usage),
        "no usage": Answer("x", usage=False),
    }
    return table[act]


def at_random(seed: int, faults: float = 0.5) -> Callable[[int, dict[str, Any]], str]:
    """Return acts that are good, or a fault with the probability ``faults``."""
    chance = random.Random(seed)
    return lambda number, body: chance.choice(FAULTS) if chance.random() < faults else "good"
