"""Venv: a Python package in an environment of its own in the cache folder, made once and never changed."""

from __future__ import annotations

import platform
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from selfimprove.errors import MissingTool
from selfimprove.tools.shell.process import capture

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# What would make pip install elsewhere, or Python load packages that are not of this environment.
_MISLEADING = (
    *("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__"),
    *("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER", "PIP_REQUIRE_VIRTUALENV", "PIP_PYTHON"),
)
_QUIET = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "PIP_ROOT_USER_ACTION": "ignore"}


def python_with(requirement: str, folder: Path, environ: Mapping[str, str]) -> Path:
    """Return a Python that can import what ``requirement`` (``wily==1.25.0``) names, and nothing of ours.

    The environment lies in ``folder`` (made when missing) under a name that holds requirement and Python
    version. It is made under another name and then renamed, so a killed process leaves no half one in use
    and two processes may make it at the same time. ``environ`` decides how pip reaches its index. Raises
    MissingTool, with what to type, when it cannot be made.
    """
    words = re.sub(r"[^\w.]+", "-", requirement)[:60]
    name = f"{words}-py{platform.python_version()}"
    python = folder / name / "bin" / "python"
    if not python.exists():  # also when the interpreter behind the link is gone
        _make(requirement, folder / name, environ)
    return python


def without_python(environ: Mapping[str, str]) -> dict[str, str]:
    """Return ``environ`` less what would make another Python load our packages."""
    return {key: value for key, value in environ.items() if key not in _MISLEADING}


def _make(requirement: str, place: Path, environ: Mapping[str, str]) -> None:
    env = without_python(environ) | _QUIET
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=place.parent))
    except OSError as error:
        raise MissingTool(
            f"{requirement} cannot be installed: {error.strerror}",
            where=str(place),
            hint="set XDG_CACHE_HOME to a folder that you may write to",
        ) from error
    try:
        _step([sys.executable, "-m", "venv", str(scratch)], scratch, env, requirement)
        python = str(scratch / "bin" / "python")
        _step([python, "-m", "pip", "install", "--quiet", requirement], scratch, env, requirement)
        _put(scratch, place)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _put(scratch: Path, place: Path) -> None:
    """Rename ``scratch`` to ``place``; where another process was faster, its environment stays."""
    try:
        scratch.rename(place)
    except OSError:
        if not (place / "bin" / "python").exists():  # a broken one is in the way
            shutil.rmtree(place, ignore_errors=True)
            scratch.rename(place)


def _step(argv: Sequence[str], cwd: Path, env: Mapping[str, str], requirement: str) -> None:
    done = capture(argv, cwd=cwd, env=env)
    if done.exit_code == 0:
        return
    said = (done.stderr + done.stdout).decode(errors="replace")
    lines = [line.strip() for line in said.splitlines() if line.strip()] or [f"exit code {done.exit_code}"]
    why = next((line for line in reversed(lines) if line.startswith("ERROR")), lines[-1])
    raise MissingTool(
        f"{requirement} cannot be installed: {why}", where=" ".join(argv[1:4]), hint=_mend(said)
    )


def _mend(said: str) -> str:
    if "ensurepip" in said:
        return f"sudo apt-get install python{sys.version_info[0]}.{sys.version_info[1]}-venv"
    if "No space left" in said:
        return "free some disk space and type the same again"
    return (
        "connect to the network (or set PIP_INDEX_URL to an index that is reachable) and type the same again"
    )
