"""Names in prose: which files, symbols and numbers a text speaks of that do not exist, and the text without them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from selfimprove.codebase.languages import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from selfimprove.codebase.portrait.facts import Portrait
    from selfimprove.codebase.portrait.outline import Outline

_SPAN = re.compile(r"(`+)(.+?)\1", re.DOTALL)
_URL = re.compile(
    r"\b(?:https?|ftp|git|ssh)://[^\s)>\]`\"']+|\bwww\.[^\s)>\]`\"']+|\b[\w.+-]+@[\w-]+\.[\w.-]+"
)
_WORD = re.compile(
    r"--?[A-Za-z][\w-]*|[./~]?[^\W\d_][\w./:\\-]*(?:\(\))?|_\w[\w./:-]*(?:\(\))?|\d[\w.,:/-]*%?"
)
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_SENTENCE = re.compile(r"(?<=[.!?])(?<!e\.g\.)(?<!i\.e\.)(?<!etc\.)\s+(?=[\"'(`]*[A-Z0-9_`])")
_HUMP = re.compile(r"[a-z0-9][A-Z]|[A-Z]{2,}[a-z]{2}")
_CODE = re.compile(r"[(_.]|::")
_ABBREVIATIONS = frozenset({"e.g", "i.e", "etc", "vs", "cf", "a.k.a"})
# Words of the trade that look like names of code.
_TRADE = """
GitHub GitLab JavaScript TypeScript PostgreSQL MySQL SQLite GraphQL macOS iOS PyPI OpenAI LaTeX DevOps WebSocket
WebSockets NumPy IPv4 IPv6 UTF-8 utf-8 OAuth OAuth2 APIs CLIs URLs IDs NoSQL MongoDB RabbitMQ FastAPI PowerShell
CommonMark Base64 base64 SHA-1 SHA-256 SHA1 SHA256 HTTP/1.1 HTTP/2 HTTP/3 I/O TCP/IP and/or CI/CD OpenAPI
"""
_COMMON = frozenset(_TRADE.split())
_LEAST_KEPT, _LEAST_SENTENCE = 0.5, 40


class Known:
    """What exists: paths, symbols, and what the factual ``pages`` say, numbers among it.

    ``texts`` are what the writer of a prose was shown; only with them words with a capital letter are looked at.
    """

    def __init__(self, portrait: Portrait, pages: Iterable[str], texts: Iterable[str] = ()) -> None:
        self._paths = _with_folders(portrait.names)
        self._ends = {path.rpartition("/")[2] for path in self._paths}
        self._names = set(_symbols(portrait))
        shown = list(pages)
        self._numbers = {_plain_number(one) for page in shown for one in _NUMBER.findall(page)}
        self._said = {word.strip(".,:;-").lower() for page in shown for word in _words(page)}
        self._urls = {url for page in shown for url in _URL.findall(page)}
        given = list(texts)
        self._heard = (
            {word.lower() for text in given for word in re.findall(r"[^\W\d_]+", text)} if given else None
        )

    def path(self, word: str) -> bool:
        """True for a file or folder, also by the end of its path."""
        bare = word.removeprefix("./").rstrip("/")
        if bare in self._paths or bare in self._ends:
            return True
        return "/" in bare and any(path.endswith(f"/{bare}") for path in self._paths)

    def name(self, word: str) -> bool:
        """True for a symbol, a module or a library; a dotted one when all its parts are known and one is ours."""
        bare = word.removesuffix("()").replace("::", ".").strip(".")
        if bare in self._names or bare in LANGUAGES:
            return True
        return "." in bare and all(part in self._names for part in bare.split("."))

    def said(self, word: str) -> bool:
        """True for what stands in the factual pages."""
        return word.strip(".,:;-").lower() in self._said

    def number(self, word: str) -> bool:
        """True for a number that stands in the factual pages."""
        return _plain_number(word) in self._numbers

    def url(self, url: str) -> bool:
        """True for an address that stands in the factual pages."""
        return url.rstrip(".,;") in self._urls

    def capital(self, word: str) -> bool:
        """True for a word with a capital letter that the pages or the texts hold, or where no texts are known."""
        if self._heard is None:
            return True
        one = word.lower()
        return one in self._heard or one.rstrip("s") in self._heard or self.said(word) or self.name(word)


def _with_folders(names: Iterable[str]) -> set[str]:
    found = set()
    for name in names:
        place = name
        while place and place not in found:
            found.add(place)
            place = place.rpartition("/")[0]
    return found


def _symbols(portrait: Portrait) -> Iterator[str]:
    for path, one in portrait.outlines.items():
        yield from one.names
        for defined in one.defined:
            yield defined.name
            yield from defined.name.split(".")
        if one.language == "python":
            dotted = portrait.places.name(path)
            yield dotted
            yield from dotted.split(".")
        yield from _imported(one, portrait)
    yield from portrait.graph.libraries
    for stated in portrait.stated:
        yield from (name for need in stated.needs for name in need.names)
        yield from (entry.name for entry in stated.entries)


def _imported(one: Outline, portrait: Portrait) -> Iterator[str]:
    """Yield the names that come from libraries; those of the project itself exist only where they are defined."""
    for what, _ in one.uses:
        if not what.level and not portrait.places.has_name(what.module.partition(".")[0]):
            yield from (what.module, *what.module.split("."), what.name)


def _plain_number(word: str) -> str:
    return word.strip(".,").replace(",", "")


def _words(text: str) -> Iterator[str]:
    yield from (found[0] for found in _WORD.finditer(text))


def unknown(text: str, known: Known) -> list[str]:
    """Return the names, paths, addresses and numbers in ``text`` that do not exist, each once, in their order."""
    return list(dict.fromkeys(_unknown(text, known)))


def _unknown(text: str, known: Known) -> Iterator[str]:
    for span in _SPAN.finditer(text):
        inside = span[2].strip()
        if not (known.path(inside) or known.name(inside) or known.said(inside)):
            yield from (word for word in inside.split() if not _is_code(word.strip(",;()[]{}\"'=<>"), known))
    rest = _SPAN.sub(" \N{MIDDLE DOT} ", text)
    yield from (url for url in _URL.findall(rest) if not known.url(url))
    rest = _URL.sub(" ", rest)
    for found in _WORD.finditer(rest):
        word = found[0].rstrip(".,:;-/")
        if word and not _exists(word, known, first=_begins(rest, found.start())):
            yield word


def _is_code(word: str, known: Known) -> bool:
    """True for one word of a code span that exists."""
    if not word or not any(sign.isalnum() for sign in word):
        return True
    return known.path(word) or known.name(word.partition("(")[0]) or known.said(word) or known.number(word)


def _begins(text: str, at: int) -> bool:
    """True where a sentence begins: capital letters say nothing there."""
    before = text[:at].rstrip(" \n\"'(*")
    return not before or before[-1] in ".!?:\N{MIDDLE DOT}"


def _exists(word: str, known: Known, *, first: bool) -> bool:
    if word in _COMMON or word.lower() in _ABBREVIATIONS or known.said(word):
        return True
    if word[0].isdigit():
        return all(map(known.number, _NUMBER.findall(word)))
    if word[0] == "-":
        return not word.startswith("--")
    return _named(word, known, first=first)


def _named(word: str, known: Known, *, first: bool) -> bool:
    if "/" in word or "\\" in word:
        return known.path(word) or not _like_a_path(word, known)
    if _CODE.search(word):
        return known.name(word) or known.path(word)
    parts = word.split("-")
    if _HUMP.search(word) or any(sign.isdigit() for sign in word):
        return known.name(word) or (len(parts) > 1 and all(map(known.capital, parts)))
    return first or not word[0].isupper() or word.isupper() or all(map(known.capital, parts))


def _like_a_path(word: str, known: Known) -> bool:
    """True unless it is two words with a stroke between them ("clients/servers")."""
    parts = [part for part in re.split(r"[/\\]", word) if part]
    looks = "." in word or "_" in word or len(parts) > 2 or word.startswith(("/", "~"))
    return looks or any(known.path(part) for part in parts)


def without_unknown(text: str, known: Known) -> tuple[str, list[str]]:
    """Return ``text`` without the sentences that name what does not exist, and these names.

    ``""`` when less than half of it would be left, or no whole sentence.
    """
    missing: list[str] = []
    paragraphs, total, kept = [], 0, 0
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        stay = []
        for sentence in _SENTENCE.split(" ".join(paragraph.split())):
            wrong = unknown(sentence, known)
            missing += wrong
            total += len(sentence)
            if not wrong:
                stay.append(sentence)
                kept += len(sentence)
        if stay:
            paragraphs.append(" ".join(stay))
    if kept < _LEAST_SENTENCE or kept < _LEAST_KEPT * total:
        return "", list(dict.fromkeys(missing))
    return "\n\n".join(paragraphs), list(dict.fromkeys(missing))
