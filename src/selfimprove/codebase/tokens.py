"""Tokens: how many of them a text is for a model: exactly where its tokenizer is at hand, never too few elsewhere."""

from __future__ import annotations

import contextlib
import math
import re
import unicodedata
from abc import ABC, abstractmethod
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from tiktoken import Encoding

MARGIN = 2.0
"""What a tokenizer that is not published may need for each token of cl100k_base.

Anthropic says that its newer models need up to 1.35 times the tokens of those before, and those needed up to
1.3 times cl100k's on code.
"""
PIECE = 50_000  # characters; a longer text is counted in pieces, since some patterns go deep on one long run
KEPT = 8_192  # texts whose number is remembered; the chunks of a repository come again and again
LONGEST_KEPT = 20_000  # characters of a text that is remembered


class Counter(Protocol):
    """Counts the tokens of a text. ``name`` says by which rule, ``exact`` whether it is the model's own."""

    @property
    def name(self) -> str:
        """The rule's name, for people."""

    @property
    def exact(self) -> bool:
        """True when the model's own tokenizer counts."""

    def count(self, text: str) -> int:
        """Return the tokens of ``text``; where it is not exact, never fewer than there are."""


class _Vocabulary(NamedTuple):
    """A published byte-pair vocabulary: its file, named by the SHA-1 of its address, and how it cuts words.

    ``digest`` is the file's SHA-256 and ``pattern`` the regular expression, both as tiktoken publishes them.
    """

    file: str
    digest: str
    pattern: str


_UPPER, _LOWER = r"\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}", r"\p{Ll}\p{Lm}\p{Lo}\p{M}"
_SHORT = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
VOCABULARIES = {
    "cl100k_base": _Vocabulary(
        "9b5ad71b2ce5302211f9c61530b329a4922fc6a4",
        "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
        r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+"
        r"|\s++$|\s*[\r\n]|\s+(?!\S)|\s",
    ),
    "o200k_base": _Vocabulary(
        "fb374d419588a4632f3f557e76b4b70aebbca790",
        "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
        rf"[^\r\n\p{{L}}\p{{N}}]?[{_UPPER}]*[{_LOWER}]+{_SHORT}"
        rf"|[^\r\n\p{{L}}\p{{N}}]?[{_UPPER}]+[{_LOWER}]*{_SHORT}"
        r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    ),
}
# Which model uses which, by the beginning of its name without the provider; the first that fits.
_MODELS = (
    (re.compile(r"gpt-(?:4o|4\.1|4\.5|5|oss)|chatgpt-4o|o[134](?:-|$)|codex-mini"), "o200k_base"),
    (re.compile(r"gpt-(?:4|3\.5|35)"), "cl100k_base"),
)
_OTHERS = re.compile(r"[^\x00-\x7f]+")
_RUNS = re.compile(r"[^\S\n]{3,}|\n{3,}|[^\w\s]{4,}|[A-Z]{4,}|(\w)\1{3,}")


@cache
def counter_for(model: str) -> Counter:
    """Return the counter for ``model``, in litellm's words (``openai/gpt-5``); ``""`` is any model.

    OpenAI's models are counted by their own vocabulary when litellm's files and tiktoken are installed, other
    models by cl100k_base with a MARGIN. Nothing is downloaded, and litellm is not imported. Without
    the files, and for ``""``, the :class:`Bound` counts.
    """
    if not model:
        return Bound()
    bare = model.lower().rpartition("/")[2].removeprefix("ft:")
    name = next((name for pattern, name in _MODELS if pattern.match(bare)), "")
    if name:
        encoding = encoding_of(name)
        return Exact(encoding) if encoding else Bound()
    encoding = encoding_of("cl100k_base")
    return Margin(encoding) if encoding else Bound()


def window_of(model: str) -> int | None:
    """Return the most tokens that ``model`` takes in a question, by litellm's list; None where that has none.

    Reads the file that litellm carries, about 0.1 s, without importing it.
    """
    import json

    folder = _litellm()
    listed: dict[str, dict[str, object]] = {}
    with contextlib.suppress(OSError, ValueError):
        if folder:
            listed = json.loads((folder / "model_prices_and_context_window_backup.json").read_bytes())
    names = (model, model.partition("/")[2], model.rpartition("/")[2])
    entry = next((listed[name] for name in names if name in listed), {})
    window = entry.get("max_input_tokens") or entry.get("max_tokens")
    return int(window) if isinstance(window, int | float) and window > 0 else None


def _litellm() -> Path | None:
    """Return litellm's folder without importing it, None when it is not installed."""
    from importlib.util import find_spec

    found = find_spec("litellm")
    return Path(found.submodule_search_locations[0]) if found and found.submodule_search_locations else None


