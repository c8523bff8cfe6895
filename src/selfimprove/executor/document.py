"""The document step: documents follow the change in the same commit, those made of facts and those it made untrue."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from selfimprove.codebase.fence import private, secret
from selfimprove.codebase.portrait.markup import is_ours
from selfimprove.errors import LimitReached, LLMError, NeedsKey, PatchError
from selfimprove.executor import making, stale
from selfimprove.executor.bench import asker
from selfimprove.tools.git.worktree import reopen_copy
from selfimprove.tools.shell.masking import mask

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selfimprove.executor.bench import Bench
    from selfimprove.executor.stale import Passage
    from selfimprove.model.task import Task
    from selfimprove.model.work import Work

_DIFF = 12_000  # characters of the change that a model is shown


def document(task: Task, work: Work, bench: Bench, turn: int) -> Work:
    """Return the work with its documents brought up to date; none is made that was not there.

    The documents that `analyze` wrote are made anew where their facts changed. A passage of another document that
    names what the change took away is written anew by the model, or else told. It never stops a change.
    """
    if making.applies(task, bench) or work.tree == bench.repo.tree_of(work.base):
        return work
    try:
        return _up_to_date(task, work, bench, turn)
    except (PatchError, OSError) as error:  # an odd name, a full disk
        return work.but(summary=f"left as they are: {error}")


def _up_to_date(task: Task, work: Work, bench: Bench, turn: int) -> Work:
    repo, said = bench.repo, []
    copy = reopen_copy(repo, Path(work.copy), work.base)
    copy.restore(work.tree)
    # What the edit itself touched is judged as an edit, and only what was ours before it is made anew.
    edited = {path for _, _, path in repo.numstat(work.base, work.tree)} - set(work.written)
    drafts = bench.portray(copy.path, repo.tree_names(work.tree))
    facts = {
        path: data
        for path, data in drafts.items()
        if path not in edited and is_ours(repo.blob(work.base, path) or b"")
    }
    work = _written(work, facts, bench)
    said += [f"{path}: facts" for path in facts]
    gone = stale.gone_names(repo, work.base, work.tree)
    if passages := stale.stale_passages(repo, work.tree, gone, but=(*drafts, *edited)):
        work, told = _mended(task, work, bench, turn, passages)
        said += told
    return work.but(summary=", ".join(said))


def _mended(
    task: Task, work: Work, bench: Bench, turn: int, passages: Sequence[Passage]
) -> tuple[Work, list[str]]:
    """Return the work with new words for the passages that a model could mend, and what is to be told."""
    files: dict[str, bytes] = {}
    if bench.llm is not None:
        shown = [one._replace(text=mask(one.text, bench.secrets)) for one in passages]
        ask = stale.question(shown, _diff(work, bench), task.id, work.attempt)
        try:
            answer, reply, _ = asker(bench, work, turn).json(ask, stale.SCHEMA)
        except (LLMError, LimitReached, NeedsKey):
            pass  # the passages are told
        else:
            cost = work.dollars + (reply.dollars or 0.0)
            work = work.but(dollars=cost, tokens=work.tokens + reply.tokens)
            files, _ = stale.rewritten(bench.repo, work.tree, passages, answer["passages"])
    work = _written(work, files, bench)
    left = {one.path: one.gone for one in passages if one.path not in files}
    return work, [*files, *(f"{path} still names {', '.join(gone)}" for path, gone in left.items())]


def _diff(work: Work, bench: Bench) -> str:
    """Return the change as a model may see it: without files for keys, and without secrets."""
    repo, parts = bench.repo, []
    for _, _, path in repo.numstat(work.base, work.tree):
        texts = [(repo.blob(tree, path) or b"").decode("utf-8", "replace") for tree in (work.base, work.tree)]
        if private(path) or any(map(secret, texts)):
            parts.append(f"{path}: not shown\n")
            continue
        out = repo.git(
            "diff", "--no-color", "--no-ext-diff", work.base, work.tree, "--", f":(literal,top){path}"
        )
        parts.append(out.decode("utf-8", "replace"))
    return mask("".join(parts), bench.secrets)[:_DIFF]


def _written(work: Work, files: dict[str, bytes], bench: Bench) -> Work:
    now = making.landed(files, work, bench)
    return now.but(written=tuple(dict.fromkeys((*work.written, *files))))
