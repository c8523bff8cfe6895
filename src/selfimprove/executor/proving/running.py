"""Runs a suite in the sandbox on what a private copy holds, and returns what each test showed."""

from __future__ import annotations

import dataclasses
import json
import re
import secrets
import shlex
import tempfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from selfimprove.executor.bench import run_shut_in
from selfimprove.executor.commands import last_words
from selfimprove.executor.mounting import view_of
from selfimprove.executor.proving.reports import merged, read_sessions
from selfimprove.executor.proving.textual import failures_of, read_junit, read_output
from selfimprove.executor.proving.tracing import order_of
from selfimprove.model.testrun import RED, WHOLE, Failure, TestRun

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selfimprove.executor.bench import Bench
    from selfimprove.executor.commands import Suite
    from selfimprove.executor.proving.textual import Row
    from selfimprove.executor.proving.tracing import Ranges
    from selfimprove.tools.git.worktree import Copy
    from selfimprove.tools.shell.mounts import View
    from selfimprove.tools.shell.process import Completed

OBSERVERS = Path(__file__).parent / "observers"
_MODULES = tuple(
    f"selfimprove_{name}" for name in ("pytest", "unittest", "sealed", "canary", "lines", "notes")
)
OBSERVERS_INSIDE, _DESK_INSIDE = "/run/selfimprove/observers", "/run/selfimprove/proof"
_READ = 4_000_000  # characters of output in which single tests are looked for
_TAIL = 6_000
_BUILT = {"cargo": ("target",), "junit": ("target", "build", ".gradle")}
_PLAIN = {"CI": "true", "NO_COLOR": "1", "TERM": "dumb"}
"""Variables under which runners neither wait for a person's keys, as some do at a change, nor paint."""
_XML = ("TEST-*.xml", "junit*.xml")
_NOTHING_COLLECTED = 5  # the exit code of pytest, and of unittest from Python 3.12 on
_SIGNALLED = 128


@dataclasses.dataclass(frozen=True, slots=True)
class Ground:
    """Where tests run: a private copy that holds the tree to look at, on a bench, with a log."""

    copy: Copy
    bench: Bench
    log: Path


def run_suite(suite: Suite, ground: Ground, trace: Ranges | None = None) -> TestRun:
    """Run the whole suite once, and watch which lines of the ranges of ``trace`` it executes."""
    return _together(_run(suite, suite.command, ground, None, trace), suite)


def run_files(suite: Suite, ground: Ground, files: Sequence[str], ids: Sequence[str]) -> TestRun:
    """Run the tests of some files only; ``ids`` are those that are known to be in there."""
    return _together(_run(suite, _narrowed(suite, files), ground, None if suite.own else ids), suite)


def run_shuffled(
    suite: Suite, ground: Ground, files: Sequence[str], seed: int, trace: Ranges | None = None
) -> tuple[TestRun, str]:
    """Run the tests of some files once; return what they showed, and the end of what the run said.

    ``seed`` decides the order of the tests (0 leaves it, 1 is backwards) and that of Python's hashes.
    """
    sessions = _run(suite, f"{suite.command} {shlex.join(files)}", ground, None, trace, seed)
    return _together(sessions, suite), sessions[-1][1].tail


def run_again(suite: Suite, ground: Ground, ids: Sequence[str], times: int) -> list[TestRun]:
    """Run the tests named ``ids`` alone, ``times`` times one after the other, each in a process of its own.

    A suite that does not let itself be narrowed runs as a whole.
    """
    files = list(dict.fromkeys(test.partition("::")[0] for test in ids))
    there = [name for name in files if (ground.copy.path / suite.folder / name).is_file()]
    command = _narrowed(suite, there) if len(there) == len(files) else suite.command
    if suite.kind in ("pytest", "unittest"):
        return [done for done, _ in _run(suite, "; ".join([command] * times), ground, ids)]
    return [_together(_run(suite, suite.command, ground, None), suite) for _ in range(times)]


def can_narrow(suite: Suite) -> bool:
    """True when single tests of the suite can be run."""
    return suite.kind in ("pytest", "unittest")


def _narrowed(suite: Suite, files: Sequence[str]) -> str:
    if suite.own and suite.kind == "pytest" and 0 < len(files) <= 100:
        return f"{suite.command} {shlex.join(files)}"
    return suite.command


def _run(
    suite: Suite,
    command: str,
    ground: Ground,
    ids: Sequence[str] | None,
    trace: Ranges | None = None,
    seed: int = 0,
) -> list[tuple[TestRun, Completed]]:
    """Run ``command`` and return its sessions; where it has none to tell of, one run for all of it."""
    copy, bench = ground.copy, ground.bench
    key = secrets.token_hex(16)
    # Beside the copy and named like it, so that it is found and removed after a kill.
    with tempfile.TemporaryDirectory(prefix=f"{copy.path.name}-proof-", dir=copy.path.parent) as folder:
        desk = Path(folder)
        shut_in = bench.sandbox().name != "none"
        observers, place = (OBSERVERS_INSIDE, _DESK_INSIDE) if shut_in else (str(OBSERVERS), str(desk))
        order: dict[str, object] = {"report": f"{place}/report", "key": key}
        order["ids"] = None if ids is None else list(ids)
        order |= {"shuffle": seed} if seed else {}
        env = _environment(suite, copy, bench, observers, order)
        env |= {"PYTHONHASHSEED": str(seed)} if seed else {}
        if trace:
            (desk / "lines").write_bytes(order_of(str(top_of(copy, bench)), trace))
            env["SI_LINES"] = f"{place}/lines"
            env["PYTHONPATH"] = env["PYTHONPATH"].replace(observers, f"{observers}:{observers}/begin", 1)
        view = _without_built(view_of(copy), suite.kind)
        binds = ((OBSERVERS, OBSERVERS_INSIDE, False), (desk, _DESK_INSIDE, True)) if shut_in else ()
        view = dataclasses.replace(view, binds=(*view.binds, *binds))
        done = run_shut_in(
            bench,
            _observed(suite, command),
            view,
            env=env,
            log=ground.log,
            header=f"$ {command}\n",
            cwd=suite.folder,
            tail=_READ if suite.kind in ("go", "cargo", "script") else _TAIL,
        )
        data = (desk / "report").read_bytes() if (desk / "report").is_file() else b""
    prefix = "" if suite.folder == "." else f"{suite.folder}/"
    runs = [_ended(run, done) for run in read_sessions(data, key, prefix)]
    return [(_shadowed(run, suite, copy), done) for run in runs or [_unobserved(suite, copy, done)]]


