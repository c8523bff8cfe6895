"""The remote and the repository on the server that a pull request is for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from selfimprove.errors import GitError
from selfimprove.tools.git.pull_request import Remote, find_remote
from selfimprove.tools.git.repo import open_repo

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Project

    Make = Callable[..., Project]


@pytest.mark.parametrize(
    ("url", "slug"),
    [
        ("https://github.com/acme/demo.git", "github.com/acme/demo"),
        ("https://user@github.com/acme/demo", "github.com/acme/demo"),
        ("git@github.com:acme/demo.git", "github.com/acme/demo"),
        ("ssh://git@git.acme.example:2222/acme/demo.git", "git.acme.example/acme/demo"),
        ("../remote.git", ""),
        ("/srv/git.d/a/b.git", ""),
        ("file:///srv/git/a/b.git", ""),
    ],
)
def test_the_address_tells_the_repository(project: Make, url: str, slug: str) -> None:
    made = project()
    made.git("remote", "add", "origin", url)
    assert Remote(open_repo(made.root, made.env), "origin", "main").github().slug == slug


def test_which_remote_and_which_base(project: Make) -> None:
    made = project({"a": "1"})
    repo = open_repo(made.root, made.env)
    with pytest.raises(GitError, match="there is no remote"):
        find_remote(repo)
    for name in ("other", "fork"):
        made.git("init", "-q", "--bare", "-b", "main", str(made.root.parent / name))
        made.git("remote", "add", name, str(made.root.parent / name))
    made.git("push", "-q", "-u", "fork", "main:trunk")
    assert find_remote(repo)[1:] == ("fork", "trunk")
    made.git("push", "-q", "other", "main")
    made.git("switch", "-q", "-c", "mine")
    # A branch that the remote does not have is for the remote's own main branch.
    made.git("remote", "remove", "fork")
    assert find_remote(repo)[1:] == ("other", "main")


def test_only_what_was_pushed_from_here_is_replaced(project: Make) -> None:
    made = project({"a": "1"})
    repo = open_repo(made.root, made.env)
    made.git("init", "-q", "--bare", "-b", "main", str(made.root.parent / "r"))
    made.git("remote", "add", "origin", str(made.root.parent / "r"))
    made.git("push", "-q", "origin", "main")
    first, tree = repo.head() or "", repo.tree_of("HEAD")
    one, two, three = (repo.commit_tree(tree, first, f"{name}\n", 1e9) for name in ("one", "two", "three"))
    remote = Remote(repo, "origin", "main")
    remote.push(one, "ours")
    remote.push(two, "ours")
    remote.push(two, "ours")
    assert remote.tip("ours") == two
    made.git("push", "-q", "--force", "origin", f"{three}:refs/heads/ours")
    with pytest.raises(GitError, match="holds commits that are not from here"):
        remote.push(one, "ours")
    assert remote.tip("ours") == three
    assert remote.fetch_base() == first
