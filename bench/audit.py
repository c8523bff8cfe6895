"""Benchmark of the audit: whole processes against radon and wily, side by side on pinned projects from PyPI."""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import projects

from selfimprove.reflector.wily import REQUIREMENT
from selfimprove.tools.shell.venv import python_with

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

BIN = Path(sys.executable).parent
AUDIT = (str(BIN / "selfimprove"), "audit", "--format", "json", "--fail-on", "never")
RADON = ((str(BIN / "radon"), "cc", "."), (str(BIN / "radon"), "mi", "."))
# For orientation only: they measure something else, or less. Name: what pip installs, and what starts it.
OTHERS = {
    "xenon": ("xenon==0.9.3", ("-m", "xenon", "--max-absolute", "F", ".")),
    "lizard": ("lizard==1.17.19", ("-m", "lizard", "-l", "python", ".")),
    "complexipy": ("complexipy==2.1.1", ("-c", "from complexipy.main import app; app()", ".", "--quiet")),
}
ROWS = (1_000, 2_000, 4_000, 8_000, 16_000)


class Cost(NamedTuple):
    """Seconds that processes took: on the clock, and of the processors (user and system, children too)."""

    wall: float
    cpu: float


@dataclass
class Side:
    """One of two that are compared: what to do before, outside of the clock, and what to run then."""

    commands: Sequence[Sequence[str]]
    cwd: Path
    env: dict[str, str]
    before: Callable[[], object] = lambda: None
    codes: tuple[int, ...] = (0,)
    costs: list[Cost] = field(default_factory=list)

    def run(self) -> None:
        """Run it once and note the cost."""
        self.before()
        costs = [timed(command, self.cwd, self.env, self.codes) for command in self.commands]
        self.costs.append(Cost(sum(one.wall for one in costs), sum(one.cpu for one in costs)))

    def median(self) -> Cost:
        """Return the median of wall and CPU seconds."""
        return Cost(*(statistics.median(column) for column in zip(*self.costs, strict=True)))


def timed(command: Sequence[str], cwd: Path, env: dict[str, str], codes: tuple[int, ...]) -> Cost:
    """Run a command to its end and return what it cost. Raises RuntimeError for an unexpected exit code."""
    with tempfile.TemporaryFile() as said:
        start = time.perf_counter()
        child = subprocess.Popen(command, cwd=cwd, env=env, stdout=subprocess.DEVNULL, stderr=said)
        _, status, used = os.wait4(child.pid, 0)
        wall = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode not in codes:
            said.seek(0)
            raise RuntimeError(f"{command} ended with {child.returncode}: {said.read()[-500:]!r}")
    return Cost(wall, used.ru_utime + used.ru_stime)


class Bench:
    """The scratch folder with everything that runs, and the lines of the table that were measured so far."""

    def __init__(self, folder: Path, times: int) -> None:
        self.folder, self.times = folder, times
        self.cache = folder / "cache"
        self.lines: list[str] = []
        self.missed = 0
        self.number = 0

    @property
    def env(self) -> dict[str, str]:
        """A small environment, so that a person's settings and keys play no part."""
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        return {
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "XDG_CACHE_HOME": str(self.cache),
            **projects.GIT_ENV,
        }

    def ours(self, root: Path, *more: str, before: Callable[[], object] = lambda: None) -> Side:
        """Return our audit of ``root`` as a person has it."""
        return Side([(*AUDIT, *more)], root, self.env, before)

    def forget(self) -> None:
        """Empty our cache."""
        shutil.rmtree(self.cache, ignore_errors=True)

    def against(self, name: str, ours: Side, theirs: Side, at_least: float | None, times: int = 0) -> None:
        """Run both in turns and add a line to the table."""
        for _ in range(times or self.times):
            ours.run()
            theirs.run()
        self.compare(name, ours.median(), theirs.median(), at_least)

    def compare(self, name: str, ours: Cost, theirs: Cost, at_least: float | None) -> None:
        """Add a line to the table: the lower of the two ratios must reach ``at_least``."""
        cpu, wall = theirs.cpu / ours.cpu, theirs.wall / ours.wall
        verdict = ""
        if at_least is not None:
            self.missed += min(cpu, wall) < at_least
            verdict = "pass" if min(cpu, wall) >= at_least else "MISS"
        wanted = "" if at_least is None else f"{at_least:g} x"
        self.show(
            f"{name:44} {ours.cpu:8.2f} {theirs.cpu:8.2f} {cpu:7.1f} x"
            f" {ours.wall:8.2f} {theirs.wall:8.2f} {wall:7.1f} x {wanted:>7} {verdict}"
        )

    def limit(self, name: str, value: float, most: float, unit: str) -> None:
        """Add a line about a value that must be below a limit."""
        self.missed += value > most
        verdict = "pass" if value <= most else "MISS"
        self.show(f"{name:44} {value:8.2f} {unit:54} {f'< {most:g}':>7} {verdict}")

    def show(self, line: str) -> None:
        """Keep a line for the table, and show on stderr that it is there."""
        self.lines.append(line)
        print(f"  {line}", file=sys.stderr, flush=True)


