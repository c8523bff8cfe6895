"""Broken config files: each is one clear error that names the place, and none is changed."""

from __future__ import annotations

import os
import random
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from selfimprove.config import load_settings, set_value
from selfimprove.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BOMB = b"a: &a [x,x,x,x,x,x,x,x,x,x]\n" + b"".join(
    b"%c: &%c [%s]\n" % (98 + i, 98 + i, b",".join([b"*%c" % (97 + i)] * 10)) for i in range(9)
)
LADDER = (
    b"a0: &a0 "
    + b"[" * 60
    + b"]" * 60
    + b"\n"
    + b"".join(b"a%d: &a%d %s*a%d%s\n" % (i, i, b"[" * 60, i - 1, b"]" * 60) for i in range(1, 40))
)
GARBAGE = random.Random(7).randbytes(10_000_000)

# bytes, line of the error (None: the whole file), a part of the message, a part of the hint
BROKEN: dict[str, tuple[bytes, int | None, str, str]] = {
    "tab": (b"audit:\n\tpaths: [x]\n", 2, "a tab where spaces belong", "indent with spaces"),
    "tab later": (b"audit:\n  paths: [x]\n\texclude: [y]\n", 3, "tab", "indent with spaces"),
    "duplicate key": (
        b"llm:\n  model: a\n  retries: 1\n  model: b\n",
        4,
        "'model' is there twice, first in line 2",
        "keep one",
    ),
    "duplicate section": (
        b"llm:\n  model: a\nrun: {}\nllm:\n  retries: 1\n",
        4,
        "'llm' is there twice",
        "keep one",
    ),
    "text for a number": (
        b"audit:\n  complexity_threshold: many\n",
        2,
        "audit.complexity_threshold is 'many', but must be a whole number at least 1",
        "default is 15",
    ),
    "quoted number": (b"\nsandbox:\n  memory_mb: '4096'\n", 3, "must be a whole number", "4096"),
    "number out of range": (b"budget:\n  warning: 1.5\n", 2, "a number over 0 and at most 1", "0.8"),
    "zero for a threshold": (b"audit: {complexity_threshold: 0}\n", 1, "at least 1", "15"),
    "not a number": (b"budget:\n  units: .nan\n", 2, "budget.units is nan", ""),
    "infinity": (b"command:\n  timeout: .inf\n", 2, "at most 31536000, or null", ""),
    "true for a number": (b"check:\n  max_retries: true\n", 2, "check.max_retries is True", ""),
    "number for a text": (b"tasks_file: 5\n", 1, "tasks_file is 5, but must be a text", "tasks.yml"),
    "empty text": (b"llm:\n  model: ''\n", 2, "a text that is not empty, or null", ""),
    "text for a list": (b"audit:\n  paths: src\n", 2, "a list of texts", '["."]'),
    "number in a list": (b"audit:\n  paths:\n    - src\n    - 5\n", 2, "a list of texts", ""),
    "list for a text": (b"logs_dir: [a]\n", 1, "logs_dir is ['a']", ""),
    "mapping for a text": (b"check:\n  test_command: {a: 1}\n", 2, "check.test_command is {'a': 1}", ""),
    "null where there is none": (b"audit:\n  complexity_threshold:\n", 2, "is None", "15"),
    "no such choice": (
        b"sandbox:\n  driver: bublewrap\n",
        2,
        "one of auto, bubblewrap, docker, none",
        "did you mean bubblewrap?",
    ),
    "no for a choice": (
        b"run:\n  approve: no\n",
        2,
        "run.approve is False, but must be one of never, each",
        "",
    ),
    "text for a section": (b"audit: high\n", 1, "audit is 'high', but must be a section", "`audit:` alone"),
    "list for a section": (b"run:\n  - land: merge\n", 1, "must be a section", "`run:` alone"),
    "dotted key": (
        b"audit.paths: [x]\n",
        1,
        "audit.paths is not a key of its own",
        "`paths:` indented below `audit:`",
    ),
    "number as key": (b"llm:\n  5: x\n", 2, "llm.5 is not a setting", "config show"),
    "unknown key": (b"lmm:\n  model: x\n", 1, "lmm is not a setting", "did you mean llm?"),
    "wrapper beside others": (
        b"run: {}\nselfimprove:\n  run: {}\n",
        2,
        "other keys stand beside it",
        "move them",
    ),
    "wrapper with text": (b"selfimprove: yes please\n", 1, "not a mapping", "key: value"),
    "list at the top": (b"- audit\n- run\n", 1, "not a mapping", "key: value"),
    "text at the top": (b"hello world\n", 1, "not a mapping", "key: value"),
    "half-written quote": (
        b'run:\n  land: branch\nllm:\n  model: "anthropic/cl',
        4,
        "unexpected end of stream",
        "cut off",
    ),
    "half-written list": (b"audit:\n  paths: [src, te", 2, "did not find expected ',' or ']'", "cut off"),
    "half-written key": (b"run:\n  land: merge\n  max_ta", 3, "could not find expected ':'", "key: value"),
    "colon in a value": (b"check:\n  test_command: echo a: b\n", 2, "mapping values", "quotes"),
    "at sign": (b"llm:\n  model: @fast\n", 2, "cannot start any token", "quotes"),
    "crooked indentation": (b"audit:\n  paths: [x]\n exclude: [y]\n", 3, "expected key", "same column"),
    "NUL": (b"run:\n  land: mer\x00ge\n", 2, "U+0000", "text file"),
    "control character": (b"\x1b[31mred\n", 1, "U+001B", "text file"),
    "latin-1": (b"run: {}\nlogs_dir: caf\xe9\n", 2, "byte 0xe9 is not UTF-8", "UTF-8"),
    "UTF-16": ("run: {}\n".encode("utf-16"), 1, "not UTF-8", "UTF-8"),
    "two documents": (b"run: {}\n---\nllm: {}\n", 2, "another document", "one document"),
    "alias bomb": (BOMB, 7, "too much data", "write the values out"),
    "alias ladder": (LADDER, 2, "too much data", "write the values out"),
    "alias of itself": (b"audit: &a\n  paths: *a\n", 1, "contains itself", "remove the alias"),
    "unknown alias": (b"llm:\n  model: *fast\n", 2, "undefined alias", "quotes"),
    "deep brackets": (b"audit: " + b"[" * 100_000, 1, "nested deeper", "right file"),
    "deep and closed": (b"[" * 100_000 + b"]" * 100_000, 1, "nested deeper", "right file"),
    "deep dashes": (b"audit:\n" + b"- " * 50_000 + b"x\n", 2, "nested deeper", "right file"),
    "custom tag": (b"logs_dir: !env LOGS\n", 1, "tag '!env'", "remove the tag"),
    "python tag": (
        b"run: !!python/object/apply:os.system ['touch /tmp/pwned']\n",
        1,
        "python/object",
        "remove the tag",
    ),
    "impossible date": (b"logs_dir: 2024-13-45\n", 1, "'2024-13-45' is not a value", "quotes"),
    "endless number": (b"budget:\n  units: " + b"9" * 5000 + b"\n", 2, "is not a value", ""),
    "list as key": (b"? [a, b]\n: 1\n", 1, "unhashable key", "plain text"),
    "merge of text": (b"audit:\n  <<: text\n", 2, "<< merges mappings only", ""),
    "conflict markers": (
        b"run: {}\n<<<<<<< HEAD\nllm: {}\n=======\n>>>>>>> b\n",
        2,
        "a merge conflict",
        "git",
    ),
    "json cut off": (b'{"run": {"land": "merge"', 1, "did not find expected ',' or '}'", "bracket"),
    "garbage": (GARBAGE, None, "larger than 1 MB", "right file"),
    "big and valid": (b"# " + b"x" * 1_100_000 + b"\n", None, "larger than 1 MB", "right file"),
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    path = tmp_path / "repo" / ".selfimprove" / "config.yaml"
    path.parent.mkdir(parents=True)
    return path


def load(place: Path) -> ConfigError:
    environ = {"XDG_CONFIG_HOME": str(place.parents[2] / "xdg")}
    with pytest.raises(ConfigError) as caught:
        load_settings(place.parents[1], environ)
    return caught.value


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_file_is_one_error_with_its_place(place: Path, case: str) -> None:
    data, line, message, hint = BROKEN[case]
    place.write_bytes(data)
    os.utime(place, ns=(1, 1))
    problem = load(place)
    name = ".selfimprove/config.yaml"
    assert message in problem.message
    assert problem.where == (f"{name}:{line}" if line else name)
    assert problem.hint
    assert hint in problem.hint
    assert problem.exit_code == 2
    said = f"{problem.message}{problem.where}{problem.hint}"
    assert "\n" not in said
    assert len(said) < 400
    assert (place.read_bytes(), place.stat().st_mtime_ns) == (data, 1)
    assert [path.name for path in place.parent.iterdir()] == ["config.yaml"]


@pytest.mark.parametrize(
    "case", [case for case in BROKEN if "wrapper" not in case and "number as" not in case]
)
def test_a_broken_user_file_and_config_file_say_their_own_names(tmp_path: Path, case: str) -> None:
    data, line, _, _ = BROKEN[case]
    user = tmp_path / "selfimprove" / "config.yaml"
    user.parent.mkdir()
    user.write_bytes(data)
    for environ, config_file in (
        ({"XDG_CONFIG_HOME": str(tmp_path)}, None),
        ({"XDG_CONFIG_HOME": "/nowhere"}, user),
    ):
        with pytest.raises(ConfigError) as caught:
            load_settings(None, environ, config_file=config_file)
        assert caught.value.where == (f"{user}:{line}" if line else str(user))


@pytest.mark.parametrize("case", [case for case, broken in BROKEN.items() if broken[1]])
def test_set_refuses_a_broken_file_or_mends_it_and_never_harms_it(place: Path, case: str) -> None:
    data = BROKEN[case][0]
    place.write_bytes(data)
    try:
        set_value(place, "llm.max_tokens", "99")
    except ConfigError as problem:
        assert problem.hint
        assert place.read_bytes() == data
    else:
        pytest.fail("a file that is wrong elsewhere was taken as right")
    assert [path.name for path in place.parent.iterdir()] == ["config.yaml"]


def test_our_broken_part_of_a_shared_config_yaml(tmp_path: Path) -> None:
    for text, line in (
        ("other: !x 1\nselfimprove:\n  run: {land: here}\n", 3),
        ("selfimprove:\n\trun: {}\n", 2),
        ("a: 1\nselfimprove:\n  run: {}\nselfimprove:\n  llm: {}\n", 4),
        ("selfimprove: [1]\n", 1),
        ("\ufeffselfimprove:\n  runn: {}\n", 2),
        ("'selfimprove':\n  run: {\n", 2),
    ):
        path = tmp_path / "config.yaml"
        path.write_text(text)
        with pytest.raises(ConfigError) as caught:
            load_settings(tmp_path, {"XDG_CONFIG_HOME": str(tmp_path / "xdg")})
        assert caught.value.where == f"config.yaml:{line}"
        assert path.read_text() == text


def test_a_large_shared_config_yaml_with_our_key(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_bytes(b"selfimprove:\n  x: " + GARBAGE)
    with pytest.raises(ConfigError, match="larger than 1 MB"):
        load_settings(tmp_path, {"XDG_CONFIG_HOME": str(tmp_path / "xdg")})


@pytest.mark.parametrize("where", [".selfimprove/config.yaml", "config.yaml"])
def test_a_folder_in_its_place(tmp_path: Path, where: str) -> None:
    (tmp_path / where).mkdir(parents=True)
    with pytest.raises(ConfigError) as caught:
        load_settings(tmp_path, {"XDG_CONFIG_HOME": str(tmp_path / "xdg")})
    assert caught.value.message == f"{where} is a folder"
    assert (caught.value.where, caught.value.hint) == (where, f"move it away: mv {where} {where}.old")
    assert (tmp_path / where).is_dir()


def test_a_file_where_its_folder_should_be(place: Path) -> None:
    place.parent.rmdir()
    place.parent.write_text("a file")
    assert load(place).message == "cannot read .selfimprove/config.yaml: not a directory"


def test_a_pipe_in_its_place_is_not_waited_for(place: Path) -> None:
    os.mkfifo(place)
    assert load(place).message == ".selfimprove/config.yaml is not a regular file"


def test_a_link_that_turns_in_a_circle(place: Path) -> None:
    place.symlink_to(place)
    assert "too many levels" in load(place).message


@contextmanager
def ordinary_user() -> Iterator[None]:
    """Root may read everything, so become nobody for a moment."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("where", [".selfimprove/config.yaml", "config.yaml", ".env"])
def test_no_permission(tmp_path: Path, where: str) -> None:
    path = tmp_path / where
    path.parent.mkdir(exist_ok=True)
    path.write_text("selfimprove: {}\n")
    path.chmod(0)
    with ordinary_user(), pytest.raises(ConfigError) as caught:
        load_settings(tmp_path, {"XDG_CONFIG_HOME": "/nowhere"})
    assert caught.value.message.endswith(": permission denied")
    path.chmod(0o600)
    assert path.read_text() == "selfimprove: {}\n"


def test_set_without_permission(place: Path) -> None:
    place.write_text("run: {}\n")
    place.parent.chmod(0o500)
    with ordinary_user(), pytest.raises(ConfigError) as caught:
        set_value(place, "run.land", "merge")
    place.parent.chmod(0o700)
    assert caught.value.message.endswith("permission denied")
    assert place.read_text() == "run: {}\n"


def test_a_broken_line_of_ours_in_dotenv(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=1\nSELFIMPROVE_LLM__MODEL='open\nB=2\n")
    with pytest.raises(ConfigError) as caught:
        load_settings(tmp_path, {"XDG_CONFIG_HOME": str(tmp_path)})
    assert (caught.value.where, caught.value.message) == (".env:2", "this line is not NAME=value")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("soon", "'soon', but must be a number"),
        ("-1", "'-1', but must be"),
        ("nan", "'nan'"),
        ("1e400", "'1e400'"),
    ],
)
def test_a_wrong_value_in_a_variable(tmp_path: Path, text: str, said: str) -> None:
    name = "SELFIMPROVE_LLM__TIMEOUT"
    with pytest.raises(ConfigError) as caught:
        load_settings(tmp_path, {"XDG_CONFIG_HOME": str(tmp_path), name: text})
    assert f"llm.timeout is {said}" in caught.value.message
    assert caught.value.where == f"environment {name}"
    assert f"unset {name}" in caught.value.hint
    (tmp_path / ".env").write_text(f"{name}={text}\n")
    with pytest.raises(ConfigError) as caught:
        load_settings(tmp_path, {"XDG_CONFIG_HOME": str(tmp_path)})
    assert caught.value.where == ".env:1"


def test_a_wrong_list_in_a_variable(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="must be a list of texts"):
        load_settings(tmp_path, {"XDG_CONFIG_HOME": str(tmp_path), "SELFIMPROVE_AUDIT__PATHS": '["a'})


def test_a_wrong_flag(tmp_path: Path) -> None:
    environ = {"XDG_CONFIG_HOME": str(tmp_path)}
    with pytest.raises(ConfigError) as caught:
        load_settings(None, environ, flags={"run.land": "brunch"})
    assert (caught.value.where, caught.value.hint) == ("command line", "did you mean branch?")
    with pytest.raises(ConfigError, match=r"run\.lnad is not a setting"):
        load_settings(None, environ, flags={"run.lnad": "branch"})


@pytest.mark.parametrize("seed", range(40))
def test_random_damage_is_never_a_traceback(place: Path, seed: int) -> None:
    """Valid settings with random bytes changed, cut or inserted: read or refused, nothing else."""
    chance = random.Random(seed)
    good = b"audit: &a\n  paths: ['src', \"t\"]\n  exclude: []\n"
    good += b"llm:\n  model: a/b # c\n  retries: 3\nrun: {land: merge}\n"
    for _ in range(30):
        data = bytearray(good)
        for _ in range(chance.randint(1, 6)):
            at = chance.randrange(len(data))
            byte = chance.choice(b"\t\n :-[]{}&*!|>'\"%@`#?,.0aZ\x00\xff")
            chance.choice((data.insert, data.__setitem__))(at, byte)
        data = data[: chance.randint(1, len(data))] if chance.random() < 0.2 else data
        place.write_bytes(data)
        try:
            load_settings(place.parents[1], {"XDG_CONFIG_HOME": "/nowhere"})
        except ConfigError as problem:
            assert problem.where.startswith(".selfimprove/config.yaml:")
            assert problem.hint
        assert place.read_bytes() == data
