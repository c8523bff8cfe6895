"""Query: what a text asks for: names, paths, places of a stack trace, quoted code, and weighted terms."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

T = TypeVar("T")

LONGEST = 60_000
"""Characters of a query that are read: the first of them, and the last sixth of what is longer."""

# What a text of a few words does not have is looked for, and its pattern compiled, only where its sign is.
_HTML_COMMENT = r"(?s)<!--.*?(?:-->|\Z)"
_FENCE = (
    r"(?ms)^[ \t]*(?P<fence>`{3,9}|~{3,9})[ \t]*(?P<tag>[\w+#.-]*)[^\n`]*\n"
    r"(?P<code>.*?)(?:^[ \t]*(?P=fence)[^\n]*$|\Z)"
)
_INLINE = r"(?<!`)(?P<tick>`{1,2})(?!`)(?P<code>[^`\n]{1,300})(?P=tick)(?!`)"
_URL = r"(?i)\b[a-z][a-z0-9+.-]{1,15}://[^\s<>\"')\]]+"
_URL_PATH = r"/(?:blob|tree|src|raw|blame)/[^/\s]+/(?P<path>[^\s#?]+)(?:#L(?P<line>\d+))?"
_PATH = re.compile(
    r"(?<![\w@/\\.-])(?P<path>(?:[A-Za-z]:)?[/\\]?(?:[\w.@+~-]+[/\\])*[\w.@+~-]*\w)"
    r"(?:(?::|#L|\((?=\d+[,)]))(?P<line>\d+))?"
)
# Joined words are code: snake_case, camelCase, Type, a.b, a::b, a->b, a#b, f().
_NAME = re.compile(r"(?<![\w/\\.-])[^\W\d]\w*(?:(?:\.|::|->|#)[^\W\d]\w*)*(?P<call>\(\))?(?![\w/\\])")
_CODE_LIKE = re.compile(r"\w_\w|[a-z0-9][A-Z]|[A-Z]{2}[a-z]|\w\w(?:\.|::|->|#)\w")
_SEPARATOR = re.compile(r"\.|::|->|#")
_LONG_SUFFIX = r"\.\w{2,}$"  # "point.x" and "self.m" could be files too, and are rather names
_SENTENCE = r"[a-z]{2}\.[A-Z][a-z]+$"  # "broken.Then" is two sentences

# A frame of a stack trace: the language, what every such frame has in it, and its form. Those of Go and Rust
# take two lines: the function's, then the place's. What could run over a whole text is bounded.
_FRAMES = (
    (
        "Python",
        'File "',
        r'^[ \t]*File "(?P<path>[^"\n]{1,500})", line (?P<line>\d+)(?:, in (?P<name>[^\n]{1,200}))?',
    ),
    (
        *("Rust", " at "),
        r"^[ \t]*\d+:[ \t]+(?:0x[0-9a-f]+ - )?(?P<name>[^\n]{1,300})\n"
        r"[ \t]+at (?P<path>[^\s:]{1,500}):(?P<line>\d+)(?::\d+)?",
    ),
    (
        *("Rust", "panicked at "),
        r"panicked at (?:'[^'\n]{0,500}', )?(?P<path>[\w./\\-]{1,300}\.rs):(?P<line>\d+)(?::\d+)?:?(?P<name>)",
    ),
    (
        *("Go", ".go:"),
        r"^(?P<name>[\w./*()-]{1,200})\([^\n()]{0,300}\)(?: in goroutine \d+)?\n"
        r"[ \t]+(?P<path>[^\s:]{1,500}\.go):(?P<line>\d+)(?: \+0x[0-9a-f]+)?",
    ),
    (
        *("Java", "at "),
        r"^[ \t]*at (?:[\w.$@-]{1,100}/){0,3}(?P<name>[\w.$<>]{1,300})"
        r"\((?P<path>[\w$-]{1,200}\.\w{1,9}):(?P<line>\d+)\)",
    ),
    (
        *("C#", ":line "),
        r"^[ \t]*at (?P<name>[\w.`<>\[\],+]{1,300})\([^\n)]{0,300}\)"
        r" in (?P<path>[^\n:]{1,500}(?::\\[^\n:]{1,500})?):line (?P<line>\d+)",
    ),
    (
        *("JavaScript", "at "),
        r"^[ \t]*at (?:async )?(?:(?P<name>[^\s(][^(\n]{0,200}) \()?"
        r"(?P<path>(?:\w{2,20}:)?(?:[A-Za-z]:)?[^\s():]{1,500}):(?P<line>\d+):\d+\)?[ \t]*$",
    ),
    (
        *("Ruby", ":in "),
        r"^[ \t]*(?:from )?(?P<path>[^\s:]{1,500}\.\w{1,9}):(?P<line>\d+):in [`'](?P<name>[^'\n]{1,200})'",
    ),
    ("PHP", ".php(", r"^#\d+ +(?P<path>[^\s(]{1,500}\.php)\((?P<line>\d+)\): (?P<name>[\w\\:>-]{1,200})"),
)
_DEEPEST_LAST = ("Python",)
# What stands around frames and says nothing of this repository.
_AROUND = (
    r"(?m)^[ \t]*(?:Traceback \(most recent call last\):|goroutine \d+ \[[^\n]{0,80}\]:|stack backtrace:|"
    r"\.\.\. \d+ more|note: run with `RUST_BACKTRACE=[^\n]{0,200}|Exception in thread \"[^\"\n]{0,80}\"|"
    r"thread '[^'\n]{0,80}'|Caused by:)"
)
_SPECIAL = r"<[^>]*>|\{\{[^}]*\}\}|::h[0-9a-f]{16}$|\bnew\b|\basync\b"


class Frame(NamedTuple):
    """A line of a stack trace: a file as the trace names it, a line, and the function, ``""`` if not told."""

    path: str
    line: int
    function: str


class Query(NamedTuple):
    """What a text asks for.

    ``terms`` are words of the index with a weight each (1 for a word that is said once in a short query, more
    for the title's, the quoted and the repeated). ``symbols`` are names in code's own form, as written
    without ``()``; ``paths`` are files and folders, ``places`` lines of files, ``frames`` a stack trace, the
    deepest frame first. ``quoted`` is code between back-ticks or fences. ``languages`` are those that it names by
    a fence or a file's ending. All are without repetition.
    """

    text: str
    terms: dict[str, float]
    symbols: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    places: tuple[tuple[str, int], ...] = ()
    frames: tuple[Frame, ...] = ()
    quoted: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()


class _Part(NamedTuple):
    """A piece of the text, what a word in it is worth, and how often it counts as said (0: it is said elsewhere)."""

    text: str
    weight: float
    times: int = 1


def understand(text: str, words: Callable[[str], list[str]] | None = None) -> Query:
    """Read ``text``: a few words, a name, an error, or a whole report. Every text is one, the empty one too.

    ``words`` splits a text into the index's terms; the index's own way needs PyStemmer.
    """
    read = _shortened(text)
    if "<!--" in read:
        read = re.sub(_HTML_COMMENT, " ", read)
    frames, read = _frames(read)
    named: list[tuple[str, int]] = []
    if "://" in read:
        read = re.sub(_URL, lambda url: _url(url[0], named), read)
    tags, fenced, inline, prose = _quoted(read)
    named += _paths(prose) + [pair for code in fenced for pair in _paths(code) if pair[1]]
    named += [(frame.path, frame.line) for frame in frames]
    symbols = [
        *_symbols(prose, named),
        *_called([*inline, prose.strip()]),
        *(name for code in fenced for name in _symbols(code, named)),
    ]
    return Query(
        text,
        _weigh(_parts(prose, inline, fenced, frames), words or _words),
        _once(symbols),
        _once(path for path, _ in named),
        _once((path, line) for path, line in named if line),
        _once(frames),
        _once([*inline, *fenced]),
        _once(_languages(tags, named)),
    )


def informative(
    terms: Mapping[str, float], idf: Callable[[Iterable[str]], Mapping[str, float]], most: int = 32
) -> dict[str, float]:
    """Return the ``most`` terms whose weight times ``idf`` is highest, in that order; ties by the term.

    Those that ``idf`` does not know are left out: the index has none of them.
    """
    known = idf(terms)
    ranked = sorted(known, key=lambda term: (-terms[term] * known[term], term))
    return {term: terms[term] for term in ranked[:most]}


def _shortened(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    tail = LONGEST // 6
    return f"{text[: LONGEST - tail]}\n{text[-tail:]}"


def _frames(text: str) -> tuple[list[Frame], str]:
    """Return the frames of the stack traces in ``text``, the deepest first, and the text without them."""
    found: list[Frame] = []
    for language, sign, pattern in _FRAMES:
        if sign not in text:
            continue
        form = re.compile(pattern, re.MULTILINE)
        here = [
            Frame(
                _tidy(match["path"]),
                int(match["line"][:9]),
                re.sub(_SPECIAL, "", match["name"] or "").strip(),
            )
            for match in form.finditer(text)
        ]
        if here:
            text = form.sub("\n", text)
            found += reversed(here) if language in _DEEPEST_LAST else here
    return found, re.sub(_AROUND, "\n", text) if found else text


def _url(url: str, named: list[tuple[str, int]]) -> str:
    """Note the file that a link to a repository's page names, and return nothing in the link's place."""
    if match := re.search(_URL_PATH, url):
        named.append((_tidy(match["path"]), int((match["line"] or "0")[:9])))
    return " "


def _quoted(text: str) -> tuple[list[str], list[str], list[str], str]:
    """Return the fences' tags, the code between them, the code between back-ticks, and the prose with the latter."""
    tags, fenced, inline = [], [], []
    if "```" in text or "~~~" in text:
        found = list(re.finditer(_FENCE, text))
        tags, fenced = [match["tag"] for match in found], [match["code"] for match in found]
        text = re.sub(_FENCE, "\n", text)
    if "`" in text:
        inline = [match["code"].strip() for match in re.finditer(_INLINE, text)]
        text = re.sub(_INLINE, r" \g<code> ", text)
    return tags, fenced, inline, text


def _paths(text: str) -> list[tuple[str, int]]:
    """Return the files and folders that ``text`` names, each with its line (0: none)."""
    found = []
    for match in _PATH.finditer(text):
        path, line = _tidy(match["path"]), int((match["line"] or "0")[:9])
        if ("/" in path and path.strip("/.")) or _is_file_name(path):
            found.append((path, line))
    return found


def _is_file_name(name: str) -> bool:
    """True for a name without folders that a known language's file could have: ``views.py``, ``Makefile``."""
    if "." not in name.strip(".") or "@" in name:
        return False
    from selfimprove.codebase.languages import language_of

    return bool(language_of(name)) and not re.search(_SENTENCE, name)


def _tidy(path: str) -> str:
    """Return a path with slashes, without what only says where it starts."""
    path = path.strip().replace("\\", "/")
    for start in ("webpack://", "file://", "/./", "./"):
        path = path.removeprefix(start)
    while path.startswith("../"):
        path = path.removeprefix("../")
    return path


def _symbols(text: str, named: Iterable[tuple[str, int]]) -> Iterator[str]:
    """Yield the names of ``text`` that have the form of code and are not files."""
    files = {path.rpartition("/")[2] for path, _ in named if re.search(_LONG_SUFFIX, path)}
    for match in _NAME.finditer(text):
        name = match[0].removesuffix("()")
        if name in files or re.search(_SENTENCE, name):
            continue
        if match["call"] or _CODE_LIKE.search(name):
            yield name


def _called(quoted: Iterable[str]) -> Iterator[str]:
    """Yield what stands alone, between back-ticks or as all of a query, as a name of any form: `total`."""
    for text in quoted:
        match = _NAME.match(text)
        if match and (match.end() == len(text) or text[match.end() - 2 * bool(match["call"])] == "("):
            yield match[0].removesuffix("()")


def tail(symbol: str) -> str:
    """Return the last name of a qualified one: ``total`` of ``Invoice.total`` and ``billing::Invoice::total``."""
    return _SEPARATOR.split(symbol)[-1]


def _near_end(function: str) -> str:
    """Return the last two names of a function's: its packages stand in its file's path too."""
    return " ".join(_SEPARATOR.split(function)[-2:])


def _parts(
    prose: str, inline: Iterable[str], fenced: Iterable[str], frames: Iterable[Frame]
) -> Iterator[_Part]:
    """Yield all that terms are taken from: the prose, the quoted code, and the functions of a stack trace."""
    yield from _prose(prose)
    for code in inline:
        yield _Part(code, 1.5, 0)
    for code in fenced:
        yield _Part(code, 0.5)
    for depth, frame in enumerate(frames):
        yield _Part(_near_end(frame.function), 1 / (1 + depth))


def _prose(text: str) -> Iterator[_Part]:
    """Yield the text's lines: its first says most, and what comes later in a long one less and less."""
    lines = [line for line in text.split("\n") if line.strip()]
    seen = 0
    for place, line in enumerate(lines):
        yield _Part(line, 2.0 if place == 0 and len(lines) > 1 else 1 / (1 + seen / 2000))
        seen += len(line)


def _weigh(parts: Iterable[_Part], words: Callable[[str], list[str]]) -> dict[str, float]:
    """Return each term with the best weight of the parts that hold it, raised by how often it is said."""
    best: dict[str, float] = {}
    times: dict[str, int] = {}
    for part in parts:
        for term in words(part.text):
            best[term] = max(best.get(term, 0.0), part.weight)
            times[term] = times.get(term, 0) + part.times
    return {term: weight * (1 + math.log(max(times[term], 1))) for term, weight in best.items()}


def _words(text: str) -> list[str]:
    from selfimprove.codebase.words import words

    return words(text)


def _languages(tags: Iterable[str], named: Iterable[tuple[str, int]]) -> Iterator[str]:
    """Yield the languages of the fences' tags (``rust``, ``rs``) and of the files that are named."""
    from selfimprove.codebase.languages import LANGUAGES, language_of

    for tag in tags:
        if found := tag.lower() if tag.lower() in LANGUAGES else language_of(f"a.{tag}"):
            yield found
    for path, _ in named:
        if found := language_of(path):
            yield found


def _once(items: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(items))
