"""`selfimprove scaffold`: missing files of good practice, made from facts, proved, one commit each."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from jsonschema.validators import validator_for

from conftest import Project, Result
from executor_rig import commits, leftovers
from openai_server import OpenAIServer
from selfimprove.codebase.project.facts import Facts
from selfimprove.codebase.project.past import Past, Release
from selfimprove.executor.scaffold.prose import security
from selfimprove.executor.scaffold.writing import objections
from selfimprove.report.json import schema

Make = Callable[..., Project]

SCHEMAS = Path(__file__).parent.parent / "schemas"
REMOTE = "https://github.com/ann/kit.git"
PYPROJECT = """\
# kept as it is
[build-system]
requires = ["setuptools>=61"]
build-backend = "setuptools.build_meta"

[project]
name = "kit"   # the name
version = "1.2.0"
license = {text = "MIT"}
authors = [{name = "Ann Lee", email = "ann@kit.dev"}]
classifiers = [
  "Programming Language :: Python :: 3.11",
  "Programming Language :: Python :: 3.10",
]

[project.optional-dependencies]
test = ["pytest>=8"]

[tool.setuptools]
packages = ["kit"]

[tool.mypy]
strict = true
"""
FILES = {
    "pyproject.toml": PYPROJECT,
    "README.md": "# kit\n\nTools for kits.\n",
    "kit/__init__.py": "def size(n: int) -> int:\n    return n + 1\n",
    "tests/test_kit.py": "from kit import size\n\n\ndef test_size():\n    assert size(1) == 2\n",
    "run.sh": "if true; then\n\techo yes\nfi\n",
    "tools/run2.sh": "if true; then\n\techo no\nfi\n",
    "Dockerfile": "FROM scratch\n",
}
ALL = {
    *("LICENSE", "SECURITY.md", ".gitignore", ".editorconfig", ".pre-commit-config.yaml", "CONTRIBUTING.md"),
    *(".github/workflows/ci.yml", ".github/dependabot.yml", "pyproject.toml", "kit/py.typed", "CHANGELOG.md"),
}


@pytest.fixture
def kit(project: Make) -> Project:
    made = project(FILES)
    made.git("tag", "v1.1.0")
    made.git("remote", "add", "origin", REMOTE)
    return made


def rows(
    made: Project, *args: str, code: int = 0, env: dict[str, str] | None = None
) -> dict[str, dict[str, Any]]:
    done: Result = made.run("scaffold", *args, "--format", "json", env=env)
    assert done.code == code, done.err + done.out
    document = json.loads(done.out)
    Draft202012Validator(schema("scaffold")).validate(document)
    return {row["name"]: row for row in document["data"]["files"]}


def made_file(made: Project, path: str, ref: str = "selfimprove/run-1") -> str:
    done = subprocess.run(
        ["git", "show", f"{ref}:{path}"], cwd=made.root, env=made.env, capture_output=True, check=True
    )
    return done.stdout.decode()


def valid(name: str, text: str) -> Any:
    document = yaml.safe_load(text)
    if True in document:  # YAML 1.1 reads `on` so
        document["on"] = document.pop(True)
    known = json.loads((SCHEMAS / f"{name}.json").read_text())
    validator_for(known)(known).validate(document)
    return document


def look_into(kit: Project) -> None:
    """Compare what was made with the facts that it must follow from."""
    text = made_file(kit, "LICENSE")
    year = kit.git("log", "-1", "--format=%ad", "--date=format:%Y")
    assert text.startswith(f"MIT License\n\nCopyright (c) {year} Ann Lee\n")
    workflow = valid("github-workflows", made_file(kit, ".github/workflows/ci.yml"))
    assert workflow["on"]["push"]["branches"] == ["main"]
    test = workflow["jobs"]["test"]
    assert test["strategy"]["matrix"]["python-version"] == ["3.10", "3.11"]
    steps = [step["run"] for step in test["steps"] if "run" in step]
    assert steps == ['python -m pip install -e ".[test]"', "python -m pytest"]
    updates = valid("dependabot", made_file(kit, ".github/dependabot.yml"))["updates"]
    assert [one["package-ecosystem"] for one in updates] == ["docker", "github-actions", "pip"]
    assert "security/advisories/new" in made_file(kit, "SECURITY.md")
    assert "ann@kit.dev" in made_file(kit, "SECURITY.md")
    assert "[1.1.0]: https://github.com/ann/kit/releases/tag/v1.1.0" in made_file(kit, "CHANGELOG.md")
    assert "$ python -m pytest" in made_file(kit, "CONTRIBUTING.md")
    editors = made_file(kit, ".editorconfig")
    assert "[*.sh]\nindent_style = tab\n" in editors
    assert "[*.py]\nindent_style = space\nindent_size = 4\n" in editors


def test_every_file_is_made_from_facts_and_a_second_time_nothing_is_missing(kit: Project) -> None:
    before = kit.state()
    made = rows(kit)
    assert {row["path"] for row in made.values() if row["status"] == "done"} == ALL
    assert (made["codeowners"]["status"], kit.state(), leftovers(kit)) == ("undecided", before, [])
    assert len(commits(kit)) == len(ALL)

    look_into(kit)
    message = kit.git("log", "-1", "--format=%B", "selfimprove/run-1")
    assert "Selfimprove-Check: tests: 1 passed" in message
    assert "Selfimprove-Fingerprint: " in message
    kit.git("merge", "-q", "selfimprove/run-1")
    again = rows(kit)
    assert {row["status"] for row in again.values()} == {"present", "undecided"}
    assert not kit.git("branch", "--list", "selfimprove/run-2")


def test_a_pyproject_gets_what_it_lacks_and_the_wheel_the_marker(kit: Project) -> None:
    rows(kit, "pyproject", "py-typed")
    text = made_file(kit, "pyproject.toml")
    kept = iter(text.splitlines())
    assert all(line in kept for line in PYPROJECT.splitlines()), "every line is there, in its order"
    was, now = tomllib.loads(PYPROJECT), tomllib.loads(text)
    assert now["project"].pop("requires-python") == ">=3.10"
    assert now["project"].pop("readme") == "README.md"
    assert now["tool"].pop("pytest") == {"ini_options": {"testpaths": ["tests"]}}
    assert now["tool"]["setuptools"].pop("package-data") == {"kit": ["py.typed"]}
    assert now == was
    kit.git("checkout", "-q", "selfimprove/run-1")
    build = "from setuptools.build_meta import build_wheel; build_wheel('out')"
    subprocess.run([sys.executable, "-c", build], cwd=kit.root, env=kit.env, check=True, capture_output=True)
    (wheel,) = (kit.root / "out").glob("*.whl")
    assert "kit/py.typed" in zipfile.ZipFile(wheel).namelist()


def test_nothing_of_the_persons_is_overwritten_not_even_under_another_spelling(kit: Project) -> None:
    kit.write(".git/info/exclude", "/security.MD\n")
    kit.write("security.MD", "mine, ignored")
    kit.write("Changes.rst", "mine, untracked")
    kit.write(".GitLab-CI.yml", "mine")
    before = kit.state()
    made = rows(kit, "security", "changelog", "ci", "editorconfig")
    assert {name: row["status"] for name, row in made.items()} == {
        "security": "present",
        "changelog": "present",
        "ci": "present",
        "editorconfig": "done",
    }
    assert (kit.state(), commits(kit)) == (before, ["Add .editorconfig"])


def test_a_file_that_appears_while_the_run_goes_on_is_not_made(kit: Project) -> None:
    kit.write("tests/test_slow.py", "import time\n\n\ndef test_slow():\n    time.sleep(3)\n")
    kit.git("add", "-A")
    kit.git("commit", "-qm", "Slow")
    going = kit.start("scaffold", "gitignore", "editorconfig", "--format", "json")
    assert going.stderr is not None
    for line in going.stderr:
        if line.startswith("[1/2]"):
            kit.write(".editorconfig", "mine\n")
            break
    out, _ = going.communicate(timeout=100)
    status = {row["name"]: (row["status"], row["reason"]) for row in json.loads(out)["data"]["files"]}
    assert status["gitignore"][0] == "done"
    assert status["editorconfig"] == ("failed", ".editorconfig is there already")
    assert kit.read(".editorconfig") == "mine\n"


@pytest.mark.parametrize(
    ("files", "status", "words"),
    [
        ({"m.py": "x = 1\n"}, "undecided", "nothing says"),
        (
            {"setup.py": "from setuptools import setup\nsetup(license='BSD', author='A')\n"},
            "undecided",
            "not mean one",
        ),
        (
            {"package.json": '{"license": "MIT"}', "README.md": "# x\n\n## License\n\nGPL v3\n"},
            "undecided",
            "GPL v3",
        ),
        ({"Cargo.toml": '[package]\nname = "x"\nlicense = "Apache-2.0"\n'}, "proposed", "Cargo.toml says so"),
        (
            {"x.gemspec": "Gem::Specification.new do |s|\n  s.license = 'ISC'\nend\n"},
            "proposed",
            "x.gemspec says so",
        ),
        (
            {"README.md": "x\n=\n\nLicense\n-------\n\nReleased under the Apache License 2.0.\n"},
            "proposed",
            "README.md",
        ),
        (
            {"a.py": "# SPDX-License-Identifier: MPL-2.0\n", "b.py": "# SPDX-License-Identifier: MPL-2.0\n"},
            "proposed",
            "",
        ),
        (
            {"vendored.h": "// SPDX-License-Identifier: MIT\n", "a.c": "int a;\n", "b.c": "int b;\n"},
            "undecided",
            "",
        ),
        ({"setup.cfg": "[metadata]\nlicense = MIT\n", "COPYING.txt": "Mine."}, "present", ""),
    ],
)
def test_a_licence_is_taken_from_what_is_stated_and_never_chosen(
    project: Make, files: dict[str, str], status: str, words: str
) -> None:
    made = project(files)
    row = rows(made, "license", "--dry-run", code=int(status == "undecided"))["license"]
    assert (row["status"], words in row["why"]) == (status, True)
    if status == "undecided":
        chosen = rows(made, "license", "--dry-run", "--license", "apache-2.0")["license"]
        assert "+                                 Apache License\n" in chosen["diff"]


def test_facts_decide_who_is_asked_and_where_it_runs(project: Make) -> None:
    made = project(
        {"go.mod": "module x\n\ngo 1.22\n", "x_test.go": "package x\n", "web/package.json": "{}"},
        commit=False,
    )
    mail = "12+ann@users.noreply.gitlab.com"
    made.git("add", "-A")
    made.git("-c", "user.name=Ann", "commit", "-qm", "One", "--author", f"Ann <{mail}>")
    assert rows(made, "--list")["codeowners"]["status"] == "not_applicable"
    made.git("remote", "add", "origin", "git@gitlab.example.org:team/x.git")
    assert rows(made, "--list")["codeowners"]["status"] == "undecided"
    made.git("remote", "set-url", "origin", "git@gitlab.com:team/x.git")
    found = rows(made, "--dry-run")
    assert "+* @ann\n" in found["codeowners"]["diff"]
    assert found["codeowners"]["path"] == ".gitlab/CODEOWNERS"
    assert (found["ci"]["path"], found["dependabot"]["path"]) == (".gitlab-ci.yml", "renovate.json")
    text = "".join(line[1:] + "\n" for line in found["ci"]["diff"].splitlines()[5:])
    assert valid("gitlab-ci", text)["test"]["script"] == ["go mod download", "go test ./..."]
    assert {found[name]["status"] for name in ("pre-commit", "pyproject", "py-typed")} == {"not_applicable"}


def test_what_breaks_the_tests_is_not_committed_and_the_rest_is(kit: Project) -> None:
    test = "from pathlib import Path\n\n\ndef test_plain():\n    assert not Path('SECURITY.md').exists()\n"
    kit.write("tests/test_plain.py", test)
    kit.git("add", "-A")
    kit.git("commit", "-qm", "Plain")
    made = rows(kit, "security", "gitignore", code=1)
    assert (made["security"]["status"], made["gitignore"]["status"]) == ("failed", "done")
    assert "test_plain" in made["security"]["reason"] or "tests failed" in made["security"]["reason"]
    assert commits(kit) == ["Add .gitignore"]


def test_without_a_commit_only_a_look_is_possible(project: Make) -> None:
    empty = project(commit=False)
    assert set(rows(empty, "--list")) >= {"license", "ci"}
    fresh = project(FILES, commit=False)
    assert rows(fresh, "--dry-run")["license"]["status"] == "proposed"
    done = fresh.run("scaffold", check=2)
    assert "has no commit yet" in done.err
    assert "hint: " in done.err


GOOD = """\
# Security policy

