"""Builtin types: what functions, methods and operators of Python itself give, as far as a table can tell."""

from __future__ import annotations

import ast

OF_CALL = {
    "str": "str", "repr": "str", "hex": "str", "chr": "str", "ascii": "str", "int": "int", "len": "int", "ord": "int",
    "float": "float", "bool": "bool", "isinstance": "bool", "issubclass": "bool", "callable": "bool", "bin": "str",
    "hasattr": "bool", "any": "bool", "all": "bool", "bytes": "bytes", "bytearray": "bytearray", "id": "int",
    "format": "str", "input": "str", "range": "range", "hash": "int", "object": "object", "oct": "str",
    "getattr": "Any", "eval": "Any", "print": "None",
}  # fmt: skip
"""What a call of one of these builtins gives."""

OF_MODULE = {
    "os.path.join": "str", "os.path.basename": "str", "os.path.dirname": "str", "os.path.abspath": "str",
    "os.path.exists": "bool", "os.path.isdir": "bool", "os.path.isfile": "bool", "os.getcwd": "str",
    "os.path.realpath": "str", "os.path.normpath": "str", "os.path.relpath": "str", "time.time": "float",
    "os.path.expanduser": "str", "os.access": "bool", "math.floor": "int", "math.ceil": "int", "math.sqrt": "float",
    "math.log10": "float", "math.log": "float", "math.isnan": "bool", "math.isinf": "bool",
    "math.modf": "tuple[float, float]", "math.log2": "float", "inspect.isfunction": "bool", "inspect.isclass": "bool",
    "re.escape": "str", "re.match": "re.Match[str] | None", "re.search": "re.Match[str] | None",
    "re.fullmatch": "re.Match[str] | None", "re.compile": "re.Pattern[str]", "re.sub": "str", "re.split": "list[Any]",
    "re.findall": "list[Any]", "json.loads": "Any", "json.dumps": "str", "shlex.split": "list[str]",
    "shlex.quote": "str", "textwrap.dedent": "str", "shutil.which": "str | None", "os.environ.get": "str | None",
    "os.getenv": "str | None", "os.listdir": "list[str]", "bisect.bisect": "int", "bisect.bisect_left": "int",
    "bisect.bisect_right": "int", "os.environ.copy": "dict[str, str]", "inspect.cleandoc": "str",
}  # fmt: skip
"""What functions of modules give that are called by their full name, with plain text where they take text."""

_TEXT = {
    "join": "str", "format": "str", "strip": "str", "lower": "str", "upper": "str", "replace": "str",
    "startswith": "bool", "endswith": "bool", "isdigit": "bool", "split": "list[str]", "splitlines": "list[str]",
    "lstrip": "str", "rstrip": "str", "title": "str", "find": "int", "rfind": "int", "count": "int", "encode": "bytes",
    "partition": "tuple[str, str, str]", "rpartition": "tuple[str, str, str]", "rsplit": "list[str]",
    "casefold": "str", "capitalize": "str", "zfill": "str", "ljust": "str", "rjust": "str", "isidentifier": "bool",
    "index": "int", "rindex": "int", "center": "str", "expandtabs": "str", "removeprefix": "str", "swapcase": "str",
    "removesuffix": "str", "translate": "str", "isalpha": "bool", "isspace": "bool", "isalnum": "bool",
    "isupper": "bool", "islower": "bool", "isnumeric": "bool", "isdecimal": "bool", "isascii": "bool",
}  # fmt: skip
_BYTES = {
    name: text.replace("str", "bytes") for name, text in _TEXT.items() if name not in ("encode", "format")
}

OF_METHOD: dict[str, dict[str, str]] = {
    "str": _TEXT,
    "bytes": {**_BYTES, "decode": "str", "hex": "str"},
    "list": {"copy": "=", "pop": "0", "index": "int", "count": "int"},
    "set": {"copy": "=", "union": "=", "intersection": "=", "difference": "=", "pop": "0"},
    "frozenset": {"union": "=", "intersection": "=", "difference": "="},
    "deque": {"pop": "0", "popleft": "0"},
    "tuple": {"index": "int", "count": "int"},
    "dict": {
        "copy": "=", "items": "ItemsView[*]", "keys": "KeysView[0]", "values": "ValuesView[1]", "get": "1?",
        "pop": "1", "setdefault": "1",
    },
    "Mapping": {"items": "ItemsView[*]", "keys": "KeysView[0]", "values": "ValuesView[1]", "get": "1?"},
    "int": {"bit_length": "int"},
    "float": {"is_integer": "bool"},
    "Pattern": {"match": "re.Match[str] | None", "search": "re.Match[str] | None", "sub": "str",
                "fullmatch": "re.Match[str] | None", "finditer": "Iterator[re.Match[str]]", "findall": "list[Any]"},
    "Match": {"start": "int", "end": "int", "span": "tuple[int, int]", "group": "str | Any"},
    "timedelta": {"total_seconds": "float"},
    "TextIO": {"read": "str", "readline": "str"},
}  # fmt: skip
"""What methods give, by class: "=" is the receiver's own type, a digit one of its parts, "?" adds None."""
OF_METHOD["defaultdict"] = OF_METHOD["OrderedDict"] = OF_METHOD["Counter"] = OF_METHOD["dict"]
OF_METHOD["MutableMapping"] = {**OF_METHOD["Mapping"], "pop": "1", "setdefault": "1"}

