"""Counting tokens: exact by the published vocabularies, and elsewhere never fewer than any known tokenizer says."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfimprove.codebase import tokens
from selfimprove.codebase.tokens import VOCABULARIES, Bound, counter_for, encoding_of, window_of

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = Path(find_spec("litellm").submodule_search_locations[0]) / "litellm_core_utils" / "tokenizers"  # type: ignore[union-attr,index]
HERE = Path(__file__).resolve()
CODE = {
    "python": HERE.read_text(encoding="utf-8"),
    "javascript": "export const sum = (a, b) => {\n\treturn a?.x ?? `${b}…`; // Größe\n};\n" * 9,
    "go": "func (s *Server) Run(ctx context.Context) error {\n\tif err := s.db.Ping(); err != nil {\n"
    '\t\treturn fmt.Errorf("ping: %w", err)\n\t}\n\treturn nil\n}\n',
    "c": "#define MAX(a,b) (((a)>(b))?(a):(b))\nstatic const uint8_t k[] = {0xDE,0xAD,0xBE,0xEF};\n" * 4,
    "haskell": "foldr' :: (a -> b -> b) -> b -> [a] -> b\nfoldr' f z = go where go [] = z; go (x:xs) = f x $! go xs",
    "json": '{"sha512": "3vT0aGq8Zk+X1pP9yW==", "a_b": [1, 2.5e-10, null, true], "ключ": "значение 値"}\n',
    "rust": "impl<'a, T: ?Sized + Ord> Iter<'a, T> where T: 'a {\r\n    #[inline]\r\n    fn next(&mut self) {}\r\n}",
}


@cache
def reference(name: str) -> Callable[[str], int]:
    """Another way to count: tiktoken's own set-up, or the tokenizer file of an older Claude."""
    if name == "claude":
        from tokenizers import Tokenizer

        known = Tokenizer.from_file(str(FOLDER / "anthropic_tokenizer.json"))
        return lambda text: len(known.encode(text, add_special_tokens=False).ids)
    import tiktoken

    os.environ["TIKTOKEN_CACHE_DIR"] = str(FOLDER)
    try:
        encoding = tiktoken.get_encoding(name)
    finally:
        del os.environ["TIKTOKEN_CACHE_DIR"]
    return lambda text: len(encoding.encode_ordinary(text))


TEXTS = st.one_of(
    st.text(),
    st.text(st.characters(max_codepoint=127)),
    st.text("abcdefghijklmnopqrstuvwxyz", max_size=30),
    st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=", max_size=80),
    st.text(" \t\n\r\x0b\x0c", max_size=40),
    st.text("ﷺ㌀ﬃ½Ⅷ️‍👩", max_size=10),
    st.builds(lambda text, times: text * times, st.text(min_size=1, max_size=3), st.integers(2, 90)),
    st.builds(
        lambda name, at, size: CODE[name][at : at + size],
        st.sampled_from(sorted(CODE)),
        st.integers(0, 900),
        st.integers(1, 200),
    ),
)


@pytest.mark.parametrize("name", ["cl100k_base", "o200k_base", "claude"])
@pytest.mark.parametrize("model", ["", "anthropic/claude-sonnet-5"])
@settings(max_examples=400, deadline=None)
@given(text=TEXTS)
def test_an_estimate_is_never_too_low(name: str, model: str, text: str) -> None:
    assert counter_for(model).count(text) >= reference(name)(text)


@pytest.mark.parametrize("language", CODE)
def test_an_estimate_of_code_is_neither_too_low_nor_useless(language: str) -> None:
    text = CODE[language]
    real = max(reference(name)(text) for name in ("cl100k_base", "o200k_base", "claude"))
    assert real <= counter_for("anthropic/claude-sonnet-5").count(text) <= 3 * real
    assert real <= Bound().count(text) <= 5 * real


@pytest.mark.parametrize("name", sorted(VOCABULARIES))
@settings(max_examples=200, deadline=None)
@given(text=TEXTS)
def test_openai_s_own_vocabulary_is_exact(name: str, text: str) -> None:
    model = {"cl100k_base": "gpt-4-turbo", "o200k_base": "openai/gpt-5"}[name]
    counter = counter_for(model)
    assert (counter.name, counter.exact) == (name, True)
    assert counter.count(text) == reference(name)(text)


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("gpt-4o-mini", "o200k_base"),
        ("openrouter/openai/gpt-5.4", "o200k_base"),
        ("azure/gpt-4.1", "o200k_base"),
        ("o3", "o200k_base"),
        ("o4-mini", "o200k_base"),
        ("chatgpt-4o-latest", "o200k_base"),
        ("gpt-3.5-turbo", "cl100k_base"),
        ("gpt-4", "cl100k_base"),
        ("ft:gpt-4o-2024-08-06:me::x", "o200k_base"),
        ("ollama/llama3", "2.0 x cl100k_base"),
        ("openai/omega", "2.0 x cl100k_base"),
        ("", "upper bound"),
    ],
)
def test_which_vocabulary_a_model_has(model: str, name: str) -> None:
    assert counter_for(model).name == name


def test_long_texts_and_odd_characters_are_counted() -> None:
    exact = counter_for("gpt-5")
    assert exact.count("") == 0
    assert exact.count("\ud800") == exact.count("?")
    assert exact.count("<|endoftext|>") > 1  # what a file says is text, not a sign to the model
    for model in ("gpt-5", "claude", ""):
        assert counter_for(model).count("a" * 300_000) >= 300_000 / 8
        assert counter_for(model).count(" " * 300_000) > 0


def test_nothing_is_fetched_and_litellm_is_not_imported(tmp_path: Path) -> None:
    script = """
import socket, sys
def no(*_): raise AssertionError("network")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = no
from selfimprove.codebase.tokens import counter_for, window_of
print(counter_for("gpt-5").count("def total(self):"), counter_for("x").exact, window_of("gpt-4"))
assert "litellm" not in sys.modules and "requests" not in sys.modules
"""
    env = {key: value for key, value in os.environ.items() if "TIKTOKEN" not in key} | {
        "TMPDIR": str(tmp_path)
    }
    done = subprocess.run(
        [sys.executable, "-c", script], env=env, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["4", "False", "8192"], done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_not_the_published_one_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "litellm_core_utils" / "tokenizers"
    folder.mkdir(parents=True)
    for known in VOCABULARIES.values():
        whole = (FOLDER / known.file).read_bytes()
        assert hashlib.sha256(whole).hexdigest() == known.digest
        (folder / known.file).write_bytes(whole[:-100])
    monkeypatch.setattr(tokens, "_litellm", lambda: tmp_path)
    assert encoding_of.__wrapped__("o200k_base") is None
    monkeypatch.setattr(tokens, "_litellm", lambda: None)
    assert encoding_of.__wrapped__("o200k_base") is None
    assert window_of("gpt-4") is None


def test_the_window_of_a_model() -> None:
    assert window_of("openai/gpt-4o") == window_of("gpt-4o") == 128_000
    assert window_of("nobody/nothing") is None
