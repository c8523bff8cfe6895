"""`selfimprove verify`: prove a commit again, and say claim by claim whether it holds."""

from __future__ import annotations

from typing import Annotated

import typer

from selfimprove.cli.door import Door, command
from selfimprove.cli.options import Format, FormatOption, Output


def register(app: typer.Typer) -> None:
    """Add the command."""
    examples = (
        "selfimprove verify selfimprove/run-7",
        "selfimprove verify 3f2a91c --format json",
        "selfimprove verify HEAD && git push",
    )
    command(app, "verify", examples=examples)(verify)


def verify(
    door: Door,
    commit: Annotated[str, typer.Argument(help="A commit that selfimprove made: an id, a branch, a tag.")],
    format: FormatOption = Format.TABLE,  # noqa: A002
    output: Output = None,
) -> int:
    """Prove a commit again, and say claim by claim whether it holds.

    The commit is checked out in a private copy; hooks, lint, tests and metrics run there in the sandbox, by this
    repository's own commands and never by those that the commit names. Its record must have the hash that its
    trailers say. Exit code 0 when every claim holds, 1 when one does not or cannot be told here. What nobody can
    run again (a review, a bill) is shown as stated. Nothing in your tree is touched.
    """
    from selfimprove import wiring_land
    from selfimprove.report.handover import verification_text

    del format, output
    found = wiring_land.verify(door.target(), commit)
    return door.answer(found.to_dict(), verification_text(found), exit_code=0 if found.ok else 1)
