"""Trends over real histories: every number is what radon says of that file in that revision."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from radon.complexity import cc_visit
from radon.metrics import h_visit, mi_visit
from radon.raw import analyze

from conftest import Project
from selfimprove.errors import UsageError
from selfimprove.model.audit import NotAnalysed, Trend
from selfimprove.reflector.engine import Engine, Source
from selfimprove.reflector.trend import MOST_MOVERS, Now, trend
from selfimprove.reflector.trend_metrics import METRICS
from selfimprove.tools.git.history import changed, first_parents, is_shallow, tree_blobs
from selfimprove.tools.git.objects import Objects
from selfimprove.tools.git.repo import open_repo

Make = Callable[..., Project]


def function(name: str, decisions: int, rest: str = "") -> str:
    """Return a function of complexity ``decisions`` + 1."""
    steps = "".join(f"    if x == {number}:\n        x += {number}\n" for number in range(decisions))
    return f"def {name}(x):\n{steps}    return x{rest}\n\n\n"


def commit(made: Project, message: str, files: dict[str, str | bytes | None]) -> str:
    for path, content in files.items():
        if content is None:
            (made.root / path).unlink()
        else:
            made.write(path, content)
    made.git("add", "-A")
    made.git("commit", "-q", "-m", message)
    return made.git("rev-parse", "HEAD")


class Counting:
    """An engine that keeps what it was asked for."""

    def __init__(self, made: Project) -> None:
        self.asked: list[str] = []
        self.read: list[str] = []
        self.objects = Objects(open_repo(made.root, made.env))
        self.engine = Engine(read_blobs=self.reading, jobs=1)

    def reading(self, ids: Iterable[str]) -> Iterator[tuple[str, bytes | None]]:
        for one, content in self.objects.read(ids):
            self.read.append(one)
            yield one, content

    def blobs(self, wanted: Iterable[tuple[str, str]], *, extra: bool = False):
        pairs = list(wanted)
        self.asked += [blob for blob, _ in pairs]
        return self.engine.blobs(pairs, extra=extra)


def told(made: Project, metric: str = "complexity", count: int = 100, **options: object) -> Trend:
    """Return the trend of a project's HEAD."""
    repo = open_repo(made.root, made.env)
    commits, tree = first_parents(repo, count), tree_blobs(repo, "HEAD")
    with Objects(repo) as objects:
        return trend(metric, commits, tree, Engine(read_blobs=objects.read, jobs=1), **options)  # type: ignore[arg-type]


def line(found: Trend, path: str, symbol: str = "") -> tuple[float | None, ...]:
    (values,) = [one.values for one in found.lines if (one.path, one.symbol) == (path, symbol)]
    return values


@pytest.fixture
def story(project: Make) -> Project:
    """Merges, renames, a swap of names, deletes, adding again, modes, line ends, links, what is no Python."""
    made = project({"a.py": function("f", 3) + function("g", 1), "b.py": "b = 1\n", "pkg/__init__.py": ""})
    commit(made, "grow", {"a.py": function("f", 6) + function("g", 1), "c.py": function("c", 2)})
    made.git("checkout", "-q", "-b", "side")
    commit(made, "side 1", {"side.py": function("s", 4)})
    commit(made, "side 2", {"side.py": function("s", 9)})
    made.git("checkout", "-q", "main")
    commit(made, "broken", {"c.py": "def c(:\n"})
    made.git("merge", "-q", "--no-ff", "-m", "merge side", "side")
    made.git("mv", "a.py", "pkg/a.py")
    commit(made, "rename and edit", {"pkg/a.py": function("f", 7) + function("g", 1)})
    commit(made, "delete", {"b.py": None})
    commit(made, "mend", {"c.py": function("c", 1).replace("\n", "\r\n")})
    made.git("mv", "c.py", "swap")
    made.git("mv", "side.py", "c.py")
    made.git("mv", "swap", "side.py")
    commit(made, "swap", {})
    (made.root / "c.py").chmod(0o755)
    commit(made, "mode", {"text.txt": "x\n"})
    (made.root / "link.py").symlink_to("c.py")
    commit(made, "add again", {"b.py": function("b", 5), "n.ipynb": notebook("for x in y:\n    pass\n")})
    commit(
        made,
        "latin",
        {"l.py": "# coding: latin-1\nx = '\xe9'\n".encode("latin-1"), "bom.py": "\ufeffx = 1\n"},
    )
    return made