def _without_built(view: View, kind: str) -> View:
    """Return the view without the ignored folders that the tool itself fills, since they can only be read."""
    built = _BUILT.get(kind, ())
    return dataclasses.replace(
        view, overlay=tuple(name for name in view.overlay if PurePosixPath(name).name not in built)
    )


def _observed(suite: Suite, command: str) -> str:
    """Return the command with our runner in the place of unittest's."""
    return (
        re.sub(r"-m\s+unittest\b", "-m selfimprove_unittest", command)
        if suite.kind == "unittest"
        else command
    )


def _environment(
    suite: Suite, copy: Copy, bench: Bench, observers: str, order: dict[str, object]
) -> dict[str, str]:
    """Return the variables that let Python import the changed code first, and that lead the observers in."""
    top = top_of(copy, bench)
    places = dict.fromkeys((top / suite.folder, top))
    folders = [one for place in places for one in _sources(place, copy.path / place.relative_to(top))]
    env = {"PYTHONPATH": ":".join([observers, *map(str, folders)])}
    if suite.kind in ("pytest", "script"):
        env["PYTEST_ADDOPTS"] = "-p selfimprove_pytest"
        order["restore"] = {"PYTEST_ADDOPTS": None}
    if suite.kind in ("script", "other", "cargo", "junit"):
        env |= _PLAIN
    env["SI_PROVING"] = json.dumps(order)
    return env


def top_of(copy: Copy, bench: Bench) -> Path:
    """Return where the tests see the project."""
    return copy.path if bench.sandbox().name == "none" else copy.repo.root


def _sources(place: Path, here: Path) -> list[Path]:
    return [place / "src", place] if (here / "src").is_dir() else [place]


def _ended(run: TestRun, done: Completed) -> TestRun:
    """Return a session's run with how the command as a whole ended."""
    problem, complete = run.problem, run.complete
    if why := _cut(done):
        problem, complete = (f"{why}{f', {problem}' if problem else ''}"), False
    return run.but(
        exit_code=done.exit_code,
        seconds=done.seconds,
        complete=complete,
        problem=problem,
        words=last_words(done.tail),
    )


def _cut(done: Completed) -> str:
    if done.timed_out:
        return f"no end after {done.seconds:.0f} s"
    if done.stopped:
        return f"stopped: {done.stopped}"
    if done.exit_code > _SIGNALLED:
        return f"ended by signal {done.exit_code - _SIGNALLED}"
    return ""


def _unobserved(suite: Suite, copy: Copy, done: Completed) -> TestRun:
    """Return the run of a command that no observer was in: its single tests where it names them, else its end."""
    why, words = _cut(done), last_words(done.tail)
    rows = [] if why else _rows(suite, copy, done)
    red = any(outcome in RED for _, outcome, _ in rows)
    if rows and red == bool(done.exit_code):
        outcomes = {test: outcome for test, outcome, _ in rows}
        failures = failures_of(rows)[:50]
        return TestRun(
            outcomes, True, done.exit_code, done.seconds, suite.kind, words=words, failures=failures
        )
    if suite.kind in ("pytest", "unittest") and suite.own:
        problem = why or words or f"exit code {done.exit_code}"
        tail = Failure(WHOLE, done.tail[-_TAIL:].strip())
        return TestRun({}, False, done.exit_code, done.seconds, suite.kind, problem, "", words, (tail,))
    ok = not done.exit_code and not why
    failure = () if ok else (Failure(WHOLE, done.tail[-_TAIL:].strip()),)
    outcome = {WHOLE: "passed" if ok else "failed"}
    return TestRun(outcome, not why, done.exit_code, done.seconds, "command", why, "", words, failure)


def _rows(suite: Suite, copy: Copy, done: Completed) -> list[Row]:
    if suite.kind != "junit":
        return read_output(suite.kind, done.tail)
    files = [path for pattern in _XML for path in sorted((copy.path / suite.folder).rglob(pattern))]
    return read_junit(path.read_bytes() for path in files if path.is_file() and not path.is_symlink())


def _shadowed(run: TestRun, suite: Suite, copy: Copy) -> TestRun:
    """Refuse a tree with a module in which Python would find its own in place of an observer."""
    if suite.kind not in ("pytest", "unittest", "script"):
        return run
    places = {copy.path, copy.path / "src", copy.path / suite.folder, copy.path / suite.folder / "src"}
    found = [
        name
        for place in places
        for name in _MODULES
        if (place / f"{name}.py").exists() or (place / name).exists()
    ]
    return run.but(tampered=f"the file {found[0]}.py stands in the way of the observer") if found else run


def _together(sessions: Sequence[tuple[TestRun, Completed]], suite: Suite) -> TestRun:
    run = merged(run for run, _ in sessions)
    nothing = not run.outcomes and run.exit_code == _NOTHING_COLLECTED
    return run.but(runner=suite.kind, exit_code=0 if nothing else run.exit_code)
