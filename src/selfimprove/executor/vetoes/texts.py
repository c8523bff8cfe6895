"""Vetoes by what a text says, whatever its language: placeholders, lost contents, secrets, what hides from a reader."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from selfimprove.executor.vetoes.files import is_test
from selfimprove.tools.shell.masking import mask

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selfimprove.executor.vetoes.change import Case, Change
    from selfimprove.model.outcome import Objection

_WHAT = (
    r"(code|file|function|class|method|module|implementation|contents?|body|tests?|imports?|logic|lines?|program"
    r"|definitions?)"
)
_STAYS = (
    r"(unchanged|remains?\b|stays?\b|(is|are)? ?(the )?same|as (is|before|above)|goes here|omitted|here\b"
    r"|\.\.\.|…)"
)
_PLACEHOLDER = re.compile(
    rf"(rest|remainder) of (the |this |your )?([\w.]+ )?{_WHAT}[^\n]{{0,30}}?{_STAYS}"
    rf"|^\W*(the )?(rest|remainder) of (the |this |your )?([\w.]+ )?{_WHAT}\W*$"
    rf"|(existing|previous|remaining|original|other|unchanged) {_WHAT}[^\n]{{0,30}}?{_STAYS}"
    r"|(\.\.\.|…) ?\(?(the )?(existing|rest|remaining|same|unchanged|other|omitted|previous|keep)\b"
    r"|\b(your|actual|real) (code|implementation|logic) (goes )?here\b"
    r"|\b(code|lines|content|implementation|rest|body) (is |was |were |are )?(omitted|truncated|elided|snipped)\b"
    r"|\bomitted for (brevity|clarity)|\bunchanged (code|from (the )?(original|above|before))"
    r"|\bkeep (the )?(rest|existing|remaining)\b|\bsame as (before|above|original)\W*$"
    r"|\[?(snip|truncated|omitted)\]?\s*\.\.\.",
    re.IGNORECASE,
)
_LEFT_OUT = re.compile(
    r"\.\.\..*(unchanged|as before)|(rest|remainder) of .*(unchanged|as before|the same)", re.IGNORECASE
)
_COMMENT = re.compile(r"^\s*(#|//|/\*|\*|<!--|--|;|%|\"\"\"|'''|\.\.\.|…|\[|\()|\s(#|//|/\*)\s")
_HIDDEN = re.compile("[\u202a-\u202e\u2066-\u2069\u200b\u200e\u200f\u2060\ufeff\U000e0000-\U000e007f]")
# Latin letters beside Greek, Cyrillic, full-width or mathematical ones; Greek letters as symbols are common.
_ALIKE = "[\u0370-\u052f\uff21-\uff5a\U0001d400-\U0001d7ff]"
_MIXED = re.compile(f"[a-zA-Z].*{_ALIKE}|{_ALIKE}.*[a-zA-Z]")
_SYMBOLS = re.compile("[πµμΩαβγδεθλσωΔΣφψ]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_CODE = re.compile(
    r"\.(pyi?|js|jsx|ts|tsx|mjs|cjs|go|rs|java|kt|c|h|cc|cpp|hpp|cs|rb|php|sh|pl|lua|swift|scala)$",
    re.IGNORECASE,
)
_LONG = 1_500  # characters of one line of code that nobody reads to its end
_BIG = 120  # words of a file that has something to lose
_KEPT = 0.35  # part of a file's words below which it counts as gutted
_SILENCED = re.compile(
    r"#\s*(noqa\b|type:\s*ignore|pyright:\s*ignore|pylint:\s*(disable|skip)|flake8:\s*noqa|ruff:\s*noqa|mypy:\s*\w"
    r"|pragma:\s*no\s*(cover|branch|mutate)|nosec\b|selfimprove:\s*ignore|noinspection)"
    r"|//\s*(eslint-disable|@ts-ignore|@ts-nocheck|@ts-expect-error|nolint|istanbul ignore|prettier-ignore)"
    r"|/\*\s*(eslint-disable|istanbul ignore|c8 ignore|v8 ignore)|#\[allow\(|@SuppressWarnings|\brubocop:disable",
    re.IGNORECASE,
)
_WHOLE_FILE = re.compile(
    r"#\s*(flake8:\s*noqa|ruff:\s*noqa|pylint:\s*skip-file|mypy:\s*ignore-errors|selfimprove:\s*ignore)"
    r"|@ts-nocheck|/\*\s*eslint-disable\s*\*/|/\*\s*istanbul ignore file|#!\[allow\(",
    re.IGNORECASE,
)
# Without a code it silences whatever there is; with one it is a statement that a reader can weigh.
_CODELESS = re.compile(
    r"#\s*(noqa(?!:)|type:\s*ignore(?!\[)|pyright:\s*ignore(?!\[)|pragma:\s*no)"
    r"|//\s*(@ts-ignore|eslint-disable-line\s*$)"
)
_FOR_A_FINDING = re.compile(r"selfimprove|C901|PLR09|pylint|noqa(?!:)", re.IGNORECASE)


def placeholder(change: Change, _case: Case) -> Iterator[Objection]:
    """A model that leaves out what it was to write whole; in prose only where the line is nothing else."""
    lines = {text.strip() for text in (change.old or "").splitlines()} if change.old else set()
    for number, text in change.added:
        found = _PLACEHOLDER.search(text)
        if not found or text.strip() in lines or not _COMMENT.search(text):
            continue
        if change.is_prose and not _LEFT_OUT.search(text):
            continue
        yield change.objection("placeholder", f"would hold a placeholder: {text.strip()[:80]!r}", number)
        return


def gutted(change: Change, case: Case) -> Iterator[Objection]:
    """A file loses most of its text, and that does not arrive in another file."""
    before, after = (len((text or "").split()) for text in (change.old, change.new))
    if change.old is None or before <= _BIG or after >= before * _KEPT or case.moved_from(change) >= 0.7:
        return
    what = (
        "would be deleted"
        if change.new is None
        else f"would lose {100 - after * 100 // before} % of its text"
    )
    yield change.objection("gutted", what)


def secret(change: Change, _case: Case) -> Iterator[Objection]:
    """Something that has the shape of a key."""
    whole = "\n".join(text for _, text in change.added)
    if mask(whole) != whole:
        line = next((number for number, text in change.added if mask(text) != text), 0)
        yield change.objection("secret", "would hold something that looks like a key or a password", line)


def hidden(change: Change, _case: Case) -> Iterator[Objection]:
    """Characters that make a text look like another: no word lets them through in code."""
    if not _CODE.search(change.path):
        return
    known = set(_HIDDEN.findall(change.old or "")) | set(_CONTROL.findall(change.old or ""))
    for number, text in change.added:
        bare = text.removeprefix("\ufeff") if number == 1 else text
        found = _HIDDEN.search(bare) or _CONTROL.search(bare)
        if found and found[0] not in known:
            name = unicodedata.name(found[0], f"U+{ord(found[0]):04X}")
            yield change.objection(
                "hidden_characters", f"would hold the unseen character {name}", number, allow=""
            )
            return


def lookalikes(change: Change, _case: Case) -> Iterator[Objection]:
    """A name in the letters of two alphabets, which reads like another name."""
    if not _CODE.search(change.path):
        return
    for number, text in change.added:
        for word in re.findall(r"\w*[^\W\d_a-zA-Z]\w*", text):
            if _MIXED.search(word) and not _SYMBOLS.search(word) and word not in (change.old or ""):
                why = f"would hold {word!a}, which mixes two alphabets"
                yield change.objection("hidden_characters", why, number, allow="")
                return


def long_lines(change: Change, _case: Case) -> Iterator[Objection]:
    """A line of code that goes on beyond where anybody reads."""
    name = PurePosixPath(change.path).name
    if not _CODE.search(change.path) or ".min." in name:
        return
    if any(len(text) > _LONG for text in (change.old or "").splitlines()):
        return
    for number, text in change.added:
        if len(text) > _LONG:
            yield change.objection("obfuscated", f"would hold a line of {len(text)} characters", number)
            return


def silenced(change: Change, case: Case) -> Iterator[Objection]:
    """A comment takes the place of a mend: for a whole file, for a finding, or where it is most of the change."""
    if change.is_prose or not _CODE.search(change.path):
        return
    rows = [(number, text, found) for number, text in change.added if (found := _SILENCED.search(text))]
    whole = len(_WHOLE_FILE.findall(change.new or "")) > len(_WHOLE_FILE.findall(change.old or ""))
    bare = _only_silenced(change, case, len(rows))
    for number, text, found in rows:
        finding = case.task.fingerprint and _FOR_A_FINDING.search(text)
        if (
            (whole and _WHOLE_FILE.search(text))
            or finding
            or (_CODELESS.search(text) and _bare(text) in bare)
        ):
            what = text[found.start() :].strip()[:60]
            yield change.objection("silenced", f"would silence a check: {what}", number)
            return


def _only_silenced(change: Change, case: Case, count: int) -> set[str]:
    """Return the lines that only a comment would be added to, where such lines are most of the proposal."""
    if is_test(change.path) or 2 * count <= sum(map(len, case.arrived.values())):
        return set()
    return {_bare(text) for text in change.removed if not _SILENCED.search(text)}


def _bare(line: str) -> str:
    found = _SILENCED.search(line)
    return line[: found.start()].strip() if found else line.strip()
