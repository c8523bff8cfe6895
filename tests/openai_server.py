"""A real HTTP server on loopback that speaks the OpenAI chat completions protocol and misbehaves on request.

In a test::

    with OpenAIServer(["first reply", rate_limited(after="1"), "second reply"]) as server:
        LitellmBackend("openai/test-model", base_url=server.url)
        ...
        server.requests[0].body["messages"]

As a program, for trying the product by hand (it prints its base URL and serves until Ctrl-C)::

    python tests/openai_server.py --replies file.yml

where ``file.yml`` has the scripted backend's form; every entry may also carry the fields of :class:`Answer`
(``status``, ``headers``, ``delay``, ...). Entries are used up from the top, each by the first request that
contains its ``contains``; ``task`` and ``purpose`` are not part of the protocol and are not looked at.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Answer:
    """What one request gets. Usage is length/4, at least 1, unless stated; ``usage=False`` leaves it out.

    ``delay`` is seconds before the first byte and ``drip`` seconds between single bytes of the body.
    ``raw`` replaces the body, ``cut`` sends only so many of its bytes although more are announced, ``drop``
    closes the connection without a byte, ``hang`` answers nothing until the server is closed. Who asks for a
    stream gets one unless ``streams`` is false; ``stall`` sends its first half only and then nothing, and a
    stream with an empty ``finish_reason`` ends without saying so. ``details`` are further fields of the usage.
    """

    text: str | None = "ok"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    finish_reason: str = "stop"
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    usage: bool = True
    error: dict[str, Any] | None = None
    raw: bytes | None = None
    delay: float = 0.0
    drip: float = 0.0
    cut: int | None = None
    drop: bool = False
    hang: bool = False
    streams: bool = True
    stall: bool = False
    details: dict[str, Any] = field(default_factory=dict)


def failure(status: int, message: str, code: str | None = None, **headers: str) -> Answer:
    """An error as OpenAI words it."""
    error = {"message": message, "type": "error", "param": None, "code": code}
    return Answer(status=status, error=error, headers={k.replace("_", "-"): v for k, v in headers.items()})


def rate_limited(after: str | None = None) -> Answer:
    """429, with ``Retry-After`` when ``after`` (seconds or an HTTP date) is given."""
    return failure(
        429, "Rate limit reached", "rate_limit_exceeded", **({"Retry_After": after} if after else {})
    )


def server_error(status: int = 500) -> Answer:
    """A fault on the server's side."""
    return failure(status, "The server had an error")


def truncated(text: str = "a reply that never ends") -> Answer:
    """200 and a body that stops in the middle, with the connection."""
    return Answer(text, cut=40)


def half_json() -> Answer:
    """200 and a complete HTTP body that is half a JSON document."""
    return Answer(raw=b'{"id": "x", "object": "chat.completion", "choices": [{"index": 0, "mess')


def malformed() -> Answer:
    """200 and a body that is not JSON."""
    return Answer(raw=b"<html>bad gateway</html>")


def no_choices(**usage: int) -> Answer:
    """200, valid JSON, nothing in it but ``usage``, when given (``prompt_tokens=...``)."""
    billed = {"usage": usage} if usage else {}
    return Answer(raw=json.dumps(_completion(Answer(usage=False), {}, choices=[], **billed)).encode())


