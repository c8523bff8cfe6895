"""Limits: how much of the machine sandboxed code may use, by the kernel or by counting."""

from __future__ import annotations

import contextlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Limits:
    """What one command may use.

    ``memory_mb`` holds for each process (as RLIMIT_DATA: reserved but unused addresses, of which Node, Go and
    Java take gigabytes, do not count) and for all of them together. ``processes`` holds for all together.
    ``tmp_mb`` is the size of each temporary file system, ``file_mb`` of any single file, in the copy too.
    """

    seconds: float | None = 600.0
    memory_mb: int = 4096
    processes: int = 512
    tmp_mb: int = 1024
    file_mb: int = 1024


def with_limits(command: str | Sequence[str], limits: Limits, path: str | None) -> list[str]:
    """Return what runs ``command`` under ``limits``; without ``prlimit`` they are only counted."""
    # A sequence goes through the shell as well: it answers 127 when the program is not there.
    argv = (
        ["/bin/sh", "-c", command]
        if isinstance(command, str)
        else ["/bin/sh", "-c", 'exec "$@"', "sh", *command]
    )
    prlimit = shutil.which("prlimit", path=path)
    if not prlimit:
        return argv
    set_limits = (
        "--core=0",
        f"--fsize={limits.file_mb << 20}",
        f"--data={limits.memory_mb << 20}",
        f"--nproc={limits.processes}",
    )
    return [prlimit, *set_limits, "--", *argv]


def over_limit(pid: int, limits: Limits) -> str:
    """Return which limit ``pid`` and its descendants together are over, or ``""``.

    The kernel does not count root's processes, and counts memory for each process only; this counts both.
    """
    family = _family(pid)
    if len(family) > limits.processes:
        return f"more than {limits.processes} processes"
    page = os.sysconf("SC_PAGE_SIZE")
    most = limits.memory_mb << 20
    if sum(family.values()) * page <= most:
        return ""
    # Shared pages were counted once for each process; look again, at what each has for itself.
    used = sum(_own_memory(one, pages * page) for one, pages in family.items())
    return f"more than {limits.memory_mb} MB of memory" if used > most else ""


def _own_memory(pid: int, otherwise: int) -> int:
    """Return the bytes of ``pid`` with shared ones divided among their users (PSS)."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return otherwise
    return sum(int(line.split()[1]) << 10 for line in lines if line.startswith("Pss:"))


def _family(pid: int) -> dict[int, int]:
    """Return the resident pages of ``pid`` and each of its descendants."""
    pages: dict[int, int] = {}
    children: dict[int, list[int]] = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdecimal():
            # Ended since the listing, or never ours to read.
            with contextlib.suppress(OSError, ValueError, IndexError):
                fields = Path(entry.path, "stat").read_text(errors="replace").rpartition(")")[2].split()
                pages[int(entry.name)] = int(fields[21])
                children.setdefault(int(fields[1]), []).append(int(entry.name))
    family: dict[int, int] = {}
    waiting = [pid]
    while waiting:
        one = waiting.pop()
        if one in pages:
            family[one] = pages[one]
        waiting += children.get(one, [])
    return family
