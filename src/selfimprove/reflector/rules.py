"""Rules: one table of everything that an audit can find, and what a file's numbers say about it."""

from __future__ import annotations

from bisect import bisect_right
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from selfimprove.model.finding import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from selfimprove.codebase.measure.record import FileMetrics, FunctionMetrics
    from selfimprove.reflector.policy import Policy

UNUSED, UNREASONED = "SI001", "SI002"
COMPLEXITY, MAINTAINABILITY = "SI101", "SI102"
RANKS = ("A", "B", "C")
DEFAULT = (UNUSED, COMPLEXITY, MAINTAINABILITY)  # what is selected when nobody says anything else


class Rule(NamedTuple):
    """One rule. ``limit`` is the highest number, or the worst rank, that is still fine; in ``unit``.

    ``scope`` is ``function`` or ``file`` when the value is the field ``value`` of FunctionMetrics or
    FileMetrics, ``project`` when it takes more than one file, and ``line`` for what stands at one line.
    ``title`` is the verb of a task. ``extra`` says that the value is measured only when it is asked for;
    ``fixed`` that there is no limit that a person can set. ``summary`` is one sentence, ``help`` says how it
    is measured. ``message`` and ``suggestion`` are what a finding says; finders across files write their own.
    """

    id: str
    name: str
    scope: str
    limit: int | str
    unit: str
    title: str
    summary: str
    help: str
    value: str = ""
    message: str = ""
    suggestion: str = ""
    extra: bool = False
    fixed: bool = False


_KEEP = " Keep its name, parameters, results and errors as they are."


def _pylint(number: int, category: str, title: str, what: str) -> Rule:
    """Return the rule that stands for one category of pylint's messages."""
    return Rule(
        f"SI30{number}",
        f"pylint-{category}",
        "line",
        0,
        "messages",
        title,
        f"pylint says: {what}.",
        f"A message of pylint's category {category}, with pylint's own symbol and text. pylint's own "
        "configuration and its `# pylint: disable` comments count.",
        fixed=True,
    )


