"""Reads the sealed report that an observer wrote from inside a test session into runs of tests."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from selfimprove.executor.proving.tracing import joined_lines, joined_ranges
from selfimprove.model.testrun import RED, Failure, Tally, TestRun

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Later phases and subtests of one test: the worse word stays.
_WORSE = {"xfailed": 1, "skipped": 1, "xpassed": 2, "passed": 3, "error": 4, "failed": 5}
_NOT_SEALED = "its report was written to by something else than the test session"
_TOLD = 50  # failures whose words are kept; the others are known by name


@dataclass(slots=True)
class _Session:
    """What one session has said so far."""

    runner: str = ""
    collected: list[str] = field(default_factory=list)
    outcomes: dict[str, str] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    running: str = ""
    wrong: list[str] | None = None
    finished: bool = False
    sealed: bool = True
    seconds: float = 0.0
    lines: dict[str, list[int]] = field(default_factory=dict)
    traced: dict[str, list[list[int]]] = field(default_factory=dict)
    displaced: str = ""


def read_sessions(data: bytes, key: str, prefix: str = "") -> list[TestRun]:
    """Return the sessions of a report in which only lines sealed with ``key`` count.

    ``prefix`` is put before relative paths in frames: the folder that the tests ran in, seen from the
    repository. A last line that was cut off is passed over, any other line that is not sealed makes the run
    a tampered one.
    """
    sessions: list[_Session] = []
    last, sealed = "", True
    for seal, text in _lines(data):
        begins = '"kind": "begin"' in text
        last = next((one for one in ("", last) if _seal(key, one, text) == seal), "?") if begins else last
        if last == "?" or _seal(key, last, text) != seal:
            sealed, last = False, seal
            continue
        last = seal
        line = json.loads(text)
        if begins:
            sessions.append(_Session(line["runner"]))
        elif sessions:
            _take(sessions[-1], line, prefix)
    if sessions:
        sessions[-1].sealed = sealed
    elif not sealed:
        sessions.append(_Session(sealed=False))
    return [_run(session) for session in sessions]


def merged(runs: Iterable[TestRun]) -> TestRun:
    """Return the sessions of one command as one run; a test that ran in several keeps its worse outcome."""
    whole = TestRun()
    for number, run in enumerate(runs):
        outcomes = dict(whole.outcomes)
        for test, outcome in run.outcomes.items():
            outcomes[test] = _worse(outcomes.get(test, ""), outcome)
        whole = run.but(
            outcomes=outcomes,
            complete=run.complete and (whole.complete or not number),
            problem=whole.problem or run.problem,
            tampered=whole.tampered or run.tampered,
            failures=(*whole.failures, *run.failures)[:_TOLD],
            lines=joined_lines(whole.lines, run.lines),
            traced=joined_ranges(whole.traced, run.traced),
            displaced=whole.displaced or run.displaced,
        )
    return whole


def counted(runs: Iterable[TestRun]) -> dict[str, Tally]:
    """Return how often each test failed in how many of ``runs``; a run that broke off counts against its last test."""
    found: dict[str, Tally] = {}
    for run in runs:
        for test in run.outcomes:
            found[test] = found.get(test, Tally(0, 0)).plus(run.tally(test))
    return found


def _lines(data: bytes) -> Iterator[tuple[str, str]]:
    for line in data.split(b"\n")[:-1]:  # what follows the last end of line was cut off, or is nothing
        seal, _, text = line.decode("utf-8", "replace").partition(" ")
        yield seal, text


def _seal(key: str, last: str, text: str) -> str:
    return sha256(f"{key}{last}{text}{key}".encode()).hexdigest()[:32]


def _take(session: _Session, line: dict[str, Any], prefix: str) -> None:
    kind = line["kind"]
    if kind == "collected":
        session.collected += line["ids"]
    elif kind == "start":
        session.running = line["id"]
    elif kind == "canary":
        session.wrong = [*(session.wrong or []), *line["wrong"]]
    elif kind == "lines":
        session.lines = joined_lines(session.lines, line["lines"])
        session.traced = joined_ranges(session.traced, line["asked"])
        session.displaced = session.displaced or line["displaced"]
    elif kind == "finished":
        session.finished = True
    elif kind == "test":
        test, outcome = line["id"], line["outcome"]
        session.outcomes[test] = _worse(session.outcomes.get(test, ""), outcome)
        session.seconds += line.get("seconds", 0.0)
        if outcome in RED and len(session.failures) < _TOLD:
            session.failures.append(_failure(line, prefix))


def _worse(one: str, other: str) -> str:
    return max((one, other), key=lambda word: _WORSE.get(word, 0))


def _failure(line: dict[str, Any], prefix: str) -> Failure:
    frames = tuple(
        (path if path.startswith("/") else f"{prefix}{path}", number, name, text)
        for path, number, name, text in line.get("frames", ())
    )
    return Failure(line["id"], line.get("text", ""), frames, line.get("output", ""), line.get("when", "call"))


def _run(session: _Session) -> TestRun:
    unseen = [test for test in dict.fromkeys(session.collected) if test not in session.outcomes]
    problem = ""
    if not session.finished:
        problem = "the test session broke off" + (f" in {session.running}" if session.running else "")
        if session.running in unseen:
            session.outcomes[session.running] = "error"
            session.failures.append(Failure(session.running, "the test session broke off in this test"))
    elif unseen:
        more = f" and {len(unseen) - 1} more" if len(unseen) > 1 else ""
        problem = f"the test session ended before it had run {unseen[0]}{more}"
    return TestRun(
        session.outcomes,
        complete=session.finished and not unseen,
        seconds=session.seconds,
        runner=session.runner,
        problem=problem,
        tampered=_tampered(session),
        failures=tuple(session.failures),
        lines=session.lines,
        traced=session.traced,
        displaced=session.displaced,
    )


def _tampered(session: _Session) -> str:
    if not session.sealed:
        return _NOT_SEALED
    if session.finished and session.wrong is None and session.collected:
        return "the tests that must fail at the end were not run"
    if session.wrong:
        return f"assertions do not fail any more: {session.wrong[0]} ended otherwise than it must"
    return ""
