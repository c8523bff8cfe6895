"""Benchmark of edits: what becomes of replies that say real commits' changes, plainly, malformed, dangerously."""

from __future__ import annotations

import argparse
import difflib
import json
import os
import random
import subprocess
import sys
import time
import warnings
from collections import Counter, defaultdict
from pathlib import Path
from typing import IO, TYPE_CHECKING

import corpora
import edit_commits
from edit_commits import parses
from edit_replies import STYLES, Kind, reply

from selfimprove.errors import MissingTool
from selfimprove.executor.patching import apply_reply
from selfimprove.tools.shell.venv import python_with, without_python

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edit_commits import Commit
    from edit_replies import Reply, Style

AIDER = "aider-chat==0.86.1"
VERDICTS = ("exact", "space", "wrong", "refused", "unparseable")
REACH = 0.85  # of each style that differs only in matching
SILENT = 0.001  # of all replies
OURS, THEIRS = "selfimprove", "aider"


class Server:
    """Aider in an environment of its own, answering one commit at a time."""

    def __init__(self) -> None:
        python = python_with(AIDER, corpora.cache(), os.environ)
        script = Path(__file__).with_name("edit_aider.py")
        env = without_python(os.environ) | {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}
        self._process = subprocess.Popen(
            [str(python), str(script), "--serve"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=env,
        )

    def ask(self, commit: Commit, replies: Sequence[tuple[Style, Reply]]) -> None:
        """Send the replies for a commit; ``answers`` gives what becomes of them."""
        common = commit.files
        told = [
            {"coder": style.coder, "text": one.text, "files": _changed(common, one.files)}
            for style, one in replies
        ]
        self._pipe(self._process.stdin).write(
            json.dumps({"files": _changed({}, common), "replies": told}).encode() + b"\n"
        )
        self._pipe(self._process.stdin).flush()

    def answers(self) -> list[dict[str, bytes] | None]:
        """Return the files that each reply changed, ``None`` where it was refused."""
        line = self._pipe(self._process.stdout).readline()
        if not line:
            raise corpora.Unavailable("aider ended early")
        return [
            None if one is None else {path: text.encode("latin-1") for path, text in one.items()}
            for one in json.loads(line)
        ]

    def close(self) -> None:
        """End it."""
        self._process.communicate()

    @staticmethod
    def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
        if pipe is None:
            raise corpora.Unavailable("aider has no pipes")
        return pipe


def _changed(old: dict[str, bytes], new: dict[str, bytes]) -> dict[str, str]:
    return {path: data.decode("latin-1") for path, data in new.items() if old.get(path) != data}


def ours(one: Reply) -> dict[str, bytes] | None:
    """Return the files as a reply makes them, ``None`` when it is refused."""
    result = apply_reply(one.text, one.files)
    if not result.ok:
        return None
    made = one.files | result.files
    return {path: data for path, data in made.items() if path not in result.removed}


def verdict(one: Reply, made: dict[str, bytes] | None) -> str:
    """Say what became of a reply."""
    if made is None:
        return "refused"
    if made == one.wanted:
        return "exact"
    if any(
        parses(one.files.get(path) or b"") and not parses(data)
        for path, data in made.items()
        if path.endswith(".py") and data != one.files.get(path)
    ):
        return "unparseable"
    wanted = one.wanted or {}
    if made.keys() == wanted.keys() and all(
        _bare(data) == _bare(wanted[path]) for path, data in made.items() if data != wanted[path]
    ):
        return "space"
    return "wrong"


def _bare(data: bytes) -> bytes:
    return b"".join(data.split())


class Table:
    """The verdicts of each system by style."""

    def __init__(self) -> None:
        self.counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        self.times: list[tuple[float, str]] = []

    def row(self, system: str, styles: Sequence[str]) -> Counter[str]:
        """Return the verdicts over some styles."""
        return sum((self.counts[system, style] for style in styles), Counter())

    def lines(self, systems: Sequence[str]) -> list[str]:
        """Return the table for printing: percentages, by style and in total."""
        head = f"  {'':40}{'replies':>8}" + "".join(f"  {word[:7]:>7}" for word in VERDICTS)
        told = head + ("   |" + "".join(f"  {word[:7]:>7}" for word in VERDICTS) if THEIRS in systems else "")
        shown = [f"  {'':48}{systems[0]:>9}{'' if len(systems) < 2 else THEIRS:>45}", told]
        for kind in Kind:
            names = [one.name for one in STYLES if one.kind is kind and self.counts[OURS, one.name]]
            shown += [self._line(name, [name], systems) for name in names]
            shown.append(self._line(f"{kind.value}, all", names, systems))
        every = [one.name for one in STYLES]
        return [*shown, self._line("all", every, systems)]

    def _line(self, title: str, styles: Sequence[str], systems: Sequence[str]) -> str:
        total = sum(self.row(OURS, styles).values())
        parts = []
        for system in systems:
            row = self.row(system, styles)
            parts.append("".join(f"  {100 * row[word] / max(1, total):7.2f}" for word in VERDICTS))
        return f"  {title:40}{total:8,}" + "   |".join(parts)

    def verdicts(self) -> tuple[list[str], int]:
        """Return lines that say whether the targets are reached, and how many are not."""
        every = self.row(OURS, [one.name for one in STYLES])
        total = max(1, sum(every.values()))
        reached = {
            one.name: self.counts[OURS, one.name]["exact"] / sum(self.counts[OURS, one.name].values())
            for one in STYLES
            if one.kind is Kind.MATCHING and self.counts[OURS, one.name]
        }
        low = sorted((share, name) for name, share in reached.items() if share < REACH)
        wrong = every["wrong"] / total
        checks = (
            (
                f"matching styles under {REACH:.0%} exact: {', '.join(name for _, name in low) or 'none'}",
                not low,
            ),
            (f"silently wrong: {wrong:.3%} of {total:,} (at most {SILENT:.1%})", wrong <= SILENT),
            (f"unparseable: {every['unparseable']}", not every["unparseable"]),
        )
        return [f"  {text}  {'pass' if ok else 'MISS'}" for text, ok in checks], sum(
            not ok for _, ok in checks
        )

    def timing(self) -> str:
        """Return how long our part took for a reply."""
        times = sorted(taken for taken, _ in self.times) or [0.0]
        slow = max(self.times, default=(0.0, "none"))
        p50, p95 = (times[int(len(times) * part)] * 1e3 for part in (0.5, 0.95))
        told = f"apply_reply: {p50:.1f} ms in the middle, {p95:.1f} ms for 95 of 100"
        return f"  {told}, {slow[0] * 1e3:.0f} ms at most ({slow[1]})"


def sampled(
    commit: Commit, styles: Sequence[Style], share: float, seed: int
) -> Iterator[tuple[Style, Reply]]:
    """Yield the replies for a commit in a seeded share of the styles."""
    dice = random.Random(f"{seed} {commit.id}")
    for style in styles:
        if dice.random() < share:
            one = reply(style, commit, seed)
            if one is not None:
                yield style, one


def measure(
    commit: Commit, replies: Sequence[tuple[Style, Reply]], table: Table, server: Server | None
) -> list[tuple[str, Style, Reply, dict[str, bytes] | None]]:
    """Apply the replies for a commit with each system, side by side; return what came out of ours."""
    if server:
        server.ask(commit, replies)
    found = []
    for style, one in replies:
        start = time.perf_counter()
        made = ours(one)
        table.times.append((time.perf_counter() - start, f"{style.name}, {commit.project} {commit.id}"))
        said = verdict(one, made)
        table.counts[OURS, style.name][said] += 1
        found.append((said, style, one, made))
    if server:
        for (style, one), changed in zip(replies, server.answers(), strict=True):
            made = None if changed is None else one.files | changed
            table.counts[THEIRS, style.name][verdict(one, made)] += 1
    return found


def show(commit: Commit, style: Style, one: Reply, made: dict[str, bytes] | None, said: str) -> None:
    """Print a reply that did not land, and what came out instead."""
    print(f"{'=' * 100}\n{said}: {style.name}, {commit.project} {commit.id}\n{one.text[:6000]}")
    result = apply_reply(one.text, one.files)
    print("-" * 40, result.reason, *result.edits, sep="\n")
    for path, data in (made or {}).items():
        wanted = (one.wanted or one.files).get(path, b"")
        if data != wanted:
            old, new = (part.decode(errors="replace").splitlines() for part in (wanted, data))
            seen = list(difflib.unified_diff(old, new, f"wanted {path}", f"made {path}", lineterm=""))
            print("\n".join(seen[:80]))


def arguments() -> argparse.Namespace:
    """Return what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clones", type=Path, help="folder with owner+name/repo git directories")
    parser.add_argument("--full", action="store_true", help="every commit in every style, not a seeded share")
    parser.add_argument("--quick", action="store_true", help="a small share, for a look in between")
    parser.add_argument("--commits", type=int, default=40, help="how many of each project")
    parser.add_argument(
        "--project", action="append", help="only this project; owner/name@commit for another one"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--style", action="append", help="only styles whose name begins so")
    parser.add_argument("--show", action="append", choices=VERDICTS, help="print replies of this verdict")
    parser.add_argument("--most", type=int, default=5, help="how many to print")
    parser.add_argument("--no-aider", action="store_true")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a target is missed")
    return parser.parse_args()


def chosen(names: Sequence[str] | None) -> list[corpora.Project]:
    """Return the projects asked for; ``owner/name@commit`` is one that is not in the list."""
    if not names:
        return list(edit_commits.PROJECTS)
    known = {one.name: one for one in edit_commits.PROJECTS}
    others = (name.partition("@") for name in names if name not in known)
    found = [corpora.Project(path.rpartition("/")[2], "", path, "", tip or "HEAD") for path, _, tip in others]
    return [*(known[name] for name in names if name in known), *found]


def served(notes: list[str]) -> Server | None:
    """Return aider, ``None`` and a note where it cannot be had."""
    try:
        return Server()
    except MissingTool as error:
        notes.append(f"aider cannot be asked here: {error}")
        return None


def measured(
    args: argparse.Namespace, table: Table, notes: list[str]
) -> Iterator[tuple[Commit, str, Style, Reply, dict[str, bytes] | None]]:
    """Apply the replies for all commits; yield each with its verdict. What could not be had goes to the notes."""
    clones = args.clones or (Path(os.environ["MIRRORS"]) if "MIRRORS" in os.environ else None)
    styles = [one for one in STYLES if not args.style or one.name.startswith(tuple(args.style))]
    share = 1.0 if args.full or args.style else 0.05 if args.quick else 0.2
    server, is_first = None, not args.no_aider
    for project in chosen(args.project):
        try:
            for commit in edit_commits.commits(project, clones, args.commits, args.seed):
                server, is_first = served(notes) if is_first else server, False
                replies = list(sampled(commit, styles, share, args.seed))
                for found in measure(commit, replies, table, server):
                    yield commit, *found
        except corpora.Unavailable as error:
            notes.append(f"left out: {error}")
    if server:
        server.close()


def run(args: argparse.Namespace, table: Table, notes: list[str]) -> int:
    """Measure all, print what is to be shown, and return the number of commits."""
    commits: set[str] = set()
    left = args.most
    for commit, said, style, one, made in measured(args, table, notes):
        commits.add(commit.id)
        if said in (args.show or ()) and left > 0:
            left -= 1
            show(commit, style, one, made, said)
    return len(commits)


def main() -> None:
    """Measure and print one table."""
    warnings.simplefilter("ignore")  # Python's, about the sources of others
    args = arguments()
    table, notes, missed = Table(), list[str](), 1
    count = run(args, table, notes)
    systems = [one for one in (OURS, THEIRS) if any(system == one for system, _ in table.counts)]
    used = sum(1 for style in STYLES if table.counts[OURS, style.name])
    print(f"edits: replies made from {count} commits in {used} styles; of 100 replies")
    if table.times:
        lines, missed = table.verdicts()
        print("\n".join([*table.lines(systems), *lines, table.timing()]))
    print("".join(f"  {note}\n" for note in notes), end="")
    sys.exit(1 if args.check and missed else 0)


if __name__ == "__main__":
    main()
