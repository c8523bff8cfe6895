"""A function that is too complex becomes several that are not, and does the same."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from dataclasses import replace
from typing import Any

import pytest

from selfimprove.codebase.measure.measure import measure
from selfimprove.errors import RefactorError
from selfimprove.executor.refactor.cut import Cut
from selfimprove.executor.refactor.extract.costs import cost
from selfimprove.executor.refactor.extract.search import Aims, search
from selfimprove.executor.refactor.project import Project
from selfimprove.executor.refactor.source import Source

PARSE = '''
"""Settings."""

SECTIONS = {"main": {}, "other": {}}


def parse(text, strict=False, section=None):
    """Return the settings in text."""
    section = section or "main"
    values = {}
    number = 0

    # read the lines
    for line in text.split("\\n"):
        number += 1
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
            continue
        key, equals, value = line.partition("=")
        if not equals:
            if strict:
                raise ValueError("line %d has no value" % number)
            value = ""
        values[section + "." + key.strip()] = value.strip()

    # convert numbers and words
    for key, value in list(values.items()):
        if value.isdigit():
            values[key] = int(value)
        elif value in ("yes", "on", "true"):
            values[key] = True
        elif value in ("no", "off", "false"):
            values[key] = False
        elif value == "":
            values[key] = None

    # add what is missing
    for name, defaults in SECTIONS.items():
        for key, value in defaults.items():
            if name + "." + key not in values:
                values[name + "." + key] = value
    return values


def other():
    return parse("a=1")
'''
CALLS = (
    'parse("a=1\\nb = yes\\n\\n# c\\n[two]\\nd\\ne=off\\nf=word\\ng=")',
    'parse("a", strict=True)',
    'parse("[x]\\ny=2", section="q")',
    "other()",
)


def _run(text: str, call: str) -> Any:
    names: dict[str, Any] = {}
    exec(compile(text, "m.py", "exec"), names)
    try:
        return eval(call, names)
    except ValueError as error:
        return repr(error)


def _search(text: str, symbol: str, aims: Aims | None = None, **more: Any) -> Any:
    content = textwrap.dedent(text).encode()
    source = Source.read("m.py", content)
    tried = more.pop("tried", frozenset())
    return search(source, source.place(symbol), Project({"m.py": content}, **more), aims or Aims(), tried)


def _numbers(draft: Any) -> dict[str, Any]:
    return {one.symbol: one for one in measure(draft.files["m.py"], extra=True).functions}


def test_function_and_helpers_reach_the_aim_and_do_the_same():
    draft = _search(PARSE, "parse")
    after = draft.files["m.py"].decode()
    assert all(one.complexity <= 10 for one in _numbers(draft).values())
    for call in CALLS:
        assert _run(PARSE, call) == _run(after, call), call
    assert draft.rewrites == ("extract-function",)
    assert draft.subject.startswith("Extract ")
    assert draft.subject.endswith(" from parse")


def test_the_helpers_are_named_with_their_lines():
    draft = _search(PARSE, "parse", Aims(complexity=4))
    numbers = _numbers(draft)
    assert {one.symbol for one in draft.added} == set(numbers) - {"parse", "other"}
    for one in draft.added:
        assert (one.path, one.line, one.end_line) == (
            "m.py",
            numbers[one.symbol].line,
            numbers[one.symbol].end_line,
        )
    assert all(one.complexity <= 4 for one in numbers.values())
    for call in CALLS:
        assert _run(PARSE, call) == _run(draft.files["m.py"].decode(), call), call


@pytest.mark.parametrize(
    "aims",
    [
        Aims(complexity=None, cognitive=10),
        Aims(complexity=None, length=25),
        Aims(complexity=None, nesting=2),
        Aims(complexity=None, branches=8),
        Aims(complexity=8, cognitive=12, length=30),
    ],
    ids=str,
)
def test_other_metrics_can_be_the_aim(aims: Aims):
    draft = _search(PARSE, "parse", aims)
    numbers = _numbers(draft)
    assert draft.added
    for symbol in ("parse", *(one.symbol for one in draft.added)):
        assert not aims.missed(numbers[symbol]), symbol
    for call in CALLS:
        assert _run(PARSE, call) == _run(draft.files["m.py"].decode(), call), call


def test_what_was_tried_is_not_made_again_and_the_end_is_a_reason():
    seen: list[Any] = []
    tried: frozenset[str] = frozenset()
    reason = ""
    for _ in range(4):
        try:
            draft = _search(PARSE, "parse", tried=tried)
        except RefactorError as error:
            reason = error.message
            break
        assert draft.key
        assert draft.key not in tried
        assert draft.files["m.py"] not in seen
        seen.append(draft.files["m.py"])
        tried |= {draft.key}
        for call in CALLS:
            assert _run(PARSE, call) == _run(draft.files["m.py"].decode(), call), call
    assert len(seen) >= 2
    assert not reason or "tried" in reason


def test_the_key_does_not_depend_on_lines():
    assert _search(PARSE, "parse").key == _search("import os\n" + PARSE, "parse").key


def test_nothing_is_done_to_a_function_within_its_limits():
    with pytest.raises(RefactorError, match="within its limits"):
        _search(PARSE, "other")
    draft = _search(PARSE, "parse")
    with pytest.raises(RefactorError, match="within its limits"):
        _search(draft.files["m.py"].decode(), "parse")


def test_only_what_tests_execute_moves():
    lines = PARSE.split("\n")
    words = next(n for n, line in enumerate(lines, 1) if '("no", "off"' in line) + 1
    executed = frozenset(range(1, len(lines) + 1)) - {words}
    draft = _search(PARSE, "parse", Aims(complexity=12), covered={"m.py": executed})
    after = draft.files["m.py"].decode().split("\n")
    moved = [line for one in draft.added for line in after[one.line - 1 : one.end_line]]
    assert moved
    assert not any("= False" in line for line in moved)
    for call in CALLS:
        assert _run(PARSE, call) == _run("\n".join(after), call), call


def test_lines_stay_executed_from_step_to_step():
    """With every line executed all cuts are legal, also inside of helpers that are made on the way."""
    executed = frozenset(range(1, PARSE.count("\n") + 1))
    draft = _search(PARSE, "parse", Aims(complexity=4), covered={"m.py": executed})
    assert draft.files == _search(PARSE, "parse", Aims(complexity=4)).files


def test_the_refusal_says_how_far_it_would_go_and_why():
    lines = PARSE.split("\n")
    start = next(n for n, line in enumerate(lines, 1) if "convert numbers" in line)
    with pytest.raises(RefactorError, match=r"still \d+ after all that can be cut.*not run by any test"):
        _search(PARSE, "parse", covered={"m.py": frozenset(range(1, 12)) | {start}})


CHECKS = """
class Shape:
    def kind(self, a, b, c, d):
        if (
            a > 0 and b > 0
            and (c > 0 or d > 0)  # some
        ):
            return "positive"
        elif a < 0 and b < 0 and self.sign(c) < 0 and d < 0:
            return "negative"
        while (a == b and b == c and c != d):
            a += 1
        if not (a or b) and (c or
                             d):
            return "half"
        return "mixed"

    def sign(self, x):
        return (x > 0) - (x < 0)
