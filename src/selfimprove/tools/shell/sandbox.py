"""Sandbox: runs code that nobody vouches for, with the private copy mounted where the repository sits."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal, Protocol, TypedDict, Unpack

from selfimprove.errors import MissingTool
from selfimprove.tools.shell import guards, mounts, seccomp
from selfimprove.tools.shell.docker import find_docker
from selfimprove.tools.shell.limits import Limits, over_limit, with_limits
from selfimprove.tools.shell.mounts import GIT_INSIDE, View
from selfimprove.tools.shell.process import MARKER, Completed, run_logged

Choice = Literal["auto", "bubblewrap", "docker", "none"]
Stop = Callable[[], bool | str]

# All that passes from the person's environment: no key is kept in these.
_KEPT = frozenset({"PATH", "LANG", "LANGUAGE", "TERM", "TZ", "PYENV_VERSION", "RUSTUP_TOOLCHAIN"}).union(
    mounts.TOOL_VARIABLES.split()
)
_SPARE_HOME = "/tmp/home"  # noqa: S108 (inside, on a tmpfs of its own)
_SMALL_TMPFS = 1 << 20
_DEFAULT_LIMITS = Limits()


class Logged(TypedDict, total=False):
    """What is handed on to :func:`selfimprove.tools.shell.process.run_logged`, with its meaning there."""

    log: Path | None
    header: str
    secrets: Sequence[str]
    max_output: int
    tail: int
    heartbeat: Callable[[float], None] | None
    stop: Stop | None


class Sandbox(Protocol):
    """A way to run commands on the private copy."""

    @property
    def name(self) -> str:
        """The word for it in ``--sandbox``."""
        ...

    def run(
        self,
        command: str | Sequence[str],
        view: View,
        *,
        cwd: str = ".",
        env: Mapping[str, str] | None = None,
        limits: Limits = _DEFAULT_LIMITS,
        network: bool = False,
        unix_sockets: bool = False,
        **logged: Unpack[Logged],
    ) -> Completed:
        """Run ``command`` in ``cwd`` (relative to the repository) and return how it ended.

        ``env`` is added to a small environment made from the person's. ``network`` lets it out; named Unix
        sockets work only with ``unix_sockets``.
        """
        ...


def find_sandbox(choice: Choice, environ: Mapping[str, str], image: str | None = None) -> Sandbox:
    """Return the sandbox to use; ``auto`` is bubblewrap, never silently nothing. ``image`` is for docker.

    Raises :class:`MissingTool` with the line that installs or enables what does not work here.
    """
    if choice == "none":
        return Unprotected(environ)
    if choice == "docker":
        return find_docker(image, environ)
    why, mend = guards.trial(environ)
    if why:
        hint = f"{mend}   (or let model-written code run unprotected: --sandbox none)"
        raise MissingTool(f"no sandbox for model-written code: {why}", hint=hint)
    return Bubblewrap(str(guards.bubblewrap(environ)), environ)


@dataclass(frozen=True, slots=True)
class Bubblewrap:
    """Linux namespaces: the copy at the repository's path, nothing else writable, no network."""

    program: str
    environ: Mapping[str, str]
    name: str = "bubblewrap"

    def run(
        self,
        command: str | Sequence[str],
        view: View,
        *,
        cwd: str = ".",
        env: Mapping[str, str] | None = None,
        limits: Limits = _DEFAULT_LIMITS,
        network: bool = False,
        unix_sockets: bool = False,
        **logged: Unpack[Logged],
    ) -> Completed:
        """See :class:`Sandbox`. Raises :class:`MissingTool` when the sandbox itself could not be set up.

        One copy runs one command at a time: the mount points in it are shared.
        """
        home = mounts.usable_home(self.environ)
        inside = _environment(self.environ, str(home or _SPARE_HOME)) | dict(env or {})
        with _Descriptors() as data, mounts.mount_points(view) as overlay:
            status = data.add(b"")
            argv = [self.program, *guards.ISOLATION, *(["--share-net"] if network else [])]
            argv += self._machine(view, home, limits, network=network, unix_sockets=unix_sockets)
            argv += _repository(view, overlay, data)
            # Root inside is root for /proc/sys: without capabilities, but the owner of every switch there.
            argv += ["--remount-ro", "/proc", "--remount-ro", "/dev"]
            argv += ["--chdir", str(view.repo.resolve() / cwd)]
            argv += _words("--setenv", inside.items())
            argv += _filter(data, unix_sockets=unix_sockets)
            argv += [
                "--json-status-fd",
                str(status),
                "--",
                *with_limits(command, limits, self.environ.get("PATH")),
            ]
            logged["stop"] = _watch(status, limits, logged.get("stop"))
            outside = {name: inside[name] for name in ("PATH", MARKER) if name in inside}
            done = run_logged(
                argv, cwd=Path("/"), env=outside, timeout=limits.seconds, pass_fds=data.numbers, **logged
            )
            _refuse_without_setup(done, _status(status))
        return done

    def _machine(
        self, view: View, home: Path | None, limits: Limits, *, network: bool, unix_sockets: bool
    ) -> list[str]:
        """Return the mounts of everything around the repository."""
        hidden = mounts.hidden_folders(home)
        tools = mounts.toolchains(self.environ, home, hidden, view)
        tools += mounts.alternates(view.git_common_dir, hidden) if view.git_common_dir else []
        masked = mounts.secret_files() + mounts.credentials(home, tools)
        masked += mounts.unix_sockets(hidden) if unix_sockets else []
        words = ["--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev"]
        for folder in [mounts.SHARED_MEMORY, *hidden]:
            words += _tmpfs(folder, home, limits)
        words += ["--dir", str(home or _SPARE_HOME)]
        tools += mounts.resolver_files() if network else []
        words += _words("--ro-bind", ((str(path), str(path)) for path in tools))
        return words + _words("--ro-bind", (("/dev/null", str(path)) for path in masked))


