"""Asking: one question to a model, its reply taken from the journal where this turn of the run paid for it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from selfimprove.errors import NeedsKey
from selfimprove.tools.llm.client import Ask, Reply
from selfimprove.tools.llm.structured import complete_json
from selfimprove.tools.shell.masking import mask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from selfimprove.memory.journal import Journal
    from selfimprove.tools.llm.client import LLM
    from selfimprove.tools.llm.recording import Recorder

_MASKED = "masked"  # marks a stored reply that is not what the model said, since a secret was in it


@dataclass(frozen=True, slots=True)
class Asker:
    """Asks for one task (``""``: for the run itself) in one turn of a run; no reply is paid for twice.

    ``llm`` is ``None`` where there is no model. ``secrets`` are values that no stored reply may hold; ``recorder``
    writes every reply down for a later replay.
    """

    journal: Journal
    llm: LLM | None
    run: int
    task_id: str = ""
    turn: int = 1
    secrets: tuple[str, ...] = ()
    recorder: Recorder | None = None

    def once(self, ask: Ask) -> tuple[Reply, bool]:
        """Return the reply to ``ask`` and whether it was paid for now; the journal holds it before anything uses it.

        A reply that this turn of the run has paid for is taken from the journal, unless it had a secret in it,
        which is never stored. Raises ``NeedsKey`` when there is no model, and what ``LLM.complete`` raises.
        """
        key = _key(ask, self.run, self.turn)
        known = self.journal.recall(key)
        if known and not known.pop(_MASKED, False):
            reply = Reply(**known)
            self._record(ask, reply)
            return reply, False
        if self.llm is None:
            raise NeedsKey("this task needs a model and none is configured", hint="set llm.model and its key")
        with _Book(self.journal, self.run, self.task_id, key) as book:
            reply = self.llm.complete(ask, book)
            reply = replace(reply, text=_storable(reply.text))
            book.keep(_said(ask, self.secrets), _stored(reply, self.secrets))
        self._record(ask, reply)
        return reply, True

    def json(self, ask: Ask, schema: Mapping[str, Any]) -> tuple[dict[str, Any], Reply, bool]:
        """Return a JSON object that matches ``schema``, the reply that holds it, and whether a call was paid for now.

        A reply that does not match is sent back once, with its errors; the reply's tokens, dollars and seconds
        are those of both. The object's form is that of ``schema``, whose type should be ``object``. Raises
        ``LLMError`` when the second reply does not match either, and what :meth:`once` raises.
        """
        paid = False

        def complete(question: Ask) -> Reply:
            nonlocal paid
            reply, now = self.once(question)
            paid = paid or now
            return reply

        value, reply = complete_json(ask, schema, complete)
        return value, reply, paid

    def _record(self, ask: Ask, reply: Reply) -> None:
        if self.recorder is not None:
            self.recorder.add(ask, replace(reply, text=mask(reply.text, self.secrets)))


@dataclass(slots=True)
class _Book:
    """The journal as the model client writes its calls into it.

    What a call was billed is held back until its reply is stored, in the same transaction: a process that is
    killed has either both or an open call, and never a bill whose reply has to be paid for again.
    """

    journal: Journal
    run: int
    task_id: str
    key: str
    _bill: tuple[int, int, float | None] | None = None

    def begin(self, model: str, tokens: int, dollars: float | None) -> int:
        self._close()
        return self.journal.begin_call(self.run, self.task_id, self.key, (model, tokens, dollars))

    def settle(self, call: int, tokens: int, dollars: float | None, calls: int) -> None:
        if calls and (tokens or dollars):
            self._bill = (call, tokens, dollars)
        else:
            self.journal.settle_call(call, tokens, dollars, made=bool(calls))

    def keep(self, ask: dict[str, object], reply: dict[str, object]) -> None:
        self.journal.keep(self.key, self.run, self.task_id, ask, reply, bill=self._bill)
        self._bill = None

    def __enter__(self) -> _Book:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def _close(self) -> None:
        if self._bill:
            self.journal.settle_call(*self._bill)
            self._bill = None


def _key(ask: Ask, run: int, turn: int) -> str:
    """Return the name of this question in this turn of the run."""
    text = json.dumps([run, turn, asdict(ask)], sort_keys=True)
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def _said(ask: Ask, secrets: tuple[str, ...]) -> dict[str, object]:
    messages = [
        {"role": message.role, "content": _storable(mask(message.content, secrets))}
        for message in ask.messages
    ]
    return {"purpose": ask.purpose, "attempt": ask.attempt, "messages": messages}


def _stored(reply: Reply, secrets: tuple[str, ...]) -> dict[str, object]:
    text = mask(reply.text, secrets)
    marked = {} if text == reply.text else {_MASKED: True}
    return asdict(replace(reply, text=text)) | marked


def _storable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")
