"""The HTTP client that litellm is given: replies end in time and within bounds, and what streams is passed on."""

from __future__ import annotations

import contextlib
import json
import time
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from selfimprove.tools.llm.client import MAX_REPLY
from selfimprove.tools.llm.failures import ReplyTooLarge, ReplyUnreadable

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

# The body is decoded by now, which three of these would deny; the fourth is the redirect.
_NOT_PASSED_ON = ("content-encoding", "content-length", "transfer-encoding", "location")
_STREAMS = ("text/event-stream", "application/vnd.amazon.eventstream", "application/x-ndjson")


@dataclass(frozen=True, slots=True)
class Bounds:
    """What holds for the call that this thread makes: the moment (monotonic) at which it has to be over, the
    seconds that one silence may take, and whether a stream was asked for.
    """

    deadline: float
    silence: float
    stream: bool


_bounds: ContextVar[Bounds | None] = ContextVar("bounds", default=None)


@contextlib.contextmanager
def bounded(bounds: Bounds) -> Iterator[None]:
    """Let ``bounds`` hold for the requests that this thread makes in the ``with`` block."""
    before = _bounds.set(bounds)
    try:
        yield
    finally:
        _bounds.reset(before)


def bounded_http() -> tuple[httpx.Client, httpx.BaseTransport]:
    """Return an HTTP client that keeps the bounds, and a transport through it.

    Redirects are not followed: only the server that the person named is asked.
    """
    import httpx

    class Passing(httpx.SyncByteStream):
        """A body that comes piece by piece, within the bounds."""

        def __init__(self, response: httpx.Response, bounds: Bounds | None) -> None:
            self.response = response
            self.bounds = bounds

        def __iter__(self) -> Iterator[bytes]:
            yield from _parts(self.response, self.bounds)

        def close(self) -> None:
            self.response.close()

    class Bounded(httpx.Client):
        def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
            bounds = _bounds.get()
            if bounds is not None:
                seconds = max(0.001, min(bounds.silence, bounds.deadline - time.monotonic()))
                request.extensions["timeout"] = dict.fromkeys(("connect", "read", "write", "pool"), seconds)
            response = super().send(request, **{**options, "stream": True, "follow_redirects": False})
            headers = response.headers.copy()
            for name in _NOT_PASSED_ON:
                headers.pop(name, None)
            kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            if bounds is not None and bounds.stream and response.status_code == 200 and kind in _STREAMS:
                body = Passing(response, bounds)
                return httpx.Response(200, headers=headers, stream=body, request=request)
            try:
                whole = b"".join(_parts(response, bounds))
            finally:
                response.close()
            if bounds is not None and bounds.stream and response.is_success:
                headers["content-type"] = _STREAMS[0]
                whole = _as_stream(whole)
            return httpx.Response(response.status_code, headers=headers, content=whole, request=request)

    class Through(httpx.BaseTransport):
        def __init__(self, client: httpx.Client) -> None:
            self.client = client

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            return self.client.send(request)

    client = Bounded()
    return client, Through(client)


def _parts(response: httpx.Response, bounds: Bounds | None) -> Iterator[bytes]:
    """Yield the decoded body; raise when it is too large or does not end in time."""
    import httpx

    size = 0
    for part in response.iter_bytes():
        size += len(part)
        if size > _most(bounds):
            raise ReplyTooLarge
        if bounds is not None and time.monotonic() > bounds.deadline:
            raise httpx.ReadTimeout("the reply does not end", request=response.request)
        yield part


def _most(bounds: Bounds | None) -> int:
    """Return the most bytes of a body: a stream wraps every few letters into a hundred bytes of its own."""
    return MAX_REPLY * (20 if bounds is not None and bounds.stream else 1)


def _as_stream(body: bytes) -> bytes:
    """Return as a stream what a server that knows none has answered in OpenAI's form.

    Raises ``ReplyUnreadable`` for anything else: it would pass for a stream that says nothing.
    """
    if len(body) > MAX_REPLY:
        raise ReplyTooLarge
    try:
        said = json.loads(body)
        chunk = {**said, "object": "chat.completion.chunk"}
        chunk["choices"] = [_delta(choice) for choice in said["choices"]]
    except (ValueError, TypeError, LookupError, RecursionError):
        raise ReplyUnreadable(_outline(body)) from None
    end = b"data: [DONE]\n\n" if chunk["choices"] else b""  # what holds no answer has no end either
    return b"data: " + json.dumps(chunk).encode() + b"\n\n" + end


def _delta(choice: dict[str, Any]) -> dict[str, Any]:
    message = choice["message"] or {}
    rest = {name: value for name, value in choice.items() if name != "message"}
    delta = {"role": "assistant", "content": message.get("content")}
    return {"index": 0, **rest, "delta": delta, "finish_reason": choice.get("finish_reason") or "stop"}


def _outline(body: bytes) -> str:
    """Return the beginning of a body that makes no sense, in one line."""
    text = body[:300].decode("utf-8", "replace")
    with contextlib.suppress(ValueError, TypeError, LookupError, RecursionError):
        text = str(json.loads(body)["error"]["message"])
    return " ".join(text.split()) or "it is empty"
