"""Masking: keeps keys and passwords out of everything that is logged or shown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MASK = b"***"
SHORTEST = 6  # a shorter value is found in half of all words

_SECRET_NAME = re.compile(
    r"SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL|APIKEY|API_KEY|PRIVATE_KEY"
    r"|(^|_)(KEY|TOKEN|PASS|PWD|AUTH)$|(ACCESS|AUTH|BEARER)_?(KEY|TOKEN)|TOKEN$",
    re.IGNORECASE,
)
_NOT_SECRET = frozenset({"PWD", "OLDPWD", "SELFIMPROVE_RUN_TOKEN"})
_URL_PASSWORD = re.compile(r"://[^/\s:@]*:([^/\s@]+)@")

# Prefix, and what must follow it, of keys that are recognised without being told their value.
_SHAPES = (
    ("sk-", r"(?=[\w-]*\d)[\w-]{20,}"),
    *((f"gh{letter}_", r"\w{20,}") for letter in "oprsu"),
    ("github_pat_", r"\w{20,}"),
    ("glpat-", r"[\w-]{16,}"),
    ("AKIA", r"[A-Z0-9]{16,}"),
    ("ASIA", r"[A-Z0-9]{16,}"),
    *((f"xox{letter}-", r"[\w-]{10,}") for letter in "abeprs"),
    ("AIza", r"[\w-]{35,}"),
    ("hf_", r"\w{20,}"),
    ("npm_", r"\w{30,}"),
    ("pypi-", r"[\w-]{50,}"),
)
_PEM_BEGIN = "-----BEGIN "
_PEM = (
    r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----(?:\s+[A-Za-z-]+: [^\n]+)*(?:(?:\s|\\n)+[A-Za-z0-9+/=]{20,})*"
    r"(?:(?:\s|\\n)*[A-Za-z0-9+/=]*(?:\s|\\n)*-----END [A-Z ]{0,30}PRIVATE KEY-----)?"
)
_SHAPE = "(?<![A-Za-z0-9_-])(?:" + "|".join(re.escape(start) + rest for start, rest in _SHAPES) + ")|" + _PEM


def _beginnings(word: str) -> list[str]:
    return [re.escape(word[:length]) for length in range(len(word) - 1, 0, -1)]


_OPEN_SHAPE = "|".join(
    [re.escape(start) + r"[\w-]*" for start, _ in _SHAPES]
    + [part for start, _ in _SHAPES for part in _beginnings(start)]
)
_PEM_END = r"-----END [A-Z ]{0,30}PRIVATE KEY-----"
_OPEN_PEM = "|".join(
    [
        rf"{_PEM_BEGIN}[A-Z ]{{0,30}}(?:-{{0,5}}|PRIVATE KEY-----(?:(?!{_PEM_END})[A-Za-z0-9+/=\s\\:,-])*)",
        *_beginnings(_PEM_BEGIN),
    ]
)
# What an unfinished key looks like at the end of the data, and how many bytes it may have.
_OPEN = (
    (re.compile(rf"(?<![A-Za-z0-9_-])(?:{_OPEN_SHAPE})\Z".encode()), 4_096),
    (re.compile(rf"(?:{_OPEN_PEM})\Z".encode()), 16_384),
)


def secret_values(env: Mapping[str, str]) -> list[str]:
    """Return the values in ``env`` that must never be shown, longest first.

    A value counts when the variable's name says so (KEY, TOKEN, SECRET, PASSWORD, ...), and so does the
    password inside a URL. Values under six characters and short numbers (``MAX_TOKEN=100000``) do not.
    """
    found: set[str] = set()
    for name, value in env.items():
        if name not in _NOT_SECRET and _SECRET_NAME.search(name):
            found.update((value, *(line for line in value.splitlines() if len(line) >= 2 * SHORTEST)))
        for password in _URL_PASSWORD.findall(value):
            found.update((password, unquote(password)))
    return _longest_first(value for value in found if not (value.isdigit() and len(value) < 2 * SHORTEST))


def mask(text: str, secrets: Sequence[str] = ()) -> str:
    """Return ``text`` with every secret, and everything that has the shape of a key, as ``***``."""
    masker = Masker(secrets)
    done = masker.feed(text.encode(errors="surrogateescape")) + masker.flush()
    return done.decode(errors="surrogateescape")


class Masker:
    """Masks a stream that arrives in arbitrary pieces, also where a secret is split over two of them.

    What could be the beginning of a secret is held back until the next piece decides; everything else,
    whole lines or not, passes through at once.
    """

    def __init__(self, secrets: Sequence[str] = ()) -> None:
        self._secrets = [value.encode(errors="surrogateescape") for value in _longest_first(secrets)]
        words = [re.escape(value) for value in self._secrets]
        self._pattern = re.compile(b"|".join([*words, _SHAPE.encode()]))
        self._data = b""  # what is held back, after at most one byte that has passed
        self._passed = 0

    def feed(self, piece: bytes) -> bytes:
        """Take the next piece, return what is safe to show by now."""
        self._data += piece
        return self._pass_on(self._open_end())

    def flush(self) -> bytes:
        """Return what was held back; the stream has ended."""
        return self._pass_on(len(self._data))

    def _pass_on(self, end: int) -> bytes:
        """Return the data up to ``end``, or to the secret that lies across it, masked; keep the rest."""
        shown, position = [], self._passed
        for match in self._pattern.finditer(self._data, position):
            if match.end() > end:
                end = min(end, match.start())
                break
            shown += [self._data[position : match.start()], MASK]
            position = match.end()
        shown.append(self._data[position:end])
        # The last byte that passed stays: it says whether a key could begin right after it.
        self._passed = min(end, 1)
        self._data = self._data[end - self._passed :]
        return b"".join(shown)

    def _open_end(self) -> int:
        """Return the index from which the data could be the beginning of a secret."""
        end = len(self._data)
        ends = [end, *(end - _overlap(self._data, secret) for secret in self._secrets)]
        for pattern, reach in _OPEN:
            if match := pattern.search(self._data, max(0, end - reach)):
                ends.append(match.start())
        return max(self._passed, min(ends))


def _longest_first(values: Iterable[str]) -> list[str]:
    return sorted(
        {value for value in values if len(value) >= SHORTEST}, key=lambda value: (-len(value), value)
    )


def _overlap(data: bytes, secret: bytes) -> int:
    """Return the length of the longest end of ``data`` that begins, but does not complete, ``secret``."""
    start = max(0, len(data) - len(secret) + 1)
    while (start := data.find(secret[:1], start)) >= 0:
        if secret.startswith(data[start:]):
            return len(data) - start
        start += 1
    return 0
