"""Benchmark of tasks.yml: saving one changed status, against loading and dumping the file with PyYAML."""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import yaml

from selfimprove.memory.taskfile import TaskFile
from selfimprove.model.task import Status

TASK = """\
# number {n}
- id: task-{n}
  title: "Task number {n}"
  command: make target-{n}   # by hand
  dependencies: [{before}]
  priority: {n}
  status: pending
"""


def text(count: int) -> str:
    """Return a tasks.yml with comments, quotes and a chain of dependencies."""
    return "".join(TASK.format(n=n, before=f"task-{n - 1}" if n else "") for n in range(count))


def save_one(file: TaskFile, number: int) -> float:
    """Return the seconds that it takes to mark one task and save, down to the disk."""
    tasks = file.load()
    status = Status.DONE if tasks[number].status is Status.PENDING else Status.PENDING
    tasks[number] = replace(tasks[number], status=status)
    start = time.perf_counter()
    file.save(tasks)
    return time.perf_counter() - start


def dump_all(path: Path, number: int) -> float:
    """Return the seconds that the same takes with PyYAML's C loader and dumper, comments lost, no fsync."""
    start = time.perf_counter()
    tasks = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    tasks[number]["status"] = "done"
    path.write_text(yaml.dump(tasks, Dumper=yaml.CSafeDumper, sort_keys=False), encoding="utf-8")
    return time.perf_counter() - start


def main() -> None:
    """Measure at three sizes, in turns, and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 1_000, 10_000])
    parser.add_argument("--times", type=int, default=5, help="the best of how many times counts")
    args = parser.parse_args()
    print(f"tasks.yml: one status saved, in turns, best of {args.times}")
    print("    tasks     ours, ms   PyYAML, ms   ours : PyYAML")
    for size in args.sizes:
        with tempfile.TemporaryDirectory(prefix="selfimprove-bench-") as folder:
            ours, theirs = Path(folder, "tasks.yml"), Path(folder, "dumped.yml")
            ours.write_text(text(size), encoding="utf-8")
            theirs.write_text(text(size), encoding="utf-8")
            file = TaskFile(ours, lock_path=Path(folder, "lock"))
            rounds = [(save_one(file, size // 2), dump_all(theirs, size // 2)) for _ in range(args.times)]
        mine, other = (min(column) * 1e3 for column in zip(*rounds, strict=True))
        print(f"  {size:7,} {mine:12.1f} {other:12.1f} {mine / other:13.2f} x")


if __name__ == "__main__":
    main()
