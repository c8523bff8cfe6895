"""What is opened and closed again is opened in a with statement, when nobody can tell but by what was left open."""

# ruff: noqa: E501
from __future__ import annotations

import builtins
import io
import random
import textwrap
from typing import Any

import pytest

from selfimprove.executor.refactor.project import Project
from selfimprove.executor.refactor.small.closing import with_open
from selfimprove.executor.refactor.source import Source


def closed(text: str, symbol: str = "") -> str:
    content = textwrap.dedent(text).encode()
    source, project = Source.read("a.py", content), Project({"a.py": content})
    after = source.but(with_open(source, project, source.place(symbol) if symbol else None))
    assert with_open(after, project, after.place(symbol) if symbol else None) == [], "not idempotent"
    return after.text


GOES = {
    "block": (
        "def f(p):\n    g = open(p)  # as text\n    a = g.read()\n\n    # counted\n    b = len(a)\n\n    g.close()\n\n"
        "    return a, b\n",
        "def f(p):\n    with open(p) as g:  # as text\n        a = g.read()\n\n        # counted\n        b = len(a)\n\n"
        "    return a, b\n",
    ),
    "finally": (
        "def f(p):\n    g = open(p)\n    try:\n        # all of it\n        return g.read()\n    finally:\n        g.close()\n",
        "def f(p):\n    with open(p) as g:\n        # all of it\n        return g.read()\n",
    ),
    "in a loop, one name": (
        "def f(ps):\n    a = []\n    for p in ps:\n        g = open(p)\n        a.append(g.read())\n        g.close()\n"
        "        g = open(p, 'a')\n        g.write('x')\n        g.close()\n    return a\n",
        "def f(ps):\n    a = []\n    for p in ps:\n        with open(p) as g:\n            a.append(g.read())\n"
        "        with open(p, 'a') as g:\n            g.write('x')\n    return a\n",
    ),
    "two": (
        "def f(p, q):\n    g = open(p)\n    h = open(q, 'w')\n    h.write(g.read())\n    g.close()\n    h.close()\n",
        "def f(p, q):\n    with open(p) as g, open(q, 'w') as h:\n        h.write(g.read())\n",
    ),
    "nothing between": (
        "def f(p):\n    g = open(p, 'w')\n    g.close()\n",
        "def f(p):\n    with open(p, 'w'):\n        pass\n",
    ),
    "strings stay": (
        "def f(p):\n    g = open(p, 'w')\n    g.write('''a\n  b\n''')\n    g.close()\n",
        "def f(p):\n    with open(p, 'w') as g:\n        g.write('''a\n  b\n''')\n",
    ),
    "module, CRLF, no last end": (
        "import gzip\r\ng = gzip.open('p')\r\na = g.read()\r\ng.close()",
        "import gzip\r\nwith gzip.open('p') as g:\r\n    a = g.read()",
    ),
    "tabs": (
        "def f(p):\n\tg = open(p)\n\ta = list(g)\n\tg.close()\n\treturn a\n",
        "def f(p):\n\twith open(p) as g:\n\t\ta = list(g)\n\treturn a\n",
    ),
    "path": (
        "from pathlib import Path\n\n\ndef f(p):\n    g = Path(p).open()\n    a = g.read()\n    g.close()\n    return a\n",
        "from pathlib import Path\n\n\ndef f(p):\n    with Path(p).open() as g:\n        a = g.read()\n    return a\n",
    ),
    "over several lines": (
        "def f(p):\n    g = open(\n        p,\n        'w',\n    )\n    g.write('a')\n    g.close()\n",
        "def f(p):\n    with open(\n        p,\n        'w',\n    ) as g:\n        g.write('a')\n",
    ),
    "another of that name": (
        "g = open('p')\na = g.read()\ng.close()\n\n\ndef f(g):\n    return g\n",
        "with open('p') as g:\n    a = g.read()\n\n\ndef f(g):\n    return g\n",
    ),
    "early end": (
        "def f(p):\n    g = open(p)\n    for a in g:\n        if a:\n            return a\n    g.close()\n",
        "def f(p):\n    with open(p) as g:\n        for a in g:\n            if a:\n                return a\n",
    ),
}

