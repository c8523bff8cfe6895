"""`selfimprove config`: show, get, set, path and schema."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from selfimprove.cli.door import Door, Format, FormatOption, Output, command
from selfimprove.errors import NotARepository

group = typer.Typer(
    no_args_is_help=True,
    help="Show and change the settings.",
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def register(app: typer.Typer) -> None:
    """Add the group."""
    command(group, "show", title="config show", epilog="Example: `selfimprove config show --origin`")(show)
    command(group, "get", title="config get", epilog="Example: `selfimprove config get llm.model`")(get)
    command(
        group,
        "set",
        title="config set",
        epilog="Examples: `selfimprove config set llm.model openai/gpt-5.4` - "
        "`selfimprove config set --user budget.dollars 2`",
    )(set_)
    command(group, "path", title="config path", epilog="Example: `selfimprove config path`")(path)
    command(
        group, "schema", title="config schema", epilog="Example: `selfimprove config schema > schema.json`"
    )(schema)
    app.add_typer(group, name="config")


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
    return door.answer({"key": key, "value": value}, lambda _: door.write(_text(value) + "\n"))


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
    """Set one setting in the repository's config file; comments and layout stay."""
    from selfimprove.cli.commands import config
    from selfimprove.tools.git.repo import open_repo
    from selfimprove.wiring import STATE

    del format, output
    repo = None if user else open_repo(door.folder, door.environ)
    if repo:
        repo.exclude((f"/{STATE}/",))
    file = door.folder / door.config if door.config else None
    done = config.set_setting(
        repo.root if repo else None, door.environ, key, value, user=user, config_file=file
    )
    return door.answer(done, lambda _: door.write(f"{done['path']}: {key} = {value}\n"))


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


def schema(door: Door, output: Output = None) -> int:
    """Print the JSON Schema of a config file."""
    from selfimprove.cli.commands import config
    from selfimprove.report.json import dumps

    del output
    door.write(dumps(config.schema()) + "\n")
    return 0


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

    return value if isinstance(value, str) else dumps(value, indent=None)
