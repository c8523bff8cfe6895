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
_FEW = 3  # statements that one comment can be about though blank lines part them
_MOST = 3  # words of an object; a longer one is a sentence of its own


class Heading(NamedTuple):
    """A comment over a run: its sentence, its lines, and whether it is about the whole of the run."""

    text: str
    first: int
    last: int


def heading(source: Source, cut: Cut) -> Heading | None:
    """Return the comment directly over the cut, as one sentence; ``None`` when there is none of use.

    Of no use are remarks to people and to tools (TODO, noqa, type: ignore), code that is commented out, rules
    of dashes, and a comment that is about the first of several paragraphs.
    """
    return None if _has_paragraphs(source, cut, blank=True) else _over(source, cut)


def opening(source: Source, cut: Cut) -> Heading | None:
    """Return the comment over a cut of several paragraphs, when it is the only one over any of them."""
    return None if _has_paragraphs(source, cut, blank=False) else _over(source, cut)


def _over(source: Source, cut: Cut) -> Heading | None:
    last = cut.statements[0].lineno - 1
    first = last + 1
    margin = source.indent(last + 1)
    while first > 1 and _is_comment(source.line(first - 1), margin):
        first -= 1
    if first > last:
        return None
    lines = [source.line(number).strip().lstrip("#!:").strip() for number in range(first, last + 1)]
    text = " ".join(line.strip("-=*# ") for line in lines if not _RULE.match(line))
    if not text or _REMARK.search(text) or _is_code("\n".join(lines)):
        return None
    return Heading(_sentence(text), first, last)


def verb_phrase(text: str) -> tuple[str, ...]:
    """Return the words of "do this to that" at the beginning of ``text``; () when it does not begin with a verb."""
    tokens = _TOKEN.findall(_SURE.sub("ensure ", _LEAD.sub("", text)))
    verb = imperative(tokens[0]) if tokens else None
    if verb is None or (len(tokens) > 1 and tokens[1] in ("'", "=", "/")):
        return ()
    if verb in BOTH and len(tokens) > 1 and tokens[0] != verb.capitalize() and tokens[1].lower() in _COPULA:
        return ()
    rest = tokens[1:]
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
        if low in ARTICLES | _SMALL or (token in _QUOTES and not found):
            continue
        if low == "of" and (not found or found[-1] in _MEASURES):
            found[-1:] = []
        elif low in PREPOSITIONS | _ENDS or not token[0].isalpha():
            break
        else:
            found += split(token)
    fits = len(found) <= _MOST and "".join(found).isalpha()
    return tuple(found) if fits and any(map(meaningful, found)) else ()


_ENDS = listed("and or not once twice again always never here there now anyway too instead ourselves")
_QUOTES = ("`", "'", '"', "*")
_SMALL = listed("only also just whole entire given actual own possible")


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