Kit handles sizes, and a wrong one can hurt, so please tell us in private.

## Versions

The latest release is 1.1.0: please see whether it has the fault.

## Reporting a vulnerability

Open <https://github.com/ann/kit/security/advisories/new>, or write to <ann@kit.dev>. The code is in `kit/__init__.py`.
"""


@pytest.mark.parametrize(
    ("replies", "words"),
    [
        (["{not json", json.dumps({"text": GOOD})], ""),
        ([json.dumps({"text": GOOD.replace("kit/__init__.py", "kit/core.py")})], "kit/core.py"),
        (["Sorry, I cannot.", "x" * 2_000_000], "from the template"),
    ],
)
def test_a_model_words_the_prose_and_what_it_invents_never_lands(
    project: Make, replies: list[str], words: str
) -> None:
    made = project({path: text for path, text in FILES.items() if not path.startswith("tests/")})
    made.git("tag", "v1.1.0")
    made.git("remote", "add", "origin", REMOTE)
    with OpenAIServer(replies) as server:
        env = {"SELFIMPROVE_LLM__BASE_URL": server.url, "SELFIMPROVE_LLM__MODEL": "openai/test"}
        done = made.run("scaffold", "security", "--model", env=env | {"OPENAI_API_KEY": "sk-1"}, check=0)
        assert len(server.requests) == len(replies)
    text = made_file(made, "SECURITY.md")
    assert (text == GOOD) is (not words)
    if words:
        assert "from the template: " in done.err
        assert words in done.err
        assert text.startswith("# Security policy\n\n## Versions\n")
    else:
        assert "in a model's words" in done.err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (GOOD, ""),
        (GOOD.replace("ann@kit.dev", "security@kit.dev"), "leaves out ann@kit.dev"),
        (GOOD + "\nOr see <https://kit.example/report>.\n", "https://kit.example/report"),
        (GOOD + "\n```console\n$ curl kit.sh | sh\n```\n", "kit.sh"),
        (GOOD + "\nFixed in 1.1.7.\n", "1.1.7"),
        (GOOD + "\nWe have 500. All are glad.\n", "number 500"),
        (GOOD + "\nReporters are paid.\n", "promises"),
        (GOOD + "\n1. Write to us.\n2. Wait.\n", ""),
        (GOOD + "\nSee [the guide](docs/guide.md).\n", "docs/guide.md"),
        (GOOD + "\nAsk @bob.\n", "@bob"),
        (GOOD + "\nWe answer within TBD days.\n", "a placeholder"),
        (GOOD + "\nCall `kit.report()`.\n", "kit.report()"),
        (GOOD + "\nhid\u200bden\n", "nobody sees"),
        (GOOD.replace("# Security policy", "Security"), "no heading"),
    ],
)
def test_a_text_that_invents_or_loses_something_is_refused(text: str, words: str) -> None:
    past = Past("github.com", "ann/kit", releases=(Release("v1.1.0", "1.1.0", "2026-01-02"),))
    facts = Facts(tuple(FILES), lambda path: FILES.get(path, ""), past)
    said = list(objections(text, security(facts), facts))
    assert words in said[0] if words else not said, said


def test_a_task_of_the_backlog_is_made_without_a_model(kit: Project) -> None:
    task = {
        "id": "add-editorconfig",
        "title": "Add .editorconfig",
        "prompt": "Add it.",
        "files": [".editorconfig"],
        "source": "scaffold",
        "category": "scaffold",
    }
    kit.write("tasks.yml", yaml.safe_dump({"tasks": [task]}))
    done = kit.run("run", "--no-audit", check=0)
    assert commits(kit) == ["Add .editorconfig"], done.err


@pytest.mark.parametrize("command", ["no-such-program --test", "sh -c 'echo broken; exit 3'"])
def test_tests_that_cannot_run_hold_back_what_they_could_read_and_nothing_else(
    project: Make, command: str
) -> None:
    """A licence is no matter of the tests; pyproject.toml is."""
    made = project(FILES)
    made.git("remote", "add", "origin", REMOTE)
    env = {"SELFIMPROVE_CHECK__TEST_COMMAND": command}
    found = rows(made, "license", "pyproject", code=1, env=env)
    assert (found["license"]["status"], found["pyproject"]["status"]) == ("done", "failed")
    assert "Selfimprove-Check: tests: judge nothing here" in made.git(
        "log", "-1", "--format=%B", "selfimprove/run-1"
    )
