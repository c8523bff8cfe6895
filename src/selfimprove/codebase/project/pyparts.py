"""Python parts: what a pyproject.toml could say and does not, as far as the repository's own facts tell it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.codebase.project.manifest import section_of, table
from selfimprove.codebase.project.packages import backend_of, minors
from selfimprove.codebase.testing import is_test

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selfimprove.codebase.project.facts import Facts

_LINE_LENGTH = re.compile(
    r"^\s*max[-_]line[-_]length\s*=\s*(\d+)|^\s*line[-_]length\s*=\s*(\d+)", re.MULTILINE
)
_USES_RUFF = re.compile(
    r"ruff-pre-commit|^\s*(?:- )?(?:run: )?(?:python -m )?ruff (?:check|format)|[\"']ruff\b", re.MULTILINE
)
_PYTEST_FILE = re.compile(r"(^|/)(test_[^/]*|[^/]*_test)\.py$")
_BUNDLES = ("hatchling", "flit_core", "poetry.core", "pdm", "uv_build", "maturin", "whey")
"""Build backends that put every file of a package into the wheel."""


class Part(NamedTuple):
    """A key of a table (``project``, ``tool.ruff``) with its value as TOML, and the fact that it follows from.

    A table that is there already gets the key; one that is not is made.
    """

    table: str
    key: str
    value: str
    why: str


def missing_parts(facts: Facts) -> tuple[Part, ...]:
    """Return the parts that are missing and known, in the order in which they stand in a file.

    Nothing for a repository that is not built as a Python project.
    """
    if not facts.has("pyproject.toml", "setup.py", "setup.cfg"):
        return ()
    return (*_build(facts), *_project(facts), *_pytest(facts), *_ruff(facts))


def package_data(facts: Facts) -> tuple[Part, ...]:
    """Return the part by which setuptools puts ``py.typed`` into a wheel, where it would not do so by itself.

    From version 69 on it does; older ones may be used where the project does not ask for that.
    """
    own = facts.manifest("pyproject.toml")
    if not own or "project" not in own.data or not backend_of(own).startswith("setuptools"):
        return ()
    if any(re.search(r"setuptools\s*(>=|~=|==)\s*(69|[7-9]\d|1\d\d)", one) for one in _requires(facts)):
        return ()
    settings = table(own.data, "tool", "setuptools")
    if "package-data" in settings:
        return ()
    return tuple(
        Part("tool.setuptools.package-data", one.name, '["py.typed"]', "setuptools before 69 leaves it out")
        for one in facts.packages
    )


def bundles(facts: Facts) -> bool:
    """True when it is known that the build puts a marker file into the wheel, with ``package_data`` where needed."""
    backend = backend_of(facts.manifest("pyproject.toml"))
    return not backend or backend.startswith(("setuptools", *_BUNDLES))


def line_length(facts: Facts) -> int:
    """Return the line length that a configuration states, 0 when none does."""
    for name in (
        ".editorconfig",
        ".flake8",
        "setup.cfg",
        "tox.ini",
        "pyproject.toml",
        "ruff.toml",
        ".ruff.toml",
    ):
        if facts.has(name) and (found := _LINE_LENGTH.search(facts.read(name))):
            return int(found[1] or found[2])
    return 0


def uses_pytest(facts: Facts) -> bool:
    """True when tests are run by pytest."""
    return "pytest" in facts.test_command


def pytest_is_set_up(facts: Facts) -> bool:
    """True when some file configures pytest."""
    own = facts.manifest("pyproject.toml")
    return (
        facts.has("pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml")
        or bool(section_of(facts.read("tox.ini") if facts.has("tox.ini") else "", "pytest"))
        or bool(section_of(facts.read("setup.cfg") if facts.has("setup.cfg") else "", "tool:pytest"))
        or bool(table(own.data if own else {}, "tool", "pytest"))
    )


def ruff_is_set_up(facts: Facts) -> bool:
    """True when some file configures ruff."""
    own = facts.manifest("pyproject.toml")
    return facts.has("ruff.toml", ".ruff.toml") or "ruff" in table(own.data if own else {}, "tool")


def _requires(facts: Facts) -> list[str]:
    own = facts.manifest("pyproject.toml")
    found = table(own.data if own else {}, "build-system").get("requires")
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


def _build(facts: Facts) -> Iterator[Part]:
    """Name what builds a project that has a setup.py; without ``build-backend`` it is built as it is now."""
    own = facts.manifest("pyproject.toml")
    if facts.has("setup.py") and not (own and "build-system" in own.data):
        why = "setup.py is built with setuptools, and nothing says so"
        yield Part("build-system", "requires", '["setuptools>=40.8.0"]', why)


def _project(facts: Facts) -> Iterator[Part]:
    own = facts.manifest("pyproject.toml")
    project = table(own.data, "project") if own else {}
    if not own or not project:
        return
    dynamic = project.get("dynamic")
    said = {*project, *(dynamic if isinstance(dynamic, list) else ())}
    known = minors(facts.manifests)
    if "readme" not in said and facts.readme.endswith((".md", ".rst", ".txt")):
        yield Part(
            "project", "readme", _toml(facts.readme), f"{facts.readme} is not shown on the project's page"
        )
    if "requires-python" not in said and known:
        yield Part(
            "project",
            "requires-python",
            _toml(f">={known[0]}"),
            f"the classifiers begin with Python {known[0]}",
        )


def _toml(value: str | list[str]) -> str:
    return json.dumps(value, ensure_ascii=False)


def _pytest(facts: Facts) -> Iterator[Part]:
    """Say where the tests are, when all of them are in one place and pytest is not told anything yet."""
    if (
        not facts.has("pyproject.toml")
        or not uses_pytest(facts)
        or pytest_is_set_up(facts)
        or facts.has("tox.ini")
    ):
        return
    tests = [name for name in facts.names if _PYTEST_FILE.search(name)]
    folders = {name.partition("/")[0] for name in tests if "/" in name}
    if len(folders) == 1 and all("/" in name for name in tests) and is_test(tests[0]):
        (folder,) = folders
        yield Part("tool.pytest.ini_options", "testpaths", _toml([folder]), f"every test is in {folder}")


def _ruff(facts: Facts) -> Iterator[Part]:
    """Give ruff the line length that another tool is told, where ruff is used and told nothing."""
    length = line_length(facts)
    if not facts.has("pyproject.toml") or ruff_is_set_up(facts) or not length or length == 88:
        return
    places = [".pre-commit-config.yaml", "pyproject.toml", "tox.ini"]
    places += [name for name in facts.names if name.startswith(".github/workflows/")]
    if any(facts.has(name) and _USES_RUFF.search(facts.read(name)) for name in places):
        yield Part("tool.ruff", "line-length", str(length), f"lines have up to {length} characters elsewhere")
