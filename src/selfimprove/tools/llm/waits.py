"""How long to wait before the next try: as long as the server asks for, else longer each time."""

from __future__ import annotations

import random
import re
import time
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_WAIT = 300.0
"""Seconds; a server that asks to wait longer is not waited for."""

LONGEST_WAITING = 1800.0
"""Seconds of waiting over all tries of one question."""

LONGEST_RESET = 60.0
"""Seconds; a window that opens later than this is tried at earlier, since a part of it opens all the time."""

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SPAN = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhd])")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_EPOCH = 1e9  # a larger number of seconds is a moment, not a span
_WINDOWS = ("requests", "tokens", "input-tokens", "output-tokens", "")


def backoff(tries: int) -> float:
    """Seconds before the next try: 1, 2, 4 ... 60, less a random part, so that workers spread."""
    return min(60.0, 2.0 ** (tries - 1)) * random.uniform(0.5, 1.0)  # noqa: S311


def asked_to_wait(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a server asks to wait, ``None`` when it does not say.

    ``retry-after-ms`` goes before ``Retry-After`` (seconds or an HTTP date), and that before the moment when
    a window of the rate limit opens: ``x-ratelimit-reset-requests: 1m2.5s`` and its like, of OpenAI, and
    ``anthropic-ratelimit-requests-reset`` with a date. Header names are in lower case.
    """
    millis = headers.get("retry-after-ms", "").strip()
    if _NUMBER.fullmatch(millis):
        return float(millis) / 1000
    if after := headers.get("retry-after"):
        return _span(after)
    opens = [wait for wait in _windows(headers) if wait is not None]
    return min(LONGEST_RESET, max(opens)) if opens else None


def _windows(headers: Mapping[str, str]) -> list[float | None]:
    """Return when the windows open that have nothing left, or all of them when no header says which."""
    found: list[tuple[bool, float | None]] = []
    for window in _WINDOWS:
        end = f"-{window}" if window else ""
        begin = f"{window}-" if window else ""
        for reset, remaining in (
            (f"x-ratelimit-reset{end}", f"x-ratelimit-remaining{end}"),
            (f"anthropic-ratelimit-{begin}reset", f"anthropic-ratelimit-{begin}remaining"),
        ):
            if reset in headers:
                found.append((headers.get(remaining) in ("0", None), _span(headers[reset])))
    closed = [wait for empty, wait in found if empty]
    return closed or [wait for _, wait in found]


def _span(value: str) -> float | None:
    """Return the seconds until what ``value`` says: a number, ``1m2s``, a moment in seconds or ms, or a date."""
    value = value.strip()
    if _NUMBER.fullmatch(value):
        number = float(value)
        number = number / 1000 if number > 1000 * _EPOCH else number
        return max(0.0, number - time.time()) if number > _EPOCH else number
    parts = _SPAN.findall(value)
    if parts and "".join(number + unit for number, unit in parts) == value:
        return sum(float(number) * _UNITS[unit] for number, unit in parts)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        pass
    try:
        return max(0.0, datetime.fromisoformat(value).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None
