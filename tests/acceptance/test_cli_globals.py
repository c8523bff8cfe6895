"""The options that every command takes, help, completion, and what help costs."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TANGLED = "def tangled(a):\n" + "".join(f"    if a == {n}:\n        return {n}\n" for n in range(1, 17))
TASKS = "- id: one\n  command: 'true'\n- id: two\n  command: 'true'\n"
LEAVES = [
    "demo",
    "init",
    "doctor",
    "audit",
    "plan",
    "run",
    "apply",
    "verify",
    "undo",
    "index",
    "search",
    "status",
    "history",
    "tasks list",
    "tasks show",
    "tasks add",
    "tasks edit",
    "tasks retry",
    "tasks skip",
    "tasks reject",
    "tasks import",
    "config show",
    "config get",
    "config set",
    "config path",
    "config schema",
]
HEAVY = (
    "litellm",
    "radon",
    "pylint",
    "git",
    "faiss",
    "fastapi",
    "temporalio",
    "sqlalchemy",
    "alembic",
    "pydantic",
    "yaml",
    "jsonschema",
    "numpy",
    "rich.markdown",
)


def test_cwd_on_either_side(project: Callable[..., Any], tmp_path: Path) -> None:
    here = project({"src/app.py": TANGLED, "tasks.yml": TASKS})
    for words in (
        ["-C", str(here.root), "tasks", "list"],
        ["tasks", "-C", str(here.root), "list"],
        ["tasks", "list", "-C", str(here.root)],
        ["tasks", "list", f"--cwd={here.root}"],
    ):
        assert "two" in here.run(*words, cwd=tmp_path, check=0).out
    for words in (["-C", str(here.root), "audit"], ["audit", "-C", str(here.root)]):
        assert "tangled" in here.run(*words, cwd=tmp_path, check=1).out


def test_a_folder_inside_the_repository(project: Callable[..., Any]) -> None:
    here = project({"src/app.py": TANGLED, "lib/fine.py": "x = 1\n", "tasks.yml": TASKS})
    inside = here.root / "src"
    assert "src/app.py:1" in here.run("audit", "app.py", cwd=inside, check=1).out
    assert "src/app.py:1" in here.run("audit", "-C", "src", ".", check=1).out
    assert "No findings in 1 file" in here.run("audit", "../lib", cwd=inside, check=0).out
    assert "No findings" in here.run("audit", "lib/fine.py", "-C", "..", cwd=inside, check=0).out
    wrong = here.run("audit", "/etc", cwd=inside, check=2)
    assert "/etc" in wrong.err
    assert here.run("run", "one", cwd=inside, check=0).out.startswith("1 done.")
    assert not (inside / "logs").exists() and (here.root / "logs").is_dir()


def test_version_and_verbosity_on_either_side(project: Callable[..., Any]) -> None:
    here = project({"tasks.yml": TASKS})
    version = here.run("--version", check=0).out
    assert version.startswith("selfimprove ")
    assert here.run("run", "--version", check=0).out == here.run("tasks", "--version", check=0).out == version
    assert here.run("-q", "run", "one", check=0).err == ""
    assert "exit code 0" in here.run("-v", "run", "two", check=0).err
    assert "Traceback" not in here.run("-v", "run", "nope", check=2).err
    for words in (["-vv", "run", "nope"], ["run", "nope", "-v", "-v"]):
        assert "Traceback" in here.run(*words, check=2).err


@pytest.mark.parametrize("name", LEAVES)
def test_help_reads_well_and_ends_with_an_example(project: Callable[..., Any], name: str) -> None:
    result = project(commit=False).run(*name.split(), "-h", check=0)
    assert result.err == ""
    assert "`" not in result.out and "**" not in result.out and "\b" not in result.out
    assert "Example" in result.out and f"selfimprove {name}" in result.out.split("Example")[1]
    for option in ("-C, --cwd DIR", "--config FILE", "-q, --quiet", "-v, --verbose", "--color", "--no-input"):
        assert option in result.out
    assert max(map(len, result.out.split("\n"))) <= 100


def test_the_first_page_names_every_command_whole(project: Callable[..., Any]) -> None:
    here = project(commit=False)
    assert here.run("--help", check=0).out == here.run("-h", check=0).out
    page = here.run("-h", check=0).out
    assert all(f"  {name.split()[0]} " in page for name in LEAVES)
    assert here.run(check=2).err.startswith("Usage: selfimprove ")


def test_help_loads_nothing_heavy(project: Callable[..., Any]) -> None:
    here = project(commit=False)
    code = (
        "import sys; sys.argv = ['selfimprove', '--help']\nfrom selfimprove.cli.app import main\n"
        f"try: main()\nfinally: print([m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=here.root, env=here.env, capture_output=True, text=True
    )
    assert done.returncode == 0 and done.stderr.strip() == "[]", done.stderr


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("selfimprove run ", {"one", "two"}),
        ("selfimprove run t", {"two"}),
        ("selfimprove tasks show o", {"one"}),
        ("selfimprove plan --show-prompt ", {"one", "two"}),
        ("selfimprove history ", {"1"}),
        ("selfimprove run --resume ", {"1"}),
        ("selfimprove tas", {"tasks"}),
        ("selfimprove config get budget.u", {"budget.units"}),
    ],
)
def test_completion(project: Callable[..., Any], line: str, names: set[str]) -> None:
    here = project({"tasks.yml": TASKS})
    here.run("run", "one", check=0)
    words = line.split(" ")
    env = {"_SELFIMPROVE_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    result = here.run(env=env)
    assert set(result.out.split()) == names, result
    assert result.err == ""
    outside = ["selfimprove", "-C", str(here.root), *words[1:]]
    env |= {"COMP_WORDS": " ".join(outside), "COMP_CWORD": str(len(outside) - 1)}
    assert set(here.run(env=env, cwd=here.root.parent).out.split()) == names


def test_completion_says_nothing_on_trouble(project: Callable[..., Any]) -> None:
    here = project({"tasks.yml": "- broken: ["})
    env = {"_SELFIMPROVE_COMPLETE": "complete_bash", "COMP_WORDS": "selfimprove run ", "COMP_CWORD": "2"}
    result = here.run(env=env)
    assert (result.out.strip(), result.err) == ("", "")
