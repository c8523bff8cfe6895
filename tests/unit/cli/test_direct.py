"""What is read without typer is read as typer reads it."""

from __future__ import annotations

import random
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from selfimprove.cli import app as cli
from selfimprove.cli import direct
from selfimprove.cli.door import Door, command, group, open_door

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from conftest import Project

BEFORE = (
    *("-C sub", "--cwd=sub/deeper", "--cwd .", "-q", "--quiet", "-v", "--config a.yaml", "--no-input"),
    *("--color always", "--color=never", "--color=sometimes", "-qq", "--version", "--help", "--"),
)
AFTER = {
    "status": ("-f json", "--format table", "--format=html", "-o out.txt", "stray"),
    "audit": (
        *(
            "src",
            "a/b.py",
            "a.py:f.g",
            "with space",
            "é",
            "-",
            "-o -",
            "-o out.html",
            "--output=x",
            "--output=",
        ),
        *("--fail-on error", "--fail-on=any", "--fail-on ANY", "--fail-on", "--since HEAD~1", "--since -x"),
        *("--baseline b.json", "--write-baseline", "--write-baseline=1", "--no-write-baseline"),
        *("--select SI1,SI2", "--select SI103", "--ignore=SI3", "--trend", "--trend 7", "--trend=3"),
        *(
            "--trend 0",
            "--trend -4",
            "--trend=007",
            "--trend=٣",
            "--metric lines",
            "--metric=",
            "--history git",
        ),
        *("--history svn", "--metrics", "--metri", "--cache", "--no-cache", "--no-cache=x", "-f json"),
        *("-fjson", "-f=json", "-f html", "--format=sarif", "--format JSON", "-h", "-qv"),
    ),
}
Read = tuple[dict[str, Any], dict[str, Any]]


def by_typer(words: Sequence[str], name: str) -> Read | None:
    """Return the globals and the parameters that typer hands to the command, None when it refuses."""
    found: list[Read] = []

    def note(door: Door, **given: Any) -> int:
        found.append((state(door), given))
        return 0

    function = cli._function(name)
    assert function
    note.__wrapped__ = function  # type: ignore[attr-defined]
    program = group("", "selfimprove")
    command(program, name)(note)
    command(program, "other")(cli._function("status" if name == "audit" else "audit"))  # type: ignore[arg-type]
    open_door()
    try:
        program(cli._with_numbers(words), standalone_mode=False)
    except Exception:
        return None
    return found[0] if found else None


def by_ourselves(words: Sequence[str], name: str) -> Read | None:
    """Return the same as the direct entry has it, None when it leaves the words to typer."""
    said = direct.read(cli._with_numbers(words), cli._function)
    if said is None:
        return None
    found: list[Read] = []
    defaults = defaults_of(said.function)

    def note(door: Door, **given: Any) -> int:
        found.append((state(door), defaults | given))
        return 0

    door = open_door()
    door.merge(said.before)
    cli.carry_out(note, name, said.given)
    return found[0]


def defaults_of(function: Any) -> dict[str, Any]:
    """Return the parameters that a command gets when the person says nothing."""
    names = function.__code__.co_varnames[1 : function.__code__.co_argcount]
    values = dict(zip(names, function.__defaults__, strict=True))
    return {name: value for name, value in values.items() if name not in ("format", "output")}


def state(door: Door) -> dict[str, Any]:
    """Return what of a door the words decide."""
    names = ("cwd", "config", "quiet", "verbose", "color", "no_input", "command", "format", "output")
    return {name: getattr(door, name) for name in names}


def lines(name: str, seed: int) -> list[list[str]]:
    """Return command lines: each phrase alone, then mixtures of them in any order."""
    dice = random.Random(seed)
    after = (*AFTER[name], *BEFORE)
    made = [[name], *([name, *phrase.split(" ", 1)] for phrase in after)]
    made += [[*phrase.split(" ", 1), name] for phrase in after]
    for _ in range(400):
        said = dice.choices(BEFORE[:10], k=dice.choice((0, 0, 1, 2)))
        more = dice.choices(after, k=dice.randint(0, 5))
        words = [word for phrase in said for word in phrase.split(" ", 1)]
        made.append([*words, name, *(word for phrase in more for word in phrase.split(" ", 1))])
    return made


@pytest.mark.parametrize("name", sorted(cli.DIRECT))
def test_what_is_read_directly_is_what_typer_reads(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    read = 0
    for words in lines(name, 1):
        ours = by_ourselves(words, name)
        if ours is not None:
            read += 1
            assert ours == by_typer(words, name), words
    capsys.readouterr()
    assert read > 150


@pytest.mark.parametrize(
    "line",
    [
        *(
            "",
            "audit --help",
            "audit -h",
            "audit --nope",
            "audit --fail-on sometimes",
            "audit --trend=0",
            "--",
        ),
        *(
            "audit --",
            "-qq audit",
            "audit -qv",
            "audit --output",
            "audit --format=",
            "--version audit",
            "plan",
        ),
        *("status stray", "audit --version", "audit -o -", "audit --show-completion"),
    ],
)
def test_the_rest_is_left_to_typer(line: str) -> None:
    assert direct.read(cli._with_numbers(line.split()), cli._function) is None


def test_every_option_of_a_direct_command_can_be_read() -> None:
    for name in cli.DIRECT:
        function = cli._function(name)
        assert function
        hints = direct.get_type_hints(function, include_extras=True)
        read = {slot.name for slot in (*direct._options(hints).values(), *direct._arguments(hints))}
        assert read == set(hints) - {"door", "return"}


def test_a_parameter_without_a_default_must_be_given() -> None:
    def search(door: Door, words: list[str], limit: int = 3) -> int:
        del door
        return len(words) * limit

    assert direct._missing(search, {})
    assert not direct._missing(search, {"words": ["x"]})


def test_an_audit_loads_nothing_that_takes_long(project: Callable[..., Project]) -> None:
    made = project({"a.py": "x = 1\n"})
    code = (
        "import sys; before = set(sys.modules); sys.argv = ['selfimprove', 'audit', '--format', 'json']\n"
        "from selfimprove.cli.app import main\n"
        "try: main()\n"
        "except SystemExit as end: assert end.code == 0, end.code\n"
        "print('LOADED', *sorted(set(sys.modules) - before))\n"
    )
    done = subprocess.run(  # -S: what an installation adds at start is not ours
        [sys.executable, "-S", "-c", f"import sys; sys.path[:0] = {[p for p in sys.path if p]!r}\n{code}"],
        cwd=made.root,
        env=made.env,
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(done.stdout.rsplit("LOADED", 1)[1].split())
    slow = {"typer", "rich", "yaml", "inspect", "dataclasses", "logging", "difflib", "secrets", "radon"}
    assert "selfimprove.looking" in loaded
    assert not loaded & slow
