"""Process: starts a program and sees it to its end, with time-outs, process groups and masked logs."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.errors import MissingTool, SelfimproveError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from selfimprove.tools.shell.output import Output

MARKER = "SELFIMPROVE_RUN_TOKEN"
"""The variable by which the processes of a run that died are found again; see :func:`kill_marked`."""

MAX_OUTPUT = 50_000_000
TAIL = 16_000

_NOT_EXECUTABLE, _NOT_FOUND = 126, 127  # what sh answers
_LINGER = 1.0  # seconds that background processes may hold the pipe after the command itself has ended
_STOP_EVERY, _BEAT_EVERY, _NO_PIDFD_EVERY = 0.2, 1.0, 0.02
_TIMED_OUT = "timed out"


class Completed(NamedTuple):
    """How a command ended.

    ``exit_code`` is 128 plus the signal when a signal ended it, 127 when the program was not found, 126 when
    it could not be executed. ``tail`` is the end of stdout and stderr, interleaved and masked. ``stopped`` is
    the reason when ``stop`` ended it. ``output_truncated`` says that the log holds only the beginning and
    ``log_error`` why it could not be written at all, or not to the end.
    """

    exit_code: int
    seconds: float
    timed_out: bool = False
    tail: str = ""
    output_truncated: bool = False
    log_error: str = ""
    stopped: str = ""


class Captured(NamedTuple):
    """What a quick program answered; nothing in it is masked."""

    exit_code: int
    stdout: bytes
    stderr: bytes
    timed_out: bool = False


def run_logged(
    command: str | Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    log: Path | None = None,
    timeout: float | None = None,
    header: str = "",
    secrets: Sequence[str] = (),
    max_output: int = MAX_OUTPUT,
    tail: int = TAIL,
    grace: float = 5.0,
    heartbeat: Callable[[float], None] | None = None,
    stop: Callable[[], bool | str] | None = None,
    pass_fds: Sequence[int] = (),
) -> Completed:
    """Run ``command`` to its end and write what it says to ``log`` as it comes.

    Text runs by ``/bin/sh -c``, a sequence directly. ``env`` is the whole environment, stdin is empty, and
    the command leads a session of its own. ``log`` is appended to (``header`` first) up to ``max_output``
    bytes; ``tail`` is in characters, times are in seconds. ``heartbeat`` is called about once a second with
    the seconds so far; ``stop`` five times a second, and a true answer (a text is the reason) ends it.

    On a time-out, a stop or any exception (Ctrl-C) the group gets SIGTERM, ``grace`` seconds, then SIGKILL.
    Background processes do not outlive their command: when it has ended they may finish their output for a
    second, then what is left of the group is killed. Only a daemon that leaves the session stays.

    Raises :class:`SelfimproveError` when ``cwd`` is not a folder.
    """
    from selfimprove.tools.shell.masking import Masker
    from selfimprove.tools.shell.output import Output

    watch = _Watch(time.monotonic(), timeout, heartbeat, stop)
    argv = ["/bin/sh", "-c", command] if isinstance(command, str) else list(command)
    with Output(log, Masker(secrets), max_output, tail) as output:
        output.feed(header.encode(errors="replace"))
        try:
            child = _start(argv, cwd, env, stderr=subprocess.STDOUT, pass_fds=pass_fds)
        except OSError as error:
            exit_code, why = _not_started(argv, cwd, error), ""
            output.note(f"{argv[0]}: {error.strerror}")
        else:
            with child:
                why = _attend(child, output, watch, grace)
                exit_code = _exit_code(child)
    return Completed(
        exit_code=exit_code,
        seconds=time.monotonic() - watch.started,
        timed_out=why == _TIMED_OUT,
        tail=output.tail(),
        output_truncated=output.truncated,
        log_error=output.log_error,
        stopped="" if why == _TIMED_OUT else why,
    )


def capture(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
    timeout: float | None = None,
    pass_fds: Sequence[int] = (),
) -> Captured:
    """Run a quick program such as git and return what it said; ``env`` of None hands on our environment.

    It runs in a session of its own, so a Ctrl-C reaches us first and then ends it with SIGTERM: git removes
    its lock files on that. Raises :class:`MissingTool` when the program is missing or cannot be executed and
    :class:`SelfimproveError` when ``cwd`` is not a folder.
    """
    feed = subprocess.DEVNULL if stdin is None else subprocess.PIPE
    try:
        child = _start(argv, cwd, env, stderr=subprocess.PIPE, stdin=feed, pass_fds=pass_fds)
    except OSError as error:
        _not_started(argv, cwd, error)
        hint = f"install {argv[0]}, or see what `selfimprove doctor` says"
        raise MissingTool(f"{argv[0]} cannot be started: {error.strerror}", hint=hint) from error
    timed_out = False
    with child:
        try:
            out, err = child.communicate(stdin, timeout=timeout)
        except subprocess.TimeoutExpired:
            timed_out = True
            out, err = _hang_up(child)
        except BaseException:
            _hang_up(child)
            raise
    return Captured(_exit_code(child), out, err, timed_out)


def kill_marked(token: str) -> int:
    """Kill every process that carries ``SELFIMPROVE_RUN_TOKEN=token`` and return how many there were.

    Used after a crash. Repeats until no such process is left (or none more can be killed), and never touches
    this process. Returns 0 on systems without /proc.
    """
    wanted = f"{MARKER}={token}".encode()
    killed: set[int] = set()
    patience = time.monotonic() + 5.0
    while (found := _marked(wanted)) and time.monotonic() < patience:
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
                killed.add(pid)
        time.sleep(0.01)
    return len(killed)


def _marked(wanted: bytes) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if int(folder.name) != os.getpid() and wanted in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return found


def _start(
    argv: Sequence[str],
    cwd: Path,
    env: Mapping[str, str] | None,
    *,
    stderr: int,
    stdin: int = subprocess.DEVNULL,
    pass_fds: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    # Without preexec_fn the interpreter uses vfork, which is several times faster than fork.
    return subprocess.Popen(
        argv,
        cwd=cwd,
        env=env,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=stderr,
        bufsize=0,
        start_new_session=True,
        pass_fds=pass_fds,
    )


def _not_started(argv: Sequence[str], cwd: Path, error: OSError) -> int:
    """Return the exit code that sh would give; raise if it is the folder that is missing, not the program."""
    if not cwd.is_dir():
        hint = f"create the folder {cwd} or change the directory"
        raise SelfimproveError(f"cannot run {argv[0]}: no such folder", where=str(cwd), hint=hint) from error
    return _NOT_FOUND if error.errno == errno.ENOENT else _NOT_EXECUTABLE


def _exit_code(child: subprocess.Popen[bytes]) -> int:
    code = child.wait()
    return code if code >= 0 else 128 - code


def _signal_group(child: subprocess.Popen[bytes], signum: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signum)


def _hang_up(child: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
    """End a captured program: SIGTERM, two seconds, SIGKILL; return what it had said."""
    try:
        _signal_group(child, signal.SIGTERM)
        return child.communicate(timeout=2.0)
    except subprocess.TimeoutExpired:
        _signal_group(child, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            return child.communicate(timeout=_LINGER)
        return b"", b""
    finally:
        if child.poll() is None:
            _signal_group(child, signal.SIGKILL)


def _attend(child: subprocess.Popen[bytes], output: Output, watch: _Watch, grace: float) -> str:
    """Read until the command has ended, or end it; return why it was ended, ``""`` if it did so itself."""
    with _Reader(child, output) as reader:
        try:
            why = ""
            while not reader.exited and not why:
                reader.wait(watch.pause())
                why = watch.verdict()
            if reader.exited:
                why = ""
                reader.drain(_LINGER)
            else:
                output.note(f"{why} after {watch.elapsed():.1f} s; ending the command")
                _signal_group(child, signal.SIGTERM)
                reader.drain(grace)
        except BaseException:
            output.note("interrupted; ending the command")
            _signal_group(child, signal.SIGTERM)
            reader.drain(grace)
            raise
        finally:
            # The leader is not reaped yet, so the group's number cannot belong to anyone else.
            _signal_group(child, signal.SIGKILL)
            reader.drain(0.05)
    return why


class _Watch:
    """Says how long to sleep and whether it is time to end the command."""

    def __init__(
        self,
        started: float,
        timeout: float | None,
        heartbeat: Callable[[float], None] | None,
        stop: Callable[[], bool | str] | None,
    ) -> None:
        self.started, self.timeout, self.heartbeat, self.stop = started, timeout, heartbeat, stop
        self.next_beat, self.next_stop = _BEAT_EVERY, _STOP_EVERY

    def elapsed(self) -> float:
        return time.monotonic() - self.started

    def pause(self) -> float | None:
        """Return the seconds until something is due; None is for ever."""
        due = [] if self.timeout is None else [self.timeout]
        due += [self.next_beat] if self.heartbeat else []
        due += [self.next_stop] if self.stop else []
        return max(0.0, min(due) - self.elapsed()) if due else None

    def verdict(self) -> str:
        """Do what is due; return the reason to end the command, or ``""``."""
        elapsed = self.elapsed()
        if self.timeout is not None and elapsed >= self.timeout:
            return _TIMED_OUT
        if self.heartbeat and elapsed >= self.next_beat:
            self.next_beat = elapsed + _BEAT_EVERY
            self.heartbeat(elapsed)
        return self._asked_to_stop(self.stop) if self.stop and elapsed >= self.next_stop else ""

    def _asked_to_stop(self, stop: Callable[[], bool | str]) -> str:
        answer = stop()
        self.next_stop = self.elapsed() + _STOP_EVERY
        return answer if isinstance(answer, str) else "stopped" * answer


class _Reader:
    """Waits for output and for the end of the command in one sleep, without threads.

    A pidfd wakes the sleep when the leader ends, even while its grandchildren hold the pipe open. Systems
    without pidfds look every 20 ms.
    """

    def __init__(self, child: subprocess.Popen[bytes], output: Output) -> None:
        assert child.stdout is not None  # noqa: S101 (for the type checker)
        self._child, self._output = child, output
        self._pipe = child.stdout.fileno()
        self._pidfd = _pidfd(child.pid)
        self._poll = select.poll()
        self._poll.register(self._pipe, select.POLLIN)
        if self._pidfd is not None:
            self._poll.register(self._pidfd, select.POLLIN)
        self.exited = self.ended = False

    def __enter__(self) -> _Reader:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pidfd is not None:
            os.close(self._pidfd)

    def wait(self, seconds: float | None) -> None:
        """Sleep until there is output, the leader has ended, or the time is over; take what there is."""
        if self._pidfd is None:
            seconds = _NO_PIDFD_EVERY if seconds is None else min(seconds, _NO_PIDFD_EVERY)
        # Rounded up: a sleep that ends too early would spin until the due time.
        ready = self._poll.poll(None if seconds is None else int(seconds * 1000) + 1)
        for descriptor, _ in ready:
            if descriptor == self._pipe:
                self._take()
            else:
                self._poll.unregister(descriptor)
                self.exited = True
        if self._pidfd is None and not self.exited:
            self.exited = self._child.poll() is not None

    def drain(self, seconds: float) -> None:
        """Read on until the leader has ended and the pipe is closed, for ``seconds`` at most."""
        end = time.monotonic() + seconds
        while not (self.exited and self.ended) and (left := end - time.monotonic()) > 0:
            self.wait(left)

    def _take(self) -> None:
        data = os.read(self._pipe, 65_536)
        if data:
            self._output.feed(data)
        else:
            self._poll.unregister(self._pipe)
            self.ended = True


def _pidfd(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None
