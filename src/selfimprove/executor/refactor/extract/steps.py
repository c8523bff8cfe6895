"""Steps: a choice of cuts written into a file, and what is known of the file after it."""

from __future__ import annotations

import ast
import hashlib
from bisect import bisect_right
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from selfimprove.errors import RefactorError
from selfimprove.executor.refactor.extract.carrying import carried
from selfimprove.executor.refactor.extract.conditions import Condition, as_return, write_condition
from selfimprove.executor.refactor.extract.extract import Written, write
from selfimprove.executor.refactor.naming.docs import docstring_for
from selfimprove.executor.refactor.naming.naming import name_for
from selfimprove.executor.refactor.naming.typing_of import Part, annotate

if TYPE_CHECKING:
    from selfimprove.executor.refactor.cut import Cut
    from selfimprove.executor.refactor.extract.candidates import Candidates
    from selfimprove.executor.refactor.extract.choosing import Choice
    from selfimprove.executor.refactor.project import Project
    from selfimprove.executor.refactor.source import Place, Source, Splice


class Refused(Exception):
    """An item, by its key, cannot be made a helper; ``message`` is the reason."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key
        self.message = message


@dataclass(frozen=True)
class State:
    """The file after some steps, the project around it, and the helpers made so far with a key for each."""

    source: Source
    project: Project
    symbols: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()

    @classmethod
    def of(cls, source: Source, project: Project) -> State:
        """Return the state before any step."""
        return cls(source, project)

    @property
    def key(self) -> str:
        """What tells this way from another, whatever lines it is in."""
        return ";".join(sorted(self.keys))


def made(state: State, found: Candidates, choice: Choice) -> tuple[State, list[str]]:
    """Return the state after all items of ``choice``, and the helpers' names in the order of its items.

    Raises Refused for an item that cannot be written.
    """
    source, taken = state.source, state.project.words
    written: dict[str, Written] = {}
    keys = []
    for item in sorted(choice.items, key=lambda one: one.key):
        thing = found.made_from[item.number]
        try:
            one = _written(state, found.place, thing, taken)
        except RefactorError as error:
            raise Refused(item.key, error.message) from None
        name = one.symbol.rpartition(".")[2]
        taken = taken | {name}
        written[item.key] = one
        keys.append(f"{found.place.symbol}#{_digest(thing)}")
    parts = list(written.values())
    try:
        more = _more(parts)
        after = source.but([*(one.call for one in parts), *(one.helper for one in parts), *more])
        content = after.content
    except (RefactorError, ValueError) as error:
        raise Refused(choice.items[0].key, str(error)) from None
    project = replace(
        state.project,
        files={**state.project.files, source.path: content},
        covered=_covered(state, parts, more),
    )
    project.__dict__["words"] = taken  # only those names are new: no need to read all files again
    symbols = [written[item.key].symbol for item in choice.items]
    return State(
        after, project, state.symbols + tuple(one.symbol for one in parts), (*state.keys, *keys)
    ), symbols


def _written(state: State, place: Place, thing: Cut | Condition, taken: frozenset[str]) -> Written:
    source, project = state.source, state.project
    if isinstance(thing, Condition):
        virtual, cut = as_return(thing)
        name = name_for(virtual, cut, taken)
        doc = docstring_for(virtual, cut, name)
        if doc is not None and doc.comment:
            doc = doc._replace(comment=None)
        part = Part(place, thing.statement, thing.expression)
        return write_condition(thing, place, name, annotate(source, cut, project, part), doc)
    name = name_for(source, thing, taken)
    return write(source, thing, name, annotate(source, thing, project), docstring_for(source, thing, name))


def _more(parts: list[Written]) -> list[Splice]:
    """Return what the annotations need elsewhere in the file, each once, without what is in something that moves."""
    moved = [(one.call.start, one.call.end) for one in parts]
    found = dict.fromkeys(splice for one in parts for splice in one.more)
    return [one for one in found if not any(start <= one.start < end for start, end in moved)]


def _covered(state: State, parts: list[Written], more: list[Splice]) -> dict[str, frozenset[int]]:
    """Return the executed lines of the files after the step; what it adds above a helper is an import."""
    covered, path = dict(state.project.covered), state.source.path
    if path in covered:
        lines = carried(state.source, parts, covered[path])
        for splice in more:
            if count := splice.text.count("\n"):
                first = bisect_right(state.source.starts, splice.start)
                lines = frozenset(line + count * (line >= first) for line in lines) | {
                    *range(first, first + count)
                }
        covered[path] = lines
    return covered


def _digest(thing: Cut | Condition) -> str:
    nodes = [thing.expression] if isinstance(thing, Condition) else thing.statements
    text = "\n".join(ast.dump(node) for node in nodes)
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:12]
