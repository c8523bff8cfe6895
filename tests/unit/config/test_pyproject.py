"""`[tool.selfimprove]` in pyproject.toml: a source like the others, and somebody else's file otherwise."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from selfimprove.cli.commands import config as commands
from selfimprove.config import load_settings, set_value
from selfimprove.errors import ConfigError

HOME = {"XDG_CONFIG_HOME": "/nowhere"}


def write(root: Path, text: str | bytes) -> Path:
    path = root / "pyproject.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def broken(root: Path, text: str | bytes) -> ConfigError:
    write(root, text)
    with pytest.raises(ConfigError) as caught:
        load_settings(root, HOME)
    return caught.value


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[tool.selfimprove.audit]\ncomplexity_threshold = 7\n", 2),
        ("[tool.selfimprove]\n\naudit.complexity_threshold = 7\n", 3),
        ("[tool.selfimprove]\naudit = {complexity_threshold = 7}\n", 2),
        ("# c\n[ tool . 'selfimprove' . \"audit\" ]\n  'complexity_threshold' = 7 # seven\n", 3),
        ("[tool]\nselfimprove.audit.complexity_threshold = 7\n", 2),
        ("[tool]\nselfimprove = {audit = {complexity_threshold = 7}}\n", 2),
        (
            "[tool.ruff]\ncomplexity_threshold = 9\n[tool.selfimprove.audit]\r\ncomplexity_threshold = 7\r\n",
            4,
        ),
        ("\ufeff[tool.selfimprove.audit]\ncomplexity_threshold = 7\n", 2),
    ],
)
def test_every_way_to_write_it_counts_and_is_found_again(tmp_path: Path, text: str, line: int) -> None:
    write(tmp_path, text)
    loaded = load_settings(tmp_path, HOME)
    assert loaded.settings.audit.complexity_threshold == 7
    assert loaded.origins["audit.complexity_threshold"] == f"pyproject.toml:{line}"


def test_every_kind_of_value(tmp_path: Path) -> None:
    write(
        tmp_path,
        """\
