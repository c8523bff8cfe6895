"""`selfimprove scaffold`: make the files of good practice that are missing, from facts; or show what would be made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from selfimprove.cli.commands.run import Land, SandboxChoice  # noqa: TC001 (typer reads the annotations)
from selfimprove.cli.door import Door, command
from selfimprove.cli.options import Format, FormatOption, Output
from selfimprove.errors import Interrupted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selfimprove.model.gap import Gap
    from selfimprove.model.scaffolded import Scaffolded
    from selfimprove.orchestrator import Summary
    from selfimprove.target import Target


def register(app: typer.Typer) -> None:
    """Add the command."""
    examples = (
        "selfimprove scaffold --list   what is there, what is missing, and why",
        "selfimprove scaffold --dry-run   the files as they would be made",
        "selfimprove scaffold ci editorconfig   these two, one commit each",
        "selfimprove scaffold license --license MIT",
    )
    command(app, "scaffold", examples=examples)(scaffold)


def scaffold(
    door: Door,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...", help="Which files (--list names them); else all.", show_default=False
        ),
    ] = None,
    show_list: Annotated[
        bool, typer.Option("--list", help="Show how the repository stands to each rule.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be made; write nothing.")
    ] = False,
    licence: Annotated[
        str | None,
        typer.Option("--license", metavar="SPDX", help="The licence, where the repository states none."),
    ] = None,
    model: Annotated[
        bool,
        typer.Option(
            "--model/--no-model",
            help="Have a model, where there is one, write the prose, held to the facts; else templates.",
        ),
    ] = True,
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
    """Make the files of good practice that a repository lacks: licence, security policy, CI, editor settings and more.

    What stands in them follows from the repository: its licence as stated, its tests, its versions, its style; what
    only you can know is asked for. Nothing is overwritten. Each file is one commit on a branch of the run's own,
    when the tests pass as before. Your working tree stays as it is.
    """
    from selfimprove import wiring_scaffold

    del format, output
    target = door.target(run__land=land and land.value, sandbox__driver=sandbox and sandbox.value)
    chosen, spdx = tuple(names or ()), licence or ""
    if dry_run and not show_list:
        return _preview(door, wiring_scaffold.preview(target, chosen, spdx), named=bool(chosen))
    gaps = wiring_scaffold.survey(target, chosen, spdx)
    if show_list:
        return _list(door, gaps)
    return _do(door, target, gaps, spdx, named=bool(chosen), model=model)


def _list(door: Door, gaps: Sequence[Gap]) -> int:
    from selfimprove.model.gap import Standing
    from selfimprove.model.scaffolded import Fate, Scaffolded
    from selfimprove.report.scaffolded import scaffolded_data, scaffolded_text

    fates = {one: Fate(one.value) for one in Standing if one is not Standing.MISSING} | {
        Standing.MISSING: Fate.PROPOSED
    }
    rows = [Scaffolded(gap, fates[gap.standing]) for gap in gaps]
    text = scaffolded_text(rows, every=True, hints=["Names: " + ", ".join(gap.name for gap in gaps)])
    return door.answer(scaffolded_data(rows, None, dry_run=True), text)


def _preview(door: Door, rows: Sequence[Scaffolded], *, named: bool) -> int:
    from selfimprove.report.scaffolded import scaffolded_data, scaffolded_text

    text = scaffolded_text(rows, every=named, hints=["Dry run: no file written."])
    return door.answer(
        scaffolded_data(rows, None, dry_run=True), text, exit_code=_exit_code(rows, named=named)
    )


def _do(door: Door, target: Target, gaps: Sequence[Gap], licence: str, *, named: bool, model: bool) -> int:
    from selfimprove import wiring, wiring_land, wiring_scaffold
    from selfimprove.cli.app import interrupts
    from selfimprove.cli.commands.run import tell_of_stopping
    from selfimprove.cli.console import Progress
    from selfimprove.model.gap import Standing
    from selfimprove.report.request import request_text

    if not any(gap.standing is Standing.MISSING for gap in gaps):
        return _nothing(door, gaps, named=named)
    progress: Progress = Progress(door)
    stopped = None
    try:
        loop, jobs = wiring_scaffold.build(target, gaps, licence, progress, interrupts.hold, model=model)
        interrupts.told = lambda: tell_of_stopping(door)
        interrupts.leave = lambda: wiring.end_processes(loop)
        try:
            summary = loop.run(target.settings.tasks_file)
            summary.landed = wiring_land.land(target, summary, request_text, progress)
        except Interrupted as error:
            if loop.summary is None:
                raise
            summary, stopped = loop.summary, error
    finally:
        progress.close()
    return _show(
        door, target, summary, wiring_scaffold.rows_of(target, gaps, summary, jobs), stopped, named=named
    )


def _nothing(door: Door, gaps: Sequence[Gap], *, named: bool) -> int:
    from selfimprove.model.scaffolded import Fate, Scaffolded
    from selfimprove.report.scaffolded import scaffolded_data, scaffolded_text

    rows = [Scaffolded(gap, Fate(gap.standing.value)) for gap in gaps]
    text = scaffolded_text(rows, every=named)
    return door.answer(
        scaffolded_data(rows, None, dry_run=False), text, exit_code=_exit_code(rows, named=named)
    )


def _show(
    door: Door,
    target: Target,
    summary: Summary,
    rows: Sequence[Scaffolded],
    stopped: Interrupted | None,
    *,
    named: bool,
) -> int:
    """Answer with what became of each file, and where the commits are."""
    from selfimprove.cli.failure import page
    from selfimprove.report.scaffolded import scaffolded_data, scaffolded_text
    from selfimprove.report.wording import hand_over

    base = target.repo.branch() or summary.run.base[:12]
    told = hand_over(summary.run, summary.outcomes, base, summary.landed)
    problem = stopped or summary.held or summary.landing_problem
    if problem:
        page(door, problem)
    code = problem.exit_code if problem else _exit_code(rows, named=named)
    return door.answer(
        scaffolded_data(rows, summary.run, dry_run=False),
        scaffolded_text(rows, every=named, hints=[f"  {word}  {line}" for word, line in told]),
        exit_code=code,
        error=problem if code > 1 else None,
    )


def _exit_code(rows: Sequence[Scaffolded], *, named: bool) -> int:
    """Return 5 when a limit left something undone, 1 when something failed or what was named needs a decision."""
    from selfimprove.model.scaffolded import Fate

    fates = {row.fate for row in rows}
    if Fate.FAILED in fates or (named and fates & {Fate.UNDECIDED, Fate.UNSUITED}):
        return 1
    return 5 if Fate.LEFT in fates else 0
