"""Gaps: compares a repository's facts with the rules of good practice and says what is missing, and why."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from selfimprove.errors import UsageError
from selfimprove.model.gap import Gap, Standing
from selfimprove.reflector.gaps.rules import ALIASES, RULES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from selfimprove.codebase.project.facts import Facts
    from selfimprove.model.finding import Finding
    from selfimprove.reflector.gaps.rules import Rule


def gaps(facts: Facts, names: Iterable[str] = ()) -> list[Gap]:
    """Return how the repository stands to each rule, or to those of ``names``, in the order of the table."""
    wanted = {*chosen(names)}
    return [_gap(rule, facts) for name, rule in RULES.items() if not wanted or name in wanted]


def findings(facts: Facts, names: Iterable[str] = ()) -> list[Finding]:
    """Return a finding for each file that is missing and can be made; their tasks need no model."""
    return [one.to_finding() for one in gaps(facts, names) if one.standing is Standing.MISSING]


def chosen(names: Iterable[str]) -> tuple[str, ...]:
    """Return the rules that ``names`` mean: by name, alias, id or file. Raises UsageError with near names."""
    return tuple(dict.fromkeys(_named(one) for one in names))


def _named(word: str) -> str:
    plain = word.strip().casefold()
    known = (
        {rule.id.casefold(): name for name, rule in RULES.items()} | ALIASES | {name: name for name in RULES}
    )
    if found := known.get(plain) or known.get(plain.lstrip(".").partition(".")[0]):
        return found
    if found := next(
        (name for name, rule in RULES.items() if rule.present and rule.present.fullmatch(plain)), ""
    ):
        return found
    near = get_close_matches(plain, known, n=2)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(RULES)}"
    raise UsageError(f"there is no file of good practice called {word}", hint=hint)


def _gap(rule: Rule, facts: Facts) -> Gap:
    if there := _there(rule, facts):
        own = there in {name.lower() for name in facts.names}
        path = next((name for name in facts.names if name.lower() == there), there)
        reason = "" if own else "it is in your tree and not in the last commit"
        return Gap(rule.id, rule.name, rule.title, Standing.PRESENT, path, reason)
    verdict = rule.wants(facts)
    path, *more = verdict.files or ("",)
    standing = Standing.UNDECIDED if verdict.hint else Standing.MISSING if path else Standing.UNSUITED
    if verdict.there:
        standing, path = Standing.PRESENT, verdict.there
    return Gap(
        *(rule.id, rule.name, rule.title, standing, path, verdict.reason, verdict.evidence, verdict.hint),
        more=tuple(more),
        allow=verdict.allow,
    )


def _there(rule: Rule, facts: Facts) -> str:
    """Return the path, in lower case, under which the file is there; the shortest of several."""
    if rule.present is None:
        return ""
    return min(
        (path for path in facts.lower if rule.present.fullmatch(path)),
        key=lambda path: (len(path), path),
        default="",
    )
