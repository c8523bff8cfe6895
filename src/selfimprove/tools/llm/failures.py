"""What an exception that comes out of litellm means: try again, give up, or fetch a key."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from selfimprove.errors import NeedsKey, SelfimproveError
from selfimprove.tools.llm.client import MAX_REPLY, CallFailed
from selfimprove.tools.llm.waits import asked_to_wait
from selfimprove.tools.shell.masking import mask

if TYPE_CHECKING:
    from collections.abc import Iterator

_CLASS_NAME = r"(?:litellm\.)?\w*(?:Error|Exception|Timeout)"
_CLASS_NAMES = re.compile(rf"^(?:(?:{_CLASS_NAME}\s+)*{_CLASS_NAME}(?: -|:)\s+)+")
_BODY_MESSAGE = re.compile(r'"message":\s*"((?:[^"\\]|\\.)+)"')
_NOT_SENT = frozenset(
    {
        "ConnectError",
        "ConnectTimeout",
        "PoolTimeout",
        "ProxyError",
        "UnsupportedProtocol",
        "LocalProtocolError",
    }
)
_TIMED_OUT = frozenset({"ReadTimeout", "WriteTimeout", "Timeout"})
_BROKEN = frozenset({"RemoteProtocolError", "ReadError", "WriteError", "CloseError"})
_PASSING = frozenset({408, 409, 425, 429})  # with all of 5xx: states of the server that pass
_IDLE = frozenset({503, 529})  # refused before any work, other than the rest of 5xx
_OURS = frozenset({400, 413, 422})
_STATED = frozenset({400, 401, 403, 404, 413, 429})
_HINTS = {
    403: "may this key use this model? see llm.model",
    404: "check llm.model and llm.base_url",
    413: "the question is too long: name fewer files in the task",
    429: "run again later, or ask for a higher rate limit",
}


class ReplyTooLarge(Exception):
    """The body of a reply passed ``MAX_REPLY`` while it was read."""


class ReplyUnreadable(Exception):
    """The body of a reply is not what was asked for; the text says what it is."""


class ReplyStopped(Exception):
    """A streamed reply ended before its end."""


@dataclass(frozen=True, slots=True)
class Call:
    """The call that failed: who was asked, and how.

    ``secrets`` are not to be shown. ``variable`` is where the key is kept as a rule, ``""`` when that is
    not known. ``timeout`` and ``stall`` are the seconds that the call and one silence in it may take.
    ``worst`` is the most that the call can cost, in tokens and dollars.
    """

    model: str
    server: str
    secrets: tuple[str, ...]
    variable: str
    timeout: float
    worst: tuple[int, float | None]
    stall: float = 0.0


def explain(error: Exception, call: Call) -> CallFailed | SelfimproveError:
    """Return what to raise for ``error``, secrets masked, with the cost of a call that may be billed."""
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, SelfimproveError):  # our own (a signal came) and wrapped on its way by litellm
            return cause
        if isinstance(cause, ReplyTooLarge):
            return too_large(call.worst)
    status = _status(causes)
    if status is not None:
        return _refused(status, causes, call)
    return _broken(causes, call)


def too_large(cost: tuple[int, float | None]) -> CallFailed:
    """Return the failure of a reply over ``MAX_REPLY``."""
    message = f"the model's reply is larger than {MAX_REPLY // 1_000_000} MB"
    return CallFailed(message, hint="check llm.base_url: is a model answering there?", cost=cost)


def _refused(status: int, causes: list[BaseException], call: Call) -> CallFailed | SelfimproveError:
    """Return the meaning of an HTTP status other than 200."""
    said = _words(causes[0], call)
    if status == 401:
        return _needs_key(said, call)
    message = f"the model's server answered {status}: {said}"
    # A server that breaks down, or a gateway that no longer waits, may leave the work on the bill.
    cost = call.worst if status == 408 or (status >= 500 and status not in _IDLE) else (0, 0.0)
    if any(type(cause).__name__ == "ContextWindowExceededError" for cause in causes):
        hint = "name fewer files in the task, or choose a model with a longer context: llm.model"
        return CallFailed(f"the question is too long for the model: {said}", hint=hint)
    if any(getattr(cause, "code", None) == "insufficient_quota" for cause in causes):
        return CallFailed(message, hint="add credit to the account, or use another key")
    again = status in _PASSING or status >= 500
    hint = _HINTS.get(status, "run again later" if again else "check llm.model and llm.base_url")
    wait = _retry_after(causes) if again else None
    return CallFailed(message, hint=hint, again=again, wait=wait, cost=cost, ours=status in _OURS)


def _needs_key(said: str, call: Call) -> NeedsKey:
    hint = f"export {call.variable}=..., with a valid key" if call.variable else "check the provider's key"
    return NeedsKey(f"the model's server refused the key: {said}", where=call.model, hint=hint)


def _broken(causes: list[BaseException], call: Call) -> CallFailed:
    """Return the meaning of a call that ended without an HTTP status, or whose reply made no sense."""
    names = {type(cause).__name__ for cause in causes}
    if names & _NOT_SENT:
        hint = f"is a server listening at {mask(call.server, call.secrets)}? see llm.base_url"
        return CallFailed("cannot connect to the model's server", hint=hint, again=True, sent=False)
    # From here on the request may have been served, and then it is on the bill.
    if "ReplyStopped" in names:
        message, hint = "the model's reply stopped in the middle", "run again later"
    elif names & _TIMED_OUT:
        message, hint = _too_long(causes, call)
    elif names & _BROKEN:
        message, hint = "the connection to the model broke", "run again later"
    else:
        said = _words(causes[0], call)
        message, hint = f"the model's reply cannot be read: {said}", "check llm.base_url and llm.model"
    return CallFailed(message, hint=hint, again=True, cost=call.worst)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield ``error`` and what led to it, outermost first."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__


def _status(causes: list[BaseException]) -> int | None:
    """Return the HTTP status that the server sent, if it sent one other than 200.

    litellm makes up a status where there was none: 500 for a broken connection, 408 for a time-out, 422 for
    a reply that it cannot read. Its own word counts only for the statuses that it does not make up.
    """
    for cause in causes:
        if type(cause).__name__ == "HTTPStatusError":
            return int(cause.response.status_code)  # type: ignore[attr-defined]
    stated = getattr(causes[0], "status_code", None)
    return stated if stated in _STATED else None


def _too_long(causes: list[BaseException], call: Call) -> tuple[str, str]:
    """Return which time limit was passed: that of the whole call, or that of a silence in it."""
    if call.stall and call.stall < call.timeout and not any("does not end" in str(one) for one in causes):
        return f"the model was silent for longer than {call.stall:g} s", "raise llm.stall_timeout"
    return f"the model took longer than {call.timeout:g} s", "raise llm.timeout"


def _retry_after(causes: list[BaseException]) -> float | None:
    """Return the seconds that the server asks to wait, from the first of ``causes`` that came with headers."""
    for cause in causes:
        headers: Any = getattr(getattr(cause, "response", None), "headers", None)
        wait = (
            asked_to_wait({str(name).lower(): str(value) for name, value in headers.items()})
            if headers
            else None
        )
        if wait is not None:
            return wait
    return None


def _words(error: BaseException, call: Call) -> str:
    """Return what ``error`` says in one line, without class names, JSON and secrets, cut to size."""
    text = str(error).strip()[:4000]
    message = _BODY_MESSAGE.search(text)
    said = message[1] if message else _CLASS_NAMES.sub("", text)
    return mask(next(iter(said.splitlines()), ""), call.secrets)[:200] or type(error).__name__
