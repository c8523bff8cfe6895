"""Benchmark of rewriting without a model: which complex functions become simple, at what cost, beside plain rope."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import corpora

from selfimprove.codebase.measure.measure import measure
from selfimprove.codebase.measure.record import FunctionMetrics, MeasureError
from selfimprove.tools.shell.venv import without_python

GOAL = 10  # radon's rank B
TESTED_WITH = ("pytest", "coverage", "rope==1.15.2")
OWN = ("tests", "test", "benchmarks", "examples", "docs", "misc", "scripts")
"""Folders in which functions are not counted: no test runs what is there."""

PROJECTS = (
    corpora.Project("boltons", "", "mahmoud/boltons", "967864f89791", "967864f89791"),
    corpora.Project("sqlparse", "", "andialbrecht/sqlparse", "60cdc649726b", "60cdc649726b"),
    corpora.Project("click", "", "pallets/click", "2c8cd3ac958a", "2c8cd3ac958a"),
)
TESTS: Mapping[str, tuple[str, ...]] = {"boltons": ("--doctest-modules", "boltons", "tests")}
"""What pytest is told where a project's own tox.ini tells it more than its name."""

Numbers = Mapping[tuple[str, str, int], int]


class Row(NamedTuple):
    """What became of one project: functions over the goal, those brought to it, broken suites, uncovered helpers."""

    name: str
    over: int
    reached: int
    commits: int
    red: int
    helpers: int
    uncovered: int
    seconds: float

    @property
    def words(self) -> str:
        share = self.reached / self.over if self.over else 1.0
        lines = (self.helpers - self.uncovered) / self.helpers if self.helpers else 1.0
        return (
            f"{self.name:24} {self.over:5} {self.reached:8} {share:7.0%} {self.commits:8} {self.red:6}"
            f" {self.helpers:8} {lines:8.0%} {self.seconds:8.0f} s"
        )


HEAD = f"{'':24} {'C-F':>5} {'to <= 10':>8} {'':>7} {'commits':>8} {'red':>6} {'helpers':>8} {'covered':>8}"


