"""Grep: the lines of a repository that hold most of some words, by ripgrep, git grep or reading all files."""

from __future__ import annotations

import math
import os
import re
import shutil
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.model.chunk import Hit
from selfimprove.tools.shell.process import capture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from selfimprove.tools.git.repo import Repo

MOST_WORDS = 12
"""Words of a query that are looked for, the longest of them: each is one pass over the files."""

WINDOW = 20
"""Lines within which the words of an answer stand."""

_MOST_FILES = 50
_LARGEST = 1_000_000  # bytes of a file whose lines are looked at
# In most languages: a word or a few (def, class, func, static int), the name, and what follows a name that is made.
_DEFINES = r"\s{0,40}(?:[\w.<>*&\[\]]{1,40}\s){1,4}\*?(%s)\s?(?:[({=<]|:$)"
_RG = (
    *("rg", "--no-config", "--no-messages", "--files-with-matches", "--null", "--hidden", "--glob", "!.git"),
    *("--glob", "!.selfimprove"),
    *("--fixed-strings", "--ignore-case", "-e"),
)
_GIT = (
    "-c",
    "core.fsmonitor=false",
    "grep",
    "-l",
    "-z",
    "-i",
    "-F",
    "-I",
    "--untracked",
    "--full-name",
    "-e",
)


class Matches(NamedTuple):
    """The files that hold each word, and which program found them."""

    files: dict[str, frozenset[str]]
    program: str


def grep(repo: Repo, words: Sequence[str], n: int = 10, keep: Callable[[str], bool] = bool) -> list[Hit]:
    """Return the ``n`` places that hold most of ``words``, rare ones counting for more; one of each file.

    A line that looks like the definition of a word counts twice for it. Letters match in either case. Of a long
    list the MOST_WORDS longest words count. Files for which ``keep`` is False are passed over. Ties by path.
    """
    chosen = sorted(dict.fromkeys(word.lower() for word in words), key=lambda word: -len(word))[:MOST_WORDS]
    found = matching(repo, chosen)
    files = {word: [path for path in paths if keep(path)] for word, paths in found.files.items()}
    most = max(map(len, files.values()), default=0)
    worth = {word: math.log(1 + most / len(paths)) for word, paths in files.items() if paths}
    total: dict[str, float] = defaultdict(float)
    for word in sorted(worth):
        for path in files[word]:
            total[path] += worth[word]
    best = sorted(total, key=lambda path: (-total[path], path))[:_MOST_FILES]
    hits = [hit for path in best if (hit := _place(repo, path, worth, total[path], found.program))]
    return sorted(hits, key=lambda hit: (-hit.score, hit.path))[:n]


def matching(repo: Repo, words: Sequence[str]) -> Matches:
    """Return which files hold each of ``words``, asking the first program that is there and can tell."""
    for program, ask in (("ripgrep", _ripgrep), ("git grep", _git_grep)):
        if found := ask(repo, words):
            return Matches(found, program)
    return Matches(_read_all(repo, words), "reading all files")


def _ripgrep(repo: Repo, words: Sequence[str]) -> dict[str, frozenset[str]] | None:
    program = shutil.which("rg", path=repo.environ.get("PATH"))
    if program is None:
        return None
    found = {}
    for word in words:
        done = capture([program, *_RG[1:], word, "./"], cwd=repo.root, env=dict(repo.environ))
        if done.exit_code not in (0, 1) and not done.stdout:
            return None
        found[word] = _names(done.stdout)
    return found


def _git_grep(repo: Repo, words: Sequence[str]) -> dict[str, frozenset[str]] | None:
    found = {}
    for word in words:
        code, out, complaint = repo.ask(*_GIT, word, "--")
        if code not in (0, 1) or (complaint and not out):
            return None
        found[word] = _names(out)
    return found


def _read_all(repo: Repo, words: Sequence[str]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {word: set() for word in words}
    for path in repo.files():
        text = "\n".join(_lines(repo, path)).lower()
        for word in words:
            if word in text:
                found[word].add(path)
    return {word: frozenset(paths) for word, paths in found.items()}


def _names(out: bytes) -> frozenset[str]:
    return frozenset(os.fsdecode(name).removeprefix("./") for name in out.split(b"\0") if name)


def _lines(repo: Repo, path: str) -> list[str]:
    """Return a text file's lines, none of what cannot be read, is binary or too large."""
    file = repo.root / path
    try:
        if not file.is_file() or file.stat().st_size > _LARGEST:
            return []
        data = file.read_bytes()
    except OSError:
        return []
    return [] if b"\0" in data[:8000] else data.decode(errors="replace").split("\n")


def _place(repo: Repo, path: str, worth: Mapping[str, float], in_file: float, program: str) -> Hit | None:
    """Return the lines of ``path`` that hold most of the words, None when none does any more."""
    lines = _lines(repo, path)
    defines = re.compile(_DEFINES % "|".join(map(re.escape, worth)))
    spots = [
        (number, here + [f"{match[1]} defined" for match in [defines.match(line)] if match])
        for number, line in enumerate(map(str.lower, lines), 1)
        if (here := [word for word in worth if word in line])
    ]
    if not spots:
        return None
    values = {**worth, **{f"{word} defined": value for word, value in worth.items()}}
    start, end, told = max(_windows(spots), key=lambda one: sum(values[word] for word in one[2]))
    best = sum(values[word] for word in told)
    why = ", ".join(sorted(told, key=lambda word: (-values[word], word)))
    hit = Hit(path, start, end, "", "block", lines[start - 1].strip()[:200], "", round(best + in_file / 2, 4))
    return hit._replace(why=(f"words: {why}", program))


def _windows(spots: Iterable[tuple[int, list[str]]]) -> Iterator[tuple[int, int, list[str]]]:
    """Yield the first line, the last and the words of each run of at most WINDOW lines that ends at a spot."""
    inside: list[tuple[int, list[str]]] = []
    for spot in spots:
        inside = [*(one for one in inside if one[0] > spot[0] - WINDOW), spot]
        yield inside[0][0], spot[0], list(dict.fromkeys(word for _, words in inside for word in words))