def notebook(code: str) -> str:
    import json

    cell = {"cell_type": "code", "source": code, "metadata": {}, "outputs": [], "execution_count": None}
    return json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def sources(made: Project, revision: str) -> dict[str, str]:
    """Return the text of each Python file of a revision that Python can read."""
    found = {}
    for row in made.git("ls-tree", "-r", revision).splitlines():
        mode, path = row.split(" ")[0], row.split("\t")[1]
        if path.endswith(".py") and mode.startswith("100"):
            show = ["git", "show", f"{revision}:{path}"]
            data = subprocess.run(show, cwd=made.root, env=made.env, capture_output=True, check=True).stdout
            text = data.decode("latin-1" if b"latin-1" in data else "utf-8-sig").replace("\r\n", "\n")
            if "def c(:" not in text:
                found[path] = text
    return found


def fresh(texts: Iterable[str]) -> dict[str, float]:
    """Return every metric of a revision as radon itself gives it."""
    numbers = [block.complexity for text in texts for block in cc_visit(text)]
    raw = [analyze(text) for text in texts]
    weights = [max(1, found.loc) for found in raw]
    indices = [mi_visit(text, multi=True) * weight for text, weight in zip(texts, weights, strict=True)]
    return {
        "complexity": sum(numbers),
        "mean-complexity": sum(numbers) / len(numbers),
        "worst": max(numbers),
        "maintainability": sum(indices) / sum(weights),
        "lines": sum(found.loc for found in raw),
        "sloc": sum(found.sloc for found in raw),
        "lloc": sum(found.lloc for found in raw),
        "comments": sum(found.comments for found in raw),
        "volume": sum(h_visit(text).total.volume for text in texts),
        "functions": len(numbers),
        "files": len(raw),
    }


def test_every_revision_has_the_numbers_that_radon_gives_it(story: Project) -> None:
    found = {metric: told(story, metric, exclude=["n.ipynb"]) for metric in METRICS if metric != "cognitive"}
    revisions = found["complexity"].revisions
    assert [one.subject for one in revisions] == [
        *("First", "grow", "broken", "merge side", "rename and edit", "delete", "mend", "swap", "mode"),
        *("add again", "latin"),
    ]
    for at, revision in enumerate(revisions):
        expected = fresh(list(sources(story, revision.commit).values()))
        assert {name: one.total[at] for name, one in found.items()} == pytest.approx(expected, rel=1e-9)


def test_lines_follow_renamed_files(story: Project) -> None:
    found = told(story, paths=["."])
    assert line(found, "pkg/a.py") == (6, 9, 9, 9, 10, 10, 10, 10, 10, 10, 10)
    assert line(found, "c.py") == (None, 3, None, None, None, None, 2, 10, 10, 10, 10)  # as git sees a swap
    assert line(found, "side.py") == (None, None, None, 10, 10, 10, 10, 2, 2, 2, 2)
    assert line(found, "b.py") == (0, 0, 0, 0, 0, None, None, None, None, 6, 6)  # gone for a while
    assert [one.path for one in found.lines][:2] == ["c.py", "b.py"]  # what moved most comes first
    assert {one.path for one in found.lines} >= {"pkg/__init__.py", "n.ipynb", "bom.py"}
    moved = told(story).lines
    assert {one.path for one in moved} == {"c.py", "b.py", "pkg/a.py", "side.py"}


def test_paths_and_excludes_narrow_the_total(story: Project) -> None:
    assert told(story, paths=["pkg"]).total == line(told(story), "pkg/a.py")
    only = told(story, paths=["c.py", "nothing.py"])
    assert ([one.path for one in only.lines], only.total) == (["c.py"], only.lines[0].values)
    without = told(story, exclude=["pkg/*"])
    assert "pkg/a.py" not in {one.path for one in without.lines}
    assert without.total[-1] == told(story).total[-1] - 10


