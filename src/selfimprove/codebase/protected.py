"""Protected: files that decide how changes are checked, or that run without being asked, by their paths alone."""

from __future__ import annotations

import fnmatch
import re
from pathlib import PurePosixPath

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
FOLDERS = (
    *(".github", ".circleci", ".ci", ".gitlab", ".buildkite", ".husky", ".githooks", ".cargo", ".git"),
    *(".selfimprove", ".woodpecker", ".vscode", ".idea", ".devcontainer"),
)
"""Folders, at any depth, in which everything but prose is protected."""

_AT_THE_ROOT = ("tasks.yml", "config.yaml")
_PROTECTED_NAME = re.compile("|".join(fnmatch.translate(name) for name in _NAMES))
_PROSE = (".md", ".rst", ".txt")


def is_protected(path: str) -> bool:
    """Return True for a file that decides how changes are checked, or that runs with rights of its own.

    The prose of such a folder (``.github/CONTRIBUTING.md``) decides nothing.
    """
    name = PurePosixPath(path)
    folders = name.parts[:-1]
    if any(folder in FOLDERS for folder in folders):
        return name.suffix not in _PROSE or ".git" in folders
    return path in _AT_THE_ROOT or _PROTECTED_NAME.fullmatch(name.name) is not None
