"""`selfimprove config`: show, get, set, path and schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from selfimprove.cli.door import Door, command, group
from selfimprove.cli.options import Format, FormatOption, Output
from selfimprove.errors import NotARepository

if TYPE_CHECKING:
    from collections.abc import Callable

config_group = group("Show and change the settings.")


def register(app: typer.Typer) -> None:
    """Add the group."""
    commands: dict[str, tuple[Callable[..., int], tuple[str, ...]]] = {
        "show": (show, ("show", "show --origin")),
        "get": (get, ("get llm.model",)),
        "set": (set_, ("set llm.model openai/gpt-5.4", "set --user budget.dollars 2")),
        "path": (path, ("path",)),
        "schema": (schema, ("schema > schema.json",)),
    }
    for name, (function, lines) in commands.items():
        examples = [f"selfimprove config {line}" for line in lines]
        command(config_group, name, title=f"config {name}", examples=examples)(function)
    app.add_typer(config_group, name="config")


def _keys(incomplete: str) -> list[str]:
    from selfimprove.settings import fields

    return [key for key in fields() if key.startswith(incomplete)]


def show(
    door: Door,
    origin: Annotated[
        bool, typer.Option("--origin", help="Say which file, variable or flag each value comes from.")
    ] = False,
    format: FormatOption = Format.TABLE,  # noqa: A002
    output: Output = None,
) -> int:
    """Show every setting that is in force."""
    from selfimprove.cli.commands import config
    from selfimprove.report.table import rows_table

    del format, output
    rows = config.show(_loaded(door), origin=origin)
    shown = [[row["key"], _text(row["value"]), *([row["origin"]] if origin else [])] for row in rows]
    return door.answer({"settings": rows}, lambda console: rows_table(console, shown))


def get(
    door: Door,
    key: Annotated[str, typer.Argument(help="The setting, as section.key.", autocompletion=_keys)],
    format: FormatOption = Format.TABLE,  # noqa: A002
    output: Output = None,
) -> int:
    """Show one setting."""
    from selfimprove.cli.commands import config

    del format, output
    value = config.get(_loaded(door), key)
    return door.answer({"key": key, "value": value}, _text(value) + "\n")


def set_(
    door: Door,
    key: Annotated[str, typer.Argument(help="The setting, as section.key.", autocompletion=_keys)],
    value: Annotated[str, typer.Argument(help="The value; null takes a limit away.")],
    user: Annotated[
        bool, typer.Option("--user", help="Write to your own config file, not the repository's.")
    ] = False,
    format: FormatOption = Format.TABLE,  # noqa: A002
    output: Output = None,
) -> int:
    """Set one setting in the repository's config file.

    Comments and layout stay.
    """
    from selfimprove.cli.commands import config
    from selfimprove.target import STATE
    from selfimprove.tools.git.repo import open_repo

    del format, output
    repo = None if user else open_repo(door.folder, door.environ)
    if repo:
        repo.exclude((f"/{STATE}/",))
    file = door.folder / door.config if door.config else None
    done = config.set_setting(
        repo.root if repo else None, door.environ, key, value, user=user, config_file=file
    )
    return door.answer(done, f"{done['path']}: {key} = {value}\n")


def path(door: Door, format: FormatOption = Format.TABLE, output: Output = None) -> int:  # noqa: A002
    """Show the files that settings come from, the strongest first."""
    from selfimprove.cli.commands import config
    from selfimprove.report.table import rows_table

    del format, output
    rows = config.paths(
        _root(door), door.environ, config_file=door.folder / door.config if door.config else None
    )
    shown = [[row["source"], row["path"], "" if row["exists"] else "(missing)"] for row in rows]
    return door.answer({"files": rows}, lambda console: rows_table(console, shown))


def schema(door: Door, format: FormatOption = Format.TABLE, output: Output = None) -> int:  # noqa: A002
    """Print the JSON Schema of a config file."""
    from selfimprove.cli.commands import config
    from selfimprove.report.json import dumps

    del format, output
    found = config.schema()
    return door.answer(found, dumps(found) + "\n")


def _root(door: Door) -> Any:
    from selfimprove.tools.git.repo import open_repo

    try:
        return open_repo(door.folder, door.environ).root
    except NotARepository:
        return None


def _loaded(door: Door) -> Any:
    from selfimprove.config import load_settings

    return load_settings(
        _root(door), door.environ, config_file=door.folder / door.config if door.config else None
    )


def _text(value: Any) -> str:
    from selfimprove.report.json import dumps

    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, str) else dumps(value, indent=None)
