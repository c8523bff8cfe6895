"""Commands: exit codes, time-outs, logs that are complete whenever we are killed, and no orphans."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path
from typing import Any

import pytest

from selfimprove.errors import Interrupted, MissingTool, SelfimproveError
from selfimprove.tools.shell.process import MARKER, Completed, capture, kill_marked, run_logged

PATH = os.environ["PATH"]


@pytest.fixture
def token() -> Any:
    name = uuid.uuid4().hex
    yield name
    kill_marked(name)


def run(command: str | list[str], folder: Path, **options: Any) -> Completed:
    settings: dict[str, Any] = {
        "cwd": folder,
        "env": {"PATH": PATH},
        "log": folder / "task.log",
        "timeout": 30.0,
    }
    return run_logged(command, **(settings | options))


def marked(token: str) -> list[int]:
    """Return the living processes that carry the token."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"{MARKER}={token}".encode() in (folder / "environ").read_bytes():
                found.append(int(folder.name))
        except OSError:
            pass
    return found


def eventually(condition: Any) -> Any:
    for _ in range(1000):
        if answer := condition():
            return answer
        time.sleep(0.02)
    raise AssertionError("it never happened")


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("true", 0),
        ("exit 7", 7),
        (["sh", "-c", "exit 9"], 9),
        ("kill -9 $$", 137),
        ("kill -15 $$", 143),
        ("no-such-program", 127),
        (["no-such-program"], 127),
        (["/etc/passwd"], 126),
        (["/"], 126),
    ],
)
def test_the_exit_code_is_that_of_the_shell(command: str | list[str], code: int, tmp_path: Path) -> None:
    assert run(command, tmp_path).exit_code == code


def test_a_missing_program_is_said_in_the_log(tmp_path: Path) -> None:
    done = run(["no-such-program"], tmp_path)
    assert "no-such-program" in done.tail
    assert "no-such-program" in (tmp_path / "task.log").read_text()


def test_a_missing_folder_is_an_error_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(SelfimproveError, match="no such folder"):
        run(["true"], tmp_path, cwd=tmp_path / "gone")
    with pytest.raises(SelfimproveError, match="no such folder"):
        capture(["true"], cwd=tmp_path / "gone")


def test_both_streams_are_interleaved_after_the_header(tmp_path: Path) -> None:
    done = run("echo a; echo b >&2; echo c; printf d >&2", tmp_path, header="$ it\n")
    assert done.tail == "$ it\na\nb\nc\nd"
    assert (tmp_path / "task.log").read_text() == done.tail


def test_a_second_run_is_appended(tmp_path: Path) -> None:
    run("echo one", tmp_path)
    run("echo two", tmp_path)
    assert (tmp_path / "task.log").read_text() == "one\ntwo\n"


def test_only_the_given_environment_and_an_empty_stdin(tmp_path: Path) -> None:
    done = run("cat; env", tmp_path, env={"PATH": PATH, "ONE": "1"})
    names = {line.partition("=")[0] for line in done.tail.splitlines()}
    assert names <= {"PATH", "ONE", "PWD", "OLDPWD", "SHLVL", "_"}
    assert "ONE=1" in done.tail


def test_a_time_out_ends_grandchildren_that_ignore_sigterm(tmp_path: Path, token: str) -> None:
    env = {"PATH": PATH, MARKER: token}
    command = "(trap '' TERM; echo ready; sleep 600 & wait; sleep 600) & echo begun; wait"
    done = run(command, tmp_path, env=env, timeout=1.0, grace=0.3)
    assert done.timed_out
    assert done.exit_code == 143
    assert "begun" in done.tail
    assert "timed out" in (tmp_path / "task.log").read_text()
    assert eventually(lambda: not marked(token))


def test_a_time_out_leaves_time_to_clean_up(tmp_path: Path) -> None:
    done = run("trap 'echo cleaned; exit 3' TERM; sleep 600 & wait", tmp_path, timeout=0.5, grace=20.0)
    assert (done.exit_code, done.timed_out) == (3, True)
    assert done.tail.endswith("cleaned\n")


def test_stop_ends_the_command_and_gives_the_reason(tmp_path: Path, token: str) -> None:
    beats: list[float] = []
    done = run(
        "sleep 600",
        tmp_path,
        env={"PATH": PATH, MARKER: token},
        heartbeat=beats.append,
        stop=lambda: "enough beats" if len(beats) == 2 else False,
    )
    assert done.stopped == "enough beats"
    assert not done.timed_out
    assert beats == sorted(beats)
    assert not marked(token)


def test_an_exception_from_a_signal_handler_ends_the_group(tmp_path: Path, token: str) -> None:
    def interrupt(signum: int, frame: object) -> None:
        raise Interrupted(signum=signum)

    before = signal.signal(signal.SIGUSR1, interrupt)
    main = threading.main_thread().ident
    assert main is not None

    def send() -> None:
        eventually(lambda: "begun" in (tmp_path / "task.log").read_text())
        signal.pthread_kill(main, signal.SIGUSR1)

    (tmp_path / "task.log").touch()
    sender = threading.Thread(target=send)
    sender.start()
    try:
        with pytest.raises(Interrupted):
            run("echo begun; sleep 600 & wait", tmp_path, env={"PATH": PATH, MARKER: token}, timeout=None)
    finally:
        sender.join()
        signal.signal(signal.SIGUSR1, before)
    assert not marked(token)
    assert "interrupted" in (tmp_path / "task.log").read_text()


