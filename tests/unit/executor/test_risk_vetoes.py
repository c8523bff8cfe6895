"""The vetoes, each on the smallest change that calls for it and on one beside it that does not."""

from __future__ import annotations

import pytest

from selfimprove.executor.risk import VETOES, Change, is_named, is_test
from selfimprove.executor.size import WHOLE, few, small, storable
from selfimprove.model.context import FOUND, Place
from selfimprove.model.outcome import CheckResult, Objection
from selfimprove.model.task import Task
from selfimprove.model.work import Work

TEXT = "def test_a():\n    assert x == 1\n    assert y\n"
WORDS = " ".join(f"word{n}" for n in range(200))


def codes(path: str, old: str | None, new: str | None, *files: str, mode: str = "100644") -> list[str]:
    """The codes of all objections to a change."""
    task = Task("t", "T", prompt="p", files=files)
    return [objection.code for veto in VETOES for objection in veto(task, Change(path, old, new, mode))]


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (("a.py", "x\n", "y\n"), []),
        (("a.py", "x\n", "y\n", "b.py"), ["outside_files"]),
        (("src/a.py", "x\n", "y\n", "src"), []),
        (("src/a.py", "x\n", "y\n", "./src/"), []),
        (("src/a.py", "x\n", "y\n", "."), []),
        (("src/a.py", "x\n", "y\n", "*.py"), []),
        (("srcs/a.py", "x\n", "y\n", "src"), ["outside_files"]),
        ((".github/workflows/a.yml", None, "x\n"), ["protected_file"]),
        ((".github/workflows/a.yml", None, "x\n", ".github"), []),
        (("deep/conftest.py", None, "x\n"), ["protected_file"]),
        (("package.json", "{}", "{ }"), ["protected_file"]),
        (("tests/test_a.py", None, TEXT), []),
        (("tests/test_a.py", TEXT, TEXT + "\n", "tests"), []),
        (("tests/test_a.py", TEXT, TEXT + "\n"), ["tests_changed"]),
        (("tests/test_a.py", TEXT, None, "tests"), ["tests_weakened"]),
        (("tests/test_a.py", TEXT, TEXT.replace("    assert y\n", ""), "tests"), ["tests_weakened"]),
        (("tests/test_a.py", TEXT, "@pytest.mark.skip\n" + TEXT, "tests"), ["tests_skipped"]),
        (("a.py", "x\n", "# ... existing code ...\n"), ["placeholder"]),
        (("a.py", "# rest of the code unchanged\n", "# rest of the code unchanged\ny\n"), []),
        (("a.c", "x\n", "x\n++ // ... rest of the code unchanged\n"), ["placeholder"]),
        (("a.py", "x\n", "key = 'AKIA" + "ABCDEFGHIJKLMNOP'\n"), ["secret"]),
        (("a.py", WORDS, "word1\n"), ["gutted"]),
        (("a.py", WORDS, None), ["gutted"]),
        (("a.py", WORDS, WORDS[:1000]), []),
    ],
)
def test_each_veto(change: tuple[str, ...], wanted: list[str]) -> None:
    assert codes(*change) == wanted


def test_links_and_submodules() -> None:
    assert codes("a", None, "/etc/passwd", mode="120000") == ["link"]
    assert codes("a", None, None, mode="160000") == ["link"]


def test_names() -> None:
    assert [
        is_test(path) for path in ("tests/x.py", "a/test_x.py", "x_test.go", "x.spec.ts", "contest.py")
    ] == [
        True,
        True,
        True,
        True,
        False,
    ]
    assert not is_named(Task("t", "T", files=("a",)), "b")


@pytest.mark.parametrize("letter", ["x", "é", "\n"])
def test_work_stays_small_whatever_grows(letter: str) -> None:
    import json

    work = Work(
        1,
        "t",
        "b",
        "c",
        0.0,
        context=tuple(Place(f"{letter * 200}{n}", n, n + 9, letter * 50, FOUND) for n in range(500)),
        paths=tuple(f"{letter * 200}{n}" for n in range(500)),
        checks=(CheckResult("tests", False, letter * 9000, 0.0, letter * 90000),) * 3,
        objections=tuple(Objection("x", letter * 900, letter * 900, letter * 900) for _ in range(900)),
        failure="first line\n" + letter * 90000,
        stop=letter * 9000,
        summary=letter * 9000,
        subject=letter * 9000,
    )
    cut = small(work)
    assert len(json.dumps(cut.to_dict())) <= WHOLE
    assert cut.failure.startswith("first line")
    assert cut.checks[0].name == "tests"
    assert Work.from_dict(json.loads(json.dumps(cut.to_dict()))) == cut
    assert small(cut) == cut


def test_few_and_storable() -> None:
    assert few(("aa", "bb", "c"), 4) == ("aa", "bb")
    assert storable("caf\udce9") == "caf?"
