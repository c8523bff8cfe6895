"""What loading the settings may load: nothing that takes time, unless a source needs it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

# The parsers of files, what only errors need, and libraries that check values.
HEAVY = {
    *("pydantic", "pydantic_core", "pydantic_settings", "typing_extensions", "annotated_types"),
    *("yaml", "dotenv", "tomllib", "platformdirs", "jsonschema", "selfimprove.yamlfile"),
    *("difflib", "json", "dataclasses", "inspect", "datetime", "importlib.metadata"),
    *("typer", "litellm", "sqlalchemy", "radon"),
}
LOAD = """
import sys
from pathlib import Path
before = set(sys.modules)
from selfimprove.config import load_settings
root, environ, flags = eval(sys.argv[1])
load_settings(root and Path(root), environ, flags=flags)
print(*sorted(set(sys.modules) - before))
"""


def loaded(root: Path | None, environ: dict[str, str], flags: dict[str, object] | None = None) -> set[str]:
    """Return the modules that are loaded for the settings, by a Python of its own."""
    given = repr((root and str(root), environ, flags))
    # -S: what an installation adds at start is not ours
    code = f"import sys; sys.path[:0] = {[path for path in sys.path if path]!r}\n{LOAD}"
    done = subprocess.run(
        [sys.executable, "-S", "-c", code, given], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split()) & HEAVY


@pytest.mark.parametrize("environ", [{"HOME": "/nowhere"}, {"XDG_CONFIG_HOME": "/nowhere"}])
def test_without_any_source_nothing_is_loaded(tmp_path: Path, environ: dict[str, str]) -> None:
    if sys.platform != "linux" and "HOME" in environ:
        pytest.skip("platformdirs knows where the file belongs on this system")
    assert loaded(tmp_path, environ, {"run.land": None, "budget.units": None}) == set()
    assert loaded(None, environ) == set()


def test_plain_flags_and_variables_load_nothing(tmp_path: Path) -> None:
    environ = {
        "XDG_CONFIG_HOME": "/nowhere",
        "SELFIMPROVE_LLM__TIMEOUT": "9.5",
        "SELFIMPROVE_RUN__AUDIT": "no",
    }
    flags = {"run.max_tasks": 3, "run.land": "merge", "audit.select": ["SI1"], "budget.units": 2}
    assert loaded(tmp_path, environ | {"SELFIMPROVE_AUDIT__PATHS": "src,tests"}, flags) == set()
    assert loaded(tmp_path, environ | {"SELFIMPROVE_AUDIT__LIMITS": '{"SI104": 60}'}) == {"json"}


def test_foreign_files_load_nothing(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'other'\n[tool.ruff]\nline-length = 80\n")
    (tmp_path / "config.yaml").write_text("database: {host: x}\n")
    assert loaded(tmp_path, {"XDG_CONFIG_HOME": "/nowhere"}) == set()


def test_a_table_in_pyproject_loads_toml_and_a_config_file_yaml(tmp_path: Path) -> None:
    home = {"XDG_CONFIG_HOME": "/nowhere"}
    (tmp_path / "pyproject.toml").write_text("[tool.selfimprove.audit]\ncomplexity_threshold = 7\n")
    assert loaded(tmp_path, home) - {"datetime"} == {"tomllib"}
    (tmp_path / "config.yaml").write_text("selfimprove: {run: {land: merge}}\n")
    assert {"tomllib", "yaml"} <= loaded(tmp_path, home)
    assert not loaded(tmp_path, home) & {"pydantic", "typing_extensions", "jsonschema"}


def test_the_home_folder_counts_as_platformdirs_says(tmp_path: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("another system has another folder")
    from platformdirs import user_config_path

    from selfimprove.configfile import user_config_path as ours

    code = (
        "from platformdirs import user_config_path; print(user_config_path('selfimprove', appauthor=False))"
    )
    environ = {"HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True
    )
    assert str(ours(environ).parent) == done.stdout.strip()
    assert ours({}) == user_config_path("selfimprove", appauthor=False) / "config.yaml"
