"""`selfimprove demo`: the real loop on a real repository, wherever and in whatever environment it is started."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from radon.complexity import cc_visit

from conftest import Project
from selfimprove.cli.door import Door
from selfimprove.cli.journey import tell

Make = Callable[..., Project]
BRANCH = "selfimprove/run-1"
TESTS = [sys.executable, "-m", "unittest", "discover", "-s", "tests", "-t", "."]


@pytest.fixture
def place(project: Make) -> Project:
    """A repository of the person's in which, or beside which, the demo is started."""
    return project({"README.md": "mine\n"})


def complexities(repo: Project, commit: str) -> dict[str, int]:
    """Return the complexity of every function of the shop at ``commit``, measured by radon itself."""
    names = repo.git("ls-tree", "-r", "--name-only", commit, "shop").splitlines()
    blocks = [block for name in names for block in cc_visit(repo.git("show", f"{commit}:{name}") + "\n")]
    return {block.name: block.complexity for block in blocks}


def outcome_of_tests(repo: Project, commit: str, folder: Path) -> int:
    """Check ``commit`` out into ``folder``, run its tests there by hand, and return their exit code."""
    repo.git("worktree", "add", "--detach", "--quiet", str(folder), commit)
    return subprocess.run(TESTS, cwd=folder, env=repo.env, capture_output=True, check=False).returncode


def demo(place: Project, *args: str, env: dict[str, str] | None = None, cwd: Path | None = None) -> Any:
    """Run the demo as JSON, which must succeed; return the data and the repository."""
    done = place.run("demo", "--format", "json", *args, env=env, cwd=cwd, check=0)
    answer = json.loads(done.out)
    assert answer["ok"] is True
    assert answer["command"] == "demo"
    return answer["data"], Project(Path(answer["data"]["path"]), place.env)


def test_the_journey_is_in_the_repository_and_not_only_on_the_screen(place: Project, tmp_path: Path) -> None:
    mine = place.state()
    data, repo = demo(place, "--keep", "../the demo")
    commit = data["commit"]

    assert repo.root == tmp_path / "the demo"
    assert repo.git("rev-parse", BRANCH) == commit
    assert repo.git("rev-list", f"main..{BRANCH}").split() == [commit]
    before, after = complexities(repo, "main"), complexities(repo, BRANCH)
    assert before["make_invoice"] == data["complexity_before"] > 15
    assert after["make_invoice"] == data["complexity_after"]
    assert [name for name, value in before.items() if value > 15] == ["make_invoice"]
    assert max(after.values()) < 10
    assert [
        outcome_of_tests(repo, "main", tmp_path / "before"),
        outcome_of_tests(repo, BRANCH, tmp_path / "after"),
    ] == [0, 0]
    assert repo.git("diff", "--name-only", "main", BRANCH) == "shop/invoice.py"
    message = repo.git("log", "-1", "--format=%B", BRANCH)
    assert "Selfimprove-Task: refactor-invoice-make-invoice" in message

    check_red_then_green(data, repo)

    # The person's branch and files are as they were; tasks.yml is what a run adds.
    assert repo.git("symbolic-ref", "--short", "HEAD") == "main"
    assert repo.git("status", "--porcelain").split("\n") == ["?? tasks.yml"]
    assert yaml.safe_load(repo.read("tasks.yml"))[0]["status"] == "done"
    assert place.state() == mine


def check_red_then_green(data: dict[str, Any], repo: Project) -> None:
    """The first reply was red, the second mended it."""
    [outcome] = data["outcomes"]
    log = Path(outcome["log"]).read_text(encoding="utf-8")
    red, green = log.index("FAILED (failures=2)"), log.rindex("\nOK")
    assert red < green
    assert "test_volume_counts_from_the_amount_itself" in log[:red]
    record = json.loads(repo.read("logs/run-1.json"))
    checks = [(step["attempt"], step["status"]) for step in record["steps"] if step["name"] == "check"]
    assert checks == [(1, "failed"), (2, "done")]


