"""Asking: one question of a step to a model, its reply taken from the journal where this turn paid for it."""

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

    from selfimprove.executor.bench import Bench
    from selfimprove.memory.journal import Journal
    from selfimprove.model.work import Work
    from selfimprove.tools.llm.client import LLM

_MASKED = "masked"  # marks a stored reply that is not what the model said, since a secret was in it


def ask_once(ask: Ask, work: Work, bench: Bench, turn: int, *, llm: LLM | None = None) -> tuple[Reply, bool]:
    """Return the reply to ``ask`` and whether it was paid for now; the journal holds it before anything uses it.

    ``llm`` is asked in place of the bench's own model. A reply that this turn of the run has paid for is
    taken from the journal, unless it had a secret in it, which is never stored. Raises ``NeedsKey`` when
    there is no model, and what ``LLM.complete`` raises.
    """
    key = _key(ask, work, turn)
    known = bench.journal.recall(key)
    if known and not known.pop(_MASKED, False):
        reply = Reply(**known)
        _record(bench, ask, reply)
        return reply, False
    model = llm or bench.llm
    if model is None:
        raise NeedsKey("this task needs a model and none is configured", hint="set llm.model and its key")
    with _Book(bench.journal, work.run, work.task_id, key) as book:
        reply = model.complete(ask, book)
        reply = replace(reply, text=_storable(reply.text))
        book.keep(_said(ask, bench.secrets), _stored(reply, bench.secrets))
    _record(bench, ask, reply)
    return reply, True


def ask_json(
    ask: Ask,
    schema: Mapping[str, Any],
    work: Work,
    bench: Bench,
    turn: int,
    *,
    llm: LLM | None = None,
) -> tuple[dict[str, Any], Reply, bool]:
    """Return a JSON object that matches ``schema``, the reply that holds it, and whether a call was paid for now.

    A reply that does not match is sent back once, with its errors; the reply's tokens, dollars and seconds
    are those of both. The object's form is that of ``schema``, whose type should be ``object``. Raises
    ``LLMError`` when the second reply does not match either, and what :func:`ask_once` raises.
    """
    paid = False

    def complete(question: Ask) -> Reply:
        nonlocal paid
        reply, now = ask_once(question, work, bench, turn, llm=llm)
        paid = paid or now
        return reply

    value, reply = complete_json(ask, schema, complete)
    return value, reply, paid


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


def _key(ask: Ask, work: Work, turn: int) -> str:
    """Return the name of this question in this turn of the run."""
    text = json.dumps([work.run, turn, asdict(ask)], sort_keys=True)
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


def _record(bench: Bench, ask: Ask, reply: Reply) -> None:
    if bench.recorder is not None:
        bench.recorder.add(ask, replace(reply, text=mask(reply.text, bench.secrets)))


def _storable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")