OF_ATTRIBUTE = {
    **{("timedelta", name): "int" for name in ("days", "seconds", "microseconds")},
    **{
        ("datetime", name): "int"
        for name in ("year", "month", "day", "hour", "minute", "second", "microsecond")
    },
    **{("date", name): "int" for name in ("year", "month", "day")},
    ("Pattern", "pattern"): "str",
    ("Match", "string"): "str",
}
"""The types of attributes, by class and name."""

ABOVE: dict[str, frozenset[str]] = {
    name: frozenset(above.split())
    for name, above in {
        "str": "Sequence Iterable Collection Container Hashable Sized",
        "bytes": "Sequence Iterable Collection Container Hashable Sized",
        "list": "Sequence MutableSequence Iterable Collection Container Sized",
        "tuple": "Sequence Iterable Collection Container Sized",
        "dict": "Mapping MutableMapping Iterable Collection Container Sized",
        "set": "MutableSet Set Iterable Collection Container Sized",
        "frozenset": "Set Iterable Collection Container Sized",
        "bool": "int float",
        "int": "float complex Hashable",
        "float": "complex Hashable",
        "Sequence": "Iterable Collection Container Sized Reversible",
        "MutableSequence": "Sequence Iterable Collection Container Sized",
        "Mapping": "Iterable Collection Container Sized",
        "MutableMapping": "Mapping Iterable Collection Container Sized",
        "Iterator": "Iterable",
        "None": "",
        "complex": "",
        "bytearray": "",
    }.items()
}
"""The builtin and abstract classes above these, by their names without a module."""
_NUMBERS = ("bool", "int", "float", "complex")
_SAME = ("list", "tuple", "List", "bytes", "str", "timedelta")
_WHOLE = (
    ast.Add,
    ast.Sub,
    ast.Mult,
    ast.FloorDiv,
    ast.Mod,
    ast.LShift,
    ast.RShift,
    ast.BitAnd,
    ast.BitOr,
    ast.BitXor,
)


def of_value(value: ast.expr) -> str | None:
    """Return the type of a literal, or of a call that gives the same whatever it is called with."""
    match value:
        case ast.Constant(value=constant):
            return {"NoneType": "None", "ellipsis": None}.get(kind := type(constant).__name__, kind)
        case ast.JoinedStr():
            return "str"
        case ast.UnaryOp(op=ast.Not()):
            return "bool"
        case ast.Call(func=ast.Name(id=name)):
            return OF_CALL.get(name)
        case ast.Call(func=ast.Attribute() as func):
            return OF_MODULE.get(ast.unparse(func))
        case _:
            return None


def of_operator(left: str, op: ast.operator, right: str) -> str | None:
    """Return the type of ``left op right`` by the types of both sides."""
    if left in _NUMBERS and right in _NUMBERS:
        return _of_numbers(left, op, right)
    base = left.partition("[")[0]
    match op:
        case ast.Mod() if left in ("str", "bytes"):
            return left
        case ast.Mult() if right == "int" and base in ("str", "bytes", "list"):
            return left
        case ast.Add() if left == right and base.rpartition(".")[2] in _SAME:
            return left if not left.startswith("tuple") or "..." in left else None
        case _:
            return left if left == right and left.startswith(("set[", "frozenset[")) else None


def _of_numbers(left: str, op: ast.operator, right: str) -> str | None:
    """Return the wider type of two numbers, at least int, but for ``/`` and bits of bools; a power may be any."""
    most = max((left, right, "int"), key=_NUMBERS.index)
    if isinstance(op, ast.Div):
        return "float" if most == "int" else most
    if left == right == "bool" and isinstance(op, ast.BitAnd | ast.BitOr | ast.BitXor):
        return "bool"
    return most if isinstance(op, _WHOLE) else None
