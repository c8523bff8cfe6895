"""Small programs with one bug each, the tests that show it, and the fix as a reply in seven styles."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Bug:
    """A module ``name``.py that is right but for one place, where ``wrong`` stands for ``right``."""

    name: str
    function: str
    source: str
    right: str
    wrong: str
    test: str

    @property
    def path(self) -> str:
        """The module's file."""
        return f"programs/{self.name}.py"

    @property
    def fixed(self) -> str:
        """The module as it should be."""
        return self.source.lstrip("\n")

    @property
    def broken(self) -> str:
        """The module with its bug."""
        assert self.fixed.count(self.right) == 1, self.name
        return self.fixed.replace(self.right, self.wrong)

    @property
    def test_path(self) -> str:
        """The file of its tests."""
        return f"tests/test_{self.name}.py"

    @property
    def tests(self) -> str:
        """The tests; at least one of them fails while the bug is there."""
        checks = "".join(f"    assert {line}\n" for line in self.test.strip().split("\n"))
        return f"from programs.{self.name} import *\n\n\ndef test_{self.name}():\n{checks}"


def search_replace(bug: Bug) -> str:
    """The changed lines with one line around them."""
    old, new = _around(bug, 1)
    return f"COMMIT: Mend {bug.name}\n\n{bug.path}\n<<<<<<< SEARCH\n{old}=======\n{new}>>>>>>> REPLACE\n"


def loose_search_replace(bug: Bug) -> str:
    """The same in a fence, without a file's name, shifted to the left, and with prose."""
    old, new = (_dedented(text) for text in _around(bug, 2))
    block = f"<<<<<<< SEARCH\n{old}=======\n{new}>>>>>>> REPLACE\n"
    return f"The mistake is in `{bug.function}`. Change this:\n\n```python\n{block}```\n\nThat's all."


def unified(bug: Bug) -> str:
    """A diff with wrong line numbers."""
    rows = list(difflib.unified_diff(bug.broken.splitlines(), bug.fixed.splitlines(), lineterm="", n=2))[2:]
    rows = ["@@ -7,4 +7,4 @@" if row.startswith("@@") else row for row in rows]
    return f"```diff\n--- a/{bug.path}\n+++ b/{bug.path}\n" + "\n".join(rows) + "\n```\n"


def begin_patch(bug: Bug) -> str:
    """The form that begins with *** Begin Patch."""
    rows = list(difflib.unified_diff(bug.broken.splitlines(), bug.fixed.splitlines(), lineterm="", n=2))[2:]
    rows = ["@@" if row.startswith("@@") else row for row in rows]
    return f"*** Begin Patch\n*** Update File: {bug.path}\n" + "\n".join(rows) + "\n*** End Patch\n"


def whole_file(bug: Bug) -> str:
    """The whole file under its name."""
    return f"Here is the corrected file.\n\n**{bug.path}**\n\n```python\n{bug.fixed}```\n"


def whole_function(bug: Bug) -> str:
    """Only the function, in a fence."""
    lines = bug.fixed.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"def {bug.function}("))
    ends = (number for number in range(start + 1, len(lines)) if lines[number][:1] not in ("", " ", ")"))
    text = "\n".join(lines[start : next(ends, len(lines))]).rstrip()
    return f"In `{bug.path}`, replace the function:\n\n```python\n{text}\n```\n"


def as_json(bug: Bug) -> str:
    """A JSON object."""
    old, new = _around(bug, 1)
    edit = {"path": bug.path, "search": old, "replace": new}
    return "```json\n" + json.dumps({"edits": [edit]}, indent=2) + "\n```\n"


STYLES: dict[str, Callable[[Bug], str]] = {
    "search/replace": search_replace,
    "search/replace, loose": loose_search_replace,
    "diff": unified,
    "begin patch": begin_patch,
    "whole file": whole_file,
    "whole function": whole_function,
    "json": as_json,
}


