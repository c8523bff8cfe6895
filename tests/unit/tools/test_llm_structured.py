"""JSON from a model: read leniently, held to its schema, asked for once more, journalled and paid like all else."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_rig import ASK, Rig
from openai_server import Answer, OpenAIServer
from selfimprove.errors import LimitReached, LLMError
from selfimprove.model.budget import Budget
from selfimprove.tools.llm.structured import read_json

SCHEMA = {
    "type": "object",
    "required": ["score"],
    "properties": {"score": {"type": "integer", "minimum": 1, "maximum": 10}, "notes": {"type": "array"}},
}
GOOD = '{"score": 7, "notes": ["a, b", "}"]}'
VALUE = {"score": 7, "notes": ["a, b", "}"]}


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"\ufeff  {GOOD}\n",
        f"```json\n{GOOD}\n```",
        f"Sure! Here it is:\n```\n{GOOD}\n```\nAnything else?",
        f"The score [of ten] is {GOOD} as you see.",
        '{"score": 7, "notes": ["a, b", "}",],}',
        f'First {{"score": 99}}, no: {GOOD}',
        f"~~~~json\n{GOOD}\n~~~~",
    ],
)
def test_json_is_read_however_it_is_wrapped(text):
    assert read_json(text, SCHEMA) == (VALUE, [])


def test_line_breaks_in_strings_are_put_up_with():
    assert read_json('{"score": 1, "notes": ["a\nb\tc"]}', SCHEMA)[0]["notes"] == ["a\nb\tc"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("seven", "no JSON"),
        ('{"score": 99}', "score: 99 is greater"),
        ('{"score": NaN}', "not JSON"),
        ("[1, 2]", "not of type 'object'"),
        ("{}", "'score' is a required property"),
        ('{"score": 7', "not JSON"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_what_is_wrong_is_said(text, said):
    value, errors = read_json(text, SCHEMA)
    assert value is None
    assert said in errors[0]


LEAVES = st.none() | st.booleans() | st.integers() | st.text()
TREES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)


@given(TREES, st.sampled_from(["{}", "```json\n{}\n```", "\n {} \n"]))
def test_every_value_comes_back(value, wrap):
    assert read_json(wrap.replace("{}", json.dumps(value)), {}) == (value, [])


@given(st.text())
def test_no_text_breaks_the_reader(text):
    read_json(text, SCHEMA)


def complete_json(answers, budget=None):
    with OpenAIServer(answers) as server:
        rig = Rig(server.url, budget)
        try:
            return rig.llm.complete_json(ASK, SCHEMA), rig, server.requests
        except (LLMError, LimitReached) as error:
            return error, rig, server.requests


def test_a_good_answer_is_one_call_that_names_the_schema():
    (value, reply), _, requests = complete_json([GOOD])
    assert (value, reply.text) == (VALUE, GOOD)
    assert json.dumps(SCHEMA, sort_keys=True) in requests[0].body["messages"][-1]["content"]


def test_a_wrong_answer_is_sent_back_once_with_its_errors_and_both_are_paid():
    wrong = Answer('{"score": 99}', prompt_tokens=10, completion_tokens=5)
    right = Answer(GOOD, prompt_tokens=20, completion_tokens=6)
    (value, reply), rig, requests = complete_json([wrong, right])
    assert value == VALUE
    assert (reply.prompt_tokens, reply.completion_tokens) == (30, 11)
    assert rig.budget.tokens_spent == 41
    assistant, user = requests[1].body["messages"][-2:]
    assert (assistant["role"], assistant["content"]) == ("assistant", '{"score": 99}')
    assert "score: 99 is greater than the maximum of 10" in user["content"]


def test_two_wrong_answers_are_an_error_that_says_what():
    error, rig, requests = complete_json(["I think it is fine.", '{"score": "high"}', "never asked"])
    assert isinstance(error, LLMError)
    assert "score: 'high' is not of type 'integer'" in error.message
    assert len(requests) == rig.budget.calls_spent == 2


def test_where_the_repair_gets_no_answer_the_first_fault_is_said_too():
    error, _, _ = complete_json(['{"score": "high"}', Answer("no", status=400)])
    assert isinstance(error, LLMError)
    assert "score: 'high' is not of type 'integer'" in error.message


def test_the_repair_is_on_account_of_the_budget_too():
    error, _, requests = complete_json(["no JSON here", GOOD], Budget(calls=1))
    assert isinstance(error, LimitReached)
    assert "all of 1 calls" in error.message
    assert len(requests) == 1


def test_a_provider_that_can_hold_a_model_to_a_schema_is_told_to():
    from selfimprove.tools.llm.client import Ask, Message
    from selfimprove.tools.llm.litellm_backend import LitellmBackend, _litellm

    ask = Ask((Message("user", "score it as JSON"),), "review", "t", schema=SCHEMA)
    form = LitellmBackend("openai/gpt-4o", api_key="k")._arguments(ask, _litellm(), 5.0)["response_format"]
    assert (form["type"], form["json_schema"]["schema"]) == ("json_schema", SCHEMA)
    unknown = LitellmBackend("openai/mine", "http://127.0.0.1:1")._arguments(ask, _litellm(), 5.0)
    assert "response_format" not in unknown
