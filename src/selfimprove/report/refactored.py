"""Refactored: what became of each function that was to be rewritten, as JSON and as lines for a person."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from selfimprove.model.refactored import End
from selfimprove.report.json import run_entry
from selfimprove.report.wording import count, visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selfimprove.model.refactored import Refactored
    from selfimprove.model.run import Run

_MARK = {
    End.DONE: "✓",
    End.PROPOSED: "✓",
    End.NOTHING: "·",
    End.LEFT: "·",
    End.REFUSED: "-",
    End.UNPROVED: "?",
    End.FAILED: "✗",
}
_WORDS = {
    End.DONE: "done",
    End.PROPOSED: "can be tried",
    End.NOTHING: "nothing to do",
    End.LEFT: "not finished",
    End.REFUSED: "not done",
    End.UNPROVED: "unproved",
    End.FAILED: "failed",
}
_HIGHEST = {"A": 5, "B": 10, "C": 20, "D": 30, "E": 40}
"""The highest complexity of each of radon's ranks."""


def refactored_data(rows: Sequence[Refactored], run: Run | None, *, dry_run: bool) -> dict[str, Any]:
    """Return the ``data`` of ``refactor``; ``run`` is None when none was opened."""
    return {
        "dry_run": dry_run,
        "run": run and run_entry(run),
        "functions": [row.to_dict() for row in rows],
    }


def refactored_text(rows: Sequence[Refactored], *, dry_run: bool, hints: Sequence[str] = ()) -> str:
    """Return the diffs of a dry run, a block of lines for each function, the sum of them and what to type next."""
    diffs = [visible_diff(row.diff) for row in rows if dry_run and row.diff]
    if not rows:
        return "Nothing to do: no function is over the limit.\n"
    width = max(len(_place(row)) for row in rows)
    lines = [line for row in rows for line in _lines(row, width)]
    return "".join(diffs) + ("\n" if diffs else "") + "\n".join([*lines, total(rows), *hints]) + "\n"


def visible_diff(diff: str) -> str:
    """Return a diff of which nothing steers a terminal; tabs stay."""
    return "\n".join("\t".join(map(visible, line.split("\t"))) for line in diff.split("\n"))


def total(rows: Sequence[Refactored]) -> str:
    """Return ``2 done, 1 unproved.  3 new functions.``."""
    ends = Counter(row.status for row in rows)
    words = [f"{ends[end]} {word}" for end, word in _WORDS.items() if ends[end]]
    new = sum(len(row.added) for row in rows)
    return f"{', '.join(words)}." + (f"  {count(new, 'new function')}." if new else "")


def rank(complexity: int) -> str:
    """Return radon's letter: A to 5, B to 10, C to 20, D to 30, E to 40, else F."""
    return next((letter for letter, most in _HIGHEST.items() if complexity <= most), "F")


def _place(row: Refactored) -> str:
    return visible(f"{row.path}:{row.symbol}" if row.symbol else row.path)


def _lines(row: Refactored, width: int) -> list[str]:
    facts = [*_numbers(row), *([row.commit[:7]] if row.commit else [])]
    said = [f"{_MARK[row.status]} {_place(row):<{width}}", *facts]
    held = row.status not in (End.DONE, End.PROPOSED)
    lines = ["  ".join(said).rstrip()]
    if row.reason and held:
        lead = "" if row.reason.startswith(_WORDS[row.status]) else f"{_WORDS[row.status]}: "
        lines.append(f"    {lead}{visible(row.reason)}")
    elif row.subject:
        lines.append(f"    {visible(row.subject)}  ({', '.join(row.rewrites)})")
    for one in row.added:
        lines.append(f"    + {visible(one['symbol'])}{_of_added(one)}")
    if row.covered and row.covered.get("total"):
        lines.append(f"    {_covered(row.covered)}")
    if row.reason and not held:
        lines.append(f"    note: {visible(row.reason)}")
    return lines


def _numbers(row: Refactored) -> list[str]:
    found = []
    for name, one in row.metrics.items():
        before, after = one.get("before"), one.get("after")
        if before is None or after is None:
            continue
        if name == "complexity":
            ranks = rank(before), rank(after)
            letters = ranks[0] if ranks[0] == ranks[1] else f"{ranks[0]} -> {ranks[1]}"
            found.append(f"{name} {before} -> {after} ({letters})" if before != after else f"{name} {before}")
        elif before != after:
            found.append(f"{name} {before} -> {after}")
    return found


def _of_added(one: dict[str, Any]) -> str:
    known = [f"{name} {one[name]}" for name in ("complexity", "cognitive") if one.get(name) is not None]
    return f"  {', '.join(known)}, line {one['line']}" if known else f"  line {one['line']}"


def _covered(covered: dict[str, Any]) -> str:
    executed, whole = covered["executed"], covered["total"]
    missing = ", ".join(map(str, covered.get("missing", ())[:8]))
    return f"new lines that tests run: {executed} of {whole}" + (f", not line {missing}" if missing else "")
