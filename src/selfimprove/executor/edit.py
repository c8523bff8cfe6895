"""The edit step: a rewrite without a model where there is one, else the model's reply; all of it or nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from selfimprove.errors import PatchError, RefactorError
from selfimprove.executor import making, refactoring, scaffolding
from selfimprove.executor.bench import asker
from selfimprove.executor.patching.apply import Tree, write_files
from selfimprove.executor.patching.compose import apply_reply, refusal
from selfimprove.executor.prompt import build_ask
from selfimprove.executor.sight import reader
from selfimprove.tools.git.worktree import Copy, reopen_copy

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from selfimprove.executor.bench import Bench
    from selfimprove.model.outcome import CheckResult
    from selfimprove.model.task import Task
    from selfimprove.model.work import Work
    from selfimprove.tools.llm.client import Reply


def edit(task: Task, work: Work, bench: Bench, turn: int, log: Path) -> Work:
    """Return the work with a new ``tree``: by a rewrite while there is one to try, then by a model.

    Raises NeedsModel, with the reason, when no rewrite is left and there is no model.
    """
    if making.applies(task, bench):
        return making.make(task, work, bench)
    if scaffolding.applies(task):
        return scaffolding.scaffold(task, work, bench, turn)
    if refactoring.applies(task, bench) and (work.rewrite or work.attempt == 1):
        try:
            return refactoring.refactor(task, work, bench, log)
        except RefactorError as error:
            if bench.llm is None or task.id in bench.wishes:
                raise refactoring.needs_model(work, error) from None
            work = refactoring.given_up(work, bench)
    return _by_model(task, work, bench, turn)


def _by_model(task: Task, work: Work, bench: Bench, turn: int) -> Work:
    """Return the work with a new ``tree``, or with a ``failure`` that tells the model what was wrong.

    The copy is first put back to ``work.tree``, so that a step which was cut off begins afresh. A reply
    that was paid for in this turn is taken from the journal.
    """
    copy = reopen_copy(bench.repo, Path(work.copy), work.base)
    copy.restore(work.tree)
    names = bench.repo.tree_names(work.tree)
    sight = bench.sight()
    own = work.but(attempt=work.attempt - len(work.tried))  # it was not asked for what was tried without it
    ask = build_ask(task, own, sight.files(reader(copy.path)), names, sight).ask
    reply, paid = asker(bench, work, turn).once(ask)
    work = work.but(
        model=reply.model, dollars=work.dollars + (reply.dollars or 0.0), tokens=work.tokens + reply.tokens
    )
    try:
        allow = {*task.allow, *bench.proof.allow}
        subject, paths = _land(copy, reply, names, bench.repo.links(work.tree), allow)
    except PatchError as error:
        text = f"The reply could not be applied: {error.message}." + (f" {error.hint}." if error.hint else "")
        text += "".join(f"\n\nStill to mend: {check.name} failed\n{check.detail}" for check in _red(work))
        return work.but(failure=text, code="patch_refused", summary=f"reply refused: {error.message}")
    tree = copy.snapshot(paths)
    touched = tuple(dict.fromkeys((*work.paths, *paths)))
    return work.but(
        tree=tree,
        paths=touched,
        failure="",
        code="",
        subject=subject or work.subject,
        written=tuple(path for path in work.written if path not in paths),
        summary=_size(bench, work.tree, tree) + ("" if paid else ", reply from the journal"),
    )


def _red(work: Work) -> list[CheckResult]:
    return [check for check in work.checks if not check.ok]


def _land(
    copy: Copy, reply: Reply, names: Sequence[str], links: Sequence[str], allow: Collection[str]
) -> tuple[str, tuple[str, ...]]:
    """Return the subject that the reply proposes and the paths that it changed, now on the disk of the copy."""
    files = Tree(copy.path, names)
    result = apply_reply(reply.text, files, allow=allow)
    if not result.ok:
        raise PatchError(refusal(result))
    paths = (*result.files, *result.removed)
    for path in paths:
        if any(path == link or path.startswith(f"{link}/") for link in links):
            raise PatchError(f"{path} is part of a submodule", where=path, hint="change other files")
    write_files(copy.path, result.files, result.removed, files)
    return result.subject, paths


def _size(bench: Bench, old: str, new: str) -> str:
    rows = [f"{path} +{added} -{removed}" for added, removed, path in bench.repo.numstat(old, new)]
    more = f" and {len(rows) - 3} more" if len(rows) > 3 else ""
    return ", ".join(rows[:3]) + more if rows else "nothing changed"
