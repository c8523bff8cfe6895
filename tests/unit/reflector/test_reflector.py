"""Tasks follow the findings: appended once, updated, closed when they are gone, open again when they are back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from selfimprove.codebase.tree import FolderTree, GitTree
from selfimprove.errors import TaskFileError
from selfimprove.memory.taskfile import TaskFile
from selfimprove.model.finding import Finding, Severity, fingerprint
from selfimprove.model.task import Status, Task
from selfimprove.reflector import backlog
from selfimprove.reflector.auditor import SelfAuditor
from selfimprove.reflector.policy import Policy
from selfimprove.reflector.reflector import Look, Reflector
from selfimprove.tools.git.repo import open_repo

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Project


def branchy(complexity: int, name: str = "f") -> str:
    """A function of exactly that complexity."""
    return f"def {name}(a):\n" + "    if a:\n        a -= 1\n" * (complexity - 1) + "    return a\n\n\n"


def written(file: Path) -> tuple[int, int] | None:
    return (file.stat().st_ino, file.stat().st_mtime_ns) if file.exists() else None


class Desk:
    """A folder with code, its tasks.yml, and a cycle over both."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.file = root / "tasks.yml"

    def code(self, text: str, path: str = "app.py") -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text, encoding="utf-8")

    def cycle(self, **more: object) -> str:
        """Run one cycle and return what it says; a second one must find nothing to do and write nothing."""

        def reflector() -> Reflector:
            return Reflector(self.file, paths=[str(self.root)], **more)  # type: ignore[arg-type]

        said = reflector().run_cycle().words()
        before = written(self.file)
        assert reflector().run_cycle().words() == ""
        assert written(self.file) == before
        return said

    def tasks(self) -> dict[str, Task]:
        file = TaskFile(self.file, lock_path=self.root / ".selfimprove/tasks.lock")
        return {task.id: task for task in file.load()}

    def edit(self, old: str, new: str) -> None:
        text = self.file.read_text(encoding="utf-8")
        assert old in text
        self.file.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_the_life_of_a_task(desk: Desk) -> None:
    desk.code(branchy(20))
    assert desk.cycle() == "1 new"
    desk.code("# moved\n" + branchy(20))
    assert desk.cycle() == "", "moved lines are no news"
    desk.code(branchy(31))
    assert desk.cycle() == "1 updated"
    (task,) = desk.tasks().values()
    assert task.description == "f has cyclomatic complexity 31, limit 15"
    assert task.prompt is not None
    assert task.prompt.startswith(
        "f has cyclomatic complexity 31, limit 15.\nBring f (app.py, lines 1 to 62)"
    )
    assert task.priority == 30
    desk.code(branchy(15))
    assert desk.cycle() == "1 closed"
    (task,) = desk.tasks().values()
    assert task.status is Status.DONE
    assert task.description.endswith("limit 15 (no longer found)")
    desk.code(branchy(17))
    assert desk.cycle() == "1 reopened"
    (task,) = desk.tasks().values()
    assert task.status is Status.PENDING
    assert task.description == "f has cyclomatic complexity 17, limit 15"


def test_a_deleted_file_and_a_deleted_function_close_their_tasks(desk: Desk) -> None:
    desk.code(branchy(20) + branchy(20, "g"))
    desk.code(branchy(20), "pkg/other.py")
    assert desk.cycle() == "3 new"
    desk.code(branchy(20, "g"))
    (desk.root / "pkg/other.py").unlink()
    assert desk.cycle() == "2 closed"
    assert [task.status for task in desk.tasks().values()] == ["done", "pending", "done"]


def test_comments_layout_and_a_person_s_own_words_stay(desk: Desk) -> None:
    desk.code(branchy(20) + branchy(20, "g"))
    desk.cycle()
    desk.edit(
        "- id: refactor-app-f\n  title: Simplify f\n", "# mine\n- id:   refactor-app-f\n  title: Untangle\n"
    )
    desk.edit("priority: 20\n  category: refactor\n", "priority: 12\n  category: tidy   # see #7\n")
    before = desk.file.read_text()
    desk.code(branchy(21) + branchy(20, "g"))
    assert desk.cycle() == "1 updated"
    assert desk.file.read_text() == before.replace(
        "f has cyclomatic complexity 20", "f has cyclomatic complexity 21", 2
    ).replace("lines 1 to 40", "lines 1 to 42")
    task = desk.tasks()["refactor-app-f"]
    assert (task.title, task.priority, task.category) == ("Untangle", 12, "tidy")


