"""The tests of all groups are run once on a commit, each group by itself, whatever is wrong with one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selfimprove.executor.testing.groups import run_groups
from selfimprove.model.budget import Budget
from selfimprove.model.events import ignore
from selfimprove.target import open_target
from selfimprove.wiring import build_bench, build_memory

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Project

FILES = {
    "shop.py": "RATE = 2\n",
    "tests/features/test_rate.py": "import shop\n\n\ndef test_rate():\n    assert shop.RATE == 2\n",
    "tests/features/test_more.py": "import shop\n\n\ndef test_more():\n    assert shop.RATE == 3\n",
    "tests/security/test_import.py": "import no_such_module\n\n\ndef test_it():\n    assert no_such_module\n",
}


def test_every_group_has_its_counts_and_its_words(project: Callable[..., Project]) -> None:
    made = project(FILES)
    target = open_target(made.root, made.env, None, {})
    bench = build_bench(target, build_memory(target).journal, Budget(), ignore, lambda _task, _diff: None)
    made.write("shop.py", "RATE = 3\n")  # of the person's own tree nothing counts
    paths = {
        "security": ["tests/security/test_import.py"],
        "features": ["tests/features/test_rate.py", "tests/features/test_more.py"],
        "compliance": ["tests/compliance/test_gone.py"],
        "integration": [],
    }
    found = run_groups(bench, made.git("rev-parse", "HEAD"), paths, made.root / "logs" / "groups.log")
    counts = {name: (one.total, one.passed, one.failed, one.errors) for name, one in found.items()}
    assert counts == {"features": (2, 1, 1, 0), "security": (1, 0, 0, 1), "compliance": (1, 0, 0, 1)}
    assert "1 failed, 1 passed" in found["features"].output
    assert "no_such_module" in found["security"].output
    assert found["compliance"].output == "tests/compliance/test_gone.py is not there"
    assert "/selfimprove/copies/" not in made.git("worktree", "list", "--porcelain")