@cache
def encoding_of(name: str) -> Encoding | None:
    """Return tiktoken's encoding of one of VOCABULARIES from the file that litellm carries, None without it.

    The file is taken only when its SHA-256 is the published one. About 0.3 s of CPU, once in a process.
    """
    import base64
    import hashlib
    from importlib.util import find_spec

    known, folder = VOCABULARIES[name], _litellm()
    if folder is None or find_spec("tiktoken") is None:
        return None
    try:
        data = (folder / "litellm_core_utils" / "tokenizers" / known.file).read_bytes()
    except OSError:
        return None
    if hashlib.sha256(data).hexdigest() != known.digest:
        return None
    from tiktoken import Encoding

    ranks = {base64.b64decode(word): int(rank) for word, rank in map(bytes.split, data.splitlines())}
    return Encoding(name, pat_str=known.pattern, mergeable_ranks=ranks, special_tokens={})


class _Remembering(ABC):
    """A counter that remembers the numbers of short texts."""

    name = ""
    exact = False

    def __init__(self) -> None:
        self._known: dict[str, int] = {}

    def count(self, text: str) -> int:
        """Return the tokens of ``text``."""
        known = self._known.get(text)
        if known is not None:
            return known
        number = self._sum(text)
        if len(text) <= LONGEST_KEPT:
            if len(self._known) >= KEPT:
                self._known.clear()
            self._known[text] = number
        return number

    def _sum(self, text: str) -> int:
        return sum(self._number(text[at : at + PIECE]) for at in range(0, len(text), PIECE))

    @abstractmethod
    def _number(self, text: str) -> int:
        """Return the tokens of a text of at most PIECE characters."""


class Exact(_Remembering):
    """The model's own vocabulary. A text over PIECE characters is counted in pieces, at most one more each."""

    exact = True

    def __init__(self, encoding: Encoding) -> None:
        super().__init__()
        self._encoding = encoding
        self.name = encoding.name

    def _number(self, text: str) -> int:
        return len(self._encoding.encode_ordinary(_sayable(text)))


class Margin(_Remembering):
    """For a vocabulary that is not known: MARGIN times that of ``encoding``, for ASCII.

    A character outside of ASCII counts as the bytes of its compatibility form, below which no byte-pair
    vocabulary goes, and a run of blanks, signs, capitals or of one letter and a carriage return cost more,
    since not every vocabulary has them.
    """

    def __init__(self, encoding: Encoding) -> None:
        super().__init__()
        self._encoding = encoding
        self.name = f"{MARGIN} x {encoding.name}"

    def _number(self, text: str) -> int:
        others = _OTHERS.findall(text)
        plain = _OTHERS.sub(" ", text) if others else text
        runs = sum(_run(run[0]) for run in _RUNS.finditer(plain))
        return (
            math.ceil(MARGIN * len(self._encoding.encode_ordinary(plain)))
            + runs
            + len(others)
            + plain.count("\r")
            + sum(map(_bytes, others))
        )


def _run(text: str) -> int:
    """Return by how much a run that not every vocabulary has costs more than the widest one says."""
    return len(text) // (4 if text.isalpha() else 2 if text.strip(" ") else 8)


_PARTS = re.compile(r"[a-z]+| +|[\x00-\x7f]|[^\x00-\x7f]+")
_RARE = re.compile(r"[jqxz]|gk|wv|y[fhv]")


class Bound(_Remembering):
    """A bound for any byte-pair vocabulary that knows the usual pairs of small ASCII letters; needs no file.

    Of two neighbours among a word's tokens at least one has two letters, since the pair would be a token
    itself: n letters are at most (2n + 2) / 3 tokens, and n where a pair is too rare to be sure of. A
    capital, a digit, a sign, a blank other than a space and a byte outside of ASCII count as one each, as do
    eight spaces in a row and the space before the next word.
    """

    name = "upper bound"

    def _number(self, text: str) -> int:
        return sum(map(_most, _PARTS.findall(text)))


def _most(part: str) -> int:
    """Return the most tokens of one part."""
    if len(part) == 1 and part.isascii():
        return 1
    if part[0] == " ":
        return min(len(part), 2 + (len(part) - 2) // 8)
    if not part[0].isascii():
        return _bytes(part)
    return len(part) if _RARE.search(part) else (2 * len(part) + 2) // 3


def _bytes(text: str) -> int:
    """Return the bytes of ``text``, or of its compatibility form when those are more."""
    forms = (text, unicodedata.normalize("NFKC", text))
    return max(len(form.encode("utf-8", "replace")) for form in forms)


def _sayable(text: str) -> str:
    """Return ``text`` as UTF-8 can hold it."""
    return text.encode("utf-8", "replace").decode("utf-8")