[tool.selfimprove]
tasks_file = "todo.yml"
[tool.selfimprove.audit]
paths = ["src", "tools"]
select = ["ALL"]
limits = {SI104 = 60, SI108 = false}
[tool.selfimprove.audit.per_path."tests/**"]
SI104 = false
SI101 = 30
[tool.selfimprove.check]
timeout = 60
""",
    )
    settings = load_settings(tmp_path, HOME).settings
    assert (settings.tasks_file, settings.check.timeout) == ("todo.yml", 60.0)
    assert (settings.audit.paths, settings.audit.select) == (("src", "tools"), ("ALL",))
    assert settings.audit.limits == {"SI104": 60, "SI108": None}
    assert settings.audit.per_path == {"tests/**": {"SI104": None, "SI101": 30}}


def test_config_yaml_is_stronger_key_by_key(tmp_path: Path) -> None:
    write(tmp_path, "[tool.selfimprove.llm]\nretries = 1\nmax_tokens = 5\n")
    (tmp_path / "config.yaml").write_text("selfimprove:\n  llm:\n    retries: 2\n")
    loaded = load_settings(tmp_path, HOME)
    assert (loaded.settings.llm.retries, loaded.settings.llm.max_tokens) == (2, 5)
    assert loaded.origins["llm.retries"] == "config.yaml:3"
    rows = {row["key"]: row for row in commands.show(loaded, origin=True)}
    assert rows["llm.max_tokens"] == {"key": "llm.max_tokens", "value": 5, "origin": "pyproject.toml:3"}


def test_config_file_takes_its_place_too(tmp_path: Path) -> None:
    write(tmp_path, "[tool.selfimprove.llm]\nretries = 1\n")
    other = tmp_path / "ci.yaml"
    other.write_text("run: {max_tasks: 2}\n")
    assert load_settings(tmp_path, HOME, config_file=other).settings.llm.retries == 4


@pytest.mark.parametrize(
    "text",
    [
        "[tool.ruff\nline-length = ",
        b"\xff\xfe",
        "[project]\nname = 'other'\nreadme = {broken\n# tools: selfimprove\n",
        "[project]\nname = 'selfimprove'\n[project.scripts]\nselfimprove = 'selfimprove.cli.app:main'\n",
        "[tool.selfimprove]\n",
        "[tool.selfimprove_other]\nx = 1\n",
        "",
    ],
)
def test_a_file_that_says_nothing_about_us_is_left_alone(tmp_path: Path, text: str | bytes) -> None:
    path = write(tmp_path, text)
    before = path.read_bytes()
    loaded = load_settings(tmp_path, HOME)
    assert set(loaded.origins.values()) == {"default"}
    assert (loaded.warnings, path.read_bytes()) == ([], before)


@pytest.mark.parametrize(
    ("text", "line", "message", "hint"),
    [
        (
            "[tool.selfimprove.audit]\ncomplexity_treshold = 10\n",
            2,
            "audit.complexity_treshold is not a setting",
            "did you mean audit.complexity_threshold?",
        ),
        (
            "[tool.selfimprove]\ncomplexity_threshold = 10\n",
            2,
            "complexity_threshold is not",
            "audit.complexity_t",
        ),
        ("x = 1\n[tool.selfimprove.adit]\npaths = []\n", 2, "adit is not a setting", "did you mean audit?"),
        ("[tool.selfimprove]\naudit = 3\n", 2, "must be a section", "[tool.selfimprove.audit]"),
        ("[tool.selfimprove]\n'run.land' = 'merge'\n", 2, "not a key of its own", "[tool.selfimprove.run]"),
        (
            "[tool.selfimprove.run]\nland = 'brnch'\n",
            2,
            "must be one of branch, merge",
            "did you mean branch?",
        ),
        ("[tool.selfimprove.run]\nmax_tasks = 1979-05-27\n", 2, "must be a whole number", "default"),
        ("[tool.selfimprove.run]\nmax_tasks = '3'\n", 2, "run.max_tasks is '3'", "default"),
        ("[tool.selfimprove.llm]\n\napi_key = 'sk-1'\n", 3, "secrets come from the environment", "export "),
        (
            "[tool.selfimprove.audit.per_path]\na = {}\nb = {SI1 = 'Q'}\n",
            3,
            "audit.per_path.b.SI1 is 'Q'",
            "",
        ),
        ("[tool.selfimprove.audit.limits]\n\nSI101 = 1.5\n", 3, "audit.limits.SI101 is 1.5", ""),
        ("[tool]\nselfimprove = 3\n", 2, "tool.selfimprove is not a table", "[tool.selfimprove]"),
        ("[tool.selfimprove]\n\ntasks_file = \n", 3, "pyproject.toml is not TOML: invalid value", "mend"),
        ("[tool.selfimprove]\na = 1\na = 2\n", 3, "cannot overwrite a value", "mend"),
        ("[tool.selfimprove]\na = [1,\n\n", 2, "pyproject.toml is not TOML", "mend"),
        (b"# \xff\n[tool.selfimprove]\n", 1, "pyproject.toml is not UTF-8", "save it as UTF-8"),
        ("[tool.selfimprove]\na = " + "[" * 50_000, 2, "nested too deeply", "mend"),
    ],
)
def test_a_wrong_one_is_one_error_with_its_line(
    tmp_path: Path, text: str | bytes, line: int, message: str, hint: str
) -> None:
    problem = broken(tmp_path, text)
    assert message in problem.message
    assert problem.where == f"pyproject.toml:{line}"
    assert hint in problem.hint
    assert "sk-1" not in f"{problem.message}{problem.hint}"


@pytest.mark.parametrize("rule", ["SI101", "si101"])
def test_a_threshold_and_its_limit_in_one_file_are_an_error_that_names_both(
    tmp_path: Path, rule: str
) -> None:
    problem = broken(
        tmp_path,
        f"[tool.selfimprove.audit]\ncomplexity_threshold = 10\n[tool.selfimprove.audit.limits]\n{rule} = 12\n",
    )
    assert problem.message == (
        f"{rule} in audit.limits is the same limit as audit.complexity_threshold, and both are set"
    )
    assert problem.where == "pyproject.toml:4 and pyproject.toml:2"


@pytest.mark.parametrize(
    ("weak", "strong", "limit"),
    [
        ("complexity_threshold = 10", "limits: {SI101: 12}", 12),
        ("limits = {SI101 = 10, SI104 = 9}", "complexity_threshold: 12", 12),
        ("limits = {SI101 = 10}", "limits: {SI104: 9}", 15),
    ],
)
def test_of_a_threshold_and_its_limit_the_stronger_source_wins(
    tmp_path: Path, weak: str, strong: str, limit: int
) -> None:
    write(tmp_path, f"[tool.selfimprove.audit]\n{weak}\n")
    (tmp_path / "config.yaml").write_text(f"selfimprove:\n  audit:\n    {strong}\n")
    limits = load_settings(tmp_path, HOME).settings.audit.rule_limits()
    assert limits["SI101"] == limit
    assert limits.get("SI104") == (9 if "SI104" in weak + strong else None)


def test_set_never_writes_it_and_path_names_it(tmp_path: Path) -> None:
    path = write(tmp_path, text := "[tool.selfimprove.run]\nland = 'merge'\n")
    rows = commands.paths(tmp_path, HOME)
    assert [row["source"] for row in rows] == [".env", "repository", "pyproject", "user"]
    done = commands.set_setting(tmp_path, HOME, "run.land", "branch")
    assert Path(done["path"]) == tmp_path / ".selfimprove/config.yaml"
    assert path.read_text() == text
    assert load_settings(tmp_path, HOME).settings.run.land == "branch"
    set_value(tmp_path / "config.yaml", "run.land", "merge")
    assert path.read_text() == text


def test_toml_is_loaded_only_for_a_file_that_names_us(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from selfimprove.config import load_settings\n"
        "load_settings(Path(sys.argv[1]), {'XDG_CONFIG_HOME': '/nowhere'}); print('tomllib' in sys.modules)"
    )
    said = []
    for text in ("[tool.ruff]\nx = 1\n", "[tool.selfimprove.run]\nland = 'merge'\n"):
        write(tmp_path, text)
        done = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
        )
        said.append(done.stdout.strip())
    assert said == ["False", "True"]
