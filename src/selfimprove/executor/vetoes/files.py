"""Which files hold tests, and which a task names, by their paths alone."""

from __future__ import annotations

import fnmatch
import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from selfimprove.codebase.protected import FOLDERS, is_protected

if TYPE_CHECKING:
    from selfimprove.model.task import Task

_TEST_FOLDERS = {
    "test",
    "tests",
    "__tests__",
    "testsuite",
    "__mocks__",
    "__snapshots__",
    "testdata",
    "e2e",
    "cypress",
}
_SPEC_FOLDERS = {"spec", "specs"}  # in Python a product's own package is often called so
_TEST_NAME = re.compile(
    r"(^|[._-])(tests?|conftest)[._-]"  # test_x.py, x_test.go, x.test.ts, tests.py, x-test.js
    r"|[.-](spec|unit|e2e|cy)\.\w+$|_spec\.(rb|lua|js|ts|cr)$"  # x.spec.ts, x_spec.rb
    r"|^Test[A-Z]\w*\.(java|kt|cs|php|swift|scala|groovy)$"
    r"|\w(Tests?|Spec|IT)\.(java|kt|cs|php|swift|scala|groovy)$"
)
_SNAPSHOT = re.compile(r"\.(snap|ambr|approved\.\w+)$")
_BY_A_MODEL = ("suggest", "generate")  # sources of tasks whose files no person has named


def is_test(path: str) -> bool:
    """Return True for a file that holds tests or what they need: by its folders and by its name.

    ``tests/x.json``, ``pkg/test_x.py``, ``x_test.go``, ``x.spec.ts``, ``XTest.java`` and every ``conftest.py``
    are; ``latest.py``, ``click/testing.py`` and ``openapi_spec.py`` are not, since products ship such files.
    """
    name = PurePosixPath(path)
    folders = {folder.lower() for folder in name.parts[:-1]}
    if folders & _TEST_FOLDERS or (folders & _SPEC_FOLDERS and name.suffix != ".py"):
        return True
    if path.startswith("testing/"):
        return True
    return bool(_TEST_NAME.search(name.name) or _SNAPSHOT.search(name.name))


def is_named(task: Task, path: str) -> bool:
    """Return True when the task's files name ``path``: itself, a folder above it, or a pattern.

    A pattern, and the whole repository, are for a person to name: of a task that a model thought of they do not count.
    """
    for name in task.files:
        clean = name.removeprefix("./").rstrip("/")
        if task.source in _BY_A_MODEL:
            if clean and (path == clean or path.startswith(f"{clean}/")):
                return True
            continue
        if clean in ("", "."):
            return True
        if path == clean or path.startswith(f"{clean}/") or fnmatch.fnmatchcase(path, clean):
            return True
    return False


def is_singled_out(task: Task, path: str) -> bool:
    """Return True when the task's files name ``path`` itself, or a folder or pattern of protected files only.

    ``files: [.github]`` speaks of CI on purpose; ``files: [.]`` does not, and no more do files that a model named.
    """
    if task.source in _BY_A_MODEL:
        return False
    for name in task.files:
        clean = name.removeprefix("./").rstrip("/")
        if path == clean or (clean in FOLDERS and path.startswith(f"{clean}/")):
            return True
        if fnmatch.fnmatchcase(path, clean) and is_protected(clean):
            return True
    return False


def is_in_named_folder(task: Task, path: str) -> bool:
    """Return True when the files of a person's task name a folder above ``path``, not the repository itself."""
    if task.source in _BY_A_MODEL:
        return False
    folders = [name.removeprefix("./").rstrip("/") for name in task.files]
    return any(folder not in ("", ".") and path.startswith(f"{folder}/") for folder in folders)
