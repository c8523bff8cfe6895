"""Pylint: runs it beside the audit, in the sandbox where there is one, and turns its messages into findings."""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import crc32

from selfimprove.errors import MissingTool
from selfimprove.model.finding import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from selfimprove.tools.shell.process import Completed
    from selfimprove.tools.shell.sandbox import Sandbox

BATCH = 200
"""Files for one process: their names fit into a command line, and what they import is read once for all."""

INSTALL = 'pip install "selfimprove[pylint]"'
RULES = {
    "convention": ("SI301", Severity.NOTE),
    "refactor": ("SI302", Severity.NOTE),
    "warning": ("SI303", Severity.WARNING),
    "error": ("SI304", Severity.ERROR),
    "fatal": ("SI305", Severity.ERROR),
}
_USAGE = 32  # pylint's exit code for a wrong option; the others are a sum of 1, 2, 4, 8, 16 by category
_SAME = 3
# Only true where the project's dependencies are installed.
_IMPORTS = ("import-error", "no-name-in-module")
_NO_IMPORTS = "pylint did not check imports: it found no environment of the project (.venv, or an active one)"
# Found across files, so they would depend on the batches; SI201 and SI202 look for the same.
_ACROSS = ("duplicate-code", "cyclic-import")
# Not `-m`: that would let a pylint.py in the repository answer in place of pylint.
_START = "import sys; sys.path[:] = filter(None, sys.path); from pylint import run_pylint; run_pylint()"


class Linted(NamedTuple):
    """The findings, sentences that a reader must know, and the files that pylint has looked at to the end."""

    findings: list[Finding]
    notes: list[str]
    looked_at: frozenset[str] = frozenset()


def run_pylint(
    root: Path,
    files: Iterable[str],
    categories: Iterable[str],
    *,
    environ: Mapping[str, str],
    sandbox: Sandbox | None = None,
    python: str | None = None,
    seconds: float = 600.0,
    jobs: int = 1,
    required: bool = False,
) -> Linted:
    """Return what pylint says of ``files`` (relative to ``root``) in ``categories``, the keys of ``RULES``.

    In a ``sandbox`` it runs with the project's own configuration, the tree read-only and without a network.
    Without one (None, or the one that is called none) that configuration is left aside: it may hold code
    (``init-hook``, ``load-plugins``).
    ``python`` is an interpreter with pylint, by default the project's own, then ours. ``seconds`` is the time
    limit for everything, ``jobs`` the number of processes. Nothing is written outside of a temporary folder.

    What goes wrong is a note and no error. Raises MissingTool only when pylint is ``required`` and missing,
    and when the sandbox cannot be set up.
    """
    wanted = {name for name in categories if name in RULES}
    present = [path for path in sorted(set(files)) if _is_readable(root, path)]
    if not wanted or not present:
        return Linted([], [])
    python, own = (python, True) if python else _find(root, environ)
    if python is None:
        if required:
            raise MissingTool("pylint is not installed", hint=INSTALL)
        return Linted([], [f"pylint is not installed, so SI301 to SI305 were not looked for: {INSTALL}"])
    sandbox = None if sandbox and sandbox.name == "none" else sandbox
    with tempfile.TemporaryDirectory(prefix="selfimprove-pylint-") as folder:
        job = _Job(
            root, wanted, environ, sandbox, python, own, jobs, Path(folder), time.monotonic() + seconds
        )
        for at in range(0, len(present), BATCH):
            if job.over:
                break
            job.run(present[at : at + BATCH])
        return job.result(len(present))