def _around(bug: Bug, lines: int) -> tuple[str, str]:
    """Return the lines that differ, before and after, with so many lines around them or more until they are unique."""
    old, new = bug.broken.splitlines(keepends=True), bug.fixed.splitlines(keepends=True)
    head = next(n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b)
    tail = next(n for n, (a, b) in enumerate(zip(old[::-1], new[::-1], strict=False)) if a != b)
    first, last = max(head - lines, 0), max(tail - lines, 0)
    found = tuple("".join(text[first : len(text) - last]) for text in (old, new))
    return (found[0], found[1]) if bug.broken.count(found[0]) == 1 else _around(bug, lines + 1)


def _dedented(text: str) -> str:
    lines = text.splitlines(keepends=True)
    shift = min(len(line) - len(line.lstrip()) for line in lines if line.strip())
    return "".join(line[shift:] if line.strip() else line for line in lines)


BUGS = (
    Bug(
        "gcd",
        "gcd",
        """
def gcd(a, b):
    \"\"\"Return the greatest common divisor.\"\"\"
    while b:
        a, b = b, a % b
    return a
""",
        "    return a\n",
        "    return b\n",
        "gcd(12, 18) == 6\ngcd(17, 5) == 1\ngcd(0, 4) == 4",
    ),
    Bug(
        "search",
        "find",
        """
def find(items, wanted):
    \"\"\"Return the place of wanted in sorted items, or -1.\"\"\"
    low, high = 0, len(items) - 1
    while low <= high:
        middle = (low + high) // 2
        if items[middle] == wanted:
            return middle
        if items[middle] < wanted:
            low = middle + 1
        else:
            high = middle - 1
    return -1
""",
        "while low <= high:",
        "while low < high:",
        "find([1], 1) == 0\nfind([1, 3, 5], 5) == 2\nfind([1, 3], 4) == -1",
    ),
    Bug(
        "brackets",
        "balanced",
        """
PAIRS = {")": "(", "]": "[", "}": "{"}


def balanced(text):
    \"\"\"Tell whether every bracket is closed by its own kind.\"\"\"
    open_ones = []
    for sign in text:
        if sign in PAIRS.values():
            open_ones.append(sign)
        elif sign in PAIRS:
            if not open_ones or open_ones.pop() != PAIRS[sign]:
                return False
    return not open_ones
""",
        "    return not open_ones\n",
        "    return True\n",
        "balanced('([]{})')\nnot balanced('(]')\nnot balanced('((')",
    ),
    Bug(
        "flat",
        "flatten",
        """
def flatten(items):
    \"\"\"Yield the items of nested lists.\"\"\"
    for item in items:
        if isinstance(item, list):
            yield from flatten(item)
        else:
            yield item
""",
        "yield from flatten(item)",
        "yield flatten(item)",
        "list(flatten([1, [2, [3]], []])) == [1, 2, 3]",
    ),
    Bug(
        "roman",
        "to_roman",
        """
STEPS = [
    (1000, "M"),
    (900, "CM"),
    (500, "D"),
    (400, "CD"),
    (100, "C"),
    (90, "XC"),
    (50, "L"),
    (40, "XL"),
    (10, "X"),
    (9, "IX"),
    (5, "V"),
    (4, "IV"),
    (1, "I"),
]


def to_roman(number):
    \"\"\"Return number in Roman letters.\"\"\"
    text = ""
    for value, letters in STEPS:
        while number >= value:
            text += letters
            number -= value
    return text
""",
        "        while number >= value:\n",
        "        if number >= value:\n",
        "to_roman(4) == 'IV'\nto_roman(3) == 'III'\nto_roman(1994) == 'MCMXCIV'",
    ),
    Bug(
        "runs",
        "encode",
        """
def encode(text):
    \"\"\"Return pairs of a character and how often it stands in a row.\"\"\"
    result = []
    for sign in text:
        if result and result[-1][0] == sign:
            result[-1] = (sign, result[-1][1] + 1)
        else:
            result.append((sign, 1))
    return result


def decode(pairs):
    \"\"\"Return the text of such pairs.\"\"\"
    return "".join(sign * count for sign, count in pairs)
""",
        "result.append((sign, 1))",
        "result.append((sign, 0))",
        "encode('aab') == [('a', 2), ('b', 1)]\ndecode(encode('xyyz')) == 'xyyz'",
    ),
    Bug(
        "intervals",
        "merge",
        """
def merge(intervals):
    \"\"\"Return intervals with those that touch made one.\"\"\"
    result = []
    for start, end in sorted(intervals):
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result
""",
        "max(end, result[-1][1])",
        "end",
        "merge([(1, 9), (2, 3)]) == [(1, 9)]\nmerge([(1, 2), (4, 5)]) == [(1, 2), (4, 5)]",
    ),
    Bug(
        "years",
        "is_leap",
        """
def is_leap(year):
    \"\"\"Tell whether a year of the Gregorian calendar has 366 days.\"\"\"
    if year % 400 == 0:
        return True
    if year % 100 == 0:
        return False
    return year % 4 == 0


def days(year):
    \"\"\"Return the number of days.\"\"\"
    return 366 if is_leap(year) else 365
""",
        "    if year % 100 == 0:\n        return False\n",
        "    if year % 100 == 0:\n        return True\n",
        "is_leap(2000)\nnot is_leap(1900)\ndays(2024) == 366",
    ),
    Bug(
        "middle",
        "median",
        """
def median(values):
    \"\"\"Return the middle of values.\"\"\"
    ordered = sorted(values)
    half = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[half]
    return (ordered[half - 1] + ordered[half]) / 2
""",
        "(ordered[half - 1] + ordered[half]) / 2",
        "(ordered[half] + ordered[half]) / 2",
        "median([3, 1, 2]) == 2\nmedian([1, 2, 3, 4]) == 2.5",
    ),
    Bug(
        "durations",
        "seconds",
        """
UNITS = {"s": 1, "m": 60, "h": 3600}


def seconds(text):
    \"\"\"Return the seconds of a text such as 1h30m.\"\"\"
    total, number = 0, ""
    for sign in text:
        if sign.isdigit():
            number += sign
        else:
            total += int(number) * UNITS[sign]
            number = ""
    return total
""",
        '            number = ""\n',
        "",
        "seconds('90s') == 90\nseconds('1h30m') == 5400",
    ),
    Bug(
        "caesar",
        "shift",
        """
def shift(text, by):
    \"\"\"Move every small letter on by so many places.\"\"\"
    result = []
    for sign in text:
        if sign.islower():
            place = (ord(sign) - ord("a") + by) % 26
            result.append(chr(place + ord("a")))
        else:
            result.append(sign)
    return "".join(result)
""",
        '(ord(sign) - ord("a") + by) % 26',
        '(ord(sign) - ord("a") + by) % 25',
        "shift('xyz', 3) == 'abc'\nshift('a b', 1) == 'b c'",
    ),
    Bug(
        "matrix",
        "transpose",
        """
def transpose(rows):
    \"\"\"Return columns as rows.\"\"\"
    if not rows:
        return []
    return [[row[column] for row in rows] for column in range(len(rows[0]))]


def trace(rows):
    \"\"\"Return the sum of the diagonal.\"\"\"
    return sum(row[number] for number, row in enumerate(rows))
""",
        "range(len(rows[0]))",
        "range(len(rows))",
        "transpose([[1, 2, 3]]) == [[1], [2], [3]]\ntranspose([]) == []\ntrace([[1, 2], [3, 4]]) == 5",
    ),
    Bug(
        "sieve",
        "primes",
        """
def primes(limit):
    \"\"\"Return the primes below limit.\"\"\"
    crossed = set()
    found = []
    for number in range(2, limit):
        if number in crossed:
            continue
        found.append(number)
        crossed.update(range(number * number, limit, number))
    return found
""",
        "range(2, limit)",
        "range(1, limit)",
        "primes(12) == [2, 3, 5, 7, 11]\nprimes(2) == []",
    ),
    Bug(
        "cache",
        "trimmed",
        """
class Cache:
    \"\"\"Keeps the newest values.\"\"\"

    def __init__(self, size):
        self.size = size
        self.values = {}

    def put(self, key, value):
        \"\"\"Keep a value, as the newest.\"\"\"
        self.values.pop(key, None)
        self.values[key] = value
        trimmed(self.values, self.size)


def trimmed(values, size):
    \"\"\"Take the oldest out until only size are left.\"\"\"
    while len(values) > size:
        del values[next(iter(values))]
    return values
""",
        "next(iter(values))",
        "list(values)[-1]",
        "list(trimmed({1: 1, 2: 2}, 1)) == [2]\nlist(trimmed({1: 1}, 3)) == [1]",
    ),
    Bug(
        "distance",
        "edits",
        """
def edits(one, other):
    \"\"\"Return the number of changes that make other of one.\"\"\"
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        before, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return row[-1]
""",
        "before + (a != b)",
        "before + 1",
        "edits('kitten', 'sitting') == 3\nedits('', 'ab') == 2\nedits('a', 'a') == 0",
    ),
    Bug(
        "order",
        "sorted_by_need",
        """
def sorted_by_need(needs):
    \"\"\"Return the keys so that each comes after those that it needs.\"\"\"
    done = []

    def visit(name):
        if name in done:
            return
        for other in needs.get(name, ()):
            visit(other)
        done.append(name)

    for name in needs:
        visit(name)
    return done
""",
        "        for other in needs.get(name, ()):\n            visit(other)\n        done.append(name)\n",
        "        done.append(name)\n        for other in needs.get(name, ()):\n            visit(other)\n",
        "sorted_by_need({'a': ['b'], 'b': ['c']}) == ['c', 'b', 'a']",
    ),
    Bug(
        "average",
        "moving",
        """
def moving(values, width):
    \"\"\"Return the mean of each width values in a row.\"\"\"
    result = []
    for start in range(len(values) - width + 1):
        window = values[start : start + width]
        result.append(sum(window) / width)
    return result
""",
        "range(len(values) - width + 1)",
        "range(len(values) - width)",
        "moving([1, 2, 3], 2) == [1.5, 2.5]\nmoving([1], 2) == []",
    ),
    Bug(
        "fields",
        "split",
        """
def split(line):
    \"\"\"Return the fields of a line; commas between quotes do not divide.\"\"\"
    fields, field, quoted = [], "", False
    for sign in line:
        if sign == '"':
            quoted = not quoted
        elif sign == "," and not quoted:
            fields.append(field)
            field = ""
        else:
            field += sign
    fields.append(field)
    return fields
""",
        '        elif sign == "," and not quoted:\n',
        '        elif sign == ",":\n',
        "split('a,b') == ['a', 'b']\nsplit('\"a,b\",c') == ['a,b', 'c']\nsplit('') == ['']",
    ),
    Bug(
        "tally",
        "most_common",
        """
def most_common(words, count):
    \"\"\"Return the words that stand there most often, the alphabet deciding between equals.\"\"\"
    seen = {}
    for word in words:
        seen[word] = seen.get(word, 0) + 1
    return sorted(seen, key=lambda word: (-seen[word], word))[:count]
""",
        "(-seen[word], word)",
        "(seen[word], word)",
        "most_common('b a b c'.split(), 1) == ['b']\nmost_common('b a'.split(), 2) == ['a', 'b']",
    ),
    Bug(
        "wrap",
        "wrapped",
        """
def wrapped(text, width):
    \"\"\"Return lines of at most width characters; a longer word has a line of its own.\"\"\"
    lines, line = [], ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = ""
        line = f"{line} {word}" if line else word
    if line:
        lines.append(line)
    return lines
""",
        "len(line) + 1 + len(word) > width",
        "len(line) + len(word) > width",
        "wrapped('aa bb', 4) == ['aa', 'bb']\nwrapped('a b c', 3) == ['a b', 'c']\nwrapped('', 3) == []",
    ),
    Bug(
        "bases",
        "in_base",
        """
DIGITS = "0123456789abcdef"


def in_base(number, base):
    \"\"\"Return a whole number of at least 0 in another base.\"\"\"
    if number == 0:
        return "0"
    text = ""
    while number:
        number, digit = divmod(number, base)
        text = DIGITS[digit] + text
    return text
""",
        "text = DIGITS[digit] + text",
        "text = text + DIGITS[digit]",
        "in_base(10, 2) == '1010'\nin_base(254, 16) == 'fe'\nin_base(0, 7) == '0'",
    ),
)