def test_it_tells_each_command_what_came_of_it_and_where_to_look(place: Project, tmp_path: Path) -> None:
    done = place.run("demo", env={"TMPDIR": str(tmp_path)}, check=0)
    [root] = list(tmp_path.glob("selfimprove-demo-*"))
    repo = Project(root, place.env)
    words = [line for line in done.out.splitlines() if line.startswith("$ ")]

    assert words[:2] == ["$ selfimprove audit", "$ selfimprove plan --dry-run"]
    assert words[2].startswith("$ selfimprove run")
    assert "complexity 23, limit 15" in done.out
    assert "1 finding in 7 files" in done.out
    assert "1 finding before, 0 after" in done.out
    assert repo.git("rev-parse", BRANCH)[:10] in done.out
    now = complexities(repo, BRANCH)["make_invoice"]
    assert f"complexity  {complexities(repo, 'main')['make_invoice']} -> {now}, limit 15" in done.out
    for hint in (str(root), f"git log -p main..{BRANCH}", f"git diff main {BRANCH}", f"rm -rf {root}"):
        assert hint in done.out
    assert repo.git("log", "-p", f"main..{BRANCH}")
    # Progress goes to stderr, in order: red, repair, green.
    red, repair = done.err.index("tests 2 failed, 14 passed"), done.err.index("repair")
    assert done.err.index("tests 16 passed") < red < repair < done.err.rindex("tests 16 passed")


def test_its_commands_can_be_typed_again_in_its_repository(place: Project) -> None:
    _, repo = demo(place, "--keep", "../again")
    repo.git("branch", "-D", BRANCH)
    for file in (repo.root / "tasks.yml", *(repo.root / ".selfimprove").glob("state.db*")):
        file.unlink()

    repo.run("audit", check=1)
    repo.run("plan", "--dry-run", check=0)
    repo.run("run", check=0)
    assert max(complexities(repo, BRANCH).values()) < 10


@pytest.mark.parametrize("form", ["table", "json"])
def test_without_the_second_reply_there_is_no_commit(
    clean_env: dict[str, str], tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes], form: str
) -> None:
    replies = yaml.safe_load((files("selfimprove") / "demo" / "replies.yml").read_text(encoding="utf-8"))
    replies["replies"].pop()
    door = Door(clean_env, format=form, command="demo")

    assert tell(door, tmp_path / "demo", yaml.safe_dump(replies).encode()) == 1

    out = capfdbinary.readouterr().out.decode()
    repo = Project(tmp_path / "demo", clean_env)
    assert repo.git("for-each-ref", "--format=%(refname:short)", "refs/heads") == "main"
    if form == "json":
        answer = json.loads(out)
        assert (answer["ok"], answer["exit_code"], answer["data"]["commit"]) == (False, 1, None)
        assert answer["data"]["complexity_after"] is None
    else:
        assert "no commit" in out
        assert "check 1" in out


def test_nothing_of_the_person_changes_it(place: Project, tmp_path: Path) -> None:
    """Identity, signing, hooks, templates, thresholds, a home that is read-only, a hook's variables."""
    home = Path(place.env["HOME"])
    hooks, template = tmp_path / "hooks", tmp_path / "template" / "hooks"
    for folder in (hooks, template):
        folder.mkdir(parents=True)
        for name in ("pre-commit", "commit-msg", "post-checkout", "reference-transaction"):
            (folder / name).write_text("#!/bin/sh\necho no >&2\nexit 1\n")
            (folder / name).chmod(0o755)
    (home / ".gitconfig").write_text(
        f"[init]\ndefaultBranch = trunk\ntemplateDir = {template.parent}\n"
        f"[core]\nhooksPath = {hooks}\nautocrlf = true\n"
        "[commit]\ngpgsign = true\n[gpg]\nprogram = /bin/false\n[user]\nuseConfigOnly = true\n"
    )
    config = home / ".config" / "selfimprove"
    config.mkdir(parents=True)
    (config / "config.yaml").write_text("audit:\n  complexity_threshold: 99\nrun:\n  land: merge\n")
    before = sorted(home.rglob("*"))
    home.chmod(stat.S_IRUSR | stat.S_IXUSR)
    temporary = tmp_path / "with some space"
    temporary.mkdir()
    hostile = {
        "TMPDIR": str(temporary),
        "GIT_DIR": str(place.root / ".git"),
        "GIT_INDEX_FILE": str(place.root / ".git" / "index"),
        "GIT_WORK_TREE": str(place.root),
        "SELFIMPROVE_AUDIT__COMPLEXITY_THRESHOLD": "100",
        "SELFIMPROVE_LLM__BACKEND": "litellm",
        "SELFIMPROVE_NOT_A_SETTING": "1",
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
    }
    nameless = {f"GIT_{who}_{key}": "" for who in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}
    mine = place.state()

    data, repo = demo(place, env=hostile | nameless)

    assert repo.root.parent == temporary
    assert (data["complexity_before"], data["branch"]) == (23, BRANCH)
    assert repo.git("rev-parse", "main", BRANCH).split()[1] == data["commit"]
    assert repo.git("config", "--local", "commit.gpgSign") == "false"
    assert b"\r" not in (repo.root / "shop" / "invoice.py").read_bytes()
    home.chmod(0o755)
    assert sorted(home.rglob("*")) == before
    assert [path.name for path in temporary.iterdir()] == [repo.root.name]
    assert not (tmp_path / "summary.md").exists()
    assert place.state() == mine