@dataclass(slots=True)
class _Job:
    """One pass over all batches. ``over`` says that what went wrong would go wrong again.

    ``own`` says that ``python`` is the project's own, which has what its code imports.
    """

    root: Path
    wanted: set[str]
    environ: Mapping[str, str]
    sandbox: Sandbox | None
    python: str
    own: bool
    jobs: int
    folder: Path
    deadline: float
    messages: list[dict[str, Any]] = field(default_factory=list)
    looked_at: set[str] = field(default_factory=set)
    notes: dict[str, None] = field(default_factory=dict)
    reasons: Counter[str] = field(default_factory=Counter)
    over: bool = False

    def run(self, files: Sequence[str]) -> None:
        """Look at one batch; where pylint itself breaks, at its halves, so that one file spoils no other."""
        answer = self.folder / "answer.json"
        answer.unlink(missing_ok=True)
        left = self.deadline - time.monotonic()
        done = self._start(files, answer, left) if left > 0 else None
        if done is None or done.timed_out:
            self._end("pylint took too long and was stopped")
        elif (messages := _messages(answer)) is not None and done.exit_code < _USAGE:
            self._take(files, messages)
        elif done.exit_code in (126, 127, _USAGE):
            self._end(f"pylint could not start: {_last_line(done.tail)}")
        elif len(files) > 1 and not done.stopped:
            for half in (files[: len(files) // 2], files[len(files) // 2 :]):
                if not self.over:
                    self.run(half)
        else:
            self._broke(files[0], done.stopped or _last_line(done.tail))

    def _broke(self, path: str, why: str) -> None:
        """Note what broke; the same three times is not the files' fault but the configuration's."""
        self.notes[f"pylint broke at {path}: {why}"] = None
        self.reasons[why] += 1
        self.over = self.reasons[why] == _SAME

    def result(self, asked: int) -> Linted:
        """Return the findings in the order of files and lines."""
        notes = list(self.notes)
        if self.sandbox is None:
            notes.append(
                "pylint ran without the project's configuration, which may hold code: there is no sandbox"
            )
        if not self.own:
            notes.append(_NO_IMPORTS)
        if missed := asked - len(self.looked_at):
            notes.append(f"pylint did not look at {missed:,} of {asked:,} files")
        return Linted(_findings(self.messages, self.wanted), notes, frozenset(self.looked_at))

    def _start(self, files: Sequence[str], answer: Path, seconds: float) -> Completed:
        from selfimprove.tools.shell.limits import Limits
        from selfimprove.tools.shell.mounts import View
        from selfimprove.tools.shell.sandbox import Unprotected

        root = self.root.resolve()
        home = Path(self.python).parent.parent
        own = (str(home.relative_to(root)),) if home != root and home.is_relative_to(root) else ()
        # The tree is mounted a second time, over itself, and this time read-only.
        binds = ((root, str(root), False), (self.folder, str(self.folder), True))
        return (self.sandbox or Unprotected(self.environ)).run(
            [self.python, "-c", _START, *self._options(answer), "--", *(f"./{path}" for path in files)],
            View(root, root, overlay=own, binds=binds),
            env={
                "PYLINTHOME": str(self.folder / "home"),
                "PYTHONDONTWRITEBYTECODE": "1",
                "PYTHONIOENCODING": "utf-8",
            },
            limits=Limits(seconds=seconds),
        )

    def _options(self, answer: Path) -> list[str]:
        unwanted = [name[0].upper() for name in RULES if name not in {*self.wanted, "fatal"}]
        options = [
            "--output-format=json2",
            f"--output={answer}",
            f"--jobs={self.jobs}",
            f"--disable={','.join([*unwanted, *_ACROSS, *(() if self.own else _IMPORTS)])}",
            *("--reports=n", "--score=n", "--persistent=n", "--exit-zero"),
        ]
        if self.sandbox is None:
            nothing = self.folder / "pylintrc"
            nothing.touch()
            options.insert(0, f"--rcfile={nothing}")
        return options

    def _take(self, files: Sequence[str], messages: list[dict[str, Any]]) -> None:
        asked, broken = set(files), set()
        for message in messages:
            message["path"] = path = os.path.normpath(str(message.get("path")))
            if path not in asked:  # about the configuration
                said = f"{path}: {message.get('message')} ({message.get('messageId')})"
                self.notes[f"pylint on its configuration: {said}"] = None
                continue
            if message.get("type") == "fatal":
                broken.add(path)
                if not _is_readable(self.root, path):
                    continue  # it has vanished meanwhile
            self.messages.append(message)
        self.looked_at |= asked - broken

    def _end(self, why: str) -> None:
        self.notes[why] = None
        self.over = True


def _find(root: Path, environ: Mapping[str, str]) -> tuple[str | None, bool]:
    """Return an interpreter with pylint, and whether it is the project's own: in the tree, or the active one."""
    from importlib.util import find_spec

    from selfimprove.tools.shell.toolchain import find_python

    found = find_python("pylint", root, environ)
    homes = [str(root), environ.get("VIRTUAL_ENV") or str(root)]
    if found and any(Path(found).is_relative_to(home) for home in homes):
        return found, True
    return found or (sys.executable if find_spec("pylint") else None), False


def _is_readable(root: Path, path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:  # pylint could not print its name
        return False
    return path.endswith((".py", ".pyi")) and (root / path).is_file()


def _messages(answer: Path) -> list[dict[str, Any]] | None:
    """Return the messages that pylint wrote, None when it did not come to its end."""
    try:
        messages = json.loads(answer.read_bytes())["messages"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return [one for one in messages if isinstance(one, dict)] if isinstance(messages, list) else None


def _last_line(text: str) -> str:
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "it said nothing")


def _findings(messages: Iterable[dict[str, Any]], wanted: set[str]) -> list[Finding]:
    seen: Counter[tuple[str, str, int]] = Counter()
    found = []
    for message in sorted(messages, key=_place):
        if message.get("type") in wanted:
            key = (message["path"], str(message.get("obj") or ""), _number(message))
            found.append(_finding(message, key[2] + seen[key]))
            seen[key] += 1
    return found


def _place(message: Mapping[str, Any]) -> tuple[str, int, int, str]:
    line, column = message.get("line") or 1, message.get("column") or 0
    return message["path"], line, column, f"{message.get('messageId')} {message.get('message')}"


def _number(message: Mapping[str, Any]) -> int:
    """Return a number that stays when lines move and other messages go; the ordinal starts from it."""
    text = re.sub(r"\d+", "0", str(message.get("message")))
    return crc32(f"{message.get('messageId')} {text}".encode(errors="surrogateescape")) or 1


def _finding(message: Mapping[str, Any], ordinal: int) -> Finding:
    rule, severity = RULES[str(message["type"])]
    path, symbol = message["path"], str(message.get("obj") or "")
    name, code = message.get("symbol"), str(message.get("messageId"))
    line = message.get("line") or 1
    text = " ".join(str(message.get("message")).split())
    where = f"in {symbol} ({path}, line {line})" if symbol else f"in {path}, line {line}"
    return Finding(
        rule=rule,
        path=path,
        line=line,
        end_line=message.get("endLine") or line,
        symbol=symbol,
        severity=severity,
        value=code,
        limit="none",
        message=f"{text} ({name}, {code})",
        suggestion=(
            f"Change the code {where}, so that pylint has no reason for {name} there any more. Do not silence "
            "it with a comment or in pylint's configuration, and keep every name that other files use."
        ),
        ordinal=ordinal,
    )
