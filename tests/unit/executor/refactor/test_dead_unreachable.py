"""What can never run goes; what is there for its being there stays; what a function does stays the same."""

# ruff: noqa: E501
from __future__ import annotations

import inspect
import random
import textwrap
from typing import Any

import pytest

from selfimprove.executor.refactor.project import Project
from selfimprove.executor.refactor.small.unreachable import remove_unreachable
from selfimprove.executor.refactor.source import Source


def removed(text: str, symbol: str = "") -> str:
    text = textwrap.dedent(text)
    source = Source.read("a.py", text.encode())
    project = Project({"a.py": text.encode()})
    after = source.but(remove_unreachable(source, project, source.place(symbol) if symbol else None))
    again = remove_unreachable(after, project, after.place(symbol) if symbol else None)
    assert again == [], "not idempotent"
    return after.text


GOES = {
    "return": ("def f(a):\n    return a\n    a = 1\n    return a\n", "def f(a):\n    return a\n"),
    "raise": (
        "def f(a):\n    raise ValueError(a)  # as told\n\n    return a\n\n\nb = 1\n",
        "def f(a):\n    raise ValueError(a)  # as told\n\n\nb = 1\n",
    ),
    "loop": (
        "def f(a):\n    for b in a:\n        if b:\n            continue\n            print(b)\n        break\n"
        "        # counted\n    return a\n",
        "def f(a):\n    for b in a:\n        if b:\n            continue\n        break\n        # counted\n    return a\n",
    ),
    "both branches": (
        "def f(a):\n    if a:\n        return 1\n    else:\n        raise KeyError\n    a += 1\n    return a\n",
        "def f(a):\n    if a:\n        return 1\n    else:\n        raise KeyError\n",
    ),
    "for ever": (
        "def f(a):\n    while True:\n        for b in a:\n            break\n        a()\n    return 1\n",
        "def f(a):\n    while True:\n        for b in a:\n            break\n        a()\n",
    ),
    "if False": (
        "def f(a):\n    b = a\n\n    if False:\n        b = 2\n\n    return b\n",
        "def f(a):\n    b = a\n\n    return b\n",
    ),
    "while 0": ("def f(a):\n    while 0:\n        a()\n    return a\n", "def f(a):\n    return a\n"),
    "alone": (
        "def f(a):\n    if a:\n        if 0:\n            a()\n    return a\n",
        "def f(a):\n    if a:\n        pass\n    return a\n",
    ),
    "nested": (
        "def f(a):\n    return a\n    if a:\n        return 2\n        a = 3\n",
        "def f(a):\n    return a\n",
    ),
    "bound again": (
        "def f(a):\n    b = a\n    return b\n    b = 2\n    return b\n",
        "def f(a):\n    b = a\n    return b\n",
    ),
    "CRLF and no last end": ("def f(a):\r\n    return a\r\n    a = 2", "def f(a):\r\n    return a"),
    "other yields": (
        "def f(a):\n    yield a\n    return\n    yield 2\n",
        "def f(a):\n    yield a\n    return\n",
    ),
}

STAYS = {
    "generator": "def f(a):\n    raise KeyError(a)\n    yield\n",
    "generator in if": "def f(a):\n    if False:\n        yield\n    return a\n",
    "async generator": "async def f(a):\n    return\n    yield a\n",
    "local name": "b = 1\n\n\ndef f(a):\n    print(b)\n    return a\n    b = 2\n",
    "local of inner": "def f(a):\n    def g():\n        return b\n    return g\n    b = 2\n",
    "unbound by del": "b = 1\n\n\ndef f(a):\n    print(b)\n    return a\n    del b\n",
    "walrus": "b = 1\n\n\ndef f(a):\n    print(b)\n    return a\n    [b := 1 for _ in a]\n",
    "global": "def f(a):\n    return a\n    global b\n",
    "types": "def f(a):\n    if False:\n        from typing import List\n    return a\n",
    "checking": "def f(a):\n    return a\n    if TYPE_CHECKING:\n        a = 3\n",
    "pragma": "def f(a):\n    return a\n    a = 1  # pragma: no cover\n",
    "a reason": "def f(a):\n    return a\n    # Not reached, kept for the compiler.\n    a = 1\n",
    "never": "def f(a):\n    while True:\n        a()\n    assert_never(a)\n",
    "guard": "def f(a):\n    if a:\n        return 1\n    else:\n        return 2\n    raise AssertionError('not reached')\n",
    "exits": "import sys\n\n\ndef f(a):\n    sys.exit(1)\n    return a\n",
    "with": "def f(a):\n    with a:\n        return 1\n    return 2\n",
    "loop with break": "def f(a):\n    while True:\n        if a():\n            break\n    return 2\n",
    "break in else of a loop": "def f(a):\n    while 1:\n        for b in a:\n            pass\n        else:\n            break\n    return 2\n",
    "else": "def f(a):\n    if False:\n        a = 1\n    else:\n        a = 2\n    return a\n",
    "elif": "def f(a):\n    if a:\n        a = 1\n    elif False:\n        a = 2\n    return a\n",
    "one line": "def f(a):\n    return a; a = 1\n",
    "docstring to be": "def f(a):\n    if False:\n        a()\n    'text'\n    return a\n",
    "module": "raise ImportError('gone')\nb = 1\n",
    "frame": "def f(a):\n    return locals()\n    b = 1\n",
    "name of a module": "def g():\n    return b\n\n\nif False:\n    b = 1\n",
}


