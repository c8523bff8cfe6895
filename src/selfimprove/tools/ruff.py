"""Ruff: finds the program, and asks it what it would mend in a few files, on a copy that nobody else sees."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

from selfimprove.errors import MissingTool, RefactorError
from selfimprove.tools.shell.process import capture
from selfimprove.tools.shell.toolchain import own_program

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

INSTALL = "pip install 'selfimprove[refactor]', or add ruff to the project's own environment"
TIMEOUT = 120.0
"""Seconds that one look at some files may take; ruff needs milliseconds for each."""


class Edit(NamedTuple):
    """Text for the place between two positions: line and column, both from 1, columns in characters."""

    start: tuple[int, int]
    end: tuple[int, int]
    text: str


class Fix(NamedTuple):
    """What ruff would do about one thing that it says of a file. ``safe`` is its own word for it."""

    path: str
    code: str
    message: str
    safe: bool
    edits: tuple[Edit, ...]


class Wish(NamedTuple):
    """Which rules ruff looks for, which of these it passes over, and the oldest Python that it writes for."""

    select: tuple[str, ...]
    ignore: tuple[str, ...] = ()
    minimum: tuple[int, int] = (3, 8)


def find_ruff(root: Path | None = None, environ: Mapping[str, str] | None = None) -> str:
    """Return the program: in the environment of the project at ``root``, beside our own interpreter, or on PATH.

    Raises MissingTool, with what to install, when it is nowhere.
    """
    if root is not None and (own := own_program("ruff", root, environ or {})):
        return own
    beside = Path(sys.executable).parent / "ruff"
    if os.access(beside, os.X_OK) and beside.is_file():
        return str(beside)
    found = shutil.which("ruff", path=None if environ is None else environ.get("PATH"))
    if found is None:
        raise MissingTool("ruff is not installed", hint=INSTALL)
    return found


def fixes(program: str, files: Mapping[str, str], settings: Mapping[str, bytes], wish: Wish) -> list[Fix]:
    """Return what ``program`` would mend in ``files`` (texts by path), in the order of paths and lines.

    ``settings`` are the project's files that may configure ruff, by path: its line length, what it excludes, what
    is not fixable hold; which rules there are, and which of their fixes are safe, is for ``wish`` and ruff. Nothing
    is read but these, and nothing is changed. Raises RefactorError when ruff does not understand its settings.
    """
    if not files:
        return []
    with tempfile.TemporaryDirectory(prefix="selfimprove-ruff-") as name:
        folder = Path(name).resolve()
        tree = folder / "tree"
        for path, content in settings.items():
            _write(tree, path, content)
        for path, text in files.items():
            _write(tree, path, text.encode())
        if not _configures(settings):
            # Otherwise ruff would look for a configuration in the folders above.
            _write(tree, "ruff.toml", b"")
        # No variable of the person's reaches it (RUFF_*), and no configuration in a home.
        env = {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
        argv = [program, *_options(wish), "--", *sorted(files)]
        done = capture(argv, cwd=tree, env=env, timeout=TIMEOUT)
        if done.timed_out or done.exit_code not in (0, 1):
            said = done.stderr.decode(errors="replace").strip()
            raise RefactorError(
                f"ruff does not answer: {said.splitlines()[-1] if said else 'it took too long'}"
            )
        return _read(done.stdout, tree)


def _write(tree: Path, path: str, content: bytes) -> None:
    if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
        raise RefactorError(f"{path} is no path inside of the project", where=path)
    target = tree / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)


def _configures(settings: Mapping[str, bytes]) -> bool:
    own = settings.get("pyproject.toml", b"")
    return "ruff.toml" in settings or ".ruff.toml" in settings or b"tool.ruff" in own


def _options(wish: Wish) -> list[str]:
    version = "py{}{}".format(*max(wish.minimum, (3, 7)))
    options = [
        *("check", "--no-cache", "--no-preview", "--no-unsafe-fixes", "--force-exclude", "--exit-zero"),
        *("--no-respect-gitignore", "--output-format", "json", "--target-version", version),
        *("--config", "lint.extend-safe-fixes = []", "--select", ",".join(wish.select)),
    ]
    return [*options, "--ignore", ",".join(wish.ignore)] if wish.ignore else options


def _read(answer: bytes, tree: Path) -> list[Fix]:
    try:
        rows: Sequence[Any] = json.loads(answer)
    except ValueError:
        raise RefactorError("ruff's answer is no JSON; a newer version may help", hint=INSTALL) from None
    found = []
    for row in rows:
        if (fix := row.get("fix")) and row.get("code"):
            path = Path(row["filename"]).relative_to(tree).as_posix()
            edits = tuple(_edit(one) for one in fix["edits"])
            safe = fix["applicability"] in ("safe", "always")
            found.append(Fix(path, row["code"], row["message"], safe, edits))
    return sorted(found, key=lambda one: (one.path, one.edits[0].start, one.code))


def _edit(edit: Mapping[str, Any]) -> Edit:
    start, end = edit["location"], edit["end_location"]
    return Edit((start["row"], start["column"]), (end["row"], end["column"]), edit["content"] or "")
