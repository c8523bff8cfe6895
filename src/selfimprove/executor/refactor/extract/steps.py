"""Steps: a choice of cuts written into a file, and what is known of the file after it."""

from __future__ import annotations

import ast
import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from selfimprove.errors import RefactorError
from selfimprove.executor.refactor.extract.carrying import carried
from selfimprove.executor.refactor.extract.conditions import Condition, as_return, write_condition
from selfimprove.executor.refactor.extract.extract import Written, write
from selfimprove.executor.refactor.naming.docs import docstring_for
from selfimprove.executor.refactor.naming.naming import name_for
from selfimprove.executor.refactor.naming.typing_of import annotate

if TYPE_CHECKING:
    from selfimprove.executor.refactor.cut import Cut
    from selfimprove.executor.refactor.extract.candidates import Candidates
    from selfimprove.executor.refactor.extract.choosing import Choice
    from selfimprove.executor.refactor.project import Project
    from selfimprove.executor.refactor.source import Place, Source


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
            one = _written(source, found.place, thing, taken)
        except RefactorError as error:
            raise Refused(item.key, error.message) from None
        name = one.symbol.rpartition(".")[2]
        taken = taken | {name}
        written[item.key] = one
        keys.append(f"{found.place.symbol}#{_digest(thing)}")
    parts = list(written.values())
    try:
        after = source.but([*(one.call for one in parts), *(one.helper for one in parts)])
        content = after.content
    except (RefactorError, ValueError) as error:
        raise Refused(choice.items[0].key, str(error)) from None
    project = replace(
        state.project,
        files={**state.project.files, source.path: content},
        covered=_covered(state, parts),
    )
    project.__dict__["words"] = taken  # only those names are new: no need to read all files again
    symbols = [written[item.key].symbol for item in choice.items]
    return State(
        after, project, state.symbols + tuple(one.symbol for one in parts), (*state.keys, *keys)
    ), symbols


def _written(source: Source, place: Place, thing: Cut | Condition, taken: frozenset[str]) -> Written:
    if isinstance(thing, Condition):
        virtual, cut = as_return(thing)
        name = name_for(virtual, cut, taken)
        doc = docstring_for(virtual, cut, name)
        if doc is not None and doc.comment:
            doc = doc._replace(comment=None)
        return write_condition(thing, place, name, annotate(virtual, cut), doc)
    name = name_for(source, thing, taken)
    return write(source, thing, name, annotate(source, thing), docstring_for(source, thing, name))


def _covered(state: State, parts: list[Written]) -> dict[str, frozenset[int]]:
    covered, path = dict(state.project.covered), state.source.path
    if path in covered:
        covered[path] = carried(state.source, parts, covered[path])
    return covered


def _digest(thing: Cut | Condition) -> str:
    nodes = [thing.expression] if isinstance(thing, Condition) else thing.statements
    text = "\n".join(ast.dump(node) for node in nodes)
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:12]
