"""Kind: what a value may be, said once as JSON Schema, and from that checked and put into words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Schema = dict[str, Any]
T = TypeVar("T")
S = TypeVar("S")


class Kind(Generic[T]):
    """A value of type ``T`` matches one of ``variants``, which are JSON Schemas.

    They use ``type``, ``enum``, ``minLength``, ``items``, ``additionalProperties`` and the bounds of numbers.
    """

    __slots__ = ("variants",)

    def __init__(self, *variants: Schema) -> None:
        self.variants = variants

    def __or__(self, other: Kind[S]) -> Kind[T | S]:
        return Kind(*self.variants, *other.variants)

    @property
    def schema(self) -> Schema:
        """The variants as one JSON Schema."""
        return self.variants[0] if len(self.variants) == 1 else {"anyOf": list(self.variants)}


def whole(*, at_least: int, at_most: int | None = None) -> Kind[int]:
    """Return the kind of whole numbers in a range; a bound that is None is none."""
    return Kind(_bounded("integer", minimum=at_least, maximum=at_most))


def number(
    *, at_least: float | None = None, over: float | None = None, at_most: float | None = None
) -> Kind[float]:
    """Return the kind of finite numbers in a range; a bound that is None is none."""
    return Kind(_bounded("number", minimum=at_least, exclusiveMinimum=over, maximum=at_most))


def one_of(*words: S) -> Kind[S]:
    """Return the kind of these words."""
    return Kind({"type": "string", "enum": list(words)})


def listing(items: Kind[T]) -> Kind[tuple[T, ...]]:
    """Return the kind of lists, which the program keeps as tuples."""
    return Kind({"type": "array", "items": items.schema})


def mapping(values: Kind[T]) -> Kind[dict[str, T]]:
    """Return the kind of mappings by names that are not empty; false stands for null, which TOML lacks."""
    names = {"minLength": 1}
    return Kind({"type": "object", "propertyNames": names, "additionalProperties": values.schema})


def _bounded(name: str, **bounds: float | None) -> Schema:
    return {"type": name} | {key: bound for key, bound in bounds.items() if bound is not None}


FLAG = Kind[bool]({"type": "boolean"})
TEXT = Kind[str]({"type": "string", "minLength": 1})
NULL = Kind[None]({"type": "null"})


class WrongValue(ValueError):
    """A value is not of its kind.

    ``path`` are the keys of mappings that lead to the wrong place; with ``name`` the last key itself is wrong.
    """

    def __init__(self, path: tuple[object, ...] = (), *, name: bool = False) -> None:
        super().__init__(path)
        self.path = path
        self.name = name


_WORDS = dict.fromkeys(("1", "on", "t", "true", "y", "yes"), True) | dict.fromkeys(
    ("0", "off", "f", "false", "n", "no"), False
)


def checked(variants: Iterable[Schema], value: object, *, text: bool = False) -> Any:
    """Return ``value`` as the program keeps it: lists as tuples, numbers that need not be whole as floats.

    With ``text`` a number or true may also stand as text, as a variable has it. Raises ``WrongValue``.
    """
    deepest = WrongValue()
    for schema in variants:
        try:
            given = _read(schema["type"], value) if text and isinstance(value, str) else value
            return _CHECKS[schema["type"]](schema, given)
        except WrongValue as wrong:
            deepest = max(deepest, wrong, key=lambda one: len(one.path))
        except (ValueError, OverflowError):  # no number; a number or text too odd to keep
            continue
    raise deepest


def _read(name: str, text: str) -> object:
    """Return the number or truth value that ``text`` spells; raises ``ValueError``."""
    if name == "integer":
        return int(text.removesuffix(".0"))
    if name == "number":
        return float(text)
    return _WORDS.get(text.lower(), text) if name == "boolean" else text


def _check_null(_: Schema, value: object) -> None:
    if value is not None:
        raise WrongValue


def _check_flag(_: Schema, value: object) -> bool:
    if not isinstance(value, bool):
        raise WrongValue
    return value


def _check_whole(schema: Schema, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise WrongValue
    return int(_within(schema, value))


def _check_number(schema: Schema, value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise WrongValue
    return _within(schema, float(value))


def _within(schema: Schema, value: float) -> float:
    low, high = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)
    over = schema.get("exclusiveMinimum", -math.inf)
    if not (math.isfinite(value) and low <= value <= high and value > over):
        raise WrongValue
    return value


def _check_text(schema: Schema, value: object) -> str:
    if not isinstance(value, str):
        raise WrongValue
    if "enum" in schema:
        if value not in schema["enum"]:
            raise WrongValue
        return str(schema["enum"][schema["enum"].index(value)])  # also for a member of an enumeration
    value.encode()  # bytes that are not UTF-8 cannot be shown again
    if len(value) < schema["minLength"]:
        raise WrongValue
    return value


def _check_list(schema: Schema, value: object) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise WrongValue
    return tuple(checked([schema["items"]], item) for item in value)


def _check_mapping(schema: Schema, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise WrongValue
    variants = alternatives(schema["additionalProperties"])
    nullable = NULL.variants[0] in variants
    found = {}
    for name, inner in value.items():
        try:
            _check_text(TEXT.variants[0], name)
        except ValueError:
            raise WrongValue((name,), name=True) from None
        try:
            found[name] = checked(variants, None if nullable and inner is False else inner)
        except WrongValue as wrong:
            raise WrongValue((name, *wrong.path), name=wrong.name) from None
    return found


_CHECKS = {
    "null": _check_null,
    "boolean": _check_flag,
    "integer": _check_whole,
    "number": _check_number,
    "string": _check_text,
    "array": _check_list,
    "object": _check_mapping,
}


def alternatives(schema: Schema) -> list[Schema]:
    """Return the schemas of which one must match."""
    found: list[Schema] = schema.get("anyOf", [schema])
    return found


_NOUNS = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "string": "a text that is not empty",
    "null": "null",
}
_BOUNDS = {"minimum": "at least", "exclusiveMinimum": "over", "maximum": "at most"}


def in_words(variants: Sequence[Schema], depth: int = 0) -> str:
    """Return what a value must be, or one that stands ``depth`` mappings below it."""
    for _ in range(depth):
        variants = alternatives(variants[0]["additionalProperties"])
    said = []
    for schema in variants:
        bounds = [f"{word} {schema[bound]}" for bound, word in _BOUNDS.items() if bound in schema]
        said.append(" ".join([_noun(schema), " and ".join(bounds)]).strip())
    return ", or ".join(said)


def _noun(schema: Schema) -> str:
    if "enum" in schema:
        return "one of " + ", ".join(schema["enum"])
    if schema["type"] == "array":
        words = schema["items"].get("enum")
        return "a list of " + (", ".join(words) if words else "texts")
    if schema["type"] != "object":
        return _NOUNS[schema["type"]]
    inner = in_words([schema], 1)
    return "a mapping whose values are " + inner.replace(", or ", " or ")
