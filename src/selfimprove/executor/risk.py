"""The guard step: reasons to hold a change back that no green test outweighs."""

from __future__ import annotations

import difflib
import fnmatch
import os
import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from selfimprove.model.outcome import Objection
from selfimprove.tools.shell.masking import mask

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selfimprove.executor.bench import Bench
    from selfimprove.model.task import Task
    from selfimprove.model.work import Work

# Files that decide what the checks are, or what runs elsewhere with more rights.
_PROTECTED = (
    ".github/*",
    ".gitlab-ci.yml",
    ".circleci/*",
    "azure-pipelines.yml",
    "Jenkinsfile",
    ".pre-commit-config.yaml",
    ".gitattributes",
    ".gitmodules",
    "conftest.py",
    "*/conftest.py",
    "pytest.ini",
    "tox.ini",
    "noxfile.py",
    "setup.cfg",
    "sitecustomize.py",
    "usercustomize.py",
    "*/sitecustomize.py",
    "*.pth",
    "Makefile",
    "pyproject.toml",
    "package.json",
    "ruff.toml",
    ".ruff.toml",
    "mypy.ini",
    ".flake8",
    ".coveragerc",
    ".ci/*",
    ".husky/*",
    ".githooks/*",
    "tasks.yml",
    "config.yaml",
    ".selfimprove/*",
)
_PLACEHOLDER = re.compile(
    r"(rest of (the )?(code|file|function|class|method)|"
    r"(existing|previous|remaining|original) (code|implementation|content)s?)"
    r"[^\n]{0,40}?(unchanged|remains?|stays?|as (is|before)|here|\.\.\.)|\.\.\. ?(existing|rest|remaining) |"
    r"(#|//) ?\.\.\. ?(unchanged|same as before)",
    re.IGNORECASE,
)
_TEST = re.compile(
    r"^\s*(async )?def test|^\s*class Test|\bassert\b|self\.assert\w+\(|pytest\.raises", re.MULTILINE
)
_SKIP = re.compile(r"pytest\.(mark\.)?(skip|xfail)|unittest\.skip|importorskip|\.skipTest\(")
_LINK_MODES = ("120000", "160000")


@dataclass(frozen=True, slots=True)
class Change:
    """One changed file: its text before and after (``None``: not there) and its git mode after."""

    path: str
    old: str | None
    new: str | None
    mode: str

    @property
    def added(self) -> str:
        """The lines that the change adds."""
        before, after = (self.old or "").splitlines(), (self.new or "").splitlines()
        rows = list(difflib.unified_diff(before, after, lineterm="", n=0))[2:]
        return "\n".join(row[1:] for row in rows if row.startswith("+"))


def guard(task: Task, work: Work, bench: Bench) -> Work:
    """Return the work, stopped when there is an objection to it."""
    changes = list(_changes(work, bench))
    objections = tuple(objection for change in changes for veto in VETOES for objection in veto(task, change))
    if not objections:
        return work.but(objections=(), summary="no objection")
    first = objections[0]
    return work.but(
        objections=objections,
        stop=f"held back: {first.message}",
        code=first.code,
        summary=f"held back: {first.message}",
    )


def _changes(work: Work, bench: Bench) -> Iterator[Change]:
    rows = bench.repo.git("diff-tree", "-r", "-z", "--raw", "--no-renames", work.base, work.tree).split(b"\0")
    for head, path in zip(rows[::2], rows[1::2], strict=False):
        name = os.fsdecode(path)
        old, new = bench.repo.blob(work.base, name), bench.repo.blob(work.tree, name)
        texts = [None if data is None else data.decode("utf-8", errors="replace") for data in (old, new)]
        yield Change(name, texts[0], texts[1], head.decode().split(" ")[1])


def is_named(task: Task, path: str) -> bool:
    """True when the task's files name ``path``: itself, a folder above it, or a pattern that matches it."""
    for name in task.files:
        clean = name.removeprefix("./").rstrip("/")
        if clean in ("", "."):
            return True
        if path == clean or path.startswith(f"{clean}/") or fnmatch.fnmatchcase(path, clean):
            return True
    return False


def is_test(path: str) -> bool:
    """True for a file that holds tests or what they need."""
    name = PurePosixPath(path)
    folders = {"test", "tests", "testing", "__tests__", "spec"}.intersection(name.parts[:-1])
    return bool(folders) or name.name.startswith("test_") or name.stem.endswith(("_test", ".test", ".spec"))


def _outside(task: Task, change: Change) -> Iterator[Objection]:
    if task.files and not is_named(task, change.path):
        yield Objection(
            "outside_files", f"{change.path} is outside this task's files", change.path, change.path
        )


def _protected(task: Task, change: Change) -> Iterator[Objection]:
    guarded = any(fnmatch.fnmatchcase(change.path, pattern) for pattern in _PROTECTED)
    if guarded and not is_named(task, change.path):
        yield Objection(
            "protected_file", f"{change.path} decides how changes are checked", change.path, change.path
        )


def _linked(task: Task, change: Change) -> Iterator[Objection]:
    if change.mode in _LINK_MODES:
        yield Objection("link", f"{change.path} would become a symbolic link or a submodule", change.path)


def _tests_weakened(task: Task, change: Change) -> Iterator[Objection]:
    if change.old is None or not is_test(change.path):
        return
    new = change.new or ""
    if change.new is None or len(_TEST.findall(new)) < len(_TEST.findall(change.old)):
        yield Objection("tests_weakened", f"{change.path} would hold fewer tests or assertions", change.path)
    elif len(_SKIP.findall(new)) > len(_SKIP.findall(change.old)):
        yield Objection("tests_skipped", f"{change.path} would skip tests", change.path)
    elif not is_named(task, change.path):
        yield Objection(
            "tests_changed", f"{change.path} is a test that the task does not name", change.path, change.path
        )


def _placeholder(task: Task, change: Change) -> Iterator[Objection]:
    if found := _PLACEHOLDER.search(change.added):
        yield Objection(
            "placeholder", f"{change.path} would hold a placeholder: {found[0].strip()[:60]!r}", change.path
        )


def _gutted(task: Task, change: Change) -> Iterator[Objection]:
    before, after = (len((text or "").split()) for text in (change.old, change.new))
    if change.old is not None and before > 120 and after < before * 0.35:
        yield Objection(
            "gutted", f"{change.path} would lose {100 - after * 100 // before} % of its text", change.path
        )


def _secret(task: Task, change: Change) -> Iterator[Objection]:
    if mask(change.added) != change.added:
        yield Objection(
            "secret", f"{change.path} would hold something that looks like a key or a password", change.path
        )


VETOES = (_outside, _protected, _linked, _tests_weakened, _placeholder, _gutted, _secret)
