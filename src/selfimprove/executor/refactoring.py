"""Refactoring: the edit step's way without a model: from the task's finding to a rewrite in the private copy."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from selfimprove.codebase.measure.record import MeasureError
from selfimprove.codebase.pages import below
from selfimprove.codebase.testing import is_test
from selfimprove.errors import NeedsModel, PatchError, RefactorError
from selfimprove.executor import check as checking
from selfimprove.executor.patching.apply import read_files, write_files
from selfimprove.executor.proving.rewritten import UNPROVED
from selfimprove.executor.refactor.api import refuse_unchecked
from selfimprove.executor.refactor.minimum import minimum_python
from selfimprove.executor.refactor.project import Project
from selfimprove.executor.refactor.rewrite import functions_of, propose
from selfimprove.executor.refactor.table import MOST_COMPLEX, aims_for, for_finding
from selfimprove.executor.refactor.wish import Wish
from selfimprove.tools.git.worktree import reopen_copy
from selfimprove.tools.shell.toolchain import own_program

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from selfimprove.codebase.measure.record import FunctionMetrics
    from selfimprove.executor.bench import Bench
    from selfimprove.executor.refactor.draft import Draft
    from selfimprove.model.finding import Finding
    from selfimprove.model.task import Task
    from selfimprove.model.work import Work

Programs = tuple[Path, "Mapping[str, str]"]

MOST = 6
"""Rewrites of one function that are proved, one after the other, before it is left to a model."""

MEASURED = {
    "SI101": "complexity",
    "SI102": "maintainability",
    "SI103": "cognitive",
    "SI104": "length",
    "SI105": "nesting",
    "SI106": "parameters",
    "SI107": "branches",
    "SI108": "returns",
}
"""What a rule measures, as a commit tells it."""

NO_TESTS = f"{UNPROVED}: the repository has no tests"
_READ: dict[tuple[str, str], Project] = {}
"""The tree that was read last: the steps of a task, and tasks that change nothing, ask for the same one."""

_STILL_FINE = 15  # the audit's own limit of complexity, for findings of other rules
_LARGEST = 2_000_000  # bytes of a file that can have something to do with a rewrite
_PYLINT = re.compile(r"\(([a-z0-9-]+), [A-Z]\d{4}\)")
_PYLINT_PLACE = re.compile(
    r"^Change the code in (?:(?P<symbol>[\w.]+) \()?(?P<path>.+?), line (?P<line>\d+)", re.M
)


def applies(task: Task, bench: Bench) -> bool:
    """True when the task is tried without a model first."""
    return task.id in bench.wishes or (bench.rewrites and task.rewritable)


def finding_of(task: Task, root: Path, bench: Bench) -> Finding | None:
    """Return the task's finding as it is measured below ``root``, ``None`` when it has none, or it is gone."""
    for path in task.files if task.fingerprint else ():
        for fact in bench.facts(root, path):
            if task.fingerprint in fact.fingerprints:
                return fact
    return None


def wish_of(task: Task, root: Path, bench: Bench) -> Wish:
    """Return what the task asks for. Raises RefactorError when no rewrite could ever do it."""
    if task.id in bench.wishes:
        return bench.wishes[task.id]
    finding = finding_of(task, root, bench)
    if finding is None:
        return _pylint_wish(task)
    if is_test(finding.path):
        raise RefactorError("tests are what proves a rewrite, so they are not rewritten", where=finding.path)
    if not for_finding(finding.rule):
        raise RefactorError(f"no rewrite mends {finding.rule}: {finding.message}", where=finding.path)
    return wish_for(finding.path, finding.symbol, finding.ordinal, finding.rule, finding.limit)


def wish_for(path: str, symbol: str, ordinal: int, rule: str, limit: float | str) -> Wish:
    """Return the wish that a value of ``rule`` is at most ``limit``, and of functions that they stay small.

    Where a person allows more than MOST_COMPLEX, that is tried first, so that nothing is just below the limit.
    """
    least = {"complexity": _STILL_FINE, **aims_for(rule, limit)}
    aims = least | {"complexity": min(MOST_COMPLEX, least["complexity"])}
    return Wish(path, symbol, ordinal, for_finding(rule), aims, least)


def _pylint_wish(task: Task) -> Wish:
    """Return what a message of pylint asks for; the audit's own words in the task say which, and where."""
    word, place = _PYLINT.search(task.description), _PYLINT_PLACE.search(task.prompt or "")
    if not word or not place:
        raise RefactorError("its finding is not there any more, or is of a kind that no rewrite mends")
    rewrites = for_finding("", word[1])
    if not rewrites:
        raise RefactorError(f"no rewrite mends {word[1]}", where=place["path"])
    return Wish(place["path"], place["symbol"] or "", 1, rewrites, aims_for("", "", word[1]))


def read_project(
    root: Path,
    names: Iterable[str],
    covered: Mapping[str, frozenset[int]] | None = None,
    programs: Programs | None = None,
) -> Project:
    """Return the files ``names`` below ``root`` as rewrites see them; links and very large files are not among them.

    ``programs`` is where a program of the project's own is looked for: the person's tree, and their variables.
    """
    files = {}
    for name in names:
        place = root / name
        if not place.is_symlink() and place.is_file() and place.stat().st_size <= _LARGEST:
            with suppress(PatchError):  # behind a link, or a name that no change may touch
                files.update(read_files(root, (name,)))
    ruff = own_program("ruff", *programs) if programs else None
    return Project(files, covered or {}, minimum_python(files), ruff or "")


