"""From code to findings to tasks, and after a change back again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from selfimprove.codebase.scan import Scan, python_files
from selfimprove.codebase.tree import FolderTree
from selfimprove.errors import ConfigError
from selfimprove.model.audit import NotAnalysed
from selfimprove.model.finding import Severity
from selfimprove.model.task import Status, Task
from selfimprove.reflector.auditor import SelfAuditor
from selfimprove.reflector.reflector import Reflector

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def branchy(name: str, complexity: int) -> str:
    """A function of exactly that complexity."""
    return f"def {name}(a):\n" + "    if a:\n        a -= 1\n" * (complexity - 1) + "    return a\n\n\n"


def hard_to_maintain() -> str:
    """A module of rank C: many statements with large expressions and no comments."""
    return "".join(
        f"a{i} = (b{i} + c{i} * d{i} - e{i}) / f{i} if g{i} > h{i} and i{i} < j{i} else k{i} % l{i}\n"
        for i in range(400)
    )


class Chosen(FolderTree):
    """A folder of which a scan has chosen files before."""

    def __init__(self, root: Path, chosen: Scan) -> None:
        super().__init__(root)
        self.chosen = chosen

    def scan(self) -> Scan:
        return self.chosen


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "app").mkdir()
    (tmp_path / "app/legacy.py").write_text("import os\n\n\n" + branchy("parse", 31) + branchy("fine", 15))
    (tmp_path / "app/api.py").write_text(branchy("handle", 16) + branchy("send", 30))
    (tmp_path / "app/big.py").write_text(hard_to_maintain())
    (tmp_path / "app/old.py").write_text("print 'hello'\n")
    return tmp_path


def auditor(root: Path, scan: Scan | None = None) -> SelfAuditor:
    return SelfAuditor(tree=Chosen(root, scan) if scan else FolderTree(root))


def reflector(root: Path, *landed: Callable[[Task, str], bool]) -> Reflector:
    return Reflector(auditor=auditor(root), landed=landed[0] if landed else lambda *_: False)


def test_findings_with_the_worst_first(project: Path) -> None:
    audit = auditor(project).survey()
    found = [
        (f.severity, f.rule, f.path, f.symbol, f.line, f.end_line, f.value, f.limit) for f in audit.findings
    ]
    assert found == [
        (Severity.ERROR, "SI101", "app/legacy.py", "parse", 4, 65, 31, 15),
        (Severity.WARNING, "SI101", "app/api.py", "send", 35, 94, 30, 15),
        (Severity.WARNING, "SI102", "app/big.py", "", 1, 400, "C", "B"),
        (Severity.WARNING, "SI101", "app/api.py", "handle", 1, 32, 16, 15),
    ]
    assert audit.files == 3
    assert [file.path for file in audit.not_analysed] == ["app/old.py"]
    assert audit.not_analysed[0].reason.startswith("line 1: syntax error")


def test_messages_and_suggestions_are_concrete(project: Path) -> None:
    worst, _, module, _ = auditor(project).survey().findings
    assert worst.message == "parse has cyclomatic complexity 31, limit 15"
    assert "parse (app/legacy.py, lines 4 to 65)" in worst.suggestion
    assert module.message == "app/big.py has maintainability C (index 0.00), limit B"


def test_thresholds(project: Path) -> None:
    def count(complexity: int, rank: str) -> int:
        return len(SelfAuditor(complexity, rank, tree=FolderTree(project)).survey().findings)

    assert count(15, "C") == 3
    assert count(31, "C") == 0
    assert count(14, "B") == 5
    assert count(31, "A") >= 1
    with pytest.raises(ConfigError, match="'D'"):
        SelfAuditor(maintainability_threshold="D")


def test_what_the_scan_left_out_is_reported(project: Path) -> None:
    listing = ["app/legacy.py", "app/old.py", "app/gone.py"]
    audit = auditor(project, python_files(project, listing)).survey()
    assert [file.path for file in audit.not_analysed] == ["app/gone.py", "app/old.py"]
    assert audit.files == 1


def test_a_file_that_vanishes_between_scan_and_reading(project: Path) -> None:
    audit = auditor(project, Scan(("app/api.py", "app/gone.py"))).survey()
    assert audit.not_analysed == (NotAnalysed("app/gone.py", "it is not in the working tree"),)


def test_moved_lines_keep_the_fingerprint(project: Path) -> None:
    before = {finding.fingerprint for finding in auditor(project).survey().findings}
    for file in (project / "app").iterdir():
        file.write_text("# a new first line\n" + file.read_text())
    after = auditor(project).survey().findings
    assert {finding.fingerprint for finding in after} == before
    assert len(before) == 4


def test_twins_in_one_file_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(branchy("same", 16) + branchy("same", 17))
    assert len({finding.fingerprint for finding in auditor(tmp_path).survey().findings}) == 2


def test_a_look_makes_each_task_once(project: Path) -> None:
    look = reflector(project).look([])
    assert [task.id for task in look.new] == [
        "refactor-legacy-parse",
        "refactor-api-send",
        "refactor-big",
        "refactor-api-handle",
    ]
    assert [task.priority for task in look.new] == [30, 20, 20, 20]
    assert all(task.source == "audit" and task.files and task.fingerprint for task in look.new)
    assert reflector(project).look(look.new).new == ()


@pytest.mark.parametrize("status", list(Status))
def test_a_known_finding_is_no_new_task_whatever_became_of_it(project: Path, status: Status) -> None:
    first, *others = reflector(project).look([]).new
    look = reflector(project).look([replace(first, status=status, rejected="never"), *others])
    assert look.new == look.reopened == ()


def test_audit_returns_what_is_unknown(project: Path) -> None:
    mine = auditor(project)
    tasks = reflector(project).look([]).new
    assert [finding.symbol for finding in mine.audit(tasks[1:])] == ["parse"]


def test_ids_are_unique_among_all(tmp_path: Path) -> None:
    for folder in ("a", "b", "c"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.py").write_text(branchy("f", 20))
    taken = [Task("refactor-x-f", "a person's own"), Task("refactor-x-f-3", "another")]
    ids = [task.id for task in reflector(tmp_path).look(taken).new]
    assert ids == ["refactor-x-f-2", "refactor-x-f-4", "refactor-x-f-5"]


def test_a_done_task_reopens_only_when_its_commit_landed(project: Path) -> None:
    first, *others = reflector(project).look([]).new
    tasks = [replace(first, status=Status.DONE), *others]
    assert reflector(project).look(tasks).reopened == ()

    look = reflector(project, lambda task, _ref: task.id == first.id).look(tasks)
    assert look.reopened == (first,)
    assert look.new == ()

    (project / "app/legacy.py").write_text(branchy("parse", 3))
    assert reflector(project, lambda *_: True).look(tasks).reopened == ()


def test_measuring_a_changed_copy(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    look = reflector(project).look([])
    finding = look.audit.findings[0]
    copy = tmp_path_factory.mktemp("copy")
    (copy / "app").mkdir()
    (copy / "app/legacy.py").write_text(branchy("parse", 9) + branchy("parse_more", 8))
    mine = auditor(project)

    assert mine.values("app/legacy.py")[finding.fingerprint] == 31
    assert mine.values("app/legacy.py", root=copy)[finding.fingerprint] == 9
    assert sorted(map(str, mine.values("app/legacy.py", root=copy).values())) == ["8", "9", "A"]
    assert mine.values("app/nowhere.py", root=copy) == {}
    assert mine.last.files == 0, "a copy's numbers are not those of the last look"


def test_the_last_audit_stays_for_the_summary(project: Path) -> None:
    mine = reflector(project)
    look = mine.look([])
    assert mine.last == look.audit
    assert mine.last.files == 3


def test_nothing_is_written(project: Path) -> None:
    def kept() -> dict[Path, tuple[int, int, int]]:
        found = {path: path.stat() for path in project.rglob("*")}
        return {path: (stat.st_mode, stat.st_size, stat.st_mtime_ns) for path, stat in found.items()}

    before = kept()
    reflector(project).look([])
    assert kept() == before


def test_names_with_newlines_become_tasks(tmp_path: Path) -> None:
    (tmp_path / "two\nlines.py").write_text(branchy("f", 20))
    (task,) = reflector(tmp_path).look([]).new
    assert task.files == ("two\nlines.py",)
    assert task.id == "refactor-two-lines-f"


def test_the_public_classes_work_from_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "src").mkdir()
    body = "".join(f"    if x == {n}:\n        return {n}\n" for n in range(20))
    (tmp_path / "src" / "a.py").write_text(f"def f(x):\n{body}")
    monkeypatch.chdir(tmp_path)
    auditor = SelfAuditor(complexity_threshold=15, maintainability_threshold="B", use_wily=False)
    for paths in (["src"], ["src/a.py"], ["."], [str(tmp_path / "src")]):
        (found,) = auditor.analyze(paths).findings
        assert (found.path, found.symbol, found.value) == ("src/a.py", "f", 21)
    assert [one.symbol for one in auditor.audit([])] == ["f"]
    assert [task.files for task in Reflector("tasks.yml", 15, ["src"]).run_cycle().new] == [("src/a.py",)]
    assert not Reflector("tasks.yml", 15, ["src"]).run_cycle()
    assert not Reflector("other.yml", 21, ["src"]).run_cycle().new
