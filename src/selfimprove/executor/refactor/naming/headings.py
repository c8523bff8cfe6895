"""Headings: the comment that stands over a run of statements, and what of it can serve as a name."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.executor.refactor.naming.words_of import (
    ARTICLES,
    BOTH,
    PREPOSITIONS,
    imperative,
    listed,
    meaningful,
    split,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selfimprove.executor.refactor.cut import Cut
    from selfimprove.executor.refactor.source import Source

_REMARK = re.compile(
    r"(?i)\b(todo|fixme|xxx|hack|bug|noqa|nosec|nosemgrep|pragma|pylint|mypy|pyright|ruff|isort|flake8|fmt|yapf)\b"
    r"|\btype:\s*|^\W*(note|nb|warning|see|cf|example|e\.g|i\.e|https?|copyright|issue|python|deprecated)\b"
    r"|[?]|#\d|https?:|>>>"
)
_NUMBERING = re.compile(r"^\s*(?:step\s+)?(?:\(?\d+[.):]|[-*=#~]+|\(?[a-z]\))\s*", re.IGNORECASE)
_RULE = re.compile(r"^[\W_]*$")
_SENTENCE = re.compile(r"(?<=[\w)'\"`])[.;:!](?:\s|$)|\s--?\s|\s[\u2013\u2014]\s|\s*\(")
_TOKEN = re.compile(r"[A-Za-z_][\w.]*(?:'\w+)?|[^\w\s]|\d+")
_LEAD = re.compile(
    r"(?i)^(?:(?:and|now|then|first|firstly|next|finally|lastly|also|here|otherwise|else|ok|okay|so|again|just|simply|"
    r"only|please|if (?:needed|necessary|possible)|[a-z]+ly|we (?:need|want|have) to|need to|we can|we should|we|"
    r"let us|let's|lets|try to|attempt to|go ahead and)\b[ ,:]*)+"
)
_SURE = re.compile(r"(?i)^make sure (?:that )?")
_SHORT = 40  # characters of a line of a comment that was ended before it was full
_FEW = 3  # statements that one comment can be about though blank lines part them
_MOST = 3  # words of an object; a longer one is a sentence of its own


class Heading(NamedTuple):
    """A comment over a run: its first sentence, its lines, whether it is no more than that, and the second one."""

    text: str
    first: int
    last: int
    whole: bool = True
    more: str = ""


def heading(source: Source, cut: Cut) -> Heading | None:
    """Return the comment directly over the cut, as one sentence; ``None`` when there is none of use.

    Of no use are remarks to people and to tools (TODO, noqa, type: ignore), code that is commented out, rules
    of dashes, and a comment that is about the first of several paragraphs.
    """
    if _has_paragraphs(source, cut, blank=True):
        return None
    found = comment_over(source, cut.statements[0])
    return found if found is None or _goes_on(source, cut, found.text) else None


def opening(source: Source, cut: Cut) -> Heading | None:
    """Return the comment over a cut of several paragraphs, when it is the only one over any of them."""
    if _has_paragraphs(source, cut, blank=False):
        return None
    found = comment_over(source, cut.statements[0])
    return found if found is None or _goes_on(source, cut, found.text) else None


def _goes_on(source: Source, cut: Cut, text: str) -> bool:
    """True when the paragraphs behind the first one have to do with what a comment over that says."""
    first, *rest = cut.statements
    later = [
        two
        for one, two in zip(cut.statements, rest, strict=False)
        if not source.line((one.end_lineno or one.lineno) + 1).strip()
    ]
    if not later or not isinstance(first, ast.For | ast.While | ast.If | ast.With | ast.Try):
        return True
    if len(rest) == 1 and _takes_up(first, rest[0]):
        return True
    said = {word.lower()[:5] for word in _TOKEN.findall(text) if len(word) > 3}
    code = source.lines(later[0].lineno, cut.statements[-1].end_lineno or later[0].lineno).lower()
    return any(word in code for word in said)


def _takes_up(first: ast.stmt, second: ast.stmt) -> bool:
    """True when a simple statement has to do with a variable that the one before it gives a value."""
    if not isinstance(second, ast.Assign | ast.Return):
        return False
    names = [node for node in ast.walk(first) if isinstance(node, ast.Name)]
    made = {name.id for name in names if isinstance(name.ctx, ast.Store)}
    return any(isinstance(node, ast.Name) and node.id in made for node in ast.walk(second))


def inner(source: Source, cut: Cut) -> Heading | None:
    """Return the comment at the top of the branch that is the whole of a cut: an ``if`` with nothing else."""
    only = cut.statements[0] if len(cut.statements) == 1 else None
    if not isinstance(only, ast.If) or only.orelse:
        return None
    first = only.body[0]
    if len(only.body) == 1 and isinstance(first, ast.If) and not first.orelse:
        first = first.body[0] if comment_over(source, first) is None else first
    return comment_over(source, first)


def comment_over(source: Source, statement: ast.stmt) -> Heading | None:
    """Return the comment directly over a statement, ``None`` for one that is of no use as a name."""
    last = statement.lineno - 1
    first = last + 1
    margin = source.indent(last + 1)
    while first > 1 and _is_comment(source.line(first - 1), margin):
        first -= 1
    if first > last:
        return None
    lines = [source.line(number).strip().lstrip("#!:").strip() for number in range(first, last + 1)]
    text = _run_on([line.strip("-=*# ") for line in lines if not _RULE.match(line)])
    if not text or _REMARK.search(text) or _is_code("\n".join(lines)):
        return None
    sentence = _sentence(text)
    bare = _NUMBERING.sub("", text).strip(" .,;:!")
    return Heading(
        sentence, first, last, sentence == bare, _sentence(bare[len(sentence) :].lstrip(" .,;:!-"))
    )


def _run_on(lines: Sequence[str]) -> str:
    """Return lines as one text; a short line before one with a capital is a sentence though it has no full stop."""
    text = ""
    for before, line in zip(("", *lines), lines, strict=False):
        ends = 0 < len(before) < _SHORT and line[:1].isupper() and before[-1:].isalnum()
        text += (". " if ends else " " if text else "") + line
    return text


def verb_phrase(text: str) -> tuple[str, ...]:
    """Return the words of "do this to that" at the beginning of ``text``; () when it does not begin with a verb."""
    tokens = _TOKEN.findall(_SURE.sub("ensure ", _LEAD.sub("", text)))
    verb = imperative(tokens[0]) if tokens else None
    if verb is None or (len(tokens) > 1 and tokens[1] in ("'", "=", "/")):
        return ()
    if verb in BOTH and len(tokens) > 1 and tokens[0] != verb.capitalize() and tokens[1].lower() in _COPULA:
        return ()
    rest = tokens[1:]
    if verb in _SEEKING and rest[:1] in (["for"], ["at"]):
        rest = rest[1:]
    if rest and rest[0].lower() in _PARTICLES:
        verb, rest = f"{verb} {rest[0].lower()}", rest[1:]
    named = _object(rest)
    return (*verb.split(), *named) if named else ()


def noun_phrase(text: str) -> tuple[str, ...]:
    """Return the words of a title ("Token filter"), () for a sentence."""
    tokens = _TOKEN.findall(_LEAD.sub("", text))
    if not tokens or imperative(tokens[0]):
        return ()
    named = _object(tokens)
    grammar = sum(token.lower() in ARTICLES for token in tokens)
    whole = len(tokens) - grammar == len(named)
    return named if whole and len(named) <= 2 else ()


_COPULA = frozenset(["is", "are", "was", "were", "has", "have", "will", "can", "may", "should", "must"])


_MEASURES = ("number", "amount", "list", "set", "rest", "kind", "bunch", "couple")
_SEEKING = ("check", "look", "search", "test")
_PARTICLES = ("up", "down", "out", "off")


def case_in(text: str) -> tuple[str, ...]:
    """Return what "this is a ..." at the beginning of a comment says that it is about; () for another comment."""
    found = re.match(
        r"(?i)(?:it|this|that|we) (?:is|was|has|have|got) (?:an? |the )?([a-z_]+(?: [a-z_]+)?)$", text
    )
    return _object(_TOKEN.findall(found[1])) if found else ()


def _object(tokens: list[str]) -> tuple[str, ...]:
    """Return the words of the thing that comes first, up to a preposition or a mark."""
    found: list[str] = []
    for token in tokens:
        low = token.lower()
        if low in _SMALL or (low in _IN_FRONT and not found):
            continue
        if low.endswith("'s"):  # the item's indent is an indent
            found.clear()
        elif low == "of" and (not found or found[-1] in _MEASURES):
            found[-1:] = []
        elif low in PREPOSITIONS | _ENDS or not token[0].isalpha():
            break
        else:
            found += split(token)
    fits = len(found) <= _MOST and "".join(found).isalpha()
    return tuple(found) if fits and any(map(meaningful, found)) else ()


_ENDS = listed(
    "that and or not found once twice again always never here there now anyway too instead ourselves"
)
_IN_FRONT = ("that", "`", "'", '"', "*")
"""What is passed over in front of a thing, and ends it behind."""
_SMALL = listed("only also just whole entire given actual own possible both") | ARTICLES - {"that"}


def _is_comment(line: str, margin: str) -> bool:
    return line.startswith(margin + "#")


def _has_paragraphs(source: Source, cut: Cut, *, blank: bool) -> bool:
    """True when what stands over the statements is about the first of them only.

    That is so when another comment stands between them, and (with ``blank``) when blank lines part many.
    """
    pairs = zip(cut.statements, cut.statements[1:], strict=False)
    between = [
        text.strip()
        for one, two in pairs
        for text in map(source.line, range((one.end_lineno or one.lineno) + 1, two.lineno))
    ]
    return any(text.startswith("#") for text in between) or (
        blank and "" in between and len(cut.statements) > _FEW
    )


def _sentence(text: str) -> str:
    """Return the first sentence, without its number and its full stop."""
    text = _NUMBERING.sub("", text).strip()
    return _SENTENCE.split(text, maxsplit=1)[0].strip(" .,;:!")


def _is_code(text: str) -> bool:
    """True for a comment that is a statement of Python; a word alone is none."""
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return text.rstrip().endswith((":", "\\")) and " " not in text.strip(": ")
    return not all(isinstance(one, ast.Expr) and isinstance(one.value, ast.Name) for one in body)
