"""Who holds a run or a claim: a name for this process that a later one can ask "is it still alive?"."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def current_owner() -> str:
    """Return ``host:boot:pid:start`` of this process; no other process ever has the same."""
    return f"{platform.node()}:{_boot()}:{os.getpid()}:{_start_of(os.getpid())}"


def is_alive(owner: str) -> bool:
    """True while the process behind ``owner`` runs. On another host this cannot be known, and counts as alive."""
    host, boot, pid, start = ([*owner.rsplit(":", 3), "", "", ""])[:4]
    if host != platform.node():
        return True
    return boot == _boot() and pid.isdigit() and _start_of(int(pid)) == start


def is_here(owner: str) -> bool:
    """True when ``owner`` is a process of this host, so that :func:`is_alive` knows for sure."""
    return owner.rsplit(":", 3)[0] == platform.node()


def process_of(owner: str) -> str:
    """Return ``process 123 on host`` for a person to read."""
    host, _, pid, _ = ([*owner.rsplit(":", 3), "", "", ""])[:4]
    return f"process {pid} on {host}"


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()[:8]
    except OSError:
        return "-"


def _start_of(pid: int) -> str:
    """Return the process's start time as the kernel counts it, ``""`` when it does not run or is a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return "" if fields[0] in (b"Z", b"X") else fields[19].decode()
    except OSError:
        return _start_without_proc(pid)


def _start_without_proc(pid: int) -> str:
    if Path("/proc/self").exists():
        return ""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return "-"
    except OSError:
        return ""
    return "-"
