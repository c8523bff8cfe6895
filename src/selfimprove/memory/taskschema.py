"""What one task of tasks.yml may say: the schema, its errors in plain words, and the way to Task and back."""

from __future__ import annotations

import difflib
import functools
import json
import math
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from selfimprove.model.allow import WORDS
from selfimprove.model.task import Status, Task

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from jsonschema.exceptions import ValidationError
    from jsonschema.protocols import Validator

SCHEMA_PATH = Path(__file__).with_name("tasks.schema.json")
FIELDS = tuple(field.name for field in fields(Task))
TITLE_LIMIT = 72

_DEFAULTS = {field.name: field.default for field in fields(Task)}
_EXPECTED = {
    "id": "one line of text or a whole number",
    "files": "a path or a list of paths",
    "filename": "one path",
    "dependencies": "a task id or a list of task ids",
    "priority": "a number",
    "cost": "a number, 0 or more",
    "status": "one of " + ", ".join(Status),
    "max_retries": "a whole number, 0 or more",
    "timeout": "a number of seconds, more than 0",
    "allow": "a word of a veto or a list of them",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a task: at the value of ``key``, or at one ``element`` of that list.

    Without a key it concerns the task as a whole; ``on_key`` means that the key itself is wrong.
    """

    message: str
    hint: str
    key: str | None = None
    element: int | None = None
    on_key: bool = False


@functools.cache
def schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of the whole of tasks.yml."""
    return cast("dict[str, Any]", json.loads(SCHEMA_PATH.read_text(encoding="utf-8")))


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the word of ``known`` that ``word`` is most likely a slip of, or None."""
    close = difflib.get_close_matches(word.lower().replace("-", "_"), list(known), n=1, cutoff=0.6)
    return close[0] if close else None


def check(values: Mapping[str, object], written: Mapping[str, str] | None = None) -> list[Problem]:
    """Return what is wrong with the plain ``values`` of one task, without its ``x-`` keys and its nulls.

    ``written`` is how single values stand in the file (``yes`` for true), to speak of them in these words.
    """
    words = written or {}
    errors = list(_validator().iter_errors(cast("Any", values)))
    unknown = any(error.validator == "additionalProperties" for error in errors)
    return [
        problem
        for error in errors
        if not (unknown and error.validator == "anyOf")  # a slip in `command` alone is one fault, not two
        for problem in _explain(error, values, words)
    ]


def to_task(values: Mapping[str, Any]) -> Task:
    """Return the Task that the checked ``values`` of one task mean."""
    given = dict(values)
    files = given.pop("filename", given.get("files", ()))
    description = given.get("description", "")
    if given.get("command") is None and given.get("prompt") is None:
        given["prompt"] = description if description.strip() else given["title"]
    given["title"] = given.get("title") or _first_line(given, description)
    given["id"] = str(given["id"])
    given["files"] = _words(files)
    given["dependencies"] = _words(given.get("dependencies", ()))
    given["allow"] = _words(given.get("allow", ()))
    given["status"] = Status(given.get("status", Status.PENDING))
    return Task(**given)


def to_keys(task: Task) -> dict[str, object]:
    """Return the keys that a new item of tasks.yml needs to mean ``task``, in order, without defaults."""
    keys = {
        name: value for name, value in task_to_dict(task).items() if getattr(task, name) != _DEFAULTS[name]
    }
    for spare in ("title", "prompt"):
        shorter = {name: value for name, value in keys.items() if name != spare}
        if not check(shorter) and to_task(shorter) == task:
            keys = shorter
    return keys


def task_to_dict(task: Task) -> dict[str, object]:
    """Return ``task`` ready for JSON: every field that is set, lists as lists, the status as its word."""
    values = {name: getattr(task, name) for name in FIELDS}
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
    plain["status"] = str(task.status)
    return {name: value for name, value in plain.items() if value is not None}


def _words(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list | tuple) else (str(value),)


def _first_line(given: Mapping[str, Any], description: str) -> str:
    """Return the first line that says something, cut at a word where it is long."""
    texts = (description, given.get("prompt") or "", given.get("command") or "")
    text: str = next(text for text in texts if text.strip())
    line = " ".join(text.strip().splitlines()[0].split())
    if len(line) <= TITLE_LIMIT:
        return line
    return (line[:TITLE_LIMIT].rpartition(" ")[0] or line[: TITLE_LIMIT - 1]) + "…"


@functools.cache
def _validator() -> Validator:
    """Return the validator of one task: 1.0 is no whole number and .inf is no number."""
    import jsonschema  # it is slow to load, and a repository without tasks does not need it
    from jsonschema.validators import extend

    checker = jsonschema.Draft202012Validator.TYPE_CHECKER.redefine_many(
        {
            "integer": lambda _, value: type(value) is int,
            "number": lambda _, value: type(value) in (int, float) and math.isfinite(value),
        }
    )
    strict = extend(jsonschema.Draft202012Validator, type_checker=checker)  # type: ignore[no-untyped-call]
    return cast("Validator", strict(schema()["$defs"]["task"]))


def _properties() -> dict[str, Any]:
    return cast("dict[str, Any]", schema()["$defs"]["task"]["properties"])


def _explain(
    error: ValidationError, values: Mapping[str, object], words: Mapping[str, str]
) -> Iterator[Problem]:
    """Yield the schema's ``error`` in plain words."""
    if error.path:
        yield _wrong_value(error, words)
    elif error.validator == "additionalProperties":
        yield from (_unknown_key(key) for key in values if key not in _properties())
    elif error.validator == "required":
        yield Problem("it has no id", "add a line such as id: tidy-imports")
    elif error.validator == "not":
        yield Problem(
            '"command" and "prompt" do not go together', "keep one of the two", "prompt", on_key=True
        )
    else:
        yield Problem(
            "it does not say what to do", "add one of the keys command, prompt, description or title"
        )


def _unknown_key(key: str) -> Problem:
    word = nearest(key, _properties())
    known = f"known keys: {', '.join(_properties())}; keys of your own start with x-"
    return Problem(
        f"unknown key {json.dumps(key, ensure_ascii=False)}",
        f'did you mean "{word}"?' if word else known,
        key,
        on_key=True,
    )


def _wrong_value(error: ValidationError, words: Mapping[str, str]) -> Problem:
    """Return the Problem of a value (or of one element of a list) that is not what its key takes."""
    key = str(error.path[0])
    element = error.path[1] if len(error.path) > 1 else None
    value = error.instance
    shown = words.get(key, str(value)) if element is None else str(value)
    message = f"{key}: {_shown(value, shown)} should be {_EXPECTED.get(key, 'text')}"
    return Problem(
        message, _value_hint(key, value, shown), key, element if isinstance(element, int) else None
    )


def _value_hint(key: str, value: object, shown: str) -> str:
    if key == "status" and isinstance(value, str):
        word = nearest(value, list(Status))
        if word:
            return f'did you mean "{word}"?'
    if key == "allow" and isinstance(value, str):
        word = nearest(value, WORDS)
        return f'did you mean "{word}"?' if word else f"one of {', '.join(WORDS)}"
    if (key not in _EXPECTED or key in ("id", "filename")) and not isinstance(value, str | list | dict):
        return f'if it is meant as text, put it in quotes: {key}: "{shown}"'
    return f"write, for example, {key}: {json.dumps(_properties()[key]['examples'][0])}"


def _shown(value: object, text: str) -> str:
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "a mapping"
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, str) else text
    return text if len(text) <= 60 else text[:59] + "…"