def test_what_cannot_be_measured_is_said_once_for_a_file(story: Project) -> None:
    said: list[NotAnalysed] = []
    told(story, say=said.append)
    newest = story.git("rev-parse", "HEAD~5")[:12]
    assert said == [NotAnalysed("c.py", f"line 1: syntax error: invalid syntax, in {newest}")]
    for worse in ("c(", "c(:", "c(::"):
        commit(story, "again", {"c.py": f"def {worse}\n"})
    told(story, say=said.append)
    newest = story.git("rev-parse", "HEAD")[:12]
    assert said[1].reason.endswith(f", in {newest} and 2 older versions")
    commit(story, "a name", {os.fsdecode(b"\xff.py"): "x = 1\n", "c.py": "c = 1\n"})
    said.clear()
    told(story, count=1, say=said.append)
    assert [one.reason for one in said] == ["its name is not valid UTF-8"]


def test_each_content_is_asked_for_once_and_only_where_needed(story: Project) -> None:
    repo = open_repo(story.root, story.env)
    commits, tree = first_parents(repo, 4), tree_blobs(repo, "HEAD")
    counting = Counting(story)
    with counting.objects:
        found = trend("complexity", commits, tree, counting)
    assert len(found.revisions) == 4
    assert len(counting.asked) == len(set(counting.asked)) == len(set(tree.values()))
    assert sorted(counting.read) == sorted(counting.asked)


def test_functions_are_followed_through_new_names_and_files(project: Make) -> None:
    old, new = function("old", 3), function("new", 3)
    made = project({"a.py": function("old", 1) + function("other", 0)})
    commit(made, "grow", {"a.py": old + function("other", 0)})
    commit(made, "rename the function", {"a.py": new + function("other", 0)})
    commit(made, "another file", {"b.py": new, "a.py": function("other", 0)})
    commit(made, "rename the file", {"b.py": None, "dir/c.py": new})
    commit(
        made,
        "in a class",
        {"dir/c.py": "class K:\n    " + function("m", 1).replace("\n", "\n    ") + "\n" + new},
    )
    commit(made, "broken", {"dir/c.py": "def new(:\n"})
    commit(made, "simpler", {"dir/c.py": function("new", 2) + function("new", 7)})
    symbols = [("dir/c.py", "new"), ("dir/c.py", "new#2"), ("dir/c.py", "K.m"), ("dir/c.py", "new")]
    found = told(made, symbols=symbols)
    assert [(one.path, one.symbol) for one in found.lines] == symbols[:3]
    assert line(found, "dir/c.py", "new") == (2, 4, 4, 4, 4, 4, None, 3)
    assert line(found, "dir/c.py", "new#2") == (*(None,) * 7, 8)
    assert line(found, "dir/c.py", "K.m") == (*(None,) * 5, 2, None, None)
    both = told(made, "lines", symbols=[("a.py", "other")], paths=["a.py"])
    assert [one.symbol for one in both.lines] == ["other", ""]
    cognitive = told(made, "cognitive", symbols=[("dir/c.py", "new")])
    assert cognitive.lines[0].values[-1] == 2


def test_a_copy_is_no_rename(project: Make) -> None:
    made = project({"a.py": function("one", 2) + function("two", 2)})
    commit(made, "three", {"a.py": function("three", 2)})
    assert line(told(made, symbols=[("a.py", "three")]), "a.py", "three") == (None, 3)


