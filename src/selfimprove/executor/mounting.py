"""What a check sees: the private copy at the repository's own path, with the person's ignored folders over it."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from selfimprove.tools.shell.mounts import View

if TYPE_CHECKING:
    from selfimprove.tools.git.repo import Repo
    from selfimprove.tools.git.worktree import Copy

# Ours, or caches that a tool fills anew: the copy must not show old results.
_LEFT_OUT = {
    ".selfimprove",
    "logs",
    "__pycache__",
    ".pytest_cache",
    ".mypy_cache",
    ".ruff_cache",
    ".hypothesis",
    "htmlcov",
    ".git",
}
# Built or generated parts that a package may need to be imported at all; a .env file is not among them.
_NEEDED_FILES = (".py", ".pyi", ".so", ".pyd", ".dylib", ".typed")


def view_of(copy: Copy) -> View:
    """Return what is mounted for a command that runs on ``copy``."""
    return View(copy.path, copy.repo.root, overlay(copy.repo), copy.git_dir, copy.repo.common_dir)


def overlay(repo: Repo) -> tuple[str, ...]:
    """Return ignored folders, built files and filled submodules of the person's tree, relative to its root."""
    ignored = [
        name.rstrip("/") for name in repo.ignored() if name.endswith("/") or name.endswith(_NEEDED_FILES)
    ]
    wanted = [name for name in ignored if not _LEFT_OUT.intersection(PurePosixPath(name).parts)]
    filled = [name for name in repo.submodules() if any(_entries(repo.root / name))]
    return tuple(name for name in (*wanted, *filled) if not (repo.root / name).is_symlink())


def _entries(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []
