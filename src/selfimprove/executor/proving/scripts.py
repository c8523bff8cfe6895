"""Reads single tests out of what scripts print: TAP, and the lists of jest, vitest, mocha and node's own runner."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from selfimprove.executor.proving.textual import Row

_TAP = re.compile(
    r"^(?P<space>\s*)(?P<word>not ok|ok)\b\s*\d*\s*-?\s*(?P<name>.*?)(\s+#\s*(?P<aside>skip|todo)\b.*)?$",
    re.IGNORECASE,
)
_SUBTEST = re.compile(r"^(?P<space>\s*)# Subtest: (?P<name>.*)$")
_MARKED = re.compile(
    r"^(?P<space>\s*)(?:(?P<good>[✓√✔])|(?P<bad>[✕✗✖×]|\d+\))|(?P<off>[○↓﹣]|- ))\s*(?P<name>\S.*?)"
    r"(?:\s+\(?\d+(?:\.\d+)?\s?m?s\)?)?(?:\s+# \w+.*)?$"
)
# A file as jest heads its list, the same whether it went well or not.
_FILE = re.compile(r"^\s*(?:PASS|FAIL)\s+(.*?)(?:\s+\([\d.]+\s?m?s\))?$")
_LUMPED = re.compile(r"\(\d+ tests?\b[^)]*\)")  # vitest's word for a whole file
_OPENED = re.compile(r"^▶\s+(.*?)(?:\s+\([\d.]+\s?m?s\))?$")
# Where the lists end, and what went wrong is told.
_OVER = re.compile(r"^\s*(?:\d+ (?:passing|failing|pending)\b|✖ failing tests:|⎯+.*|Summary of all failing)")
_JEST_TELLS = re.compile(r"^\s*● .*\S$")
_NODE_SUMS_UP = re.compile(r"^ℹ tests \d+$")
_HEADS = (
    re.compile(r"^\s*● (?P<title>.*\S)$"),  # jest
    re.compile(r"^ FAIL\s+(?P<title>.* > .*)$"),  # vitest
)
_LATE_HEADS = (
    re.compile(r"^✖ (?P<title>.*?)(?: \([\d.]+ms\))?$"),  # node
    re.compile(r"^  \d+\) (?P<title>.*?[^\s:]):?$"),  # mocha, whose title goes on in the next lines
)
_TELLING_ENDS = re.compile(r"^(?:(?:PASS|FAIL) |Test Suites:|⎯+\[|Summary of all failing|test at )")
_DULL = re.compile(
    r"^\s*(?:(?:at )?.*\bnode:[\w/]+:\d+.*|at .*(?:node_modules|new Promise|Array\.map).*|new (?:Safe)?Promise.*"
    r"|Array\.map.*|(?:duration_ms|type|failureType|code|name|operator|generatedMessage): .*|---|\.\.\.|[{}]|)$"
)
_BETWEEN = " > "


def read_script(text: str) -> Iterator[Row]:
    """Yield the tests that ``text`` names (id, outcome, what is said of a failure), none where it names none.

    An id is the titles of the groups and of the test, the file first where the runner tells it.
    """
    lines = text.splitlines()
    rows = list(_tap(lines)) or list(_ticked(lines))
    if any(_LUMPED.search(test) for test, _, _ in rows):
        return  # only whole files are told of the good ones: half of the tests would come and go
    yield from rows


def _tap(lines: Sequence[str]) -> Iterator[Row]:
    """Read the Test Anything Protocol (testanything.org), version 13 or 14, with subtests."""
    above: list[tuple[int, str]] = []
    for number, line in enumerate(lines):
        if opened := _SUBTEST.match(line):
            depth = len(opened["space"])
            above = [*(one for one in above if one[0] < depth), (depth, opened["name"])]
        elif found := _TAP.match(line):
            told = _diagnosis(lines, number)
            if any(row.strip() == "type: 'suite'" for row in told):
                continue
            groups = [name for depth, name in above if depth < len(found["space"])]
            outcome = "passed" if found["word"].lower() == "ok" else "failed"
            said = _without_dull(told) if outcome == "failed" and not found["aside"] else ""
            yield (
                _BETWEEN.join([*groups, found["name"]]),
                "skipped" if found["aside"] else outcome,
                said,
            )


def _diagnosis(lines: Sequence[str], number: int) -> list[str]:
    """Return the lines below a result that belong to it: a block between --- and ..., or comments."""
    found: list[str] = []
    for line in lines[number + 1 : number + 200]:
        if _TAP.match(line) or _SUBTEST.match(line) or re.match(r"^\s*1\.\.\d+$", line):
            break
        found.append(line)
        if line.strip() == "...":
            break
    return found


def _ticked(lines: Sequence[str]) -> Iterator[Row]:
    """Read the ticks and crosses of jest, vitest, mocha and node; names stand under those of their groups."""
    sections = _sections(lines)
    page = _Page(flush=any(_NODE_SUMS_UP.match(line) for line in lines))
    for line in _lists(lines):
        if row := page.read(line):
            test, outcome = row
            yield test, outcome, _taken(sections, test) if outcome == "failed" else ""


@dataclass(slots=True)
class _Page:
    """Where in a list the reading stands; ``flush`` says that tests may have no space before them.

    ``above`` holds the titles that the next line may belong to, with their depths, ``opened`` the groups that node
    will close with a mark of their own.
    """

    flush: bool
    above: list[tuple[int, str]] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)

    def read(self, line: str) -> tuple[str, str] | None:
        """Return the test (id, outcome) of a line, ``None`` when it names none."""
        marked = _MARKED.match(line)
        if not marked or not (marked["space"] or self.flush):
            self._title(line)
            return None
        self._leave(len(marked["space"]))
        name = re.sub(r"^(?:skipped|todo) ", "", marked["name"])
        if name in self.opened and not marked["off"]:
            self.opened.remove(name)
            return None
        outcome = "passed" if marked["good"] else "failed" if marked["bad"] else "skipped"
        return _BETWEEN.join([*(title for _, title in self.above[-3:]), name]), outcome

    def _title(self, line: str) -> None:
        if group := _OPENED.match(line.strip()):
            self.opened.append(group[1])
        if title := _title(line):
            depth = len(line) - len(line.lstrip())
            self._leave(depth)
            self.above.append((depth, title))

    def _leave(self, depth: int) -> None:
        self.above = [one for one in self.above if one[0] < depth]


def _lists(lines: Sequence[str]) -> Iterator[str]:
    """Yield the lines of the lists; jest tells of the failures of a file below its list."""
    telling = False
    for line in lines:
        if _OVER.match(line):
            return
        telling = not _FILE.match(line) if telling else _JEST_TELLS.match(line) is not None
        if not telling:
            yield line


def _title(line: str) -> str:
    if found := _FILE.match(line):
        return found[1]
    if found := _OPENED.match(line.strip()):
        return found[1]
    return line.strip()


def _sections(lines: Sequence[str]) -> list[tuple[str, str]]:
    """Return what is told of each failure, with its title."""
    found: list[tuple[str, list[str]]] = []
    inside = False
    heads: tuple[re.Pattern[str], ...] = _HEADS
    for line in lines:
        head = next((match for pattern in heads if (match := pattern.match(line))), None)
        heads = (*_HEADS, *_LATE_HEADS) if _OVER.match(line) else heads
        if head:
            found.append((re.sub(r"\s*›\s*", _BETWEEN, head["title"]), []))
            inside = True
        elif _TELLING_ENDS.match(line):
            inside = False
        elif inside:
            found[-1][1].append(line)
    return [(title, _without_dull(rows)) for title, rows in found]


def _taken(sections: list[tuple[str, str]], test: str) -> str:
    """Take out what is told of ``test``: under its title, or below a group's title that it belongs to."""
    name = test.rpartition(_BETWEEN)[2]
    for number, (title, text) in enumerate(sections):
        whole = title == test or test.endswith(f"{_BETWEEN}{title}") or title.endswith(f"{_BETWEEN}{test}")
        if whole or title == name or _is_below(title, text, name, test):
            return sections.pop(number)[1]
    return ""


def _is_below(title: str, text: str, name: str, test: str) -> bool:
    """True for mocha, which puts the titles of groups and test one below the other, with a colon at the end."""
    lines = [line.strip() for line in text.splitlines()[:4]]
    return f"{name}:" in lines and title in test.split(_BETWEEN)


def _without_dull(lines: Sequence[str]) -> str:
    kept = [line.rstrip() for line in lines if not _DULL.match(line)]
    return textwrap.dedent("\n".join(kept)).strip("\n")
