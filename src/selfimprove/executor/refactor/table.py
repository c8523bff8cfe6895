"""Table: every rewrite with its name, what it works on, what asks for it, and where its function is."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from selfimprove.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_ROOM = "selfimprove.executor.refactor"


class Rewrite(NamedTuple):
    """One rewrite. ``scope`` is what it is made for: a ``function``, or a ``file`` as a whole.

    ``at`` names its function as ``module:function`` in this room, loaded when it is first used. One that is ``large``
    makes a Draft of a function; the others return splices, which are gone when they are applied. ``subject`` is the
    first line of a commit, for a function ``{name}``; ``words`` are pylint's symbols that ask for it, ``rules`` ours.
    ``searches`` says that it is told the aims and which choices were refused, ``keeps`` that it is told whether a
    person asked for it (``lasting``), and may leave the old name behind. ``costs`` is true where what is made safer
    counts as more complex, as a with statement does.
    """

    name: str
    scope: str
    at: str
    subject: str
    help: str
    words: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    large: bool = False
    searches: bool = False
    keeps: bool = False
    costs: bool = False

    def function(self) -> Callable[..., Any]:
        """Return what does it."""
        module, _, name = self.at.partition(":")
        found: Callable[..., Any] = getattr(import_module(f"{_ROOM}.{module}"), name)
        return found


_DECISIONS = ("SI101", "SI107")
_SHAPE = ("SI103", "SI105")

_ALL = (
    Rewrite(
        "invert-guard",
        "function",
        "small.guards:invert_guards",
        "Return early in {name}",
        "Leave early instead of wrapping the rest of a function or loop in an if.",
        rules=_SHAPE,
    ),
    Rewrite(
        "else-after-return",
        "function",
        "small.else_return:unnest_else",
        "Unnest the else after a return in {name}",
        "Take the else away after a branch that always leaves.",
        words=("no-else-return", "no-else-raise", "no-else-continue", "no-else-break"),
        rules=_SHAPE,
    ),
    Rewrite(
        "merge-ifs",
        "function",
        "small.nesting:merge_ifs",
        "Merge nested ifs in {name}",
        "Join an if that holds nothing but another if.",
        rules=_SHAPE,
    ),
    Rewrite(
        "comprehension",
        "function",
        "small.comprehension:comprehend",
        "Use a comprehension in {name}",
        "Write a loop that only appends as a comprehension.",
        words=(
            "use-a-comprehension",
            "consider-using-dict-comprehension",
            "consider-using-set-comprehension",
        ),
    ),
    Rewrite(
        "dispatch",
        "function",
        "small.dispatch:dispatch",
        "Look up the cases of {name} in a table",
        "Replace a chain of comparisons with constants by a table or a match, where that is equal.",
        rules=_DECISIONS,
    ),
    Rewrite(
        "extract-function",
        "function",
        "extract.search:search",
        "Extract a function from {name}",
        "Move statements or conditions into functions of their own, until every one is within the limit.",
        words=("too-many-branches", "too-many-statements", "too-many-nested-blocks", "too-many-locals"),
        rules=("SI101", "SI103", "SI104", "SI105", "SI107"),
        large=True,
        searches=True,
    ),
    Rewrite(
        "move-to-function",
        "function",
        "moving.move:move_to_function",
        "Move {name} out of its class",
        "Make a method that does not use self a function of the module, and update its callers.",
        words=("no-self-use",),
        large=True,
        keeps=True,
    ),
    Rewrite(
        "unreachable",
        "file",
        "small.unreachable:remove_unreachable",
        "Remove unreachable code from {name}",
        "Remove statements that can never run.",
        words=("unreachable", "using-constant-test"),
    ),
    Rewrite(
        "unused",
        "file",
        "small.unused:remove_unused",
        "Remove unused code from {name}",
        "Remove private functions, imports and variables that nothing uses.",
        words=("unused-variable", "unused-private-member"),
    ),
    Rewrite(
        "with-open",
        "function",
        "small.closing:with_open",
        "Close files by a with statement in {name}",
        "Open what is closed again in a with statement.",
        words=("consider-using-with",),
        costs=True,
    ),
    Rewrite(
        "ruff-fixes",
        "file",
        "small.ruff:draft_fixes",
        "Apply ruff's safe fixes to {name}",
        "Apply the fixes that ruff calls safe.",
        words=(
            *("unused-import", "multiple-imports", "unnecessary-semicolon", "trailing-whitespace"),
            *(
                "unneeded-not",
                "unnecessary-negation",
                "missing-final-newline",
                "anomalous-backslash-in-string",
            ),
            *("f-string-without-interpolation", "unnecessary-pass", "unnecessary-ellipsis", "useless-return"),
            *("inconsistent-return-statements", "chained-comparison", "else-if-used", "useless-else-on-loop"),
            "consider-iterating-dictionary",
        ),
        large=True,
    ),
    Rewrite(
        "modernise",
        "file",
        "small.ruff:draft_modern",
        "Use the present Python in {name}",
        "Write f-strings, present annotations and literals, within the project's oldest Python.",
        words=(
            *("consider-using-f-string", "super-with-arguments", "useless-object-inheritance"),
            *("redundant-u-string-prefix", "superfluous-parens", "deprecated-typing-alias"),
            *("consider-alternative-union-syntax", "consider-using-alias"),
        ),
        large=True,
    ),
)
REWRITES: Mapping[str, Rewrite] = {one.name: one for one in _ALL}

_AIMS = {
    "SI101": "complexity",
    "SI103": "cognitive",
    "SI104": "length",
    "SI105": "nesting",
    "SI107": "branches",
}
"""The field of FunctionMetrics that a rule limits."""

_PYLINT_AIMS: Mapping[str, Mapping[str, int]] = {
    "too-many-branches": {"branches": 12},
    "too-many-statements": {"length": 50},
    "too-many-nested-blocks": {"nesting": 5},
}
"""pylint's own default limits."""

MOST_COMPLEX = 10
"""The complexity that a new function may have: radon's rank B."""


def for_finding(rule: str, word: str = "") -> tuple[str, ...]:
    """Return the names of the rewrites that can mend a finding of ``rule``, in the order in which they are tried.

    ``word`` is pylint's symbol (``no-else-return``) where pylint found it. Empty where only a model or a person can.
    """
    if word:
        return tuple(one.name for one in _ALL if word in one.words)
    return tuple(one.name for one in _ALL if rule in one.rules)


def aims_for(rule: str, limit: float | str, word: str = "") -> dict[str, int]:
    """Return what a rewrite has to reach for such a finding: highest values by field of FunctionMetrics.

    The complexity is always among them where functions are made, so that no new one is a finding itself.
    """
    if word:
        return dict(_PYLINT_AIMS.get(word, {}))
    field = _AIMS.get(rule)
    return {field: int(limit)} if field and not isinstance(limit, str) else {}


def named(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return ``names``. Raises UsageError for one that is no rewrite."""
    from difflib import get_close_matches

    for name in names:
        if name not in REWRITES:
            near = get_close_matches(name, REWRITES, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(REWRITES)}"
            raise UsageError(f"there is no rewrite {name}", hint=hint)
    return names
