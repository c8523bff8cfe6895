"""Docker as the sandbox: commands are found in the image and not on this machine, and the observers are mounted."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from conftest import Project
from docker_server import IMAGE, docker
from executor_rig import PLAIN, commits, do, prompt, two

Make = Callable[..., Project]


@pytest.fixture(scope="module")
def variables() -> Iterator[dict[str, str]]:
    with docker() as found:
        yield {"SELFIMPROVE_SANDBOX__IMAGE": IMAGE, **found}


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"test_m.py": "def test_f():\n    pass\n"}, "uses unittest, and a Python was not found"),
        ({"test_m.py": "", "pytest.ini": ""}, "uses pytest, and a Python with pytest was not found"),
        ({"Makefile": "test:\n\ttrue\n"}, "is tested by `make test`, and make was not found"),
    ],
)
def test_what_the_image_lacks_is_said(
    project: Make, variables: dict[str, str], files: dict[str, str], why: str
) -> None:
    done = do(project(PLAIN | files), [prompt("one")], {"one": two()}, "--sandbox", "docker", env=variables)
    assert done.reason("one") == (
        f"this repository {why} in the image {IMAGE}: "
        "name an image that has it (sandbox.image), or set check.test_command"
    )


def test_a_command_of_one_s_own_has_the_observers_in_reach(project: Make, variables: dict[str, str]) -> None:
    made = project(PLAIN)
    folder = "/run/selfimprove"
    command = (
        f"test -f {folder}/observers/selfimprove_pytest.py && touch {folder}/proof/x && "
        "env | grep -q ^PYTHONPATH=/run/selfimprove/observers: && ! touch /run/selfimprove/observers/x && "
        "grep -q 'return [12]' m.py"
    )
    tasks = [prompt("one", test_command=command)]
    done = do(made, tasks, {"one": two()}, "--sandbox", "docker", env=variables)
    assert done.code == 0, done.reason("one")
    assert commits(made) == ["Return two"]
