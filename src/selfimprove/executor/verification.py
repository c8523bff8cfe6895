"""Verification: checks a commit out in a private copy, runs its proof again, and compares with what it claims."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from selfimprove.errors import UsageError
from selfimprove.executor import evidence
from selfimprove.executor.aside import aside
from selfimprove.executor.proof import prove, task_of
from selfimprove.executor.write_tests import FACT as WRITTEN
from selfimprove.model.evidence import Claim, Stand, Verification
from selfimprove.model.work import Work
from selfimprove.tools.git.commits import Commit, header, read_commits

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from selfimprove.executor.bench import Bench
    from selfimprove.model.outcome import CheckResult
    from selfimprove.model.task import Task

_COUNT = re.compile(r"(\d+) (passed|failed|errors?|skipped|xfailed|xpassed)")
_FLAKY = re.compile(r"(\d+) flaky")
_COMPARED = "failures that were there before cannot be told from new ones without the base"
_HERE = "it is not here: fetch more of the history (git fetch --unshallow)"


def verify(name: str, bench: Bench, tasks: Sequence[Task]) -> Verification:
    """Return what became of the claims of the commit that ``name`` names.

    The commands are those of this repository and its tasks, never those that the commit says. Raises UsageError
    when there is no such commit, or when it makes no claims.
    """
    repo = bench.repo
    full = repo.resolve(name) if not name.startswith("-") else None
    if full is None:
        raise UsageError(f"there is no commit {name}", where=str(repo.root), hint="git log --oneline --all")
    commit = read_commits(repo, "--no-walk", full)[0]
    if not commit.said("Task") or not commit.said("Run"):
        raise UsageError(
            f"{full[:7]} ({commit.subject}) makes no claims: it is not from selfimprove",
            where=full,
            hint="git log --all --grep Selfimprove-Task: shows those that do",
        )
    text = header(repo, full, evidence.HEADER)
    record = evidence.read_record(text)
    base = commit.parent if commit.parent and repo.resolve(commit.parent) else ""
    log = bench.logs / f"verify-{full[:12]}-{time.strftime('%Y%m%dT%H%M%S')}.log"
    with aside(bench, base or full) as (copy, bench):
        start = Work(0, "", base or commit.id, str(copy.path), commit.when, commit.tree)
        work = _proved(commit, start.but(rewrite=_rewrite_of(record) if base else {}), bench, tasks, log)
        functions = evidence.changed_functions(base, commit.tree, copy, bench) if base else []
        values = _values(commit, base, copy, bench) if base else None
    checks = {check.name: check for check in work.checks}
    claims = [
        _record_claim(commit, text, record, base),
        *_fact_claims(commit, record, checks, work, base),
        *_metric_claims(commit, record, functions, values, base),
        *_stated(commit),
    ]
    said = (commit.said("Task")[0], commit.said("Run")[0])
    return Verification(
        full, commit.subject, *said, base, tuple(claims), record, str(log) if log.exists() else None
    )


def _proved(commit: Commit, work: Work, bench: Bench, tasks: Sequence[Task], log: Any) -> Work:
    run = commit.said("Run")[0]
    task = task_of(commit, tasks)
    return prove(task, work.but(run=int(run) if run.isdigit() else 0, task_id=task.id), bench, log)


def _rewrite_of(record: dict[str, Any]) -> dict[str, Any]:
    """Return what a record, which may be anything, says of a rewrite without a model; ``{}`` unless it is one.

    What is new and how large it may be is a claim like others: it decides what is looked for, not what is found.
    """
    said = record.get("rewrite")
    if not isinstance(said, dict):
        return {}
    shapes = {"rewrites": (str,), "added": (str, str, int, int), "functions": (str, str, int)}
    for name, shape in shapes.items():
        rows = said.get(name)
        if not isinstance(rows, list) or not all(_has_shape(row, shape) for row in rows):
            return {}
    limits = said.get("limits")
    if not isinstance(limits, dict) or not all(isinstance(value, int) for value in limits.values()):
        return {}
    return {name: said[name] for name in (*shapes, "limits")} if said["rewrites"] else {}


def _has_shape(row: object, shape: tuple[type, ...]) -> bool:
    if len(shape) == 1:
        return isinstance(row, shape[0])
    return (
        isinstance(row, list)
        and len(row) == len(shape)
        and all(isinstance(one, kind) for one, kind in zip(row, shape, strict=True))
    )


def _record_claim(commit: Commit, text: str | None, record: dict[str, Any], base: str) -> Claim:
    """Compare the record with its hash in the trailer, and with the commit that it came in."""
    said = " ".join(commit.said("Evidence"))
    if text is None:
        found = "it did not come with the commit"
        note = "a cherry-pick, a squash or a signature leaves it behind; the trailers are proved all the same"
        return Claim("evidence record", said or "none", found, Stand.STATED, note)
    found = evidence.digest(text)
    if not said:
        return Claim("evidence record", "none", found, Stand.FAILS, "no trailer names its hash")
    if said != found:
        return Claim("evidence record", said, found, Stand.FAILS, "it is not the record that was made")
    wrong = [what for what, one, other in _agreement(commit, record, base) if one != other]
    note = f"it is of another {', '.join(wrong)}" if wrong else ""
    return Claim("evidence record", said, found, Stand.FAILS if wrong else Stand.HOLDS, note)


def _agreement(commit: Commit, record: dict[str, Any], base: str) -> Iterator[tuple[str, object, object]]:
    task = record.get("task")
    yield "tree", record.get("tree"), commit.tree
    yield "task", task.get("id") if isinstance(task, dict) else None, commit.said("Task")[0]
    yield "run", str(record.get("run")), commit.said("Run")[0]
    if base:
        yield "base", record.get("base"), base
    listed = [f"{one['name']}: {' '.join(one['summary'].split())}" for one in _checks(record)]
    yield "proof", listed, commit.said("Check")


def _checks(record: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the checks of a record that may be anything."""
    found = record.get("checks")
    good = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    return [one for one in good if isinstance(one.get("name"), str) and isinstance(one.get("summary"), str)]


