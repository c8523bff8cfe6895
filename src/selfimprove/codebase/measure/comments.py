"""Comments: finds `# selfimprove: ignore[SI101] reason` in the text of a file."""

from __future__ import annotations

import io
import re
import tokenize
from typing import TYPE_CHECKING

from selfimprove.codebase.measure.record import Suppression

if TYPE_CHECKING:
    from collections.abc import Iterator

# `ignored` and `ignore-file` are other words. An open bracket without its end is read to the end of the line,
# so that what was meant as a rule is named as unknown instead of silencing everything.
_MARK = re.compile(
    r"#[ \t]*selfimprove[ \t]*:[ \t]*ignore(?![\w-])[ \t]*(?P<rules>\[[^\]]*\]?)?(?P<reason>.*)",
    re.IGNORECASE,
)
# Another comment may follow in the same line; `see #123` is part of a reason.
_NEXT_COMMENT = re.compile(r"\s#(?!\d).*")
_HEADS = {"def", "async", "class", "@"}
_SILENT = {tokenize.NL, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING}


def suppressions(text: str) -> tuple[Suppression, ...]:
    """Return the comments of ``text`` that silence findings, from top to bottom.

    Only real comments count; a string with the same words is none. Rules are in upper case; none is every
    rule. ``line`` is the comment's, but inside a signature or a decorator over several lines it is the line
    of the ``def``, ``class`` or ``@``: there is no other place to say it. A text that cannot be cut into tokens
    to its end gives what stands alone in its line from there on.
    """
    if not _MARK.search(text):
        return ()
    if "\r" in text:  # a line ends for Python where it does for `ast`
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    found: list[Suppression] = []
    read = 0
    try:
        for read, comment, own_line in _comments(text):
            if match := _MARK.search(comment):
                found.append(_suppression(read, match, own_line=own_line))
    except (tokenize.TokenError, SyntaxError):
        found += _standing_alone(text, found[-1].line if found else read)
    return tuple(found)


def _comments(text: str) -> Iterator[tuple[int, str, bool]]:
    """Yield line, text and "stands alone" of each comment that a mark may be in."""
    head = 0  # the line of the def, class or @ whose statement is being read
    fresh = True  # the next token is the first one of a statement
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            alone = not token.line[: token.start[1]].strip() and not head
            yield head or token.start[0], token.string, alone
        elif token.type == tokenize.NEWLINE:
            head, fresh = 0, True
        elif token.type not in _SILENT:
            if fresh and token.string in _HEADS:
                head = token.start[0]
            fresh = False


def _standing_alone(text: str, after: int) -> Iterator[Suppression]:
    for number, line in enumerate(text.split("\n"), start=1):
        match = _MARK.match(line.strip())
        if number > after and match:
            yield _suppression(number, match, own_line=True)


def _suppression(line: int, match: re.Match[str], *, own_line: bool) -> Suppression:
    brackets = match["rules"]
    rules = [] if brackets is None else brackets.strip("[]").split(",")
    reason = _NEXT_COMMENT.sub("", f" {match['reason']}").strip().lstrip(":-\u2013\u2014").strip()
    return Suppression(line, tuple(rule.strip().upper() for rule in rules), reason, own_line)
