"""Groups: runs written tests group by group, and adds up what several files of one group showed."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from selfimprove.executor.aside import aside
from selfimprove.executor.commands import Suite
from selfimprove.executor.proving.programs import finds_of, where
from selfimprove.executor.proving.running import Ground, run_shuffled
from selfimprove.executor.testing.trial import TAIL, group_result
from selfimprove.model.testgroup import GROUPS, GroupResult

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from selfimprove.executor.bench import Bench


def pytest_suite(bench: Bench, folder: str = ".") -> Suite:
    """Return the suite that runs single files by the target's own pytest; it ``lacks`` what was not found."""
    python = finds_of(bench).python("pytest")
    if python is None:
        return Suite("python -m pytest -q", "pytest", folder, lacks=f"a Python with pytest{where(bench)}")
    return Suite(f"{shlex.quote(python)} -m pytest -q", "pytest", folder, own=True)


def run_groups(
    bench: Bench, commit: str, paths: Mapping[str, Sequence[str]], log: Path, folder: str = "."
) -> dict[str, GroupResult]:
    """Return what the tests of each group show on ``commit``; ``paths`` are their files by group, from the root.

    Each group runs once, by itself, in the sandbox, on a private copy. A file that is not in the commit counts as an
    error of its group. ``folder`` is where the tests are run. Groups without files are left out.
    """
    suite = pytest_suite(bench, folder)
    found: dict[str, GroupResult] = {}
    with aside(bench, commit) as (copy, marked):
        for group in (*GROUPS, *sorted(set(paths) - set(GROUPS))):
            files = tuple(paths.get(group, ()))
            there = [path for path in files if (copy.path / path).is_file()]
            missing = [path for path in files if path not in there]
            if not files:
                continue
            if suite.lacks:
                found[group] = GroupResult(0, errors=1, output=f"{suite.lacks} was not found", paths=files)
                continue
            result = GroupResult(paths=files)
            if there:
                copy.restore(f"{commit}^{{tree}}")
                inside = "" if folder == "." else f"{folder}/"
                names = [path.removeprefix(inside) for path in there]
                run, tail = run_shuffled(suite, Ground(copy, marked, log), names, 0)
                result = group_result(run, tail, files, marked)
            gone = [GroupResult(1, errors=1, output=f"{path} is not there") for path in missing]
            found[group] = added_up([result, *gone], files)
    return found


def added_up(results: Iterable[GroupResult], paths: Sequence[str]) -> GroupResult:
    """Return several results as one, of the files ``paths``."""
    rows = list(results)
    said = "\n".join(one.output for one in rows if one.output)
    return GroupResult(
        sum(one.total for one in rows),
        sum(one.passed for one in rows),
        sum(one.failed for one in rows),
        sum(one.errors for one in rows),
        said[-TAIL:],
        tuple(paths),
    )
