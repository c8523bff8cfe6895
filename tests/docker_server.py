"""A real docker for the tests: the machine's own where one answers, else one that is started here."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

IMAGE = "selfimprove-test:1"
_COMMANDS = ("sh", "cat", "ls", "env", "grep", "wget", "head", "sleep", "touch", "test")


@contextlib.contextmanager
def docker() -> Iterator[dict[str, str]]:
    """Give the environment variables under which `docker` has the image IMAGE, which holds a busybox and no more."""
    with contextlib.ExitStack() as stack:
        variables = {} if _answers({}) else stack.enter_context(_started())
        _load(variables)
        yield variables


def containers(variables: dict[str, str]) -> list[str]:
    """Return the names of all containers, also of those that have ended."""
    asked = ["docker", "ps", "--all", "--format", "{{.Names}}"]
    done = subprocess.run(asked, env=_with(variables), check=True, capture_output=True, text=True)
    return [name for name in done.stdout.split() if name.startswith("selfimprove-")]


def _with(variables: dict[str, str]) -> dict[str, str]:
    return {**os.environ, **variables}


def _answers(variables: dict[str, str]) -> bool:
    asked = subprocess.run(["docker", "version"], env=_with(variables), check=False, capture_output=True)
    return asked.returncode == 0


@contextlib.contextmanager
def _started() -> Iterator[dict[str, str]]:
    with tempfile.TemporaryDirectory(prefix="docker-", ignore_cleanup_errors=True) as folder:
        variables = {"DOCKER_HOST": f"unix://{folder}/docker.sock"}
        places = (
            "--data-root",
            f"{folder}/data",
            "--exec-root",
            f"{folder}/exec",
            "--pidfile",
            f"{folder}/pid",
        )
        alone = ("--iptables=false", "--bridge=none", "--storage-driver=vfs")
        with Path(folder, "log").open("wb") as log:
            argv = ["dockerd", "--host", variables["DOCKER_HOST"], *places, *alone]
            server = subprocess.Popen(argv, stdout=log, stderr=log)
            try:
                deadline = time.monotonic() + 60
                while not _answers(variables):
                    said = Path(folder, "log").read_text()[-2000:]
                    assert server.poll() is None, said
                    assert time.monotonic() < deadline, said
                    time.sleep(0.1)
                yield variables
            finally:
                server.terminate()
                server.wait(60)


def _load(variables: dict[str, str]) -> None:
    """Make the image from this machine's busybox, which needs nothing around it."""
    busybox = shutil.which("busybox")
    assert busybox, "busybox is not installed"
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name in ("bin", "tmp", "var", "var/tmp", "proc", "sys", "dev", "etc", "run"):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(folder)
        archive.add(Path(busybox).resolve(), "bin/busybox")
        for name in _COMMANDS:
            link = tarfile.TarInfo(f"bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            archive.addfile(link)
    subprocess.run(
        ["docker", "import", "-", IMAGE],
        env=_with(variables),
        input=packed.getvalue(),
        check=True,
        capture_output=True,
    )
