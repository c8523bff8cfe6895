"""`selfimprove analyze`: write what a project is, how its parts depend on each other and how it is organised."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from selfimprove.cli.door import Door, command
from selfimprove.cli.options import Format, FormatOption, Output

if TYPE_CHECKING:
    from selfimprove.model.events import Event, Listener


def register(app: typer.Typer) -> None:
    """Add the command."""
    examples = (
        "selfimprove analyze",
        "selfimprove analyze --no-prose   from facts alone, although there is a model",
        "selfimprove analyze --prose   new summaries, although nothing has changed",
        "selfimprove analyze --output-dir build/docs",
    )
    command(app, "analyze", examples=examples)(analyze)


def analyze(
    door: Door,
    output_dir: Annotated[
        str | None,
        typer.Option("--output-dir", metavar="DIR", help="Folder of the documents.", show_default="docs"),
    ] = None,
    prose: Annotated[
        bool | None,
        typer.Option(
            "--prose/--no-prose",
            help="Have the model write a summary of each, anew; or write facts only.",
            show_default="where facts have changed",
        ),
    ] = None,
    format: FormatOption = Format.TABLE,  # noqa: A002
    output: Output = None,
) -> int:
    """Write specification.md, graph.md and architecture.md: what the project is, from facts first.

    Without a model the documents are complete; a model adds a summary at the top of each, whose names are
    checked. A document of that name without the marker in its first line is yours and not written; the exit code
    is then 1. Only what has changed is written.
    """
    from selfimprove import portraying
    from selfimprove.cli.counter import Counter
    from selfimprove.report.analyzed import analyzed_text

    del format, output
    target = door.target(analyze__prose=prose)
    folder = None if output_dir is None else door.folder / output_dir
    counter = Counter(door, "read")
    try:
        asking = partial(portraying.opened_asker, target, _told(door), needed=prose is True)
        done = portraying.analyze(target, asking, output_dir=folder, anew=prose is True, progress=counter)
    finally:
        counter.close()
    for line in done.problems:
        door.say(f"warning: {line}; the facts are written")
    if done.invented:
        door.say(
            f"warning: left out what the model named and does not exist: {', '.join(done.invented[:10])}"
        )
    for one in done.refused:
        door.say(f"error: {one.path} is not written: {one.reason}")
        door.say("  move it away, or: selfimprove analyze --output-dir DIR")
    return door.answer(done.to_dict(), analyzed_text(done), exit_code=int(bool(done.refused)))


def _told(door: Door) -> Listener:
    """Return what tells a person the warnings of the model's client."""
    from selfimprove.model.events import Notice

    def tell(event: Event) -> None:
        if isinstance(event, Notice) and not door.quiet:
            door.say(f"{event.level}: {event.text}" if event.level != "info" else event.text)

    return tell
