"""Structured replies: asks for JSON of a schema, reads it leniently, and asks once more with what is wrong."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from selfimprove.errors import LLMError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from selfimprove.tools.llm.client import Ask, Reply

_MOST_ERRORS = 10
_MOST_STARTS = 200  # places in a reply where JSON may begin
_SHOWN = 4_000  # characters of a wrong reply that are shown again
_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})[^\n]*\n(.*?)^[ \t]*\1[ \t]*$", re.MULTILINE | re.DOTALL)
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|,(?=\s*[}\]])', re.DOTALL)
_CONTROL = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def complete_json(
    ask: Ask, schema: Mapping[str, Any], complete: Callable[[Ask], Reply]
) -> tuple[dict[str, Any], Reply]:
    """Return the value that the reply to ``ask`` holds, which matches ``schema``, and the reply.

    ``complete`` asks the model. A reply that holds no such value is sent back once, with its errors; then
    the returned reply's tokens, dollars and seconds are those of both. Raises ``LLMError`` when the second
    reply does not match either.
    """
    form = json.dumps(schema, sort_keys=True, ensure_ascii=False)
    words = f"Answer with one JSON value and nothing else. It matches this JSON Schema:\n{form}"
    question = replace(ask, messages=_with(ask, words), schema=schema)
    first = complete(question)
    value, errors = read_json(first.text, schema)
    if not errors:
        return value, first
    try:
        second = complete(_repair(question, first, errors))
    except LLMError as error:
        error.message += f" (the answer before it is not the JSON that was asked for: {errors[0]})"
        raise
    value, left = read_json(second.text, schema)
    both = _sum(first, second)
    if not left:
        return value, both
    task = f"task {ask.task_id}, " if ask.task_id else ""
    raise LLMError(
        f"the model's answer is not the JSON that was asked for, twice: {left[0]}",
        where=f"{second.model}, {task}{ask.purpose} {ask.attempt}",
        hint="try another model: llm.model",
    )


def read_json(text: str, schema: Mapping[str, Any]) -> tuple[Any, list[str]]:
    """Return the first value in ``text`` that matches ``schema`` and no errors, or what is wrong with the best.

    Fences, prose around the value, trailing commas and line breaks inside of strings are put up with.
    """
    from jsonschema.validators import validator_for

    validator = validator_for(schema)(schema)
    best: list[str] | None = None
    for value in _values(text):
        errors = [_said(error) for error in islice(validator.iter_errors(value), _MOST_ERRORS)]
        if not errors:
            return value, []
        if best is None or len(errors) < len(best):
            best = errors
    return None, best or [_why(text)]


def _with(ask: Ask, words: str) -> tuple[Any, ...]:
    """Return the messages of ``ask`` with ``words`` at the end of the last."""
    *before, last = ask.messages
    return (*before, replace(last, content=f"{last.content}\n\n{words}"))


def _repair(ask: Ask, reply: Reply, errors: list[str]) -> Ask:
    """Return the one further question, with the reply and exactly what is wrong with it."""
    kind = type(ask.messages[-1])
    shown = reply.text[:_SHOWN] or "(nothing)"
    cut = " It was cut off: be shorter." if reply.finish_reason == "length" else ""
    listed = "\n".join(f"- {error}" for error in errors)
    words = f"That cannot be used.{cut} What is wrong:\n{listed}\nAnswer again, with the whole corrected JSON only."
    messages = (*ask.messages, kind("assistant", shown), kind("user", words))
    return replace(ask, messages=messages, purpose=f"{ask.purpose}-repair")


def _sum(first: Reply, second: Reply) -> Reply:
    """Return ``second`` with the cost of both; it is known in part when one price is."""
    known = [reply.dollars for reply in (first, second) if reply.dollars is not None]
    return replace(
        second,
        prompt_tokens=first.prompt_tokens + second.prompt_tokens,
        completion_tokens=first.completion_tokens + second.completion_tokens,
        dollars=sum(known) if known else None,
        seconds=first.seconds + second.seconds,
    )


def _values(text: str) -> Iterator[Any]:
    """Yield what can be read as JSON: the whole text, what is in fences, and what begins at a bracket."""
    for part in (text.strip().removeprefix("\ufeff"), *(found[2] for found in _FENCE.finditer(text))):
        for form in (part, _mended(part)):
            try:
                yield json.loads(form, parse_constant=_refuse)
                break
            except (ValueError, RecursionError):
                continue
    mended = _mended(text)
    decoder = json.JSONDecoder(parse_constant=_refuse)
    end = 0
    for found in islice(re.finditer(r"[{\[]", mended), _MOST_STARTS):
        if found.start() < end:
            continue
        try:
            value, end = decoder.raw_decode(mended, found.start())
        except (ValueError, RecursionError):
            continue
        yield value


def _mended(text: str) -> str:
    """Return ``text`` without trailing commas, and with the line breaks in strings as JSON spells them."""
    return _TOKEN.sub(lambda found: "" if found[0] == "," else _flat(found[0]), text)


def _flat(string: str) -> str:
    return re.sub(r"[\n\r\t]", lambda found: _CONTROL[found[0]], string)


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")


def _said(error: Any) -> str:
    """Return one error of the schema with its place, short."""
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path)
    return f"{place.lstrip('.') or 'the value'}: {error.message}"[:300]


def _why(text: str) -> str:
    """Return why ``text`` is not JSON at all."""
    if not text.strip():
        return "the answer is empty"
    if not re.search(r"[{\[]", text):
        return "there is no JSON in the answer"
    part = text[min(at for at in map(text.find, "{[") if at >= 0) :]
    try:
        json.loads(_mended(part))
    except (ValueError, RecursionError) as error:
        return f"it is not JSON: {error}"
    return "it is not JSON"