def test_it_works_from_a_hook_and_below_another_repository(place: Project) -> None:
    hook = place.write(
        ".git/hooks/pre-commit",
        f"#!/bin/sh\n{sys.executable} -m selfimprove demo --format json --keep inside > ../answer.json\n",
    )
    hook.chmod(0o755)
    place.write(".gitignore", "inside/\n")
    place.git("add", ".gitignore")
    place.git("commit", "-q", "-m", "Second")

    data = json.loads((place.root.parent / "answer.json").read_text())["data"]
    repo = Project(Path(data["path"]), place.env)
    assert repo.root == place.root / "inside"
    assert repo.git("rev-parse", BRANCH) == data["commit"]
    assert place.git("for-each-ref", "--format=%(refname:short)") == "main"
    assert place.git("log", "-1", "--name-only", "--format=%s").split() == ["Second", ".gitignore"]
    assert place.git("status", "--porcelain") == ""


def test_without_bubblewrap_it_says_so_also_in_a_file_and_goes_on(place: Project, tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "git").symlink_to(str(shutil.which("git")))
    place.run("demo", "--keep", "../bare", "--output", "../said", env={"PATH": str(programs)}, check=0)

    said = (tmp_path / "said").read_text(encoding="utf-8")
    assert "$ selfimprove run --sandbox none" in said
    assert "bubblewrap is not installed; the replies come with this program" in said
    repo = Project(tmp_path / "bare", place.env)
    assert max(complexities(repo, BRANCH).values()) < 10
    assert "sandbox" not in repo.read(".selfimprove/config.yaml")


def test_a_folder_that_is_in_use_is_left_alone(place: Project, tmp_path: Path) -> None:
    mine = place.state()
    done = place.run("demo", "--keep", ".", check=2)
    assert done.out == ""
    assert done.err.splitlines()[0] == "error: the folder for the demo is not empty"
    assert place.state() == mine

    place.run("demo", "--keep", "README.md", check=2)
    assert place.read("README.md") == "mine\n"
    (tmp_path / "empty").mkdir()
    demo(place, "--keep", "../empty")


def test_where_git_cannot_make_a_repository_the_one_around_is_not_taken(
    place: Project, tmp_path: Path
) -> None:
    """The folder lies in the person's repository; when `git init` fails, that one must not become the demo's."""
    programs = tmp_path / "bin"
    programs.mkdir()
    git = programs / "git"
    git.write_text(f'#!/bin/sh\n[ "$1" = init ] && exit 129\nexec {shutil.which("git")} "$@"\n')
    git.chmod(0o755)
    mine = place.state()
    done = place.run("demo", "--keep", "inside", env={"PATH": f"{programs}:{place.env['PATH']}"}, check=2)
    assert "git init" in done.err
    (place.root / "inside").rmdir()
    assert place.state() == mine
