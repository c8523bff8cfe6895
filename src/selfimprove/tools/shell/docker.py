"""Docker: the other sandbox, for machines without bubblewrap: the same view of the repository, in a container."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from selfimprove.errors import MissingTool
from selfimprove.tools.shell import mounts
from selfimprove.tools.shell.limits import Limits
from selfimprove.tools.shell.mounts import GIT_INSIDE, View
from selfimprove.tools.shell.process import MARKER, Completed, capture, run_logged

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from selfimprove.tools.shell.sandbox import Logged

LABEL = "selfimprove"
"""The label of every container of ours; its value is a name that no other container has."""

_DOCKER_FAILED, _KILLED = 125, 137
_HOME = "/tmp"  # noqa: S108 (inside, on a tmpfs of its own)
_DEFAULT_LIMITS = Limits()
# The container must end when this process does, however that ends: its first process waits for the end of our
# pipe. A command in the background would get an empty input, so that the pipe is kept under another number.
_LIFELINE = 'exec 3<&0; (while read -r _ <&3; do :; done; kill -KILL -1) & exec 3<&-; exec "$@" </dev/null'
_TRIAL_SECONDS = 20.0
_ASKING = "import importlib.util, sys; sys.exit(importlib.util.find_spec(sys.argv[1]) is None)"


@dataclass(frozen=True, slots=True)
class Docker:
    """A container of ``image``: the copy at the repository's path, no network, no capabilities, nothing else
    of the machine. The tools are those of the image.
    """

    program: str
    image: str
    environ: Mapping[str, str]
    name: str = "docker"

    def run(
        self,
        command: str | Sequence[str],
        view: View,
        *,
        cwd: str = ".",
        env: Mapping[str, str] | None = None,
        limits: Limits = _DEFAULT_LIMITS,
        network: bool = False,
        unix_sockets: bool = False,  # noqa: ARG002 (there are none inside to reach)
        **logged: Unpack[Logged],
    ) -> Completed:
        """See :class:`Sandbox`. Raises :class:`MissingTool` when the container could not be started.

        The limit on memory and processes is that of the container's control group, as far as the machine has it.
        """
        argv = ["/bin/sh", "-c", command] if isinstance(command, str) else list(command)
        called = f"selfimprove-{uuid.uuid4().hex[:12]}"
        with _pipe() as (end, _), mounts.mount_points(view) as overlay, _git_files(view) as git:
            binds = [(view.copy.resolve(), str(view.repo.resolve()), True)]
            binds += [(source, str(view.repo.resolve() / name), False) for source, name in overlay]
            binds += [*git, *view.binds]
            words = [
                self.program,
                "run",
                "--rm",
                "--interactive",
                "--init",
                "--pull",
                "never",
                "--name",
                called,
            ]
            words += ["--label", f"{LABEL}={called}", *_isolation(limits, network=network)]
            words += [word for one in binds for word in ("--mount", _bind(*one))]
            words += ["--workdir", str(view.repo.resolve() / cwd)]
            inside = _environment(self.environ) | dict(env or {})
            words += [word for name, value in inside.items() for word in ("--env", f"{name}={value}")]
            words += ["--entrypoint", "/bin/sh", self.image, "-c", _LIFELINE, "sh", *argv]
            # docker reads our pipe as its input; a shell connects the two, since the runner gives none.
            started = ["/bin/sh", "-c", f'exec "$@" </dev/fd/{end}', "sh", *words]
            done = run_logged(
                started,
                cwd=Path("/"),
                env=self._outside(env),
                timeout=limits.seconds,
                pass_fds=[end],
                **logged,
            )
        # With the pipe closed the container ends by itself, also one whose docker command was killed.
        return self._told(done, limits)

    def find_python(self, module: str) -> str | None:
        """Return the image's interpreter when it can import ``module``, else ``None``."""
        pythons = ("python3", "python")
        return next((python for python in pythons if self._says_yes(python, "-c", _ASKING, module)), None)

    def find_program(self, name: str) -> str | None:
        """Return ``name`` when the image has such a program on its PATH, else ``None``."""
        return name if self._says_yes("/bin/sh", "-c", 'command -v "$0"', name) else None

    def _says_yes(self, program: str, *words: str) -> bool:
        """True when ``program`` of the image, with these words, ends with 0; False also when there is none."""
        shut_in = ("--rm", "--pull", "never", "--network", "none", "--entrypoint", program)
        asked = [self.program, "run", *shut_in, self.image, *words]
        return capture(asked, cwd=Path("/"), env=dict(self.environ), timeout=60).exit_code == 0

    def _outside(self, env: Mapping[str, str] | None) -> dict[str, str]:
        """Return the environment of the docker command itself."""
        kept = {name: value for name, value in self.environ.items() if _is_for_docker(name)}
        return kept | ({MARKER: env[MARKER]} if env and MARKER in env else {})

    def _told(self, done: Completed, limits: Limits) -> Completed:
        """Return ``done`` with the reason why the container was ended, if it was not the command that ended."""
        said = done.tail.strip().rpartition("\n")[2]
        if done.exit_code == _DOCKER_FAILED and said.startswith(("docker: ", "Error", "See 'docker")):
            why = next((line for line in done.tail.splitlines() if line.startswith("docker: ")), said)
            raise MissingTool(f"the container could not be started: {why}", hint="selfimprove doctor")
        if done.exit_code == _KILLED and not done.timed_out and not done.stopped:
            return done._replace(stopped=f"killed, perhaps for more than {limits.memory_mb} MB of memory")
        return done


