"""Picking: which functions of the person's tree they mean, as wishes for rewrites, and which are fine already."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from selfimprove import wiring_audit
from selfimprove.codebase.testing import is_test
from selfimprove.errors import UsageError
from selfimprove.executor.refactor.table import REWRITES, named
from selfimprove.executor.refactor.wish import Wish
from selfimprove.executor.refactoring import wish_for
from selfimprove.model.finding import fingerprint
from selfimprove.model.refactored import End, Refactored
from selfimprove.model.task import Task, slug

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from selfimprove.codebase.measure.record import FileMetrics, FunctionMetrics
    from selfimprove.target import Target

RANKS = {"A": 1, "B": 6, "C": 11, "D": 21, "E": 31, "F": 41}
"""The lowest complexity of each of radon's ranks."""

COMPLEXITY = "SI101"


class Asked(NamedTuple):
    """What a person says: ``places`` are ``PATH``, ``PATH:FUNCTION`` or ``PATH:LINE``; ``everything`` is the tree.

    ``limit`` is the highest complexity that is fine, ``rank`` the best rank that is looked at.
    """

    places: tuple[str, ...] = ()
    everything: bool = False
    rewrites: tuple[str, ...] = ()
    rank: str = "C"
    limit: int = 10

    @property
    def lowest(self) -> int:
        """The lowest complexity of a function that is looked at where none was named."""
        return max(RANKS[self.rank], self.limit + 1)


class Picked(NamedTuple):
    """A function, or a file, that is to be rewritten. ``line`` is where it begins, ``value`` its complexity."""

    wish: Wish
    line: int = 0
    value: int = 0

    @property
    def name(self) -> str:
        """What it is called: ``Class.method``, or the file."""
        return self.wish.symbol or self.wish.path


def pick(target: Target, asked: Asked, folder: Path) -> tuple[list[Picked], list[Refactored]]:
    """Return what is to be rewritten, the most complex first, and the rows of what is fine as it is.

    ``folder`` is where the person stands. Raises UsageError for what does not exist, with near names.
    """
    named(asked.rewrites)
    if asked.everything:
        return _everything(target, asked), []
    picked: list[Picked] = []
    fine: list[Refactored] = []
    for place in asked.places:
        path, colon, symbol = _divided(place, folder)
        name = _relative(target, folder / path)
        metrics = _measured(target, name)
        if not colon:
            picked += _whole_file(name, metrics, asked)
            continue
        function = find(metrics.functions, symbol, name)
        if asked.rewrites or function.complexity > asked.limit:
            picked.append(_picked(name, function, asked))
        else:
            fine.append(_is_fine(name, function, asked.limit))
    once = {(one.wish.path, one.wish.symbol, one.wish.ordinal): one for one in picked}
    return list(once.values()), fine


def _is_fine(path: str, function: FunctionMetrics, limit: int) -> Refactored:
    reason = f"complexity {function.complexity} is at most {limit} already"
    values = {name: getattr(function, name) for name in ("complexity", "cognitive")}
    numbers = {name: {"before": value, "after": value} for name, value in values.items()}
    return Refactored(path, function.symbol, End.NOTHING, reason, function.line, metrics=numbers)


def _everything(target: Target, asked: Asked) -> list[Picked]:
    """Return every function that the audit finds over the limit, tests aside: they are what proves a rewrite.

    What comments silence is left alone.
    """
    auditor = wiring_audit.build_auditor(target, accepts=False)
    found = [
        Picked(_wish(one.path, one.symbol, one.ordinal, asked), one.line, int(one.value))
        for one in auditor.survey().findings
        if one.rule == COMPLEXITY
        and one.cell is None
        and not is_test(one.path)
        and int(one.value) >= asked.lowest
    ]
    return sorted(found, key=lambda one: (-one.value, one.wish.path, one.line))


def _whole_file(path: str, metrics: FileMetrics, asked: Asked) -> list[Picked]:
    if asked.rewrites and not any(REWRITES[name].searches for name in asked.rewrites):
        return [Picked(_wish(path, "", 1, asked), 1)]
    over = [one for one in metrics.functions if one.complexity >= asked.lowest]
    return [_picked(path, one, asked) for one in sorted(over, key=lambda one: (-one.complexity, one.line))]


def _picked(path: str, function: FunctionMetrics, asked: Asked) -> Picked:
    wish = _wish(path, function.symbol, function.ordinal, asked)
    return Picked(wish, function.line, function.complexity)


def _wish(path: str, symbol: str, ordinal: int, asked: Asked) -> Wish:
    if not asked.rewrites:
        wish = wish_for(path, symbol, ordinal, COMPLEXITY, asked.limit)
        return replace(wish, aims=wish.least)  # a person who says a limit means that one
    aims = {"complexity": asked.limit} if any(REWRITES[name].searches for name in asked.rewrites) else {}
    return Wish(path, symbol, ordinal, asked.rewrites, aims, by_hand=True)


def _divided(place: str, folder: Path) -> tuple[str, str, str]:
    """Return the path, whether a function follows, and its name."""
    path, colon, symbol = place.rpartition(":")
    if not colon or (folder / place).exists():
        return place, "", ""
    return path, colon, symbol


