"""`config set`: one value changes, every other byte stays; the result is proved before it counts."""

from __future__ import annotations

import random
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import yaml

from selfimprove.cli.commands import config as commands
from selfimprove.config import load_settings, set_value
from selfimprove.errors import ConfigError
from selfimprove.settings import Settings, choices, fields, get_value, kinds

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / ".selfimprove" / "config.yaml"


def load(place: Path) -> Settings:
    return load_settings(place.parents[1], {"XDG_CONFIG_HOME": "/nowhere"}).settings


# before, key, text, after
EDITS = {
    "a value": ("run:\n  land: branch  # why\n", "run.land", "merge", "run:\n  land: merge  # why\n"),
    "a quoted value": (
        "llm: {model: 'a/b', retries: 2}\n",
        "llm.model",
        "c",
        "llm: {model: c, retries: 2}\n",
    ),
    "no value": ("budget:\n  units: # none\n", "budget.units", "5", "budget:\n  units: 5.0 # none\n"),
    "to null": ("budget:\n  units: 5\n", "budget.units", "null", "budget:\n  units: null\n"),
    "no newline at the end": ("run:\n  land: branch", "run.land", "merge", "run:\n  land: merge"),
    "a new key": (
        "run:\n  land: branch\n  # about approval\n\n# the model\nllm: {}\n",
        "run.max_tasks",
        "3",
        "run:\n  land: branch\n  max_tasks: 3\n  # about approval\n\n# the model\nllm: {}\n",
    ),
    "a new key after an end without newline": (
        "run:\n    land: branch",
        "run.max_tasks",
        "3",
        "run:\n    land: branch\n    max_tasks: 3\n",
    ),
    "a new key in brackets": (
        "run: { land: branch }\n",
        "run.max_tasks",
        "3",
        "run: {max_tasks: 3,  land: branch }\n",
    ),
    "a new key in empty brackets": ("run: {}\n", "run.max_tasks", "3", "run: {max_tasks: 3}\n"),
    "a new section": (
        "run:\n  land: branch # x\n# end\n",
        "llm.model",
        "a/b",
        "run:\n  land: branch # x\nllm:\n  model: a/b\n# end\n",
    ),
    "a new key at the top": (
        "# head\n\nrun:\n  land: merge\n",
        "logs_dir",
        "out",
        "# head\n\nrun:\n  land: merge\nlogs_dir: out\n",
    ),
    "a section of comments": (
        "run:\n  # one\n  # two\nllm:\n  model: x\n",
        "run.land",
        "merge",
        "run:\n  land: merge\n  # one\n  # two\nllm:\n  model: x\n",
    ),
    "a null section": ("run: ~  # none\n", "run.land", "merge", "run: {land: merge}  # none\n"),
    "below its commented default": (
        "run:\n  # Most tasks.\n  #max_tasks: null\n  # Where.\n  # land: branch\n\nllm:\n  # land: no\n",
        "run.land",
        "merge",
        "run:\n  # Most tasks.\n  #max_tasks: null\n  # Where.\n  # land: branch\n  land: merge\n\n"
        "llm:\n  # land: no\n",
    ),
    "commented default beside keys": (
        "run:\n  #land: x\n  audit: no\n  #max_tasks: null\n",
        "run.max_tasks",
        "3",
        "run:\n  #land: x\n  audit: no\n  #max_tasks: null\n  max_tasks: 3\n",
    ),
    "a list in lines": (
        "audit:\n  paths:\n    - src # a\n    - tests # b\n\n  # next\n  exclude: []\n",
        "audit.paths",
        "lib",
        "audit:\n  paths: [lib] # b\n\n  # next\n  exclude: []\n",
    ),
    "a list under a comment": (
        "audit:\n  paths: # what\n  - src\n",
        "audit.paths",
        '["a, b", "c"]',
        "audit:\n  paths: ['a, b', c] # what\n",
    ),
    "a block of text": (
        "check:\n  test_command: |\n    a\n    b\n\n  # c\n  timeout: 5\n",
        "check.test_command",
        "pytest -q",
        "check:\n  test_command: pytest -q\n\n  # c\n  timeout: 5\n",
    ),
    "after a block of text": (
        "check:\n  test_command: |\n    a\n    # b\n",
        "check.timeout",
        "5",
        "check:\n  test_command: |\n    a\n    # b\n  timeout: 5.0\n",
    ),
    "after a list in lines": (
        "audit:\n  paths:\n  - a\n  - b # c\nrun: {}\n",
        "audit.exclude",
        "d",
        "audit:\n  paths:\n  - a\n  - b # c\n  exclude: [d]\nrun: {}\n",
    ),
    "an alias": (
        "check:\n  timeout: &t 5\ncommand:\n  timeout: *t # same\n",
        "command.timeout",
        "7",
        "check:\n  timeout: &t 5\ncommand:\n  timeout: 7.0 # same\n",
    ),
    "a merged key": (
        "check: &t {timeout: 5}\ncommand:\n  <<: *t\n",
        "command.timeout",
        "7",
        "check: &t {timeout: 5}\ncommand:\n  <<: *t\n  timeout: 7.0\n",
    ),
    "quoted keys": ("'run':\n  \"land\" : branch\n", "run.land", "merge", "'run':\n  \"land\" : merge\n"),
    "windows lines": (
        "run:\r\n  land: branch # x\r\n",
        "run.max_tasks",
        "3",
        "run:\r\n  land: branch # x\r\n  max_tasks: 3\r\n",
    ),
    "a byte order mark": ("\ufeffrun:\n  land: branch\n", "run.land", "merge", "\ufeffrun:\n  land: merge\n"),
    "other alphabets": (
        "# – ☃ 𝄞\nllm:\n  model: 'é𝄞' # ☃\n",
        "llm.model",
        "ü",
        "# – ☃ 𝄞\nllm:\n  model: ü # ☃\n",
    ),
    "a wrapper": (
        "selfimprove:\n  run:\n    land: branch\n",
        "llm.model",
        "x",
        "selfimprove:\n  run:\n    land: branch\n  llm:\n    model: x\n",
    ),
    "an empty wrapper": (
        "selfimprove:\n  # soon\n",
        "run.land",
        "merge",
        "selfimprove:\n  run:\n    land: merge\n  # soon\n",
    ),
    "only comments": ("# nothing\n\n", "run.land", "merge", "# nothing\n\nrun:\n  land: merge\n"),
    "an empty file": ("", "run.land", "merge", "run:\n  land: merge\n"),
    "a start marker": ("---\n# x\n", "run.land", "merge", "---\n# x\nrun:\n  land: merge\n"),
    "mends a wrong value": ("run:\n  land: bunch\n", "run.land", "merge", "run:\n  land: merge\n"),
    "mends a wrong section": ("run: fast # x\n", "run.land", "merge", "run: {land: merge} # x\n"),
    "json": ('{"run": {"land": "branch"}}', "run.land", "merge", '{"run": {"land": merge}}'),
    "text that looks like more": (
        "llm: {}\n",
        "check.test_command",
        "a: [b] # c",
        "llm: {}\ncheck:\n  test_command: 'a: [b] # c'\n",
    ),
    "text that looks like a number": ("llm: {model: x}\n", "llm.model", "1e3", "llm: {model: 1e3}\n"),
    "text in brackets": (
        "check: {test_command: x}\n",
        "check.test_command",
        "a, b} #",
        "check: {test_command: 'a, b} #'}\n",
    ),
    "text in lines": (
        "check: {}\n",
        "check.lint_command",
        "a\n\tb\n",
        'check: {lint_command: "a\\n\\tb\\n"}\n',
    ),
}


