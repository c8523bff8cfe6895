"""`selfimprove init`: the config file, tasks.yml with examples, and a local ignore; or a CI workflow."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from selfimprove.cli.door import Door, command
from selfimprove.cli.options import Format, FormatOption, Output


class Ci(StrEnum):
    """Services that a workflow can be printed for."""

    GITHUB = "github"


def register(app: typer.Typer) -> None:
    """Add the command."""
    examples = ("selfimprove init", "selfimprove init --ci github > .github/workflows/audit.yml")
    command(app, "init", examples=examples)(init)


def init(
    door: Door,
    ci: Annotated[
        Ci | None, typer.Option("--ci", help="Print a workflow for this service and write nothing.")
    ] = None,
    master_prompt: Annotated[
        bool, typer.Option("--master-prompt", help="Also write the file that says what new goals are about.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    format: FormatOption = Format.TABLE,  # noqa: A002
    output: Output = None,
) -> int:
    """Write the config file and tasks.yml where they are missing.

    Nothing is overwritten, and git is told to ignore our folder in this clone only.
    """
    from selfimprove.cli.commands.config import example_yaml
    from selfimprove.target import STATE
    from selfimprove.wiring import set_up
    from selfimprove.wiring_reflect import master_prompt_file

    del format, output
    from importlib.resources import files

    if ci is not None:
        workflow = (files("selfimprove.cli") / "templates" / f"{ci.value}.yml").read_text(encoding="utf-8")
        return door.answer({"workflow": workflow}, workflow)
    target = door.target()
    if not yes and door.may_ask():
        typer.confirm(
            f"Write .selfimprove/config.yaml and {target.settings.tasks_file} in {target.repo.root}?",
            default=True,
            abort=True,
            err=True,
        )
    made, kept = set_up(
        target,
        {
            f"{STATE}/config.yaml": example_yaml().encode(),
            f"{STATE}/tasks.schema.json": (files("selfimprove.memory") / "tasks.schema.json").read_bytes(),
            target.settings.tasks_file: (files("selfimprove.cli") / "templates" / "tasks.yml").read_bytes(),
            **(master_prompt_file(target) if master_prompt else {}),
        },
    )
    data = {"made": made, "kept": kept}
    lines = [f"made  {name}" for name in made] + [f"kept  {name}, as it is" for name in kept]
    lines += ["", "next: selfimprove audit, then selfimprove plan --dry-run"]
    return door.answer(data, "\n".join(lines) + "\n")
