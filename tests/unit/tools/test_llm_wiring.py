"""Which models are asked where, with which key and price: the rules of the settings."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from selfimprove.errors import ConfigError
from selfimprove.model.budget import Budget
from selfimprove.settings import make_settings
from selfimprove.tools.llm.prices import stated_price
from selfimprove.wiring_llm import build_llm, build_recorder, build_reviewer

KEYS = {"OPENAI_API_KEY": "o", "ANTHROPIC_API_KEY": "a"}


def target(environ, root=None, **settings):
    """A target as far as the model client looks at it, with real settings."""
    values = {name.replace("__", "."): value for name, value in settings.items()}
    return SimpleNamespace(
        settings=make_settings(values),
        loaded=SimpleNamespace(environ=environ),
        repo=SimpleNamespace(root=root),
    )


def backends(environ, **settings):
    llm = build_llm(target(environ, **settings), Budget(), lambda event: None)
    return [] if llm is None else [llm.backend, *llm.fallbacks]


def test_each_model_has_its_own_key_and_server():
    first, *rest = backends(
        KEYS,
        llm__model="openai/mine",
        llm__base_url="http://127.0.0.1:9/v1",
        llm__fallback_models=("openai/second", "llama", "anthropic/claude-x", "openai/mine", "llama"),
    )
    assert (first.model, first.base_url, first.api_key) == ("openai/mine", "http://127.0.0.1:9/v1", "o")
    assert [(one.model, one.base_url, one.api_key) for one in rest] == [
        ("openai/second", "http://127.0.0.1:9/v1", "o"),
        ("llama", "http://127.0.0.1:9/v1", "o"),
        ("anthropic/claude-x", None, "a"),
    ]
    assert "'o'" not in repr(first)


def test_the_price_of_a_model_is_its_own_before_that_of_the_server():
    found = backends(
        KEYS,
        llm__model="openai/mine",
        llm__base_url="http://127.0.0.1:9/v1",
        llm__fallback_models=("openai/second", "anthropic/claude-x"),
        llm__price_input=1.0,
        llm__price_output=2.0,
        llm__prices={"openai/second": {"input": 3, "output": 15}},
    )
    assert [one.price for one in found] == [stated_price(1.0, 2.0), stated_price(3, 15), None]
    with pytest.raises(ConfigError, match="two numbers"):
        backends(KEYS, llm__model="openai/x", llm__prices={"openai/x": {"input": 3}})


def test_the_reviewer_is_another_model_on_the_same_account():
    budget = Budget()
    here = target(KEYS, llm__model="openai/gpt-4o", review__model="anthropic/claude-x")
    reviewer = build_reviewer(here, budget, lambda event: None)
    assert reviewer is not None
    assert (reviewer.backend.model, reviewer.backend.api_key) == ("anthropic/claude-x", "a")
    assert reviewer.budget is budget
    assert build_reviewer(target(KEYS, llm__model="openai/gpt-4o"), budget, lambda event: None) is None


def test_nothing_is_recorded_unless_asked_for(tmp_path):
    assert build_recorder(target({}, tmp_path)) is None
    recorder = build_recorder(target({}, tmp_path, llm__record="r/replies.yml"))
    assert recorder is not None
    assert (tmp_path / "r" / "replies.yml").read_text() == "replies:\n"
