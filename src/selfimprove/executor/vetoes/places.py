"""Vetoes by what a file is: outside the task, protected, a link, binary, executable, a licence, a dependency."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from selfimprove.codebase.protected import is_protected
from selfimprove.executor.vetoes.files import (
    is_in_named_folder,
    is_named,
    is_singled_out,
    is_test,
)
from selfimprove.executor.vetoes.python_tests import is_addition

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selfimprove.executor.vetoes.change import Case, Change
    from selfimprove.model.outcome import Objection

_LINK_MODES = ("120000", "160000")
_RUNNERS = {
    *("pytest", "_pytest", "pluggy", "iniconfig", "py", "hypothesis", "coverage", "xdist", "nose", "mock"),
    *("pytest_cov", "pytest_asyncio", "pytest_mock", "tox", "nox"),
}
_NOT_SHADOWED = {"test", "__main__", "__future__", "this"}
_ROOTS = {"", "src", "lib", "tests", "test", "testing"}
_MANIFESTS = {"package.json", "pyproject.toml", "setup.cfg", "Makefile", "tsconfig.json"}
_LICENCE = re.compile(r"^(licen[cs]e|copying|notice|copyright|unlicense)([._-].*)?$", re.IGNORECASE)
_NOTICE = re.compile(r"copyright\s+(\(c\)|©|\d{4})|spdx-license-identifier", re.IGNORECASE)
_IGNORED = re.compile(
    r"^!?/?(\*\*/)?(tests?|specs?|src|lib|__tests__)/?\**$|conftest|\.(py|js|ts|go|rs|java|rb|c|h)$|^\*+/?$"
    r"|^\.selfimprove|^tasks\.yml"
)


def outside(change: Change, case: Case) -> Iterator[Objection]:
    """The task has files, and this is none of them."""
    if case.task.files and not is_named(case.task, change.path) and change.path not in case.written:
        yield change.objection("outside_files", "is outside this task's files")


def protected(change: Change, case: Case) -> Iterator[Objection]:
    """The file decides how changes are checked, and the task does not speak of it.

    A task that names the folder of a package speaks of its manifest, and one that names the folder of tests of
    new fixtures in its ``conftest.py``; what runs without being asked for must be named itself.
    """
    if not is_protected(change.path) or is_singled_out(case.task, change.path):
        return
    name = PurePosixPath(change.path).name
    if is_in_named_folder(case.task, change.path):
        if name in _MANIFESTS:
            return
        before, after = change.trees()
        if name == "conftest.py" and is_addition(before or ast.Module([], []), after):
            return
    yield change.objection("protected_file", "decides how changes are checked")


def git_folder(change: Change, _case: Case) -> Iterator[Objection]:
    """Git's own folder: hooks in there run with the person's rights. No word lets this through."""
    if ".git" in (part.lower() for part in PurePosixPath(change.path).parts):
        yield change.objection("git_folder", "is in git's own folder", allow="")


def linked(change: Change, _case: Case) -> Iterator[Objection]:
    """A link can lead out of the repository, and a submodule to code of anybody's. No word lets this through."""
    if change.mode in _LINK_MODES and change.mode != change.was:
        yield change.objection("link", "would become a symbolic link or a submodule", allow="")
    elif change.mode in _LINK_MODES:
        yield change.objection("link", "is a symbolic link or a submodule and would lead elsewhere", allow="")


def executable(change: Change, _case: Case) -> Iterator[Objection]:
    """A file becomes executable that no program starts as such."""
    if change.mode != "100755" or change.was == "100755":
        return
    if not (change.new or "").startswith("#!") or change.was == "100644":
        yield change.objection("executable", "would become executable")


def binary(change: Change, _case: Case) -> Iterator[Objection]:
    """Nobody can read what such a file does."""
    if "\0" in (change.new or "") or (change.new is not None and "\0" in (change.old or "")):
        yield change.objection("binary", "is a binary file")


def shadowing(change: Change, case: Case) -> Iterator[Objection]:
    """A new file where Python looks for modules first, called like one that the tests import."""
    path = PurePosixPath(change.path)
    if change.old is not None or path.suffix not in (".py", ".so", ".pyd", ".pth", ".pyc"):
        return
    parts = path.parts[1:] if len(path.parts) > 1 and path.parts[0] in _ROOTS else path.parts
    name = parts[0].partition(".")[0]
    known = _RUNNERS | (sys.stdlib_module_names - _NOT_SHADOWED)
    if name not in known or any(
        other.startswith(f"{_root(change.path, parts)}{name}") for other in case.names
    ):
        return
    if len(parts) == 1 or parts[-1] == "__init__.py" or name in _RUNNERS:
        yield change.objection("shadowing", f"would take the place of the module {name}")


def _root(path: str, parts: tuple[str, ...]) -> str:
    return path.removesuffix("/".join(parts))


def licence(change: Change, case: Case) -> Iterator[Objection]:
    """Who may use the code is for people to say."""
    name = PurePosixPath(change.path)
    if _LICENCE.match(name.name) and name.suffix != ".py":
        if change.path not in case.task.files:
            yield change.objection("licence", "says under which terms the code may be used")
        return
    if change.old is None or change.new is None or is_test(change.path):
        return
    gone = [line for line in change.removed if _NOTICE.search(line)]
    new = "\n".join(text for _, text in change.added)
    if gone and len(_NOTICE.findall(new)) < len(gone) and case.moved_from(change) < 1:
        yield change.objection("licence", f"would lose a notice: {gone[0].strip()[:60]}")


def ignoring(change: Change, _case: Case) -> Iterator[Objection]:
    """Ignored files are not seen by those who look at changes; the pattern hides tests, sources or everything."""
    if PurePosixPath(change.path).name not in (".gitignore", ".dockerignore", ".ignore"):
        return
    for number, text in change.added:
        if (
            _IGNORED.search(text.strip())
            and not text.lstrip().startswith("#")
            and ".pytest_cache" not in text
        ):
            yield change.objection("protected_file", f"would hide {text.strip()}", number)
            return