RULES: tuple[Rule, ...] = (
    Rule(
        UNUSED,
        "unused-suppression",
        "line",
        0,
        "comments",
        "Remove the unused suppression in",
        "A comment that silences a finding silences nothing.",
        "A `# selfimprove: ignore[...]` comment whose rules find nothing where it stands, or that names a rule "
        "that does not exist. Only rules that the audit looked for are judged.",
        fixed=True,
    ),
    Rule(
        UNREASONED,
        "suppression-without-reason",
        "line",
        0,
        "comments",
        "Say why findings are silenced in",
        "A comment that silences a finding does not say why.",
        "Write the reason behind the bracket: `# selfimprove: ignore[SI101] a table would hide the order`. A "
        "note, and found only when it is selected.",
        fixed=True,
    ),
    Rule(
        COMPLEXITY,
        "cyclomatic-complexity",
        "function",
        15,
        "decisions",
        "Simplify",
        "A function takes too many decisions.",
        "radon's cyclomatic complexity: 1, and 1 for each if, loop, except, assert, comprehension, conditional "
        "expression and boolean operator. A function inside of another has its own. Over twice the limit it is an "
        "error.",
        value="complexity",
        message="{symbol} has cyclomatic complexity {value}, limit {limit}",
        suggestion=(
            "Bring {symbol} ({where}) to a cyclomatic complexity of at most {limit}, and every function that "
            "you add too: move each separate decision into a function named by what it decides, replace chains "
            "of comparisons by a table, and leave early instead of nesting. Keep its name, parameters, results "
            "and errors as they are."
        ),
    ),
    Rule(
        MAINTAINABILITY,
        "maintainability-index",
        "file",
        "B",
        "rank",
        "Make more maintainable:",
        "A file is hard to maintain as a whole.",
        "radon's maintainability index, 0 to 100, over Halstead volume, cyclomatic complexity, logical lines and "
        "the share of comments. Rank A is over 19, B over 9, C the rest.",
        value="rank",
        message="{path} has maintainability {value} (index {index}), limit {limit}",
        suggestion=(
            "Raise the maintainability index of {path} to rank {limit} or better (A is over 19, B over "
            "9). It falls with the number of statements, their decisions and the volume of expressions: "
            "delete what nothing uses, join what is repeated, simplify the largest functions, and say in "
            "docstrings what the parts are for. Keep every name that other files import."
        ),
    ),
    Rule(
        "SI103",
        "cognitive-complexity",
        "function",
        15,
        value="cognitive",
        extra=True,
        unit="points",
        title="Untangle",
        summary="A function is hard to follow for a reader.",
        help="Cognitive complexity as complexipy counts it: a break in the linear flow costs 1, and 1 more "
        "for each level that it is nested in. Over twice the limit it is an error.",
        message="{symbol} has cognitive complexity {value}, limit {limit}",
        suggestion="Bring {symbol} ({where}) to a cognitive complexity of at most {limit}: leave early "
        "instead of nesting, move the inside of a loop into a function of its own, and give a long condition "
        "a name." + _KEEP,
    ),
    Rule(
        "SI104",
        "function-length",
        "function",
        80,
        value="length",
        extra=True,
        unit="lines",
        title="Shorten",
        summary="A function is too long to be seen at once.",
        help="Lines from `def` to the end of the function, with its docstring, comments and blank lines. "
        "Over twice the limit it is an error.",
        message="{symbol} is {value} lines long, limit {limit}",
        suggestion="Bring {symbol} ({where}) to at most {limit} lines: each part that could have a heading "
        "becomes a function with that heading as its name." + _KEEP,
    ),
    Rule(
        "SI105",
        "nesting-depth",
        "function",
        5,
        value="nesting",
        extra=True,
        unit="levels",
        title="Flatten",
        summary="Blocks in a function are nested too deeply.",
        help="The deepest level of blocks (if, for, while, with, try, match) inside of each other. Over "
        "twice the limit it is an error.",
        message="{symbol} nests blocks {value} levels deep, limit {limit}",
        suggestion="Bring {symbol} ({where}) to at most {limit} levels of blocks: leave early, join "
        "conditions, and move the innermost blocks into a function of their own." + _KEEP,
    ),
    Rule(
        "SI106",
        "parameters",
        "function",
        7,
        value="parameters",
        extra=True,
        unit="parameters",
        title="Take fewer parameters in",
        summary="A function takes too many parameters.",
        help="Parameters of every kind, `*args` and `**kwargs` too, without self and cls. Over twice the "
        "limit it is an error.",
        message="{symbol} takes {value} parameters, limit {limit}",
        suggestion="Bring {symbol} ({where}) to at most {limit} parameters: parameters that always travel "
        "together become one object with a name, and a flag that chooses between two behaviours becomes two "
        "functions."
        " Change every caller with it, and keep results and errors as they are.",
    ),
    Rule(
        "SI107",
        "branches",
        "function",
        15,
        value="branches",
        extra=True,
        unit="branches",
        title="Divide",
        summary="A function has too many branches.",
        help="Branches as pylint's too-many-branches (R0912) counts them. Over twice the limit it is an error.",
        message="{symbol} has {value} branches, limit {limit}",
        suggestion="Bring {symbol} ({where}) to at most {limit} branches: replace a chain of comparisons by "
        "a table, and move each group of branches into a function named by what it decides." + _KEEP,
    ),
    Rule(
        "SI108",
        "returns",
        "function",
        6,
        value="returns",
        extra=True,
        unit="return statements",
        title="Join the returns of",
        summary="A function returns in too many places.",
        help="Return statements as pylint's too-many-return-statements (R0911) counts them. Over twice the "
        "limit it is an error.",
        message="{symbol} has {value} return statements, limit {limit}",
        suggestion="Bring {symbol} ({where}) to at most {limit} return statements: replace a chain of "
        "comparisons by a table, and join cases that give the same answer." + _KEEP,
    ),
    Rule(
        "SI201",
        "duplicated-block",
        "project",
        10,
        "statements",
        "Join what is repeated in",
        "The same statements stand in more than one place.",
        "Blocks of statements with the same structure, over all files that are measured. The limit is the number "
        "of statements from which on a repeated block counts.",
        extra=True,
    ),
    Rule(
        "SI202",
        "import-cycle",
        "project",
        1,
        "modules",
        "Break the import cycle of",
        "Modules import each other in a circle.",
        "Imports that run when a module is loaded lead back to where they started. Imports inside of functions and "
        "those only for types do not count.",
        extra=True,
        fixed=True,
    ),
    _pylint(1, "convention", "Follow the conventions in", "this does not follow the conventions"),
    _pylint(2, "refactor", "Restructure", "this wants to be restructured"),
    _pylint(3, "warning", "Mend", "this is a likely mistake"),
    _pylint(4, "error", "Mend", "this is a mistake"),
    _pylint(5, "fatal", "Make readable for pylint:", "it could not look any further"),
)
BY_ID: Mapping[str, Rule] = {rule.id: rule for rule in RULES}
# pylint's category, as `audit.pylint` names it, and the rule that its messages are found under.
PYLINT: Mapping[str, str] = {
    rule.name.removeprefix("pylint-"): rule.id for rule in RULES if rule.name.startswith("pylint-")
}


