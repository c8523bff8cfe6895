"""The example files and the schema are held equal to the code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from selfimprove.cli.commands import config as commands
from selfimprove.config import load_settings, settings_schema
from selfimprove.settings import Settings, fields, sections, variable_name

PROJECT = Path(__file__).parents[3]
YAML, ENV = PROJECT / "config.yaml.example", PROJECT / ".env.example"


def test_the_files_are_what_the_code_says() -> None:
    """Write them again with `example_yaml()` and `example_environment()` of cli/commands/config.py."""
    assert YAML.read_text() == commands.example_yaml()
    assert ENV.read_text() == commands.example_environment()
    assert all(len(line) <= 110 for line in (YAML.read_text() + ENV.read_text()).splitlines())


def uncommented(text: str) -> str:
    return re.sub(r"(?m)^(\s*)#(?=\w)", r"\1", text)


def test_every_setting_is_in_the_yaml_with_its_default_and_meaning(tmp_path: Path) -> None:
    text = YAML.read_text()
    (tmp_path / "config.yaml").write_text(uncommented(text))
    loaded = load_settings(tmp_path, {"XDG_CONFIG_HOME": "/nowhere"})
    assert loaded.settings == Settings()
    assert {key for key, origin in loaded.origins.items() if origin.startswith("config.yaml:")} == set(
        fields()
    )
    for key, origin in loaded.origins.items():
        lines = text.splitlines()[: int(origin.partition(":")[2]) - 1]
        above = ""
        while lines[-1].strip().startswith("# "):
            above = lines.pop().strip()[2:] + " " + above
        assert above.endswith(f"{fields()[key].description} ")


def test_every_setting_is_in_the_environment_file_with_its_default(tmp_path: Path) -> None:
    text = ENV.read_text()
    (tmp_path / ".env").write_text(uncommented(text))
    loaded = load_settings(tmp_path, {"XDG_CONFIG_HOME": "/nowhere"})
    assert loaded.settings == Settings()
    assert {variable_name(key) for key in fields()} <= set(loaded.environ)
    given = {key for key, origin in loaded.origins.items() if origin.startswith(".env:")}
    empty = {key for key in fields() if f"#{variable_name(key)}=\n" in text}
    assert given | empty == set(fields())


@pytest.mark.parametrize("place", ["config.yaml", ".selfimprove/config.yaml"])
def test_a_plain_copy_changes_nothing(tmp_path: Path, place: str) -> None:
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).write_text(YAML.read_text())
    loaded = load_settings(tmp_path, {"XDG_CONFIG_HOME": "/nowhere"})
    assert set(loaded.origins.values()) == {"default"}


def test_each_description_says_what_it_is_and_names_its_unit() -> None:
    units = {
        "timeout": "seconds",
        "seconds": "seconds",
        "dollars": "dollars",
        "_mb": "megabytes",
        "price_": "Dollars per million tokens",
        "max_tokens": "tokens",
    }
    for key, field in fields().items():
        description = str(field.description)
        assert description[-1] == "."
        assert 20 < len(description) < 110
        for part, unit in units.items():
            assert part not in key or unit in description, key
    assert all(model.__doc__ for model in sections().values())


def valid(schema: dict[str, Any], value: object) -> bool:
    return jsonschema.Draft202012Validator(schema).is_valid(value)


def test_the_schema_accepts_what_is_right_and_refuses_the_rest() -> None:
    schema = settings_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    everything = yaml.safe_load(uncommented(YAML.read_text()))
    assert valid(schema, everything)
    assert valid(schema, everything["selfimprove"])
    assert valid(schema, yaml.safe_load(YAML.read_text()))
    assert valid(schema, {})
    for wrong in (
        {"adit": {}},
        {"audit": {"path": ["x"]}},
        {"run": {"land": "nowhere"}},
        {"budget": {"warning": 2}},
        {"selfimprove": {"llm": {"api_key": "x"}}},
        {"selfimprove": {"lmm": None}},
        {"tasks_file": None},
    ):
        assert not valid(schema, wrong), wrong


def test_the_schema_describes_every_setting() -> None:
    schema = settings_schema()
    for key, field in fields().items():
        section, _, leaf = key.rpartition(".")
        holder = schema["$defs"][sections()[section].__name__] if section else schema
        assert holder["properties"][leaf]["description"] == field.description
        assert "default" in holder["properties"][leaf]