class Ground:
    """A copy of a project with an environment in which its tests run."""

    def __init__(self, project: corpora.Project, folder: Path, mirrors: Path | None) -> None:
        self.name = project.name
        self.tests = ("-q", "-p", "no:cacheprovider", *TESTS.get(project.name, ()))
        self.root = corpora.checkout(project, folder, mirrors)
        self.git("checkout", "-q", "-B", "main")
        self.git("config", "user.name", "Bench")
        self.git("config", "user.email", "bench@example.org")
        with (self.root / ".git" / "info" / "exclude").open("a") as file:
            file.write("\n.venv/\n.coverage*\ncoverage.json\n.ropeproject/\n*.egg-info/\n")
        self.env = without_python(os.environ) | {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "NO_COLOR": "1"}
        subprocess.run([sys.executable, "-m", "venv", str(self.root / ".venv")], check=True)
        self.python("-m", "pip", "install", "-q", "-e", ".", *TESTED_WITH)
        self.before = self.numbers()
        self.over = [key for key, value in self.before.items() if value > GOAL]

    def git(self, *args: str) -> str:
        """Run git here and return what it says."""
        done = subprocess.run(["git", *args], cwd=self.root, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def python(self, *args: str) -> str:
        """Run the project's Python here and return what it says. Raises CalledProcessError."""
        argv = [str(self.root / ".venv" / "bin" / "python"), *args]
        done = subprocess.run(argv, cwd=self.root, env=self.env, capture_output=True, text=True, check=False)
        if done.returncode:
            raise corpora.Unavailable(f"{self.name}: {args}: {done.stdout[-800:]}{done.stderr[-800:]}")
        return done.stdout

    def is_green(self) -> bool:
        """Run the whole suite on what the working tree holds."""
        argv = [str(self.root / ".venv" / "bin" / "python"), "-m", "pytest", "-x", *self.tests]
        done = subprocess.run(argv, cwd=self.root, env=self.env, capture_output=True, check=False)
        return done.returncode == 0

    def numbers(self) -> Numbers:
        """Return the complexity of every function outside of tests."""
        found = {}
        for path in self.git("ls-files", "*.py").splitlines():
            if not {*PurePosixPath(path).parts[:-1]} & {*OWN} and not path.startswith("test_"):
                for function in _functions(self.root / path):
                    found[path, function.symbol, function.ordinal] = function.complexity
        return found

    def uncovered(self, symbols: Sequence[tuple[str, str, int]]) -> int:
        """Return how many of the functions have lines that no test runs, by coverage.py on the working tree."""
        self.python("-m", "coverage", "run", "--source=.", "-m", "pytest", *self.tests)
        self.python("-m", "coverage", "json", "-q", "-i", "-o", "coverage.json")
        told = json.loads((self.root / "coverage.json").read_text())["files"]
        missing = 0
        for path, symbol, ordinal in symbols:
            for function in _functions(self.root / path):
                if (function.symbol, function.ordinal) == (symbol, ordinal):
                    lines = {*told.get(path, {}).get("missing_lines", range(1, 100_000))}
                    missing += bool(lines & {*range(function.line, function.end_line + 1)})
        return missing


def _functions(path: Path) -> Iterator[FunctionMetrics]:
    try:
        yield from measure(path.read_bytes()).functions
    except (MeasureError, OSError):
        return


def judged(
    name: str, ground: Ground, commits: int, red: int, seconds: float, over: Sequence[tuple[str, str, int]]
) -> Row:
    """Return what the working tree shows, beside what it was."""
    after = ground.numbers()
    reached = sum(after.get(key, GOAL + 1) <= GOAL for key in over)
    added = [key for key in after if key not in ground.before]
    return Row(name, len(over), reached, commits, red, len(added), ground.uncovered(added), seconds)


def ours(ground: Ground) -> Row:
    """Rewrite all with the real command, then run the whole suite on every commit."""
    home = ground.root.parent / f"home-{ground.name}"
    home.mkdir()
    started = time.monotonic()
    argv = [sys.executable, "-m", "selfimprove", "refactor", "--all", "--min-rank", "C", "--format", "json"]
    done = subprocess.run(
        argv,
        cwd=ground.root,
        env=ground.env | {"HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.monotonic() - started
    if done.returncode not in (0, 1, 4, 5):
        raise corpora.Unavailable(f"selfimprove refactor: exit {done.returncode}\n{done.stderr[-2000:]}")
    (ground.root.parent / f"{ground.name}.json").write_text(done.stdout)
    branches = ground.git("for-each-ref", "--format=%(refname:short)", "refs/heads/selfimprove").split()
    commits = ground.git("rev-list", "--reverse", f"main..{branches[-1]}").split() if branches else []
    red = 0
    for commit in commits:
        ground.git("checkout", "-q", "--detach", commit)
        red += not ground.is_green()
    return judged("selfimprove", ground, len(commits), red, seconds, ground.over)


def plain_rope(ground: Ground, over: Sequence[tuple[str, str, int]]) -> Row:
    """Rewrite some with rope's extract method alone, whole blocks first, kept while all tests pass."""
    started = time.monotonic()
    script = Path(__file__).with_name("refactor_rope.py")
    commits = 0
    for path, symbol, _ in over:
        ground.python(str(script), path, symbol, str(GOAL))
        if not ground.git("status", "--porcelain"):
            continue
        if ground.is_green():
            ground.git("commit", "-qam", f"rope: {symbol}")
            commits += 1
        else:
            ground.git("checkout", "-q", "--", ".")
    seconds = time.monotonic() - started
    return judged("rope, gated by the tests", ground, commits, int(not ground.is_green()), seconds, over)


def main() -> None:
    """Print a row per project and tool."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clones", type=Path, help="Folder with mirrors named owner+name/repo.")
    parser.add_argument("--projects", nargs="*", default=[one.name for one in PROJECTS])
    parser.add_argument("--rope", type=int, default=8, help="Functions per project for rope, evenly taken.")
    parser.add_argument("--keep", type=Path, help="Work in this folder, and leave it.")
    wanted = parser.parse_args()
    print(
        "Functions of radon rank C or worse brought to 10 or less without a model; the suite after each commit"
    )
    print(HEAD)
    with tempfile.TemporaryDirectory() as scratch:
        place = wanted.keep or Path(scratch)
        place.mkdir(parents=True, exist_ok=True)
        for project in PROJECTS:
            if project.name not in wanted.projects:
                continue
            try:
                ground = Ground(project, place / project.name, wanted.clones)
                print(f"{project.name}")
                print(ours(ground).words, flush=True)
                if wanted.rope:
                    ground.git("checkout", "-q", "-f", "main")
                    step = max(1, len(ground.over) // wanted.rope)
                    print(plain_rope(ground, ground.over[::step][: wanted.rope]).words, flush=True)
            except (corpora.Unavailable, subprocess.CalledProcessError) as error:
                print(f"{project.name}: not measured: {error}")


if __name__ == "__main__":
    main()