def describe() -> list[dict[str, Any]]:
    """Return the table as plain data, for reports: id, name, summary, help, limit, unit and scope."""
    names = ("id", "name", "summary", "help", "limit", "unit", "scope")
    return [{name: getattr(rule, name) for name in names} for rule in RULES]


def facts(path: str, metrics: FileMetrics, policy: Policy) -> Iterator[Finding]:
    """Yield every value of every wanted rule about functions and files, also within the limit."""
    return _read(path, metrics, policy, lambda _value, _limit: True)


def findings(path: str, metrics: FileMetrics, policy: Policy) -> list[Finding]:
    """Return what is over its limit in one file, functions from the top and then the file."""
    return list(_read(path, metrics, policy, lambda value, limit: value > limit))


def place(metrics: FileMetrics, line: int) -> tuple[int | None, int]:
    """Return the notebook cell of a line of the text that was measured and the line in it, from 1.

    The cell of a file that is no notebook is None, and the line stays.
    """
    at = bisect_right(metrics.cells, (line, float("inf"))) - 1
    if at < 0:
        return None, line
    first, number = metrics.cells[at]
    return number, line - first + 1


def severity(rule: str, value: float | str, limit: float | str) -> Severity:
    """Return how bad a value over its limit is: a number over twice the limit is an error, a rank a warning."""
    if rule == UNREASONED:
        return Severity.NOTE
    if isinstance(value, str) or isinstance(limit, str) or value <= 2 * limit or BY_ID[rule].fixed:
        return Severity.WARNING
    return Severity.ERROR


def _read(
    path: str, metrics: FileMetrics, policy: Policy, counts: Callable[[Any, Any], bool]
) -> Iterator[Finding]:
    """Yield findings for the values that count. Most do not: an object is made only for those that do."""
    limits = policy.limits(path)
    wanted = [(rule, _VALUE[rule.id], limits[rule.id]) for rule in _MEASURED if rule.id in limits]
    of_functions = [one for one in wanted if one[0].scope == "function"]
    for function in metrics.functions:
        for rule, read, limit in of_functions:
            value = read(function)
            if value is not None and counts(value, limit):
                yield _of_function(rule, path, metrics, function, limit)
    for rule, read, limit in wanted:
        if rule.scope == "file" and counts(read(metrics), limit):
            yield _of_file(rule, path, metrics, limit)


def _of_function(
    rule: Rule, path: str, metrics: FileMetrics, function: FunctionMetrics, limit: float | str
) -> Finding:
    value = _VALUE[rule.id](function)
    cell, line = place(metrics, function.line)
    end_line = line + function.end_line - function.line
    where = f"{path}, {f'cell {cell}, ' if cell else ''}lines {line} to {end_line}"
    words = {"symbol": function.symbol, "value": value, "limit": limit, "where": where}
    return Finding(
        rule=rule.id,
        path=path,
        line=line,
        end_line=end_line,
        symbol=function.symbol,
        severity=severity(rule.id, value, limit),
        value=value,
        limit=limit,
        message=rule.message.format_map(words),
        suggestion=rule.suggestion.format_map(words),
        ordinal=function.ordinal,
        cell=cell,
        body=function.body,
    )


def _of_file(rule: Rule, path: str, metrics: FileMetrics, limit: float | str) -> Finding:
    value = _VALUE[rule.id](metrics)
    words = {"path": path, "value": value, "limit": limit, "index": f"{metrics.maintainability:.2f}"}
    return Finding(
        rule=rule.id,
        path=path,
        line=1,
        end_line=metrics.lines,
        symbol="",
        severity=severity(rule.id, value, limit),
        value=value,
        limit=limit,
        message=rule.message.format_map(words),
        suggestion=rule.suggestion.format_map(words),
    )


_MEASURED = tuple(rule for rule in RULES if rule.value)
_VALUE: dict[str, Callable[[Any], Any]] = {rule.id: attrgetter(rule.value) for rule in _MEASURED}
