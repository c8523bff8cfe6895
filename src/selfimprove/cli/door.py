"""The door: what a command is given to read the world and to answer in, whatever the format."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from selfimprove.cli.options import DEFAULTS, GLOBALS, Color, Option
from selfimprove.cli.options import Format as Format
from selfimprove.cli.options import FormatOption as FormatOption
from selfimprove.cli.options import Output as Output
from selfimprove.cli.streams import discard
from selfimprove.errors import UsageError

if TYPE_CHECKING:
    import inspect
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import typer
    from rich.console import Console

    from selfimprove.errors import SelfimproveError
    from selfimprove.target import Target

_SUMMARISED = ("audit", "run")


class Door:
    """One invocation of the program: its environment, its globals, and the two streams."""

    config: Path | None = None
    quiet: int = 0
    verbose: int = 0
    color: Color | None = None
    no_input: bool = False
    command: str = ""
    format: str = "table"
    output: Path | None = None
    asking: bool = False  # a question waits for its answer: nothing may be written over it
    _begun: bool = False

    def __init__(
        self, environ: Mapping[str, str] | None = None, cwd: Path | None = None, **more: Any
    ) -> None:
        self.environ: Mapping[str, str] = dict(os.environ) if environ is None else environ
        self.cwd = cwd
        vars(self).update(more)

    def merge(self, given: Mapping[str, Any]) -> None:
        """Take globals from one side of the command; what is not given there stays."""
        for name, default in DEFAULTS.items():
            if name in given and given[name] != default:
                setattr(self, name, given[name])

    @property
    def folder(self) -> Path:
        """The folder to work in. Raises UsageError when it is gone."""
        try:
            return (Path.cwd() / self.cwd).absolute() if self.cwd else Path.cwd()
        except FileNotFoundError:
            raise UsageError(
                "the current folder does not exist any more", hint="cd into one that does"
            ) from None

    def target(self, **flags: object) -> Target:
        """Return the repository around the folder, with ``flags`` (``section__key``) over its settings."""
        from selfimprove.target import open_target

        dotted = {name.replace("__", "."): value for name, value in flags.items()}
        config = self.folder / self.config if self.config else None
        target = open_target(self.folder, self.environ, config, dotted)
        if not self.quiet:
            for warning in target.loaded.warnings:
                self.say(f"warning: {warning}")
        return target

    def say(self, line: str) -> None:
        """Write one line for a person to stderr, whatever characters it holds.

        Nobody reading it (a closed pipe, a full disk) is no reason to stop the work.
        """
        with contextlib.suppress(OSError):
            print(line.encode("utf-8", "backslashreplace").decode(), file=sys.stderr, flush=True)

    def answer(
        self,
        data: Any,
        table: Callable[[Console], None] | str,
        *,
        exit_code: int = 0,
        error: SelfimproveError | None = None,
        markdown: Callable[[], str] | None = None,
        others: Mapping[str, Callable[[], str]] | None = None,
    ) -> int:
        """Write the answer once, in the format that was asked for, and return the exit code.

        ``table`` shows it to a person, or is the text to show. ``error`` is why the answer is not whole.
        ``markdown`` makes the text for a page, ``others`` the texts in formats of their own by the names of
        these; only what is asked for is made.
        """
        texts = {**(others or {}), **({"markdown": markdown} if markdown else {})}
        if self.format in ("json", "jsonl"):
            self.write_json(data, error, exit_code)
        elif self.format in texts:
            self.write(texts[self.format]())
        elif isinstance(table, str):
            self.write(table)
        else:
            self._write_table(table)
        if markdown and self.command in _SUMMARISED:
            self._add_to_job_summary(markdown)
        return exit_code

    def write_json(self, data: Any, error: SelfimproveError | None, exit_code: int) -> None:
        """Write the one JSON document of an answer or of a failure; on one line among those of jsonl."""
        from selfimprove.report.json import dumps, envelope

        parts = ("code", "message", "hint", "where")
        told = {name: str(getattr(error, name)) for name in parts} if error else None
        document = envelope(self.command, data, told, exit_code)
        self.write(dumps(document, indent=None if self.format == "jsonl" else 2) + "\n")

    def _add_to_job_summary(self, markdown: Callable[[], str]) -> None:
        """Append the answer to the page that GitHub Actions shows for a job."""
        path = self.environ.get("GITHUB_STEP_SUMMARY")
        if self.environ.get("GITHUB_ACTIONS") != "true" or not path:
            return
        try:
            with Path(path).open("a", encoding="utf-8", errors="backslashreplace") as file:
                file.write(markdown() + "\n")
        except OSError as error:
            self.say(f"warning: the job summary cannot be written: {error.strerror}")

    def write(self, text: str) -> bool:
        """Write ``text`` to stdout, or to the file of ``--output``, whole or not at all.

        Returns False when nobody reads stdout any more (``| head``): more need not be made.
        """
        data = text.encode("utf-8", "backslashreplace")
        if self.output is None:
            with _unread():
                sys.stdout.flush()
                sys.stdout.buffer.write(data)
                sys.stdout.buffer.flush()
                return True
            return False
        from selfimprove.atomicfile import replace_file

        path = self.folder / self.output
        try:
            if path.exists() and not path.is_file():
                path.write_bytes(data)  # /dev/stderr, a pipe
            elif self.format == "jsonl" and self._begun:
                with path.open("ab") as file:
                    file.write(data)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                replace_file(path, data)
            self._begun = True
        except OSError as error:
            raise UsageError(
                f"the answer cannot be written: {error.strerror}",
                where=str(self.output),
                hint="name a file in a folder that you may write to",
            ) from None
        return True

    def _write_table(self, table: Callable[[Console], None]) -> None:
        if self.output is None:
            console = self.console(sys.stdout)
            with console.capture() as captured:  # the console itself would end the program at a broken pipe
                table(console)
            with _unread():
                sys.stdout.write(captured.get())
                sys.stdout.flush()
            return
        text = io.StringIO()
        table(self.console(text))
        self.write(text.getvalue())

    def console(self, stream: Any) -> Console:
        """Return a console on ``stream`` that follows --color, NO_COLOR, FORCE_COLOR and TERM=dumb."""
        from rich.console import Console

        wanted = self.color_wanted(stream)
        width = None if stream.isatty() else 100_000
        return Console(
            file=stream,
            force_terminal=wanted,
            no_color=not wanted,
            color_system=("auto" if stream.isatty() else "standard") if wanted else None,
            highlight=False,
            markup=False,
            emoji=False,
            width=width,
            legacy_windows=False,
        )

    def color_wanted(self, stream: Any) -> bool:
        """True when colour belongs on ``stream``. The flag wins, then the variables, then the terminal."""
        if self.color in (Color.ALWAYS, Color.NEVER):
            return self.color is Color.ALWAYS
        if self.environ.get("NO_COLOR"):
            return False
        if self.environ.get("FORCE_COLOR"):
            return self.environ["FORCE_COLOR"] not in ("0", "false")
        return bool(stream.isatty()) and self.environ.get("TERM") != "dumb"

    def may_ask(self) -> bool:
        """True when a person sits there to answer."""
        return not self.no_input and sys.stdin.isatty() and sys.stderr.isatty()


@contextlib.contextmanager
def _unread() -> Iterator[None]:
    """Let nobody reading stdout any more (``| head``) pass, and make a full disk an error in three lines."""
    try:
        yield
    except BrokenPipeError:
        discard(sys.stdout)
    except OSError as error:
        discard(sys.stdout)
        raise UsageError(
            f"the answer cannot be written: {error.strerror}",
            where="standard output",
            hint="make room, or let --output name another place",
        ) from None


_door = Door()


def open_door() -> Door:
    """Begin a new invocation."""
    global _door
    _door = Door()
    return _door


def the_door() -> Door:
    """Return the door of this invocation."""
    return _door


def command(
    app: typer.Typer, name: str, *, title: str = "", examples: Sequence[str] = ()
) -> Callable[[Callable[..., int]], Callable[..., None]]:
    """Register a function as command ``name``: it gets the door first and returns the exit code.

    The globals are added to its own options, so that they may stand on either side of the command. ``title``
    is its name in JSON, when it has a longer one; ``examples`` end its help.
    """
    # The lone \b keeps the parser from filling the lines into one paragraph.
    epilog = "\n".join(
        ["\b", "Examples:" if len(examples) > 1 else "Example:", *(f"  {e}" for e in examples)]
    )

    def register(function: Callable[..., int]) -> Callable[..., None]:
        import functools
        import inspect

        import typer

        @functools.wraps(function)
        def call(**given: Any) -> None:
            raise typer.Exit(carry_out(function, title or name, given))

        own = inspect.signature(function, eval_str=True).parameters.values()
        _sign(call, [parameter for parameter in own if parameter.name != "door"])
        app.command(name, epilog=epilog)(call)
        return call

    return register


def carry_out(function: Callable[..., int], name: str, given: Mapping[str, Any]) -> int:
    """Have the command ``name`` do what it was ``given``, globals included, and return the exit code."""
    door = the_door()
    door.merge(given)
    door.command = name
    door.format = str(given.get("format", "table"))
    door.output = given.get("output")
    ours = {*DEFAULTS, "format", "output"}
    return function(door, **{key: value for key, value in given.items() if key not in ours})


def group(help: str, name: str | None = None) -> typer.Typer:  # noqa: A002
    """Return a group of commands that takes the globals too, between its name and the command's."""
    import typer

    made = typer.Typer(
        name=name,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
        help=help,
    )

    def take_globals(**given: Any) -> None:
        the_door().merge(given)

    _sign(take_globals)
    made.callback()(take_globals)
    return made


def _sign(call: Any, own: Sequence[inspect.Parameter] = ()) -> None:
    """Give ``call`` the signature that typer reads: its ``own`` parameters, then the globals."""
    import inspect

    keyword = inspect.Parameter.KEYWORD_ONLY
    shared = [
        inspect.Parameter(key, keyword, default=DEFAULTS[key], annotation=kind)
        for key, kind in GLOBALS.items()
    ]
    parameters = [p.replace(kind=keyword, annotation=_typers(p.annotation)) for p in (*own, *shared)]
    call.__signature__ = inspect.Signature(parameters)
    call.__annotations__ = {p.name: p.annotation for p in parameters}


def _typers(annotation: Any) -> Any:
    """Return ``annotation`` with our options in typer's form."""
    said = [one.for_typer() if isinstance(one, Option) else one for one in annotation.__metadata__]
    return Annotated[(annotation.__origin__, *said)]