@dataclass(frozen=True)
class Request:
    """One recorded request; header names are in lower case."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


Answers = Iterable[Answer | str] | Callable[[dict[str, Any]], Answer | str]


class OpenAIServer:
    """Serves from ``__enter__`` to ``__exit__``. ``answers`` come in order, or from a function of the body.

    When the list is used up, a request gets 400 with a sentence that says so. ``answered`` is called with the
    body of a request once the last byte of its answer is out.
    """

    def __init__(
        self, answers: Answers, port: int = 0, answered: Callable[[dict[str, Any]], None] | None = None
    ) -> None:
        self.answered = answered
        self._choose = answers if callable(answers) else _in_order(answers)
        self._lock = threading.Lock()
        self.requests: list[Request] = []
        self.closing = threading.Event()
        self._http = _Http(("127.0.0.1", port), _Handler)
        self._http.owner = self  # type: ignore[attr-defined]
        self.port = self._http.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/v1"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> OpenAIServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def take(self, request: Request) -> Answer:
        """Record ``request`` and return its answer."""
        with self._lock:
            self.requests.append(request)
            answer = self._choose(request.body)
        return Answer(answer) if isinstance(answer, str) else answer


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing when a client hangs up, as it does on a reply that is too large or too slow."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        owner: OpenAIServer = self.server.owner  # type: ignore[attr-defined]
        if not self.path.endswith("/chat/completions"):
            answer = failure(404, f"no such path: {self.path}")
        else:
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = owner.take(Request(self.path, headers, body))
        try:
            self._send(answer, body, owner.closing)
        except OSError:
            self.close_connection = True
        else:
            if owner.answered:
                owner.answered(body)

    def _send(self, answer: Answer, request: dict[str, Any], closing: threading.Event) -> None:
        if answer.hang:
            closing.wait()
        if answer.drop or answer.hang:
            self.close_connection = True
            return
        closing.wait(answer.delay)
        streamed = (
            bool(request.get("stream")) and answer.streams and not (answer.error or answer.raw is not None)
        )
        body = _stream(answer, request) if streamed else _body(answer, request)
        self.send_response(answer.status)
        kind = "text/event-stream" if streamed else "application/json"
        for name, value in {"Content-Type": kind, **answer.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if answer.cut is not None:
            self.close_connection = True
            body = body[: answer.cut]
        if answer.stall:
            self.wfile.write(body[: len(body) // 2])
            self.close_connection = True
            closing.wait()
            return
        step = 1 if answer.drip else max(1, len(body))
        for start in range(0, len(body), step):
            self.wfile.write(body[start : start + step])
            if answer.drip and closing.wait(answer.drip):
                return

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is http.server's
        """Say nothing: the requests are recorded."""


def _body(answer: Answer, request: dict[str, Any]) -> bytes:
    if answer.raw is not None:
        return answer.raw
    return json.dumps({"error": answer.error} if answer.error else _completion(answer, request)).encode()


def _stream(answer: Answer, request: dict[str, Any]) -> bytes:
    """The reply as OpenAI streams it: its text in pieces, the reason for its end, the usage, the end."""
    whole = _completion(answer, request)
    usage = whole.pop("usage", None)
    chunk = {**whole, "object": "chat.completion.chunk"}
    text = answer.text or ""
    step = max(4, len(text) // 200)
    deltas: list[tuple[dict[str, Any], str | None]] = [({"role": "assistant", "content": ""}, None)]
    deltas += [({"content": text[at : at + step]}, None) for at in range(0, len(text), step)]
    deltas += [({}, answer.finish_reason)] if answer.finish_reason else []
    parts = [
        {**chunk, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}
        for delta, reason in deltas
    ]
    if usage and (request.get("stream_options") or {}).get("include_usage"):
        parts.append({**chunk, "choices": [], "usage": usage})
    lines = [json.dumps(part) for part in parts] + (["[DONE]"] if answer.finish_reason else [])
    return "".join(f"data: {line}\n\n" for line in lines).encode()


def _completion(answer: Answer, request: dict[str, Any], **changed: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": answer.text}
    completion: dict[str, Any] = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": request.get("model", ""),
        "choices": [{"index": 0, "message": message, "finish_reason": answer.finish_reason}],
    }
    if answer.usage:
        asked = sum(len(str(part.get("content", ""))) for part in request.get("messages", ())) // 4
        prompt = max(1, asked) if answer.prompt_tokens is None else answer.prompt_tokens
        said = (
            max(1, len(answer.text or "") // 4)
            if answer.completion_tokens is None
            else answer.completion_tokens
        )
        completion["usage"] = {
            "prompt_tokens": prompt,
            "completion_tokens": said,
            "total_tokens": prompt + said,
            **answer.details,
        }
    return completion | changed


def _in_order(answers: Iterable[Answer | str]) -> Callable[[dict[str, Any]], Answer | str]:
    rest = iter(answers)
    return lambda body: next(rest, failure(400, "the test server has no more replies"))


def answers_from(path: Path) -> Callable[[dict[str, Any]], Answer]:
    """Read a replies file; see the module's docstring for how an entry is chosen."""
    import yaml

    known = {item.name for item in fields(Answer)}
    entries = yaml.safe_load(path.read_text(encoding="utf-8"))["replies"]

    def choose(body: dict[str, Any]) -> Answer:
        prompt = "\n".join(str(message.get("content", "")) for message in body.get("messages", ()))
        for position, entry in enumerate(entries):
            if str(entry.get("contains", "")) in prompt:
                del entries[position]
                text = (
                    entry["reply"]
                    if "reply" in entry
                    else (path.parent / entry["reply_file"]).read_text("utf-8")
                )
                return Answer(**{"text": text} | {k: v for k, v in entry.items() if k in known})
        return failure(400, f"no reply left in {path} for this prompt")

    return choose


def main() -> None:
    """Serve a replies file until Ctrl-C."""
    parser = argparse.ArgumentParser(description="An OpenAI-speaking server with recorded replies.")
    parser.add_argument("--replies", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    with OpenAIServer(answers_from(options.replies), options.port) as server:
        print(server.url, flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