"""


def test_conditions_become_predicates():
    before = textwrap.dedent(CHECKS)
    draft = _search(CHECKS, "Shape.kind", Aims(complexity=6))
    after = draft.files["m.py"].decode()
    assert all(one.complexity <= 6 for one in _numbers(draft).values())
    values = (-1, 0, 1)
    for call in [
        f"Shape().kind({a}, {b}, {c}, {d})" for a in values for b in values for c in values for d in values
    ]:
        assert _run(before, call) == _run(after, call), call
    assert any(one.symbol.startswith("_") or "._" in one.symbol for one in draft.added)


def test_a_condition_that_binds_a_name_stays():
    text = """
        def f(a, b, c, d):
            if (e := a) and b and c and d:
                return e
            if a and b and (lambda: e)() and c:
                return d
            return None
    """
    with pytest.raises(RefactorError):
        _search(text, "f", Aims(complexity=2))


def test_the_same_in_every_process():
    program = (
        "import sys; from selfimprove.executor.refactor.source import Source\n"
        "from selfimprove.executor.refactor.project import Project\n"
        "from selfimprove.executor.refactor.extract.search import Aims, search\n"
        "text = sys.stdin.buffer.read(); source = Source.read('m.py', text)\n"
        "draft = search(source, source.place('parse'), Project({'m.py': text}), Aims(complexity=4))\n"
        "sys.stdout.buffer.write(draft.files['m.py'] + draft.key.encode())\n"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", program], input=PARSE.encode(), capture_output=True, check=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(found) == 1
    assert b"def _" in next(iter(found))


ALIKE = """
def f(stack, kind):
    if kind == "end if":
        if stack and stack[-1] == "if":
            stack.pop()
            return -1
    elif kind == "end for":
        if stack and stack[-1] == "for":
            stack.pop()
            return -1
    elif kind == "end while":
        if stack and stack[-1] == "while":
            stack.pop()
            return -1
    elif kind == "end case":
        if stack and stack[-1] == "case":
            stack.pop()
            return -1
    return 0
"""


def test_of_branches_that_are_alike_several_are_taken_and_no_condition():
    draft = _search(ALIKE, "f")
    text = draft.files["m.py"].decode()
    helpers = [one.symbol for one in draft.added]
    assert len(helpers) == 1
    assert "else:" not in text
    assert "    elif " + helpers[0] + "(stack, kind):\n        return -1\n    return 0\n" in text
    for kind in ("end if", "end for", "end while", "end case", "other"):
        for stack in ([], ["if"], ["for"], ["while"], ["case"]):
            assert _run(text, f"f({stack}, {kind!r})") == _run(ALIKE, f"f({stack}, {kind!r})")


def test_a_generator_that_gives_a_value_back_is_dear():
    source = Source.read("m.py", b"def f(rows):\n    for row in rows:\n        yield row\n    return row\n")
    place = source.place("f")
    cut = Cut(place, tuple(place.node.body), 0, 0, ("rows",), ("row",), is_generator=True)
    assert cost(source, cut) > cost(source, replace(cut, results=())) + 10
