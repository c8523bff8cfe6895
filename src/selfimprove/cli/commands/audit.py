"""`selfimprove audit`: measure the code and show what is over its limit. Changes nothing."""

from __future__ import annotations

import os
from enum import StrEnum
from typing import Annotated

import typer

from selfimprove.cli.door import Door, command
from selfimprove.cli.options import Output, TextFormat


class FailOn(StrEnum):
    """From which severity on the answer is "no" (exit code 1)."""

    ERROR = "error"
    WARNING = "warning"
    ANY = "any"
    NEVER = "never"


_LEAST = {FailOn.ERROR: 3, FailOn.WARNING: 2, FailOn.ANY: 1, FailOn.NEVER: 99}


def register(app: typer.Typer) -> None:
    """Add the command."""
    examples = (
        "selfimprove audit",
        "selfimprove audit src --fail-on error",
        "selfimprove audit --format json",
    )
    command(app, "audit", examples=examples)(audit)


def audit(
    door: Door,
    paths: Annotated[
        list[str] | None, typer.Argument(help="Files and folders to measure; all without any.")
    ] = None,
    fail_on: Annotated[
        FailOn, typer.Option("--fail-on", help="Exit with 1 from this severity on.")
    ] = FailOn.WARNING,
    format: Annotated[TextFormat, typer.Option("--format", "-f", help="How to answer.")] = TextFormat.TABLE,  # noqa: A002
    output: Output = None,
) -> int:
    """Measure the code and show what is over its limit.

    Nothing is changed. SI101 is the cyclomatic complexity of a function, SI102 the maintainability index of a file.
    """
    from selfimprove.report.json import audit_data
    from selfimprove.report.markdown import audit_markdown
    from selfimprove.report.table import audit_table
    from selfimprove.wiring import build_auditor, load_tasks

    del format, output
    target = door.target()
    chosen = [os.path.join(door.folder, path) for path in paths or ()]  # noqa: PTH118
    tasks = load_tasks(target)
    result = build_auditor(target, chosen).survey()
    known = {task.fingerprint for task in tasks}
    count = sum(finding.fingerprint in known for finding in result.findings)
    bad = any(finding.severity >= _LEAST[fail_on] for finding in result.findings)
    return door.answer(
        audit_data(result),
        lambda console: audit_table(
            console, result.findings, files=result.files, not_analysed=result.not_analysed, known=count
        ),
        markdown=lambda: audit_markdown(result, count),
        exit_code=int(bad),
    )
