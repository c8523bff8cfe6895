"""`selfimprove refactor`: rewrite functions without a model, prove it, and commit each; or show what would be done."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from selfimprove.cli.commands.run import Land, SandboxChoice  # noqa: TC001 (typer reads the annotations)
from selfimprove.cli.door import Door, command
from selfimprove.cli.options import Format, FormatOption, Output
from selfimprove.errors import Interrupted, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selfimprove.cli.console import Progress
    from selfimprove.model.refactored import Refactored
    from selfimprove.orchestrator import Summary
    from selfimprove.picking import Asked, Picked
    from selfimprove.target import Target


class Rank(StrEnum):
    """radon's ranks of cyclomatic complexity."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"
    E = "E"
    F = "F"


def register(app: typer.Typer) -> None:
    """Add the command."""
    examples = (
        "selfimprove refactor src/app.py:Parser.parse --dry-run   the diff and the numbers",
        "selfimprove refactor src/app.py:88   the function around line 88, as one commit",
        "selfimprove refactor src/app.py:load --rewrite merge-ifs --rewrite invert-guard",
        "selfimprove refactor --all --min-rank C   all that have a complexity of 11 or more",
    )
    command(app, "refactor", examples=examples)(refactor)


def refactor(
    door: Door,
    places: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PATH[:FUNCTION]",
            help="A file, a function in it (load, Parser.parse), or the one around a line (app.py:88).",
            show_default=False,
        ),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Every function of --min-rank or worse, the worst first.")
    ] = False,
    rewrites: Annotated[
        list[str] | None,
        typer.Option(
            "--rewrite", metavar="NAME", help="Only this rewrite; may be given again. What there is: --list."
        ),
    ] = None,
    min_rank: Annotated[
        Rank,
        typer.Option(
            "--min-rank", help="With --all or a file: radon's rank from which on.", case_sensitive=False
        ),
    ] = Rank.C,
    limit: Annotated[
        int, typer.Option("--limit", min=1, metavar="N", help="The complexity to come down to.")
    ] = 10,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the diff and the numbers; write nothing.")
    ] = False,
    tests: Annotated[
        bool,
        typer.Option("--tests/--no-tests", help="With --dry-run: run the tests to see which lines they run."),
    ] = True,
    show_list: Annotated[bool, typer.Option("--list", help="Show the rewrites that there are.")] = False,
    max_tasks: Annotated[
        int | None, typer.Option("--max-tasks", min=1, metavar="N", help="Limit on the number of functions.")
    ] = None,
    land: Annotated[
        Land | None,
        typer.Option(
            "--land", help="Leave the commits on their branch, merge it, or open a pull request (gh)."
        ),
    ] = None,
    sandbox: Annotated[
        SandboxChoice | None, typer.Option("--sandbox", help="What shuts changed code in.")
    ] = None,
    format: FormatOption = Format.TABLE,  # noqa: A002
    output: Output = None,
) -> int:
    """Rewrite functions without a model: no key, no cost, the same result each time.

    Each function becomes one commit on a branch of the run's own, when the tests pass as before, run every line of
    what is new, and no number got worse. What cannot be done, or not be proved, is told with the reason; then the
    exit code is 1 if you named the function, and 0 with --all. Your working tree stays as it is.
    """
    from selfimprove import picking

    del format, output
    if show_list:
        return _list(door)
    asked = picking.Asked(tuple(places or ()), everything, tuple(rewrites or ()), min_rank.value, limit)
    _refuse_senseless(asked)
    target = door.target(
        run__max_tasks=max_tasks,
        run__land=land and land.value,
        sandbox__driver=sandbox and sandbox.value,
        audit__complexity_threshold=limit,
    )
    picked, fine = picking.pick(target, asked, door.folder)
    if dry_run:
        return _preview(door, target, picked, fine, tests=tests)
    return _do(door, target, picked, fine, asked)


def _refuse_senseless(asked: Asked) -> None:
    if asked.everything and asked.places:
        raise UsageError("--all goes without a path", hint="selfimprove refactor --all")
    if not asked.everything and not asked.places:
        raise UsageError(
            "say what to refactor",
            hint="selfimprove refactor PATH:FUNCTION --dry-run, or selfimprove refactor --all",
        )


