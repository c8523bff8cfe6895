"""How long a server asks to wait, in all the ways in which servers say so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from time import time

import pytest

from llm_rig import complete
from openai_server import failure
from selfimprove.errors import LimitReached
from selfimprove.model.budget import Budget
from selfimprove.tools.llm.waits import asked_to_wait, backoff


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "1500", "retry-after": "2"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "2"}, 2.0),
        ({"x-ratelimit-reset-requests": "1s", "x-ratelimit-reset-tokens": "20ms"}, 1.0),
        (
            {
                "x-ratelimit-reset-requests": "50s",
                "x-ratelimit-remaining-requests": "3",
                "x-ratelimit-reset-tokens": "1m2.5s",
                "x-ratelimit-remaining-tokens": "0",
            },
            60.0,
        ),
        (
            {
                "x-ratelimit-reset-requests": "50s",
                "x-ratelimit-remaining-requests": "3",
                "x-ratelimit-reset-tokens": "6s",
                "x-ratelimit-remaining-tokens": "0",
            },
            6.0,
        ),
        ({"x-ratelimit-reset": "13"}, 13.0),
        ({"x-ratelimit-reset": "6h"}, 60.0),
        ({"retry-after": "nonsense"}, None),
        ({"retry-after": "-3"}, None),
        ({"x-ratelimit-reset": ""}, None),
    ],
)
def test_the_wait_is_read_off_the_headers(headers, seconds):
    assert asked_to_wait(headers) == seconds


def test_moments_are_waited_for():
    then = time() + 30
    date = (datetime.now(UTC) + timedelta(seconds=30)).isoformat()
    for headers in (
        {"retry-after": formatdate(then, usegmt=True)},
        {"x-ratelimit-reset": f"{then:.0f}"},
        {"x-ratelimit-reset": f"{then * 1000:.0f}"},
        {"anthropic-ratelimit-requests-reset": date, "anthropic-ratelimit-requests-remaining": "0"},
        {"anthropic-ratelimit-tokens-reset": date.replace("+00:00", "Z")},
    ):
        assert 20 < (asked_to_wait(headers) or 0) <= 31


def test_the_wait_without_a_word_doubles_with_jitter():
    for tries, top in ((1, 1), (2, 2), (5, 16), (50, 60)):
        waits = {backoff(tries) for _ in range(50)}
        assert all(top / 2 <= wait <= top for wait in waits)
        assert len(waits) > 10


def test_a_window_that_opens_is_waited_for():
    limited = failure(429, "slow down", x_ratelimit_reset_tokens="12s", x_ratelimit_remaining_tokens="0")
    reply, rig, _ = complete([limited, "mended"])
    assert (reply.text, rig.waits) == ("mended", [12.0])


def test_nobody_waits_beyond_the_time_that_is_left():
    error, rig, server = complete([failure(429, "slow", Retry_After="200")], budget=Budget(seconds=100))
    assert isinstance(error, LimitReached)
    assert (rig.waits, len(server.requests)) == ([], 1)
