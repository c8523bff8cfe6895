"""Reference: radon's own counting for the texts that only it can be trusted with."""

from __future__ import annotations

import io
import re
import tokenize
from typing import TYPE_CHECKING

from selfimprove.codebase.measure.record import MeasureError, Raw

if TYPE_CHECKING:
    from collections.abc import Iterator

    Chunk = tuple[list[tokenize.TokenInfo], list[str]]

# str.splitlines, and so radon, takes these for ends of lines; Python does not.
_FALSE_LINE_ENDS = str.maketrans(dict.fromkeys("\v\f\x1c\x1d\x1e\x85\u2028\u2029", " "))
_NO_NAME = re.compile(r"[^\x00-\x7f\w]")
_LOST_BACKSLASH = re.compile(r"\\\n(?=[ \t]*(?:\n|\Z))")


def count(text: str) -> Raw:
    """Return radon's raw counts of ``text``, which Python has parsed.

    Where radon gives up (a false end of a line inside a string, a name with characters that tokenize does
    not know, a backslash before the end) the text is counted as if it had an ordinary character there.
    Raises MeasureError for what then cannot be cut into tokens either.
    """
    try:
        return _count(text)
    except (tokenize.TokenError, SyntaxError):
        plain = _NO_NAME.sub("_", text.translate(_FALSE_LINE_ENDS))
        plain = _LOST_BACKSLASH.sub("\n", plain)
    try:
        return _count(plain)
    except (tokenize.TokenError, SyntaxError) as error:
        raise MeasureError(f"its lines cannot be counted: {error}") from error


def _count(text: str) -> Raw:
    """Do what ``radon.raw.analyze`` does with each chunk; that finds the chunks in quadratic time."""
    from radon.raw import _logical, is_single_token

    lloc = sloc = comments = multi = blank = single = 0
    end = tokenize.TokenInfo(tokenize.ENDMARKER, "", (0, 0), (0, 0), "")
    for tokens, lines in _chunks([line.strip() for line in text.splitlines()]):
        tokens.append(end)
        empty = lines.count("")
        blank += empty
        comments += sum(token.type == tokenize.COMMENT for token in tokens)
        if is_single_token(tokenize.COMMENT, tokens):
            single += 1
            blank -= empty
        elif not is_single_token(tokenize.STRING, tokens):
            sloc += len(lines) - empty
        elif tokens[0].start[0] == tokens[0].end[0]:
            single += 1
            blank -= empty
        else:
            multi += len(lines) - empty
        lloc += _logical(tokens)
    return Raw(sloc + blank + multi + single, lloc, sloc, comments, multi, blank, single)


def _chunks(lines: list[str]) -> Iterator[Chunk]:
    """Yield the tokens and lines of each logical line, comment line and empty line.

    These are the shortest runs of lines that tokenize alone, which is how radon finds them: an open bracket,
    an open string or a backslash at its end needs the next line. A backslash before an empty line does not
    tokenize alone either, and takes the next chunk with it. Raises SyntaxError or TokenError as radon would.
    """
    depth = start = 0
    chunk: list[tokenize.TokenInfo] = []
    for token in tokenize.generate_tokens(io.StringIO("\n".join(lines)).readline):
        if token.type == tokenize.ERRORTOKEN:
            raise SyntaxError(f"line {token.start[0]}: {token.string!r}")
        chunk.append(token)
        if token.type == tokenize.OP:
            depth += (token.string in "([{") - (token.string in ")]}")
        elif token.type == tokenize.NEWLINE or (token.type == tokenize.NL and not depth):
            row = token.start[0]
            if row > start + 1 and not lines[row - 1] and lines[row - 2].endswith("\\"):
                continue
            yield chunk, lines[start:row]
            chunk, start = [], row
    rest = [token for token in chunk if token.type != tokenize.ENDMARKER]
    yield from [(rest, lines[start:])] if rest else (([], [line]) for line in lines[start:])
