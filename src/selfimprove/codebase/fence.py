"""Fence: marks that a file's own text cannot imitate, and what no prompt shows: keys and files made for them."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

MARK = 9
"""Digits of a mark: three tokens for most models, whichever digits they are."""

BLANK = "0" * MARK
"""What stands for a mark where its lines are counted."""

_PRIVATE = re.compile(
    r"\.env(?:\.(?!example|sample|template|dist|defaults?$).*)?|\.envrc|.*\.(?:pem|key|p12|pfx|p8|jks|keystore|kdbx|ppk)"
    r"|id_(?:rsa|dsa|ecdsa|ed25519)|\.(?:netrc|npmrc|pypirc|pgpass|htpasswd|git-credentials|dockercfg)"
    r"|(?:credentials|secrets?)(?:\.(?:json|ya?ml|toml|ini|env|txt|properties))?",
    re.IGNORECASE,
)
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----\s+(?:[A-Za-z-]+: |[A-Za-z0-9+/=]{40})")


def private(path: str) -> str:
    """Say why the file ``path`` is never shown to a model, by its name; ``""`` when it may be."""
    return "it is a file for keys and passwords" if _PRIVATE.fullmatch(path.rpartition("/")[2]) else ""


def secret(text: str) -> str:
    """Say why ``text`` is never shown to a model, ``""`` when it may be."""
    if "PRIVATE KEY-----" in text and _PRIVATE_KEY.search(text):
        return "it holds a private key"
    return ""


def mark_for(texts: Iterable[str], number: int = 0) -> str:
    """Return the mark of a prompt that is made of ``texts``: the same for the same ones.

    When some text that is shown contains it, the one with the next ``number`` is to be taken.
    """
    digest = hashlib.sha256(b"%d" % number)
    for text in texts:
        digest.update(b":%d:" % len(text))
        digest.update(text.encode("utf-8", "replace"))
    return f"{int.from_bytes(digest.digest()) % 10**MARK:0{MARK}}"


def begin(mark: str, kind: str, name: str = "", note: str = "") -> str:
    """Return the line before a piece of ``kind`` (FILE, OUTPUT, ...)."""
    words = ("BEGIN", kind, mark, spelled(name), f"({note})" if note else "")
    return " ".join(word for word in words if word) + "\n"


def end(mark: str, kind: str) -> str:
    """Return the line after it."""
    return f"END {kind} {mark}\n"


def part(mark: str, words: str) -> str:
    """Return the line before one of several parts of a piece."""
    return f"@@ {mark} {words}\n"


def spelled(name: str) -> str:
    """Return a path as one line can hold it: with its line ends and other signs written out."""
    return name if name.isprintable() else ascii(name)


def whole_lines(text: str) -> str:
    """Return ``text`` with a line end after its last line."""
    return text if not text or text.endswith("\n") else f"{text}\n"


def listed(names: Iterable[str]) -> str:
    """Return ``names``, one on each line."""
    return "".join(f"{spelled(name)}\n" for name in names)
