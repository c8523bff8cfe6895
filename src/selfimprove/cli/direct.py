"""Direct: what a command line says whose every word is plainly understood; typer reads all the others."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from types import GenericAlias, NoneType, UnionType
from typing import TYPE_CHECKING, Any, NamedTuple, get_type_hints

from selfimprove.cli.options import GLOBALS, Argument

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_PLAIN = {"help", "metavar", "rich_help_panel", "show_default", "min", "max", "count"}


class _NotPlain(Exception):
    """A word is for typer to judge."""


class Said(NamedTuple):
    """The command's ``function``, the globals ``before`` its name, and all that is ``given`` after it."""

    function: Callable[..., int]
    before: dict[str, Any]
    given: dict[str, Any]


class _Slot(NamedTuple):
    """A parameter that words fill: with values of a ``kind``, or with what the word itself stands for."""

    name: str
    kind: type
    many: bool
    told: Mapping[str, Any]
    stands_for: bool | None = None


def read(words: Sequence[str], find: Callable[[str], Callable[..., int] | None]) -> Said | None:
    """Return what ``words`` say, the same as typer would; None when it is for typer to judge or to explain.

    That is so for help, for every mistake, and for what is rare: values that begin with a dash, several short
    options in one word, ``--``. ``find`` returns the function of a command, None for one without.
    """
    try:
        before, rest = _take(words, _options(GLOBALS), [])
        function = find(rest[0]) if rest else None
        if function is None:
            return None
        hints = {**get_type_hints(function, include_extras=True), **GLOBALS}
        given, left = _take(rest[1:], _options(hints), _arguments(hints))
    except _NotPlain:
        return None
    return None if left or _missing(function, given) else Said(function, before, given)


def _options(hints: Mapping[str, Any]) -> dict[str, _Slot]:
    """Return the words that begin with a dash, each with what it fills; without those of more than plain use."""
    options = {}
    for slot, names in _slots(hints, free=False):
        for name in names:
            on, _, off = name.partition("/")
            options[on] = slot._replace(stands_for=True if slot.kind is bool else None)
            if off:
                options[off] = slot._replace(stands_for=False)
    return options


def _arguments(hints: Mapping[str, Any]) -> list[_Slot]:
    return [slot for slot, _ in _slots(hints, free=True)]


def _slots(hints: Mapping[str, Any], *, free: bool) -> list[tuple[_Slot, tuple[str, ...]]]:
    found = []
    for name, hint in hints.items():
        for one in getattr(hint, "__metadata__", ()):
            if isinstance(one, Argument) is free and one.told.keys() <= _PLAIN:
                found.append((_Slot(name, *_kind(hint.__origin__), one.told), one.names))
    return found


def _kind(hint: Any) -> tuple[type, bool]:
    """Return the type of one value, and whether there may be several."""
    if isinstance(hint, UnionType):
        (hint,) = (one for one in hint.__args__ if one is not NoneType)
    return (hint.__args__[0], True) if isinstance(hint, GenericAlias) else (hint, False)


def _take(
    words: Sequence[str], options: Mapping[str, _Slot], free: Sequence[_Slot]
) -> tuple[dict[str, Any], list[str]]:
    """Return what the words give by name of the parameter, and the rest from the first that is one too many."""
    given: dict[str, Any] = {}
    rest, free = list(words), list(free)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-"):
            if not free:
                return given, [word, *rest]
            slot = free[0] if free[0].many else free.pop(0)
            _fill(given, slot, word)
            continue
        name, equals, text = word.partition("=") if word.startswith("--") else (word, "", "")
        named = options.get(name)
        if named is None:
            raise _NotPlain
        takes = named.stands_for is None and not named.told.get("count")
        if equals and not takes:
            raise _NotPlain
        if takes and not equals:
            text = rest.pop(0) if rest else "-"
        _fill(given, named, text)
    return given, []


def _fill(given: dict[str, Any], slot: _Slot, text: str) -> None:
    """Add to ``given`` what ``text`` means for the parameter."""
    if slot.stands_for is not None:
        given[slot.name] = slot.stands_for
    elif slot.told.get("count"):
        given[slot.name] = given.get(slot.name, 0) + 1
    elif slot.many:
        given.setdefault(slot.name, []).append(_value(slot, text))
    else:
        given[slot.name] = _value(slot, text)


def _value(slot: _Slot, text: str) -> object:
    if not text or text.startswith("-"):
        raise _NotPlain
    if slot.kind in (str, Path):
        return slot.kind(text)
    if slot.kind is int and text.isascii() and text.isdecimal():
        number = int(text)
        if slot.told.get("min", number) <= number <= slot.told.get("max", number):
            return number
    elif issubclass(slot.kind, Enum) and text in slot.kind._value2member_map_:
        return slot.kind(text)
    raise _NotPlain


def _missing(function: Callable[..., int], given: Mapping[str, Any]) -> bool:
    """True when a parameter without a default, besides the door, is not given."""
    code = function.__code__
    names = code.co_varnames[1 : code.co_argcount - len(function.__defaults__ or ())]
    return any(name not in given for name in names)
