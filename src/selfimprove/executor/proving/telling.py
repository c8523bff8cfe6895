"""Says how the tests ended: a few words for people, and for the model the shortest text that helps to mend it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from selfimprove.executor.proving.verdict import essence
from selfimprove.model.testrun import GREEN, WHOLE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from selfimprove.model.testrun import Failure, TestRun, Verdict

MOST = 5_200
"""Characters of a whole failure text: about 1,500 tokens of code and prose."""

_SHOWN = 5  # causes that are told in full
_TEXT, _OUTPUT, _FRAMES = 700, 400, 6
_NAMES = 12
_SKIPPED = ("skipped", "xfailed")


def counts_of(run: TestRun) -> dict[str, int]:
    """Return how many tests had which outcome; empty where the command tells of no single tests."""
    found: dict[str, int] = {}
    for test, outcome in run.outcomes.items():
        if test != WHOLE:
            found[outcome] = found.get(outcome, 0) + 1
    return found


def summary(run: TestRun, verdict: Verdict | None = None) -> str:
    """Return a few words: ``1 failed, 3 passed, 2 failed before too``."""
    if verdict and verdict.problem:
        return verdict.problem[:200]
    if WHOLE in run.outcomes:
        return run.words or run.problem or f"exit code {run.exit_code}"
    passed = sum(outcome in GREEN for outcome in run.outcomes.values())
    skipped = sum(outcome in _SKIPPED for outcome in run.outcomes.values())
    if verdict is None:
        failed, before, other, flaky, missing, fixed = (
            len(run.red) - len(run.flaky),
            0,
            0,
            len(run.flaky),
            0,
            0,
        )
    else:
        failed, other, flaky = len(verdict.broken), len(verdict.differently), len(verdict.flaky)
        before = len(verdict.still_failing) - other
        missing, fixed = len(verdict.missing), len(verdict.fixed)
    rows = (
        (failed, "failed"),
        (missing, "not run any more"),
        (passed, "passed"),
        (skipped, "skipped"),
        (before, "failed before too"),
        (other, "still failing, in another way"),
        (fixed, "fixed"),
        (flaky, "flaky"),
    )
    said = ", ".join(f"{number} {word}" for number, word in rows if number)
    return said or run.problem or "none collected"


def told(
    run: TestRun,
    verdict: Verdict,
    changed: Mapping[str, Sequence[tuple[int, int]]],
    line_of: Callable[..., str],
) -> str:
    """Return what the model needs to know to mend the change, in at most :data:`MOST` characters.

    ``changed`` maps the changed files to their changed runs of lines (first, last); ``line_of`` returns the
    text of a line of a file, ``""`` where there is none.
    """
    wanted = verdict.broken or (run.red or (WHOLE,) if verdict.problem else ())
    groups = _by_cause([run.failure(test) for test in wanted])
    parts = [verdict.problem, _missing(verdict.missing)]
    parts += [_one(failure, others, changed, line_of) for failure, others in groups[:_SHOWN]]
    if more := sum(1 + len(others) for _, others in groups[_SHOWN:]):
        names = [failure.test for failure, _ in groups[_SHOWN : _SHOWN + _NAMES]]
        parts.append(f"and {more} more: {', '.join(names)}")
    if verdict.still_failing and verdict.broken:
        parts.append(f"{_tests(len(verdict.still_failing))} failed before too; leave them as they are.")
    return _fitted([part for part in parts if part])


def cause(run: TestRun, verdict: Verdict) -> str:
    """Return what makes this failure the same as another one: which tests, and with which assertions."""
    rows = [verdict.problem and essence(verdict.problem), *sorted(verdict.missing)]
    rows += sorted(f"{test} {_first(run.failure(test))}" for test in verdict.broken or run.red)
    return "\n".join(row for row in rows if row)


def _first(failure: Failure) -> str:
    """Return the assertion; for a command as a whole all of its last words, since nothing else tells."""
    text = failure.text if failure.test == WHOLE else failure.text[:_TEXT]
    return re.sub(r"\s+", " ", essence(text))


def _missing(tests: Sequence[str]) -> str:
    if not tests:
        return ""
    named = "\n".join(f"  {test}" for test in tests[:_NAMES])
    more = f"\n  and {len(tests) - _NAMES} more" if len(tests) > _NAMES else ""
    verb = "is" if len(tests) == 1 else "are"
    return f"{_tests(len(tests))} that passed before {verb} not run any more:\n{named}{more}"


def _tests(number: int) -> str:
    return f"{number} test{'s' * (number != 1)}"


def _by_cause(failures: Sequence[Failure]) -> list[tuple[Failure, list[str]]]:
    """Group failures that end with the same words in the same place of the code."""
    groups: dict[tuple[str, object], tuple[Failure, list[str]]] = {}
    for failure in failures:
        where = failure.frames[-1][:2] if failure.frames else failure.test
        key = (re.sub(r"\d+", "~", essence(failure.text))[:300], where)
        if key in groups:
            groups[key][1].append(failure.test)
        else:
            groups[key] = (failure, [])
    return list(groups.values())


def _one(
    failure: Failure,
    others: Sequence[str],
    changed: Mapping[str, Sequence[tuple[int, int]]],
    line_of: Callable[..., str],
) -> str:
    rows = [] if failure.test == WHOLE else [f"{failure.test} ({failure.when})".replace(" (call)", "")]
    if others:
        more = f" and {len(others) - 3} more" if len(others) > 3 else ""
        rows.append(f"  the same in {', '.join(others[:3])}{more}")
    text = failure.text.strip()
    if failure.test == WHOLE:
        rows.append(text[-2 * _TEXT :])
    elif text:
        rows.append(_indented(_cut(text, _TEXT)))
    frames = list(dict.fromkeys(failure.frames))
    for path, line, name, code in frames[-_FRAMES:]:
        mark = " (changed)" if any(a <= line <= b for a, b in changed.get(path, ())) else ""
        shown = code or line_of(path, line)
        rows.append(f"  {path}:{line} in {name}{mark}: {shown.strip()}".rstrip(": "))
    if failure.output and failure.test != WHOLE:
        rows.append("  printed:\n" + _indented(failure.output[-_OUTPUT:], "    "))
    return "\n".join(rows)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most * 2 // 3]} ... {text[-most // 3 :]}"


def _indented(text: str, space: str = "  ") -> str:
    return "\n".join(f"{space}{line}" for line in text.splitlines())


def _fitted(parts: Sequence[str]) -> str:
    """Join the parts; where they are too long, each gets a fair share of the room, and short ones leave theirs."""
    room, shares = MOST, {}
    for left, (length, number) in enumerate(sorted((len(part), number) for number, part in enumerate(parts))):
        shares[number] = min(length, max(room, 0) // (len(parts) - left))
        room -= shares[number] + 2
    return "\n\n".join(_cut(part, shares[number]) for number, part in enumerate(parts))
