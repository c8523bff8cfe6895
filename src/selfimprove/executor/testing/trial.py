"""Trial: runs a new test file on the changed code, without the change, on spoilt code, and in other orders."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.errors import RefactorError
from selfimprove.executor.patching.apply import write_files
from selfimprove.executor.proving.executed import executed_lines
from selfimprove.executor.proving.linting import lint
from selfimprove.executor.proving.rewritten import whole_files
from selfimprove.executor.proving.running import Ground, run_shuffled
from selfimprove.executor.proving.telling import counts_of, told
from selfimprove.executor.refactor.source import Source
from selfimprove.executor.testing.rules import Problem, owner_of, problems_of
from selfimprove.executor.testing.spoiling import spoilt_texts
from selfimprove.executor.vetoes.change import parsed
from selfimprove.model.testgroup import GroupResult
from selfimprove.model.testrun import GREEN, Verdict
from selfimprove.tools.shell.masking import mask

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from selfimprove.executor.bench import Bench
    from selfimprove.executor.commands import Suite
    from selfimprove.executor.testing.placing import Spot
    from selfimprove.executor.testing.spoiling import Spoilt
    from selfimprove.model.task import Task
    from selfimprove.model.testrun import TestRun
    from selfimprove.model.work import Work

TAIL = 1_500
"""Characters of a run's output that a group's result keeps."""

_LONGEST = 120.0  # seconds that new tests may take
_PATIENCE = (20.0, 5.0)  # seconds that a run on spoilt code has at least, and how many times the plain run's
_OWN_TRACES = (".pytest_cache", "__pycache__", ".hypothesis", "htmlcov", ".mypy_cache", ".ruff_cache")


@dataclass(frozen=True, slots=True)
class Case:
    """What a test file is tried against.

    ``tree`` is the changed code without new tests. ``lines`` are those that may be spoilt, by file. ``alters`` says
    that a test must fail on ``base``, the tree before. ``runs`` and ``mutations`` are the settings of the same names.
    """

    task: Task
    work: Work
    suite: Suite
    ground: Ground
    tree: str
    base: str
    lines: Mapping[str, frozenset[int]]
    alters: bool
    runs: int = 3
    mutations: int = 8


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of it: the ``problems`` (none: the file is accepted), the result of the plain run, and the numbers.

    ``noticed`` of ``spoilt`` versions made a test fail; ``before`` tests fail without the change (-1: not asked).
    """

    problems: tuple[Problem, ...] = ()
    result: GroupResult = field(default_factory=GroupResult)
    noticed: int = 0
    spoilt: int = 0
    before: int = -1
    seconds: float = 0.0

    def told(self) -> str:
        """Return the problems as a text for the author of the file."""
        return "\n\n".join(f"{one.point}: {one.text}" for one in self.problems)


class _Plain(NamedTuple):
    run: TestRun
    tail: str
    problems: list[Problem]


def try_file(spot: Spot, text: str, case: Case) -> Tried:
    """Return what the test file ``text`` at ``spot`` shows; the copy is left with the changed code and the file in it.

    A file that breaks a rule is not run, and one that does not pass is not tried further.
    """
    names = case.ground.bench.repo.tree_names(case.tree)
    if problems := problems_of(spot.path, text, case.task, names):
        return Tried(tuple(problems))
    plain = _plain(spot, text, case)
    result = group_result(plain.run, plain.tail, spot.paths, case.ground.bench)
    tried = Tried(tuple(plain.problems), result, seconds=plain.run.seconds)
    if plain.problems:
        return tried
    quick = replace(case, ground=_hurried(case.ground, plain.run.seconds))
    problems = [*_reordered(spot, text, quick), *_linted(spot, text, case)]
    before, more = _without_change(spot, text, quick)
    noticed, spoilt, most = _on_spoilt_code(spot, text, quick, plain.run)
    _stand(spot, text, case, case.tree)
    return replace(tried, problems=(*problems, *more, *most), before=before, noticed=noticed, spoilt=spoilt)


def _stand(spot: Spot, text: str, case: Case, tree: str, more: Mapping[str, bytes] | None = None) -> None:
    """Put ``tree`` into the copy, and the new files, and what else is to be different."""
    copy = case.ground.copy
    copy.restore(tree)
    files = {path: b"" for path in spot.packages if not (copy.path / path).exists()}
    write_files(copy.path, {**files, spot.path: text.encode("utf-8", "surrogateescape"), **(more or {})})