@dataclass(frozen=True, slots=True)
class Unprotected:
    """No sandbox: the command runs in the copy, with the person's rights but without their keys."""

    environ: Mapping[str, str]
    name: str = "none"

    def run(
        self,
        command: str | Sequence[str],
        view: View,
        *,
        cwd: str = ".",
        env: Mapping[str, str] | None = None,
        limits: Limits = _DEFAULT_LIMITS,
        network: bool = False,  # noqa: ARG002 (it cannot be taken away here)
        unix_sockets: bool = False,  # noqa: ARG002
        **logged: Unpack[Logged],
    ) -> Completed:
        """See :class:`Sandbox`. Of the limits only ``seconds`` holds; overlays and binds are not shown."""
        inside = _environment(self.environ, self.environ.get("HOME", "/")) | dict(env or {})
        return run_logged(command, cwd=view.copy / cwd, env=inside, timeout=limits.seconds, **logged)


class _Descriptors:
    """The open descriptors that bubblewrap reads or writes; closed on leaving."""

    def __init__(self) -> None:
        self.numbers: list[int] = []

    def __enter__(self) -> _Descriptors:
        return self

    def __exit__(self, *_: object) -> None:
        for number in self.numbers:
            os.close(number)

    def add(self, content: bytes) -> int:
        """Return a new descriptor, on a file in memory, that reads ``content``."""
        number = os.memfd_create("selfimprove")
        self.numbers.append(number)
        os.write(number, content)
        os.lseek(number, 0, os.SEEK_SET)
        return number


def _environment(environ: Mapping[str, str], home: str) -> dict[str, str]:
    kept = {name: value for name, value in environ.items() if name in _KEPT or name.startswith("LC_")}
    fixed = {
        "HOME": home,
        "TMPDIR": "/tmp",  # noqa: S108
        "PYTHONDONTWRITEBYTECODE": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
    }
    return {"PATH": guards.DEFAULT_PATH} | kept | fixed


def _words(option: str, pairs: Iterable[tuple[str, str]]) -> list[str]:
    return [word for pair in pairs for word in (option, *pair)]


def _filter(data: _Descriptors, *, unix_sockets: bool) -> list[str]:
    if seccomp.available():
        return []
    return ["--seccomp", str(data.add(seccomp.program(unix_sockets=unix_sockets)))]


def _refuse_without_setup(done: Completed, status: Mapping[str, int]) -> None:
    """Raise when bubblewrap ended before the command began: its exit code is not the command's."""
    if done.exit_code == 1 and "exit-code" not in status and not done.timed_out and not done.stopped:
        why = done.tail.strip().rpartition("\n")[2]
        raise MissingTool(f"the sandbox could not be set up: {why}", hint="selfimprove doctor")


def _tmpfs(folder: Path, home: Path | None, limits: Limits) -> list[str]:
    open_to_all = folder in mounts.TEMPORARY
    roomy = open_to_all or (home is not None and home.is_relative_to(folder))
    size = limits.tmp_mb << 20 if roomy else _SMALL_TMPFS
    return ["--perms", "1777" if open_to_all else "0755", "--size", str(size), "--tmpfs", str(folder)]


def _repository(view: View, overlay: list[tuple[Path, PurePosixPath]], data: _Descriptors) -> list[str]:
    """Return the mounts of the copy, what lies over it, and its git folder."""
    repo = view.repo.resolve()
    words = ["--bind", str(view.copy.resolve()), str(repo)]
    for source, relative in overlay:
        words += ["--ro-bind", str(source), str(repo / relative)]
    if view.git_dir and view.git_common_dir:
        words += _git(view.git_dir.resolve(), view.git_common_dir.resolve(), repo, data)
    for host, inside, writable in view.binds:
        words += ["--bind" if writable else "--ro-bind", str(host.resolve()), inside]
    return words


def _git(git_dir: Path, common: Path, repo: Path, data: _Descriptors) -> list[str]:
    """Return the mounts that show the repository's git folder read-only and lead the copy to it."""
    words = ["--ro-bind", str(common), GIT_INSIDE]
    for inside, text in mounts.cleaned_configs(common):
        words += ["--ro-bind-data", str(data.add(text.encode(errors="surrogateescape"))), inside]
    pointer = f"gitdir: {GIT_INSIDE}/{git_dir.relative_to(common)}\n"
    return [*words, "--ro-bind-data", str(data.add(pointer.encode())), str(repo / ".git")]


def _watch(status: int, limits: Limits, stop: Stop | None) -> Stop:
    def why() -> bool | str:
        pid = _status(status).get("child-pid")
        return (stop() if stop else False) or (over_limit(pid, limits) if pid else False)

    return why


def _status(descriptor: int) -> dict[str, int]:
    """Return what bubblewrap has reported so far: JSON objects, one per line."""
    found: dict[str, int] = {}
    for line in os.pread(descriptor, 65_536, 0).splitlines():
        with contextlib.suppress(ValueError):
            found |= json.loads(line)
    return found
