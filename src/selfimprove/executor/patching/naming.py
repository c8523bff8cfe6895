"""Recognises the lines of a reply that name a file: alone, as a heading, in a sentence, in a fence's first line."""

from __future__ import annotations

import re
from typing import NamedTuple

from selfimprove.executor.patching.cleaning import plain
from selfimprove.executor.patching.names import tidied

_LONG = 400  # characters of a line that may name a file
_BARE_NAMES = frozenset(
    [
        "makefile",
        "dockerfile",
        "license",
        "licence",
        "readme",
        "changelog",
        "authors",
        "notice",
        "procfile",
        "gemfile",
        "rakefile",
        "jenkinsfile",
        "vagrantfile",
        "justfile",
        "codeowners",
        "copying",
        "manifest",
    ]
)
_WORDS = (
    r"(?:(?:the |new |modified |updated |existing |full |complete )*(?:file ?name|file ?path|file|path|filename|"
    r"update|updated|edit|edits|modify|modified|change|changes|changed|create|created|add|in|for|to|from|module))"
)
_LEAD = re.compile(
    rf"(?:#{{1,6}}\s+|[-*+•]\s+|\(?\d{{1,3}}[.):]\s*|\*\*|__|{_WORDS}(?:\s*[:：]\s*|\s+)(?:\*\*|__)?)",
    re.IGNORECASE,
)
_LABEL = re.compile(r"(?:#|//|--|;|%|/\*|<!--|\"\"\")\s*(.+?)\s*(?:\*/|-->|\"\"\")?\s*$")
_TRAIL = re.compile(
    r"(?:\s*\((?:new|new file|modified|updated|edited|changed|created|existing|full file|complete)\)"
    r"|\*\*|__|\s*[:：]|\s*#+)+$",
    re.IGNORECASE,
)
_TICKED = re.compile(r"`([^`\s][^`]*)`|\"([^\"\s]+)\"|“([^”\s]+)”|‘([^’\s]+)’|\*\*([^*\s]+)\*\*")
_SENTENCE = re.compile(
    r".*[:：]\s*(?:\*\*)?$|\s*(?:#|\d+[.)]|[-*] )?\s*"
    r"(?:in|file|update|edit|modify|change|create|add|now|then|next|for|and|finally|first)\b",
    re.IGNORECASE,
)
_QUOTING = re.compile(r"[`\"“”<>|]")
_FOLDERS = re.compile(r"[\w.@+-]+(?:/[\w.@+-]+)+")
_PATHLIKE = re.compile(r"[^\s`\"'<>|*?:]*[\w\])}.-]")
_DOTTED = re.compile(r"(?:^|[\w)\]}-])\.[A-Za-z][A-Za-z0-9+-]{0,11}$|^\.[\w.-]+$")


class Named(NamedTuple):
    """A file that a line names, and how sure it is that what follows is its content or its edits.

    3: the line says ``FILE:``; 2: it does nothing else than naming; 1: a sentence.
    """

    path: str
    weight: int


def named(line: str, known: frozenset[str]) -> Named | None:
    """Return the file that ``line`` names, ``None`` when it names none or several.

    A line that is nothing but a name is sure, with whatever marks names have in answers: a heading, bold type,
    a number, "File:". In a sentence a name counts when it is the only one and the sentence leads on to it.
    """
    if len(line) > _LONG:
        return None
    words = plain(line).strip()
    if not words:
        return None
    if words in known:
        return Named(words, 2)
    if words[0] in "<=>+@{[}|":
        return None
    bare = _without_marks(words)
    if path := path_in(bare, known, words != bare):
        return Named(path, 3 if words.startswith(("FILE:", "FILENAME:")) else 2)
    paths = _mentioned(words, known)
    return Named(paths[0], 1) if len(paths) == 1 and _SENTENCE.match(words) else None


def _mentioned(words: str, known: frozenset[str]) -> list[str]:
    """Return the files that a sentence has between ticks, quotes or in bold type, the surest ones alone."""
    ticked = [next(filter(None, found)) for found in _TICKED.findall(words)]
    paths = list(dict.fromkeys(path for word in ticked if (path := path_in(word, known))))
    return [path for path in paths if path in known or "/" in path] or paths


def label(line: str, known: frozenset[str]) -> str:
    """Return the file that a comment at the top of a block names (``# src/x.py``), ``""`` for another line."""
    found = _LABEL.match(plain(line).strip()) if len(line) <= _LONG else None
    return path_in(_without_marks(found[1]), known) if found else ""


def path_in(word: str, known: frozenset[str], marked: bool = False) -> str:
    """Return the path that ``word`` is, tidied, or ``""``.

    A name without dot and slash has to be known or usual; a name with blanks has to be known, or ``marked`` as a
    name and to end like one.
    """
    for spelled in (word.strip(), tidied(word)):
        if spelled in known:
            return spelled
    path = tidied(word)
    if not path or len(path) > _LONG or "://" in path or path[-1] in ".,;!?/":
        return ""
    return path if _looks_like_path(path, marked) else ""


def _looks_like_path(path: str, marked: bool) -> bool:
    if _QUOTING.search(path):
        return False  # two names, not one
    if " " in path:
        return marked and "/" in path and path.count(" ") < 3 and bool(_DOTTED.search(path))
    if not _PATHLIKE.fullmatch(path) or path.lower() in ("e.g", "i.e", "etc"):
        return False
    if path.lower() in _BARE_NAMES or _DOTTED.search(path):
        return True
    return (marked or "." in path) and bool(_FOLDERS.fullmatch(path))


def _without_marks(words: str) -> str:
    """Return ``words`` without heading marks, list numbers, bold type, "File:" and what may follow a name."""
    for _ in range(6):
        before = words
        words = _TRAIL.sub("", words.strip()).strip()
        if found := _LEAD.match(words):
            words = words[found.end() :]
        if words == before:
            break
    return words
