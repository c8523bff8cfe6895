"""Benchmark of search: making and renewing the index, searching it and filling a prompt, beside ripgrep and semble."""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import corpora
import projects
from audit import BIN, Cost
from baselines import semble_python
from functions import functions, sentence

from selfimprove.errors import SelfimproveError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# About 10,200 files that are indexed, in Python, JavaScript, TypeScript, Java, Kotlin, Objective-C, C and C++.
POOL = (
    "wheel:sympy==1.13.3",
    "wheel:pandas==2.2.3",
    "wheel:django==5.1.4",
    "pypi:celery==5.4.0",
    "npm:react-native@0.76.5",
    "npm:rxjs@7.8.1",
    "npm:webpack@5.97.1",
    "npm:eslint@9.17.0",
)
SMALL = "pypi:flask==3.1.0"
QUERIES = 200
OURS = str(BIN / "selfimprove")
# What a warm process does: opens the index and answers; the answers go nowhere, the seconds to stdout.
ASK = """
import json, os, pathlib, sys, time
from selfimprove.codebase.index import open_index
from selfimprove.codebase.search import search
root, state, texts = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), json.load(sys.stdin)
index = open_index(state, root, lambda: [])
for text in texts[:5]:
    search(index, text, 10)
seconds, cpu = [], []
for text in texts:
    start, worked = time.perf_counter(), time.process_time()
    search(index, text, 10)
    seconds.append(time.perf_counter() - start)
    cpu.append(time.process_time() - worked)
print(json.dumps({"seconds": seconds, "cpu": cpu, "chunks": int(index.alive.sum()), "files": len(index.files)}))
"""
CONTEXT = """
import json, pathlib, sys, time
from selfimprove.codebase.context import build_context
from selfimprove.codebase.index import open_index
from selfimprove.model.task import Task
root, state, texts = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), json.load(sys.stdin)
index = open_index(state, root, lambda: [])
tasks = [Task(id=f"T{n}", title=text, prompt=text) for n, text in enumerate(texts)]
for task in tasks[:5]:
    build_context(task, 4000, index)
seconds, cpu = [], []
for task in tasks:
    start, worked = time.perf_counter(), time.process_time()
    build_context(task, 4000, index)
    seconds.append(time.perf_counter() - start)
    cpu.append(time.process_time() - worked)
print(json.dumps({"seconds": seconds, "cpu": cpu, "chunks": int(index.alive.sum()), "files": len(index.files)}))
"""
SEMBLE = """
import json, sys, time
from semble import SembleIndex
start = time.perf_counter()
index = SembleIndex.from_path(sys.argv[1])
made, seconds = time.perf_counter() - start, []
for text in json.load(sys.stdin):
    start = time.perf_counter()
    index.search(text, top_k=10)
    seconds.append(time.perf_counter() - start)
print(json.dumps({"seconds": seconds, "made": made}))
"""


class Ran(NamedTuple):
    """What a process and all those that it started took: seconds, and the most memory at once in MB."""

    cost: Cost
    memory: float
    out: str