def _run(spot: Spot, case: Case, seed: int = 0, trace: Sequence[str] = ()) -> tuple[TestRun, str]:
    ground = case.ground
    inside = "" if case.suite.folder == "." else f"{case.suite.folder}/"
    root = ground.copy.path
    files = {path: (root / path).read_bytes() for path in trace if _is_plain(root / path)}
    watched = whole_files(files) if files else None
    run, tail = run_shuffled(case.suite, ground, [spot.path.removeprefix(inside)], seed, watched)
    # A project's own options can name further tests.
    own = {test: said for test, said in run.outcomes.items() if _is_of(spot, test)}
    return run.but(outcomes=own), tail


def _is_of(spot: Spot, test: str) -> bool:
    """True for the id of a test of the file, from the root of the repository or from pytest's own root below it."""
    return f"/{spot.path}".endswith(f"/{test.partition('::')[0]}")


def _is_plain(path: Path) -> bool:
    """True for a file that can be read and spoilt: no link, of which some lead nowhere."""
    return path.is_file() and not path.is_symlink()


def _plain(spot: Spot, text: str, case: Case) -> _Plain:
    """Run the file in its own order on the changed code; watch which of the lines to be spoilt it executes."""
    _stand(spot, text, case, case.tree)
    case.ground.copy.snapshot(spot.paths)
    bounded = replace(case, ground=_limited(case.ground, _LONGEST))
    run, tail = _run(spot, bounded, trace=list(case.lines))
    problems: list[Problem] = []
    green = [test for test, outcome in run.outcomes.items() if outcome in GREEN]
    if not run.complete or run.tampered or not run.outcomes:
        words = run.tampered or run.problem or "pytest collected no test in the file"
        problems.append(Problem("collected", f"{words}\n{tail[-2000:]}", brief=words))
    elif run.red:
        problems.append(_red(run, text))
    elif len(green) < len(run.outcomes):
        others = [test for test in run.outcomes if test not in green]
        problems.append(Problem("skipped", f"Skipped: {', '.join(others[:10])}", _names(others, text)))
    if made := _left_behind(case):
        problems.append(Problem("writes", f"The tests changed {made}: they may write below tmp_path only."))
    return _Plain(run, tail, problems)


def _red(run: TestRun, text: str) -> Problem:
    """Return the problem of a run with failing tests, or of one in which the file could not even be imported."""
    first = run.failure(run.red[0])
    detail = told(run, Verdict(False, broken=run.red), {}, lambda *_: "")
    if first.when == "collect":
        errors = [line[1:].strip() for line in first.text.splitlines() if line.startswith("E ")]
        why = errors[-1] if errors else "an error"
        return Problem("collected", detail, brief=f"the file cannot be imported: {why}")
    brief = f"{first.test.rpartition('::')[2]} fails on the changed code: {first.text.strip().partition(chr(10))[0]}"
    return Problem("passes", f"On the changed code:\n{detail}", _names(run.red, text), brief)


def _left_behind(case: Case) -> str:
    """Return a file of the repository that the run made or changed, without what test tools leave; ``""`` for none."""
    said = case.ground.copy.git("status", "--porcelain", "-z", "--untracked-files=all", "--no-renames")
    for row in said.decode("utf-8", "replace").split("\0"):
        state, path = row[:2], row[3:]
        parts = PurePosixPath(path).parts
        own = set(parts) & set(_OWN_TRACES) or (
            parts and parts[-1].startswith((".coverage", "coverage.", "junit"))
        )
        if path and not own and (state == "??" or state[1] != " "):
            return path
    return ""


def _names(tests: Sequence[str], text: str) -> tuple[str, ...]:
    """Return the tests of the file that pytest's ids name, as ``TestX.test_y``; none when one id is no test of it."""
    found = []
    for test in tests:
        _, colons, rest = test.partition("::")
        name = rest.partition("[")[0].replace("::", ".")
        if not colons or not name:
            return ()
        found.append(name)
    tree = parsed(text)
    known = {owner_of(tree, node) for node in _lines(tree)} if tree else set()
    return tuple(dict.fromkeys(found)) if set(found) <= known else ()


def _lines(tree: object) -> list[int]:
    body = getattr(tree, "body", ())
    return [
        one.lineno for node in body for one in (node, *getattr(node, "body", ())) if hasattr(one, "lineno")
    ]


def _hurried(ground: Ground, seconds: float) -> Ground:
    """Return the ground on which a run that hangs, as spoilt code may, is given up soon."""
    least, times = _PATIENCE
    return _limited(ground, max(least, times * seconds))


def _limited(ground: Ground, patience: float) -> Ground:
    bench, known = ground.bench, ground.bench.limits.check_seconds
    limits = replace(bench.limits, check_seconds=patience if known is None else min(known, patience))
    return replace(ground, bench=replace(bench, limits=limits))


