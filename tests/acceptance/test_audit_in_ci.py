"""The audit as a CI server uses it: only what got worse, exit codes, formats, two jobs at once."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import jsonschema
import pytest
import xmlschema

from selfimprove.report.json import schema

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Project, Result

SCHEMAS = Path(__file__).parents[1] / "unit/report/schemas"
FORMATS = ("table", "json", "markdown", "sarif", "github", "junit", "html")


def branchy(complexity: int, name: str = "f") -> str:
    """A function of this cyclomatic complexity; every name and size has a body of its own."""
    return f"def {name}({name}_):\n" + f"    if {name}_:\n        {name}_ -= 1\n" * (complexity - 1) + "\n\n"


def data(result: Result) -> dict[str, Any]:
    document = json.loads(result.out)
    jsonschema.Draft202012Validator(schema("audit")).validate(document)
    assert document["exit_code"] == result.code, result.err
    found: dict[str, Any] = document["data"]
    return found


def found(here: Project, *words: str, code: int | None = None, **more: Any) -> list[tuple[Any, ...]]:
    """Audit and return (path, symbol, value, before) of each finding, sorted."""
    answer = data(here.run("audit", "-f", "json", *words, check=code, **more))
    rows = [(one["path"], one["symbol"], one["value"], one["before"]) for one in answer["findings"]]
    return sorted(rows, key=lambda row: row[:2])


def commit(here: Project, message: str = "More") -> None:
    here.git("add", "-A")
    here.git("commit", "-q", "--allow-empty", "-m", message)


def at(root: Path, like: Project) -> Project:
    return type(like)(root, like.env)


def branched(project: Callable[..., Project]) -> Project:
    """A main branch, a branch that is checked out, and commits on main since."""
    files = {
        "same.py": branchy(20, "same"),
        "worse.py": branchy(16, "worse"),
        "better.py": branchy(30, "better"),
        "from.py": branchy(21, "moves") + branchy(2, "stays"),
        "old.py": branchy(22, "renamed") + branchy(17, "grows"),
        "gone.py": branchy(25, "gone"),
        "sub/deep.py": branchy(4, "deep"),
    }
    here = project(files)
    here.git("checkout", "-q", "-b", "topic")
    here.git("checkout", "-q", "main")
    here.write("sub/deep.py", branchy(40, "deep"))  # worse on main alone: nothing that topic did
    here.write("worse.py", branchy(99, "worse"))  # the tip of main is not what counts
    commit(here, "Main goes on")
    here.git("checkout", "-q", "topic")
    return here


EVERYTHING = [
    ("new.py", "grows", 18, 17),
    ("same.py", "added", 16, None),
    ("sub/untracked.py", "fresh", 33, None),
    ("worse.py", "worse", 19, 16),
]


@pytest.mark.parametrize("how", ["uncommitted", "staged", "committed"])
def test_since_tells_what_is_new_or_worse_and_nothing_else(project: Callable[..., Project], how: str) -> None:
    here = branched(project)
    assert found(here, "--since", "main", code=0) == []
    here.write("same.py", branchy(16, "added") + branchy(20, "same"))
    here.write("worse.py", branchy(19, "worse"))
    here.write("better.py", branchy(17, "better"))
    here.write("from.py", branchy(2, "stays"))
    here.write("sub/to.py", branchy(3, "here") + branchy(21, "moves"))
    text = here.read("old.py").replace(branchy(17, "grows"), branchy(18, "grows"))
    (here.root / "old.py").rename(here.root / "new.py")
    here.write("new.py", text)
    (here.root / "gone.py").unlink()
    if how != "uncommitted":
        here.git("add", "-A")
    if how == "committed":
        here.git("commit", "-q", "-m", "Topic")
    here.write("sub/untracked.py", branchy(33, "fresh"))
    before = here.state()
    assert found(here, "--since", "main", code=1) == EVERYTHING
    answer = data(here.run("audit", "-f", "json", "--since", "main", check=1))
    assert "2 values over the limit got better" in answer["notes"]  # better.py, and gone.py as a whole
    assert found(here, "--since", "main", "-C", "sub", code=1) == EVERYTHING
    part = data(here.run("audit", "sub", "-f", "json", "--since", "main", check=1))
    assert [one["symbol"] for one in part["findings"]] == ["fresh"]
    assert part["notes"] == []
    assert found(here, "--since", "main", "--fail-on", "error", code=1)  # 33 is over twice the limit
    assert here.state() == before


def test_a_copy_is_new_and_a_function_of_a_deleted_file_is_not(project: Callable[..., Project]) -> None:
    here = project({"a.py": branchy(20, "a"), "gone.py": branchy(21, "g"), "sub/b.py": "B = 1\n"})
    here.write("sub/b.py", "B = 2\n\n\n" + branchy(20, "a"))
    for words in ((), ("sub",)):
        assert found(here, *words, "--since", "main", code=1) == [("sub/b.py", "a", 20, None)]
    here.write("sub/b.py", "B = 2\n\n\n" + branchy(21, "g"))
    (here.root / "gone.py").unlink()
    for words in ((), ("sub",)):
        assert found(here, *words, "--since", "main", code=0) == []


def test_since_of_what_is_not_there(project: Callable[..., Project]) -> None:
    here = project({"a.py": branchy(20)})
    result = here.run("audit", "--since", "mian", check=2)
    assert "no branch, tag or commit mian" in result.err
    assert "did you mean main?" in result.err
    assert result.out == ""
    error = json.loads(here.run("audit", "--since", "v9", "-f", "json", check=2).out)["error"]
    assert error["where"] == "v9"
    assert error["hint"]
    empty = project(commit=False)
    assert "no commit yet" in empty.run("audit", "--since", "main", check=2).err
    here.git("checkout", "-q", "--orphan", "other")
    here.git("commit", "-q", "-m", "Another beginning")
    assert "no common commit" in here.run("audit", "--since", "main", check=2).err


def as_hinted(here: Project, result: Result) -> None:
    """Type the first command that a hint names."""
    hint = next(line for line in result.err.splitlines() if line.startswith("hint:"))
    command = hint[hint.index("git fetch") :].partition(", ")[0].partition(" (")[0]
    here.git(*shlex.split(command)[1:])


def pull_request(project: Callable[..., Project], *flags: str) -> Project:
    """What actions/checkout leaves: the merge of a pull request, detached, in a clone made with ``flags``."""
    server = branched(project)
    server.write("same.py", branchy(23, "same"))
    commit(server, "Topic")
    server.write("better.py", branchy(29, "better"))
    commit(server, "Topic again")
    server.git("checkout", "-q", "--detach", "main")
    server.git("merge", "-q", "--no-ff", "topic", "-m", "Merge topic into main")
    server.git("update-ref", "refs/pull/7/merge", "HEAD")
    server.git("checkout", "-q", "main")
    root = server.root.parent / "runner"
    root.mkdir()
    here = at(root, server)
    here.git("init", "-q", "-b", "main")
    here.git("remote", "add", "origin", server.root.as_uri())
    here.git("fetch", "-q", "--no-tags", *flags, "origin", "+refs/pull/7/merge:refs/remotes/pull/7/merge")
    here.git("checkout", "-q", "--force", "refs/remotes/pull/7/merge")
    return here


def test_since_in_a_pull_request_of_github(project: Callable[..., Project]) -> None:
    here = pull_request(project)
    result = here.run("audit", "--since", "origin/main", check=2)
    assert "no branch, tag or commit origin/main" in result.err
    as_hinted(here, result)
    assert found(here, "--since", "origin/main", code=1) == [("same.py", "same", 23, 20)]
    form = here.run("audit", "--since", "origin/main", "-f", "github", check=1).out.splitlines()
    assert form[0].startswith("::warning file=same.py,line=1,endLine=45,title=SI101 same::")
    assert not any("worse" in line or "deep" in line for line in form)


def test_since_in_a_shallow_pull_request(project: Callable[..., Project]) -> None:
    here = pull_request(project, "--depth=1")
    result = here.run("audit", "--since", "origin/main", check=2)
    as_hinted(here, result)
    result = here.run("audit", "--since", "origin/main")
    if result.code == 2:  # the branch is there now, its line is not
        assert "shallow" in result.err
        as_hinted(here, result)
    assert found(here, "--since", "origin/main", code=1) == [("same.py", "same", 23, 20)]


def test_since_in_a_shallow_clone_of_a_branch(project: Callable[..., Project]) -> None:
    server = branched(project)
    server.write("same.py", branchy(23, "same"))
    commit(server, "Topic")
    root = server.root.parent / "clone"
    server.git("clone", "-q", "--depth=1", "--no-single-branch", server.root.as_uri(), str(root))
    here = at(root, server)
    result = here.run("audit", "--since", "origin/main", check=2)
    assert "shallow" in result.err
    as_hinted(here, result)
    assert found(here, "--since", "origin/main", code=1) == [("same.py", "same", 23, 20)]


SEVERITIES = {  # what is found: exit code of error, warning, any, never
    "nothing": ((), branchy(2), (0, 0, 0, 0)),
    "a note": (("--select", "SI002"), "x = 1  # selfimprove: ignore[SI101]\n", (0, 0, 1, 0)),
    "a warning": ((), branchy(20), (0, 1, 1, 0)),
    "an error": ((), branchy(31), (1, 1, 1, 0)),
}


@pytest.mark.parametrize("what", SEVERITIES)
def test_fail_on(project: Callable[..., Project], what: str) -> None:
    words, text, codes = SEVERITIES[what]
    here = project({"a.py": text})
    for word, code in zip(("error", "warning", "any", "never"), codes, strict=True):
        assert here.run("audit", *words, "--fail-on", word).code == code, word
    assert here.run("audit", *words).code == codes[1]
    assert "never" in here.run("audit", "--fail-on", "sometimes", check=2).err


REPOSITORIES: dict[str, dict[str, str | bytes]] = {
    "findings": {
        "a.py": branchy(40) + branchy(16, "g"),
        "sub dir/ü%.py": branchy(20, "h"),
        "bad.py": "def\n",
    },
    "none": {"a.py": branchy(2)},
    "only what is not analysed": {"bad.py": "def\n", "bytes.py": b"\xff\xfe\x00"},
    "empty": {},
}


@pytest.mark.parametrize("what", REPOSITORIES)
def test_every_format_is_valid(project: Callable[..., Project], what: str, tmp_path: Path) -> None:
    here = project(REPOSITORIES[what], commit=what != "empty")
    code = int(what == "findings")
    texts = {form: here.run("audit", "-f", form, "-o", f"../{form}.out", check=code) for form in FORMATS}
    assert not any(result.out for result in texts.values())
    said = {form: (tmp_path / f"{form}.out").read_text(encoding="utf-8") for form in FORMATS}
    shown = here.run("audit", "-f", "sarif", check=code).out
    assert shown == said["sarif"]
    log = json.loads(shown)
    jsonschema.Draft4Validator(json.loads((SCHEMAS / "sarif-2.1.0-rtm.5.json").read_text())).validate(log)
    xmlschema.XMLSchema(SCHEMAS / "junit-10.xsd").validate(said["junit"])
    document = json.loads(said["json"])
    jsonschema.Draft202012Validator(schema("audit")).validate(document)
    rows = document["data"]["findings"]
    expected = [("a.py", "f"), ("sub dir/ü%.py", "h"), ("a.py", "g")] if code else []
    assert {(one["path"], one["symbol"]) for one in rows} == set(expected)
    missing = {one["path"] for one in document["data"]["not_analysed"]}
    assert missing == {path for path in REPOSITORIES[what] if path in ("bad.py", "bytes.py")}
    assert len(log["runs"][0]["results"]) == len(rows)
    assert len(list(ElementTree.fromstring(said["junit"]).iter("failure"))) == len(rows)
    assert said["github"].count("::error ") + said["github"].count("::warning ") == len(rows) + len(missing)
    for path, symbol in expected:
        assert path in said["table"] and f"| {symbol} |" in said["markdown"]
    uris = {
        one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for one in log["runs"][0]["results"]
    }
    assert uris == ({"a.py", "sub%20dir/%C3%BC%25.py"} if code else set())
    assert said["html"].startswith("<!") and ("sub dir" in said["html"]) == bool(code)


def test_the_page_of_the_job_is_written(project: Callable[..., Project], tmp_path: Path) -> None:
    here = project({"a.py": branchy(20)})
    page = tmp_path / "summary.md"
    page.write_text("# Before\n")
    env = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(page)}
    here.run("audit", "-f", "sarif", "-o", "../out.sarif", env=env, check=1)
    assert page.read_text().startswith("# Before\n")
    assert "a.py" in page.read_text()
    assert "| f |" in page.read_text()
    here.run("audit", env=env | {"GITHUB_STEP_SUMMARY": str(tmp_path)}, check=1)


def many(project: Callable[..., Project]) -> Project:
    files = {
        f"p{n % 10}/m{n}.py": "".join(branchy(2 + (n + k) % 20, f"f{k}") for k in range(12))
        for n in range(200)
    }
    return project(files)


def numbers(text: str) -> tuple[Any, ...]:
    answer = json.loads(text)["data"]
    return answer["metrics"], answer["findings"], answer["notes"]


def test_two_at_once_and_one_that_is_killed(project: Callable[..., Project]) -> None:
    here = many(project)
    words = ("audit", "-f", "json", "--metrics")
    alone = numbers(here.run(*words, "--no-cache", check=1).out)
    assert not list((here.root.parent / "home").rglob("measured.db*"))
    assert len(alone[0]) == 200
    for seconds in (0.35, 0.6):  # in the middle of measuring and of writing, on most machines
        killed = here.start(*words)
        time.sleep(seconds)
        os.killpg(killed.pid, signal.SIGKILL)
        killed.communicate()
    both = [here.start(*words) for _ in range(2)]
    ends = [one.communicate() for one in both]
    assert [one.returncode for one in both] == [1, 1], ends[0][1] + ends[1][1]
    assert [numbers(out) for out, _ in ends] == [alone, alone]
    assert list((here.root.parent / "home").rglob("measured.db"))
    assert numbers(here.run(*words, check=1).out) == alone


@pytest.mark.parametrize("what", ["a file", "not writable", "broken"])
def test_a_cache_that_cannot_be_used(project: Callable[..., Project], tmp_path: Path, what: str) -> None:
    here = project({"a.py": branchy(20)})
    cache = tmp_path / "cache"
    if what == "a file":
        cache.write_text("not a folder")
    else:
        cache.mkdir(mode=0o500 if what == "not writable" else 0o700)
    if what == "broken":
        (cache / "selfimprove").mkdir()
        (cache / "selfimprove/measured.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    env = {"XDG_CACHE_HOME": str(cache), "TMPDIR": str(tmp_path)}
    for _ in range(2):
        assert found(here, code=1, env=env) == [("a.py", "f", 20, None)]
    assert subprocess.run(["git", "status", "--porcelain"], cwd=here.root, capture_output=True).stdout == b""