STAYS = {
    "returned": "def f(p):\n    g = open(p)\n    if p:\n        return g\n    g.close()\n",
    "returned in something": "def f(p):\n    g = open(p)\n    if p:\n        return reader(g)\n    g.close()\n",
    "stored": "def f(self, p):\n    g = open(p)\n    self.g = g\n    g.close()\n",
    "in a tuple": "def f(p):\n    g = open(p)\n    a = (g, 1)\n    run(a)\n    g.close()\n",
    "held": "def f(p):\n    g = open(p)\n    run(lambda: g.read())\n    g.close()\n",
    "held by a generator": "def f(p):\n    g = open(p)\n    a = (b for b in g)\n    run(a)\n    g.close()\n",
    "used behind": "def f(p):\n    g = open(p)\n    a = g.read()\n    g.close()\n    return a, g.name\n",
    "in a handler": "def f(p):\n    try:\n        g = open(p)\n        a = g.read()\n        g.close()\n    except OSError:\n"
    "        a = g.tell()\n    return a\n",
    "told, and caught": "def f(p):\n    try:\n        g = open(p)\n        a = reader(g)\n        b = a.next()\n        g.close()\n"
    "    except OSError:\n        b = a.next()\n    return b\n",
    "bound anew": "def f(p):\n    g = open(p)\n    g = other(g)\n    a = g.read()\n    g.close()\n",
    "only sometimes": "def f(p):\n    g = open(p)\n    a = g.read()\n    if a:\n        g.close()\n",
    "shadowed": "from codecs import open\n\n\ndef f(p):\n    g = open(p)\n    g.read()\n    g.close()\n",
    "unknown": "def f(p):\n    g = connect(p)\n    g.read()\n    g.close()\n",
    "not that module": "def f(p, gzip):\n    g = gzip.open(p)\n    g.read()\n    g.close()\n",
    "global": "def f(p):\n    global g\n    g = open(p)\n    a = g.read()\n    g.close()\n    return a\n",
    "crossing": "def f(p):\n    g = open(p)\n    a = g.read()\n    h = open(a)\n    g.close()\n    a = h.read()\n    h.close()\n",
    "a word about closing": "def f(p):\n    g = open(p)\n    g.read()\n    # before the next one reads it\n    g.close()\n",
    "finally with more": "def f(p):\n    g = open(p)\n    try:\n        g.read()\n    finally:\n        g.close()\n        done()\n",
    "bound in try": "def f(p):\n    g = open(p)\n    try:\n        g = open(g.read())\n    finally:\n        g.close()\n",
    "one line": "def f(p):\n    g = open(p); a = g.read(); g.close()\n",
    "alias": "def f(p):\n    g = open(p)\n    h = g\n    g.close()\n    return h\n",
}


@pytest.mark.parametrize("name", GOES)
def test_goes(name: str) -> None:
    before, after = GOES[name]
    assert closed(before) == after


@pytest.mark.parametrize("name", STAYS)
def test_stays(name: str) -> None:
    assert closed(STAYS[name]) == STAYS[name]


class File(io.StringIO):
    """Counts how often files are open and closed."""

    log: list[str]

    def close(self) -> None:
        if not self.closed:
            self.log.append(f"close {self.name}")
        super().close()


def run(text: str, argument: int, all_of_it: bool = True) -> tuple[Any, ...]:
    log: list[str] = []

    def opens(name: str, mode: str = "r") -> File:
        log.append(f"open {name} {mode}")
        file = File("one\ntwo\nthree\n")
        file.name, file.log = name, log  # type: ignore[attr-defined]
        return file

    space: dict[str, Any] = {"__builtins__": {**vars(builtins), "open": opens}, "log": log}
    exec(text, space)
    try:
        found = space["f"](argument)
    except (KeyError, ValueError, ZeroDivisionError) as error:
        # What was left open is what changes.
        return type(error).__name__, [one for one in log if not one.startswith("close")]
    return found, log if all_of_it else [one for one in log if not one.startswith("close")]


def made(seed: int) -> str:
    chance = random.Random(seed)
    uses = [
        "a = g.readline()",
        "for b in g:\n    log.append(b)",
        "a = [b.strip() for b in g]",
        "if n > 1:\n    return g.read()",
        "log.append(str(10 // n))",
        "g.seek(0)",
        "a = len(g.read())",
        "try:\n    a = g.read(2)\n    log.append(str(1 // (n - 2)))\nfinally:\n    log.append('f')",
        "h = g",
        "log.append(repr(list(enumerate(g))))",
        "while n:\n    n -= 1\n    if n == 1:\n        break",
        "a = '''\n  x'''",
        "def inner():\n    return 1",
        "g = open('c')",
    ]
    body = "\n".join(chance.sample(uses, chance.randint(1, 4)))
    form = chance.randint(0, 2)
    if form == 0:
        text = f"g = open('a')\n{body}\ng.close()\nlog.append('end')\nreturn a"
    elif form == 1:
        text = f"g = open('a')\ntry:\n{_in(body)}\nfinally:\n    g.close()\nreturn a"
    else:
        text = f"for p in 'ab':\n    g = open(p)\n{_in(body)}\n    g.close()\n    log.append(str(g.closed))\nreturn a"
    return f"def f(n):\n    a = 0\n{_in(text)}\n"


def _in(text: str) -> str:
    inside = False
    lines = []
    for line in text.split("\n"):
        lines.append(line if inside else f"    {line}")
        inside ^= line.count("'''") % 2 == 1
    return "\n".join(lines)


def test_made_functions_do_the_same() -> None:
    changed = 0
    for seed in range(300):
        text = made(seed)
        after = closed(text)
        changed += after != text
        for argument in (0, 1, 2, 3):
            straight = "return g" not in text
            assert run(after, argument, straight) == run(text, argument, straight), text
    assert changed > 100
