"""Queries with known answers: first sentences of documentation, and subjects of commits."""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import corpora
from functions import SUFFIXES, Function, functions, sentence, stripped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

DOCSTRINGS = 120  # queries of a kind and project at most, so that no project outweighs the others
COMMITS = 60
LEAST_WORDS = 4
_BUILT = ("dist", "*.min.*", "*.map")  # copies of the source, with its documentation
_HUNK = re.compile(rb"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_TEST = re.compile(
    r"(^|/)(tests?|__tests__|testing|spec|t|e2e|benchmarks?)/|(^|/)test_|_test\.|\.(spec|test)\."
)


class Query(NamedTuple):
    """What is asked, and the functions that answer it: any of these (path, first line, last line)."""

    project: str
    text: str
    gold: tuple[tuple[str, int, int], ...]


class Corpus(NamedTuple):
    """A folder that is searched, and the queries that are asked of it; ``kind`` is docstring or commit."""

    project: str
    kind: str
    folder: Path
    queries: tuple[Query, ...]


def docstrings(project: corpora.Project, folder: Path, mirrors: Path | None) -> Corpus:
    """Copy the project's release into ``folder`` without its documentation and ask its first sentences."""
    if project.package:
        shutil.copytree(corpora.package(project.package), folder, ignore=shutil.ignore_patterns(*_BUILT))
    else:
        _checkout(project, folder, mirrors)
    asked: dict[str, list[tuple[str, int, int]]] = defaultdict(list)
    for path in _sources(folder):
        text = _read(folder / path)
        for one in functions(path, text):
            said = sentence(one.doc, one.name)
            if len(said.split()) >= LEAST_WORDS:
                asked[said].append((path, one.start, one.end))
        (folder / path).write_text(stripped(path, text), encoding="utf-8", newline="")
    single = [Query(project.name, said, tuple(gold)) for said, gold in asked.items() if len(gold) == 1]
    single.sort(key=lambda one: _digest(one.text))  # any order will do that is the same each time
    return Corpus(project.name, "docstring", folder, tuple(single[:DOCSTRINGS]))


def commits(project: corpora.Project, folder: Path, mirrors: Path | None) -> Corpus:
    """Check the project out at ``base`` and ask the subjects of the commits after it.

    A commit counts when it changed one to three functions that ``base`` has too. The answers are those of
    them that are no tests, or the tests when it changed nothing else.
    """
    _checkout(project, folder, mirrors)
    known: dict[tuple[str, str], tuple[str, int, int]] = {}
    for path in _sources(folder):
        for one in functions(path, _read(folder / path)):
            known.setdefault((path, one.name), (path, one.start, one.end))
    asked: dict[str, Query] = {}
    for subject, changed in _changes(corpora.clone(project, mirrors), project):
        gold = sorted({known[key] for key in changed if key in known})
        if not 1 <= len(gold) <= 3 or len(changed) > 6 or len(subject.split()) < LEAST_WORDS:
            continue
        gold = [one for one in gold if not _TEST.search(one[0])] or gold
        asked.setdefault(subject, Query(project.name, subject, tuple(gold)))
        if len(asked) == COMMITS:
            break
    return Corpus(project.name, "commit", folder, tuple(asked.values()))


def all_of(
    projects: Iterable[corpora.Project], folder: Path, mirrors: Path | None
) -> Iterator[Corpus | corpora.Unavailable]:
    """Yield the corpora of both kinds for each project, or why one cannot be had."""
    for project in projects:
        for make in (docstrings, commits):
            try:
                yield make(project, folder / f"{project.name}-{make.__name__}", mirrors)
            except corpora.Unavailable as error:
                yield error


def _checkout(project: corpora.Project, folder: Path, mirrors: Path | None) -> None:
    """Check the project out without what is built from its sources: a copy would answer as well."""
    corpora.checkout(project, folder, mirrors)
    for pattern in _BUILT:
        for path in sorted(folder.rglob(pattern)):
            if ".git" in path.relative_to(folder).parts:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _sources(folder: Path) -> list[str]:
    found = []
    for top, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in {".git", "node_modules", "dist"})
        found += [Path(top, name).relative_to(folder).as_posix() for name in names if name.endswith(SUFFIXES)]
    return sorted(path for path in found if not (folder / path).is_symlink())


