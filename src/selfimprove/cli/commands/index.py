"""`selfimprove index`: make the index of the code or bring it up to date, and say what it holds."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from selfimprove.cli.commands.search import INSTALL, has_index, ready
from selfimprove.cli.door import Door, command
from selfimprove.cli.options import Format, FormatOption, Output
from selfimprove.errors import MissingTool

if TYPE_CHECKING:
    from collections.abc import Mapping

    from selfimprove.codebase.index import Index
    from selfimprove.codebase.update import Updated
    from selfimprove.target import Target

_MOST_LANGUAGES = 8


def register(app: typer.Typer) -> None:
    """Add the command."""
    examples = (
        "selfimprove index",
        "selfimprove index --verbose   and which files are left out, and why",
        "selfimprove index --status",
        "selfimprove index --minilm   the vectors of index.minilm too, at once",
    )
    command(app, "index", examples=examples)(index)


def index(
    door: Door,
    status: Annotated[
        bool, typer.Option("--status", help="Say how far it is behind the files; change nothing.")
    ] = False,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Make all of it anew.")] = False,
    minilm: Annotated[
        bool, typer.Option("--minilm", help="Make MiniLM's vectors too, and wait for them.")
    ] = False,
    format: FormatOption = Format.TABLE,  # noqa: A002
    output: Output = None,
) -> int:
    """Make the index that search and prompts read, or bring it up to date.

    It knows every source file that git does not ignore, cut into functions, methods and classes. Searching
    keeps it up to date by itself; this command is for doing the first, longer part at a time of your choice.
    """
    from selfimprove.codebase.search import missing_parts
    from selfimprove.wiring_index import build_index

    del format, output
    if missing := missing_parts():
        raise MissingTool(
            f"the index needs {', '.join(missing)}",
            hint=f"{INSTALL}; until then `selfimprove search` goes by words",
        )
    target = door.target()
    with build_index(target, wait=door.say, to_read=status, begin=not minilm) as found:
        if status:
            data = _facts(found) | {"stale": found.stale()._asdict()} | _embedded(target, found)
            return door.answer(data, _status_text(data))
        updated = ready(door, found, why="it was asked for" if rebuild else "")
        data = _facts(found) | (_done(updated) if updated else {})
        if minilm:
            _embed(door, target, found)
            data |= _embedded(target, found)
        return door.answer(data, _text(door, data))


def _embed(door: Door, target: Target, found: Index) -> None:
    """Make MiniLM's vectors, telling a person how far that is."""
    from selfimprove.cli.counter import Counter
    from selfimprove.wiring_index import embed_all

    counter = Counter(door, "MiniLM")
    try:
        embed_all(target, found, counter, door.say)
    finally:
        counter.close()


def _embedded(target: Target, found: Index) -> dict[str, Any]:
    """Return how many chunks have a vector of MiniLM, nothing when nobody wants them."""
    from selfimprove.codebase.meaning import Meaning

    meaning = found.meaning or Meaning(target.state)
    if not has_index(found) or not (found.meaning or meaning.path.is_file()):
        return {}
    return {"minilm": {"chunks": meaning.count(found), "at_work": meaning.at_work()}}


def _facts(found: Index) -> dict[str, Any]:
    """Return what the index holds, of which version it is, and how large."""
    from selfimprove.codebase.indexfile import VERSION

    there = has_index(found)
    languages = Counter(language or "other" for _, language in found.files.values()) if there else {}
    return {
        "path": str(found.path),
        "version": VERSION,
        "files": sum(languages.values()),
        "chunks": int(found.alive.sum()) if there else 0,
        "languages": dict(sorted(languages.items(), key=lambda item: (-item[1], item[0]))),
        "bytes": sum(file.stat().st_size for file in found.path.parent.glob("index.*")),
        "exists": there,
    }


def _done(updated: Updated) -> dict[str, Any]:
    left_out = [{"path": path, "reason": reason} for path, reason in updated.left_out]
    return {
        **{name: getattr(updated, name) for name in ("added", "changed", "removed")},
        "seconds": round(updated.seconds, 3),
        "left_out": left_out,
        "notes": list(updated.notes),
    }


def _status_text(data: Mapping[str, Any]) -> str:
    from selfimprove.report.wording import count

    stale = data["stale"]
    if not data["exists"]:
        return (
            f"There is no index yet of the {count(stale['files'], 'file')} here.\nnext: selfimprove index\n"
        )
    kinds = {"new": stale["added"], "changed": stale["changed"], "gone": stale["removed"]}
    told = ", ".join(f"{number:,} {kind}" for kind, number in kinds.items() if number)
    state = f"It is behind: {told}. The next search updates it." if told else "It is up to date."
    return f"{_holding(data)}\n{state}\n{_minilm(data)}"


def _text(door: Door, data: Mapping[str, Any]) -> str:
    from selfimprove.report.wording import count, duration, visible

    lines = [_holding(data)]
    left_out = data.get("left_out", [])
    if left_out and door.verbose:
        lines += [f"left out: {visible(row['path'])}: {visible(row['reason'])}" for row in left_out]
    elif left_out:
        verb = "is" if len(left_out) == 1 else "are"
        lines.append(f"{count(len(left_out), 'file')} {verb} left out; --verbose says which and why.")
    if "seconds" in data:
        kinds = {"added": data["added"], "changed": data["changed"], "removed": data["removed"]}
        told = ", ".join(f"{number:,} {kind}" for kind, number in kinds.items() if number)
        lines.append(f"{told or 'Nothing had changed'}, in {duration(data['seconds'])}.")
    return "\n".join(lines) + "\n" + _minilm(data)


def _minilm(data: Mapping[str, Any]) -> str:
    """Return "MiniLM has read 8,000 of 8,831 chunks, and reads on.", nothing without it."""
    told = data.get("minilm")
    if not told:
        return ""
    on = ", and reads on" if told["at_work"] else ""
    return f"MiniLM has read {told['chunks']:,} of {data['chunks']:,} chunks{on}.\n"


def _holding(data: Mapping[str, Any]) -> str:
    """Return "670 files in 8,831 chunks: 640 python, 30 yaml.  12.1 MB in .selfimprove/index.db"."""
    from selfimprove.report.wording import count, visible

    many = list(data["languages"].items())
    kinds = [f"{number:,} {name}" for name, number in many[:_MOST_LANGUAGES]]
    kinds += (
        [f"{sum(number for _, number in many[_MOST_LANGUAGES:]):,} in other languages"]
        if many[_MOST_LANGUAGES:]
        else []
    )
    told = f": {', '.join(kinds)}" if kinds else ""
    size = f"{data['bytes'] / 1e6:,.1f} MB in {visible(data['path'])}"
    return f"{count(data['files'], 'file')} in {count(data['chunks'], 'chunk')}{told}.\n{size}."
