"""Docker as the sandbox, with a real docker: what a container sees, what it cannot reach, that it ends with us."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conftest import Project
from docker_server import IMAGE, containers, docker
from executor_rig import PLAIN, block, commits, do, prompt
from selfimprove.errors import MissingTool
from selfimprove.tools.shell.docker import Docker, find_docker
from selfimprove.tools.shell.limits import Limits
from selfimprove.tools.shell.mounts import View
from selfimprove.tools.shell.process import Completed

Make = Callable[..., Project]


@pytest.fixture(scope="module")
def variables() -> Iterator[dict[str, str]]:
    with docker() as found:
        yield found


@pytest.fixture
def environ(variables: dict[str, str], tmp_path: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "GH_TOKEN": "ghp_nothing", **variables}


@pytest.fixture
def view(tmp_path: Path) -> View:
    """A person's repository, a private copy with a change, and an ignored folder over it."""
    repo, copy = tmp_path / "repo", tmp_path / "copy"
    (repo / "vendored").mkdir(parents=True)
    (repo / "vendored" / "lib.txt").write_text("theirs")
    (repo / "m.txt").write_text("old")
    git = ["git", "-C", str(repo), "-c", "user.name=A", "-c", "user.email=a@example.org"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "m.txt"], check=True)
    subprocess.run([*git, "commit", "-qm", "first"], check=True)
    subprocess.run([*git, "config", "http.extraheader", "AUTHORIZATION: secret-word"], check=True)
    subprocess.run([*git, "worktree", "add", "-q", "--detach", str(copy)], check=True)
    (copy / "m.txt").write_text("new")
    return View(copy, repo, ("vendored",), repo / ".git" / "worktrees" / "copy", repo / ".git")


def run(
    environ: dict[str, str], view: View, command: str, seconds: float = 60, memory: int = 256
) -> Completed:
    return find_docker(IMAGE, environ).run(command, view, limits=Limits(seconds, memory_mb=memory))


def test_the_copy_stands_where_the_repository_does(environ: dict[str, str], view: View) -> None:
    done = run(environ, view, f"cat {view.repo}/m.txt vendored/lib.txt && touch made")
    assert (done.exit_code, done.tail) == (0, "newtheirs")
    assert (view.copy / "made").exists()
    assert not (view.repo / "made").exists()
    assert sorted(path.name for path in view.copy.iterdir()) == [".git", "m.txt", "made"]


def test_nothing_else_can_be_written_or_read(environ: dict[str, str], view: View, tmp_path: Path) -> None:
    (tmp_path / "diary").write_text("mine")
    tried = "touch /etc/x vendored/x .git/x /run/selfimprove/git/x; cat .git; cat /run/selfimprove/git/config"
    tried += f"; cat {tmp_path}/diary"
    done = run(environ, view, f"{tried}; touch /tmp/fine && echo still here; env; exit 3")
    assert done.exit_code == 3
    assert done.tail.count("Read-only file system") + done.tail.count("Not a directory") >= 4
    assert "gitdir: /run/selfimprove/git/worktrees/copy" in done.tail
    assert "still here" in done.tail
    assert not any(word in done.tail for word in ("mine", "secret-word", "ghp_nothing"))


def test_it_has_no_network_and_no_capabilities(environ: dict[str, str], view: View) -> None:
    done = run(
        environ, view, "ls /sys/class/net; grep Cap /proc/self/status; grep NoNewPrivs /proc/self/status"
    )
    assert done.tail.split("\n")[0] == "lo"
    assert "CapEff:\t0000000000000000" in done.tail
    assert "NoNewPrivs:\t1" in done.tail


def test_limits_end_it(environ: dict[str, str], view: View, variables: dict[str, str]) -> None:
    assert run(environ, view, "sleep 60", seconds=1).timed_out
    greedy = run(environ, view, "head -c 200m /dev/zero | grep -c x", memory=64)
    assert greedy.exit_code != 0
    assert containers(variables) == []


def test_killed_we_leave_no_container(environ: dict[str, str], view: View, variables: dict[str, str]) -> None:
    code = (
        "import sys; from pathlib import Path; from selfimprove.tools.shell.docker import find_docker\n"
        "from selfimprove.tools.shell.mounts import View\n"
        "import os; view = View(Path(sys.argv[2]), Path(sys.argv[3]))\n"
        "find_docker(sys.argv[1], dict(os.environ)).run('sleep 600', view)"
    )
    child = subprocess.Popen([sys.executable, "-c", code, IMAGE, str(view.copy), str(view.repo)], env=environ)
    _wait_until(lambda: bool(containers(variables)))
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    _wait_until(lambda: not containers(variables))


def _wait_until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_what_is_missing_is_said(environ: dict[str, str]) -> None:
    for image, variables, why, hint in (
        (None, {}, "no image is named", "sandbox.image"),
        ("not/there:1", {}, "has no image not/there:1", "docker pull not/there:1"),
        (
            IMAGE,
            {"DOCKER_HOST": "unix:///nowhere.sock"},
            "docker does not answer",
            "start the docker service",
        ),
        (IMAGE, {"PATH": "/nowhere"}, "docker is not installed", "docs.docker.com"),
    ):
        with pytest.raises(MissingTool) as caught:
            find_docker(image, environ | variables)
        assert why in caught.value.message
        assert hint in caught.value.hint
    assert Docker("docker", IMAGE, environ).find_program("wget") == "wget"
    assert Docker("docker", IMAGE, environ).find_program("pytest") is None
    assert Docker("docker", IMAGE, environ).find_python("os") is None


def test_a_run_in_docker(project: Make, variables: dict[str, str]) -> None:
    made = project(PLAIN)
    wrong = block("m.py", "    return 1\n", "    return 3\n")
    done = do(
        made,
        [prompt("one", test_command="grep -q 'return 2' m.py && ! test -e /usr/lib/os-release")],
        {"one": [wrong, "COMMIT: Return two\n\n" + block("m.py", "    return 3\n", "    return 2\n")]},
        "--sandbox",
        "docker",
        env={"SELFIMPROVE_SANDBOX__IMAGE": IMAGE, **variables},
    )
    assert done.code == 0, done.reason("one")
    assert commits(made) == ["Return two"]
    assert containers(variables) == []


def test_doctor_looks_at_docker(project: Make, variables: dict[str, str]) -> None:
    made = project(PLAIN)
    env = {"SELFIMPROVE_SANDBOX__DRIVER": "docker", "SELFIMPROVE_SANDBOX__IMAGE": IMAGE, **variables}
    assert f"image {IMAGE}" in made.run("doctor", env=env).out
    lacking = made.run("doctor", env=env | {"SELFIMPROVE_SANDBOX__IMAGE": "not/there:1"})
    assert "docker pull not/there:1" in lacking.out
    assert lacking.code == 1
