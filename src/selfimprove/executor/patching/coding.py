"""Coding: a file's bytes as text and back, so that encoding, byte order mark and line ends stay the file's own."""

from __future__ import annotations

import codecs
import contextlib
import io
import tokenize
from typing import NamedTuple

from selfimprove.errors import PatchError

LARGEST = 10_000_000
"""Bytes of a file from which on it is not edited."""

_MARKS = (  # the longer mark first: that of UTF-32 begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class Coded(NamedTuple):
    """A file's characters, without its byte order mark, and what makes bytes of them again."""

    text: str
    encoding: str = "utf-8"
    bom: bytes = b""


def decoded(content: bytes, path: str) -> Coded:
    """Return a text file's characters: as its byte order mark or its first lines (PEP 263) say, else UTF-8 or Latin-1.

    An encoding counts only when it gives the same bytes back. Raises PatchError for a file that is not text
    or has more than LARGEST bytes.
    """
    if len(content) > LARGEST:
        raise PatchError(
            f"{path} has {len(content):,} bytes; files of at most {LARGEST:,} are edited", where=path
        )
    for mark, encoding in _MARKS:
        if content.startswith(mark) and (text := _exactly(content[len(mark) :], encoding)) is not None:
            if "\0" in text:
                break
            return Coded(text, encoding, mark)
    if b"\0" in content:
        raise PatchError(f"{path} is a binary file", where=path, hint="only text files can be edited")
    for encoding in (_declared(content), "utf-8"):
        if (text := _exactly(content, encoding)) is not None:
            return Coded(text, encoding)
    return Coded(content.decode("latin-1"), "latin-1")


def decode(content: bytes, path: str) -> tuple[str, str]:
    """Return a text file's characters and the name of its encoding. Raises PatchError as decoded does."""
    coded = decoded(content, path)
    return coded.text, coded.encoding


def encoded(text: str, coded: Coded, path: str) -> bytes:
    """Return ``text`` as bytes of the file that ``coded`` was read from.

    Raises PatchError when its encoding lacks a character.
    """
    try:
        return coded.bom + text.encode(coded.encoding)
    except UnicodeEncodeError as error:
        bad = text[error.start : error.end][:10]
        raise PatchError(
            f"{path} is written in {coded.encoding}, which has no {bad!r}",
            where=path,
            hint="use characters that the file's encoding has",
        ) from None


def newline_of(text: str) -> str:
    r"""Return how most lines of ``text`` end: ``\r\n``, or ``\n``, which is also for a text of one line."""
    return "\r\n" if text.count("\r\n") * 2 > text.count("\n") else "\n"


def split(text: str) -> list[str]:
    r"""Return the lines with their ends. They end at ``\n`` only; ``str.splitlines`` cuts at form feeds too."""
    lines = text.split("\n")
    last = lines.pop()
    return [f"{line}\n" for line in lines] + ([last] if last else [])


def _exactly(content: bytes, encoding: str) -> str | None:
    """Return the text that ``encoding`` makes of ``content`` and makes the same bytes of again."""
    with contextlib.suppress(UnicodeError, LookupError, ValueError):
        text = content.decode(encoding)
        if encoding == "utf-8" or text.encode(encoding) == content:
            return text
    return None


def _declared(content: bytes) -> str:
    try:
        return tokenize.detect_encoding(io.BytesIO(content[:1000]).readline)[0]
    except SyntaxError:
        return "utf-8"