def _fact_claims(
    commit: Commit, record: dict[str, Any], checks: dict[str, CheckResult], work: Work, base: str
) -> Iterator[Claim]:
    """Yield hooks, lint and tests, as claimed and as they came out here."""
    red = next((check for check in work.checks if not check.ok), None)
    known = {one["name"]: one for one in _checks(record)}
    if not commit.said("Check"):
        yield Claim("tests", "nothing", work.summary, Stand.UNKNOWN, "the commit says nothing of tests")
    for line in commit.said("Check"):
        name, _, said = line.partition(": ")
        if name == "metrics":  # told by the values
            continue
        here = checks.get(name)
        if here is None:
            yield _not_run(name, said, red, work, base)
        else:
            note = _other_command(known.get(name, {}), here)
            claim = _compared(name, said, known.get(name, {}).get("counts"), here, note)
            yield claim if base or _told(claim) else replace(claim, stand=Stand.UNKNOWN, note=_COMPARED)


def _told(claim: Claim) -> bool:
    """True when a claim says by itself how many tests passed, so that no base is needed to judge it."""
    return claim.stand is not Stand.HOLDS or bool(_counts(claim.said)) or claim.said == claim.found


def _not_run(name: str, said: str, red: CheckResult | None, work: Work, base: str) -> Claim:
    if red:
        return Claim(name, said, "not run", Stand.UNKNOWN, f"{red.name} came out red before")
    if work.stop:
        return Claim(name, said, "not run", Stand.UNKNOWN, work.stop)
    if name == WRITTEN:
        return Claim(name, said, "", Stand.STATED, "they are among the tests; no line is spoilt again")
    if "hook" in name:
        return Claim(name, said, "none here", Stand.STATED, "hooks do not travel with a clone")
    return Claim(name, said, "not run", Stand.UNKNOWN, "" if base else f"the base is needed; {_HERE}")


