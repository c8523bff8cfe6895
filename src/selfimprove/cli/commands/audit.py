"""`selfimprove audit`: measure the code and show what is over its limit, what matters first. Changes nothing."""

from __future__ import annotations

import os
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

from selfimprove.cli.door import Door, command
from selfimprove.cli.options import Argument, AuditFormat, Option, Output

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import typer

    from selfimprove.looking import Answer


class FailOn(StrEnum):
    """From which severity on the answer is "no" (exit code 1)."""

    ERROR = "error"
    WARNING = "warning"
    ANY = "any"
    NEVER = "never"


class Tool(StrEnum):
    """What tells how the numbers were before."""

    GIT = "git"
    WILY = "wily"


_LEAST = {FailOn.ERROR: 3, FailOn.WARNING: 2, FailOn.ANY: 1, FailOn.NEVER: 99}


def register(app: typer.Typer) -> None:
    """Add the command."""
    examples = (
        "selfimprove audit",
        "selfimprove audit src --fail-on error",
        "selfimprove audit --since origin/main --format github   what a pull request makes worse",
        "selfimprove audit --baseline audit.json --write-baseline   accept what is there, fail on more",
        "selfimprove audit --select ALL --ignore SI3",
        "selfimprove audit --trend 50 src/app.py:Parser.parse",
        "selfimprove audit --trend --format html -o audit.html",
    )
    command(app, "audit", examples=examples)(audit)


def audit(
    door: Door,
    paths: Annotated[
        list[str] | None,
        Argument(help="Files and folders to measure; all without any. FILE:FUNCTION with --trend."),
    ] = None,
    fail_on: Annotated[
        FailOn, Option("--fail-on", help="Exit with 1 from this severity on.")
    ] = FailOn.WARNING,
    since: Annotated[
        str | None,
        Option("--since", metavar="REF", help="Only what is new or worse since the merge base with REF."),
    ] = None,
    baseline: Annotated[
        str | None,
        Option("--baseline", metavar="FILE", help="Leave out what this file accepts; it only shrinks."),
    ] = None,
    write_baseline: Annotated[
        bool, Option("--write-baseline", help="Accept all that is found now, in the baseline's file.")
    ] = False,
    select: Annotated[
        list[str] | None,
        Option("--select", metavar="RULES", help="Rules to look for: SI103, a prefix (SI1), or ALL."),
    ] = None,
    ignore: Annotated[
        list[str] | None, Option("--ignore", metavar="RULES", help="Rules not to look for.")
    ] = None,
    trend: Annotated[
        int | None,
        Option("--trend", metavar="[N]", min=1, help="Show how it got here, over N (20) revisions."),
    ] = None,
    metric: Annotated[
        str, Option("--metric", metavar="NAME", help="What the trend is of; a wrong name lists all.")
    ] = "complexity",
    history: Annotated[
        Tool | None, Option("--history", help="What tells the trend: git's objects, or wily.")
    ] = None,
    metrics: Annotated[
        bool, Option("--metrics", help="With json: every number of every file and function, too.")
    ] = False,
    cache: Annotated[
        bool | None, Option("--cache/--no-cache", help="Use what earlier audits measured.")
    ] = None,
    format: Annotated[AuditFormat, Option("--format", "-f", help="How to answer.")] = AuditFormat.TABLE,  # noqa: A002
    output: Output = None,
) -> int:
    """Measure the code and show what is over its limit, what matters first.

    Nothing is changed. SI101 is the cyclomatic complexity of a function, SI102 the maintainability index of a
    file. Others are looked for when they are selected: SI103 to SI108 (cognitive complexity, length, nesting,
    parameters, branches, returns), SI201 (duplicated blocks), SI202 (import cycles), SI301 to SI305 (pylint).
    """
    from selfimprove import looking
    from selfimprove.cli.counter import Counter

    del output
    target = door.target(
        audit__baseline=_from_root(door, baseline),
        audit__select=_words(select),
        audit__ignore=_words(ignore),
        audit__history_tool=history and history.value,
        audit__cache=cache,
    )
    question = looking.Question(
        paths=tuple(os.path.join(door.folder, path) for path in paths or ()),  # noqa: PTH118
        since=since,
        trend=trend,
        metric=metric,
        metrics=metrics or format is AuditFormat.HTML,
        write_baseline=write_baseline,
    )
    counter = Counter(door, "measured")
    try:
        answer = looking.look(target, question, counter)
    finally:
        counter.close()
    for line in answer.said:
        door.say(line)
    bad = any(finding.severity >= _LEAST[fail_on] for finding in answer.audit.findings)
    return _answer(door, target.repo.root.name, answer, _LEAST[fail_on], metrics=metrics, exit_code=int(bad))


def _from_root(door: Door, path: str | None) -> str | None:
    """Return the file that a person named from their folder, as settings name it: from the root, or whole."""
    at_root = (door.folder / ".git").exists()
    return path if at_root or not path else os.path.join(door.folder, path)  # noqa: PTH118


def _words(given: list[str] | None) -> tuple[str, ...] | None:
    """Return rules that were given one by one, or several in one word with commas."""
    return tuple(word for text in given for word in text.replace(",", " ").split()) if given else None


def _answer(door: Door, title: str, answer: Answer, least: int, *, metrics: bool, exit_code: int) -> int:
    found = answer.audit

    def page(console: Any) -> None:
        from selfimprove.report.table import audit_page

        audit_page(console, found, known=answer.known)

    def markdown() -> str:
        from selfimprove.report.markdown import audit_markdown

        return audit_markdown(found, answer.known)

    data = None
    if door.format == "json":
        from selfimprove.report.json import audit_data

        data = audit_data(found, metrics=answer.metrics if metrics else None)
    return door.answer(
        data, page, markdown=markdown, others=_texts(title, answer, least), exit_code=exit_code
    )


def _texts(title: str, answer: Answer, least: int) -> Mapping[str, Callable[[], str]]:
    """Return how each format that another program reads is made."""
    from selfimprove import __version__

    found = answer.audit

    def sarif() -> str:
        from selfimprove.report.json import dumps
        from selfimprove.report.sarif import sarif as log

        return dumps(log(found, answer.rules, version=__version__)) + "\n"

    def github() -> str:
        from selfimprove.report.github import github as commands

        return commands(found, answer.known)

    def junit() -> str:
        from selfimprove.report.junit import junit as suites

        return suites(found, least)

    def html() -> str:
        import time

        from selfimprove.report.html import html_page

        return html_page(
            found, answer.rules, title=title, version=__version__, known=answer.known, made_at=time.time()
        )

    return {"sarif": sarif, "github": github, "junit": junit, "html": html}
