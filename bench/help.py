"""Benchmark of start-up: `selfimprove --help` against a Python that imports typer and rich and ends."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time

HELP = (sys.executable, "-m", "selfimprove", "--help")
IMPORTS = (sys.executable, "-c", "import typer, rich")
EMPTY = (sys.executable, "-c", "pass")


def seconds(command: tuple[str, ...]) -> float:
    """Return the wall time of one run of ``command``, which must succeed."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def side_by_side(commands: tuple[tuple[str, ...], ...], times: int) -> list[float]:
    """Return each command's best time. They take turns, so that a busy moment hits all of them."""
    rounds = [[seconds(command) for command in commands] for _ in range(times + 1)]
    return [min(column) for column in zip(*rounds[1:], strict=True)]  # the first round fills the caches


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=15, help="the best of how many times counts")
    args = parser.parse_args()
    shown, imported, empty = side_by_side((HELP, IMPORTS, EMPTY), args.times)
    print(f"help: taking turns, best of {args.times}")
    print(f"  selfimprove --help         {shown * 1e3:8.0f} ms")
    print(f"  import typer, rich         {imported * 1e3:8.0f} ms")
    print(f"  python -c pass             {empty * 1e3:8.0f} ms")
    print(f"  --help : import typer, rich{shown / imported:8.2f} x")


if __name__ == "__main__":
    main()
