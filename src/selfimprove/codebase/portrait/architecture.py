"""Architecture: the tree, its largest and most complex parts, hot spots and the test map, as a page of Markdown."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from selfimprove.codebase.portrait.facts import Hot
from selfimprove.codebase.portrait.imports import folder_of
from selfimprove.codebase.portrait.markup import (
    MARKER,
    about,
    code,
    codes,
    count,
    plain,
    size,
    size_order,
    table,
)
from selfimprove.codebase.portrait.public import is_aside
from selfimprove.codebase.testing import is_test

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from selfimprove.codebase.measure.record import FileMetrics
    from selfimprove.codebase.portrait.facts import Portrait

HOT = "## Hot spots"
"""The heading of the section that needs git's history."""

_FOLDERS, _LARGEST, _COMPLEX, _ALONE, _TESTS, _PROBLEMS = 60, 12, 15, 40, 30, 30
_RANKS = ((5, "A"), (10, "B"), (20, "C"), (30, "D"), (40, "E"))
_CELL = re.compile(r"\| (?P<file>`+ ?.*? ?`+) \| \d[^|]* \| [^|]* \| (?:about )?(?P<commits>[\d,]+) \|$")


def architecture(portrait: Portrait) -> str:
    """Return the page; sections for which there is nothing to say are not in it."""
    parts = [
        f"{MARKER}\n# Architecture of {plain(portrait.name)}\n",
        "## Tree\n",
        _tree(portrait),
    ]
    sections = (
        ("## Largest modules", _largest(portrait)),
        ("## Complexity", _complexity(portrait)),
        (HOT, _hot(portrait)),
        ("## Tests", _tests(portrait)),
        ("## Not analysed", _not_analysed(portrait)),
    )
    for title, body in sections:
        if body:
            parts += [f"{title}\n", body]
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def _tree(portrait: Portrait) -> str:
    """Return the folders with what is in them and below; the deepest are folded until they fit."""
    if not portrait.names:
        return "There are no files.\n"
    depth = max(name.count("/") for name in portrait.names)
    folders = set(_all_folders(portrait.names, depth))
    while len(folders) > _FOLDERS and depth > 1:
        depth -= 1
        folders = set(_all_folders(portrait.names, depth))
    files: Counter[str] = Counter()
    languages: dict[str, Counter[str]] = defaultdict(Counter)
    for name in portrait.names:
        for folder in _all_folders([name], depth):
            files[folder] += 1
            if (one := portrait.outlines.get(name)) and one.language:
                languages[folder][one.language] += 1
    order = sorted(folders)
    if len(order) > _FOLDERS:
        order = sorted(sorted(order, key=lambda one: (-files[one], one))[:_FOLDERS])
    rows = [
        (code(one), about(files[one]), _spoken(languages[one]), plain(_said(portrait, one))) for one in order
    ]
    more = (
        f"\nAnd {count(len(folders) - len(order), 'smaller folder')}.\n" if len(folders) > len(order) else ""
    )
    note = "Files are counted with those of the folders below."
    return f"{note}\n\n" + table(("Folder", "Files", "Languages", "What it says of itself"), rows) + more


def _all_folders(names: Iterable[str], depth: int) -> Iterable[str]:
    for name in names:
        yield "."
        parts = name.split("/")[:-1]
        yield from ("/".join(parts[:at]) for at in range(1, min(len(parts), depth) + 1))


def _spoken(languages: Counter[str]) -> str:
    order = sorted(languages, key=lambda name: (-languages[name], name))
    return ", ".join(order[:3]) + (" and others" if len(order) > 3 else "")


def _said(portrait: Portrait, folder: str) -> str:
    package = portrait.outlines.get(f"{folder}/__init__.py")
    return package.doc if package else ""


def _largest(portrait: Portrait) -> str:
    own = {
        path: one
        for path, one in portrait.outlines.items()
        if (one.defined or one.language == "python") and not is_aside(path) and one.lines > 20
    }
    order = sorted(own, key=lambda path: (size_order(own[path].lines), path))[:_LARGEST]
    rows = [(code(path), size(own[path].lines), plain(own[path].doc)) for path in order]
    return table(("File", "Lines", "What it says of itself"), rows) if rows else ""


def rank(complexity: int) -> str:
    """Return radon's rank of a cyclomatic complexity, A to F."""
    return next((letter for most, letter in _RANKS if complexity <= most), "F")


def _complexity(portrait: Portrait) -> str:
    functions = [
        (one.complexity, path, one.symbol)
        for path, metrics in portrait.measured.items()
        if not is_test(path)
        for one in metrics.functions
    ]
    if not functions:
        return ""
    ranks = Counter(rank(complexity) for complexity, _, _ in functions)
    shares = [(letter, _share(ranks[letter], len(functions))) for letter in "ABCDEF" if ranks[letter]]
    worst = sorted(functions, key=lambda one: (-one[0], one[1], one[2]))[:_COMPLEX]
    rows = [
        (code(symbol), str(value), rank(value), code(path)) for value, path, symbol in worst if value > 10
    ]
    parts = [
        f"{about(len(functions)).capitalize()} functions outside of tests. Cyclomatic "
        "complexity by radon's ranks (A: up to 5, B: 10, C: 20, D: 30, E: 40, F: more):\n",
        table(("Rank", "Share of the functions"), shares),
        _maintainability({path: one for path, one in portrait.measured.items() if not is_test(path)}),
    ]
    if rows:
        parts += ["The most complex functions:\n", table(("Function", "Complexity", "Rank", "File"), rows)]
    return "\n".join(parts)


