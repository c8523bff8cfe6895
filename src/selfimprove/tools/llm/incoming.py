"""What comes in from litellm, whole or piece by piece: the text, the bill, and whether it came to its end."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from selfimprove.tools.llm.client import MAX_REPLY
from selfimprove.tools.llm.failures import ReplyStopped, ReplyTooLarge
from selfimprove.tools.llm.prices import Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_BETWEEN = 0.25  # seconds between two words on how far a reply is
_LETTERS = 4  # of a token, for showing how far a reply is


@dataclass(frozen=True, slots=True)
class Incoming:
    """A reply as it came. ``usage`` is ``None`` when the server did not say; ``answered``: it holds an answer."""

    text: str
    usage: Usage | None
    model: str
    finish_reason: str
    answered: bool


def from_response(response: Any) -> Incoming:
    """Return a reply that came whole."""
    choice = next(iter(getattr(response, "choices", None) or ()), None)
    message = getattr(choice, "message", None)
    text = getattr(message, "content", None) or ""
    reason = str(getattr(choice, "finish_reason", None) or "stop")
    model = str(getattr(response, "model", None) or "")
    return Incoming(text, _usage([response]), model, reason, message is not None)


def from_stream(stream: Any, heard: Callable[[int], None] | None) -> Incoming:
    """Return a reply that comes as a stream, calling ``heard`` with its tokens so far, some times a second.

    Raises what litellm raises, ``ReplyStopped`` for a stream that ends before it says that it ends, and
    ``ReplyTooLarge``.
    """
    texts: list[str] = []
    size, told = 0, time.monotonic()
    model = ""
    reason = ""
    for chunk in stream:
        model = model or str(getattr(chunk, "model", None) or "")
        for choice in getattr(chunk, "choices", None) or ():
            text = getattr(getattr(choice, "delta", None), "content", None) or ""
            texts.append(text)
            size += len(text)
            reason = str(getattr(choice, "finish_reason", None) or reason)
        if size > MAX_REPLY:
            raise ReplyTooLarge
        if heard and time.monotonic() - told >= _BETWEEN:
            told = time.monotonic()
            heard(size // _LETTERS)
    # litellm makes up a last chunk with "stop" where the server sent none.
    ended = getattr(stream, "received_finish_reason", reason)
    usage = _usage(getattr(stream, "chunks", ()))
    if not ended and size:
        raise ReplyStopped
    return Incoming("".join(texts), usage, model, reason or "stop", bool(ended))


def _usage(chunks: Iterable[Any]) -> Usage | None:
    """Return the usage that the server stated, ``None`` when it did not, or only in part.

    Some providers say it in several pieces, each with what is known by then; so the most counts.
    """
    found = [usage for chunk in chunks if (usage := getattr(chunk, "usage", None)) is not None]
    prompt, completion = (_most(found, f"{side}_tokens") for side in ("prompt", "completion"))
    if not prompt or not completion:  # litellm's way to say that the server did not say
        return None
    details = [one for usage in found if (one := getattr(usage, "prompt_tokens_details", None)) is not None]
    cached = max(_most(details, "cached_tokens"), _most(found, "cache_read_input_tokens"))
    written = max(_most(details, "cache_creation_tokens"), _most(found, "cache_creation_input_tokens"))
    return Usage(prompt, completion, cached, written)


def _most(things: Iterable[Any], name: str) -> int:
    values = (getattr(thing, name, None) for thing in things)
    return max((value for value in values if isinstance(value, int) and value > 0), default=0)