@pytest.mark.parametrize("name", GOES)
def test_goes(name: str) -> None:
    before, after = GOES[name]
    assert removed(before) == after
    assert removed(before, "f") == after


@pytest.mark.parametrize("name", STAYS)
def test_stays(name: str) -> None:
    assert removed(STAYS[name]) == STAYS[name]


def test_only_the_function_that_is_named() -> None:
    text = "def f():\n    return 1\n    return 2\n\n\ndef g():\n    return 1\n    return 2\n"
    assert removed(text, "g") == text[: -len("    return 2\n")]


class Maker:
    """Writes functions of random blocks in which some statements are behind a jump."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def suite(self, depth: int, loop: bool) -> list[str]:
        lines: list[str] = []
        for _ in range(self.random.randint(1, 4)):
            lines += self.statement(depth, loop)
        return lines

    def statement(self, depth: int, loop: bool) -> list[str]:
        pick = self.random.random()
        name = self.random.choice("abcde")
        if pick < 0.35 or depth > 2:
            return [
                f"{name} = a + {self.random.randint(0, 9)}",
                f"seen.append({self.random.choice('abcde')})",
            ]
        if pick < 0.45:
            return [
                self.random.choice(
                    ["return a", "raise KeyError(b)", *(["break", "continue"] if loop else [])]
                )
            ]
        if pick < 0.5:
            return (
                ["yield b"]
                if self.random.random() < 0.3
                else ["def g():", "    return c", "seen.append(g())"]
            )
        if pick < 0.6:
            return ["if False:", *self.indented(depth, loop)]
        if pick < 0.65:
            return ["while True:", "    tick()", *self.indented(depth, True)]
        if pick < 0.75:
            return [f"for {name} in range(2):", *self.indented(depth, True)]
        if pick < 0.85:
            return ["try:", *self.indented(depth, loop), "finally:", "    seen.append(0)"]
        both = ["else:", *self.indented(depth, loop)] if self.random.random() < 0.5 else []
        return [f"if {name} % 2:", *self.indented(depth, loop), *both]

    def indented(self, depth: int, loop: bool) -> list[str]:
        return [f"    {line}" for line in self.suite(depth + 1, loop)]


class Enough(Exception):
    pass


def outcome(text: str, arguments: tuple[int, int]) -> tuple[Any, ...]:
    seen: list[Any] = []
    ticks = iter(range(20))

    def tick() -> None:
        if next(ticks, None) is None:
            raise Enough

    space: dict[str, Any] = {"seen": seen, "tick": tick, "c": 5, "d": 6, "e": 7}
    exec(text, space)
    try:
        found = space["f"](*arguments)
        return (
            ("value", inspect.isgenerator(found) and ("yields", *found), seen)
            if not isinstance(found, int)
            else (found, seen)
        )
    except Exception as error:
        return type(error).__name__, str(error), seen


def test_made_functions_do_the_same() -> None:
    changed = 0
    for seed in range(150):
        body = Maker(seed).suite(0, False)
        text = "def f(a, b):\n" + "".join(f"    {line}\n" for line in body)
        after = removed(text)
        changed += after != text
        for arguments in ((0, 1), (1, 0), (3, 4)):
            assert outcome(after, arguments) == outcome(text, arguments), text
    assert changed > 60