@pytest.mark.parametrize("field", ["title", "description", "prompt"])
def test_an_edited_text_is_never_overwritten(desk: Desk, field: str) -> None:
    desk.code(branchy(20))
    desk.cycle()
    file = TaskFile(desk.file, lock_path=desk.root / "lock")
    (task,) = file.load()
    mine = f"{getattr(task, field)} But leave f(0) alone."
    file.save([replace(task, **{field: mine})])
    desk.code(branchy(25))
    desk.cycle()
    (now,) = desk.tasks().values()
    assert getattr(now, field) == mine
    others = {"title", "description", "prompt"} - {field}
    assert "25" in "".join(str(getattr(now, name)) for name in others)


@pytest.mark.parametrize(
    ("status", "rejected"),
    [("in_progress", None), ("failed", None), ("skipped", None), ("skipped", "never"), ("done", None)],
)
def test_what_a_person_or_a_run_decided_is_left_alone(desk: Desk, status: str, rejected: str | None) -> None:
    desk.code(branchy(20))
    desk.cycle()
    file = TaskFile(desk.file, lock_path=desk.root / "lock")
    (task,) = file.load()
    file.save([replace(task, status=Status(status), rejected=rejected)])
    for complexity in (25, 3, 20):
        desk.code(branchy(complexity))
        assert desk.cycle() == ""


def test_tasks_of_other_origin_are_left_alone(desk: Desk) -> None:
    desk.code(branchy(20))
    desk.cycle()
    desk.edit("  source: audit\n", "")
    desk.code(branchy(3))
    assert desk.cycle() == ""


def test_a_file_that_cannot_be_analysed_closes_nothing(desk: Desk) -> None:
    desk.code(branchy(20))
    desk.cycle()
    desk.code("def f(:\n")
    assert desk.cycle() == ""
    (desk.root / "app.py").unlink()
    (desk.root / "app.py").symlink_to("nowhere.py")
    assert desk.cycle() == ""


def test_what_was_not_looked_at_closes_nothing(desk: Desk) -> None:
    desk.code(branchy(20), "a/x.py")
    desk.code(branchy(20), "b/x.py")
    desk.cycle()
    desk.code(branchy(3), "a/x.py")
    desk.code(branchy(3), "b/x.py")
    narrow = Reflector(desk.file, paths=[str(desk.root / "a")]).run_cycle()
    assert narrow.words() == "1 closed"
    assert [task.files for task in narrow.closed] == [("a/x.py",)]


@pytest.mark.parametrize(
    "policy",
    [
        Policy(select=["SI102"]),
        Policy(per_path={"app.py": {"SI101": None}}),
    ],
)
def test_a_rule_that_is_not_wanted_closes_nothing(desk: Desk, policy: Policy) -> None:
    desk.code(branchy(20))
    desk.cycle()
    desk.code(branchy(3))
    assert desk.cycle(auditor=SelfAuditor(tree=FolderTree(desk.root), policy=policy)) == ""


def test_a_silenced_finding_is_not_gone(desk: Desk) -> None:
    desk.code(branchy(20))
    desk.cycle()
    desk.code(branchy(20).replace("(a):", "(a):  # selfimprove: ignore[SI101] a table would hide it", 1))
    assert desk.cycle() == ""
    desk.code(branchy(3))
    assert desk.cycle() == "1 closed"


def test_retitled_tasks_close_by_their_description_and_unknown_ones_stay(desk: Desk) -> None:
    desk.code(branchy(20) + branchy(20, "g"))
    desk.cycle()
    desk.edit("title: Simplify f", "title: My words")
    desk.edit("title: Simplify g", "title: Mine too")
    desk.edit("description: g has cyclomatic complexity", "description: g reads like a novel,")
    desk.code(branchy(3) + branchy(3, "g"))
    assert desk.cycle() == "1 closed"
    assert [task.status for task in desk.tasks().values()] == ["done", "pending"]


def test_a_closed_task_that_a_person_marked_done_again_is_theirs(desk: Desk) -> None:
    desk.code(branchy(20))
    desk.cycle()
    desk.code(branchy(3))
    desk.cycle()
    desk.edit(" (no longer found)", "")
    desk.code(branchy(20))
    assert desk.cycle() == ""


def test_a_broken_tasks_file_is_left_as_it_is(desk: Desk) -> None:
    desk.code(branchy(20))
    desk.file.write_text("- id: [\n")
    with pytest.raises(TaskFileError):
        Reflector(desk.file, paths=[str(desk.root)]).run_cycle()
    assert desk.file.read_text() == "- id: [\n"


