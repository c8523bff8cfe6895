"""What search is compared with: ripgrep as an agent would use it, textbook BM25 and BM25F, and semble."""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
from bisect import bisect_right
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from corpora import cache
from functions import SUFFIXES

from selfimprove.codebase.chunks import cut
from selfimprove.tools.shell.venv import python_with, without_python

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from queries import Corpus

MOST = 50  # answers that are looked at: enough for 4,000 tokens of functions
SEMBLE = "semble==0.7.0"
_WORD = re.compile(r"\w+")
# What an agent would not type into a search box.
_SAID = frozenset(
    [
        *(
            "the",
            "and",
            "for",
            "with",
            "that",
            "this",
            "from",
            "into",
            "not",
            "are",
            "was",
            "were",
            "will",
            "has",
        ),
        *(
            "have",
            "had",
            "its",
            "can",
            "use",
            "used",
            "uses",
            "using",
            "when",
            "then",
            "there",
            "their",
            "they",
        ),
        *("which", "who", "what", "where", "does", "than"),
    ]
)


class Unit(NamedTuple):
    """A piece of a file that can be an answer."""

    path: str
    start: int
    end: int
    name: str


class Found(NamedTuple):
    """An answer: a place, and how many tokens it takes to read it (a quarter of its characters)."""

    path: str
    start: int
    end: int
    tokens: float


class Pool:
    """The source files of a corpus, cut as our index cuts them: all compared programs rank the same pieces."""

    def __init__(self, corpus: Corpus, files: Iterable[str]) -> None:
        self.folder = corpus.folder
        self.lines: dict[str, list[str]] = {}
        self.units: list[Unit] = []
        self._starts: dict[str, list[int]] = {}
        self._first: dict[str, int] = {}
        for path in sorted(files):
            source = (corpus.folder / path).read_bytes()
            self.lines[path] = source.decode("utf-8", "replace").split("\n")
            if path.endswith(SUFFIXES):
                chunks = cut(path, source).chunks
                self._first[path], self._starts[path] = len(self.units), [one.start for one in chunks]
                self.units += [Unit(path, one.start, one.end, one.qualified) for one in chunks]

    def text(self, path: str, start: int, end: int) -> str:
        """Return lines ``start`` to ``end`` of a file."""
        return "\n".join(self.lines.get(path, [])[start - 1 : end])

    def found(self, path: str, start: int, end: int) -> Found:
        """Return a place with what it costs to read it."""
        return Found(path, start, end, len(self.text(path, start, end)) / 4)

    def at(self, path: str, line: int) -> int | None:
        """Return the number of the unit that has a line."""
        if path not in self._starts:
            return None
        before = bisect_right(self._starts[path], line) - 1
        return self._first[path] + before if before >= 0 else None

    def best(self, scores: dict[int, tuple[float, ...]], most: int) -> list[Found]:
        """Return the units with the highest scores, ties by path and line."""
        order = sorted(scores, key=lambda one: (*(-value for value in scores[one]), one))[:most]
        return [self.found(*self.units[one][:3]) for one in order]


