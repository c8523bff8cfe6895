"""Which files hold tests, which decide how a change is checked, and which a task names, by their paths alone."""

from __future__ import annotations

import fnmatch
import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

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

# Names, in any folder, of files that decide what the checks are, or that run where they were not asked to.
_NAMES = (
    *("conftest.py", "pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml", "tox.ini", "tox.toml"),
    *("noxfile.py", "setup.cfg", "pyproject.toml", "sitecustomize.py", "usercustomize.py", "*.pth"),
    *("*.egg-link", "entry_points.txt", "ruff.toml", ".ruff.toml", "mypy.ini", ".mypy.ini", ".flake8"),
    *(".coveragerc", ".pylintrc", "pylintrc", ".bandit", ".isort.cfg", "pyrightconfig.json", ".testmondata"),
    *("package.json", ".npmrc", ".yarnrc", ".yarnrc.yml", "jest.config.*", "jest.setup.*", "vitest.config.*"),
    *("vite.config.*", "karma.conf.*", "babel.config.*", ".babelrc*", ".mocharc*", "playwright.config.*"),
    *("cypress.config.*", ".eslintrc*", "eslint.config.*", ".eslintignore", "tsconfig*.json", ".nycrc*"),
    *(
        "biome.json",
        "Makefile",
        "makefile",
        "GNUmakefile",
        "justfile",
        "Justfile",
        "Taskfile.yml",
        "Rakefile",
    ),
    *(".rspec", "phpunit.xml*", ".golangci.y*ml", ".env", ".env.*", "*.env", ".envrc", ".flaskenv"),
    *(".gitattributes", ".gitmodules", ".lfsconfig", ".pre-commit-config.yaml", ".pre-commit-hooks.yaml"),
    *("lefthook.yml", ".lefthook.yml", ".travis.yml", ".gitlab-ci.yml", "azure-pipelines.yml", "Jenkinsfile"),
    *(
        "appveyor.yml",
        ".appveyor.yml",
        ".drone.yml",
        "bitbucket-pipelines.yml",
        "codecov.yml",
        ".codecov.yml",
    ),
    *("CODEOWNERS",),
)
_FOLDERS = (
    *(".github", ".circleci", ".ci", ".gitlab", ".buildkite", ".husky", ".githooks", ".cargo", ".git"),
    *(".selfimprove", ".woodpecker", ".vscode", ".idea", ".devcontainer"),
)
PROPOSED = frozenset({"suggest", "generate"})
"""Sources of tasks whose files a model named."""

_AT_THE_ROOT = ("tasks.yml", "config.yaml")
_PROTECTED_NAME = re.compile("|".join(fnmatch.translate(name) for name in _NAMES))
_PROSE = (".md", ".rst", ".txt")


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


def is_protected(path: str) -> bool:
    """Return True for a file that decides how changes are checked, or that runs with rights of its own.

    The prose of such a folder (``.github/CONTRIBUTING.md``) decides nothing.
    """
    name = PurePosixPath(path)
    folders = name.parts[:-1]
    if any(folder in _FOLDERS for folder in folders):
        return name.suffix not in _PROSE or ".git" in folders
    return path in _AT_THE_ROOT or _PROTECTED_NAME.fullmatch(name.name) is not None


def is_named(task: Task, path: str) -> bool:
    """Return True when the task's files name ``path``: itself, a folder above it, or a pattern.

    What a model proposed names files one by one, and never one that decides how changes are checked.
    """
    if task.source in PROPOSED:
        return path in task.files and not is_protected(path)
    for name in task.files:
        clean = name.removeprefix("./").rstrip("/")
        if clean in ("", "."):
            return True
        if path == clean or path.startswith(f"{clean}/") or fnmatch.fnmatchcase(path, clean):
            return True
    return False


def is_singled_out(task: Task, path: str) -> bool:
    """Return True when the task's files name ``path`` itself, or a folder or pattern of protected files only.

    ``files: [.github]`` speaks of CI on purpose; ``files: [.]`` does not.
    """
    for name in task.files if task.source not in PROPOSED else ():
        clean = name.removeprefix("./").rstrip("/")
        if path == clean or (clean in _FOLDERS and path.startswith(f"{clean}/")):
            return True
        if fnmatch.fnmatchcase(path, clean) and is_protected(clean):
            return True
    return False


def is_in_named_folder(task: Task, path: str) -> bool:
    """Return True when the task's files name a folder above ``path``, other than the repository itself."""
    if task.source in PROPOSED:
        return False
    folders = [name.removeprefix("./").rstrip("/") for name in task.files]
    return any(folder not in ("", ".") and path.startswith(f"{folder}/") for folder in folders)
