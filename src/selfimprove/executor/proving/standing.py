"""The standing of a tree: what its tests show, measured once per tree, command and environment, and then kept."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from selfimprove.executor.proving.reports import counted
from selfimprove.executor.proving.running import can_narrow, run_again, run_suite
from selfimprove.executor.proving.tracing import is_traced, joined_lines, joined_ranges
from selfimprove.model.testrun import RED, Tally

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from selfimprove.executor.bench import Bench
    from selfimprove.executor.commands import Suite
    from selfimprove.executor.proving.running import Ground
    from selfimprove.executor.proving.tracing import Ranges
    from selfimprove.model.testrun import TestRun

_VERSION = "3"  # of what an observer reports
_PLACES = (".venv", "venv", "env", "node_modules", "vendor")
_MOST_AGAIN = 5_000  # failing tests that are run again alone: with more, the tree is simply red


def standing(suite: Suite, tree: str, ground: Ground, trace: Ranges | None = None) -> TestRun:
    """Return what the tests of ``tree`` show: as it is known, else measured now in the copy.

    Red tests are run again alone, so that one which fails always is told from one that fails at times. ``trace``
    asks for the lines that are executed in some ranges; what is known without them is measured again. A run that
    broke off tells no lines: ``traced`` is then without them.
    """
    known = ground.bench.reports.get(tree, *key_of(suite, ground.bench))
    told = known is not None and is_traced(known, trace)
    if known is not None and told and not _unsettled(known, ground.bench):
        return known
    ground.copy.restore(tree)
    run = known if known is not None and told else _traced(suite, ground, known, trace)
    if doubtful := _unsettled(run, ground.bench):
        run = run.with_tallies(_again(suite, tree, ground, doubtful))
    keep(run, suite, tree, ground.bench)
    return run


def _traced(suite: Suite, ground: Ground, known: TestRun | None, trace: Ranges | None) -> TestRun:
    """Run the suite; what was known of the tree before counts too."""
    if known is None:
        return run_suite(suite, ground, trace)
    run = run_suite(suite, ground, joined_ranges(known.traced, trace or {}))
    if not run.complete or run.tampered:
        return known
    counts = {test: run.tally(test) for test in run.outcomes if _is_red(test, known, run)}
    return known.with_tallies(counts).but(
        lines=joined_lines(known.lines, run.lines),
        traced=joined_ranges(known.traced, run.traced),
        displaced=run.displaced,
    )


def _is_red(test: str, *runs: TestRun) -> bool:
    return any(run.outcomes.get(test) in RED for run in runs) and test in runs[0].outcomes


def keep(run: TestRun, suite: Suite, tree: str, bench: Bench) -> None:
    """Keep what is known of a tree, and which tests proved flaky."""
    key = key_of(suite, bench)
    bench.reports.put(run, tree, *key)
    bench.reports.add_flaky({test: run.tallies[test] for test in run.flaky}, *key)


def known_flaky(suite: Suite, bench: Bench) -> Mapping[str, Tally]:
    """Return the tests of this command that showed both results on some tree."""
    return bench.reports.flaky(*key_of(suite, bench))


def key_of(suite: Suite, bench: Bench) -> tuple[str, str]:
    """Return the command with its folder, and the environment: what else decides how tests end."""
    bounds = bench.limits
    places = {str(place): _time(place) for place in _environments(suite, bench)}
    sandbox = bench.sandbox()
    said = [
        _VERSION,
        sandbox.name,
        getattr(sandbox, "image", ""),
        bounds.network,
        bounds.memory_mb,
        bounds.processes,
        places,
    ]
    return f"{suite.folder}\0{suite.command}", json.dumps(said, sort_keys=True)


def _unsettled(run: TestRun, bench: Bench) -> list[str]:
    """Return the red tests that have not been run often enough to be known."""
    red = [test for test in run.red if run.tally(test).runs <= bench.limits.reruns]
    doubtful = [test for test in red if not run.tally(test).mixed]
    return doubtful if run.complete and len(doubtful) <= _MOST_AGAIN else []


def _again(suite: Suite, tree: str, ground: Ground, tests: list[str]) -> dict[str, Tally]:
    times = ground.bench.limits.reruns
    ground.copy.restore(tree)
    if can_narrow(suite):
        return counted(run_again(suite, ground, tests, times))
    found: dict[str, Tally] = {}
    for _ in range(times):
        ground.copy.restore(tree)
        for test, tally in counted(run_again(suite, ground, tests, 1)).items():
            if test in tests:
                found[test] = found.get(test, Tally(0, 0)).plus(tally)
        if all(tally.failed < tally.runs for tally in found.values()):
            break
    return found


def _environments(suite: Suite, bench: Bench) -> Iterator[Path]:
    """Yield the folders whose time changes when packages are installed or removed."""
    roots = [bench.repo.root / suite.folder / name for name in _PLACES]
    if active := bench.environ.get("VIRTUAL_ENV"):
        roots.append(Path(active))
    if suite.own and suite.command.startswith(("/", "'/")):
        roots.append(Path(suite.command.strip("'").split(" -m ")[0].rstrip("'")).parent.parent)
    for root in roots:
        yield root
        yield from sorted(root.glob("lib/python*/site-packages"))


def _time(place: Path) -> int:
    with suppress(OSError):
        return os.stat(place).st_mtime_ns  # noqa: PTH116 (also of a link's target, as Path.stat)
    return 0
