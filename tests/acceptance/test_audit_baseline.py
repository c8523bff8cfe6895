"""The baseline, by the whole command: what is new or worse fails, what is mended shrinks it, and no more."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from acceptance.test_audit_in_ci import branchy, commit, data, found

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Project

BASELINE = ("--baseline", "audit.json")


def accepted_lines(here: Project, name: str = "audit.json") -> list[str]:
    return here.read(name).splitlines()


def with_baseline(project: Callable[..., Project], **files: str) -> Project:
    here = project(
        {
            "a.py": branchy(20, "a") + branchy(18, "b"),
            "sub/c.py": branchy(40, "c"),
            "README.md": "x\n",
            **files,
        }
    )
    result = here.run("audit", *BASELINE, "--write-baseline", check=0)
    assert "3 findings accepted in audit.json" in result.err
    return here


def test_the_baseline_fails_what_is_new_or_worse_and_never_grows(project: Callable[..., Project]) -> None:
    here = with_baseline(project)
    answer = data(here.run("audit", "-f", "json", *BASELINE, check=0))
    assert (answer["accepted"], answer["findings"]) == (3, [])
    written = here.read("audit.json")
    here.write("a.py", branchy(20, "a") + branchy(18, "b") + branchy(16, "n"))
    assert found(here, *BASELINE, code=1) == [("a.py", "n", 16, None)]
    here.write("a.py", branchy(21, "a") + branchy(18, "b"))
    assert found(here, *BASELINE, code=1) == [("a.py", "a", 21, 20)]
    assert found(here, *BASELINE, "--fail-on", "error", code=0) == [("a.py", "a", 21, 20)]
    assert here.read("audit.json") == written


def test_the_baseline_shrinks_by_what_is_mended_alone(project: Callable[..., Project]) -> None:
    here = with_baseline(project)
    lines = accepted_lines(here)
    here.write("a.py", branchy(20, "a") + branchy(15, "b"))
    result = here.run("audit", *BASELINE, check=0)
    assert "audit.json is tighter: 1 finding gone" in result.err
    assert accepted_lines(here) == [line for line in lines if '"b"' not in line]
    here.write("a.py", branchy(19, "a") + branchy(15, "b"))
    assert "1 value got better" in here.run("audit", *BASELINE, check=0).err
    changed = set(accepted_lines(here)) - set(lines)
    assert [json.loads(line.rstrip(","))["value"] for line in changed] == [19]
    here.write("a.py", branchy(20, "a") + branchy(18, "b"))  # back: neither is accepted any more
    assert found(here, *BASELINE, code=1) == [("a.py", "a", 20, None), ("a.py", "b", 18, None)]
    (here.root / "sub/c.py").unlink()
    (here.root / "a.py").unlink()
    here.run("audit", *BASELINE, check=0)
    assert json.loads(here.read("audit.json"))["findings"] == []


def test_a_part_of_the_project_drops_nothing_of_the_rest(project: Callable[..., Project]) -> None:
    here = with_baseline(project)
    written = here.read("audit.json")
    for words in (("sub",), ("a.py",), ("--ignore", "SI101"), ("--since", "main")):
        here.run("audit", *words, *BASELINE, check=0)
        assert here.read("audit.json") == written, words
    here.write("sub/c.py", branchy(41, "c"))
    here.run("audit", "sub", *BASELINE, "--write-baseline", check=0)
    before, after = (json.loads(text)["findings"] for text in (written, here.read("audit.json")))
    assert [one for one in before if one["path"] == "a.py"] == [one for one in after if one["path"] == "a.py"]
    assert [one["value"] for one in after if one["path"] == "sub/c.py"] == [41]
    assert len(after) == 3


def test_the_baseline_of_another_folder_and_of_the_configuration(project: Callable[..., Project]) -> None:
    here = with_baseline(project)
    (here.root / "audit.json").rename(here.root / "sub/own.json")
    for more in ({"cwd": here.root / "sub"}, {}):
        folder = () if more else ("-C", "sub")
        answer = data(here.run("audit", "-f", "json", *folder, "--baseline", "own.json", check=0, **more))
        assert answer["accepted"] == 3
    here.run("audit", *BASELINE, check=2)
    here.write(".selfimprove/config.yaml", "audit:\n  baseline: sub/own.json\n")
    assert found(here, "-C", "sub", code=0) == []
    changes = json.loads(here.run("plan", "-f", "json", check=0).out)["data"]["changes"]
    assert changes["new"] == []
    here.write("a.py", branchy(22, "a") + branchy(18, "b"))
    changes = json.loads(here.run("plan", "-f", "json", check=0).out)["data"]["changes"]
    assert changes["new"] == ["refactor-a-a"]


def test_what_is_accepted_stays_so_when_it_moves(project: Callable[..., Project]) -> None:
    here = with_baseline(project)
    commit(here)
    (here.root / "a.py").rename(here.root / "z.py")
    assert found(here, *BASELINE, code=0) == []
    assert here.read("audit.json").count('"z.py"') == 2
    here.git("checkout", "-q", "--", ".")
    (here.root / "z.py").unlink()
    here.write("a.py", "X = 1\n\n\n" + branchy(18, "b"))
    here.write("sub/c.py", branchy(40, "c") + branchy(20, "a"))  # moved to another file
    assert found(here, *BASELINE, code=0) == []
    here.git("checkout", "-q", "--", ".")
    here.git("mv", "a.py", "moved.py")
    commit(here)
    assert found(here, *BASELINE, code=0) == []
    assert len(json.loads(here.read("audit.json"))["findings"]) == 3


DAMAGED = '{\n "selfimprove_baseline": 1, "engine": "x", "python": "y",\n "findings": [\n  7\n ]\n}\n'
CONFLICT = '{\n<<<<<<< HEAD\n "selfimprove_baseline": 1,\n=======\n>>>>>>> topic\n}\n'


@pytest.mark.parametrize(
    ("text", "where", "said"),
    [
        (CONFLICT, "audit.json:2", "merge conflict"),
        ("{\n", "audit.json:", "cut off"),
        ("", "audit.json:1", "cut off"),
        ("[]\n", "audit.json:1", "not a baseline"),
        ('{"selfimprove_baseline": 99}', "audit.json:1", "format 99"),
        (DAMAGED, "audit.json:4", "damaged"),
        (None, "audit.json", "there is no baseline"),
    ],
)
def test_a_baseline_that_cannot_be_read(
    project: Callable[..., Project], text: str | None, where: str, said: str
) -> None:
    here = project({"a.py": branchy(20)})
    if text is not None:
        here.write("audit.json", text)
    error = json.loads(here.run("audit", "-f", "json", *BASELINE, check=2).out)["error"]
    assert error["where"].startswith(where)
    assert said in error["message"]
    assert "pip install --upgrade" in error["hint"] or "--write-baseline" in error["hint"]
    assert text is None or here.read("audit.json") == text


def test_write_baseline_needs_a_file_and_everything(project: Callable[..., Project]) -> None:
    here = project({"a.py": branchy(20)})
    assert "--baseline audit.json" in here.run("audit", "--write-baseline", check=2).err
    here.run("audit", *BASELINE, "--write-baseline", "--since", "main", check=2)
    assert not (here.root / "audit.json").exists()


@pytest.mark.parametrize("place", ["../outside.json", ".git/audit.json", "link/audit.json"])
def test_a_repository_cannot_have_a_file_outside_of_it_written(
    project: Callable[..., Project], tmp_path: Path, place: str
) -> None:
    (tmp_path / "elsewhere").mkdir()
    here = project({"a.py": "x = 1\n", "pyproject.toml": f'[tool.selfimprove.audit]\nbaseline = "{place}"\n'})
    (here.root / "link").symlink_to(tmp_path / "elsewhere")
    for words in ((), ("--write-baseline",)):
        done = here.run("audit", *words, check=2)
        assert "pyproject.toml:2" in done.err and f"--baseline {place}" in done.err
    assert not (here.root / place).exists()