def test_the_persons_tree_is_the_last_point(story: Project) -> None:
    repo = open_repo(story.root, story.env)
    before = told(story)
    (story.root / "pkg/a.py").rename(story.root / "pkg/z.py")
    story.write("new.py", "import os\n" * 30 + function("n", 3))
    story.write("c.py", "def broken(:\n")
    (story.root / "b.py").unlink()
    names = ["pkg/z.py", "new.py", "c.py", "side.py", "l.py", "bom.py", "pkg/__init__.py", "n.ipynb"]
    with Objects(repo) as objects:
        engine = Engine(read_blobs=objects.read, jobs=1)
        measured = engine.measure([Source(name, "", story.root / name) for name in names])
        moved = {change.path: change.old_path for change in changed(repo, "HEAD") if change.old_path}
        now = Now(7.0, measured, moved)
        commits, tree = first_parents(repo, 100), tree_blobs(repo, "HEAD")
        found = trend("complexity", commits, tree, engine, now=now, paths=["."])
    last = found.revisions[-1]
    assert (last.commit, last.time) == ("", 7.0)
    assert found.total[:-1] == before.total
    assert found.total[-1] == before.total[-1] - 10 - 6 + 4
    assert line(found, "pkg/z.py") == (6, 9, 9, 9, 10, 10, 10, 10, 10, 10, 10, 10)
    assert (line(found, "c.py")[-2:], line(found, "b.py")[-2:]) == ((10, None), (6, None))
    with Objects(repo) as objects:
        engine = Engine(read_blobs=objects.read, jobs=1)
        sparse = Now(7.0, {}, {}, sparse=["side.py", "none.py"])
        found = trend("complexity", commits, tree, engine, now=sparse)
        without = trend("cognitive", commits, tree, engine, now=Now(7.0, measured, moved))
    assert found.total[-1] == line(told(story, paths=["side.py"]), "side.py")[-1]
    assert without.total[-2:] == (told(story, "cognitive").total[-1], None)


def test_most_movers_only(project: Make) -> None:
    made = project(
        {f"m{number}.py": "" for number in range(MOST_MOVERS + 5)} | {"still.py": function("s", 2)}
    )
    commit(made, "all", {f"m{n}.py": function("f", n % 7) for n in range(MOST_MOVERS + 5)})
    lines = told(made).lines
    assert len(lines) == MOST_MOVERS
    assert lines[0].values == (0, 7)
    assert "still.py" not in {one.path for one in lines}


def test_bad_questions_have_a_hint(story: Project) -> None:
    for metric, symbols, words, hint in [
        ("complexty", [], "there is no metric complexty", "did you mean complexity?"),
        ("zzz", [], "there is no metric zzz", "it is one of complexity, mean-complexity"),
        ("sloc", [("c.py", "s")], "sloc is a metric of files", "ask for complexity"),
        ("complexity", [("c.py", "ss")], "c.py has no function ss", "did you mean s?"),
        ("complexity", [("no.py", "s")], "no.py has no function s", "Class.method"),
    ]:
        with pytest.raises(UsageError, match=words) as raised:
            told(story, metric, symbols=symbols)
        assert raised.value.hint.startswith(hint) or hint in raised.value.hint


def test_nothing_and_little(project: Make) -> None:
    made = project(commit=False)
    assert told(made, count=5) == Trend("complexity", (), (), ())
    commit(made, "text", {"a.txt": "x"})
    found = told(made)
    assert (found.total, found.lines, len(found.revisions)) == ((None,), (), 1)


def test_shallow_and_partial_clones(story: Project) -> None:
    story.git("config", "uploadpack.allowFilter", "true")
    whole = told(story, count=5)
    for name, options in {
        "shallow": ("--depth", "5"),
        "partial": ("--filter=blob:none", "--no-checkout"),
    }.items():
        target = story.root.parent / name
        story.git("clone", "-q", *options, story.root.as_uri(), str(target))
        made = Project(target, story.env)
        said: list[NotAnalysed] = []
        found = told(made, complete=not is_shallow(open_repo(target, made.env)), say=said.append)
        if name == "shallow":
            assert (found.total, found.revisions) == (whole.total, whole.revisions)
            assert (found.complete, said) == (False, [])
        else:
            assert set(found.total) == {None}
            assert "not in this clone" in said[0].reason


def test_another_objects_format_and_a_worktree(
    story: Project, tmp_path: Path, clean_env: dict[str, str]
) -> None:
    tree = tmp_path / "tree"
    story.git("worktree", "add", "-q", "--detach", str(tree))
    assert told(Project(tree, clean_env)) == told(story)
    root = tmp_path / "long"
    root.mkdir()
    long = Project(root, clean_env)
    long.git("init", "-q", "--object-format=sha256")
    commit(long, "one", {"a.py": function("f", 1)})
    commit(long, "two", {"a.py": function("f", 4)})
    assert told(long).total == (2, 5)