def find_docker(image: str | None, environ: Mapping[str, str]) -> Docker:
    """Return the driver for ``image``; raises :class:`MissingTool` with what to type when it does not work here."""
    why, mend = trial(image, environ)
    if why:
        raise MissingTool(f"no sandbox for model-written code: {why}", hint=mend)
    return Docker(str(_program(environ)), str(image), environ)


def trial(image: str | None, environ: Mapping[str, str]) -> tuple[str, str]:
    """Ask docker for its server and for ``image``; return why that fails and what to type, both ``""`` when not."""
    program = _program(environ)
    if not program:
        return "docker is not installed", "https://docs.docker.com/engine/install/"
    asked = capture(
        [program, "version", "--format", "{{.Server.Version}}"],
        cwd=Path("/"),
        env=dict(environ),
        timeout=_TRIAL_SECONDS,
    )
    if asked.exit_code:
        said = (
            asked.stderr.decode(errors="replace").strip().rpartition("\n")[2] or "it did not answer in time"
        )
        return f"docker does not answer ({said})", "start the docker service"
    if not image:
        return "no image is named for docker", "selfimprove config set sandbox.image python:3.12"
    if capture([program, "image", "inspect", image], cwd=Path("/"), env=dict(environ), timeout=60).exit_code:
        return f"docker has no image {image}", f"docker pull {image}"
    return "", ""


def _program(environ: Mapping[str, str]) -> str | None:
    return shutil.which("docker", path=environ.get("PATH"))


def _is_for_docker(name: str) -> bool:
    return name in ("PATH", "HOME", "XDG_RUNTIME_DIR", "SSH_AUTH_SOCK") or name.startswith("DOCKER_")


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what the command sees besides the image's own variables; no key of the person's is in it."""
    kept = {
        name: value for name, value in environ.items() if name in ("LANG", "TZ") or name.startswith("LC_")
    }
    fixed = {"HOME": _HOME, "TMPDIR": "/tmp", "PYTHONDONTWRITEBYTECODE": "1"}  # noqa: S108
    return kept | fixed | {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}


def _isolation(limits: Limits, *, network: bool) -> list[str]:
    """Return the options that shut the container in, and its limits."""
    words = ["--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--read-only"]
    words += ["--user", f"{os.getuid()}:{os.getgid()}", "--ipc", "private"]
    words += [] if network else ["--network", "none"]
    words += ["--memory", f"{limits.memory_mb}m", "--memory-swap", f"{limits.memory_mb}m"]
    # The lifeline and docker's own first process are three.
    words += ["--pids-limit", str(limits.processes + 3), "--ulimit", "core=0"]
    words += ["--ulimit", f"fsize={limits.file_mb << 20}"]
    for folder in ("/tmp", "/var/tmp"):  # noqa: S108
        words += ["--tmpfs", f"{folder}:rw,exec,nosuid,nodev,mode=1777,size={limits.tmp_mb}m"]
    return [*words, "--shm-size", f"{limits.tmp_mb}m"]


def _bind(source: Path, inside: str, writable: bool) -> str:
    """Return one mount in docker's words, which are a row of comma-separated values."""
    parts = [
        "type=bind",
        f"source={source.resolve()}",
        f"target={inside}",
        *([] if writable else ["readonly"]),
    ]
    return ",".join(f'"{part}"' if "," in part else part for part in parts)


@contextlib.contextmanager
def _pipe() -> Iterator[tuple[int, int]]:
    """Give a pipe (end to read, end to write); both are closed on leaving."""
    ends = os.pipe()
    try:
        yield ends
    finally:
        for end in ends:
            os.close(end)


@contextlib.contextmanager
def _git_files(view: View) -> Iterator[list[tuple[Path, str, bool]]]:
    """Give the mounts that show the repository's git folder read-only, without its secrets, and lead the copy to it."""
    if not (view.git_dir and view.git_common_dir):
        yield []
        return
    common = view.git_common_dir.resolve()
    with tempfile.TemporaryDirectory(prefix="selfimprove-git-") as folder:
        binds = [(common, GIT_INSIDE, False)]
        for number, (inside, text) in enumerate(mounts.cleaned_configs(common)):
            config = Path(folder, f"config-{number}")
            config.write_text(text, encoding="utf-8", errors="surrogateescape")
            binds.append((config, inside, False))
        pointer = Path(folder, "git")
        pointer.write_text(f"gitdir: {GIT_INSIDE}/{view.git_dir.resolve().relative_to(common)}\n")
        yield [*binds, (pointer, str(view.repo.resolve() / ".git"), False)]
