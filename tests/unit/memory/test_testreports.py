"""Test reports are kept by tree, command and environment, and a damaged one is as good as none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selfimprove.memory.testreports import KEPT, TestReports
from selfimprove.model.testrun import Failure, Tally, TestRun

if TYPE_CHECKING:
    from pathlib import Path

RUN = TestRun(
    {"t.py::a[\udcff]": "failed", "b": "passed"},
    exit_code=1,
    failures=(Failure("t.py::a[\udcff]", "assert", (("t.py", 1, "a", "assert 0"),)),),
    tallies={"t.py::a[\udcff]": Tally(3, 4)},
)


def test_what_was_kept_comes_back(tmp_path: Path) -> None:
    reports = TestReports(tmp_path / "new" / "folder")
    assert reports.get("tree", "command", "env") is None
    reports.put(RUN, "tree", "command", "env")
    assert reports.get("tree", "command", "env") == RUN
    assert reports.get("tree", "command", "other") is None
    assert reports.get("tree", "commandenv") is None


def test_a_damaged_report_is_none(tmp_path: Path) -> None:
    reports = TestReports(tmp_path)
    reports.put(RUN, "tree")
    (file,) = tmp_path.iterdir()
    for data in (b"", b"x", file.read_bytes()[:-3], b"x\x9c\xab\xae\x05\x00\x01u\x00\xf9"):
        file.write_bytes(data)
        assert reports.get("tree") is None
    reports.put(RUN, "tree")
    assert reports.get("tree") == RUN


def test_only_the_newest_are_kept_and_flaky_tests_add_up(tmp_path: Path) -> None:
    reports = TestReports(tmp_path)
    reports.add_flaky({"a": Tally(1, 4)}, "command")
    reports.add_flaky({"a": Tally(0, 3), "b": Tally(2, 3)}, "command")
    reports.add_flaky({}, "command")
    for number in range(KEPT + 5):
        reports.put(TestRun(), str(number))
    assert len(list(tmp_path.iterdir())) == KEPT + 1
    assert reports.flaky("command") == {"a": Tally(1, 7), "b": Tally(2, 3)}
    assert reports.flaky("other") == {}


def test_a_folder_that_cannot_be_written_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    reports = TestReports(tmp_path / "file" / "tests")
    reports.put(RUN, "tree")
    assert reports.get("tree") is None