@pytest.mark.parametrize("case", EDITS)
def test_one_value_changes_and_the_rest_stays(place: Path, case: str) -> None:
    before, key, text, after = EDITS[case]
    place.parent.mkdir()
    place.write_bytes(before.encode())
    set_value(place, key, text)
    assert place.read_bytes().decode() == after
    value = get_value(load(place), key)
    listed = [part.strip() for part in text.split(",")]
    assert value in (text, None, 3, 5.0, 7.0, tuple(listed), ("a, b", "c"))


def test_a_missing_file_is_made_with_its_folder(tmp_path: Path, place: Path) -> None:
    environ = {"XDG_CONFIG_HOME": "/nowhere"}
    done = commands.set_setting(tmp_path, environ, "llm.model", "anthropic/x")
    assert done == {"key": "llm.model", "value": "anthropic/x", "path": str(place)}
    text = place.read_text()
    assert text.startswith("# Settings of selfimprove")
    assert text.endswith("\nllm:\n  model: anthropic/x\n")
    assert load(place).llm.model == "anthropic/x"


def test_a_shared_config_yaml_is_edited_in_our_part_only(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("a: !x 1 # é\nselfimprove:\n  run: {}\nz: [1,\n 2]\nz: 3\n")
    done = commands.set_setting(tmp_path, {"XDG_CONFIG_HOME": "/nowhere"}, "llm.retries", "1")
    assert done["path"] == str(path)
    assert (
        path.read_text()
        == "a: !x 1 # é\nselfimprove:\n  run: {}\n  llm:\n    retries: 1\nz: [1,\n 2]\nz: 3\n"
    )


def test_a_foreign_config_yaml_is_not_edited(tmp_path: Path, place: Path) -> None:
    (tmp_path / "config.yaml").write_text("a: 1\n")
    commands.set_setting(tmp_path, {"XDG_CONFIG_HOME": "/nowhere"}, "run.land", "merge")
    assert (tmp_path / "config.yaml").read_text() == "a: 1\n"
    assert load(place).run.land == "merge"


@pytest.mark.parametrize(
    ("key", "text", "message"),
    [
        ("run.lnad", "merge", "run.lnad is not a setting"),
        ("run", "merge", "run is a section"),
        ("llm.api_key", "sk-1", "secrets come from the environment"),
        ("database.url", "postgresql://u:sk-1@h/d", "database.url holds a password"),
        ("run.land", "brnch", "run.land is 'brnch', but must be one of branch, merge"),
        ("audit.complexity_threshold", "0", "at least 1"),
        ("audit.complexity_threshold", "null", "must be a whole number"),
        ("llm.model", "", "a text that is not empty"),
        ("audit.pylint", "warn", "must be a list of convention, refactor, warning, error, fatal"),
        ("audit.limits", "SI101", "audit.limits is 'SI101', but must be a mapping whose values are"),
        (
            "audit.limits",
            '{"SI101": 1.5}',
            "audit.limits.SI101 is 1.5, but must be a whole number at least 0",
        ),
        ("audit.limits", '{"SI101": -1}', "audit.limits.SI101 is -1, but must be a whole number at least 0"),
        ("audit.limits", '{"SI101": true}', "audit.limits.SI101 is True, but must be a whole number"),
        ("audit.per_path", '{"a": 3}', "audit.per_path.a is 3, but must be a mapping whose values are"),
        ("audit.per_path", '{"a": {"SI102": "D"}}', "audit.per_path.a.SI102 is 'D', but must be"),
    ],
)
def test_a_wrong_value_never_reaches_the_file(place: Path, key: str, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        set_value(place, key, text)
    assert message in caught.value.message
    assert "sk-1" not in caught.value.message
    assert caught.value.where == "command line"
    assert not place.parent.exists()


@pytest.mark.parametrize(
    "text",
    [
        "check:\n  timeout: &t 5\ncommand:\n  timeout: *t\n",  # the anchor would go, and its alias with it
        "? run\n: land: branch\n...\n# end\n",
    ],
)
def test_a_file_too_unusual_to_edit_is_left_alone(place: Path, text: str) -> None:
    place.parent.mkdir()
    place.write_text(text)
    with pytest.raises(ConfigError) as caught:
        set_value(place, "check.timeout", "7") if "&t" in text else set_value(place, "llm.retries", "7")
    assert caught.value.where.startswith(f"{place}:")
    assert caught.value.hint.startswith("change it by hand: ")
    assert place.read_text() == text


def test_a_mapping_in_lines_becomes_one_line_and_the_rest_stays(place: Path) -> None:
    place.parent.mkdir()
    place.write_text("audit:\n  limits: # ours\n    SI104: 60\n    SI105: 3\n  paths: [src]  # here\n# end\n")
    set_value(place, "audit.limits", '{"SI104": 50, "SI106": false}')
    assert place.read_text() == (
        "audit:\n  limits: {SI104: 50, SI106: null} # ours\n  paths: [src]  # here\n# end\n"
    )


def test_a_key_in_a_mapping_is_no_setting_and_the_mapping_is_named(place: Path) -> None:
    with pytest.raises(ConfigError, match=r"audit\.limits\.SI101 is not a setting") as caught:
        set_value(place, "audit.limits.SI101", "3")
    assert caught.value.hint == "did you mean audit.limits?"


def test_a_limit_that_is_set_twice_never_reaches_the_file(place: Path) -> None:
    place.parent.mkdir()
    place.write_text(text := "audit:\n  limits:\n    SI101: 12\n")
    with pytest.raises(ConfigError, match=r"the same limit as audit\.complexity_threshold"):
        set_value(place, "audit.complexity_threshold", "10")
    assert place.read_text() == text


def test_mode_and_links_stay(tmp_path: Path, place: Path) -> None:
    real = tmp_path / "dotfiles" / "real.yaml"
    real.parent.mkdir()
    real.write_text("run: {}\n")
    real.chmod(0o640)
    place.parent.mkdir()
    place.symlink_to(real)
    set_value(place, "run.land", "merge")
    assert place.is_symlink()
    assert real.read_text() == "run: {land: merge}\n"
    assert real.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in real.parent.iterdir()] == ["real.yaml"]


def test_every_setting_can_be_set_in_the_example_one_after_the_other(place: Path) -> None:
    place.parent.mkdir()
    place.write_text(commands.example_yaml())
    comments = [line for line in place.read_text().splitlines() if line.lstrip().startswith("#")]
    keys = list(fields())
    random.Random(3).shuffle(keys)
    texts = {"integer": "77", "number": "0.5", "boolean": "true", "string": "it's: #x", "array": "p,q"}
    special = {
        "audit.limits": '{"SI104": 60, "SI105": null}',
        "audit.per_path": '{"tests/**": {"SI104": null}}',
        "audit.pylint": "warning,error",
        "check.reruns": "7",
        "check.allow": "gutted,binary",
        **dict.fromkeys(("suggest.categories", "tests.groups"), "security,features"),
        **dict.fromkeys(
            ("suggest.per_category", "generate.per_run", "generate.commits", "tests.runs", "lessons.shown"),
            "7",
        ),
        **dict.fromkeys(("review.lowest", "review.threshold", "review.auto_merge"), "7"),
        "llm.prices": '{"x": {"input": 1, "output": 2}}',
    }
    for key in keys:
        set_value(place, key, special.get(key) or (choices(key) or [texts.get(kinds(key)[0], "")])[-1])
    text = place.read_text()
    assert [line for line in text.splitlines() if line.lstrip().startswith("#")] == comments
    settings = load(place)
    assert (settings.llm.model, settings.audit.paths, settings.budget.tokens) == ("it's: #x", ("p", "q"), 77)
    assert settings.audit.limits == {"SI104": 60, "SI105": None}
    assert settings.audit.per_path == {"tests/**": {"SI104": None}}
    assert settings.audit.pylint == ("warning", "error")
    lines = text.splitlines()
    for number, line in enumerate(lines):  # each value stands right below its commented default
        name = line.strip().partition(":")[0]
        if line.strip() and not line.strip().startswith("#") and line.strip()[-1] != ":":
            assert lines[number - 1].strip().startswith(f"#{name}:")


def test_random_edits_in_random_layouts_agree_with_plain_yaml(place: Path) -> None:
    """Against a model: edit a dumped mapping, compare with the mapping changed in Python."""
    chance = random.Random(11)
    place.parent.mkdir()
    strings = [key for key in fields() if kinds(key)[0] == "string" and not choices(key) and "url" not in key]
    for _ in range(150):
        tree: dict[str, dict[str, object] | str] = {}
        for key in chance.sample([*strings, "audit.paths", "audit.exclude"], chance.randint(0, 5)):
            value: object = chance.choice(["a b", "x: y", "l1\nl2\n", "é # n", "-"])
            value = [value, "k"] if key in ("audit.paths", "audit.exclude") else value
            section, _, leaf = key.rpartition(".")
            (tree.setdefault(section, {}) if section else tree)[leaf] = value  # type: ignore[index]
        place.write_text(
            "# top\n"
            + yaml.safe_dump(
                tree,
                default_flow_style=chance.choice([True, False, None]),
                indent=chance.choice([2, 3, 4]),
                default_style=chance.choice([None, None, '"', "|"]),
                allow_unicode=True,
                sort_keys=False,
            )
            + "# tail\n"
        )
        key, text = chance.choice(strings), chance.choice(["plain", "with: colon", "tail\\", "'q'", "[x, {y"])
        set_value(place, key, text)
        section, _, leaf = key.rpartition(".")
        (tree.setdefault(section, {}) if section else tree)[leaf] = text  # type: ignore[index]
        written = place.read_text()
        assert yaml.safe_load(written) == tree
        assert written.startswith("# top\n")
        assert "# tail\n" in written


def test_edits_at_once_all_arrive(place: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from selfimprove.config import set_value\n"
        "for n in range(15): set_value(Path(sys.argv[1]), sys.argv[2], str(n + 1))"
    )
    keys = ["llm.retries", "llm.max_tokens", "run.max_tasks", "check.max_retries"]
    running = [subprocess.Popen([sys.executable, "-c", code, str(place), key]) for key in keys]
    assert [process.wait(60) for process in running] == [0, 0, 0, 0]
    settings = load(place)
    assert [get_value(settings, key) for key in keys] == [15, 15, 15, 15]
    assert [path.name for path in place.parent.iterdir()] == ["config.yaml"]
