"""Briefing: what a model is shown of a repository before it is asked for ideas: facts first, then code."""

from __future__ import annotations

import contextlib
import sqlite3
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.codebase import fence
from selfimprove.codebase.context import Extras, build_context
from selfimprove.codebase.languages import language_of
from selfimprove.codebase.related import Related, find
from selfimprove.codebase.testing import is_test
from selfimprove.errors import SelfimproveError
from selfimprove.model.context import FOUND, Place
from selfimprove.model.task import Status, Task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from selfimprove.codebase.index import Index, Row
    from selfimprove.model.audit import Audit
    from selfimprove.reflector.ground import Ground

_MANIFESTS = (
    *(
        "pyproject.toml",
        "setup.cfg",
        "setup.py",
        "package.json",
        "Cargo.toml",
        "go.mod",
        "pom.xml",
        "build.gradle",
    ),
    *("Gemfile", "composer.json", "mix.exs", "requirements.txt", "Makefile", "tox.ini"),
)
_SHARES = {"PROJECT": 0.08, "README": 0.08, "MANIFEST": 0.05, "API": 0.12, "TASKS": 0.14, "COMMITS": 0.2}
"""The most of all tokens that each piece may have; code has what is left."""

_WORST, _HOT, _PUBLIC = 10, 8, 80  # findings, files and definitions that are listed
_PLACES = 60  # places that search is asked for
_NAMES = 400
_FEW, _FIRST = 3, 12  # places below which the first so many files are shown too
_LONGEST = 180  # characters of a signature
BROKEN = (SelfimproveError, ImportError, OSError, sqlite3.Error, LookupError, ValueError, TypeError)
"""What an index can fail with that lacks a part or was damaged meanwhile: the question is asked without it."""


class Facts(NamedTuple):
    """What was measured: the ``audit`` (None: it failed), and the command that runs the tests."""

    audit: Audit | None = None
    tests: str = ""


class Topic(NamedTuple):
    """What the code is chosen for: ``words`` that search is asked for, and whether tests are of interest."""

    name: str
    words: str
    tests: bool = False


class Brief(NamedTuple):
    """The ``text`` that is ready to be sent, and the ``files`` of which it shows code."""

    text: str
    files: tuple[str, ...]


def brief(
    ground: Ground, facts: Facts, tasks: Sequence[Task], topic: Topic, room: int, commits: Sequence[str] = ()
) -> Brief:
    """Return what is shown for ``topic`` in at most ``room`` tokens, every piece between marks of its own text."""
    makers: dict[str, Callable[[], Iterable[str]]] = {
        "PROJECT": lambda: _project(ground, facts),
        "README": lambda: _head(ground, _readme(ground)),
        "MANIFEST": lambda: _head(ground, next((one for one in _MANIFESTS if one in ground.names), "")),
        "API": lambda: _public(ground),
        "TASKS": lambda: _tasks(tasks),
        "COMMITS": lambda: commits,
    }
    pieces = {kind: _fitted(ground, make(), int(room * _SHARES[kind])) for kind, make in makers.items()}
    pieces = {kind: text for kind, text in pieces.items() if text}
    mark, salt = fence.mark_for(pieces.values()), 0
    while any(mark in text for text in pieces.values()):
        salt += 1
        mark = fence.mark_for(pieces.values(), salt)
    said = "\n".join(fence.begin(mark, kind) + text + fence.end(mark, kind) for kind, text in pieces.items())
    code, files = _code(ground, topic, room - ground.counter.count(said) - 2)
    return Brief(f"{said}\n{code}".strip() + "\n", files)


def _fitted(ground: Ground, lines: Iterable[str], most: int) -> str:
    """Return as many of ``lines``, from the first, as fit into ``most`` tokens with the lines around them."""
    shown: list[str] = []
    left = most - ground.counter.count(
        fence.begin(fence.BLANK, "MANIFEST") + fence.end(fence.BLANK, "MANIFEST")
    )
    for line in lines:
        text = ground.files.hide(fence.spelled(line.replace("\t", "    ")) + "\n")
        left -= ground.counter.count(text)
        if left < 0:
            break
        shown.append(text)
    return "".join(shown)


def _project(ground: Ground, facts: Facts) -> Iterable[str]:
    languages = Counter(language for name in ground.names if (language := language_of(name)))
    # The same in every process, so that a question that was paid for is known again.
    most = sorted(languages, key=lambda kind: (-languages[kind], kind))[:6]
    yield f"files: {len(ground.names):,}; " + ", ".join(f"{kind} {languages[kind]}" for kind in most)
    yield f"tests: {sum(map(is_test, ground.names)):,} files; they are run by: {facts.tests or 'no known command'}"
    if audit := facts.audit:
        yield f"measured: {audit.files:,} files, {len(audit.findings):,} over a limit"
        for one in audit.findings[:_WORST]:
            yield f"- {one.path}:{one.line} {one.message}"
        for file in [one for one in audit.file_facts if not is_test(one.path)][:_HOT]:
            known = "" if file.coverage is None else f", coverage {file.coverage:.0f} %"
            yield f"- hot: {file.path}, complexity {file.complexity}, {file.commits} commits{known}"


