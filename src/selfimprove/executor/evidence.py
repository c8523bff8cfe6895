"""Evidence: the record of what a commit was proved with. It travels in the commit itself, and its hash in a trailer."""

from __future__ import annotations

import hashlib
import json
import platform
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from selfimprove.errors import SelfimproveError
from selfimprove.executor import making
from selfimprove.executor.size import storable
from selfimprove.model.allow import WORDS
from selfimprove.tools.git.repo import version
from selfimprove.tools.shell.masking import mask
from selfimprove.tools.shell.process import capture

if TYPE_CHECKING:
    from selfimprove.executor.bench import Bench
    from selfimprove.model.task import Task
    from selfimprove.model.work import Work
    from selfimprove.tools.git.commits import Commit
    from selfimprove.tools.git.worktree import Copy

HEADER = "selfimprove-evidence"
"""The header of the commit object that holds the record, as one line of JSON."""

SCHEMA_VERSION = 1
_SECONDS = 60
MOST = 200
"""Functions that a record names at most."""


def record_of(task: Task, work: Work, bench: Bench, copy: Copy) -> dict[str, Any]:
    """Return the record: what was asked, from where, what ran here with which result, and what it cost.

    The copy is left with ``work.tree``. Seconds and paths of this machine are not in it.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "task": {"id": task.id, "title": task.title, "fingerprint": task.fingerprint},
        "prompt_sha256": _digest_of([task.title, task.description, task.prompt, list(task.files)]),
        "run": work.run,
        "base": work.base,
        "tree": work.tree,
        "environment": environment(work, bench),
        "checks": [
            {
                "name": check.name,
                "ok": check.ok,
                "summary": check.summary,
                "command": portable(check.command),
                "counts": dict(check.counts),
            }
            for check in work.checks
        ],
        "groups": {name: _without_output(group) for name, group in work.groups.items()},
        "functions": changed_functions(work.base, work.tree, copy, bench),
        "finding": dict(work.metrics),
        "vetoes": {"looked_for": sorted(WORDS), "waived": sorted({*task.allow, *bench.proof.allow})},
        "review": work.review,
        "rewrite": dict(work.rewrite),
        "model": work.model,
        "spend": {"dollars": round(work.dollars, 6), "tokens": work.tokens, "attempts": work.attempt},
        **({"made": "from facts"} if making.is_from_facts(task, bench) else {}),
    }


def _without_output(group: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in group.items() if name != "output"}


def environment(work: Work, bench: Bench) -> dict[str, str]:
    """Return what the checks ran on: the versions that a person would ask for first.

    ``python`` is the interpreter of a check's command; that of this program where no check names one.
    """
    found = {
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "git": ".".join(map(str, version(bench.environ) or ())),
        "sandbox": bench.sandbox().name,
    }
    for check in work.checks:
        found |= _of_python(check.command, bench)
    return found


_VERSIONS = """
import sys, importlib.metadata
print("python", sys.version.split()[0])
for name in sys.argv[1:]:
    try:
        print(name, importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        pass
"""


def _of_python(command: str, bench: Bench) -> dict[str, str]:
    """Return the versions of the interpreter and the module of ``python -m module``; nothing for other commands."""
    program, *words = command.split(" ")
    if not PurePosixPath(program).name.startswith("python"):
        return {}
    modules = [after for before, after in pairwise(words) if before == "-m"]
    # Isolated, and in a neutral folder: nothing of the repository is imported, and the sandbox is not needed.
    ask = [program, "-I", "-c", _VERSIONS, *modules]
    try:
        said = capture(ask, cwd=Path("/"), env=dict(bench.environ), timeout=_SECONDS).stdout.decode(
            errors="replace"
        )
    except SelfimproveError:
        return {}
    rows = [row.split(" ") for row in said.splitlines()]
    return {row[0]: row[1] for row in rows if len(row) == 2}


def changed_functions(base: str, tree: str, copy: Copy, bench: Bench) -> list[dict[str, Any]]:
    """Return the values before and after (None: not there) of every function and file that the change touches.

    The copy is left with ``tree``.
    """
    paths = [path for _, _, path in bench.repo.numstat(base, tree)]
    copy.restore(f"{base}^{{tree}}")
    before = _values(paths, copy, bench)
    copy.restore(tree)
    after = _values(paths, copy, bench)
    rows = []
    for key in sorted({*before, *after}):
        old, new = before.get(key, (None, "")), after.get(key, (None, ""))
        if old != new:
            path, symbol, rule, ordinal = key
            name = symbol if ordinal == 1 else f"{symbol}#{ordinal}"
            rows.append({"path": path, "symbol": name, "rule": rule, "before": old[0], "after": new[0]})
    return rows[:MOST]


def _values(
    paths: list[str], copy: Copy, bench: Bench
) -> dict[tuple[str, str, str, int], tuple[float | str | None, str]]:
    found = (fact for path in paths for fact in bench.facts(copy.path, path))
    return {(one.path, one.symbol, one.rule, one.ordinal): (one.value, one.body) for one in found}


def portable(command: str) -> str:
    """Return a command without the folders of this machine: ``/x/bin/python -m pytest`` is ``python -m pytest``."""
    words = command.split(" ")
    return " ".join(PurePosixPath(word).name if word.startswith("/") else word for word in words)


def text_of(record: dict[str, Any], secrets: tuple[str, ...] = ()) -> str:
    """Return the record on one line of ASCII, the same for the same record; secrets are masked in it."""
    return mask(storable(json.dumps(record, sort_keys=True, separators=(",", ":"))), secrets)


def digest(text: str) -> str:
    """Return what the trailer says of a record: ``sha256:`` and 64 hex digits."""
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _digest_of(data: object) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def renewed(
    known: str | None, old: Commit, task: Task, work: Work, bench: Bench, copy: Copy
) -> dict[str, Any]:
    """Return the record of ``old`` on another base: what it cost and was thought of, with the facts of ``work``."""
    before = read_record(known)
    now = record_of(task, work, bench, copy)
    facts = ("schema_version", "base", "tree", "environment", "checks", "functions")
    return {**now, **before, **{name: now[name] for name in facts}, "rebased_from": old.id}


def read_record(text: str | None) -> dict[str, Any]:
    """Return the record that ``text`` holds, ``{}`` when it is none."""
    try:
        record = json.loads(text or "{}")
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}
