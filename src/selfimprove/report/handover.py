"""Handover: what became of a commit's claims, and what an undo did, as text for a person."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from selfimprove.model.evidence import Stand
from selfimprove.report.wording import count, visible

if TYPE_CHECKING:
    from selfimprove.model.evidence import Verification
    from selfimprove.model.undo import Undone

_MARK = {Stand.HOLDS: "✓", Stand.FAILS: "✗", Stand.UNKNOWN: "?", Stand.STATED: "·"}


def verification_text(found: Verification) -> str:
    """Return one line for each claim, and the sum of them."""
    width = max(len(claim.name) for claim in found.claims)
    lines = [
        f"{found.commit[:12]}  {visible(found.subject)}  (task {visible(found.task)}, run {visible(found.run)})"
    ]
    for claim in found.claims:
        said = claim.said[:23] + "…" if claim.said.startswith("sha256:") else claim.said
        words = said if claim.found in ("", claim.said) else f"{said}; here: {claim.found}"
        words = said if claim.name == "evidence record" and claim.stand is Stand.HOLDS else words
        note = f" ({claim.note})" if claim.note else ""
        lines.append(f"  {_MARK[claim.stand]} {claim.name:<{width}}  {visible(words + note)}")
    by = {stand: sum(claim.stand is stand for claim in found.claims) for stand in Stand}
    total = [f"{by[stand]} {word}" for stand, word in _SUMS.items() if by[stand]]
    lines.append(f"{'The claims hold' if found.ok else 'Not all claims hold'}: {', '.join(total)}.")
    return (
        "\n".join([*lines, *([f"  log: {visible(found.log)}"] if found.log and not found.ok else [])]) + "\n"
    )


_SUMS = {
    Stand.HOLDS: "found again",
    Stand.FAILS: "not so",
    Stand.UNKNOWN: "cannot be told here",
    Stand.STATED: "stated",
}


def undo_text(done: Undone, *, dry_run: bool) -> str:
    """Return what was taken back, where it is kept, and what to type to have it again."""
    if not (done.taken or done.tasks or done.requests):
        return f"Nothing of {visible(done.what)} is left to take back.\n"
    verb = "would be taken back" if dry_run else "taken back"
    lines = [f"{visible(done.what)}: {count(len(done.taken), 'commit')} {verb}"]
    lines += [
        f"  {one.commit[:7]}  {visible(one.subject)}  ({visible(one.task)}): {one.how}" for one in done.taken
    ]
    kept = dict.fromkeys((one.branch, one.kept) for one in done.taken if one.kept)
    lines += [f"  again   git branch -f {shlex.quote(branch)} {shlex.quote(ref)}" for branch, ref in kept]
    if done.landed:
        lines.append(f"  landed  merged into {visible(done.landed)}")
    elif done.reverts:
        lines.append(f"  take    git merge {shlex.quote(done.reverts)}")
    lines += [f"  closed  {visible(url)}" for url in done.requests]
    if done.tasks:
        lines.append(f"  tasks   {', '.join(map(visible, done.tasks))}: {done.status}")
    lines += [f"  note    {visible(note)}" for note in done.notes]
    return "\n".join(lines) + "\n"
