"""Benchmark of the loop: 1,000 tasks that do nothing, against a shell loop that does the same by hand."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# The same work without a plan, a log, a journal or a lock: run `true`, then write the file anew.
LOOP = 'text=$(cat "$1"); n=0; while [ $n -lt $2 ]; do sh -c true; printf "%s\\n" "$text" > "$1"; n=$((n+1)); done'


def tasks_text(count: int) -> str:
    """Return a tasks.yml of ``count`` tasks that run ``true``."""
    return "".join(
        f'- id: task-{n}\n  title: Task number {n}\n  command: "true"\n  status: pending\n'
        for n in range(count)
    )


def clean(home: Path) -> dict[str, str]:
    """Return a small environment, so that a person's settings and keys play no part."""
    return {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8"}


def by_shell(folder: Path, count: int) -> float:
    """Return the seconds that the shell loop takes."""
    file = folder / "by-shell.yml"
    file.write_text(tasks_text(count), encoding="utf-8")
    start = time.perf_counter()
    subprocess.run(["sh", "-c", LOOP, "sh", str(file), str(count)], check=True, env=clean(folder))
    return time.perf_counter() - start


def by_selfimprove(folder: Path, count: int, number: int) -> float:
    """Return the seconds that `selfimprove run` takes in a new repository; all tasks must be done."""
    root, env = folder / f"project-{number}", clean(folder)
    root.mkdir()
    subprocess.run(["git", "init", "-q"], cwd=root, check=True, env=env)
    (root / "tasks.yml").write_text(tasks_text(count), encoding="utf-8")
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "selfimprove", "run", "--no-audit", "-q"],
        cwd=root,
        check=True,
        env=env,
        stdout=subprocess.DEVNULL,
    )
    taken = time.perf_counter() - start
    done = (root / "tasks.yml").read_text(encoding="utf-8").count("status: done")
    if done != count:
        raise RuntimeError(f"{done} of {count} tasks are done")
    return taken


def main() -> None:
    """Measure both in turns and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=1_000)
    parser.add_argument("--times", type=int, default=2, help="the best of how many times counts")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="selfimprove-bench-") as name:
        folder = Path(name)
        rounds = [
            (by_shell(folder, args.tasks), by_selfimprove(folder, args.tasks, n)) for n in range(args.times)
        ]
    shell, ours = (min(column) for column in zip(*rounds, strict=True))
    size = len(tasks_text(args.tasks))
    print(
        f"overhead: {args.tasks:,} tasks `true`, a tasks.yml of {size:,} bytes, in turns, best of {args.times}"
    )
    print(f"  selfimprove run            {ours:8.2f} s   {ours / args.tasks * 1e3:6.1f} ms per task")
    print(f"  sh -c true, rewrite file   {shell:8.2f} s   {shell / args.tasks * 1e3:6.1f} ms per task")
    print(f"  run : shell loop           {ours / shell:8.1f} x")


if __name__ == "__main__":
    main()
