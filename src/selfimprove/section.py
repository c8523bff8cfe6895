"""Section: how settings are declared, and the frozen values of those that belong together."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

    from selfimprove.kind import Kind

T = TypeVar("T")


class Field(NamedTuple):
    """One setting as it is declared."""

    kind: Kind[Any]
    default: object
    description: str


def setting(kind: Kind[T], default: T, description: str) -> T:
    """Declare a setting in the body of a :class:`Section`; there it is its default, of type ``T``."""
    return cast("T", Field(kind, default, description))


class Section:
    """Settings that belong together. An attribute that was not given is that of the class: the default."""

    fields: Mapping[str, Field] = {}

    def __init_subclass__(cls) -> None:
        cls.fields = {name: value for name, value in vars(cls).items() if isinstance(value, Field)}
        for name, field in cls.fields.items():
            setattr(cls, name, field.default)

    def __init__(self, **given: object) -> None:
        vars(self).update(given)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"settings are frozen: {name} cannot be changed")

    def __eq__(self, other: object) -> bool:
        names = {*self.fields, *vars(self)}
        return type(self) is type(other) and all(
            getattr(self, name) == getattr(other, name) for name in names
        )

    __hash__ = None  # type: ignore[assignment]  # some values are mappings

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={masked(value)!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({given})"


def masked(value: object) -> object:
    """Return ``value`` with the password of a URL in it replaced by ``***``."""
    if not isinstance(value, str):
        return value
    return _password().sub(lambda match: f"{match[1] or match[2]}***", value)


@cache
def _password() -> re.Pattern[str]:
    return re.compile(
        r"(?i)(?:(://[^/?#\s:@]*:)(?!\d{1,5}(?:[/?#]|$))\S+(?=@)"
        r"|([?&][\w-]*(?:password|secret|token|api_?key)=)[^&\s]+)"
    )
