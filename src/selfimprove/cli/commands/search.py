"""`selfimprove search`: find the code that a few words, a name, an error or a whole report is about."""

from __future__ import annotations

import json
import shutil
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from selfimprove.cli.door import Door, command
from selfimprove.cli.options import Format, FormatOption, Output
from selfimprove.errors import StateError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from selfimprove.codebase.index import Index
    from selfimprove.codebase.update import Updated
    from selfimprove.model.chunk import Hit

    Ask = Callable[[str], list[Hit]]

INSTALL = "pip install 'selfimprove[index]'"
_SLOW = 1.0  # seconds of an update after which a person is told what took so long
_LONGEST_LINE = 20_000_000  # bytes of a query in a file of many


def register(app: typer.Typer) -> None:
    """Add the command."""
    examples = (
        'selfimprove search "where are retries counted"',
        "selfimprove search Invoice.total -n 3",
        "selfimprove search parse dates --language python --path 'src/*'",
        "pytest 2>&1 | selfimprove search -   what a stack trace is about",
        "selfimprove search --batch queries.jsonl   a JSON line for each hit",
    )
    command(app, "search", examples=examples)(search)


def search(
    door: Door,
    query: Annotated[
        list[str] | None,
        typer.Argument(help="What to look for; - reads it from standard input.", show_default=False),
    ] = None,
    number: Annotated[
        int, typer.Option("--number", "-n", metavar="K", min=1, help="At most so many hits.")
    ] = 10,
    language: Annotated[
        list[str] | None, typer.Option("--language", metavar="L", help="Only files in this language.")
    ] = None,
    path: Annotated[
        list[str] | None,
        typer.Option("--path", metavar="GLOB", help="Only files, or folders, that match."),
    ] = None,
    batch: Annotated[
        str | None,
        typer.Option(
            "--batch", metavar="FILE", help='Answer each line {"id", "query"} of FILE (-: standard input).'
        ),
    ] = None,
    update: Annotated[
        bool, typer.Option("--update/--no-update", help="Bring the index up to date first.")
    ] = True,
    format: FormatOption = Format.TABLE,  # noqa: A002
    output: Output = None,
) -> int:
    """Find the code that a few words, a name, an error or a whole report is about, what fits best first.

    The index of the repository is made at the first search and follows the files from then on; nothing else
    is written, and nothing leaves the machine. Finding nothing is an answer too, with exit code 0.
    """
    from selfimprove.codebase.search import grep_search, missing_parts

    del format, output
    text = _asked(query, batch)
    languages, globs = _languages(language or []), tuple(path or ())
    target = door.target()
    if missing := missing_parts():
        if not door.quiet:
            door.say(f"searching by words only, as {', '.join(missing)} is not installed: {INSTALL}")
        repo = target.repo
        return _answer(
            *(door, text, batch, "ripgrep"),
            lambda one: grep_search(repo, one, number, language=languages, path=globs),
        )
    from selfimprove.wiring_index import build_index

    with build_index(target, wait=door.say, to_read=not update) as index:
        ready(door, index, update=update)
        rung = "lexical" if index.cosines({}, ()) is None else "embedding"
        return _answer(door, text, batch, rung, _asking(door, index, number, languages, globs, update))


def _asking(
    door: Door, index: Index, number: int, languages: Sequence[str], globs: Sequence[str], update: bool
) -> Ask:
    """Return what finds the hits of a query. Where reading shows that the index is damaged, it is made anew."""
    import sqlite3

    from selfimprove.codebase.indexfile import is_damage
    from selfimprove.codebase.search import search as find
    from selfimprove.codebase.search import selection

    within: Any = None  # the selection, made when it is needed first

    def ask(text: str) -> list[Hit]:
        nonlocal within
        if within is None:
            within = selection(index, languages, globs)
            if (languages or globs) and not within.any():
                door.say(f"no indexed file is in {' or '.join((*languages, *globs))}")
        return find(index, text, number, within=within)

    def ask_again(text: str) -> list[Hit]:
        nonlocal within
        try:
            return ask(text)
        except (sqlite3.DatabaseError, ValueError, LookupError) as error:
            if not is_damage(error):
                raise
            if not update:
                raise StateError(
                    f"the index is damaged: {error}",
                    where=str(index.path),
                    hint="selfimprove index --rebuild",
                ) from error
            ready(door, index, why=f"it is damaged: {error}")
        within = None
        return ask(text)

    return ask_again


def ready(door: Door, index: Index, *, update: bool = True, why: str = "") -> Updated | None:
    """Bring ``index`` up to date, telling a person how far that is when it takes longer than a moment.

    ``why`` is the reason to make all of it anew. A disk that is full is no reason not to search what there is.
    Raises UsageError when there is nothing.
    """
    updated, problem = None, None
    if update:
        from selfimprove.cli.counter import Counter

        counter = Counter(door, "indexed")
        try:
            told = lambda done, total, _: counter(done, total)  # noqa: E731
            updated = index.rebuild(why, told) if why else index.update(told)
        except StateError as error:
            problem = error
        finally:
            counter.close()
    if not has_index(index):
        raise problem or UsageError("there is no index yet", where=str(index.path), hint="selfimprove index")
    if problem:
        door.say(f"warning: the index is not up to date: {problem.message}")
    if updated and not door.quiet:
        for note in updated.notes:
            door.say(f"note: {note}")
        if updated.seconds > _SLOW:
            door.say(behind(updated))
    return updated


def has_index(index: Index) -> bool:
    """True when there is something to search, though it may be without a single file."""
    try:
        return bool(index.db)
    except LookupError:
        return False