def _share(part: int, whole: int) -> str:
    """Return a share as a whole percentage; a few among many are counted, since each of them is a fact."""
    percent = 100 * part / whole
    return f"{round(percent)} %" if percent >= 2 and part >= 20 else f"{part:,} of them"


def _maintainability(files: Mapping[str, FileMetrics]) -> str:
    low = sorted((one.rank, path) for path, one in files.items() if one.rank != "A")
    if not low:
        return "All files have a maintainability index of rank A (over 19).\n"
    worse = [path for letter, path in low if letter == "C"]
    words = f"{count(len(low), 'file')} with a maintainability index under rank A (19 or less)"
    listed = f"; of rank C (9 or less): {codes(worse[:_COMPLEX])}" if worse else ""
    more = f" and {len(worse) - _COMPLEX} more" if len(worse) > _COMPLEX else ""
    return f"{words}{listed}{more}.\n"


def _hot(portrait: Portrait) -> str:
    rows = [
        (code(one.path), str(_sum(metrics)), code(_worst(metrics)), about(one.commits))
        for one in portrait.hot or ()
        if (metrics := portrait.measured.get(one.path))
    ]
    if not rows:
        return ""
    head = (
        "Files that are complex and that many recent commits changed, the product of both deciding the order: what is "
        "hard to change here costs most.\n\n"
    )
    return head + table(("File", "Complexity, summed", "Most complex function", "Commits"), rows)


def _sum(metrics: FileMetrics) -> int:
    return sum(one.complexity for one in metrics.functions)


def _worst(metrics: FileMetrics) -> str:
    return (
        max(metrics.functions, key=lambda one: (one.complexity, one.symbol)).symbol
        if metrics.functions
        else "-"
    )


def carried_hot(document: str, portrait: Portrait) -> tuple[Hot, ...]:
    """Return the hot spots that ``document`` lists, in its order, as far as their files are still there."""
    by_cell = {code(path): path for path in portrait.measured}
    section = document.partition(f"\n{HOT}\n")[2].partition("\n## ")[0]
    found = []
    for line in section.splitlines():
        row = _CELL.match(line)
        if row and (path := by_cell.get(row["file"])):
            found.append(Hot(path, int(row["commits"].replace(",", ""))))
    return tuple(found)


def _tests(portrait: Portrait) -> str:
    found = portrait.tests
    if not found.files and not found.alone:
        return ""
    if not found.files:
        return "There are no test files.\n"
    with_tests: Counter[str] = Counter(folder_of(path) for path in found.tests)
    without: Counter[str] = Counter(folder_of(path) for path in found.alone)
    order = sorted(with_tests.keys() | without.keys())
    rows = [(code(one), str(with_tests[one]), str(without[one])) for one in order]
    if len(rows) > _TESTS:
        rows = [(code(a), str(b), str(c)) for a, b, c in _folded(with_tests, without)]
    parts = [
        "A module counts as tested when a test file imports it, takes a name of it through a package, or is named "
        "after it; what is only run through other modules is not seen here.\n",
        table(("Folder", "Modules with tests", "Without"), rows),
    ]
    if found.tests:
        best = sorted(found.tests, key=lambda path: (-len(found.tests[path]), path))[:_LARGEST]
        listed = [(code(path), _listed(found.tests[path])) for path in best]
        parts += ["Modules that most test files are about:\n", table(("Module", "Test files"), listed)]
    if found.alone:
        more = f" and {len(found.alone) - _ALONE} more" if len(found.alone) > _ALONE else ""
        parts += [f"Without a test of their own: {codes(found.alone[:_ALONE])}{more}.\n"]
    return "\n".join(parts)


def _folded(with_tests: Counter[str], without: Counter[str]) -> list[tuple[str, int, int]]:
    """Return the rows by the outermost two folders."""
    rows: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for at, counter in enumerate((with_tests, without)):
        for folder, number in counter.items():
            rows["/".join(folder.split("/")[:2])][at] += number
    ordered = sorted(rows, key=lambda one: (-sum(rows[one]), one))[:_TESTS]
    return [(one, rows[one][0], rows[one][1]) for one in sorted(ordered)]


def _listed(files: tuple[str, ...]) -> str:
    return codes(files[:4]) + (f" and {about(len(files) - 4)} more" if len(files) > 4 else "")


def _not_analysed(portrait: Portrait) -> str:
    rows = [(code(path), plain(reason)) for path, reason in portrait.not_analysed]
    more = f"\nAnd {count(len(rows) - _PROBLEMS, 'more file')}.\n" if len(rows) > _PROBLEMS else ""
    return table(("File", "Why"), rows[:_PROBLEMS]) + more if rows else ""
