"""Pipeline: a CI configuration, for GitHub Actions or GitLab CI, that runs the project's own tests on every change."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from selfimprove.codebase.project.packages import lowest, minors
from selfimprove.codebase.project.packages import number as minor_number
from selfimprove.errors import PatchError
from selfimprove.executor.scaffold.recipe import Recipe, recipe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selfimprove.codebase.project.facts import Facts

_OLDEST = 8  # 3.8: the oldest Python that the runners of GitHub still offer
_JAVA = re.compile(
    r"maven\.compiler\.(?:release|source|target)>\s*(?:1\.)?(\d+)|<release>\s*(\d+)|languageVersion[^\n]*?of\((\d+)\)"
)
_IMAGES = {"node": "node:lts", "rust": "rust:latest", "go": "golang:latest", "ruby": "ruby:latest"}
_PYTHONS = ("python", "uv", "tox", "poetry")


def github(facts: Facts) -> str:
    """Return the workflow. Raises PatchError when there are no tests to run."""
    made = _recipe(facts)
    head = ["name: CI", "", "on:", "  push:", *_branches(facts), "  pull_request:", ""]
    head += ["permissions:", "  contents: read", "", "jobs:", "  test:", "    runs-on: ubuntu-latest"]
    versions = python_versions(facts) if made.tool in _PYTHONS else ()
    if len(versions) > 1:
        listed = ", ".join(json.dumps(one) for one in versions)
        head += [
            "    strategy:",
            "      fail-fast: false",
            "      matrix:",
            f"        python-version: [{listed}]",
        ]
    version = "${{ matrix.python-version }}" if len(versions) > 1 else next(iter(versions), "")
    steps = [*_steps(facts, made, version), *_runs((*made.setup, made.test))]
    lines = [*head, "    steps:", "      - uses: actions/checkout@v4", *steps]
    if made.lint:
        newest = next((one for one in reversed(versions)), "")
        lines += [
            "",
            "  lint:",
            "    runs-on: ubuntu-latest",
            "    steps:",
            "      - uses: actions/checkout@v4",
        ]
        lines += [*_steps(facts, made, newest), *_runs((*_for_lint(made), *made.lint))]
    return "\n".join(lines) + "\n"


def gitlab(facts: Facts) -> str:
    """Return .gitlab-ci.yml. Raises PatchError when there are no tests to run, or the image for them is not known."""
    made = _recipe(facts)
    lines = ["test:"]
    if made.tool in _PYTHONS:
        versions = [one if one != "3.x" else "3" for one in python_versions(facts)]
        if len(versions) > 1:
            listed = ", ".join(json.dumps(one) for one in versions)
            lines += [
                "  parallel:",
                "    matrix:",
                f"      - PYTHON_VERSION: [{listed}]",
                "  image: python:${PYTHON_VERSION}",
            ]
        else:
            lines += [f"  image: python:{versions[0]}"]
    elif made.tool in _IMAGES:
        lines += [f"  image: {_IMAGES[made.tool]}"]
    else:
        raise PatchError("it is not known in which image its tests would run", where=".gitlab-ci.yml")
    before = ["python -m pip install uv"] if made.tool == "uv" else []
    before += ["corepack enable"] if made.test.startswith(("pnpm", "yarn")) else []
    lines += ["  script:", *(f"    - {_scalar(one)}" for one in (*before, *made.setup, made.test))]
    return "\n".join(lines) + "\n"


def python_versions(facts: Facts) -> tuple[str, ...]:
    """Return the versions to test on: those of the classifiers, else the lowest that is required and the newest."""
    listed = [one for one in minors(facts.manifests) if minor_number(one) >= _OLDEST]
    if listed:
        return tuple(listed)
    low = lowest(facts.manifests)
    return (low, "3.x") if low and minor_number(low) >= _OLDEST else ("3.x",)


def _recipe(facts: Facts) -> Recipe:
    made = recipe(facts)
    if not made.test:
        raise PatchError("there are no tests to run")
    return made


def _branches(facts: Facts) -> list[str]:
    return [f"    branches: [{_scalar(facts.past.branch)}]"] if facts.past.branch else []


def _for_lint(made: Recipe) -> tuple[str, ...]:
    """Return what has to be there to lint: the linter alone where it needs nothing else."""
    if made.tool in ("python", "tox"):
        return tuple(f"python -m pip install {one.partition(' ')[0]}" for one in made.lint)
    return made.setup


def _runs(commands: tuple[str, ...]) -> Iterator[str]:
    for one in commands:
        yield f"      - run: {_scalar(one)}"


def _scalar(text: str) -> str:
    """Return ``text`` as YAML has it: plain where nothing in it could be read otherwise."""
    words = text.replace(" ", "")
    plain = re.fullmatch(r"[A-Za-z./][\w./=<>+-]*", words) and not re.search(r"(^| )[-#]( |$)", text)
    return (
        text
        if plain and text.lower() not in ("true", "false", "yes", "no", "on", "off", "null")
        else json.dumps(text, ensure_ascii=False)
    )


def _steps(facts: Facts, made: Recipe, python: str) -> Iterator[str]:
    """Yield the steps that bring the language onto the runner."""
    if made.tool == "uv":
        yield "      - uses: astral-sh/setup-uv@v5"
        if python and python != "3.x":
            yield from _with({"python-version": python})
    elif made.tool in _PYTHONS:
        yield "      - uses: actions/setup-python@v5"
        yield from _with({"python-version": python or "3.x"})
    elif made.tool == "node":
        yield from _node(facts, made)
    elif made.tool == "go":
        yield "      - uses: actions/setup-go@v5"
        yield from _with({"go-version-file": "go.mod"})
    elif made.tool == "java":
        yield "      - uses: actions/setup-java@v4"
        yield from _with({"distribution": "temurin", "java-version": _java(facts)})
    elif made.tool == "ruby":
        yield "      - uses: ruby/setup-ruby@v1"
        yield from _with({} if facts.has(".ruby-version", ".tool-versions") else {"ruby-version": "ruby"})
    elif made.tool == "php":
        yield "      - uses: shivammathur/setup-php@v2"
        yield from _with({"php-version": "latest"})


def _with(keys: dict[str, str]) -> Iterator[str]:
    if keys:
        yield "        with:"
    for key, value in keys.items():
        yield f"          {key}: {json.dumps(value) if value[0].isdigit() else value}"


def _node(facts: Facts, made: Recipe) -> Iterator[str]:
    manager = made.test.partition(" ")[0]
    own = facts.manifest("package.json")
    pinned = bool(own and own.data.get("packageManager"))
    if manager == "pnpm":
        yield "      - uses: pnpm/action-setup@v4"
        yield from _with({} if pinned else {"version": "latest"})
    elif manager == "bun":
        yield "      - uses: oven-sh/setup-bun@v2"
    elif manager == "yarn":
        yield "      - run: corepack enable"
    if manager != "bun":
        file = next((one for one in (".nvmrc", ".node-version") if facts.has(one)), "")
        yield "      - uses: actions/setup-node@v4"
        yield from _with({"node-version-file": file} if file else {"node-version": "lts/*"})


def _java(facts: Facts) -> str:
    """Return the version that the build is for, at least 17, on which current build tools run."""
    for name in ("pom.xml", "build.gradle", "build.gradle.kts"):
        if facts.has(name) and (found := _JAVA.search(facts.read(name))):
            return str(max(17, int(next(filter(None, found.groups())))))
    return "21"
