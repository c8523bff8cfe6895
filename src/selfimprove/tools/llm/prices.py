"""What tokens cost: stated by the person, or taken from a table in litellm's form."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from selfimprove.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

_SIDES = {
    "input_cost_per_token": "prompt",
    "cache_creation_input_token_cost": "prompt",
    "output_cost_per_token": "completion",
    "output_cost_per_reasoning_token": "completion",
}


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars for one token of the question, for one of the reply, and for the request itself."""

    prompt: float
    completion: float
    request: float = 0.0

    def of(self, prompt: int, completion: int) -> float:
        """Return the dollars for so many tokens."""
        return self.request + self.prompt * prompt + self.completion * completion


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
    return Price(price_input / 1e6, price_output / 1e6)


def listed_price(model: str, prompt: int, table: Mapping[str, Mapping[str, Any]]) -> Price | None:
    """Return the highest price that ``table`` gives for a question of ``prompt`` tokens, or ``None``.

    Of several rates (cached, thinking, long questions) the dearest that can apply is taken.
    """
    entry = _entry(model, table)
    if "input_cost_per_token" not in entry or "output_cost_per_token" not in entry:
        return None
    rates = {"prompt": 0.0, "completion": 0.0}
    for key, value in entry.items():
        name, _, above = key.partition("_above_")
        side = _SIDES.get(name)
        if side and isinstance(value, int | float) and (not above or _applies(above, prompt)):
            rates[side] = max(rates[side], value)
    return Price(**rates, request=entry.get("input_cost_per_request") or 0.0)


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