def run(command: Sequence[str], cwd: Path, env: dict[str, str], given: str = "") -> Ran:
    """Run a command to its end. Raises RuntimeError, with its last words, when it fails."""
    with tempfile.TemporaryFile("w+") as said, tempfile.TemporaryFile("w+") as asked:
        asked.write(given)
        asked.seek(0)
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        child = subprocess.Popen(
            command, cwd=cwd, env=env, stdin=asked, stdout=subprocess.PIPE, stderr=said, text=True
        )
        peak: list[float] = [0.0]
        watcher = threading.Thread(target=_watch, args=(child, peak), daemon=True)
        watcher.start()
        out = child.communicate()[0]
        wall = time.perf_counter() - start
        watcher.join()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if child.returncode:
            said.seek(0)
            raise RuntimeError(f"{command[:2]} ended with {child.returncode}: {said.read()[-400:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Ran(Cost(wall, cpu), peak[0], out)


def _watch(child: subprocess.Popen[str], peak: list[float]) -> None:
    """Note the most memory that a process and its descendants had, shared pages counted once (PSS)."""
    while child.poll() is None:
        peak[0] = max(peak[0], sum(map(_share, _tree(child.pid))) / 1024)
        time.sleep(0.05)


def _tree(pid: int) -> Iterator[int]:
    yield pid
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        children = [int(one) for thread in threads for one in (thread / "children").read_text().split()]
    except OSError:
        return
    for one in children:
        yield from _tree(one)


def _share(pid: int) -> int:
    """Return the kilobytes of a process, of shared pages its share; 0 when it is gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def pooled(folder: Path) -> list[str]:
    """Make ``folder`` a repository with all of POOL that can be had; return why others cannot."""
    missing = []
    folder.mkdir()
    for spec in POOL:
        try:
            place = corpora.package(spec)
        except corpora.Unavailable as error:
            missing.append(str(error))
            continue
        shutil.copytree(place, folder / place.name, ignore=shutil.ignore_patterns(*_NO_SOURCE), symlinks=True)
    projects.git(folder, "init", "-q", "-b", "main")
    projects.commit(folder, "All releases")
    return missing


_NO_SOURCE = (
    "*.so",
    "*.map",
    "*.po",
    "*.mo",
    "*.mat",
    "*.sav",
    "*.dat",
    "*.png",
    "*.svg",
    "*.a",
    ".git",
    "*.pyc",
)


def asked(folder: Path) -> list[str]:
    """Return first sentences of documentation in the pool, from files spread over all of it."""
    files = sorted(folder.rglob("*.py"))
    found: list[str] = []
    for path in files[:: max(1, len(files) // 1200)]:
        text = path.read_text(encoding="utf-8", errors="replace")
        found += [sentence(one.doc, one.name) for one in functions(path.name, text)[:3]]
    found = [said for said in found if len(said.split()) > 3]
    return sorted(set(found), key=lambda text: (len(text) * 7919 % 101, text))[:QUERIES]


def percentile(seconds: Sequence[float], share: float) -> float:
    """Return the value below which ``share`` of the values are."""
    return sorted(seconds)[min(len(seconds) - 1, int(share * len(seconds)))]


class Bench:
    """The scratch folder, and the lines of the table that were measured so far."""

    def __init__(self, folder: Path, times: int) -> None:
        self.folder, self.times, self.missed = folder, times, 0
        self.lines: list[str] = []
        home = folder / "home"
        home.mkdir()
        self.env = {
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "XDG_CACHE_HOME": str(folder / "cache"),
            **projects.GIT_ENV,
        }

    def line(self, name: str, value: float, unit: str, most: float | None = None) -> None:
        """Add a line to the table; ``most`` is what must not be exceeded."""
        verdict = ""
        if most is not None:
            self.missed += value > most
            verdict = f"<= {most:g} {unit:5} {'pass' if value <= most else 'MISS'}"
        self.lines.append(f"{name:62} {value:10.2f} {unit:5} {verdict}".rstrip())
        print(f"  {self.lines[-1]}", file=sys.stderr, flush=True)

    def note(self, text: str) -> None:
        """Add a line without a measure."""
        self.lines.append(text)
        print(f"  {text}", file=sys.stderr, flush=True)


def indexing(bench: Bench, root: Path) -> None:
    """Measure the index command: first, after one in a hundred files changed, and after nothing did."""
    listed = [root / name for name in projects.git(root, "ls-files", "-z").split("\0") if name]
    size = sum(path.stat().st_size for path in listed) / 1e6
    bench.note(f"{len(listed):,} files, {size:,.0f} MB, of {len(POOL)} releases: {', '.join(POOL)}")
    first = run([OURS, "index"], root, bench.env)
    bench.line("index, cold: wall", first.cost.wall, "s", 20)
    bench.line("index, cold: CPU", first.cost.cpu, "s", 35)
    bench.line("index, cold: most memory of all its processes", first.memory, "MB", 600)
    size = sum(path.stat().st_size for path in (root / ".selfimprove").glob("index.db*"))
    bench.line("index: size on disk", size / 1e6, "MB", 120)
    sources = sorted(path for path in root.rglob("*") if path.suffix in {".py", ".js", ".ts", ".rs", ".cc"})
    walls: dict[str, list[Cost]] = {"none": [], "some": []}
    for turn in range(bench.times):
        run([OURS, "index"], root, bench.env)
        time.sleep(2.1)  # a file younger than that when it is read is looked at once more
        run([OURS, "index"], root, bench.env)
        walls["none"].append(run([OURS, "index"], root, bench.env).cost)
        for path in sources[turn :: max(1, len(sources) // (len(sources) // 100 or 1))]:
            with path.open("a", encoding="utf-8") as file:
                file.write(f"\n// added {turn}\n" if path.suffix != ".py" else f"\n# added {turn}\n")
        walls["some"].append(run([OURS, "index"], root, bench.env).cost)
    for key, name, most in (("some", "1 % of files changed", 1.0), ("none", "no file changed", 0.3)):
        bench.line(f"index, {name}: wall", statistics.median(one.wall for one in walls[key]), "s", most)
        bench.line(f"index, {name}: CPU", statistics.median(one.cpu for one in walls[key]), "s")


def searching(bench: Bench, root: Path, texts: list[str], label: str, most: float) -> int:
    """Measure searches in one process; return the number of chunks that were searched."""
    told = ask(bench, ASK, root, texts)
    bench.note(f"{told['files']:,} files are indexed, in {told['chunks']:,} chunks{label}")
    times(bench, f"search, {told['chunks']:,} chunks{label}", told, most)
    return int(told["chunks"])


def times(bench: Bench, name: str, told: dict[str, Any], most: float) -> None:
    """Add lines for what each call took; the 95th percentile on the clock must not exceed ``most`` ms."""
    bench.line(f"{name}: p50 wall", 1000 * percentile(told["seconds"], 0.5), "ms")
    bench.line(f"{name}: p95 wall", 1000 * percentile(told["seconds"], 0.95), "ms", most)
    bench.line(f"{name}: p95 CPU", 1000 * percentile(told["cpu"], 0.95), "ms")


def ask(
    bench: Bench, script: str, root: Path, texts: list[str], python: str = sys.executable
) -> dict[str, Any]:
    """Run one of the scripts above in a process of its own and return what it says."""
    ran = run(
        [python, "-c", script, str(root), str(root / ".selfimprove")], root, bench.env, json.dumps(texts)
    )
    told: dict[str, Any] = json.loads(ran.out)
    return told | {"memory": ran.memory}


def copies(bench: Bench, root: Path, texts: list[str], chunks: int, wanted: int, most: float) -> None:
    """Index as many copies of the pool (hard links) as give ``wanted`` chunks, and search there."""
    large = bench.folder / f"copies-{wanted}"
    large.mkdir()
    for number in range(-(-wanted // chunks)):
        shutil.copytree(
            root,
            large / f"copy{number}",
            copy_function=os.link,
            ignore=shutil.ignore_patterns(".git", ".selfimprove"),
        )
    projects.git(large, "init", "-q", "-b", "main")
    ran = run([OURS, "index"], large, bench.env)
    bench.line(f"index, copies for {wanted:,} chunks, cold: wall", ran.cost.wall, "s")
    bench.line(f"index, copies for {wanted:,} chunks, cold: CPU", ran.cost.cpu, "s")
    bench.line(f"index, copies for {wanted:,} chunks, cold: most memory", ran.memory, "MB")
    searching(bench, large, texts, " (copies)", most)
    shutil.rmtree(large)


def small(bench: Bench) -> None:
    """Measure the whole search command on a small repository against a Python that loads two libraries."""
    root = bench.folder / "small"
    shutil.copytree(corpora.package(SMALL), root)
    projects.git(root, "init", "-q", "-b", "main")
    projects.commit(root, "As released")
    ours = [OURS, "search", "make a response from what a view returned"]
    theirs = [sys.executable, "-c", "import typer, numpy"]
    for command in (ours, ours, theirs):  # makes the index; byte code and pages are warm then
        run(command, root, bench.env)
    time.sleep(2.1)
    run(ours, root, bench.env)
    pairs = [
        (run(ours, root, bench.env).cost, run(theirs, root, bench.env).cost)
        for _ in range(4 * bench.times + 1)
    ]
    for kind in ("wall", "cpu"):
        mine, other = (statistics.median(getattr(pair[side], kind) for pair in pairs) for side in (0, 1))
        bench.line(f"search command, small repository: {kind}", 1000 * mine, "ms")
        bench.line(f'python -c "import typer, numpy": {kind}', 1000 * other, "ms")
        bench.line(f"the former as a multiple of the latter: {kind}", mine / other, "x", 1.5)


def others(bench: Bench, root: Path, texts: list[str]) -> None:
    """Measure ripgrep and semble at the same files."""
    costs = []
    for text in texts[:50]:
        words = [part for word in sorted(set(text.split())) if len(word) > 2 for part in ("-e", word)]
        costs.append(run(["rg", "--no-config", "-c", "-i", "-F", *words, "./"], root, bench.env).cost)
    for share in (0.5, 0.95):
        wall = percentile([one.wall for one in costs], share)
        bench.line(f"ripgrep for a query's words: p{100 * share:.0f}", 1000 * wall, "ms")
    try:
        told = ask(bench, SEMBLE, root, texts[:50], str(semble_python()))
    except (RuntimeError, SelfimproveError) as error:
        bench.note(f"semble cannot be measured here: {str(error).strip().splitlines()[-1][:100]}")
        return
    bench.line("semble, cold index: wall", told["made"], "s")
    bench.line("semble, cold index: most memory", told["memory"], "MB")
    bench.line("semble, search: p95", 1000 * percentile(told["seconds"], 0.95), "ms")


def measure(bench: Bench, quick: bool, wanted: set[str]) -> None:
    """Measure the parts that are wanted, one after the other."""
    root = bench.folder / "pool"
    missing = pooled(root)
    for why in missing:
        bench.note(f"left out: {why}")
    texts = asked(root)
    if "index" in wanted:
        indexing(bench, root)
    else:
        run([OURS, "index"], root, bench.env)
    chunks = searching(bench, root, texts, "", 10)
    if "context" in wanted:
        told = ask(bench, CONTEXT, root, texts)
        bench.line("context for a task, 4,000 tokens: p50", 1000 * percentile(told["seconds"], 0.5), "ms")
        bench.line(
            "context for a task, 4,000 tokens: p95", 1000 * percentile(told["seconds"], 0.95), "ms", 25
        )
    if "small" in wanted:
        small(bench)
    if "others" in wanted:
        others(bench, root, texts)
    if "copies" in wanted and not quick:
        copies(bench, root, texts, chunks, 200_000, 10)
        copies(bench, root, texts, chunks, 1_000_000, 25)


def main() -> None:
    """Measure everything and print one table."""
    parts = ("index", "context", "small", "others", "copies")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=3, help="the median of how many times counts")
    parser.add_argument("--quick", action="store_true", help="once each, without the copies")
    parser.add_argument("--only", choices=parts, action="append")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a target is missed")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="selfimprove-search-") as name:
        bench = Bench(Path(name), 1 if args.quick else args.times)
        measure(bench, args.quick, set(args.only or parts))
    print(
        f"search: registry packages pooled, whole processes where a command is named, median of {bench.times}"
    )
    print("\n".join(f"  {line}" for line in bench.lines))
    print(f"  {bench.missed} of the targets missed" if bench.missed else "  every target reached")
    sys.exit(1 if args.check and bench.missed else 0)


if __name__ == "__main__":
    main()