def _programs(bench: Bench) -> Programs:
    return bench.repo.root, bench.environ


def _project(bench: Bench, root: Path, tree: str) -> Project:
    """Return ``tree``, which stands below ``root``, without what tests run; it is read once for all that ask."""
    place = str(bench.repo.common_dir), tree
    if place not in _READ:
        _READ.clear()
        _READ[place] = read_project(root, bench.repo.tree_names(tree), programs=_programs(bench))
    return _READ[place]


def expect(task: Task, work: Work, bench: Bench, log: Path) -> str:
    """Return what can be expected of a rewrite of the work's base before its tests are run.

    Raises NeedsModel when nothing can be done for the task, whatever tests run. Where it is known already what they
    run, nothing is searched: the edit step does that, and knows more.
    """
    try:
        wish = wish_of(task, Path(work.copy), bench)
        if wish.path in checking.base_lines(task, work, bench, log, (wish.path,), measure=False):
            return "rewrites without a model will be tried"
        project = _project(bench, Path(work.copy), bench.repo.tree_of(work.base))
        refuse_unchecked(project.files, propose(project, wish).files)
    except (RefactorError, PatchError) as error:
        raise _waiting(error) from None
    return "a rewrite without a model is possible"


def refactor(task: Task, work: Work, bench: Bench, log: Path) -> Work:
    """Return the work with the next rewrite that was not tried yet, made on the base, in its ``tree``.

    Raises RefactorError with the reason when none is left.
    """
    copy = reopen_copy(bench.repo, Path(work.copy), work.base)
    base = bench.repo.tree_of(work.base)
    copy.restore(base)
    tried = work.tried
    wish = wish_of(task, copy.path, bench)
    if len(tried) >= MOST or work.failure.startswith(NO_TESTS):  # which no other way would mend
        raise RefactorError(f"{len(tried)} ways were tried", where=wish.path)
    covered = checking.base_lines(task, work.but(tree=base), bench, log, (wish.path,))
    project = _project(bench, copy.path, base).knowing(covered)
    draft = propose(project, wish, tried)
    refuse_unchecked(project.files, draft.files)
    if outside := [path for path in draft.files if task.files and not below(path, task.files)]:
        raise RefactorError(f"{outside[0]} would change too, and is not among the task's files")
    try:
        write_files(copy.path, draft.files)
    except PatchError as error:
        raise RefactorError(error.message, where=error.where) from None
    values = values_of(project, wish, draft)
    made = {
        "rewrites": list(draft.rewrites),
        "functions": [[wish.path, wish.symbol, wish.ordinal]] if wish.symbol else [],
        "added": [[one.path, one.symbol, one.line, one.end_line] for one in draft.added],
        "key": draft.key,
        "limits": dict(wish.least or wish.aims),
        "values": values,
        "notes": list(draft.notes),
    }
    return work.but(
        tree=copy.snapshot(tuple(draft.files)),
        paths=tuple(draft.files),
        failure="",
        code="",
        checks=(),
        subject=draft.subject,
        rewrite=made,
        tried=(*tried, draft.key),
        summary=told(draft, values),
    )


def given_up(work: Work, bench: Bench) -> Work:
    """Return the work as a model finds it when no rewrite is left: at the base again."""
    return work.but(
        tree=bench.repo.tree_of(work.base),
        paths=(),
        checks=(),
        failure="",
        cause="",
        code="",
        subject="",
        rewrite={},
    )


def needs_model(work: Work, why: RefactorError) -> NeedsModel:
    """Return the reason for which the task waits: what failed last, and why there is nothing else to try."""
    if not work.failure:
        return _waiting(why)
    first = work.failure.splitlines()[0].rstrip(".")
    error = NeedsModel(first, where=why.where)
    error.code = UNPROVED if work.code == UNPROVED else "check_failed"
    return error


def _waiting(why: RefactorError | PatchError) -> NeedsModel:
    error = NeedsModel(why.message, where=why.where)
    error.code = why.code
    return error


def values_of(project: Project, wish: Wish, draft: Draft) -> dict[str, dict[str, int | None]]:
    """Return complexity and cognitive complexity of the function before and after; nothing for a whole file."""
    key = (wish.symbol, wish.ordinal)
    try:
        before = functions_of(project.files[wish.path]).get(key)
        after = _after(wish, draft) or before
    except MeasureError:
        return {}
    if before is None:
        return {}
    return {
        name: {"before": getattr(before, name), "after": getattr(after, name)}
        for name in ("complexity", "cognitive")
    }


def _after(wish: Wish, draft: Draft) -> FunctionMetrics | None:
    """Return the function as the draft has it, also where it has moved out of its class."""
    if wish.path not in draft.files:
        return None
    found = functions_of(draft.files[wish.path])
    return found.get((wish.symbol, wish.ordinal)) or found.get((wish.name, 1))


def told(draft: Draft, values: Mapping[str, Mapping[str, int | None]]) -> str:
    """Return a rewrite in a few words: ``extract-function: complexity 31 -> 9, 3 new functions``."""
    parts = [
        f"{name} {one['before']} -> {one['after']}"
        for name, one in values.items()
        if one["after"] is not None and one["after"] != one["before"]
    ]
    if count := len(draft.added):
        parts.append(f"{count} new function{'s' * (count != 1)}")
    return ", then ".join(draft.rewrites) + (f": {', '.join(parts)}" if parts else "")
