"""Finds the target's own programs: its virtual environment first, then the person's PATH."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from selfimprove.tools.shell.process import capture

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_VENVS = (".venv", "venv", "env", ".env")


def find_program(name: str, root: Path, environ: Mapping[str, str]) -> str | None:
    """Return the path of a program that the repository at ``root`` would use, ``None`` when there is none."""
    return own_program(name, root, environ) or shutil.which(name, path=environ.get("PATH"))


def own_program(name: str, root: Path, environ: Mapping[str, str]) -> str | None:
    """Return the path of a program in the virtual environment of the repository at ``root``, or the active one."""
    for folder in _bins(root, environ):
        if os.access(folder / name, os.X_OK) and (folder / name).is_file():
            return str(folder / name)
    return None


def find_python(module: str, root: Path, environ: Mapping[str, str]) -> str | None:
    """Return an interpreter of the target's that can import ``module``: its own environment, PATH, then ours."""
    own = [str(folder / "python") for folder in _bins(root, environ) if (folder / "python").exists()]
    # A project with an environment of its own is tested there and nowhere else.
    there = own or [
        found for name in ("python3", "python") if (found := shutil.which(name, path=environ.get("PATH")))
    ]
    candidates = there if own else [*there, sys.executable]
    return next(
        (python for python in dict.fromkeys(candidates) if _can_import(python, module, environ)), None
    )


def _bins(root: Path, environ: Mapping[str, str]) -> Iterator[Path]:
    for name in _VENVS:
        if (root / name / "pyvenv.cfg").is_file():
            yield root / name / "bin"
    if active := environ.get("VIRTUAL_ENV"):
        yield Path(active) / "bin"


def _can_import(python: str, module: str, environ: Mapping[str, str]) -> bool:
    # A neutral folder: a file of that name in the repository must not answer, nor be run.
    code = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is None)"
    return capture([python, "-c", code], cwd=Path("/"), env=dict(environ), timeout=60).exit_code == 0
