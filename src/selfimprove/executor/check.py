"""The check step: hooks, lint, tests and metrics on exactly the tree that would be committed."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from selfimprove.executor import scaffolding
from selfimprove.executor.commands import configured, find_suite, last_words
from selfimprove.executor.hooks import rewritten, run_hook
from selfimprove.executor.proving.comparing import compared
from selfimprove.executor.proving.executed import executed_lines
from selfimprove.executor.proving.linting import lint
from selfimprove.executor.proving.programs import finds_of, where
from selfimprove.executor.proving.proof import Proof
from selfimprove.executor.proving.rewritten import (
    UNPROVED,
    api_fact,
    coverage_fact,
    functions_fact,
    hunks,
    pieces,
    whole_files,
)
from selfimprove.executor.proving.running import Ground
from selfimprove.executor.proving.standing import key_of, standing
from selfimprove.executor.proving.telling import summary
from selfimprove.executor.proving.tracing import is_traced
from selfimprove.executor.proving.verdict import essence
from selfimprove.executor.refactor.source import Source
from selfimprove.model.outcome import CheckResult
from selfimprove.model.testrun import WHOLE, TestRun
from selfimprove.tools.git.worktree import Copy, reopen_copy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from selfimprove.executor.bench import Bench
    from selfimprove.executor.commands import Suite
    from selfimprove.executor.proving.tracing import Ranges
    from selfimprove.model.task import Task
    from selfimprove.model.work import Work


class Fact(NamedTuple):
    """What was found, what makes a failure the same as another one, and what to remember of a rewrite."""

    result: CheckResult
    cause: str = ""
    rewrite: Mapping[str, Any] = MappingProxyType({})


DETAIL = 6000
_WATCHED = 60  # files that were watched at the base and are watched again


def check(task: Task, work: Work, bench: Bench, log: Path) -> Work:
    """Return the work with its facts, and a ``failure`` when one of them is red.

    A hook that rewrites files changes the tree first; lint, tests and metrics then look at the result. The
    first red fact ends the step, since what comes after would look at code that will change again.
    """
    copy = reopen_copy(bench.repo, Path(work.copy), work.base)
    copy.restore(work.tree)
    hook, tree = _hook(copy, work.tree, bench, log)
    changed = tuple(path for _, _, path in bench.repo.numstat(work.base, tree))
    work = work.but(tree=tree, paths=changed, checks=(), failure="", code="")
    results, cause = [hook] if hook else [], ""
    facts = (
        (_lint, _tests, _coverage, _functions, _api, _equal, _metrics)
        if work.rewrite
        else (_lint, _tests, _metrics)
    )
    for fact in facts:
        if results and not results[-1].ok:
            break
        copy.restore(tree)
        if made := fact(task, work, copy, bench, log):
            results.append(made.result)
            cause = made.cause
            work = work.but(rewrite={**work.rewrite, **made.rewrite})
    return _concluded(work.but(cause=cause), task, tuple(results), copy, bench)


def _concluded(work: Work, task: Task, results: tuple[CheckResult, ...], copy: Copy, bench: Bench) -> Work:
    copy.restore(work.tree)
    red = [result for result in results if not result.ok]
    work = work.but(
        checks=results,
        summary="; ".join(f"{result.name} {result.summary}" for result in results) or "nothing to check with",
    )
    if after := value_of(task, copy.path, bench):
        work = work.but(metrics={**work.metrics, "after": after})
    if red:
        if work.cause:
            work = work.but(cause=_mark(f"{red[0].name} {work.cause}"))
        text = f"{red[0].name} failed: {red[0].summary}\n\n{red[0].detail}"
        unproved = red[0].summary.startswith(UNPROVED)
        return work.but(
            failure=(red[0].summary if unproved else text).strip(),
            code=UNPROVED if unproved else "check_failed",
        )
    return work.but(cause="")


def _mark(text: str) -> str:
    return hashlib.sha256(essence(text).encode(errors="surrogatepass")).hexdigest()[:16]


def _hook(copy: Copy, tree: str, bench: Bench, log: Path) -> tuple[CheckResult | None, str]:
    """Run the pre-commit hook; one that fails because it reformatted is run again on what it made."""
    done = run_hook("pre-commit", (), copy, tree, bench, log=log)
    if not done.ran:
        return None, tree
    if not done.ok and (files := rewritten(copy)):
        tree = copy.snapshot(files)
        done = run_hook("pre-commit", (), copy, tree, bench, log=log)
    tree = done.tree if done.ok else tree
    copy.restore(tree)
    summary = "ok" if done.ok else last_words(done.output) or "failed"
    return CheckResult(
        "pre-commit hook", done.ok, summary, done.seconds, "" if done.ok else done.output[-DETAIL:]
    ), tree


def measure_base(task: Task, work: Work, bench: Bench, log: Path) -> Work:
    """Return the work once the tests of its base are known, with a summary of them.

    They are measured once for a tree and then kept, so that a step which was cut off goes on quickly.
    """
    copy = reopen_copy(bench.repo, Path(work.copy), work.base)
    tree = bench.repo.tree_of(work.base)
    copy.restore(tree)
    suite = suite_for(task, copy, bench.repo.tree_names(tree), task.files, bench)
    if suite is None:
        return work.but(summary="no tests found")
    if suite.lacks:
        why, mend = _lacking(suite, bench)  # said before a model is paid for a change that cannot be proved
        if scaffolding.is_unread(task):
            return work.but(summary=f"{why}; nothing that will be added is read by it")
        return work.but(stop=f"{why}: {mend}", code="check_failed", summary=why)
    trace = whole_files(_read(copy, _watched(task, bench)))
    words = summary(standing(suite, tree, Ground(copy, bench, log), trace))
    copy.restore(work.tree)
    return work.but(summary=f"tests {words}")


def _watched(task: Task, bench: Bench) -> Sequence[str]:
    """Return the files of which is to be known which lines the tests run, since a rewrite may move only those.

    All that are wished for in this run at once: each further file would take a run of the tests of its own.
    """
    if task.id not in bench.wishes:
        return task.files if task.rewritable else ()
    own = bench.wishes[task.id].path
    return list(dict.fromkeys((own, *(wish.path for wish in bench.wishes.values()))))[:_WATCHED]


def base_lines(
    task: Task, work: Work, bench: Bench, log: Path, paths: Sequence[str], *, measure: bool = True
) -> dict[str, frozenset[int]]:
    """Return the lines of ``paths`` that the tests of the base execute, numbered as there.

    A statement over several lines has at least its first line in it when it was executed. A file of which that is not
    known is not in the result. The tests run once for a tree, whatever is asked of them, and not at all unless
    ``measure``. The copy is left with ``work.tree``.
    """
    copy = reopen_copy(bench.repo, Path(work.copy), work.base)
    tree = bench.repo.tree_of(work.base)
    copy.restore(tree)
    files = _read(copy, paths)
    trace = whole_files(files)
    suite = suite_for(task, copy, bench.repo.tree_names(tree), task.files, bench)
    if suite is None or suite.lacks or not trace:
        copy.restore(work.tree)
        return {}
    if measure:
        run = standing(suite, tree, Ground(copy, bench, log), trace)
    else:
        run = bench.reports.get(tree, *key_of(suite, bench)) or TestRun()
    copy.restore(work.tree)
    return {
        path: executed_lines(Source.read(path, files[path]).text, run.lines.get(path, ()))
        for path, ranges in trace.items()
        if is_traced(run, {path: ranges})
    }


def _read(copy: Copy, paths: Iterable[str]) -> dict[str, bytes]:
    """Return the files that are there as such; a link is none."""
    places = {path: copy.path / path for path in dict.fromkeys(paths)}
    return {
        path: place.read_bytes()
        for path, place in places.items()
        if place.is_file() and not place.is_symlink()
    }


def suite_for(
    task: Task, copy: Copy, names: Sequence[str], near: Sequence[str], bench: Bench
) -> Suite | None:
    """Return how the tests of what the copy holds are run: as the person said, else as its files tell."""
    if command := task.test_command or bench.proof.test_command:
        return configured(command)
    return find_suite(copy.path, names, near, finds_of(bench))


def _tests(task: Task, work: Work, copy: Copy, bench: Bench, log: Path) -> Fact:
    base, allow = bench.repo.tree_of(work.base), {*task.allow, *bench.proof.allow}
    suite = _suite_of(task, work, copy, bench)
    if suite is None:
        return Fact(CheckResult("tests", True, "none found"))
    if suite.lacks:
        words, mend = _lacking(suite, bench)
        ok = scaffolding.is_unread(task)
        return Fact(CheckResult("tests", ok, words, detail=mend, command=suite.command), words)
    trace = _trace(work, copy, bench, suite)
    ground = Ground(copy, bench, log)
    proof = Proof(
        suite, base, work.tree, work.paths, "tests_changed" in allow, ground, named=task.files, trace=trace
    )
    result, cause = proof.result()
    if (
        not result.ok
        and set(proof.before.outcomes) == {WHOLE} == set(proof.before.red)
        and scaffolding.is_unread(task)
    ):
        words = f"judge nothing here: {result.summary}"
        return Fact(replace(result, ok=True, summary=words))
    return Fact(result, cause)


def _suite_of(task: Task, work: Work, copy: Copy, bench: Bench) -> Suite | None:
    """Return the suite of the base, since a change must not decide how it is tested; else the first that it brings.

    The copy is left with ``work.tree``.
    """
    for tree in dict.fromkeys((bench.repo.tree_of(work.base), work.tree)):
        copy.restore(tree)
        suite = suite_for(task, copy, bench.repo.tree_names(tree), work.paths, bench)
        if suite is not None:
            break
    copy.restore(work.tree)
    return suite


def _trace(work: Work, copy: Copy, bench: Bench, suite: Suite) -> Ranges:
    """Return what to watch while the tests of a rewrite run; nothing for other work.

    Files that were watched at the base are watched again: the next task begins where this one ends.
    """
    if not work.rewrite:
        return {}
    known = bench.reports.get(bench.repo.tree_of(work.base), *key_of(suite, bench))
    before = list(known.traced)[:_WATCHED] if known else []
    return whole_files(_read(copy, (*work.paths, *before)))


def _coverage(task: Task, work: Work, copy: Copy, bench: Bench, log: Path) -> Fact:
    """For a rewrite: what it made is run by the tests, so that their being green says something."""
    suite = _suite_of(task, work, copy, bench)
    files = _read(copy, work.paths)
    wanted = pieces(work.rewrite, files, _changed(work, bench, files))
    run = None
    if suite is not None:
        trace = _trace(work, copy, bench, suite)
        run = standing(
            suite, work.tree, Ground(copy, bench, log), trace
        )  # known by now, unless it cannot be kept
        copy.restore(work.tree)
    result, numbers = coverage_fact(wanted, files, run)
    return Fact(result, f"{result.summary} {work.rewrite.get('key', '')}", {"covered": numbers})


def _changed(work: Work, bench: Bench, files: Iterable[str]) -> Ranges:
    """Return the new lines of a change by file, those with another indentation too."""
    flags = ("-p", "-U0", "--no-renames", "--no-ext-diff", "--no-textconv")
    found = {path: bench.repo.git("diff-tree", *flags, work.base, work.tree, "--", path) for path in files}
    return {path: hunks(diff) for path, diff in found.items()}


def _functions(_task: Task, work: Work, copy: Copy, bench: Bench, _log: Path) -> Fact:
    """For a rewrite: no function got worse."""
    before = {path: bench.repo.blob(work.base, path) or b"" for path in work.paths}
    result = functions_fact(work.rewrite, before, _read(copy, work.paths))
    return Fact(result, result.detail)


def _api(_task: Task, work: Work, copy: Copy, bench: Bench, _log: Path) -> Fact:
    """For a rewrite: whoever imports the project finds what was there."""
    names = [name for name in bench.repo.tree_names(work.tree) if name.endswith((".py", ".pyi"))]
    after = _read(copy, names)
    was = {path: bench.repo.blob(work.base, path) for path in work.paths if path.endswith((".py", ".pyi"))}
    before = {path: content for path, content in after.items() if path not in was}
    before |= {path: content for path, content in was.items() if content is not None}
    result = api_fact(before, after)
    return Fact(result, result.detail)


def _lacking(suite: Suite, bench: Bench) -> tuple[str, str]:
    """Return why the tests cannot be run, and what a person can do about it."""
    uses = f"uses {suite.kind}" if suite.kind in ("pytest", "unittest") else f"is tested by `{suite.command}`"
    place = where(bench)
    mend = "name an image that has it (sandbox.image)" if place else "install it for the project"
    return (
        f"this repository {uses}, and {suite.lacks} was not found{place}",
        f"{mend}, or set check.test_command",
    )


def _equal(task: Task, work: Work, copy: Copy, bench: Bench, log: Path) -> Fact | None:
    """For a rewrite: where inputs can be made, each rewritten function does what it did."""
    suite = _suite_of(task, work, copy, bench)
    kind = suite.kind if suite and suite.kind == "pytest" else "unittest"
    python = finds_of(bench).python(kind)
    results = [
        compared(
            path, symbol, ordinal, bench.repo.blob(work.base, path) or b"", Ground(copy, bench, log), python
        )
        for path, symbol, ordinal in work.rewrite.get("functions", ())
    ]
    if not results:
        return None
    worst = next((one for one in results if not one.ok), results[0])
    return Fact(worst, worst.detail, {"equivalence": worst.summary})


def _lint(task: Task, work: Work, copy: Copy, bench: Bench, log: Path) -> Fact | None:
    del task
    result = lint(work, copy, bench, log)
    return None if result is None else Fact(result, result.detail)


def _metrics(task: Task, work: Work, copy: Copy, bench: Bench, log: Path) -> Fact | None:
    """For a task that came from a finding: the finding must be gone."""
    before, limit = work.metrics.get("before"), work.metrics.get("limit")
    if before is None or limit is None:
        return None
    after = value_of(task, copy.path, bench)
    if after is None:
        return Fact(CheckResult("metrics", True, f"{work.metrics['name']} {before} -> gone"))
    ok = after <= limit
    what = f"{work.metrics['name']} {before} -> {after}"
    detail = "" if ok else f"The finding is still there: {what}, and at most {limit} is allowed."
    return Fact(CheckResult("metrics", ok, what if ok else f"{what}, limit {limit}", 0.0, detail), detail)


def value_of(task: Task, root: Path, bench: Bench) -> float | str | None:
    """Return the present value of the task's finding below ``root``, ``None`` when it has none or is gone."""
    for path in task.files if task.fingerprint else ():
        values = bench.measure(root, path)
        if task.fingerprint in values:
            return values[task.fingerprint]
    return None
