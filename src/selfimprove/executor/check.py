"""The check step: hooks, lint, tests and metrics on exactly the tree that would be committed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from selfimprove.executor.bench import run_shut_in
from selfimprove.executor.commands import last_words, lint_command, test_command, wants_pytest
from selfimprove.executor.hooks import rewritten, run_hook
from selfimprove.executor.mounting import view_of
from selfimprove.model.outcome import CheckResult
from selfimprove.tools.git.worktree import Copy, reopen_copy
from selfimprove.tools.shell.toolchain import find_program, find_python

if TYPE_CHECKING:
    from selfimprove.executor.bench import Bench
    from selfimprove.model.task import Task
    from selfimprove.model.work import Work

DETAIL = 6000
_NOTHING_COLLECTED = 5  # the exit code of pytest, and of unittest from Python 3.12 on


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
    results = [hook] if hook else []
    for fact in (_lint, _tests, _metrics):
        if results and not results[-1].ok:
            break
        copy.restore(tree)
        result = fact(task, work, copy, bench, log)
        results += [result] if result else []
    return _concluded(work, task, tuple(results), copy, bench)


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
        text = f"{red[0].name} failed: {red[0].summary}\n\n{red[0].detail}"
        return work.but(failure=text.strip(), code="check_failed")
    return work


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


def _lint(task: Task, work: Work, copy: Copy, bench: Bench, log: Path) -> CheckResult | None:
    names = bench.repo.tree_names(work.tree)
    there = [path for path in work.paths if (copy.path / path).is_file()]
    command = bench.proof.lint_command or lint_command(
        copy.path, names, there, lambda name: find_program(name, bench.repo.root, bench.environ)
    )
    return _run("lint", command, copy, bench, log) if command else None


def _tests(task: Task, work: Work, copy: Copy, bench: Bench, log: Path) -> CheckResult | None:
    names = bench.repo.tree_names(work.tree)
    command = (
        task.test_command
        or bench.proof.test_command
        or test_command(copy.path, names, lambda module: find_python(module, bench.repo.root, bench.environ))
    )
    if command:
        return _run("tests", command, copy, bench, log)
    if wants_pytest(copy.path, names):
        return CheckResult(
            "tests",
            False,
            "this repository uses pytest, and no Python with pytest was found",
            detail="install pytest for the project, or set check.test_command",
        )
    return CheckResult("tests", True, "none found")


def _run(name: str, command: str, copy: Copy, bench: Bench, log: Path) -> CheckResult:
    done = run_shut_in(
        bench, command, view_of(copy), env=_import_path(copy, bench), log=log, header=f"$ {command}\n"
    )
    if done.timed_out:
        summary = f"no end after {bench.limits.check_seconds:g} s"
    elif done.stopped:
        summary = f"stopped: {done.stopped}"
    else:
        summary = last_words(done.tail) or f"exit code {done.exit_code}"
    runner = "pytest" in command or "unittest" in command
    if name == "tests" and done.exit_code == _NOTHING_COLLECTED and runner:
        return CheckResult(name, True, "none collected", done.seconds)
    ok = done.exit_code == 0 and not done.timed_out and not done.stopped
    return CheckResult(name, ok, summary, done.seconds, "" if ok else done.tail[-DETAIL:])


def _import_path(copy: Copy, bench: Bench) -> dict[str, str]:
    """Return the variable that lets Python import the changed code before an installed older version of it."""
    top = copy.path if bench.sandbox().name == "none" else copy.repo.root
    folders = [top / "src", top] if (copy.path / "src").is_dir() else [top]
    return {"PYTHONPATH": ":".join(map(str, folders))}


def _metrics(task: Task, work: Work, copy: Copy, bench: Bench, log: Path) -> CheckResult | None:
    """For a task that came from a finding: the finding must be gone."""
    before, limit = work.metrics.get("before"), work.metrics.get("limit")
    if before is None or limit is None:
        return None
    after = value_of(task, copy.path, bench)
    if after is None:
        return CheckResult("metrics", True, f"{work.metrics['name']} {before} -> gone")
    ok = after <= limit
    what = f"{work.metrics['name']} {before} -> {after}"
    return CheckResult(
        "metrics",
        ok,
        what if ok else f"{what}, limit {limit}",
        0.0,
        "" if ok else f"The finding is still there: {what}, and at most {limit} is allowed.",
    )


def value_of(task: Task, root: Path, bench: Bench) -> float | str | None:
    """Return the present value of the task's finding below ``root``, ``None`` when it has none or is gone."""
    for path in task.files if task.fingerprint else ():
        values = bench.measure(root, path)
        if task.fingerprint in values:
            return values[task.fingerprint]
    return None
