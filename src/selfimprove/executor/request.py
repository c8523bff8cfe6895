"""Requests: hands the commits of our branches over as pull requests, each finding once."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from selfimprove.errors import GitError
from selfimprove.executor import evidence
from selfimprove.executor.land import commits_of, put_on
from selfimprove.tools.git.commits import header, read_commits
from selfimprove.tools.git.pull_request import PUSHED
from selfimprove.tools.shell.masking import mask

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from selfimprove.executor.bench import Bench
    from selfimprove.model.task import Task
    from selfimprove.tools.git.commits import Commit
    from selfimprove.tools.git.pull_request import GitHub, Remote, Request


@dataclass(frozen=True, slots=True)
class Handover:
    """How requests are made: ``labels``, and the mean review from which one merges itself (``None``: never).

    ``text`` makes title and body of commits, given as (commit id, message, record), and of the words by which
    the request is found again. ``say`` is told what a person should know.
    """

    text: Callable[[Sequence[tuple[str, str, dict[str, Any]]], Sequence[str]], tuple[str, str]]
    say: Callable[[str], object]
    labels: tuple[str, ...] = ()
    auto_merge: float | None = None


@dataclass(slots=True)
class Handed:
    """What became of one branch: the address of its pull request, and whether it was opened just now."""

    branch: str
    url: str
    opened: bool
    known: list[str] = field(default_factory=list)


def marker(commit: Commit) -> str:
    """Return the word that stands in a request for this commit's finding, or else for its task and subject."""
    found = commit.said("Fingerprint")
    told = found[0] if found else json.dumps([commit.said("Task"), commit.subject])
    return f"selfimprove-{hashlib.sha256(told.encode(errors='surrogatepass')).hexdigest()[:16]}"


def hand_over(
    branch: str, bench: Bench, remote: Remote, tasks: Sequence[Task], how: Handover
) -> Handed | None:
    """Open a pull request for the commits of ``branch``, or find the one that there is; ``None``: nothing to do.

    A finding that has a request already, open or not, of whatever run, is left out. Where the remote's base has
    moved, or commits are left out, the rest is put on its tip and proved again; that is what is pushed, and the
    branch here stays. Commits on top of another open request of ours are for that one's branch. Doing it again
    after a kill ends the same. Raises NeedsKey and GitError; the branch stays.
    """
    github = remote.github()
    own = next((one for one in github.of_branch(branch) if one.state == "OPEN"), None)
    tip = bench.repo.resolve(f"refs/heads/{branch}")
    onto = remote.fetch_base()
    commits = commits_of(bench, tip, onto) if tip else []
    fresh, others = _sorted_out(commits, github, branch, how)
    known = [one.url for one in others]
    if not fresh:
        return Handed(branch, known[0], False, known) if known else None
    if under := _under(others, branch, bench):
        remote, onto = remote._replace(base=under), bench.repo.resolve(f"{PUSHED}{under}") or onto
    head = _on_base(fresh, commits, onto, bench, tasks, remote)
    if head == onto:
        how.say(f"{branch}: {remote.name}/{remote.base} has these changes already")
        return None
    remote.push(head, branch)
    made = read_commits(bench.repo, "--reverse", "--no-merges", head, f"^{onto}")
    if own is None:
        url = _create(made, branch, bench, remote, how)
        own = next((one for one in github.of_branch(branch) if one.state == "OPEN"), None)
        handed = Handed(branch, url, True, known)
    else:
        handed = Handed(branch, own.url, False, known)
    if own:
        _merge_by_itself(own, made, bench, github, how)
    return handed


def _sorted_out(
    commits: Sequence[Commit], github: GitHub, branch: str, how: Handover
) -> tuple[list[Commit], list[Request]]:
    """Return the commits that no other request is about, and the requests that the rest has."""
    fresh, known = [], []
    for one in commits:
        others = [
            found
            for found in github.with_word(marker(one))
            if found.branch != branch or found.state != "OPEN"
        ]
        if not others:
            fresh.append(one)
            continue
        known.append(others[0])
        how.say(
            f"{one.said('Task')[0]} has a pull request already ({others[0].state.lower()}): {others[0].url}"
        )
    return fresh, known


def _under(others: Sequence[Request], branch: str, bench: Bench) -> str | None:
    """Return the branch of ours that the rest stands on: the last with an open request and pushed from here."""
    open_ones = [one.branch for one in others if one.state == "OPEN" and one.branch != branch]
    return next((one for one in reversed(open_ones) if bench.repo.resolve(f"{PUSHED}{one}")), None)


def _on_base(
    fresh: list[Commit],
    commits: list[Commit],
    onto: str,
    bench: Bench,
    tasks: Sequence[Task],
    remote: Remote,
) -> str:
    if commits[-len(fresh) :] == fresh and fresh[0].parent == onto:
        return fresh[-1].id
    try:
        return put_on(fresh, onto, bench, tasks)
    except GitError as error:
        raise GitError(
            f"no pull request: {remote.name}/{remote.base} is at {onto[:7]}, and {error.message}",
            where=error.where,
            hint=f"git fetch {remote.name}, bring your branch up to date, then run again",
        ) from error


def _create(made: Sequence[Commit], branch: str, bench: Bench, remote: Remote, how: Handover) -> str:
    rows = [
        (one.id, one.message, evidence.read_record(header(bench.repo, one.id, evidence.HEADER)))
        for one in made
    ]
    title, body = how.text(rows, [marker(one) for one in made])
    title, body = (mask(text, bench.secrets) for text in (title, body))
    return remote.github().create(remote.base, branch, title, body, how.labels)


def _merge_by_itself(
    request: Request, made: Sequence[Commit], bench: Bench, github: GitHub, how: Handover
) -> None:
    """Ask for the merge when every commit was reviewed at or over the limit; say so when it cannot be had."""
    if how.auto_merge is None:
        return
    records = [evidence.read_record(header(bench.repo, one.id, evidence.HEADER)) for one in made]
    # What the program made from facts has no author whose work could be reviewed.
    records = [record for record in records if not record.get("made")]
    means = [float(record["review"]["mean"]) for record in records if record.get("review")]
    if len(means) < len(records) or not records:
        how.say(f"{request.url} does not merge itself: it was not reviewed")
    elif (least := min(means)) < how.auto_merge:
        how.say(f"{request.url} does not merge itself: its review gave {least:g}, below {how.auto_merge:g}")
    else:
        try:
            github.merge_when_green(request.number, made[-1].id)
            how.say(f"{request.url} merges itself once the checks that the server requires pass")
        except GitError as error:
            how.say(f"{request.url} does not merge itself: {error.message}")
