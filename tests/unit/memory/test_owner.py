"""Owners: this process is alive, one that has ended is not, and numbers that are given out again fool nobody."""

from __future__ import annotations

import subprocess
import sys

from selfimprove.memory.owner import current_owner, is_alive, is_here, process_of

SAY = "from selfimprove.memory.owner import current_owner; print(current_owner(), flush=True); input()"


def other() -> tuple[subprocess.Popen[str], str]:
    child = subprocess.Popen(
        [sys.executable, "-c", SAY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    return child, child.stdout.readline().strip()


def test_an_owner_lives_as_long_as_its_process():
    assert is_alive(current_owner())
    assert current_owner() == current_owner()
    child, owner = other()
    assert is_alive(owner) and is_here(owner)
    child.kill()
    while child.poll() is None and is_alive(owner):
        pass  # a zombie counts as dead already
    assert not is_alive(owner)
    child.communicate()
    assert not is_alive(owner)


def test_the_same_number_in_another_life_or_after_a_restart_is_another_process():
    host, boot, pid, start = current_owner().rsplit(":", 3)
    assert not is_alive(f"{host}:{boot}:{pid}:{int(start) + 1}")
    assert not is_alive(f"{host}:ffffffff:{pid}:{start}")


def test_of_another_host_nothing_is_known():
    assert is_alive("elsewhere:boot:1:2")
    assert not is_here("elsewhere:boot:1:2")
    assert process_of("elsewhere:boot:17:2") == "process 17 on elsewhere"


def test_nonsense_is_not_alive():
    host = current_owner().rsplit(":", 3)[0]
    assert not is_alive(f"{host}:x:y:z")
