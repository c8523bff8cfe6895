"""Calls the old and the new form of a function with the same arguments and says where they differ.

It runs in the interpreter of the tested project, Python 3.8 or later, with ORDER ANSWER ROOT as arguments.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import io
import itertools
import json
import os
import re
import signal
import sys
import time
import types
import warnings
from typing import Any

_EACH, _ALL, _LONGEST = 1.0, 20.0, 1000
_PLAIN = (str, int, float, bool, bytes, complex, type(None))


class _TooLong(BaseException):
    pass


def main(order_path: str, answer_path: str, root: str) -> None:
    """Compare, and write the answer."""
    with open(order_path, encoding="utf-8") as file:  # noqa: PTH123
        order = json.load(file)
    try:
        answer = _compare(order, root)
    except Exception as error:
        answer = {"reason": "{}: {}".format(type(error).__name__, str(error)[:200])}  # noqa: UP032
    with open(answer_path, "w", encoding="utf-8") as file:  # noqa: PTH123
        json.dump(answer, file)


def _compare(order: dict[str, Any], root: str) -> dict[str, Any]:
    new = importlib.import_module(order["module"])
    place = os.path.realpath(os.path.join(root, order["path"]))  # noqa: PTH118
    if os.path.realpath(new.__file__ or "") != place:
        return {"reason": "the module is imported from somewhere else"}
    old = types.ModuleType(new.__name__)
    old.__dict__.update(
        {name: getattr(new, name) for name in ("__file__", "__package__", "__spec__", "__loader__")}
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(compile(order["old"], place, "exec", dont_inherit=True), old.__dict__)  # noqa: S102
    both = getattr(old, order["function"]), getattr(new, order["function"])
    signal.signal(signal.SIGALRM, _stop)
    compared, end = 0, time.monotonic() + _ALL
    for call in order["calls"]:
        if time.monotonic() > end:
            break
        was, now = (_outcome(function, ast.literal_eval(call)) for function in both)
        if "too long" in (was[0], now[0]):
            continue
        compared += 1
        if was != now:
            said = "{}({})".format(order["function"], call[1:-1])
            return {"compared": compared, "differs": [said[:300], _short(was), _short(now)]}
    return {"compared": compared}


def _stop(*_: Any) -> None:
    raise _TooLong


def _outcome(function: Any, arguments: list[Any]) -> tuple[Any, ...]:
    """Return how a call ended: what it returned or raised, what it made of its arguments, and what it printed."""
    said = io.StringIO()
    signal.setitimer(signal.ITIMER_REAL, _EACH)
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            result: tuple[Any, ...] = ("returned", _form(function(*arguments)))
    except _TooLong:
        return ("too long",)
    except Exception as error:
        result = ("raised", type(error).__name__, _plain(str(error)))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return (*result, _form(arguments), said.getvalue())


def _form(value: Any, depth: int = 0) -> Any:
    """Return a value in a form that is equal for equal values, also those of classes that were made twice."""
    kind = type(value).__name__
    if isinstance(value, _PLAIN) or depth > 5:
        return kind, _plain(repr(value))
    if isinstance(value, (list, tuple)):
        return kind, [_form(one, depth + 1) for one in value]
    if isinstance(value, (set, frozenset)):
        return kind, sorted(repr(_form(one, depth + 1)) for one in value)
    if isinstance(value, dict):
        return kind, [(_form(key, depth + 1), _form(one, depth + 1)) for key, one in value.items()]
    if hasattr(value, "__next__"):
        return kind, [_form(one, depth + 1) for one in itertools.islice(value, _LONGEST)]
    return kind, _plain(repr(value))


def _plain(text: str) -> str:
    return re.sub(r"0x[0-9a-f]+", "0x", text)


def _short(outcome: tuple[Any, ...]) -> str:
    return " ".join(str(one) for one in outcome[:2])[:200]


if __name__ == "__main__":
    main(*sys.argv[1:4])
