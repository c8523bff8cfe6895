"""Secrets do not pass, in one piece or in many, and nothing else is held up."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfimprove.tools.shell.masking import Masker, mask, secret_values

PEM = (
    "-----BEGIN RSA PRIVATE KEY-----\n"
    + ("MIIEpAIBAAKCAQEA" * 4 + "\n") * 5
    + "-----END RSA PRIVATE KEY-----"
)
SHAPES = [
    "sk-proj-abc123def456ghi789jkl0",
    "ghp_" + "a1B2" * 9,
    "github_pat_" + "11AAAA_bbbb" * 4,
    "AKIAIOSFODNN7EXAMPLE",
    "xoxb-123456789012-abcdef",
    PEM,
]


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    marks = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[a:b] for a, b in itertools.pairwise(marks)]


def streamed(secrets: list[str], parts: list[bytes]) -> bytes:
    masker = Masker(secrets)
    return b"".join([*(masker.feed(part) for part in parts), masker.flush()])


@pytest.mark.parametrize("shape", SHAPES)
def test_what_looks_like_a_key_is_masked_at_every_cut(shape: str) -> None:
    text = f"before {shape} after.\n"
    assert mask(text) == "before *** after.\n"
    data = text.encode()
    for cut in range(len(data)):
        assert streamed([], [data[:cut], data[cut:]]) == b"before *** after.\n"


def test_ordinary_words_that_begin_like_keys_stay() -> None:
    text = "task-runner-with-a-long-name-2024 risk-adjusted sk-learn ghp_x AKIA -----BEGIN CERTIFICATE-----\n"
    assert mask(text) == text


def test_output_after_a_lone_private_key_header_stays() -> None:
    assert mask("-----BEGIN PRIVATE KEY-----\n3 tests failed.\n").endswith("3 tests failed.\n")


# A small alphabet, so that secrets overlap with the text, with each other and with themselves.
_words = st.text("abs k-_1\n", min_size=6, max_size=12)


@settings(derandomize=True, deadline=None, max_examples=200)
@given(
    secrets=st.lists(_words, max_size=3),
    text=st.lists(st.one_of(_words, st.sampled_from(["sk-", "ghp_", *SHAPES])), max_size=8),
    picks=st.lists(st.integers(0, 2), max_size=4),
    cuts=st.lists(st.integers(0, 10_000), max_size=12),
)
def test_cuts_do_not_change_the_result(
    secrets: list[str], text: list[str], picks: list[int], cuts: list[int]
) -> None:
    words = text + [secrets[pick % len(secrets)] for pick in picks if secrets]
    data = "".join(words).encode()
    whole = streamed(secrets, [data])
    assert streamed(secrets, pieces(data, cuts)) == whole
    assert not any(secret.encode() in whole for secret in secrets if "*" not in secret)


def test_a_piece_without_a_newline_passes_at_once() -> None:
    masker = Masker(["hunter2-hunter2"])
    assert masker.feed(b"50% done") == b"50% done"
    assert masker.feed(b" hunter2-h") == b" "
    assert masker.feed(b"ello") == b"hunter2-hello"


def test_secret_values_are_chosen_by_name() -> None:
    env = {
        "OPENAI_API_KEY": "value-of-key",
        "GH_TOKEN": "value-of-token",
        "DB_PASSWORD": "pass-word",
        "AWS_SECRET_ACCESS_KEY": "value-of-secret",
        "DATABASE_URL": "postgres://me:p%40ssw0rd@host/db",
        "SHORT_KEY": "abc",
        "MAX_TOKEN": "100000",
        "PATH": "/usr/bin:/bin",
        "KEYBOARD": "us-intl",
        "PWD": "/home/someone",
        "SELFIMPROVE_RUN_TOKEN": "not-a-secret",
    }
    assert set(secret_values(env)) == {
        *("value-of-key", "value-of-token", "pass-word", "value-of-secret", "p%40ssw0rd", "p@ssw0rd")
    }