def _relative(target: Target, path: Path) -> str:
    """Return a Python file's name from the root. Raises UsageError when it is none, or not in the repository."""
    root, full = target.repo.root.resolve(), path.resolve()
    if not full.is_relative_to(root):
        raise UsageError(f"{path} is not in this repository", where=str(root))
    name = full.relative_to(root).as_posix()
    if not full.exists():
        near = _near(name, (one for one in target.repo.files() if one.endswith(".py")))
        raise UsageError(f"there is no file {name}", hint=near or "selfimprove audit shows what there is")
    if full.is_dir() or full.suffix != ".py":
        hint = "selfimprove refactor --all" if full.is_dir() else "only .py files are rewritten"
        raise UsageError(f"{name} is not a Python file", hint=hint)
    return name


def _measured(target: Target, path: str) -> FileMetrics:
    from selfimprove.codebase.measure.measure import measure
    from selfimprove.codebase.measure.record import MeasureError

    try:
        return measure((target.repo.root / path).read_bytes(), extra=True)
    except (MeasureError, OSError) as error:
        raise UsageError(f"{path} cannot be read as Python: {error}", where=path) from None


def find(functions: Sequence[FunctionMetrics], name: str, path: str) -> FunctionMetrics:
    """Return the function that ``name`` means: qualified, bare where that is unique, ``name#2`` or a line number.

    Of several with one qualified name (a property and its setter) the most complex is meant. Raises UsageError.
    """
    if name.isdigit():
        return _at_line(functions, int(name), path)
    symbol, _, number = name.partition("#")
    exact = [one for one in functions if one.symbol == symbol and (not number or str(one.ordinal) == number)]
    if exact:
        return max(exact, key=lambda one: (one.complexity, -one.ordinal))
    bare = [one for one in functions if _bare(one) == name]
    if len({one.symbol for one in bare}) > 1:
        names = ", ".join(sorted({one.symbol for one in bare}))
        raise UsageError(f"{path} has more than one {name}", hint=f"say which: {names}")
    if bare:
        return max(bare, key=lambda one: (one.complexity, -one.ordinal))
    hint = _near(symbol, [one.symbol for one in functions], map(_bare, functions)) or _names(functions)
    raise UsageError(f"{path} has no function {name}", where=path, hint=hint)


def _bare(function: FunctionMetrics) -> str:
    return function.symbol.rpartition(".")[2]


def _at_line(functions: Sequence[FunctionMetrics], line: int, path: str) -> FunctionMetrics:
    """Return the innermost function around a line."""
    around = [one for one in functions if (one.first_line or one.line) <= line <= one.end_line]
    if not around:
        raise UsageError(f"no function stands at line {line}", where=f"{path}:{line}", hint=_names(functions))
    return max(around, key=lambda one: one.line)


def _names(functions: Sequence[FunctionMetrics]) -> str:
    names = sorted({one.symbol for one in functions})
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return f"it has {', '.join(names[:10])}{more}" if names else "it has no function"


def _near(name: str, *lists: Iterable[str]) -> str:
    from difflib import get_close_matches

    near = [one for names in lists for one in get_close_matches(name, sorted({*names}), n=3)]
    return f"did you mean {' or '.join(dict.fromkeys(near))}?" if near else ""


def tasks_for(
    picked: Sequence[Picked], known: Sequence[Task], limit: int
) -> tuple[list[Task], dict[str, Wish]]:
    """Return a task for each, and the wishes by the tasks' ids. One that tasks.yml has pending is that task."""
    open_ones = {task.fingerprint: task for task in known if task.fingerprint and task.status == "pending"}
    taken = {task.id for task in known}
    tasks: list[Task] = []
    for one in picked:
        task = open_ones.get(_print(one.wish) or "") or _task(one, limit, taken)
        taken.add(task.id)
        tasks.append(task)
    return tasks, {task.id: one.wish for task, one in zip(tasks, picked, strict=True)}


def _print(wish: Wish) -> str | None:
    """Return the fingerprint of the finding that goes when the wish comes true; None when there is none."""
    return fingerprint(COMPLEXITY, wish.path, wish.symbol, wish.ordinal) if wish.aims else None


def _task(one: Picked, limit: int, taken: Collection[str]) -> Task:
    wish = one.wish
    base = slug("refactor", Path(wish.path).stem, wish.symbol.rpartition(".")[2])
    name, number = base, 1
    while name in taken:
        number += 1
        name = f"{base}-{number}"
    told = f"{wish.symbol} has cyclomatic complexity {one.value}, limit {limit}" if wish.aims else ""
    moves = any(REWRITES[rewrite].keeps for rewrite in wish.rewrites)
    return Task(
        name,
        f"Rewrite {one.name}",
        told,
        prompt=f"Rewrite {one.name} by {', '.join(wish.rewrites)}.",
        files=() if moves else (wish.path,),
        priority=one.value,
        category="refactor",
        source="hand",
        fingerprint=_print(wish),
    )