def _reordered(spot: Spot, text: str, case: Case) -> list[Problem]:
    """Run the tests backwards, then shuffled, each time with other hashes."""
    for seed in range(1, case.runs):
        _stand(spot, text, case, case.tree)
        run, tail = _run(spot, case, seed)
        if not run.complete or run.red:
            detail = told(run, Verdict(False, broken=run.red), {}, lambda *_: "") if run.red else tail[-2000:]
            how = "backwards" if seed == 1 else "in another order"
            said = f"The same code, run {how} and with another hash seed:\n{detail}"
            brief = f"not the same result every time: {', '.join(_names(run.red, text)[:3])} failed when run {how}"
            return [Problem("deterministic", said, _names(run.red, text), brief)]
    return []


def _linted(spot: Spot, text: str, case: Case) -> list[Problem]:
    """Have the project's linters look at the new file: a message about it would hold back the whole change."""
    _stand(spot, text, case, case.tree)
    copy, bench = case.ground.copy, case.ground.bench
    work = case.work.but(tree=copy.snapshot(spot.paths), paths=spot.paths)
    result = lint(work, copy, bench, case.ground.log)
    return [] if result is None or result.ok else [Problem("lint", f"{result.summary}\n{result.detail}")]


def _without_change(spot: Spot, text: str, case: Case) -> tuple[int, list[Problem]]:
    """Run the file on the code before the change; return how many tests fail there."""
    if not case.alters:
        return -1, []
    _stand(spot, text, case, case.base)
    run, _ = _run(spot, case)
    failed = len(run.red) or int(not run.complete)
    if failed:
        return failed, []
    said = "No test fails on the code as it was before the change, so none shows what the change does."
    return 0, [Problem("fails before", said, brief="no test fails without the change")]


def _on_spoilt_code(spot: Spot, text: str, case: Case, plain: TestRun) -> tuple[int, int, list[Problem]]:
    """Run the file on versions of the code with one line made wrong; return how many it noticed, and of how many."""
    if not case.mutations:
        return 0, 0, []
    _stand(spot, text, case, case.tree)
    versions = _versions(case, plain)
    noticed = tried = 0
    missed: list[Spoilt] = []
    for one in versions:
        _stand(spot, text, case, case.tree, {one.path: one.content})
        run, _ = _run(spot, case)
        red = any(run.failure(test).when != "collect" for test in run.red)
        if not red and (run.red or not run.complete):
            continue  # it hangs or cannot be imported: no assertion of a test has shown that
        tried += 1
        noticed += red
        missed += [] if red else [one]
    if noticed:
        return noticed, tried, []
    if not versions:
        where = ", ".join(list(case.lines)[:5])
        said = (
            f"No test runs any of the lines that matter, in {where}: call that code and compare its results."
        )
    elif not tried:
        said = "None of the spoilt versions of the code ran to the end, so no test has noticed one."
    else:
        rows = "\n".join(f"  {one.path}:{one.line} {one.what}" for one in missed)
        said = f"The tests pass as well when the code is wrong. None of these changes made one fail:\n{rows}"
    brief = f"no test notices that the code is wrong ({tried} spoilt lines tried)"
    return 0, tried, [Problem("notices", said, brief=brief)]


def _versions(case: Case, plain: TestRun) -> list[Spoilt]:
    """Return the spoilt versions of the lines that the tests execute, shared out among the files."""
    copy = case.ground.copy.path
    found: list[list[Spoilt]] = []
    for path, lines in case.lines.items():
        if not _is_plain(copy / path):
            continue
        content = (copy / path).read_bytes()
        with contextlib.suppress(RefactorError, SyntaxError, RecursionError):
            hit = executed_lines(Source.read(path, content).text, plain.lines.get(path, ()))
            found.append(spoilt_texts(path, content, lines & hit, case.mutations))
    rows: list[Spoilt] = []
    while len(rows) < case.mutations and any(found):
        rows += [versions.pop(0) for versions in found if versions]
    return rows[: case.mutations]


def group_result(run: TestRun, tail: str, paths: Sequence[str], bench: Bench) -> GroupResult:
    """Return the counts of a run of one group's tests, with the end of what it said."""
    counts = counts_of(run)
    passed, failed, errors = (
        sum(counts.get(word, 0) for word in words)
        for words in (("passed", "xpassed"), ("failed",), ("error",))
    )
    if not run.complete and not failed and not errors:
        errors = 1
    said = mask(tail, bench.secrets)[-TAIL:].strip()
    return GroupResult(
        max(sum(counts.values()), passed + failed + errors), passed, failed, errors, said, tuple(paths)
    )
