"""Which source wins, where each value came from, and what is refused by name."""

from __future__ import annotations

import itertools
import os
import pickle
from pathlib import Path

import pytest

from selfimprove.cli.commands import config as commands
from selfimprove.config import load_settings
from selfimprove.errors import ConfigError, UsageError
from selfimprove.settings import Settings, fields, get_value


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """An environment whose user config lives in a folder of this test."""
    return {"XDG_CONFIG_HOME": str(tmp_path / "xdg"), "PATH": "/usr/bin"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    folder.mkdir()
    return folder


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


SOURCES = ["user", "pyproject", "repository", "dotenv", "environment", "flag"]  # the weakest first


def load_with(root: Path, home: dict[str, str], sources: dict[str, int]) -> tuple[object, str]:
    """Set audit.complexity_threshold in each of ``sources``; return what counts, and its origin."""
    yaml = "# head\naudit:\n  complexity_threshold: {}\n"
    if "user" in sources:
        write(Path(home["XDG_CONFIG_HOME"]) / "selfimprove/config.yaml", yaml.format(sources["user"]))
    if "pyproject" in sources:
        table = (
            "[project]\nname = 'x'\n\n[tool.selfimprove.audit]\npaths = ['.']\ncomplexity_threshold = {}\n"
        )
        write(root / "pyproject.toml", table.format(sources["pyproject"]))
    if "repository" in sources:
        write(root / ".selfimprove/config.yaml", yaml.format(sources["repository"]))
    if "dotenv" in sources:
        write(root / ".env", f"A=1\n\nSELFIMPROVE_AUDIT__COMPLEXITY_THRESHOLD={sources['dotenv']}\n")
    if "environment" in sources:
        home = home | {"SELFIMPROVE_AUDIT__COMPLEXITY_THRESHOLD": str(sources["environment"])}
    flags = {"audit.complexity_threshold": sources.get("flag"), "run.land": None}
    loaded = load_settings(root, home, flags=flags)
    key = "audit.complexity_threshold"
    return loaded.settings.audit.complexity_threshold, loaded.origins[key]


@pytest.mark.parametrize(("weak", "strong"), list(itertools.combinations(SOURCES, 2)))
def test_of_two_sources_the_stronger_wins_and_is_named(
    root: Path, home: dict[str, str], weak: str, strong: str
) -> None:
    origins = {
        "user": f"{home['XDG_CONFIG_HOME']}/selfimprove/config.yaml:3",
        "pyproject": "pyproject.toml:6",
        "repository": ".selfimprove/config.yaml:3",
        "dotenv": ".env:3",
        "environment": "environment SELFIMPROVE_AUDIT__COMPLEXITY_THRESHOLD",
        "flag": "command line",
    }
    assert load_with(root, home, {weak: 11}) == (11, origins[weak])
    assert load_with(root, home, {weak: 11, strong: 12}) == (12, origins[strong])


def test_without_any_source_everything_is_default(root: Path, home: dict[str, str]) -> None:
    loaded = load_settings(root, home)
    assert set(loaded.origins) == set(fields())
    assert set(loaded.origins.values()) == {"default"}
    assert (loaded.warnings, loaded.settings.tasks_file) == ([], "tasks.yml")
    assert load_settings(None, home).settings == loaded.settings


def test_sources_merge_key_by_key(root: Path, home: dict[str, str]) -> None:
    write(Path(home["XDG_CONFIG_HOME"]) / "selfimprove/config.yaml", "llm: {model: a/b, retries: 1}\n")
    write(root / ".selfimprove/config.yaml", "llm:\n  retries: 2\n  timeout: 9.5\n")
    loaded = load_settings(root, home | {"SELFIMPROVE_LLM__TIMEOUT": "10"})
    llm = loaded.settings.llm
    assert (llm.model, llm.retries, llm.timeout, llm.max_tokens) == ("a/b", 2, 10.0, 8192)


def test_a_null_in_a_stronger_file_takes_a_limit_away(root: Path, home: dict[str, str]) -> None:
    write(Path(home["XDG_CONFIG_HOME"]) / "selfimprove/config.yaml", "command: {timeout: 5}\n")
    write(root / ".selfimprove/config.yaml", "command:\n  timeout:\n")
    loaded = load_settings(root, home)
    assert loaded.settings.command.timeout is None
    assert loaded.origins["command.timeout"] == ".selfimprove/config.yaml:2"


@pytest.mark.parametrize(
    ("name", "text", "key", "value"),
    [
        ("AUDIT__PATHS", "src, tests", "audit.paths", ("src", "tests")),
        ("AUDIT__PATHS", '["a,b"]', "audit.paths", ("a,b",)),
        ("SANDBOX__NETWORK", "yes", "sandbox.network", True),
        ("RUN__AUDIT", "0", "run.audit", False),
        ("COMMAND__TIMEOUT", "null", "command.timeout", None),
        ("BUDGET__WARNING", "0.5", "budget.warning", 0.5),
        ("LLM__MODEL", "ollama/llama: 3 # x", "llm.model", "ollama/llama: 3 # x"),
        ("CHECK__TEST_COMMAND", "", "check.test_command", None),
    ],
)
def test_variables_hold_text(
    root: Path, home: dict[str, str], name: str, text: str, key: str, value: object
) -> None:
    loaded = load_settings(root, home | {f"SELFIMPROVE_{name}": text})
    assert get_value(loaded.settings, key) == value


def test_every_setting_can_come_from_its_variable(root: Path, home: dict[str, str]) -> None:
    texts = {"integer": "77", "number": "0.5", "boolean": "true", "string": "x", "array": "p,q"}
    from selfimprove.settings import choices, kinds, variable_name

    special = {
        "audit.limits": '{"SI104": 77}',
        "audit.per_path": '{"x": {"SI104": 77}}',
        "audit.pylint": '["error"]',
        "check.reruns": "7",
        "check.allow": "gutted,binary",
        **dict.fromkeys(("suggest.categories", "tests.groups"), "security"),
        **dict.fromkeys(
            ("suggest.per_category", "generate.per_run", "generate.commits", "tests.runs", "lessons.shown"),
            "7",
        ),
        **dict.fromkeys(("review.lowest", "review.threshold", "review.auto_merge"), "7"),
        "llm.prices": '{"x": {"input": 77, "output": 77}}',
    }
    for key in fields():
        text = special.get(key) or (choices(key) or [texts.get(kinds(key)[0], "")])[-1]
        name = variable_name(key)
        loaded = load_settings(root, home | {name: text})
        assert loaded.origins[key] == f"environment {name}"
        value = get_value(loaded.settings, key)
        inner = (
            {"SI104": 77},
            {"x": {"SI104": 77}},
            ("error",),
            ("gutted", "binary"),
            7,
            {"x": {"input": 77, "output": 77}},
        )
        assert value in (text, 77, 0.5, True, ("p", "q"), ("security",), *inner), key


def test_dotenv_gives_keys_but_never_overrides(root: Path, home: dict[str, str]) -> None:
    write(
        root / ".env",
        "\n# keys\nexport OPENAI_API_KEY='sk $HOME' # mine\nPATH=/evil\nSELFIMPROVE_LLM__MODEL=c/d\n"
        'MULTI="a\nb"\nSELFIMPROVE_LLM__RETRIES=9\n',
    )
    loaded = load_settings(root, home | {"SELFIMPROVE_LLM__RETRIES": "3"})
    assert loaded.environ["OPENAI_API_KEY"] == "sk $HOME"
    assert loaded.environ["PATH"] == "/usr/bin"
    assert (loaded.environ["MULTI"], loaded.settings.llm.retries) == ("a\nb", 3)
    assert loaded.origins["llm.model"] == ".env:5"
    assert "OPENAI_API_KEY" not in os.environ or os.environ["OPENAI_API_KEY"] != "sk $HOME"


def test_a_foreign_line_in_dotenv_is_only_a_warning(root: Path, home: dict[str, str]) -> None:
    write(root / ".env", "A=1\n\n=what\nB='open\nC=\xff\n")
    loaded = load_settings(root, home)
    assert loaded.warnings == [f".env:{line} is not NAME=value and is left out" for line in (3, 4)]
    assert loaded.environ["A"] == "1"


def test_a_dotenv_folder_is_a_virtual_environment(root: Path, home: dict[str, str]) -> None:
    (root / ".env").mkdir()
    assert load_settings(root, home).warnings == []


def test_dotenv_of_the_example_is_ours_and_silent(root: Path, home: dict[str, str]) -> None:
    write(root / ".env", commands.example_environment())
    assert set(load_settings(root, home).origins.values()) == {"default"}


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("SELFIMPROVE_LLM__MODLE", "SELFIMPROVE_LLM__MODEL"),
        ("SELFIMPROVE_LLM_MODEL", "SELFIMPROVE_LLM__MODEL"),
        ("SELFIMPROVE_MODEL", "SELFIMPROVE_LLM__MODEL"),
        ("SELFIMPROVE_LLM__max_tokens", "SELFIMPROVE_LLM__MAX_TOKENS"),
        ("SELFIMPROVE_LLM__MAX_TOKEN", "SELFIMPROVE_LLM__MAX_TOKENS"),
        ("SELFIMPROVE_TASKSFILE", "SELFIMPROVE_TASKS_FILE"),
    ],
)
def test_an_unknown_variable_is_refused_with_the_nearest_name(
    root: Path, home: dict[str, str], name: str, near: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(root, home | {name: "x"})
    assert caught.value.message == f"{name} is not a setting"
    assert caught.value.where == f"environment {name}"
    assert caught.value.hint == f"did you mean {near}?"
    write(root / ".env", f"\n{name}=x\n")
    with pytest.raises(ConfigError) as caught:
        load_settings(root, home)
    assert caught.value.where == ".env:2"


def test_an_empty_or_hidden_unknown_variable_is_still_refused(root: Path, home: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="SELFIMPROVE_NONSENSE is not a setting"):
        load_settings(root, home | {"SELFIMPROVE_NONSENSE": ""})
    write(root / ".env", "SELFIMPROVE_NONSENSE=1\n")
    with pytest.raises(ConfigError) as caught:
        load_settings(root, home | {"SELFIMPROVE_NONSENSE": "2"})
    assert caught.value.where == ".env:1"


def test_our_own_variable_for_children_is_allowed(root: Path, home: dict[str, str]) -> None:
    load_settings(root, home | {"SELFIMPROVE_RUN_TOKEN": "abc", "SELFIMPROVEX": "1", "OTHER": "x"})


@pytest.mark.parametrize(
    ("text", "message", "line", "hint"),
    [
        (
            "audit:\n  complexity_treshold: 3\n",
            "audit.complexity_treshold is not a setting",
            2,
            "audit.complexity_threshold",
        ),
        ("adit:\n  paths: [x]\n", "adit is not a setting", 1, "audit"),
        ("\nmax_tasks: 3\n", "max_tasks is not a setting", 2, "run.max_tasks"),
        ("task_file: x\n", "task_file is not a setting", 1, "tasks_file"),
        ("llm:\n  model: x\n  max_token: 5\n", "llm.max_token is not a setting", 3, "llm.max_tokens"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_name(
    root: Path, home: dict[str, str], text: str, message: str, line: int, hint: str
) -> None:
    write(root / ".selfimprove/config.yaml", text)
    with pytest.raises(ConfigError) as caught:
        load_settings(root, home)
    assert caught.value.message == message
    assert caught.value.where == f".selfimprove/config.yaml:{line}"
    assert caught.value.hint == f"did you mean {hint}?"


@pytest.mark.parametrize(
    "text",
    [
        "llm:\n  api_key: sk-123\n",
        "llm:\n  apikey: sk-123\n",
        "llm:\n  token: sk-123\n",
        "database:\n  password: sk-123\n",
        "OPENAI_API_KEY: sk-123\n",
        "database:\n  url: postgresql://me:sk-123@host/db\n",
        "llm:\n  base_url: https://me:sk-123@host/v1\n",
        "llm:\n  base_url: https://host/v1?api_key=sk-123\n",
    ],
)
def test_secrets_in_a_file_are_refused_and_not_repeated(root: Path, home: dict[str, str], text: str) -> None:
    write(root / ".selfimprove/config.yaml", text)
    with pytest.raises(ConfigError) as caught:
        load_settings(root, home)
    problem = caught.value
    assert "secrets come from the environment or .env only" in problem.message
    assert problem.where.startswith(".selfimprove/config.yaml:")
    assert "export " in problem.hint
    assert "sk-123" not in f"{problem.message}{problem.where}{problem.hint}"


@pytest.mark.parametrize(
    "url", ["http://host:8080/v1", "http://[::1]:8080/v1", "https://host/x@y", "sqlite:///a.db"]
)
def test_addresses_without_a_password_are_fine(root: Path, home: dict[str, str], url: str) -> None:
    write(root / ".selfimprove/config.yaml", f"llm:\n  base_url: {url}\n")
    loaded = load_settings(root, home)
    assert commands.get(loaded, "llm.base_url") == url


def test_show_masks_passwords_and_names_origins(root: Path, home: dict[str, str]) -> None:
    write(root / ".selfimprove/config.yaml", "run:\n  land: merge\n")
    url = "postgresql://me:p%40ss:w@rd@db.example:5432/x?sslpassword=hunter2&sslmode=require"
    loaded = load_settings(root, home | {"SELFIMPROVE_DATABASE__URL": url})
    assert loaded.settings.database.url == url
    rows = {row["key"]: row for row in commands.show(loaded, origin=True)}
    assert rows["database.url"]["value"] == (
        "postgresql://me:***@db.example:5432/x?sslpassword=***&sslmode=require"
    )
    assert rows["run.land"] == {"key": "run.land", "value": "merge", "origin": ".selfimprove/config.yaml:2"}
    assert [row["key"] for row in commands.show(loaded)] == list(fields())
    assert "origin" not in commands.show(loaded)[0]
    assert commands.get(loaded, "database.url") == rows["database.url"]["value"]
    assert commands.get(loaded, "audit.paths") == ["."]


def test_get_of_an_unknown_key_or_a_section(root: Path, home: dict[str, str]) -> None:
    loaded = load_settings(root, home)
    with pytest.raises(ConfigError) as caught:
        commands.get(loaded, "llm.modle")
    assert (caught.value.where, caught.value.hint) == ("command line", "did you mean llm.model?")
    with pytest.raises(ConfigError, match="is a section") as caught:
        commands.get(loaded, "command")
    assert caught.value.hint == "it has command.timeout"


@pytest.mark.parametrize(
    "foreign",
    [
        "database: 1\n",
        "- a\n- b\n",
        "{{ helm }}\n\t- [",
        "a: !include b.yaml\n# selfimprove: no\n",
        "a: 1\n---\nb: 2\n",
        "server:\n  selfimprove: 5\n  x: @bad\n",
        "text: selfimprove is nice\nx: {\n",
        "x" * 2_000_000,
        "\x00\x01",
    ],
)
def test_a_foreign_config_yaml_is_left_alone(root: Path, home: dict[str, str], foreign: str) -> None:
    path = write(root / "config.yaml", foreign)
    loaded = load_settings(root, home)
    assert set(loaded.origins.values()) == {"default"}
    assert loaded.warnings == []
    assert path.read_text() == foreign


def test_our_key_in_a_shared_config_yaml(root: Path, home: dict[str, str]) -> None:
    write(
        root / "config.yaml",
        "home: !secret x\nx: &x {retries: 7}\nx: twice\n\nselfimprove:\n  llm:\n    <<: *x\n    model: a/b\n",
    )
    loaded = load_settings(root, home)
    assert (loaded.settings.llm.model, loaded.settings.llm.retries) == ("a/b", 7)
    assert loaded.origins["llm.model"] == "config.yaml:8"
    assert loaded.origins["llm.retries"] == "config.yaml:2"


@pytest.mark.parametrize(
    "text", ['{"selfimprove": {"run": {"land": "merge"}}}', "selfimprove:\n  run: {land: merge}\n"]
)
def test_the_wrapper_works_in_every_place(root: Path, home: dict[str, str], text: str) -> None:
    for path in (root / "config.yaml", root / ".selfimprove/config.yaml"):
        write(path, text)
        assert load_settings(root, home).settings.run.land == "merge"
        path.unlink()
    other = write(root / "elsewhere.yaml", text)
    assert load_settings(root, home, config_file=other).settings.run.land == "merge"


def test_an_empty_wrapper_is_ours_and_empty(root: Path, home: dict[str, str]) -> None:
    write(root / "config.yaml", "selfimprove:\n  # nothing yet\n")
    assert set(load_settings(root, home).origins.values()) == {"default"}


def test_of_both_repository_files_the_own_one_wins_with_a_warning(root: Path, home: dict[str, str]) -> None:
    write(root / "config.yaml", "selfimprove:\n  run: {land: merge, max_tasks: 3}\n")
    write(root / ".selfimprove/config.yaml", "run: {land: branch}\n")
    loaded = load_settings(root, home)
    assert (loaded.settings.run.land, loaded.settings.run.max_tasks) == ("branch", None)
    (warning,) = loaded.warnings
    assert "config.yaml has a `selfimprove:` key that is not read" in warning


def test_config_file_takes_the_place_of_the_repository_config(root: Path, home: dict[str, str]) -> None:
    write(Path(home["XDG_CONFIG_HOME"]) / "selfimprove/config.yaml", "llm: {retries: 1}\n")
    write(root / ".selfimprove/config.yaml", "run: {land: nonsense}\n")
    other = write(root / "ci.yaml", "run: {max_tasks: 2}\n")
    loaded = load_settings(root, home, config_file=other)
    assert (loaded.settings.run.max_tasks, loaded.settings.llm.retries) == (2, 1)
    assert loaded.origins["run.max_tasks"] == f"{other}:1"
    with pytest.raises(ConfigError, match="no config file"):
        load_settings(root, home, config_file=root / "missing.yaml")


def test_path_lists_the_files_strongest_first(root: Path, home: dict[str, str]) -> None:
    write(root / "config.yaml", "selfimprove:\n")
    rows = commands.paths(root, home)
    assert [(row["source"], row["exists"]) for row in rows] == [
        (".env", False),
        ("repository", True),
        ("user", False),
    ]
    assert rows[1]["path"] == str(root / "config.yaml")


def test_set_without_a_repository_needs_user(home: dict[str, str]) -> None:
    with pytest.raises(UsageError) as caught:
        commands.set_setting(None, home, "run.land", "merge")
    assert caught.value.hint == "selfimprove config set --user run.land merge"
    done = commands.set_setting(None, home, "run.land", "merge", user=True)
    assert Path(done["path"]).read_text().endswith("run:\n  land: merge\n")
    assert load_settings(None, home).settings.run.land == "merge"


def test_settings_cannot_be_changed_in_place(root: Path, home: dict[str, str]) -> None:
    settings = load_settings(root, home).settings
    for holder, name in ((settings, "tasks_file"), (settings.run, "land"), (settings.run, "new")):
        with pytest.raises(AttributeError, match=f"frozen: {name} cannot be changed"):
            setattr(holder, name, "merge")
    assert settings == Settings()


def test_settings_are_equal_by_value_travel_and_hide_passwords(root: Path, home: dict[str, str]) -> None:
    url = {"SELFIMPROVE_DATABASE__URL": "postgresql://me:hunter2@host/db"}
    settings = load_settings(root, home | url | {"SELFIMPROVE_RUN__LAND": "branch"}).settings
    assert pickle.loads(pickle.dumps(settings)) == settings != Settings()
    assert settings.run == Settings().run, "a default that is given is no other value"
    assert settings.run != settings.command
    assert "***@host" in repr(settings)
    assert "hunter2" not in repr(settings)
