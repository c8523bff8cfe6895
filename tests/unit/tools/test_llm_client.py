"""The rules of the one model client that need no network, the choice of a model, and its price."""

from __future__ import annotations

import subprocess
import sys

import pytest

from selfimprove.errors import ConfigError
from selfimprove.model.budget import Budget
from selfimprove.tools.llm.client import LLM, Ask, CallFailed, Message, Reply
from selfimprove.tools.llm.keys import DEFAULT_MODELS, choose_model, find_key, key_variables, missing_key
from selfimprove.tools.llm.prices import Price, listed_price, stated_price

ASK = Ask((Message("user", "hello"),), "edit", "t")


def test_importing_the_client_loads_no_heavy_library():
    code = (
        "import sys, selfimprove.tools.llm.client, selfimprove.tools.llm.litellm_backend, "
        "selfimprove.tools.llm.scripted_backend, selfimprove.tools.llm.keys\n"
        "heavy = {'litellm', 'yaml', 'httpx', 'openai', 'jsonschema'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


class Recorded:
    """A backend that does what its list says, for the client's own rules."""

    name = model = "recorded"

    def __init__(self, *acts):
        self.acts = list(acts)

    def worst_case(self, ask):
        return 100, 0.5

    def ask(self, ask, terms):
        act = self.acts.pop(0)
        if isinstance(act, BaseException):
            raise act
        return Reply(act, "recorded", 10, 5, 0.1, 0.0, "stop")


def test_empty_replies_and_faults_are_counted_apart():
    faults = [CallFailed("busy", again=True), CallFailed("busy", again=True)]
    llm = LLM(Recorded(*faults, "", "said"), Budget(), wait=lambda _: None)
    assert llm.complete(ASK).text == "said"
    assert (llm.budget.tokens_spent, llm.budget.dollars_spent) == (30, pytest.approx(0.2))


def test_ctrl_c_is_passed_on_and_the_call_charged():
    llm = LLM(Recorded(KeyboardInterrupt()), Budget())
    with pytest.raises(KeyboardInterrupt):
        llm.complete(ASK)
    assert (llm.budget.tokens_spent, llm.budget.dollars_spent) == (100, 0.5)


@pytest.mark.parametrize(
    ("model", "environ", "base_url", "chosen"),
    [
        (None, {}, None, None),
        ("mine", {"OPENAI_API_KEY": "x"}, None, "mine"),
        (None, {"OPENAI_API_KEY": ""}, None, None),
        (None, {"OPENROUTER_API_KEY": "x"}, None, DEFAULT_MODELS["OPENROUTER_API_KEY"]),
        (None, {"OPENAI_API_KEY": "x", "ANTHROPIC_API_KEY": "y"}, None, DEFAULT_MODELS["ANTHROPIC_API_KEY"]),
        (None, {"OPENAI_API_KEY": "x"}, "http://localhost:1/v1", None),
    ],
)
def test_the_model_is_the_named_one_or_that_of_the_first_key(model, environ, base_url, chosen):
    assert choose_model(model, environ, base_url) == chosen


@pytest.mark.parametrize(
    ("model", "environ", "base_url", "missing"),
    [
        ("anthropic/claude-x", {}, None, "ANTHROPIC_API_KEY"),
        ("claude-x", {}, None, "ANTHROPIC_API_KEY"),
        ("gpt-9", {"OPENAI_API_KEY": ""}, None, "OPENAI_API_KEY"),
        ("gpt-9", {"OPENAI_API_KEY": "x"}, None, None),
        ("gemini/g", {"GOOGLE_API_KEY": "x"}, None, None),
        ("openrouter/openai/gpt-9", {"OPENAI_API_KEY": "x"}, None, "OPENROUTER_API_KEY"),
        ("openai/x", {}, "http://localhost:1/v1", None),
        ("ollama/llama", {}, None, None),
        ("something-else", {}, None, None),
    ],
)
def test_the_missing_variable_is_named(model, environ, base_url, missing):
    assert missing_key(model, environ, base_url) == missing


def test_the_key_found_is_the_providers_own():
    environ = {"OPENAI_API_KEY": "o", "ANTHROPIC_API_KEY": "a"}
    assert find_key("anthropic/claude-x", environ) == "a"
    assert find_key("groq/x", environ) is None
    assert find_key("llama", environ) is None
    assert find_key("llama", environ, "http://localhost:1/v1") == "o"


def test_the_defaults_are_models_that_litellm_knows_by_provider_and_price():
    from selfimprove.tools.llm.litellm_backend import LitellmBackend

    for variable, model in DEFAULT_MODELS.items():
        assert key_variables(model)[0] == variable
        if not model.startswith("openrouter/"):  # of its models the table has none
            assert LitellmBackend(model).worst_case(ASK)[1] is not None


TABLE = {
    "big": {
        "litellm_provider": "acme",
        "input_cost_per_token": 2e-6,
        "input_cost_per_token_above_200k_tokens": 4e-6,
        "input_cost_per_token_batches": 1e-3,
        "output_cost_per_token": 1e-5,
        "output_cost_per_token_above_200k_tokens": 2e-5,
        "cache_creation_input_token_cost": 2.5e-6,
        "cache_creation_input_token_cost_above_1hr": 9e-6,
    },
    "half": {"litellm_provider": "acme", "input_cost_per_token": 2e-6},
    "free/llama": {"litellm_provider": "free", "input_cost_per_token": 0, "output_cost_per_token": 0},
}


def test_the_price_is_the_dearest_rate_that_can_apply():
    assert listed_price("big", 1000, TABLE) == Price(2.5e-6, 1e-5, plain=2e-6, written=2.5e-6)
    assert listed_price("acme/big", 200_001, TABLE) == Price(4e-6, 2e-5, plain=4e-6, written=2.5e-6)
    assert listed_price("other/big", 1000, TABLE) is None
    assert listed_price("half", 1000, TABLE) is None
    assert listed_price("unknown", 1000, TABLE) is None
    assert listed_price("free/llama", 1000, TABLE) == Price(0, 0, plain=0)


def test_a_stated_price_has_two_halves():
    assert stated_price(3.0, 15.0) == Price(3e-6, 1.5e-5)
    assert stated_price(0, 0) == Price(0, 0)
    assert stated_price(None, None) is None
    with pytest.raises(ConfigError, match=r"llm\.price_output is not"):
        stated_price(3.0, None)
