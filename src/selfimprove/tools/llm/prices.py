"""What tokens cost: stated by the person, or taken from a table in litellm's form."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import TYPE_CHECKING, Any

from selfimprove.errors import ConfigError
from selfimprove.model.budget import PICO

if TYPE_CHECKING:
    from collections.abc import Mapping

_SIDES = {
    "input_cost_per_token": "prompt",
    "cache_creation_input_token_cost": "prompt",
    "output_cost_per_token": "completion",
    "output_cost_per_reasoning_token": "completion",
}
_KINDS = {
    "input_cost_per_token": "plain",
    "cache_read_input_token_cost": "cached",
    "cache_creation_input_token_cost": "written",
}


@dataclass(frozen=True, slots=True)
class Usage:
    """The tokens that a server bills. Of those of the question some are read from its cache, some written to it."""

    prompt: int
    completion: int
    cached: int = 0
    written: int = 0


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars for one token of the question, for one of the reply, and for the request itself.

    ``prompt`` is the dearest rate that can apply; ``plain``, ``cached`` and ``written`` are those for what
    no cache has, for what is read from one and what is written to one, where they are known.
    """

    prompt: float
    completion: float
    request: float = 0.0
    plain: float | None = None
    cached: float | None = None
    written: float | None = None

    def of(self, prompt: int, completion: int) -> float:
        """Return the most dollars for so many tokens, in exact arithmetic, rounded up to a picodollar."""
        return _sum((self.request, 1), (self.prompt, prompt), (self.completion, completion))

    def bill(self, usage: Usage) -> float:
        """Return the dollars that ``usage`` costs."""
        plain = self.prompt if self.plain is None else self.plain
        written = min(usage.written, usage.prompt)
        cached = min(usage.cached, usage.prompt - written)
        return _sum(
            (self.request, 1),
            (plain, usage.prompt - cached - written),
            (plain if self.cached is None else self.cached, cached),
            (self.prompt if self.written is None else self.written, written),
            (self.completion, usage.completion),
        )


def _sum(*rows: tuple[float, int]) -> float:
    """Return the sum of rates times numbers. A float's shortest form is what the price list says."""
    total = sum((Decimal(repr(rate)) * number for rate, number in rows), Decimal(0))
    return int((total * PICO).to_integral_value(ROUND_CEILING)) / PICO


def stated_price(price_input: float | None, price_output: float | None) -> Price | None:
    """Return the price that the person states in dollars per million tokens, or ``None`` when they do not.

    Raises ``ConfigError`` when only one half is stated.
    """
    if price_input is None and price_output is None:
        return None
    if price_input is None or price_output is None:
        there, lacking = ("output", "input") if price_input is None else ("input", "output")
        raise ConfigError(
            f"llm.price_{there} is set, llm.price_{lacking} is not",
            where=f"llm.price_{lacking}",
            hint=f"set llm.price_{lacking} too (dollars per million tokens), or neither",
        )
    return Price(*(float(Decimal(repr(price)) / 10**6) for price in (price_input, price_output)))


def listed_price(model: str, prompt: int, table: Mapping[str, Mapping[str, Any]]) -> Price | None:
    """Return the highest price that ``table`` gives for a question of ``prompt`` tokens, or ``None``.

    Of several rates (cached, thinking, long questions) the dearest that can apply is taken.
    """
    entry = _entry(model, table)
    if "input_cost_per_token" not in entry or "output_cost_per_token" not in entry:
        return None
    rates = {"prompt": 0.0, "completion": 0.0}
    kinds: dict[str, float] = {}
    for key, value in entry.items():
        name, _, above = key.partition("_above_")
        if not isinstance(value, int | float) or (above and not _applies(above, prompt)):
            continue
        if side := _SIDES.get(name):
            rates[side] = max(rates[side], value)
        if kind := _KINDS.get(name):
            kinds[kind] = max(kinds.get(kind, 0.0), value)
    return Price(**rates, request=entry.get("input_cost_per_request") or 0.0, **kinds)


def _entry(model: str, table: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the table's line for ``model``: by its full name, or by the bare one if of the same provider."""
    if model in table:
        return table[model]
    provider, _, bare = model.partition("/")
    entry = table.get(bare, {})
    return entry if str(entry.get("litellm_provider", "")).startswith(provider) else {}


def _applies(above: str, prompt: int) -> bool:
    threshold = re.fullmatch(r"(\d+)k_tokens", above)
    return threshold is not None and prompt > int(threshold[1]) * 1000
