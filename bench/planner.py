"""Benchmark of the planner: ratios to a plain sort, to half the tasks, and to a planner that rescans."""

from __future__ import annotations

import argparse
import random
import time
from typing import TYPE_CHECKING

from selfimprove.model.budget import Budget
from selfimprove.model.task import Status, Task
from selfimprove.planner.planner import Planner

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def seeded_tasks(count: int, seed: int = 2) -> list[Task]:
    """Return ``count`` shuffled tasks with up to four dependencies each and no circle."""
    rng = random.Random(seed)
    tasks = [
        Task(
            id=f"task-{number}",
            title=f"Task {number}",
            command="true",
            priority=rng.randrange(100),
            dependencies=tuple(f"task-{rng.randrange(number)}" for _ in range(rng.randrange(5)) if number),
        )
        for number in range(count)
    ]
    rng.shuffle(tasks)
    return tasks


def plan(tasks: Sequence[Task]) -> int:
    """Plan to the end, as ``plan --dry-run`` does; return how many tasks are next."""
    return len(Planner(Budget()).plan(tasks).next)


def run(tasks: Sequence[Task]) -> int:
    """Take one task after the other, as ``run`` does; return how many there were."""
    schedule = Planner(Budget()).schedule(tasks)
    while task := schedule.pop():
        schedule.finish(task.id, Status.DONE)
    return schedule.started


def rescan(tasks: Sequence[Task]) -> int:
    """Plan by looking at every task again for each pick; return how many tasks are next."""
    done: set[str] = set()
    while True:
        ready = [t for t in tasks if t.id not in done and all(name in done for name in t.dependencies)]
        if not ready:
            return len(done)
        done.add(max(ready, key=lambda task: task.priority).id)


def plain_sort(tasks: Sequence[Task]) -> int:
    """Sort by priority and do nothing else."""
    return len(sorted(tasks, key=lambda task: -task.priority))


def seconds(work: Callable[[Sequence[Task]], int], tasks: Sequence[Task], times: int) -> float:
    """Return the best of ``times`` wall times; every task must come out."""
    best = float("inf")
    for _ in range(times):
        start = time.perf_counter()
        if work(tasks) != len(tasks):
            raise RuntimeError(f"{work.__name__} did not come to the end")
        best = min(best, time.perf_counter() - start)
    return best


def main() -> None:
    """Measure everything in one process and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=100_000, help="how many tasks to plan")
    parser.add_argument("--rescan", type=int, default=2_000, help="how many for the rescanning planner")
    parser.add_argument("--times", type=int, default=3, help="the best of how many times counts")
    args = parser.parse_args()

    whole, half = seeded_tasks(args.tasks), seeded_tasks(args.tasks // 2)
    sorting = seconds(plain_sort, whole, args.times)
    planning = seconds(plan, whole, args.times)
    running = seconds(run, whole, args.times)
    growth = planning / seconds(plan, half, args.times)
    few = seeded_tasks(args.rescan)
    against = seconds(rescan, few, 1) / seconds(plan, few, args.times)

    print(f"planner: {args.tasks:,} tasks to the end, best of {args.times}")
    print(f"  plan             {planning:8.2f} s   {planning / args.tasks * 1e6:6.1f} µs per task")
    print(f"  run (pop/finish) {running:8.2f} s   {running / args.tasks * 1e6:6.1f} µs per task")
    print(f"  plan : sorted()             {planning / sorting:8.1f} x")
    print(f"  {args.tasks:,} : {args.tasks // 2:,} tasks     {growth:8.2f} x   (linear is 2, quadratic is 4)")
    print(f"  rescan : plan, {args.rescan:,} tasks  {against:8.1f} x")


if __name__ == "__main__":
    main()
