"""The publish step: one task, one commit on the run's own branch, with the evidence in its trailers."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selfimprove.errors import GitError
from selfimprove.executor import evidence
from selfimprove.executor.hooks import run_hook
from selfimprove.tools.git.commits import checked_out, read_commits, with_header
from selfimprove.tools.git.worktree import Copy, reopen_copy

if TYPE_CHECKING:
    from selfimprove.executor.bench import Bench
    from selfimprove.model.run import Run
    from selfimprove.model.task import Task
    from selfimprove.model.work import Work


def publish(task: Task, work: Work, bench: Bench, run: Run, log: Path) -> Work:
    """Return the work with its ``commit``, on the branch that is its own or the run's.

    The commit holds exactly the tree that was checked, and the evidence for it. Its id follows from the work
    alone, so doing this again after a kill finds the commit made or makes the same one. The branch moves only
    from ``work.base``.
    """
    copy = reopen_copy(bench.repo, Path(work.copy), work.base)
    copy.restore(work.tree)
    branch = work.branch or run.branch
    tip = bench.repo.resolve(f"refs/heads/{branch}")
    if tip and tip != work.base and (done := _made_before(tip, work, bench)):
        return work.but(commit=done, summary=f"{done[:7]} on {branch}, made before")
    if bench.repo.tree_of(work.base) == work.tree:
        return work.but(stop="the change came to nothing", code="empty", summary="nothing to commit")
    if place := checked_out(bench.repo, branch):
        stop = f"{branch} is checked out in {place}, and must not move there"
        return work.but(stop=stop, code="checked_out", summary=stop)
    record = evidence.text_of(evidence.record_of(task, work, bench, copy), bench.secrets)
    message = message_of(task, work, evidence.digest(record))
    message, refused = _message_hooks(message, copy, work, bench, log)
    if refused:
        return work.but(
            stop=f"the repository's hook refused the commit: {refused}", code="hook_refused", summary=refused
        )
    try:
        commit = bench.repo.commit_tree(work.tree, work.base, message, work.started_at)
        commit = with_header(bench.repo, commit, evidence.HEADER, record)
        old = tip if tip is None or bench.repo.is_ancestor(tip, work.base) else work.base
        bench.repo.advance(branch, commit, old, f"selfimprove: {task.id}")
    except GitError as error:
        return work.but(
            stop=f"the commit could not be made: {error.message}", code="git_failed", summary=error.message
        )
    _tell_hook(commit, copy, work, bench, log)
    _keep(log, record)
    return work.but(commit=commit, summary=f"{commit[:7]} on {branch}")


def _keep(log: Path, record: str) -> None:
    """Put the record beside the log too, where a person finds it; the commit has it already."""
    with contextlib.suppress(OSError):
        log.parent.mkdir(parents=True, exist_ok=True)
        log.with_suffix(".evidence.json").write_text(f"{record}\n", encoding="ascii")


def _tell_hook(commit: str, copy: Copy, work: Work, bench: Bench, log: Path) -> None:
    """Run the post-commit hook where HEAD is the new commit. As with git, it cannot undo the commit."""
    with contextlib.suppress(GitError):
        copy.git("update-ref", "--no-deref", "HEAD", commit)
        run_hook("post-commit", (), copy, work.tree, bench, log=log)


def message_of(task: Task, work: Work, record: str) -> str:
    """Return the commit message: subject, description, trailers; ``record`` is the digest of the evidence."""
    subject = (work.subject or task.title).strip().split("\n")[0][:100] or task.id
    body = [task.description.strip()] if task.description and task.description.strip() != subject else []
    trailers = [("Selfimprove-Task", task.id), ("Selfimprove-Run", str(work.run))]
    trailers += [("Selfimprove-Rewrite", ", ".join(work.rewrite["rewrites"]))] if work.rewrite else []
    trailers += [("Selfimprove-Check", f"{check.name}: {check.summary}") for check in work.checks]
    if "before" in work.metrics:
        trailers += [
            (
                "Selfimprove-Metric",
                f"{work.metrics['name']} {work.metrics['before']} -> {work.metrics.get('after', 'gone')}",
            )
        ]
    trailers += [("Selfimprove-Allowed", ", ".join(work.allowed))] if work.allowed else []
    trailers += [("Selfimprove-Fingerprint", task.fingerprint)] if task.fingerprint else []
    trailers += [("Selfimprove-Review", _opinion(work.review))] if work.review else []
    trailers += [("Selfimprove-Evidence", record)]
    trailers += [("Selfimprove-Model", work.model)] if work.model else []
    trailers += [("Selfimprove-Spend", f"${work.dollars:.4f}, {work.tokens} tokens")] if work.dollars else []
    lines = "\n".join(f"{key}: {' '.join(value.split())}" for key, value in trailers)
    return "\n\n".join([subject, *body, lines]) + "\n"


def _opinion(review: dict[str, Any]) -> str:
    scores = ", ".join(f"{name} {score}" for name, score in review["scores"].items())
    return f"{review['mean']:g} of 10 ({scores}) by {review['model']}"


def _made_before(tip: str, work: Work, bench: Bench) -> str | None:
    """Return the commit of this very work, made before a kill; others may stand on it by now."""
    if not bench.repo.is_ancestor(work.base, tip):
        return None
    after = read_commits(bench.repo, "--first-parent", f"{work.base}..{tip}")
    first = after[-1] if after else None
    return first.id if first and (first.parent, first.tree) == (work.base, work.tree) else None


def _message_hooks(message: str, copy: Copy, work: Work, bench: Bench, log: Path) -> tuple[str, str]:
    """Return the message as the repository's hooks leave it, and the last words of one that refused it."""
    with tempfile.TemporaryDirectory(prefix=f"{copy.path.name}-message-", dir=copy.path.parent) as folder:
        file = Path(folder) / "COMMIT_EDITMSG"
        file.write_text(message, encoding="utf-8", errors="surrogateescape")
        for name, args in (("prepare-commit-msg", ("message",)), ("commit-msg", ())):
            done = run_hook(name, args, copy, work.tree, bench, log=log, message=file)
            if not done.ok:
                return message, f"{name}: {' '.join(done.output.split())[-300:] or 'no reason given'}"
        text = file.read_text(encoding="utf-8", errors="surrogateescape")
    kept = text.strip()
    return (kept + "\n", "") if kept else (message, "commit-msg left an empty message")