def cold(bench: Bench, name: str, label: str, at_least: float, times: int = 0) -> Side:
    """Compare the first audit of a project; return the costs of radon for the audits after it."""
    root = projects.repository(name, bench.folder / name)
    theirs = Side(RADON, root, bench.env)
    bench.against(f"audit, cold, {label}", bench.ours(root, before=bench.forget), theirs, at_least, times)
    return theirs


def warm(bench: Bench, name: str, label: str, theirs: Side) -> None:
    """Compare the audits after the first: of the same files, and with one in a hundred changed."""
    root = bench.folder / name
    bench.ours(root).run()
    bench.against(f"audit, warm, {label}", bench.ours(root), theirs, 60)
    files = projects.python_files(root)

    def edit() -> None:
        bench.number += 1
        for path in files[:: max(1, len(files) // (len(files) // 100 or 1))]:
            with (root / path).open("a", encoding="utf-8") as file:
                file.write(f"\n\ndef added_{bench.number}(value):\n    return value or {bench.number}\n")

    bench.against(f"audit, 1 % of files changed, {label}", bench.ours(root, before=edit), theirs, 40)


def trends(bench: Bench, repo: Path | None, project: str) -> None:
    """Compare trends over 50 and 200 revisions, of ``repo`` or made ones, with wily's build of 50."""
    root = bench.folder / "history"
    if repo:
        projects.git(bench.folder, "clone", "-q", str(repo), str(root))
    else:
        projects.with_history(project, root, 250)
    python = python_with(REQUIREMENT, _user_cache(), os.environ)
    homes = _fresh(bench.folder)
    env = bench.env | {"HOME": ""}
    wily = Side(
        [(str(python), "-m", "wily", "build", "-n", "50", ".")],
        root,
        env,
        lambda: env.update(HOME=str(next(homes))),
    )
    first = bench.ours(root, "--trend", "50", before=bench.forget)
    bench.against("audit --trend 50, cold : wily build -n 50", first, wily, 20, min(2, bench.times))
    for name, number, at_least, before in (
        ("audit --trend 50, warm : wily build -n 50", 50, 150, lambda: None),
        ("audit --trend 200, cold : wily build -n 50", 200, 10, bench.forget),
    ):
        ours = bench.ours(root, "--trend", str(number), before=before)
        if before is not bench.forget:
            ours.run()
            ours.costs.clear()
        for _ in range(bench.times):
            ours.run()
        bench.compare(name, ours.median(), wily.median(), at_least)


def literals(bench: Bench) -> None:
    """Measure files that are one long literal: 4,000 rows at once, and how time grows when they double."""
    sides = []
    for rows in (0, *ROWS):
        root = bench.folder / f"rows-{rows}"
        root.mkdir()
        projects.git(root, "init", "-q", "-b", "main")
        lines = "".join(f'    ("name {n}", {n}, {n / 8}, [{n % 7}, -{n % 5}]),\n' for n in range(rows))
        (root / "table.py").write_text(f"TABLE = [\n{lines}]\n", encoding="utf-8")
        projects.commit(root, "A table")
        sides.append(bench.ours(root, before=bench.forget))
    for _ in range(bench.times):
        for side in sides:
            side.run()
    empty, *costs = (side.median().cpu for side in sides)
    bench.limit("a literal of 4,000 rows, cold", costs[ROWS.index(4_000)], 0.5, "s CPU of the whole process")
    grown = [(b - empty) / max(a - empty, 1e-3) for a, b in pairwise(costs)]
    words = f"x at the worst doubling of {ROWS[0]:,} to {ROWS[-1]:,} rows"
    # Below a twentieth of a second what is left of an empty audit's time is noise.
    told = [ratio for ratio, cost in zip(grown, costs, strict=False) if cost - empty > 0.05]
    bench.limit("a literal that doubles, less an empty file", max(told or grown), 2.3, words)


def orientation(bench: Bench, name: str, label: str) -> None:
    """Set our audits beside what other programs take for less."""
    root = bench.folder / name
    first = bench.ours(root, before=bench.forget)
    later = bench.ours(root)
    sides = {
        "ruff --select C901": Side(
            [(str(BIN / "ruff"), "check", "-q", "-n", "--select", "C901", "--isolated", ".")],
            root,
            bench.env,
            codes=(0, 1),
        )
    }
    for title, (requirement, rest) in OTHERS.items():
        python = python_with(requirement, _user_cache(), os.environ)
        sides[title] = Side([(str(python), *rest)], root, bench.env, codes=(0, 1))
    for _ in range(bench.times):
        for side in (first, later, *sides.values()):
            side.run()
    for title, side in sides.items():
        bench.compare(f"cold : {title}, {label}", first.median(), side.median(), None)
        bench.compare(f"warm : {title}, {label}", later.median(), side.median(), None)


def _fresh(folder: Path) -> Iterator[Path]:
    """Yield empty folders for ever."""
    while True:
        yield Path(tempfile.mkdtemp(prefix="home-", dir=folder))


def _user_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "selfimprove-bench"


def measure(bench: Bench, wanted: set[str], args: argparse.Namespace) -> None:
    """Measure the parts that are wanted, one after the other."""
    if "cold" in wanted:
        cold(bench, "flask", "83 files (flask)", 6)
    if wanted & {"cold", "warm", "others"}:
        theirs = cold(bench, "celery", "385 files (celery)", 9)
    if "warm" in wanted:
        warm(bench, "celery", "385 files", theirs)
    if wanted & {"cold", "warm"} and not args.quick:
        larger = cold(bench, "networkx", "582 files (networkx)", 9)
        if "warm" in wanted:
            warm(bench, "networkx", "582 files", larger)
    if "cold" in wanted and not args.quick:
        cold(bench, "pip", "441 files with long literals (pip)", 50, times=1)
        cold(bench, "sympy", "1,518 files (sympy)", 50, times=1)
    if "trend" in wanted:
        trends(bench, args.history_repo, args.history_project)
    if "literal" in wanted:
        literals(bench)
    if "others" in wanted:
        orientation(bench, "celery", "385 files")


def main() -> None:
    """Measure everything in turns and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=3, help="the median of how many times counts")
    parser.add_argument("--quick", action="store_true", help="once each, without the largest project")
    parser.add_argument("--only", choices=("cold", "warm", "trend", "literal", "others"), action="append")
    parser.add_argument("--history-repo", type=Path, help="a clone whose history is measured, not a made one")
    parser.add_argument("--history-project", choices=projects.PINNED, default="flask", help="what is edited")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a target is missed")
    args = parser.parse_args()
    wanted = set(args.only or ("cold", "warm", "trend", "literal", "others"))
    with tempfile.TemporaryDirectory(prefix="selfimprove-bench-") as name:
        bench = Bench(Path(name), 1 if args.quick else args.times)
        measure(bench, wanted, args)
    against = "`radon cc .` and `radon mi .` where nothing else is named"
    print(f"audit: whole processes in turns, the median of {bench.times}, seconds; against {against}")
    print(
        f"  {'':44} {'CPU: we':>8} {'they':>8} {'ratio':>9} {'wall: we':>8} {'they':>8} {'ratio':>9} {'wanted':>7}"
    )
    print("\n".join(f"  {line}" for line in bench.lines))
    print(f"  {bench.missed} of the targets missed" if bench.missed else "  every target reached")
    sys.exit(1 if args.check and bench.missed else 0)


if __name__ == "__main__":
    main()
