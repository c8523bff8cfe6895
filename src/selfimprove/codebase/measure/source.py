"""Source: the bytes of one file, read without waiting, decoded as Python does and parsed in silence."""

from __future__ import annotations

import ast
import io
import os
import re
import stat
import tokenize
import warnings
from typing import TYPE_CHECKING, Any, cast

from selfimprove.codebase.measure.record import MeasureError

if TYPE_CHECKING:
    from pathlib import Path

LARGEST = 10_000_000
"""Files of more bytes than this are data: they are not parsed."""

# The parser reports its warnings for this name. It is no module's, so that the filter below, which is set for
# good, silences nothing else; one that is taken back after each file would not be safe among threads.
_PARSED_AS = "<source that is measured>"
_SILENCE = re.compile(re.escape(_PARSED_AS))


def read_source(path: Path) -> bytes:
    """Return the bytes of a regular file. Raises MeasureError for what is none or is over LARGEST, and OSError.

    O_NONBLOCK because opening a pipe would wait for its writer.
    """
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise MeasureError("it is not a regular file")
        refuse_data(found.st_size)
        return file.read()


def refuse_data(size: int) -> None:
    """Raise MeasureError for a file of ``size`` bytes that is too large to be a program."""
    if size > LARGEST:
        raise MeasureError(f"it has {size:,} bytes; files over {LARGEST:,} are taken for data")


def decode(source: bytes) -> str:
    """Decode by byte order mark or PEP 263 cookie, else UTF-8; every end of a line becomes ``\\n``.

    Raises MeasureError with the reason, and the line where there is one.
    """
    if source.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise MeasureError("it is UTF-16, which Python does not read")
    try:
        text = source.decode(_encoding(source))
    except UnicodeDecodeError as error:
        line = source.count(b"\n", 0, error.start) + 1
        raise MeasureError(f"line {line}: not {error.encoding}, and no other encoding is declared") from error
    except (SyntaxError, LookupError, ValueError) as error:
        raise MeasureError(f"its encoding: {error}") from error
    if "\0" in text:
        raise MeasureError("it contains null bytes")
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _encoding(source: bytes) -> str:
    """Return the encoding that Python reads ``source`` with."""
    second = source.find(b"\n", source.find(b"\n") + 1)
    head = source if second < 0 else source[:second]
    if b"coding" not in head and not head.startswith(b"\xef\xbb\xbf"):
        return "utf-8"
    return tokenize.detect_encoding(io.BytesIO(source).readline)[0]


def parse(text: str) -> ast.Module:
    """Return the syntax tree of ``text``, as ``ast.parse`` does. Raises what that raises; it never warns."""
    if not warnings.filters or _of_filter(warnings.filters[0]) != _SILENCE:
        warnings.filterwarnings("ignore", module=_SILENCE.pattern)
    tree = compile(text, _PARSED_AS, "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
    return cast("ast.Module", tree)


def _of_filter(one: Any) -> object:
    """Return the pattern of the module that a filter is for."""
    return one[3]
