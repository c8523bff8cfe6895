"""Guards: which protections of the sandbox work on this machine, and the line that mends each one."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from selfimprove.errors import MissingTool
from selfimprove.tools.shell import seccomp
from selfimprove.tools.shell.process import capture

if TYPE_CHECKING:
    from collections.abc import Mapping

ISOLATION = (
    "--unshare-all",
    "--unshare-user",
    "--disable-userns",
    "--die-with-parent",
    "--new-session",
    "--clearenv",
    "--cap-drop",
    "ALL",
)
"""The options that every sandbox is started with, and that the trial here is made with."""

DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin"

_INSTALL = "sudo apt-get install bubblewrap"
_TRIAL = "--ro-bind / / --proc /proc --dev /dev --remount-ro /proc -- /bin/sh -c :"
# Switches by which a kernel refuses namespaces to ordinary users: file, refusing value, what to type.
_SWITCHES = (
    ("/proc/sys/kernel/unprivileged_userns_clone", "0", "sudo sysctl kernel.unprivileged_userns_clone=1"),
    (
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0",
    ),
    ("/proc/sys/user/max_user_namespaces", "0", "sudo sysctl user.max_user_namespaces=10000"),
)


@dataclass(frozen=True, slots=True)
class Guard:
    """One line of ``selfimprove doctor``: a protection, whether it works here, and how to get it."""

    name: str
    ok: bool
    required: bool
    detail: str
    mend: str = ""


def probe(environ: Mapping[str, str]) -> list[Guard]:
    """Try each guard of the sandbox on this machine, bubblewrap by really starting it."""
    program = bubblewrap(environ)
    version = (
        capture([program, "--version"], cwd=Path("/")).stdout.decode().strip() if program else "not found"
    )
    why, mend = trial(environ)
    no_filter = seccomp.available()
    prlimit = shutil.which("prlimit", path=environ.get("PATH", DEFAULT_PATH))
    counted = "processes and memory as a whole are counted five times a second"
    return [
        Guard("bubblewrap", bool(program), True, version, "" if program else _INSTALL),
        Guard("namespaces", not why, True, why or "a sandbox was started", mend),
        Guard("seccomp", not no_filter, False, no_filter or "filter compiled", _mend_seccomp(no_filter)),
        Guard(
            "limits",
            bool(prlimit),
            False,
            f"{'prlimit' if prlimit else 'prlimit not found'}; {counted}",
            "" if prlimit else "sudo apt-get install util-linux",
        ),
    ]


def trial(environ: Mapping[str, str]) -> tuple[str, str]:
    """Start an empty sandbox; return why that fails and what to type, both ``""`` when it works."""
    program = bubblewrap(environ)
    if not program:
        return "bubblewrap is not installed", _INSTALL
    try:
        tried = capture([program, *ISOLATION, *_TRIAL.split()], cwd=Path("/"), timeout=20.0)
    except MissingTool as error:
        return error.message, _INSTALL
    if tried.exit_code == 0:
        return "", ""
    said = tried.stderr.decode(errors="replace").strip().rpartition("\n")[2]
    if "nknown option" in said:
        return f"bubblewrap is older than 0.8.0 ({said})", "install bubblewrap 0.8.0 or newer"
    return f"bubblewrap does not work here ({said})", _mend_namespaces()


def bubblewrap(environ: Mapping[str, str]) -> str | None:
    """Return the path of bwrap, None when it is not on PATH."""
    return shutil.which("bwrap", path=environ.get("PATH", DEFAULT_PATH))


def _mend_namespaces() -> str:
    for name, refusing, mend in _SWITCHES:
        switch = Path(name)
        if switch.is_file() and switch.read_text().strip() == refusing:
            return mend
    return "in a container, allow user namespaces: docker run --security-opt seccomp=unconfined"


def _mend_seccomp(problem: str) -> str:
    if not problem:
        return ""
    library = "" if "pyseccomp" in problem else "sudo apt-get install libseccomp2; "
    return f"{library}pip install 'selfimprove[sandbox]'"