def _other_command(claimed: dict[str, Any], here: CheckResult) -> str:
    said = claimed.get("command")
    if not isinstance(said, str) or not said or not here.command or said == evidence.portable(here.command):
        return ""
    return f"by another command: {said} there, {evidence.portable(here.command)} here"


def _compared(name: str, said: str, counts: object, here: CheckResult, note: str) -> Claim:
    """Compare by how many tests passed where both tell it, else by the result alone."""
    claimed = _counted(counts) or _counts(said)
    found = _counted(here.counts) or _counts(here.summary)
    if not here.ok:
        return Claim(name, said, here.summary, Stand.FAILS, note)
    there, now = claimed.get("passed", 0), found.get("passed", 0)
    if name == "tests" and not note and claimed and there != now:
        flaky = max(map(int, _FLAKY.findall(f"{said} {here.summary}")), default=0)
        stand = Stand.HOLDS if abs(there - now) <= flaky else Stand.FAILS
        return Claim(name, said, here.summary, stand, f"{there} passed there, {now} here")
    return Claim(name, said, here.summary, Stand.HOLDS, note)


def _counted(counts: object) -> dict[str, int]:
    """Return counts that may be anything as such."""
    if not isinstance(counts, dict):
        return {}
    return {str(key): value for key, value in counts.items() if isinstance(value, int) and value}


def _counts(summary: str) -> dict[str, int]:
    return {
        word.rstrip("s") if word == "errors" else word: int(count) for count, word in _COUNT.findall(summary)
    }


def _metric_claims(
    commit: Commit,
    record: dict[str, Any],
    functions: list[dict[str, Any]],
    values: tuple[object, object] | None,
    base: str,
) -> Iterator[Claim]:
    """Yield the finding's value before and after, and those of every function that the record names."""
    for said in commit.said("Metric"):
        name, _, change = said.partition(" ")
        if values is None:
            yield Claim(
                f"metric {name}", change, "not measured", Stand.UNKNOWN, f"the base is needed; {_HERE}"
            )
            continue
        if values == (None, None):
            yield Claim(
                f"metric {name}", change, "not found", Stand.UNKNOWN, "the commit does not say of what"
            )
            continue
        found = f"{values[0]} -> {'gone' if values[1] is None else values[1]}"
        yield Claim(f"metric {name}", change, found, Stand.HOLDS if found == change else Stand.FAILS)
    claimed = record.get("functions")
    if not isinstance(claimed, list) or not claimed:
        return
    what = f"{len(claimed)} function{'s' * (len(claimed) != 1)} changed"
    if not base:
        yield Claim("metrics", what, "not measured", Stand.UNKNOWN, f"the base is needed; {_HERE}")
        return
    wrong = [one for one in claimed if one not in functions]
    found = f"{len(claimed) - len(wrong)} of {len(claimed)} measured the same"
    note = "".join(f"{one.get('path')} {one.get('symbol')}" for one in wrong[:1] if isinstance(one, dict))
    yield Claim("metrics", what, found, Stand.FAILS if wrong else Stand.HOLDS, note)


def _values(commit: Commit, base: str, copy: Any, bench: Bench) -> tuple[object, object]:
    """Return the value before and after of the finding whose fingerprint the commit names."""
    wanted = "".join(commit.said("Fingerprint"))
    found = []
    for tree in (f"{base}^{{tree}}", commit.tree):
        copy.restore(tree)
        paths = [path for _, _, path in bench.repo.numstat(base, commit.tree)]
        facts = (fact for path in paths for fact in bench.facts(copy.path, path))
        found.append(next((fact.value for fact in facts if wanted in fact.fingerprints), None))
    return found[0], found[1]


def _stated(commit: Commit) -> Iterator[Claim]:
    """Yield what a commit says and nobody can run again: how it was made, an opinion, a bill, a name."""
    for name in ("Rewrite", "Review", "Model", "Spend"):
        for said in commit.said(name):
            yield Claim(name.lower(), said, "", Stand.STATED)
