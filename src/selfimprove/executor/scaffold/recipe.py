"""Recipe: how a project is set up, tested and linted on any machine, from its manifests and its test runner."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.codebase.project.manifest import Manifest, table
from selfimprove.codebase.project.pyparts import ruff_is_set_up
from selfimprove.executor.commands import Finds, find_suite, wants_pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from selfimprove.codebase.project.facts import Facts

_TEST_EXTRAS = ("test", "tests", "testing", "dev", "develop", "development", "all")
_REQUIREMENTS = tuple(
    pattern.format(name)
    for name in ("test", "tests", "testing", "dev", "development")
    for pattern in (
        "requirements-{}.txt",
        "requirements_{}.txt",
        "{}-requirements.txt",
        "{}_requirements.txt",
    )
) + tuple(f"requirements/{name}.txt" for name in ("test", "tests", "testing", "dev", "default"))
_PORTABLE = (  # what we say to read results or to stay offline, and how a person says it
    (r"^(python -m pytest) -q", r"\1"),
    (r"^cargo test .*", "cargo test"),
    (r"^go test -json \./\.\.\.$", "go test ./..."),
    (r"^(\./gradlew|gradle) --offline test --continue", r"\1 test"),
    (r"^\./mvnw .*", "./mvnw --batch-mode test"),
    (r"^mvn .*", "mvn --batch-mode test"),
    (r"^dotnet test --no-restore", "dotnet test"),
    (r"^(npm|pnpm) test --silent.*", r"\1 test"),
    (r"^(yarn test|bun run test).*", r"\1"),
)
_CARGO = (("fmt --check", "rustfmt"), ("clippy", "clippy"))
_READ = 40  # test files in which pytest is looked for


class Recipe(NamedTuple):
    """Shell commands: ``setup`` makes a fresh clone ready, ``test`` runs its tests, ``lint`` looks at the code.

    ``tool`` is what the commands are of: ``python``, ``uv``, ``tox``, ``node``, ``rust``, ``go``, ... or ``""``.
    """

    tool: str
    setup: tuple[str, ...] = ()
    test: str = ""
    lint: tuple[str, ...] = ()


def portable_test_command(root: Path, names: Sequence[str], read: Callable[[str], str]) -> str:
    """Return how the tests of the files ``names`` below ``root`` run on any machine, ``""`` where there are none."""
    pytest = wants_pytest(root, names) or _names_pytest(names, read)
    suite = find_suite(
        root,
        names,
        (),
        Finds(lambda module: "python" if module != "pytest" or pytest else None, lambda name: name),
    )
    if suite is None:
        return ""
    for pattern, words in _PORTABLE:
        if re.search(pattern, suite.command):
            return re.sub(pattern, words, suite.command)
    return suite.command


def _names_pytest(names: Sequence[str], read: Callable[[str], str]) -> bool:
    """True when a manifest or a test names pytest."""
    told = [
        name
        for name in names
        if re.fullmatch(r"(setup\.(py|cfg)|tox\.ini|noxfile\.py|[\w./-]*requirements[\w./-]*\.txt)", name)
    ]
    tests = [name for name in names if re.search(r"(^|/)(test_[^/]*|[^/]*_test)\.py$", name)][:_READ]
    if any(re.search(r"\bpytest\b", read(name)) for name in [*told, "pyproject.toml"] if name in names):
        return True
    return any(
        re.search(r"^\s*(import|from) pytest\b|^def test_", read(name), re.MULTILINE) for name in tests
    )


def recipe(facts: Facts) -> Recipe:
    """Return the recipe of a project; without a known one only the test command is in it."""
    command = facts.test_command
    first = command.partition(" ")[0]
    if first == "python" or (not command and facts.has("pyproject.toml", "setup.py")):
        return _python(facts)
    if first in ("npm", "pnpm", "yarn", "bun"):
        return Recipe("node", (_node_install(facts, first),), command, tuple(_node_lint(facts, first)))
    if first == "cargo":
        lint = [f"cargo {word}" for word, sign in _CARGO if facts.has(f"{sign}.toml", f".{sign}.toml")]
        return Recipe("rust", (), command, tuple(lint))
    if first == "go":
        return Recipe("go", ("go mod download",), command, ("go vet ./...",))
    if first in ("bundle", "rake"):
        return Recipe("ruby", ("bundle install",), command if first == "bundle" else f"bundle exec {command}")
    if first == "mix":
        return Recipe("elixir", ("mix deps.get",), command)
    tools = {"mvn": "java", "./mvnw": "java", "gradle": "java", "./gradlew": "java", "dotnet": "dotnet"}
    tools |= {"vendor/bin/phpunit": "php"}
    setup = {"php": ("composer install",), "dotnet": ("dotnet restore",)}
    tool = tools.get(first, "")
    return Recipe(tool, setup.get(tool, ()), command)


def _python(facts: Facts) -> Recipe:
    """Return the recipe by the tool that the project locks or tests with, else pip."""
    command, lint = facts.test_command, tuple(_python_lint(facts))
    own = facts.manifest("pyproject.toml") or Manifest("pyproject.toml")
    if facts.has("uv.lock"):
        return _run_by("uv", (_uv_sync(own),), command, lint)
    if facts.has("tox.ini") or table(own.data, "tool", "tox"):
        return Recipe("tox", ("python -m pip install tox",), "tox run -e py", lint)
    if facts.has("poetry.lock"):
        return _run_by("poetry", ("python -m pip install poetry", "poetry install"), command, lint)
    return Recipe("python", tuple(_pip(facts, own)), command, lint)


def _run_by(tool: str, setup: tuple[str, ...], test: str, lint: tuple[str, ...]) -> Recipe:
    inside = f"{tool} run "
    return Recipe(tool, setup, inside + test if test else "", tuple(inside + one for one in lint))


def _uv_sync(own: Manifest) -> str:
    """Return what installs the project with what its tests need; the group ``dev`` comes by itself."""
    groups = _named(own.groups)
    if groups:
        return "uv sync" if groups == ["dev"] else f"uv sync --group {groups[0]}"
    return "".join(["uv sync", *(f" --extra {one}" for one in _named(own.extras))])


def _named(names: Iterable[str]) -> list[str]:
    """Return the first of the names that stand for what tests need."""
    known = {*names}
    return [one for one in _TEST_EXTRAS if one in known][:1]


def _pip(facts: Facts, own: Manifest) -> Iterator[str]:
    built = facts.has("setup.py") or not own.data.keys().isdisjoint(("project", "build-system"))
    extras = {name: value for one in facts.manifests for name, value in one.extras.items()}
    extra, group = _named(extras), _named(own.groups)
    files = [] if extra or group else _requirements(facts, built=built)
    if built:
        yield f'python -m pip install -e ".[{extra[0]}]"' if extra else "python -m pip install -e ."
    if group and not extra:
        yield f"python -m pip install --group {group[0]}"
    yield from (f"python -m pip install -r {shlex.quote(name)}" for name in files)
    listed = [*_listed(extras, extra), *_listed(own.groups, group), *map(facts.read, files)]
    if "pytest" in facts.test_command and not re.search(r"\bpytest\b", "\n".join(listed)):
        yield "python -m pip install pytest"


def _listed(tables: Mapping[str, Sequence[str]], names: Iterable[str]) -> list[str]:
    return [one for name in names for one in tables[name]]


def _requirements(facts: Facts, *, built: bool) -> list[str]:
    files = [name for name in _REQUIREMENTS if facts.has(name)][:1]
    return ["requirements.txt", *files] if facts.has("requirements.txt") and not built else files


def _python_lint(facts: Facts) -> Iterator[str]:
    if ruff_is_set_up(facts):
        yield "ruff check ."
    elif facts.has(".flake8"):
        yield "flake8"


def _node_install(facts: Facts, manager: str) -> str:
    if manager == "npm":
        return "npm ci" if facts.has("package-lock.json", "npm-shrinkwrap.json") else "npm install"
    return f"{manager} install --frozen-lockfile"


def _node_lint(facts: Facts, manager: str) -> Iterator[str]:
    own = facts.manifest("package.json")
    if "lint" in table(own.data if own else {}, "scripts"):
        yield f"{manager} run lint"
