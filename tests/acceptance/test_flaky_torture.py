"""Right verdicts through the real command: a base with failing tests, where every test fails at times."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from conftest import Project
from executor_rig import block, do, prompt

Make = Callable[..., Project]

# Each test that would pass fails with this probability.
CONFTEST = """\
import random
import pytest


@pytest.hookimpl(hookwrapper=True)
def pytest_pyfunc_call(pyfuncitem):
    yield
    if random.SystemRandom().random() < 0.1:
        raise AssertionError("by bad luck")
"""


# What else is installed beside pytest takes longer to import than the tests take.
INI = "[pytest]\naddopts = -p no:hypothesispytest -p no:benchmark -p no:anyio -p no:cacheprovider\n"


def verdicts(project: Make, changes: int, seed: int = 0) -> list[tuple[bool, str]]:
    """Let so many changes be proved, about half of them bad; return for each whether it was bad, and its end."""
    dice = random.Random(seed or changes)
    code = "".join(f"def f{n}():\n    return {n}\n\n\n" for n in range(changes))
    names = ", ".join(f"f{n}" for n in range(changes))
    tests = f"from m import {names}\n\n\n" + "".join(
        f"def test_{n}():\n    assert f{n}() == {n}\n\n\n" for n in range(changes)
    )
    known = "".join(f"def test_known_{n}():\n    assert f{n}() == -2\n\n\n" for n in range(3))
    made = project({"m.py": code, "test_m.py": tests + known, "conftest.py": CONFTEST, "pytest.ini": INI})
    bad = {f"t{n}": dice.random() < 0.5 for n in range(changes)}
    replies = {}
    for n in range(changes):
        old, new = (
            f"def f{n}():\n    return {n}\n",
            f"def f{n}():\n    return {-1 if bad[f't{n}'] else f'{n} + 0'}\n",
        )
        replies[f"t{n}"] = f"COMMIT: Change {n}\n" + block("m.py", old, new)
    done = do(made, [prompt(name, max_retries=0) for name in bad], replies)
    return [(bad[name], str(done.outcomes[name]["status"])) for name in bad]


def right(found: list[tuple[bool, str]]) -> int:
    """Count the right ones."""
    return sum((status == "done") != bad for bad, status in found)


@pytest.fixture
def patience(project: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for a run as long as many reruns take."""
    run = type(project()).run
    monkeypatch.setattr(run, "__kwdefaults__", {**(run.__kwdefaults__ or {}), "timeout": 3600})


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("patience")
def test_a_few_changes(project: Make) -> None:
    found = verdicts(project, 2)
    assert right(found) == len(found), found


@pytest.mark.torture
@pytest.mark.timeout(14_400)
@pytest.mark.usefixtures("patience")
@pytest.mark.parametrize("half", [0, 1])
def test_many_changes(project: Make, half: int) -> None:
    found = []
    for world in range(25):
        found += verdicts(project, 10, seed=100 * half + world)
        print(f"{right(found)} of {len(found)} verdicts are right", flush=True)
    assert right(found) >= 0.99 * len(found)
