"""Style: how a repository's files are written, as counted: indentation, line ends, last line, spaces at line ends."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

SAMPLE = 40
"""Files of one extension that are looked at."""

_LARGEST = 200_000  # characters of a file that somebody wrote by hand
_SURE = 0.95  # share of the files from which on all of them are meant to be so
_CLEARLY = 0.85  # share of indented lines that begin with the same sign
_MOSTLY = 0.7  # share of steps
_NOT_OURS = re.compile(
    r"(^|/)(vendor|third_party|node_modules|dist|build|fixtures?|testdata|snapshots?|data|_build)/|\.min\."
)
_WRITTEN = frozenset(
    (
        *("py", "pyi", "pyx", "js", "jsx", "ts", "tsx", "mjs", "cjs", "vue", "css", "scss", "html", "json"),
        *("yml", "yaml", "toml", "cfg", "ini", "md", "rst", "txt", "go", "rs", "java", "kt", "kts", "scala"),
        *("c", "h", "cc", "cpp", "hpp", "cs", "rb", "php", "ex", "exs", "clj", "cljs", "sh", "bash", "swift"),
        *("dart", "lua", "pl", "hs", "sql", "xml", "gradle", "cmake", "proto", "tf"),
    )
)
_STEPS = (2, 3, 4, 8)
_PROSE = frozenset((*("md", "rst", "txt"),))


class Style(NamedTuple):
    """How the files of one extension are written; ``None``, 0 and ``""`` where they do not agree.

    ``indent`` is ``space`` or ``tab``, ``size`` the width of one step, ``ends`` is ``lf`` or ``crlf``. ``final`` says
    that every file ends with a line end, ``trimmed`` that no line ends with spaces, ``utf8`` that they are UTF-8.
    """

    files: int
    indent: str = ""
    size: int = 0
    ends: str = ""
    final: bool | None = None
    trimmed: bool | None = None
    utf8: bool = True


def styles(names: Iterable[str], read: Callable[[str], str]) -> dict[str, Style]:
    """Return the style by extension (without its dot), of the commonest first; ``Makefile`` stands for itself."""
    by_end: dict[str, list[str]] = {}
    for name in names:
        path = PurePosixPath(name)
        end = "Makefile" if path.name in ("Makefile", "GNUmakefile", "makefile") else path.suffix[1:].lower()
        if (end in _WRITTEN or end == "Makefile") and not _NOT_OURS.search(name):
            by_end.setdefault(end, []).append(name)
    ordered = sorted(by_end.items(), key=lambda one: (-len(one[1]), one[0]))
    return {end: _style(end, [read(name) for name in _spread(files)]) for end, files in ordered}


def _spread(files: Sequence[str]) -> Sequence[str]:
    step = max(1, len(files) // SAMPLE)
    return files[::step][:SAMPLE]


def _style(end: str, texts: Sequence[str]) -> Style:
    texts = [text for text in texts if text and len(text) < _LARGEST and "\0" not in text]
    if not texts:
        return Style(0)
    crlf = [text for text in texts if "\r\n" in text]
    ends = "crlf" if len(crlf) > _SURE * len(texts) else "" if crlf else "lf"
    plain = [text.replace("\r\n", "\n") for text in texts]
    final = _agreed([text.endswith("\n") for text in plain])
    trimmed = _agreed([not re.search(r"[ \t]$", text, re.MULTILINE) for text in plain])
    indent, size = ("", 0) if end in _PROSE else _indentation(plain)
    return Style(
        len(texts),
        indent,
        size,
        ends,
        final,
        trimmed,
        bool(_agreed(["\ufffd" not in text for text in texts])),
    )


def _agreed(said: Sequence[bool]) -> bool | None:
    share = sum(said) / len(said)
    return True if share >= _SURE else None


def _indentation(texts: Sequence[str]) -> tuple[str, int]:
    """Return the sign that most lines are indented with, and by how many each level goes further in."""
    leads = [lead for text in texts for lead in _leads(text)]
    signs = Counter("tab" if lead[0] == "\t" else "space" for lead in leads if lead)
    sign, count = next(iter(signs.most_common(1)), ("", 0))
    if not count or count < _CLEARLY * signs.total():
        return "", 0
    return sign, _step(leads) if sign == "space" else 0


def _step(leads: Sequence[str]) -> int:
    """Return by how many spaces most lines go further in than the one before, 0 where that varies."""
    further = (len(now) - len(before) for before, now in pairwise(leads))
    likely = Counter(step for step in further if step in _STEPS)
    size, count = next(iter(likely.most_common(1)), (0, 0))
    return size if count >= _MOSTLY * likely.total() else 0


def _leads(text: str) -> Iterator[str]:
    """Yield what stands before the first sign of each line; lines of a comment in C go on behind a star."""
    yield ""
    for line in text.split("\n"):
        body = line.lstrip(" \t")
        if body and not body.startswith("*"):
            yield line[: len(line) - len(body)]