def test_the_threshold_and_relative_paths(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(desk.root)
    desk.code(branchy(6), "src/app.py")
    assert Reflector().run_cycle() == Look(audit=Reflector().look([]).audit)
    look = Reflector(tasks_path="tasks.yml", threshold=5, paths=["src"]).run_cycle()
    assert [(task.id, task.files) for task in look.new] == [("refactor-app-f", ("src/app.py",))]


@pytest.fixture
def tracked(project: Callable[..., Project]) -> Callable[..., tuple[Project, Callable[[], Reflector]]]:
    def make(files: dict[str, str]) -> tuple[Project, Callable[[], Reflector]]:
        made = project(files)

        def reflector() -> Reflector:
            return Reflector(auditor=SelfAuditor(tree=GitTree(open_repo(made.root, made.env))))

        return made, reflector

    return make


def test_a_renamed_file_is_the_same_task(
    tracked: Callable[..., tuple[Project, Callable[[], Reflector]]],
) -> None:
    made, reflector = tracked({"old.py": branchy(20)})
    (task,) = reflector().look([]).new
    (made.root / "pkg").mkdir()
    made.git("mv", "old.py", "pkg/new.py")
    for commit in (False, True):
        if commit:
            made.git("commit", "-q", "-m", "Move")
        look = reflector().look([task])
        assert (look.new, look.closed) == ((), ())
        assert [now.files for now in look.updated] == [("pkg/new.py",)]
        assert look.updated[0].prompt is not None
        assert "pkg/new.py" in look.updated[0].prompt
        assert look.updated[0].id == task.id
        after = look.apply([task])
        assert reflector().look(after).words() == ""


def test_a_renamed_file_in_files_of_a_person_s_own(
    tracked: Callable[..., tuple[Project, Callable[[], Reflector]]],
) -> None:
    made, reflector = tracked({"old.py": branchy(20), "helper.py": ""})
    (task,) = reflector().look([]).new
    made.git("mv", "old.py", "new.py")
    look = reflector().look([replace(task, files=("helper.py", "old.py"))])
    assert [now.files for now in look.updated] == [("helper.py", "new.py")]


def finding(symbol: str, value: int = 20, **more: object) -> Finding:
    return Finding(
        "SI101", "a.py", 1, 9, symbol, Severity.WARNING, value, 15,
        f"{symbol} has cyclomatic complexity {value}, limit 15", f"Bring {symbol} (a.py, lines 1 to 9) to 15.",
        **more,  # type: ignore[arg-type]
    )  # fmt: skip


def test_a_renamed_function_is_the_same_task() -> None:
    task = backlog.new_task(finding("C.parse"))
    now = finding("C.read", 22, aliases=(task.fingerprint or "",))
    matched, without = backlog.match([task], [now])
    assert without == []
    after = backlog.renewed(task, matched[task.fingerprint or ""])
    assert after.title == "Simplify C.read"
    assert after.description == "C.read has cyclomatic complexity 22, limit 15"
    assert after.fingerprint == now.fingerprint
    assert after.id == task.id


def test_one_with_the_very_fingerprint_goes_before_one_that_had_it() -> None:
    task = backlog.new_task(finding("f"))
    renamed, again = finding("g", aliases=(task.fingerprint or "",)), finding("f")
    matched, without = backlog.match([task], [renamed, again])
    assert matched == {task.fingerprint: again}
    assert without == [renamed]


@pytest.mark.parametrize(
    ("urgency", "written"), [(0.0, 20.0), (4.0, 24.1), (-3.0, 17.1), (4.2, 24.2), (-9.0, 11.1)]
)
def test_priorities_of_ours_are_no_whole_numbers(urgency: float, written: float) -> None:
    assert backlog.new_task(finding("f", urgency=urgency)).priority == pytest.approx(written)


@pytest.mark.parametrize(
    ("now", "after"),
    [(20, 24.2), (17.3, 24.2), (24.0, 24.0), (25, 25), (100, 100), (24.4, 24.4), (-1.5, -1.5)],
)
def test_a_priority_of_a_person_s_own_stays(now: float, after: float) -> None:
    task = replace(backlog.new_task(finding("f")), priority=now)
    assert backlog.renewed(task, finding("f", urgency=4.2)).priority == after


def test_the_rule_of_a_task() -> None:
    assert backlog.rule_of(backlog.new_task(finding("f"))) == "SI101"
    lint = Task("x", "Mend f", "Unused variable 'x' (unused-variable, W0612)", prompt="p", files=("a.py",))
    assert backlog.rule_of(lint) == "SI303"
    by_title = Task(
        "x", "Join f", prompt="p", files=("a.py",), fingerprint=fingerprint("SI201", "a.py", "f", 2)
    )
    assert backlog.rule_of(by_title) == "SI201"
    assert backlog.rule_of(replace(by_title, title="Mine")) is None
