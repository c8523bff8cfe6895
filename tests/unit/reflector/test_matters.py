"""What history says about findings: churn, heat, the previous revision, names that were other names."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from selfimprove.codebase.measure.record import FileMetrics
from selfimprove.model.audit import FileFacts
from selfimprove.model.finding import Finding, Severity, fingerprint
from selfimprove.model.history import Change, Commit, History
from selfimprove.reflector.engine import Engine, Source
from selfimprove.reflector.matters import (
    Background,
    activity,
    enrich,
    newest_time,
    trend_points,
    urgency,
    what_matters_first,
)
from selfimprove.reflector.policy import Policy
from selfimprove.reflector.renames import lineages
from selfimprove.reflector.rules import findings
from selfimprove.tools.git.history import changed, read_history
from selfimprove.tools.git.objects import Objects
from selfimprove.tools.git.repo import Repo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tests.conftest import Project

DAY = 86_400
START = 1_700_000_000
POLICY = Policy({"SI101": 5}, select=["SI101"])


def branchy(name: str, complexity: int) -> str:
    """A function of exactly that complexity."""
    return f"def {name}(a):\n" + "    if a:\n        a -= 1\n" * (complexity - 1) + "    return a\n\n\n"


def commit(project: Project, day: float, author: str = "Ada", message: str = "work") -> str:
    """Commit everything as of that day after START."""
    when = f"{START + int(day * DAY)} +0000"
    project.git("add", "-A")
    who = ("-c", f"user.name={author}", "-c", "user.email=a@example.org")
    at = replace(project, env=project.env | {"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when})
    del at.env["GIT_AUTHOR_NAME"]
    at.git(*who, "commit", "-q", "--allow-empty", "-m", message)
    return project.git("rev-parse", "HEAD")


def look(project: Project, policy: Policy = POLICY) -> tuple[dict[str, Finding], dict[str, FileFacts]]:
    """Measure and enrich; findings by "path symbol", facts by path."""
    enriched, facts = enriched_in(project, policy)
    return {f"{one.path} {one.symbol}": one for one in enriched}, {one.path: one for one in facts}


def everything(project: Project) -> list[Finding]:
    """The findings from top to bottom."""
    return sorted(enriched_in(project, POLICY)[0], key=lambda one: (one.path, one.line))


def enriched_in(project: Project, policy: Policy) -> tuple[list[Finding], list[FileFacts]]:
    """Measure and enrich."""
    repo = Repo(project.root, project.root / ".git", project.root / ".git", project.env)

    def read(ids: Iterable[str]) -> Iterator[tuple[str, bytes | None]]:
        with Objects(repo) as objects:
            yield from objects.read(ids)

    engine = Engine(read_blobs=read, jobs=1)
    files = [path for path in repo.files() if (project.root / path).is_file()]
    found = engine.measure([Source(path, "", project.root / path) for path in files])
    measured = {path: one for path, one in found.items() if isinstance(one, FileMetrics)}
    over = [one for path, metrics in measured.items() for one in findings(path, metrics, policy)]
    uncommitted = changed(repo, "HEAD") if repo.head() else []
    background = Background(read_history(repo), START + 10_000 * DAY, uncommitted)
    return enrich(over, measured, background, engine, policy)


@pytest.fixture
def empty(project: Callable[..., Project]) -> Project:
    """A repository without a commit."""
    return project(commit=False)


def test_churn_halves_every_ninety_days_and_the_owner_has_the_largest_share(empty: Project) -> None:
    for day, author, complexity in ((0, "Ada", 2), (90, "Bob", 3), (180, "Bob", 4)):
        empty.write("hot.py", branchy("f", complexity))
        commit(empty, day, author)
    empty.write("cold.py", branchy("g", 7))
    commit(empty, 180)
    _, files = look(empty)
    hot, cold = files["hot.py"], files["cold.py"]
    # 0.25 of Ada, 0.5 and 1 of Bob; the products are 4 x 1.75 = 7 and 7 x 1 = 7.
    assert (hot.churn, hot.commits, hot.authors) == (1.75, 3, 2)
    assert (hot.owner, hot.share, hot.last_changed) == ("Bob", 0.857, START + 180 * DAY)
    assert (cold.churn, cold.commits, cold.owner, cold.share) == (1.0, 1, "Ada", 1.0)
    assert (hot.heat, cold.heat, hot.change, cold.change) == (100.0, 100.0, 1, None)


def test_heat_is_complexity_by_churn_in_percent_of_the_hottest(empty: Project) -> None:
    empty.write("a.py", branchy("f", 8))
    empty.write("b.py", branchy("f", 2))
    empty.write("plain.py", "x = 1\n")
    commit(empty, 0)
    _, files = look(empty)
    assert {path: one.heat for path, one in files.items()} == {"a.py": 100.0, "b.py": 25.0, "plain.py": 0.0}
    assert list(files) == ["a.py", "b.py", "plain.py"]


def test_a_commit_over_very_many_files_counts_in_proportion() -> None:
    changes = tuple(Change("1" * 40, "2" * 40, f"m{i}.py", f"m{i}.py") for i in range(400))
    history = History((Commit("c", START, "Ada", "reformat", changes),))
    assert activity(lineages(history)["m7.py"], START).churn == 0.25


def test_ages_count_from_the_newest_commit_but_never_from_the_future() -> None:
    history = History((Commit("b", START + DAY, "Ada", "", ()), Commit("a", START + 9 * DAY, "Ada", "", ())))
    assert newest_time(history, START + 99 * DAY) == START + 9 * DAY
    assert newest_time(history, START + 2 * DAY) == START + 2 * DAY
    assert newest_time(History(), 5.0) == 5.0


@pytest.mark.parametrize(
    ("value", "before", "limit", "points"),
    [
        (21, 15, 15, 4.4),
        (60, 15, 15, 5.0),
        (16, 22, 15, -3.4),
        (16, 90, 15, -4.0),
        (16, 16, 15, 0.0),
        (16, None, 15, 5.0),
        ("C", "B", "B", 5.0),
        ("C", "C", "B", 0.0),
        (3, 2, 0, 5.0),
    ],
)
def test_points_for_the_trend(
    value: float | str, before: float | str | None, limit: float | str, points: float
) -> None:
    assert trend_points(value, before, limit) == pytest.approx(points)


def test_urgency_is_heat_and_trend_within_nine() -> None:
    assert urgency(50, 4.4) == 6.4
    assert urgency(100, 5.0) == 9.0
    assert urgency(10, -4.0) == -3.6
    assert str(urgency(0, -0.01)) == "0.0"


def test_before_is_the_commit_before_the_last_change_and_heads_for_an_uncommitted_one(empty: Project) -> None:
    for day, complexity in ((0, 6), (90, 8)):
        empty.write("a.py", branchy("f", complexity))
        commit(empty, day)
    empty.write("other.py", "x = 1\n")
    commit(empty, 180)
    found, files = look(empty)
    one = found["a.py f"]
    # Worse by 2/5 of the limit, and a half-life ago: 4.4 / 2; the hottest file: 4.
    assert (one.value, one.before, one.urgency, files["a.py"].change) == (8, 6, 6.2, 2)
    empty.write("a.py", branchy("f", 7) + branchy("new", 9))
    found, files = look(empty)
    assert (found["a.py f"].before, found["a.py f"].urgency) == (8, 0.8)  # 4 - 3.2
    assert (found["a.py new"].before, found["a.py new"].urgency) == (None, 9.0)
    assert list(found) == ["a.py new", "a.py f"]
    assert files["a.py"].change == 8


def test_without_a_past_nothing_is_said(empty: Project) -> None:
    empty.write("a.py", branchy("f", 9))
    assert look(empty)[0]["a.py f"].urgency == 0.0  # no commit yet
    commit(empty, 0)
    empty.write("a.py", branchy("f", 10))
    commit(empty, 1)
    empty.write("b.py", "x = 1\n")
    commit(empty, 2)
    shallow = empty.root.parent / "shallow"
    empty.git("clone", "-q", "--depth", "1", f"file://{empty.root}", str(shallow))
    one = look(replace(empty, root=shallow))[0]["a.py f"]
    assert (one.before, one.urgency, one.origin, one.aliases) == (None, 0.0, "", ())


def test_a_previous_revision_that_is_not_python_says_nothing(empty: Project) -> None:
    empty.write("a.py", "print 'two'\n")
    commit(empty, 0)
    empty.write("a.py", branchy("f", 9))
    commit(empty, 1)
    found, files = look(empty)
    assert (found["a.py f"].before, found["a.py f"].urgency, files["a.py"].change) == (None, 4.0, None)


def test_a_renamed_file_keeps_its_fingerprint_and_its_churn(empty: Project) -> None:
    empty.write("first.py", branchy("f", 9))
    commit(empty, 0)
    for day, old, new in ((1, "first.py", "pkg/second.py"), (2, "pkg/second.py", "pkg/third.py")):
        (empty.root / "pkg").mkdir(exist_ok=True)
        empty.git("mv", old, new)
        commit(empty, day)
    one = look(empty)[0]["pkg/third.py f"]
    assert one.origin == "first.py"
    assert one.fingerprint == fingerprint("SI101", "first.py", "f")
    assert one.aliases == tuple(fingerprint("SI101", p, "f") for p in ("pkg/second.py", "pkg/third.py"))
    assert look(empty)[1]["pkg/third.py"].commits == 1  # a move is no change
    empty.git("mv", "pkg/third.py", "fourth.py")
    one = look(empty)[0]["fourth.py f"]
    assert (one.fingerprint, one.before) == (fingerprint("SI101", "first.py", "f"), 9)


def test_a_file_that_comes_back_to_its_name_has_its_first_fingerprint(empty: Project) -> None:
    empty.write("a.py", branchy("f", 9))
    commit(empty, 0)
    for day, old, new in ((1, "a.py", "b.py"), (2, "b.py", "a.py")):
        empty.git("mv", old, new)
        commit(empty, day)
    one = look(empty)[0]["a.py f"]
    assert (one.origin, one.aliases) == ("", (fingerprint("SI101", "b.py", "f"),))


def test_a_name_that_went_to_another_file_does_not_join_the_two(empty: Project) -> None:
    empty.write("a.py", branchy("f", 9))
    commit(empty, 0)
    empty.git("mv", "a.py", "b.py")
    commit(empty, 1)
    empty.write("a.py", branchy("quite_another", 12))
    commit(empty, 2)
    found, files = look(empty)
    assert (found["b.py f"].origin, found["a.py quite_another"].origin) == ("a.py", "")
    assert (files["a.py"].commits, files["b.py"].commits) == (1, 1)


def test_two_findings_never_have_one_fingerprint(empty: Project) -> None:
    empty.write("a.py", branchy("f", 9))
    commit(empty, 0)
    empty.git("mv", "a.py", "b.py")
    commit(empty, 1)
    empty.write("a.py", branchy("f", 12))
    commit(empty, 2)
    found, _ = look(empty)
    assert len({one.fingerprint for one in found.values()}) == len(found) == 2


def test_two_files_that_first_had_one_name_keep_two_fingerprints(empty: Project) -> None:
    for day, new, complexity in ((0, "b.py", 9), (2, "c.py", 12)):
        empty.write("a.py", branchy("f", complexity) + f"# {new}\n" * 50)
        commit(empty, day)
        empty.git("mv", "a.py", new)
        commit(empty, day + 1)
    found, _ = look(empty)
    assert (found["b.py f"].origin, found["c.py f"].origin) == ("a.py", "")
    assert len({one.fingerprint for one in found.values()}) == len(found) == 2


@pytest.mark.parametrize("copies", [0, 3], ids=["all in one commit", "after a history"])
def test_a_plain_rename_keeps_every_fingerprint(empty: Project, copies: int) -> None:
    """Moved without git, staged, committed, and several files at once."""
    for version in range(copies + 1):
        for name in ("a", "b", "c"):
            empty.write(f"{name}.py", branchy(f"in_{name}", 9) + branchy("f", 7 + version) + branchy("f", 9))
        commit(empty, version)
    before = prints(empty)
    for name in ("a", "b", "c"):
        (empty.root / f"{name}.py").rename(empty.root / f"new_{name}.py")
    assert prints(empty) == before
    empty.git("add", "-A")
    assert prints(empty) == before
    commit(empty, 10)
    assert prints(empty) == before


def prints(project: Project) -> dict[str, set[str]]:
    """The fingerprints by what a file was called at first; none is there twice."""
    found: dict[str, set[str]] = {}
    for one in everything(project):
        found.setdefault(one.path.removeprefix("new_"), set()).add(one.fingerprint)
    assert [len(one) for one in found.values()] == [3, 3, 3]
    assert len(set().union(*found.values())) == 9
    return found


def test_one_more_of_a_name_is_compared_with_none(empty: Project) -> None:
    empty.write("a.py", branchy("f", 9) + branchy("f", 12))
    commit(empty, 0)
    empty.write("a.py", branchy("f", 15) + branchy("f", 9) + branchy("f", 12))
    assert [one.before for one in everything(empty)] == [None, 9, 12]
    assert len({one.fingerprint for one in everything(empty)}) == 3


def test_a_deleted_file_and_a_new_one_of_its_name_are_two(empty: Project) -> None:
    empty.write("a.py", branchy("f", 9))
    commit(empty, 0)
    (empty.root / "a.py").unlink()
    commit(empty, 1)
    empty.write("a.py", branchy("g", 12))
    commit(empty, 2)
    found, files = look(empty)
    assert (files["a.py"].commits, found["a.py g"].before) == (1, None)


def test_an_edit_on_a_side_branch_follows_the_rename_on_the_other(empty: Project) -> None:
    empty.write("a.py", branchy("f", 9) + branchy("g", 2))
    commit(empty, 0)
    empty.git("checkout", "-q", "-b", "side")
    empty.write("a.py", branchy("f", 9) + branchy("g", 3))
    commit(empty, 2)
    empty.git("checkout", "-q", "main")
    empty.git("mv", "a.py", "b.py")
    commit(empty, 1)
    empty.git("merge", "-q", "--no-edit", "side")
    found, files = look(empty)
    assert (set(files), files["b.py"].commits, found["b.py f"].origin) == ({"b.py"}, 2, "a.py")
    assert found["b.py f"].aliases == (fingerprint("SI101", "b.py", "f"),)


def test_two_files_that_change_names_stay_themselves() -> None:
    a, b = "a" * 40, "b" * 40
    swap = Commit("2", 2, "Ada", "", (Change(a, a, "a.py", "b.py"), Change(b, b, "b.py", "a.py")))
    first = Commit("1", 1, "Ada", "", (Change("", a, "", "a.py"), Change("", b, "", "b.py")))
    files = lineages(History((swap, first)))
    assert {path: one.names for path, one in files.items()} == {
        "b.py": ["a.py", "b.py"],
        "a.py": ["b.py", "a.py"],
    }


def test_a_renamed_function_is_compared_with_its_old_self(empty: Project) -> None:
    empty.write("a.py", branchy("old", 9) + branchy("stays", 8))
    commit(empty, 0)
    empty.write("a.py", branchy("new", 9) + branchy("stays", 8))
    commit(empty, 1)
    found, _ = look(empty)
    one = found["a.py new"]
    assert (one.before, one.urgency) == (9, 4.0)
    assert one.aliases == (fingerprint("SI101", "a.py", "old"),)
    assert found["a.py stays"].aliases == ()


def test_of_two_candidates_none_is_the_old_self(empty: Project) -> None:
    empty.write("a.py", branchy("old", 9) + branchy("old_too", 9))
    commit(empty, 0)
    empty.write("a.py", branchy("new", 9))
    commit(empty, 1)
    assert (look(empty)[0]["a.py new"].before, look(empty)[0]["a.py new"].aliases) == (None, ())


def test_what_matters_first() -> None:
    def finding(name: str, severity: Severity, urgency: float, value: float = 20) -> Finding:
        return Finding("SI101", f"{name}.py", 1, 2, "f", severity, value, 15, "", "", urgency=urgency)

    ordered = [
        finding("worse error", Severity.ERROR, 4.4),
        finding("error", Severity.ERROR, 0.0),
        finding("hot worse warning", Severity.WARNING, 8.4),
        finding("improving error", Severity.ERROR, -3.4),
        finding("worse warning", Severity.WARNING, 4.1),
        finding("hot warning", Severity.WARNING, 4.0),
        finding("cold warning, far over", Severity.WARNING, 0.0, 30),
        finding("cold warning", Severity.WARNING, 0.0),
        finding("improving warning", Severity.WARNING, -3.4),
    ]
    backwards = ordered[::-1]
    assert sorted(backwards, key=what_matters_first) == ordered
    priorities = [one.to_task().priority for one in ordered]
    assert priorities == sorted(priorities, reverse=True)


def test_rules_over_several_files_have_no_before_but_are_hot(empty: Project) -> None:
    empty.write("a.py", branchy("f", 3))
    commit(empty, 0)
    twin = Finding("SI201", "a.py", 1, 4, "1234", Severity.WARNING, 12, 10, "", "")
    repo = Repo(empty.root, empty.root / ".git", empty.root / ".git", empty.env)
    engine = Engine(jobs=1)
    measured = engine.measure([Source("a.py", "", empty.root / "a.py")])
    known = {path: one for path, one in measured.items() if isinstance(one, FileMetrics)}
    (one,), _ = enrich(
        [twin], known, Background(read_history(repo), START, coverage={"a.py": 75.0}), engine, POLICY
    )
    assert (one.before, one.urgency) == (None, 4.0)