def _read(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "replace").replace("\r\n", "\n")


def _changes(origin: Path, project: corpora.Project) -> Iterator[tuple[str, set[tuple[str, str]]]]:
    """Yield the subject of each commit and the functions that it changed, by the names its parent had."""
    entries = sorted(_log(origin, project), key=lambda one: (_digest(one[1]), one[0]))
    for some in (entries[at : at + 50] for at in range(0, len(entries), 50)):
        blobs = _blobs(origin, sorted({f"{commit}^:{path}" for commit, _, files in some for path in files}))
        for commit, subject, files in some:
            changed: set[tuple[str, str]] = set()
            for path, ranges in files.items():
                spans = functions(path, blobs.get(f"{commit}^:{path}", ""))
                changed |= {(path, name) for first, last in ranges for name in _innermost(spans, first, last)}
            yield subject, changed


def _innermost(spans: list[Function], first: int, last: int) -> set[str]:
    """Return the functions that lines ``first`` to ``last`` touch, the inner of nested ones only."""
    hit = [one for one in spans if one.start <= last and first <= one.end]
    return {
        one.name
        for one in hit
        if not any(other is not one and one.start <= other.start and other.end <= one.end for other in hit)
    }


def _log(
    origin: Path, project: corpora.Project
) -> Iterator[tuple[str, str, dict[str, list[tuple[int, int]]]]]:
    """Yield (commit, subject, {path: changed lines of the old side}) of the commits after ``base``."""
    command = ["git", "log", "-p", "-U0", "--no-merges", "--no-renames", "--no-color", "--no-ext-diff"]
    command += ["--format=%x00%H %s", f"{project.base}..{project.tip}", "--"]
    out = _git(origin, command[1:] + [f"*{suffix}" for suffix in SUFFIXES])
    for block in out.split(b"\0")[1:]:
        lines = block.split(b"\n")
        commit, _, subject = lines[0].decode("utf-8", "replace").partition(" ")
        yield commit, re.sub(r"\s*\(#\d+\)\s*$", "", subject), _ranges(lines[1:])


def _ranges(lines: list[bytes]) -> dict[str, list[tuple[int, int]]]:
    files: dict[str, list[tuple[int, int]]] = {}
    path, at = "", 0
    while at < len(lines):
        line = lines[at]
        hunk = _HUNK.match(line)
        if hunk:
            start, old, new = int(hunk[1]), int(hunk[2] or 1), int(hunk[4] or 1)
            if path:  # lines put in after line n change what holds both n and the line after it
                files.setdefault(path, []).append((start, start + old - 1) if old else (start + 1, start))
            at += old + new
        elif line.startswith(b"--- "):
            path = line[6:].decode("utf-8", "replace") if line.startswith(b"--- a/") else ""
        at += 1
    return files


def _blobs(origin: Path, names: list[str]) -> dict[str, str]:
    out = _git(origin, ["cat-file", "--batch"], "\n".join(names).encode() + b"\n") if names else b""
    found, at = {}, 0
    for name in names:
        end = out.index(b"\n", at)
        head = out[at:end].split()
        at = end + 1
        if head[-1] != b"missing":
            size = int(head[2])
            found[name] = out[at : at + size].decode("utf-8", "replace").replace("\r\n", "\n")
            at += size + 1
    return found


def _git(folder: Path, args: list[str], given: bytes = b"") -> bytes:
    done = subprocess.run(["git", "-C", str(folder), *args], input=given, check=False, capture_output=True)
    if done.returncode:
        raise corpora.Unavailable(f"{folder}: {os.fsdecode(done.stderr)[-200:]}")
    return done.stdout


def main() -> None:
    """Make the queries of every project and say how many there are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mirrors", type=Path, help="folder with owner+name/repo git directories")
    parser.add_argument("--show", type=int, default=0, help="so many queries of each kind and project")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="selfimprove-queries-") as name:
        for corpus in all_of((*corpora.TEST, *corpora.LEARN), Path(name), args.mirrors):
            if isinstance(corpus, corpora.Unavailable):
                print(f"not available: {corpus}")
                continue
            print(f"{corpus.project:10} {corpus.kind:10} {len(corpus.queries):4} queries")
            for query in corpus.queries[: args.show]:
                print(f"    {query.text[:90]} -> {query.gold[0]}")


if __name__ == "__main__":
    main()
