"""Repo and Copy on real repositories: what they answer, and that a private copy is exactly one tree."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from conftest import Project
from selfimprove.errors import GitError, NotARepository
from selfimprove.tools.git.repo import Repo, open_repo
from selfimprove.tools.git.worktree import open_copy, remove_copy, reopen_copy

if TYPE_CHECKING:
    from pathlib import Path

Make = Callable[..., Project]
FILES = {"a.txt": "a\n", "d/b.txt": "b\n", ".gitignore": "ignored/\n*.log\n"}


@pytest.fixture
def made(project: Make) -> Project:
    """A repository with a few files."""
    return project(FILES)


@pytest.fixture
def repo(made: Project) -> Repo:
    """The same, opened."""
    return open_repo(made.root, made.env)


def copies(repo: Repo, tmp_path: Path) -> Path:
    return tmp_path / "copies" / "one"


def test_what_it_answers(made: Project, repo: Repo) -> None:
    head = made.git("rev-parse", "HEAD")
    made.write("new é\n.txt", "x")
    made.write("ignored/x", "x")
    made.write("y.log", "x")
    assert (repo.head(), repo.branch(), repo.resolve("refs/heads/none")) == (head, "main", None)
    assert repo.tree_of(head) == made.git("rev-parse", "HEAD^{tree}")
    assert sorted(repo.tree_names(head)) == sorted(FILES)
    assert "new é\n.txt" in repo.files()
    assert sorted(repo.ignored()) == ["ignored/", "y.log"]
    assert repo.uncommitted() == 0
    made.write("a.txt", "other\n")
    assert repo.uncommitted() == 1
    assert repo.blob(head, "a.txt") == b"a\n"
    assert repo.blob(head, "none") is None
    assert repo.is_ancestor(head, "HEAD")
    assert not repo.is_ancestor("0" * 40, "HEAD")
    made.git("checkout", "-q", "--detach")
    assert repo.branch() is None


def test_variables_of_a_hook_do_not_lead_elsewhere(made: Project, project: Make) -> None:
    other = project({"x": "x"})
    env = made.env | {"GIT_DIR": str(other.root / ".git"), "GIT_INDEX_FILE": "/nowhere", "GIT_WORK_TREE": "/"}
    assert open_repo(made.root / "d", env).root == made.root


def test_where_there_is_none(tmp_path: Path, made: Project) -> None:
    for place in (tmp_path, tmp_path / "missing", made.root / ".git"):
        with pytest.raises(NotARepository):
            open_repo(place, made.env)


def test_exclude_writes_each_pattern_once(made: Project, repo: Repo) -> None:
    file = made.root / ".git/info/exclude"
    file.write_text("mine")
    for _ in range(2):
        repo.exclude(("/a/", "/b/"))
    assert file.read_text() == "mine\n/a/\n/b/\n"


def test_errors_name_the_verb(repo: Repo) -> None:
    with pytest.raises(GitError, match=r"^git cat-file: "):
        repo.git("-c", "a.b=c", "-c", "d.e=f", "cat-file", "blob", "none")


def test_a_commit_is_the_same_when_it_is_made_again(made: Project, repo: Repo) -> None:
    head = repo.head() or ""
    made.git("config", "i18n.commitEncoding", "latin-1")
    one, two = (repo.commit_tree(repo.tree_of(head), head, "Ünï\n", 1e9) for _ in range(2))
    assert one == two
    assert made.git("log", "-1", "--encoding=utf-8", "--format=%s", one) == "Ünï"


def test_a_branch_moves_only_from_where_it_should_be(made: Project, repo: Repo) -> None:
    head = repo.head() or ""
    one, two = (repo.commit_tree(repo.tree_of(head), head, f"{n}\n", 1e9) for n in range(2))
    repo.advance("selfimprove/run-1", one, None, "why")
    repo.advance("selfimprove/run-1", one, None, "again")
    for old in (None, head):
        with pytest.raises(GitError):
            repo.advance("selfimprove/run-1", two, old, "why")
    repo.advance("selfimprove/run-1", two, one, "why")
    assert repo.resolve("refs/heads/selfimprove/run-1") == two
    assert repo.highest_run() == 1


def test_submodule_links_of_a_tree(made: Project, repo: Repo) -> None:
    made.git("update-index", "--add", "--cacheinfo", f"160000,{repo.head()},sub é")
    made.git("commit", "-qm", "Link")
    assert repo.links("HEAD") == repo.submodules() == ["sub é"]
    assert repo.links("HEAD~1") == []


def test_a_copy_holds_exactly_one_tree(made: Project, repo: Repo, tmp_path: Path) -> None:
    head, before = repo.head() or "", made.state()
    copy = open_copy(repo, copies(repo, tmp_path), head)
    (copy.path / "a.txt").write_text("other\n")
    (copy.path / "d/b.txt").unlink()
    (copy.path / "new.log").write_text("x")
    tree = copy.snapshot(["a.txt", "d/b.txt", "new.log"])
    assert sorted(repo.tree_names(tree)) == [".gitignore", "a.txt", "new.log"]
    copy.restore(repo.tree_of(head))
    assert sorted(path.name for path in copy.path.iterdir()) == [".git", ".gitignore", "a.txt", "d"]
    copy.restore(tree)
    assert (copy.path / "new.log").read_text() == "x"
    copy.remove()
    assert not copy.path.exists()
    assert not (made.root / ".git/worktrees").exists()
    assert made.state() == before
    copy.remove()


@pytest.mark.parametrize("harm", ["folder gone", "record gone", "foreign folder", "lock", "no pointer"])
def test_a_copy_is_sound_after_harm(made: Project, repo: Repo, tmp_path: Path, harm: str) -> None:
    head, path = repo.head() or "", copies(repo, tmp_path)
    copy = open_copy(repo, path, head)
    record = copy.git_dir
    if harm in ("folder gone", "foreign folder"):
        shutil.rmtree(path)
    if harm == "foreign folder":
        path.mkdir()
        (path / "x").write_text("x")
    if harm == "record gone":
        shutil.rmtree(record)
    if harm == "lock":
        (record / "index.lock").write_text("")
    if harm == "no pointer":
        (path / ".git").unlink()
    again = reopen_copy(repo, path, head)
    again.restore(repo.tree_of(head))
    assert sorted(entry.name for entry in path.iterdir()) == [".git", ".gitignore", "a.txt", "d"]
    remove_copy(repo, path)
    assert not (made.root / ".git/worktrees").exists()


def test_the_person_s_own_worktrees_stay(made: Project, repo: Repo, tmp_path: Path) -> None:
    made.git("worktree", "add", "-q", str(tmp_path / "mine"))
    copy = open_copy(repo, copies(repo, tmp_path), repo.head() or "")
    copy.remove()
    assert [path.name for path in (made.root / ".git/worktrees").iterdir()] == ["mine"]


def test_a_name_in_a_snapshot_is_no_pattern(made: Project, repo: Repo, tmp_path: Path) -> None:
    copy = open_copy(repo, copies(repo, tmp_path), repo.head() or "")
    for name in ("*", ":(top)x", "[a].txt", "new\nline"):
        (copy.path / name).write_text("x")
    tree = copy.snapshot(["*", ":(top)x"])
    assert sorted(repo.tree_names(tree)) == sorted([*FILES, "*", ":(top)x"])
    copy.remove()
