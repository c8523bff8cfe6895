"""`selfimprove apply`: put a model's reply that a person copied into the person's own files, or take it back."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from selfimprove.cli.door import Door, command
from selfimprove.cli.options import Format, FormatOption, Output
from selfimprove.errors import PatchError, UsageError

if TYPE_CHECKING:
    from selfimprove.executor.patching.apply import Tree
    from selfimprove.model.patch import ApplyResult
    from selfimprove.target import Target

_LARGEST = 20_000_000  # bytes of a reply that are read; what is too large is refused by its length


def register(app: typer.Typer) -> None:
    """Add the command."""
    examples = (
        "selfimprove apply reply.md",
        "selfimprove apply reply.md --dry-run   what would change, as a diff",
        "pbpaste | selfimprove apply -   a reply from the clipboard",
        "selfimprove apply --undo   take the last one back",
    )
    command(app, "apply", examples=examples)(apply)


def apply(
    door: Door,
    reply: Annotated[
        str | None,
        typer.Argument(help="A file with the reply; - reads standard input.", show_default=False),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change as a diff; write nothing.")
    ] = False,
    undo: Annotated[
        bool,
        typer.Option("--undo", help="Take back what the last apply changed, if nothing changed it since."),
    ] = False,
    format: FormatOption = Format.TABLE,  # noqa: A002
    output: Output = None,
) -> int:
    """Put a model's reply into your files: all of its edits, or none.

    The reply may be in any style: search/replace blocks, a diff, whole files or functions, JSON, with prose
    around. Where it fits several places, or none, it is refused with the reason and the places, and nothing is
    changed (exit code 1). Only the files that git lists are changed, and new ones made; never .git.
    """
    del format, output
    if undo:
        if reply is not None or dry_run:
            raise UsageError("--undo goes alone", hint="selfimprove apply --undo")
        return _undo(door, door.target())
    target = door.target()
    return _apply(door, target, _text(door, reply), dry_run=dry_run)


def _text(door: Door, reply: str | None) -> str:
    """Return the reply. Raises UsageError when there is none to read."""
    from selfimprove.executor.patching.coding import decoded

    try:
        if reply not in (None, "-"):
            with (door.folder / str(reply)).open("rb") as file:
                content = file.read(_LARGEST)
        elif reply is None and sys.stdin.isatty():
            raise UsageError(
                "there is no reply to apply", hint="selfimprove apply FILE, or - for standard input"
            )
        else:
            content = sys.stdin.buffer.read(_LARGEST)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise UsageError(
            f"the reply cannot be read: {why}",
            where=str(reply),
            hint="selfimprove apply FILE, or - for standard input",
        ) from None
    if not content.strip():
        raise UsageError("the reply is empty", where=str(reply or "-"), hint="copy all of it")
    try:
        return decoded(content, "the reply").text
    except PatchError as error:
        raise UsageError(error.message, where=str(reply or "-"), hint="save it as plain text") from None


def _apply(door: Door, target: Target, text: str, *, dry_run: bool) -> int:
    from selfimprove.executor.patching import apply_reply
    from selfimprove.executor.patching.apply import Tree
    from selfimprove.executor.patching.diff import generate_diff
    from selfimprove.report.edits import edits_data, edits_text, edits_total
    from selfimprove.target import STATE
    from selfimprove.tools.git.listing import list_files

    listing = list_files(target.repo)
    names = [name for name in listing.names if not name.startswith(f"{STATE}/")]
    files = Tree(target.repo.root, [name for name in names if (target.repo.root / name).exists()])
    result = apply_reply(text, files)
    if result.ok and not dry_run:
        _write(target, result, files)
    data = {"dry_run": dry_run, **edits_data(result)}
    page = edits_text(result)
    if dry_run:
        old = {path: files[path] for path in (*result.files, *result.removed) if path in files}
        diff = generate_diff(old, result.files) if result.ok else ""
        data["diff"] = diff.encode("utf-8", "backslashreplace").decode()
        page += diff
    if not door.quiet:
        hint = "; to take it back: selfimprove apply --undo" if result.ok and not dry_run else ""
        door.say(edits_total(result, dry_run=dry_run) + hint)
    return door.answer(data, page, exit_code=0 if result.ok else 1)


def _write(target: Target, result: ApplyResult, files: Tree) -> None:
    """Write what the reply makes of the files, the record of it first. Raises PatchError; then nothing changed."""
    from selfimprove.executor.patching.apply import record_of, write_files
    from selfimprove.memory.applied import forget, keep
    from selfimprove.target import STATE

    root = target.repo.root
    record = record_of(root, result.files, result.removed)
    target.repo.exclude((f"/{STATE}/",))
    kept = keep(target.state, record.to_json())
    try:
        write_files(root, result.files, result.removed, files)
    except PatchError:
        forget(kept)
        raise


def _undo(door: Door, target: Target) -> int:
    """Take the last apply back."""
    from selfimprove.executor.patching.apply import undo
    from selfimprove.memory.applied import forget, last
    from selfimprove.report.wording import visible

    found = last(target.state)
    if found is None:
        raise UsageError(
            "there is nothing to take back: no apply is recorded here", hint="selfimprove apply FILE"
        )
    path, record = found
    restored = undo(target.repo.root, record)
    forget(path)
    root = target.repo.root
    page = "".join(
        f"{visible(name)}  {'as it was' if (root / name).exists() else 'removed again'}\n"
        for name in restored
    )
    return door.answer({"restored": restored}, page or "the files are as they were already\n")
