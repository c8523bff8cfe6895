"""Only what is new or worse against an older commit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from selfimprove.codebase.measure.record import FileMetrics
from selfimprove.model.finding import Finding, Severity
from selfimprove.reflector.engine import Engine, Source
from selfimprove.reflector.policy import Policy
from selfimprove.reflector.rules import findings
from selfimprove.reflector.since import since
from selfimprove.tools.git.history import changed, tree_blobs
from selfimprove.tools.git.objects import Objects
from selfimprove.tools.git.repo import Repo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tests.conftest import Project

POLICY = Policy({"SI101": 5}, select=["SI101"])


def branchy(name: str, complexity: int) -> str:
    """A function of exactly that complexity."""
    return f"def {name}(a):\n" + "    if a:\n        a -= 1\n" * (complexity - 1) + "    return a\n\n\n"


def look(
    project: Project, policy: Policy = POLICY, more: Iterable[Finding] = ()
) -> tuple[dict[str, float | str | None], int]:
    """Compare the tree with HEAD: before by "path symbol" of what stays, and the number of what got better."""
    repo = Repo(project.root, project.root / ".git", project.root / ".git", project.env)

    def read(ids: Iterable[str]) -> Iterator[tuple[str, bytes | None]]:
        with Objects(repo) as objects:
            yield from objects.read(ids)

    engine = Engine(read_blobs=read, jobs=1)
    files = [path for path in repo.files() if (project.root / path).is_file()]
    found = engine.measure(
        [Source(path, "", project.root / path) for path in files], extra=policy.needs_extra
    )
    measured = {path: one for path, one in found.items() if isinstance(one, FileMetrics)}
    over = [one for path, metrics in measured.items() for one in findings(path, metrics, policy)]
    changes = changed(repo, "HEAD")
    renamed = {change.old_path for change in changes}
    deleted = {
        path: blob
        for path, blob in tree_blobs(repo, "HEAD").items()
        if path not in files and path not in renamed
    }
    stay, improved = since([*over, *more], measured, changes, engine, policy, deleted)
    return {f"{one.path} {one.symbol}": one.before for one in stay}, improved


def test_new_and_worse_stay_and_the_rest_goes(project: Callable[..., Project]) -> None:
    before = {"same": 9, "worse": 7, "better": 9, "fine": 2, "grew": 3}
    made = project({"a.py": "".join(branchy(*one) for one in before.items()), "b.py": branchy("other", 9)})
    after = before | {"worse": 8, "better": 6, "grew": 6, "new": 12}
    made.write("a.py", "# moved down\n\n" + "".join(branchy(*one) for one in after.items()))
    assert look(made) == ({"a.py worse": 7, "a.py grew": 3, "a.py new": None}, 1)


def test_nothing_changed(project: Callable[..., Project]) -> None:
    made = project({"a.py": branchy("f", 9)})
    assert look(made) == ({}, 0)


def test_a_new_file_is_new_and_an_unreadable_base_too(project: Callable[..., Project]) -> None:
    made = project({"a.py": "print 'two'\n"})
    made.write("a.py", branchy("f", 9))
    made.write("b.py", branchy("g", 9))
    assert look(made) == ({"a.py f": None, "b.py g": None}, 0)


def test_a_file_that_broke_has_not_got_better(project: Callable[..., Project]) -> None:
    made = project({"a.py": branchy("f", 9)})
    made.write("a.py", branchy("f", 9) + "print 'two'\n")
    assert look(made) == ({}, 0)


def test_renamed_files_and_functions_are_known_again(project: Callable[..., Project]) -> None:
    made = project({"a.py": branchy("f", 9) + branchy("g", 8) + branchy("h", 7)})
    made.git("mv", "a.py", "b.py")
    made.write("b.py", branchy("f", 9) + branchy("renamed", 8) + branchy("h", 8))
    assert look(made) == ({"b.py h": 7}, 0)


@pytest.mark.parametrize(
    "rest", [branchy("stays", 3), ""], ids=["to another file", "and the old file is gone"]
)
def test_a_moved_function_is_not_new(project: Callable[..., Project], rest: str) -> None:
    made = project({"a.py": branchy("f", 9) + branchy("stays", 3) * bool(rest), "c.py": "x = 1\n"})
    made.write("a.py", rest)
    if not rest:
        (made.root / "a.py").unlink()
    made.write("c.py", "x = 1\n\n\n" + "".join(f"y{i} = {i}\n" for i in range(200)) + branchy("f", 9))
    assert look(made) == ({}, 0)


def test_a_copy_is_new_but_what_stands_behind_a_thin_name_is_not(project: Callable[..., Project]) -> None:
    made = project({"a.py": branchy("f", 9)})
    made.write("a.py", branchy("f", 9) + branchy("copy", 9))
    assert look(made) == ({"a.py copy": None}, 0)
    made.write("a.py", "def f(a):\n    return _f(a)\n\n\n" + branchy("_f", 9))
    assert look(made) == ({}, 0)


def test_a_copy_is_new_also_when_its_original_is_changed(project: Callable[..., Project]) -> None:
    made = project({"a.py": branchy("f", 21)})
    made.write("a.py", branchy("f", 22))
    made.write("k.py", branchy("k", 21))
    assert look(made) == ({"a.py f": 21, "k.py k": None}, 0)
    made.write("k.py", branchy("f", 21))
    assert look(made) == ({"a.py f": 21, "k.py f": None}, 0)
    made.write("a.py", branchy("f", 20))
    assert look(made) == ({"k.py f": None}, 1)
    made.write("l.py", branchy("l", 21))
    made.write("a.py", "def f(a):\n    return k.f(a)\n")
    assert look(made) == ({"l.py l": None}, 0), "of two with the old body one is the old function"


def test_what_is_gone_is_what_moved(project: Callable[..., Project]) -> None:
    made = project({"a.py": branchy("f", 9), "b.py": branchy("g", 9) + "x = 1\n"})
    made.write("a.py", branchy("f", 10) + branchy("k", 9))
    made.write("b.py", "x = 1\n")
    assert look(made) == ({"a.py f": 9}, 0)


def test_one_more_of_a_name_is_the_only_new_one(project: Callable[..., Project]) -> None:
    made = project({"a.py": branchy("f", 9) + branchy("f", 12)})
    made.write("a.py", branchy("f", 15) + branchy("f", 9) + branchy("f", 12))
    assert look(made) == ({"a.py f": None}, 0)
    made.write("a.py", branchy("f", 12))
    assert look(made) == ({}, 1)
    made.write("a.py", branchy("f", 10) + branchy("f", 12))
    assert look(made) == ({"a.py f": 9}, 0)


def test_what_a_wrapper_keeps_is_not_what_moved(project: Callable[..., Project]) -> None:
    many = "a, b, c, d, e, g, h, i"
    policy = Policy({"SI101": 5, "SI106": 7}, select=["SI101", "SI106"])
    body = branchy("f", 9).replace("(a)", f"({many})")
    made = project({"a.py": body})
    made.write("a.py", f"def f({many}):\n    return _f({many})\n\n\n" + body.replace("def f", "def _f"))
    found = look(made, policy)
    assert found == ({"a.py _f": None}, 0), "the parameters are there twice now, the branches once"


def test_what_is_gone_got_better(project: Callable[..., Project]) -> None:
    made = project({"a.py": branchy("f", 9) + branchy("g", 2), "b.py": branchy("h", 9)})
    made.write("a.py", branchy("g", 2))
    (made.root / "b.py").unlink()
    assert look(made) == ({}, 2)


def test_a_rank_is_worse_when_its_letter_is(project: Callable[..., Project]) -> None:
    hard = "".join(
        f"a{i} = (b{i} + c{i} * d{i} - e{i}) / f{i} if g{i} > h{i} and i{i} < j{i} else k{i} % l{i}\n"
        for i in range(400)
    )
    made = project({"a.py": "x = 1\n", "b.py": hard})
    made.write("a.py", hard)
    made.write("b.py", hard + "x = 1\n")
    policy = Policy(select=["SI102"])
    assert look(made, policy) == ({"a.py ": "A"}, 0)


def test_other_rules_stay_where_their_file_changed(project: Callable[..., Project]) -> None:
    made = project({"a.py": "x = 1\n", "b.py": "x = 1\n"})
    made.write("a.py", "x = 2\n")
    twins = [Finding("SI201", path, 1, 4, "k", Severity.WARNING, 12, 10, "", "") for path in ("a.py", "b.py")]
    assert look(made, more=twins) == ({"a.py k": None}, 0)
