"""Finds the interpreters and programs that prove a change: in docker's image, else on this machine; each once."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from selfimprove.executor.commands import Finds
from selfimprove.tools.shell.docker import Docker
from selfimprove.tools.shell.toolchain import find_program, find_python

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from selfimprove.executor.bench import Bench

_PLACES = (".venv", "venv", "env", ".env")
_FOUND: dict[tuple[object, ...], str] = {}
"""What was found, by what was asked and where. What was not found is looked for again: a task may install it."""


def finds_of(bench: Bench) -> Finds:
    """Return how programs are found for what runs in the sandbox of ``bench``."""
    sandbox, root, environ = bench.sandbox(), bench.repo.root, bench.environ
    if isinstance(sandbox, Docker):
        return Finds(
            lambda module: _once(("python", sandbox.image, module), lambda: sandbox.find_python(module)),
            lambda name: _once(("program", sandbox.image, name), lambda: sandbox.find_program(name)),
        )
    here = (root, environ.get("PATH"), environ.get("VIRTUAL_ENV"), *(_changed(root / one) for one in _PLACES))
    return Finds(
        lambda module: _once(("python", module, *here), lambda: find_python(module, root, environ)),
        lambda name: _once(("program", name, *here), lambda: find_program(name, root, environ)),
    )


def where(bench: Bench) -> str:
    """Return where programs are looked for, as words for people."""
    sandbox = bench.sandbox()
    return f" in the image {sandbox.image}" if isinstance(sandbox, Docker) else ""


def _once(key: tuple[object, ...], find: Callable[[], str | None]) -> str | None:
    if key not in _FOUND and (found := find()):
        _FOUND[key] = found
    return _FOUND.get(key)


def _changed(place: Path) -> int:
    with suppress(OSError):
        return place.stat().st_mtime_ns
    return 0