def _readme(ground: Ground) -> str:
    found = sorted(name for name in ground.names if name.lower().startswith("readme") and "/" not in name)
    return found[0] if found else ""


def _head(ground: Ground, path: str) -> Iterable[str]:
    text = ground.text(path) if path else None
    return [f"file: {path}", *text.split("\n")] if text else []


def _public(ground: Ground) -> Iterable[str]:
    """Return the signatures of what most other code leans on, as the index has them."""
    try:
        return _signatures(index, ground) if (index := ground.index()) else []
    except BROKEN as error:
        ground.tell(f"the index could not be read: {error}")
        return []


def _signatures(index: Index, ground: Ground) -> list[str]:
    ranks = index.meta.rank
    live = sorted(index.live, key=lambda one: -float(ranks[one]))
    rows = index.rows(live[: 10 * _PUBLIC])
    public = [
        f"{row.path}: {_head_of(row)[:_LONGEST]}"
        for row in rows
        if row.symbol
        and row.kind in ("function", "class", "method")
        and row.path in ground.names
        and not is_test(row.path)
        and not any(part.startswith("_") for part in row.qualified.split("."))
    ]
    return list(dict.fromkeys(public))[:_PUBLIC]


def _head_of(row: Row) -> str:
    """Return the signature of a definition; of a method with its class, which its own line does not say."""
    return f"{row.qualified}: {row.signature}" if row.kind == "method" else row.signature or row.qualified


def _tasks(tasks: Sequence[Task]) -> Iterable[str]:
    """Return what is not to be suggested again: what was rejected first, then what is open, done and failed."""
    rejected = [task for task in tasks if task.rejected is not None]
    for task in reversed(rejected):
        yield f"rejected: {task.title}" + (f" (because: {task.rejected})" if task.rejected else "")
    order = {Status.PENDING: 0, Status.IN_PROGRESS: 0, Status.DONE: 1}
    rest = [task for task in reversed(tasks) if task.rejected is None]
    for task in sorted(rest, key=lambda one: (one.source == "audit", order.get(one.status, 2))):
        yield f"{task.status.value}: {task.title}"


def _code(ground: Ground, topic: Topic, room: int) -> tuple[str, tuple[str, ...]]:
    """Return the code for the topic in at most ``room`` tokens, and the files that it is of."""
    if room <= 0:
        return "", ()
    found = _found(ground, topic)
    places = tuple(place for place in found.places if place.path in ground.names)
    names = sorted(ground.names, key=lambda name: (is_test(name), name.count("/"), name))
    context = build_context(
        Task(topic.name, topic.name, topic.words),
        room,
        counter=ground.counter,
        files=ground.files,
        own=(),
        named=[name for name in names if language_of(name)][:_FIRST] if len(places) < _FEW else (),
        found=Related(places, found.signatures),
        extras=Extras([name for name in names if name.isprintable()][:_NAMES]),
    )
    return context.text, tuple(dict.fromkeys(place.path for place in context.shown))


def _found(ground: Ground, topic: Topic) -> Related:
    """Return the places that search finds for the words of the topic, tests last."""
    try:
        index = ground.index()
        found = find(topic.words, index, ground.files, _PLACES) if index else _grepped(ground, topic)
        return found._replace(places=_in_order(found.places, topic))
    except BROKEN as error:
        ground.tell(f"the code could not be searched: {error}")
        return Related()


def _grepped(ground: Ground, topic: Topic) -> Related:
    from selfimprove.codebase.search import grep_search

    hits = grep_search(ground.repo, topic.words, _PLACES)
    return Related(
        tuple(Place(hit.path, hit.start, hit.end, "", FOUND) for hit in hits if _is_same(ground, hit.path))
    )


def _is_same(ground: Ground, path: str) -> bool:
    """True when a file of the working tree is as in the commit, so that lines found there are those shown."""
    content, file = ground.files.content(path) if path in ground.names else None, ground.repo.root / path
    with contextlib.suppress(OSError):
        return (
            content is not None and file.is_file() and not file.is_symlink() and file.read_bytes() == content
        )
    return False


def _in_order(places: Sequence[Place], topic: Topic) -> tuple[Place, ...]:
    return tuple(sorted(places, key=lambda place: is_test(place.path) != topic.tests))
