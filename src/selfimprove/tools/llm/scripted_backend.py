"""Replays recorded replies from a YAML file: the demo, tests and try-outs need no key and no network.

::

    replies:
      - task: refactor-*      # optional: only for tasks whose id matches this pattern
        purpose: edit         # optional: only for questions of this purpose
        attempt: 2            # optional: only for this attempt; of several such entries the last answers
        contains: "def tax"   # optional: only when the question contains this text
        reply: |              # what the model says
          ...
      - reply_file: second.txt   # or: a text file, its path relative to this file's folder

The file is not used up. Of the entries without ``attempt`` that match a question, the first answers attempt
1, the second attempt 2, and so on, so that a run that was killed and taken up again gets the same replies.
`run --record` writes this form, with the ``model`` that replied.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from selfimprove.errors import ConfigError, LLMError
from selfimprove.tools.llm.client import MAX_REPLY, Ask, Reply, Terms

if TYPE_CHECKING:
    from pathlib import Path

    from selfimprove.yamlfile import Document

_KEYS = ("task", "purpose", "attempt", "contains", "model", "reply", "reply_file")


@dataclass(frozen=True, slots=True)
class Entry:
    """One recorded reply, and the questions that it answers; ``None`` matches every question."""

    reply: str
    task: str | None = None
    purpose: str | None = None
    contains: str | None = None
    attempt: int | None = None

    def matches(self, ask: Ask) -> bool:
        """True when this entry may answer ``ask``."""
        return (
            (self.task is None or fnmatchcase(ask.task_id, self.task))
            and self.purpose in (None, ask.purpose)
            and self.attempt in (None, ask.attempt)
            and (self.contains is None or any(self.contains in said.content for said in ask.messages))
        )


class ScriptedBackend:
    """Answers from the replies file ``path``, which is read once, here.

    Raises ``ConfigError``, with file and line, when it is missing, too large, or not of the form above.
    """

    name = "scripted"
    model = "scripted"

    def __init__(self, path: Path) -> None:
        self.path = path
        self._entries = _load(path)

    def worst_case(self, ask: Ask) -> tuple[int, float | None]:
        """Return the tokens that the recorded reply will be counted as, and no dollars."""
        return _prompt_tokens(ask) + len(self._recorded(ask) or "") // 4, 0.0

    def ask(self, ask: Ask, terms: Terms | None = None) -> Reply:  # noqa: ARG002 - it takes no time
        """Return the reply, its tokens counted as length/4; raises ``LLMError`` when there is none."""
        started = time.monotonic()
        text = self._recorded(ask)
        if text is None:
            raise LLMError(
                f"no recorded reply for task {ask.task_id}, purpose {ask.purpose}, attempt {ask.attempt}",
                where=str(self.path),
                hint=f"add an entry: - {{task: {ask.task_id}, purpose: {ask.purpose}, reply: ...}}",
            )
        seconds = time.monotonic() - started
        return Reply(text, self.model, _prompt_tokens(ask), len(text) // 4, 0.0, seconds, "stop")

    def _recorded(self, ask: Ask) -> str | None:
        matching = [entry for entry in self._entries if entry.matches(ask)]
        if exact := [entry for entry in matching if entry.attempt is not None]:
            return exact[-1].reply
        return matching[ask.attempt - 1].reply if 0 < ask.attempt <= len(matching) else None


def _prompt_tokens(ask: Ask) -> int:
    return sum(len(message.content) for message in ask.messages) // 4


def _load(path: Path) -> tuple[Entry, ...]:
    from selfimprove.yamlfile import read_yaml

    document = read_yaml(_read(path), str(path), ConfigError)
    if not isinstance(document.value, dict):
        raise document.fail("a replies file is a mapping with the key replies", 1, "start it with: replies:")
    _known(document, (), document.value, ("replies",))
    entries = document.value.get("replies")
    if not isinstance(entries, list):
        line = document.line(("replies",))
        raise document.fail("replies is a list", line, "write each reply as an item: - reply: |")
    return tuple(_entry(document, index, value, path.parent) for index, value in enumerate(entries))


def _entry(document: Document, index: int, value: Any, folder: Path) -> Entry:
    place = ("replies", index)
    if not isinstance(value, dict):
        raise document.fail("a reply is a mapping", document.line(place), "write it as: - reply: |")
    _known(document, place, value, _KEYS)
    for key, text in value.items():
        line, kind = document.line((*place, key)), type(text).__name__
        if key == "attempt":
            if not isinstance(text, int) or isinstance(text, bool):
                raise document.fail(f"attempt is a whole number, not {kind}", line, "count from 1")
        elif not isinstance(text, str):
            raise document.fail(f"{key} is text, not {kind}", line, f"put the value of {key} in quotes")
    if ("reply" in value) == ("reply_file" in value):
        hint = "keep one of reply and reply_file"
        raise document.fail("an entry has either reply or reply_file", document.line(place), hint)
    rest = {key: value[key] for key in ("task", "purpose", "contains", "attempt") if key in value}
    if "reply" in value:
        return Entry(value["reply"], **rest)
    return Entry(_reply_file(document, (*place, "reply_file"), folder / value["reply_file"]), **rest)


def _known(
    document: Document, place: tuple[str | int, ...], value: dict[Any, Any], keys: tuple[str, ...]
) -> None:
    """Raise ``ConfigError`` for the first key of ``value`` that is not one of ``keys``."""
    for key in value:
        if key not in keys:
            near = get_close_matches(str(key), keys, n=1)
            hint = f"did you mean {near[0]}?" if near else f"the keys are: {', '.join(keys)}"
            raise document.fail(f"unknown key {key}", document.line((*place, str(key))), hint)


def _reply_file(document: Document, place: tuple[str | int, ...], path: Path) -> str:
    try:
        return _read(path).decode("utf-8")
    except UnicodeDecodeError:
        raise document.fail(f"{path} is not UTF-8 text", document.line(place), "save it as UTF-8") from None
    except ConfigError as problem:
        raise document.fail(problem.message, document.line(place), problem.hint) from None


def _read(path: Path) -> bytes:
    from selfimprove.readfile import read_file

    try:
        return read_file(path, str(path), ConfigError, limit=MAX_REPLY)
    except FileNotFoundError:
        raise ConfigError(f"there is no file {path}", where=str(path), hint="check the path") from None