def _list(door: Door) -> int:
    from selfimprove.executor.refactor.table import REWRITES

    rows = [one._asdict() for one in REWRITES.values()]
    data = {
        "rewrites": [{key: row[key] for key in ("name", "scope", "help", "rules", "words")} for row in rows]
    }
    width = max(map(len, REWRITES))
    return door.answer(data, "".join(f"{name:<{width}}  {one.help}\n" for name, one in REWRITES.items()))


def _preview(
    door: Door, target: Target, picked: Sequence[Picked], fine: Sequence[Refactored], *, tests: bool
) -> int:
    from selfimprove import wiring_refactor
    from selfimprove.model.events import Event, Notice
    from selfimprove.report.refactored import refactored_data, refactored_text

    def tell(event: Event) -> None:
        if isinstance(event, Notice) and not door.quiet:
            door.say(f"warning: {event.text}" if event.level == "warning" else event.text)

    most = target.settings.run.max_tasks
    rows = [*wiring_refactor.preview(target, picked[:most], tests=tests, listener=tell), *fine]
    diffs = sum(bool(row.diff) for row in rows)
    hints = (
        ["Dry run: no file written." + " Each diff is on top of those before it." * (diffs > 1)]
        if rows
        else []
    )
    return door.answer(
        refactored_data(rows, None, dry_run=True),
        refactored_text(rows, dry_run=True, hints=hints),
        exit_code=_exit_code(rows, named=_are_named(picked, fine)),
    )


def _are_named(picked: Sequence[Picked], fine: Sequence[Refactored]) -> bool:
    return len(picked) + len(fine) == 1


def _do(
    door: Door, target: Target, picked: Sequence[Picked], fine: Sequence[Refactored], asked: Asked
) -> int:
    from selfimprove import wiring, wiring_land, wiring_refactor
    from selfimprove.cli.app import interrupts
    from selfimprove.cli.commands.run import tell_of_stopping
    from selfimprove.cli.console import Progress
    from selfimprove.report.refactored import refactored_data, refactored_text
    from selfimprove.report.request import request_text

    if not picked:
        return door.answer(refactored_data(fine, None, dry_run=False), refactored_text(fine, dry_run=False))
    progress: Progress = Progress(door)
    stopped = None
    try:
        loop, jobs = wiring_refactor.build(target, picked, asked.limit, progress, interrupts.hold)
        interrupts.told = lambda: tell_of_stopping(door)
        interrupts.leave = lambda: wiring.end_processes(loop)
        try:
            summary = loop.run(target.settings.tasks_file)
            summary.landed = wiring_land.land(
                target, summary, request_text, progress, auto_merge=target.settings.review.auto_merge
            )
        except Interrupted as error:
            if loop.summary is None:
                raise
            summary, stopped = loop.summary, error
    finally:
        progress.close()
    rows = [*wiring_refactor.rows_of(target, summary, jobs), *fine]
    return _show(door, target, summary, rows, stopped, named=not asked.everything)


def _show(
    door: Door,
    target: Target,
    summary: Summary,
    rows: Sequence[Refactored],
    stopped: Interrupted | None,
    *,
    named: bool,
) -> int:
    """Answer with what became of each function; of those that an interruption left, that they were not started."""
    from selfimprove.cli.failure import page
    from selfimprove.report.refactored import refactored_data, refactored_text
    from selfimprove.report.wording import hand_over

    base = target.repo.branch() or summary.run.base[:12]
    told = hand_over(summary.run, summary.outcomes, base, summary.landed)
    problem = stopped or summary.held or summary.landing_problem
    if problem:
        page(door, problem)
    code = problem.exit_code if problem else _exit_code(rows, named=named)
    return door.answer(
        refactored_data(rows, summary.run, dry_run=False),
        refactored_text(rows, dry_run=False, hints=[f"  {word}  {line}" for word, line in told]),
        exit_code=code,
        error=problem if code > 1 else None,
    )


def _exit_code(rows: Sequence[Refactored], *, named: bool) -> int:
    """Return 1 when something failed, or when what a person named could not be done."""
    from selfimprove.model.refactored import End

    bad = {End.FAILED} | ({End.REFUSED, End.UNPROVED} if named else set())
    return int(any(row.status in bad for row in rows))
