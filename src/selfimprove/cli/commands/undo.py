"""`selfimprove undo`: take the commits of a run or a task back, and keep them findable."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from selfimprove.cli.door import Door, command
from selfimprove.cli.names import run_numbers, task_names
from selfimprove.cli.options import Format, FormatOption, Output


class Then(StrEnum):
    """What becomes of the tasks."""

    PENDING = "pending"
    SKIPPED = "skipped"


class Land(StrEnum):
    """Where the commits go that revert merged ones."""

    BRANCH = "branch"
    MERGE = "merge"


def register(app: typer.Typer) -> None:
    """Add the command."""
    examples = (
        "selfimprove undo 7 --dry-run",
        "selfimprove undo 7",
        "selfimprove undo fix-tax --then skipped",
        "selfimprove undo fix-tax --land merge",
    )
    command(app, "undo", examples=examples)(undo)


def _names(ctx: typer.Context, incomplete: str) -> list[str]:
    return [*run_numbers(ctx, incomplete), *task_names(ctx, incomplete)]


def undo(
    door: Door,
    name: Annotated[
        str, typer.Argument(metavar="RUN|TASK", help="A run's number or a task's id.", autocompletion=_names)
    ],
    then: Annotated[
        Then, typer.Option("--then", help="The status of the tasks afterwards: pending runs again.")
    ] = Then.PENDING,
    land: Annotated[
        Land, typer.Option("--land", help="Leave reverts of merged commits on a branch, or merge it.")
    ] = Land.BRANCH,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")
    ] = False,
    format: FormatOption = Format.TABLE,  # noqa: A002
    output: Output = None,
) -> int:
    """Take the commits of a run or a task back.

    Commits that are only on our own branch leave it: the branch moves back, or goes, and a ref below
    refs/selfimprove/undone keeps what was there. Commits that your branch has are reverted by new commits on a
    branch of their own, proved like any change; --land merge brings them into yours. An open pull request is
    closed, and the tasks are pending again. Uncommitted work is never touched; typed twice, the second does nothing.
    """
    from selfimprove import wiring_land
    from selfimprove.report.handover import undo_text

    del format, output
    done = wiring_land.undo(door.target(), name, status=then.value, merge=land is Land.MERGE, dry_run=dry_run)
    return door.answer(done.to_dict() | {"dry_run": dry_run}, undo_text(done, dry_run=dry_run))