class Ripgrep:
    """``rg`` with the query's words by OR: functions with most of the words first, then with most matches."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def search(self, text: str, most: int = MOST) -> list[Found]:
        """Return the best functions for ``text``."""
        said = {word.lower() for word in _WORD.findall(text)}
        said = {word for word in said if len(word) > 2 and word not in _SAID} or said
        command = ["rg", "--no-config", "--null", "-n", "-o", "-i", "-F", "--no-heading"]
        command += [part for suffix in SUFFIXES for part in ("-g", f"*{suffix}")]
        command += [part for word in sorted(said) for part in ("-e", word)]
        out = subprocess.run([*command, "./"], cwd=self._pool.folder, check=False, capture_output=True).stdout
        matches: dict[int, Counter[str]] = defaultdict(Counter)
        for line in out.decode("utf-8", "replace").splitlines():
            path, _, rest = line.partition("\0")
            number, _, word = rest.partition(":")
            unit = self._pool.at(path.removeprefix("./"), int(number)) if number.isdigit() else None
            if unit is not None:
                matches[unit][word.lower()] += 1
        return self._pool.best({one: (len(words), words.total()) for one, words in matches.items()}, most)


def whole_words(text: str) -> list[str]:
    """Return the words of a text in lower case, as they stand there."""
    return [word.lower() for word in _WORD.findall(text)]


class Textbook:
    """BM25F (k1 1.2, b 0.75) of a function's text, its name and its path, with these weights.

    ``words`` makes the terms of a text.
    """

    def __init__(self, pool: Pool, weights: Sequence[float], words: Callable[[str], list[str]]) -> None:
        self._pool = pool
        self._words = words
        fields = [(pool.text(one.path, one.start, one.end), one.name, one.path) for one in pool.units]
        counts = [
            [Counter(words(text)) for text in (*unit[:2], unit[2].rpartition(".")[0])] for unit in fields
        ]
        sizes = [[counter.total() for counter in unit] for unit in counts]
        mean = [max(sum(column) / max(len(sizes), 1), 1e-9) for column in zip(*sizes, strict=True)] or [
            1.0
        ] * 3
        self._postings: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for number, (unit, size) in enumerate(zip(counts, sizes, strict=True)):
            share: dict[str, float] = defaultdict(float)
            for weight, counter, length, usual in zip(weights, unit, size, mean, strict=True):
                for word, many in counter.items():
                    share[word] += weight * many / (0.25 + 0.75 * length / usual)
            for word, value in share.items():
                if value:
                    self._postings[word].append((number, value * 2.2 / (value + 1.2)))

    def search(self, text: str, most: int = MOST) -> list[Found]:
        """Return the best functions for ``text``."""
        scores: dict[int, float] = defaultdict(float)
        for word in set(self._words(text)):
            found = self._postings.get(word, ())
            idf = math.log1p((len(self._pool.units) - len(found) + 0.5) / (len(found) + 0.5))
            for number, value in found:
                scores[number] += idf * value
        return self._pool.best({one: (value,) for one, value in scores.items()}, most)


class Semble:
    """The program semble with its own pieces and model, in an environment of its own."""

    _SCRIPT = """
import json, sys
from semble import SembleIndex
index = SembleIndex.from_path(sys.argv[1])
print(json.dumps("ready"), flush=True)
for line in sys.stdin:
    found = index.search(json.loads(line), top_k=50)
    print(json.dumps([[r.chunk.file_path, r.chunk.start_line, r.chunk.end_line] for r in found]), flush=True)
"""

    def __init__(self, pool: Pool) -> None:
        """Start it. Raises RuntimeError, with why, when it cannot be had here."""
        self._pool = pool
        python = semble_python()
        env = without_python(os.environ) | {"HF_HUB_DOWNLOAD_TIMEOUT": "5", "HF_HUB_ETAG_TIMEOUT": "5"}
        self._process = subprocess.Popen(
            [str(python), "-c", self._SCRIPT, str(pool.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=env,
        )
        if not self._answer():
            said = (self._process.communicate()[1] or "").strip().splitlines()
            raise RuntimeError(said[-1][:160] if said else "it ended without a word")

    def search(self, text: str, most: int = MOST) -> list[Found]:
        """Return its answers for ``text``."""
        if self._process.stdin is None:
            return []
        self._process.stdin.write(json.dumps(text) + "\n")
        self._process.stdin.flush()
        found = json.loads(self._answer())
        return [self._pool.found(self._own(path), *lines) for path, *lines in found[:most]]

    def _own(self, path: str) -> str:
        return os.path.relpath(path, self._pool.folder) if Path(path).is_absolute() else path

    def close(self) -> None:
        """End it."""
        self._process.communicate()

    def _answer(self) -> str:
        return self._process.stdout.readline() if self._process.stdout else ""


def semble_python() -> Path:
    """Return the Python that semble is installed for, in the user's cache. Raises MissingTool."""
    return python_with(SEMBLE, cache(), os.environ)


def main() -> None:
    """Say what this file is for: it measures nothing."""
    print("ripgrep, textbook BM25 and BM25F, and semble, for the search benchmarks")


if __name__ == "__main__":
    main()