def behind(updated: Updated) -> str:
    """Return "the index was behind by 12 files (10 new, 2 changed) of 670; it is up to date after 1.2s"."""
    from selfimprove.report.wording import count, duration

    kinds = {"new": updated.added, "changed": updated.changed, "gone": updated.removed}
    told = ", ".join(f"{number:,} {kind}" for kind, number in kinds.items() if number)
    files = count(sum(kinds.values()), "file")
    return (
        f"the index was behind by {files}{f' ({told})' if told else ''} of {updated.files:,}; "
        f"it is up to date after {duration(updated.seconds)}"
    )


def _asked(words: Sequence[str] | None, batch: str | None) -> str:
    """Return the text to search for, ``""`` for a batch."""
    if batch is not None:
        if words:
            raise UsageError("a query and --batch do not go together", hint="selfimprove search --help")
        return ""
    text = " ".join(words or ())
    if text == "-":
        text = sys.stdin.buffer.read(_LONGEST_LINE).decode(errors="replace")
    if not text.strip():
        raise UsageError("there is nothing to search for", hint='selfimprove search "where is ..."')
    return text


def _languages(given: Sequence[str]) -> tuple[str, ...]:
    """Return the languages that a person named. Raises UsageError, with the nearest name, for one unknown."""
    from selfimprove.codebase.languages import LANGUAGES, language_of

    found = []
    for name in (word for text in given for word in text.lower().replace(",", " ").split()):
        known = name if name in LANGUAGES else language_of(f"a.{name}")
        if not known:
            import difflib

            near = difflib.get_close_matches(name, LANGUAGES, n=1)
            raise UsageError(
                f"there is no language {name}",
                where="--language",
                hint=f"did you mean {near[0]}?" if near else f"one of {', '.join(sorted(LANGUAGES))}",
            )
        found.append(known)
    return tuple(found)


def _answer(door: Door, text: str, batch: str | None, rung: str, ask: Ask) -> int:
    if batch is not None:
        return _stream(door, batch, ask)
    hits = ask(text)
    if not hits and not door.quiet:
        door.say("nothing found")
    data = {"query": text, "by": rung, "hits": [_data(hit) for hit in hits]}
    return door.answer(data, _page(door, hits))


def _data(hit: Hit) -> dict[str, Any]:
    place = {"path": hit.path, "start_line": hit.start, "end_line": hit.end}
    about = {"symbol": hit.symbol, "kind": hit.kind, "signature": hit.signature, "language": hit.language}
    return {**place, **about, "score": hit.score, "why": list(hit.why)}


def _stream(door: Door, batch: str, ask: Ask) -> int:
    """Answer the queries of a file one by one, as they come, as long as somebody reads the answers.

    A line that is no query is told of and passed over.
    """
    from selfimprove.report.json import dumps

    door.format = "jsonl"
    wrong = number = 0
    for number, line in enumerate(_lines(door, batch), 1):
        if not line.strip():
            continue
        try:
            name, text = _query_of(line)
        except ValueError as error:
            wrong += 1
            door.say(f"line {number} is no query: {error}")
            continue
        rows = (
            {
                "id": name,
                "path": hit.path,
                "start_line": hit.start,
                "end_line": hit.end,
                "score": hit.score,
            }
            for hit in ask(text)
        )
        if not door.write("".join(dumps(row, indent=None) + "\n" for row in rows)):
            break
    if wrong:
        door.say(
            f"error: {wrong} of {number} lines {'is' if wrong == 1 else 'are'} no query; the others are answered"
        )
    return int(bool(wrong))


def _query_of(line: bytes) -> tuple[Any, str]:
    """Return the id and the text of a query. Raises ValueError, in plain words, for a line that is none."""
    try:
        row = json.loads(line)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(row, dict):
        raise ValueError("it is no JSON object")
    if missing := [name for name in ("id", "query") if name not in row]:
        raise ValueError(f'it has no "{missing[0]}"')
    if not isinstance(row["query"], str):
        raise ValueError('its "query" is no text')
    return row["id"], row["query"]


def _lines(door: Door, batch: str) -> Iterator[bytes]:
    if batch == "-":
        yield from iter(lambda: sys.stdin.buffer.readline(_LONGEST_LINE), b"")
        return
    try:
        with (door.folder / batch).open("rb") as file:
            yield from file
    except OSError as error:
        raise UsageError(
            f"the queries cannot be read: {error.strerror}", where=batch, hint='lines of {"id", "query"}'
        ) from None


def _page(door: Door, hits: Iterable[Hit]) -> str:
    """Return the hits as text: place, symbol and score; signature; why. On a terminal a line fits its width."""
    terminal = door.output is None and sys.stdout.isatty()
    room = shutil.get_terminal_size().columns if terminal else 0
    color = door.output is None and door.color_wanted(sys.stdout)
    lines = []
    for hit in hits:
        place = f"{_shown(hit.path)}:{hit.start}-{hit.end}"
        rest = "  ".join(part for part in (_shown(hit.symbol), f"{hit.score:.3f}") if part)
        lines.append(_painted(place, "1", color) + _fitted(f"  {rest}", room and max(room - len(place), 8)))
        if hit.signature:
            lines.append(_fitted(f"    {_shown(hit.signature)}", room))
        lines.append(_painted(_fitted(f"    {_shown('; '.join(hit.why))}", room), "2", color))
    return "".join(f"{line}\n" for line in lines)


def _shown(text: str) -> str:
    """Return ``text`` on one line; the module that knows how is loaded for what needs it."""
    if text.isprintable():
        return text
    from selfimprove.report.wording import visible

    return visible(text)


def _fitted(text: str, room: int) -> str:
    return text if not room or len(text) <= room else f"{text[: room - 1]}…"


def _painted(text: str, code: str, color: bool) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if color else text