def test_a_background_process_does_not_hang_us_nor_outlive_the_command(tmp_path: Path, token: str) -> None:
    env = {"PATH": PATH, MARKER: token}
    done = run("sleep 600 & (sleep 0.3; echo late) & echo early", tmp_path, env=env, timeout=60.0)
    assert (done.exit_code, done.timed_out) == (0, False)
    assert done.tail == "early\nlate\n"
    assert eventually(lambda: not marked(token))


RUNNER = """
import sys
from pathlib import Path
from selfimprove.tools.shell.process import run_logged
run_logged(sys.argv[1], cwd=Path("/"), env={"PATH": sys.argv[4], "SELFIMPROVE_RUN_TOKEN": sys.argv[3]},
           log=Path(sys.argv[2]), timeout=600.0, secrets=["hunter2-hunter2"])
"""


def test_the_log_is_complete_and_orphans_are_found_after_kill_9(tmp_path: Path, token: str) -> None:
    log = tmp_path / "logs" / "task.log"
    command = "echo one; echo hunter2-hunter2 >&2; (sleep 600) & printf 'half a li'; sleep 600"
    runner = subprocess.Popen([sys.executable, "-c", RUNNER, command, str(log), token, PATH])
    try:
        eventually(lambda: log.exists() and "half" in log.read_text())
    finally:
        runner.kill()
        runner.wait()
    assert log.read_text() == "one\n***\nhalf a li"
    assert marked(token)
    assert kill_marked(token) >= 2
    assert not marked(token)
    assert kill_marked(token) == 0


def test_kill_marked_takes_only_the_exact_token_and_never_itself(token: str) -> None:
    other = subprocess.Popen(["sleep", "600"], env={"PATH": PATH, MARKER: token + "x"})
    code = f"from selfimprove.tools.shell.process import kill_marked; print(kill_marked({token!r}))"
    try:
        own = subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, MARKER: token}, capture_output=True, text=True
        )
        assert (own.returncode, own.stdout) == (0, "0\n")
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_secrets_are_masked_in_log_and_tail(tmp_path: Path) -> None:
    key = "sk-abcdefghij0123456789"
    command = (
        f"printf 'pass hun'; sleep 0.2; printf 'ter2-hunter2 and {key[:9]}'; sleep 0.2; echo '{key[9:]}.'"
    )
    done = run(command, tmp_path, secrets=["hunter2-hunter2"], header="key hunter2-hunter2\n")
    assert done.tail == "key ***\npass *** and ***.\n"
    assert (tmp_path / "task.log").read_text() == done.tail


def test_the_log_stops_growing_but_the_tail_is_kept(tmp_path: Path) -> None:
    done = run("seq 1 60000; echo the end", tmp_path, max_output=1000, tail=100)
    log = (tmp_path / "task.log").read_text()
    assert done.output_truncated
    assert log.startswith("1\n2\n3\n")
    assert len(log) < 1100
    assert "1,000 bytes" in log
    assert done.tail.endswith("59999\n60000\nthe end\n")
    assert len(done.tail) == 100


def test_bytes_that_are_not_text_do_no_harm(tmp_path: Path) -> None:
    done = run("printf '\\377\\376ok'", tmp_path)
    assert done.tail == "\ufffd\ufffdok"
    assert (tmp_path / "task.log").read_bytes() == b"\xff\xfeok"


def test_a_log_that_cannot_be_written_never_stops_the_command(tmp_path: Path) -> None:
    full = run("echo out; touch done; exit 4", tmp_path, log=Path("/dev/full"))
    assert (full.exit_code, full.tail) == (4, "out\n")
    assert "No space left" in full.log_error
    assert (tmp_path / "done").exists()
    (tmp_path / "file").touch()
    nowhere = run("echo out", tmp_path, log=tmp_path / "file" / "task.log")
    assert nowhere.exit_code == 0
    assert str(tmp_path / "file") in nowhere.log_error


def test_a_link_in_the_place_of_the_log_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    (tmp_path / "task.log").symlink_to(tmp_path / "precious")
    assert run("echo out", tmp_path).log_error
    assert (tmp_path / "precious").read_text() == "mine"


def test_capture_keeps_the_streams_apart_and_feeds_stdin(tmp_path: Path) -> None:
    got = capture(["sh", "-c", "cat; echo err >&2; exit 5"], cwd=tmp_path, stdin=b"\0in")
    assert (got.exit_code, got.stdout, got.stderr) == (5, b"\0in", b"err\n")
    assert capture(["cat"], cwd=tmp_path).stdout == b""


def test_capture_times_out_with_what_was_said(tmp_path: Path, token: str) -> None:
    got = capture(
        ["sh", "-c", "echo so far; sleep 600"], cwd=tmp_path, env={"PATH": PATH, MARKER: token}, timeout=0.5
    )
    assert (got.exit_code, got.stdout, got.timed_out) == (143, b"so far\n", True)
    assert eventually(lambda: not marked(token))


def test_capture_of_a_missing_program_names_it(tmp_path: Path) -> None:
    with pytest.raises(MissingTool, match="no-such-program") as caught:
        capture(["no-such-program"], cwd=tmp_path)
    assert caught.value.hint
