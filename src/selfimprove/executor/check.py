"""The check step: hooks, lint, tests and metrics on exactly the tree that would be committed."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from selfimprove.executor.bench import run_shut_in
from selfimprove.executor.commands import configured, find_suite, last_words
from selfimprove.executor.hooks import rewritten, run_hook
from selfimprove.executor.mounting import view_of
from selfimprove.executor.proving.linters import lint_commands, messages, new_lines
from selfimprove.executor.proving.programs import finds_of, where
from selfimprove.executor.proving.proof import Proof
from selfimprove.executor.proving.running import Ground
from selfimprove.executor.proving.standing import standing
from selfimprove.executor.proving.telling import summary
from selfimprove.executor.proving.verdict import essence
from selfimprove.model.outcome import CheckResult
from selfimprove.tools.git.worktree import Copy, reopen_copy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selfimprove.executor.bench import Bench
    from selfimprove.executor.commands import Suite
    from selfimprove.model.task import Task
    from selfimprove.model.work import Work
    from selfimprove.tools.shell.process import Completed

DETAIL = 6000
_LINT_OUTPUT = 400_000  # characters of a linter's output in which messages are looked for


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
    for fact in (_lint, _tests, _metrics):
        if results and not results[-1].ok:
            break
        copy.restore(tree)
        if made := fact(task, work, copy, bench, log):
            results.append(made[0])
            cause = made[1]
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
        return work.but(failure=text.strip(), code="check_failed")
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
    suite = _suite(task, copy, bench.repo.tree_names(tree), task.files, bench)
    if suite is None:
        return work.but(summary="no tests found")
    if suite.lacks:
        why, mend = _lacking(suite, bench)  # said before a model is paid for a change that cannot be proved
        return work.but(stop=f"{why}: {mend}", code="check_failed", summary=why)
    words = summary(standing(suite, tree, Ground(copy, bench, log)))
    copy.restore(work.tree)
    return work.but(summary=f"tests {words}")


def _suite(task: Task, copy: Copy, names: Sequence[str], near: Sequence[str], bench: Bench) -> Suite | None:
    if command := task.test_command or bench.proof.test_command:
        return configured(command)
    return find_suite(copy.path, names, near, finds_of(bench))


def _tests(task: Task, work: Work, copy: Copy, bench: Bench, log: Path) -> tuple[CheckResult, str]:
    # The command is the base's: a change must not decide how it is tested.
    base, allow = bench.repo.tree_of(work.base), {*task.allow, *bench.proof.allow}
    names = bench.repo.tree_names(base)
    copy.restore(base)
    suite = _suite(task, copy, names, work.paths, bench)
    if suite is None:  # the first tests come with the change
        copy.restore(work.tree)
        suite = _suite(task, copy, bench.repo.tree_names(work.tree), work.paths, bench)
    if suite is None:
        return CheckResult("tests", True, "none found"), ""
    if suite.lacks:
        words, mend = _lacking(suite, bench)
        return CheckResult("tests", False, words, detail=mend, command=suite.command), words
    ground = Ground(copy, bench, log)
    return Proof(
        suite, base, work.tree, work.paths, "tests_changed" in allow, ground, named=task.files
    ).result()


def _lacking(suite: Suite, bench: Bench) -> tuple[str, str]:
    """Return why the tests cannot be run, and what a person can do about it."""
    uses = f"uses {suite.kind}" if suite.kind in ("pytest", "unittest") else f"is tested by `{suite.command}`"
    place = where(bench)
    mend = "name an image that has it (sandbox.image)" if place else "install it for the project"
    return (
        f"this repository {uses}, and {suite.lacks} was not found{place}",
        f"{mend}, or set check.test_command",
    )


def _lint(task: Task, work: Work, copy: Copy, bench: Bench, log: Path) -> tuple[CheckResult, str] | None:
    names = bench.repo.tree_names(work.tree)
    there = [path for path in work.paths if (copy.path / path).is_file()]
    commands = (
        [bench.proof.lint_command]
        if bench.proof.lint_command
        else lint_commands(copy.path, names, there, finds_of(bench).program, bench.repo.root)
    )
    results = [_lint_by(command, work, copy, bench, log) for command in commands]
    if not results:
        return None
    red = [one for one in results if not one.ok]
    words = "; ".join(one.summary for one in red or results)
    seconds, detail = sum(one.seconds for one in results), "\n\n".join(one.detail for one in red)
    return CheckResult("lint", not red, words, seconds, detail[:DETAIL], "; ".join(commands)), detail


def _lint_by(command: str, work: Work, copy: Copy, bench: Bench, log: Path) -> CheckResult:
    """Run a linter; what it said without the change already is not held against it."""
    copy.restore(work.tree)
    now = _run(command, copy, bench, log)
    words = _end_of(now, bench) or last_words(now.tail) or f"exit code {now.exit_code}"
    if now.exit_code == 0 and not _end_of(now, bench):
        return CheckResult("lint", True, words, now.seconds)
    copy.restore(work.base)
    before = _run(command, copy, bench, log)
    copy.restore(work.tree)
    seconds = now.seconds + before.seconds
    fresh, told = new_lines(now.tail, before.tail), messages(now.tail)
    if before.exit_code and not fresh:
        if told:
            return CheckResult("lint", True, f"{_messages(told.total())}, none new", seconds)
        if essence(now.tail) == essence(before.tail):
            return CheckResult("lint", True, f"fails without the change too: {words}", seconds)
    if before.exit_code and fresh:
        words = f"{_messages(len(fresh))} that {'was' if len(fresh) == 1 else 'were'} not there before"
    return CheckResult("lint", False, words, seconds, "\n".join(fresh) or now.tail[-DETAIL:])


def _messages(number: int) -> str:
    return f"{number} message{'s' * (number != 1)}"


def _run(command: str, copy: Copy, bench: Bench, log: Path) -> Completed:
    return run_shut_in(bench, command, view_of(copy), log=log, header=f"$ {command}\n", tail=_LINT_OUTPUT)


def _end_of(done: Completed, bench: Bench) -> str:
    if done.timed_out:
        return f"no end after {bench.limits.check_seconds:g} s"
    return f"stopped: {done.stopped}" if done.stopped else ""


def _metrics(task: Task, work: Work, copy: Copy, bench: Bench, log: Path) -> tuple[CheckResult, str] | None:
    """For a task that came from a finding: the finding must be gone."""
    before, limit = work.metrics.get("before"), work.metrics.get("limit")
    if before is None or limit is None:
        return None
    after = value_of(task, copy.path, bench)
    if after is None:
        return CheckResult("metrics", True, f"{work.metrics['name']} {before} -> gone"), ""
    ok = after <= limit
    what = f"{work.metrics['name']} {before} -> {after}"
    detail = "" if ok else f"The finding is still there: {what}, and at most {limit} is allowed."
    return CheckResult("metrics", ok, what if ok else f"{what}, limit {limit}", 0.0, detail), detail


def value_of(task: Task, root: Path, bench: Bench) -> float | str | None:
    """Return the present value of the task's finding below ``root``, ``None`` when it has none or is gone."""
    for path in task.files if task.fingerprint else ():
        values = bench.measure(root, path)
        if task.fingerprint in values:
            return values[task.fingerprint]
    return None
