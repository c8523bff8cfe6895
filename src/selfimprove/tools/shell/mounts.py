"""Mounts: what sandboxed code sees of the machine: folders hidden, toolchains read-only."""

from __future__ import annotations

import contextlib
import os
import re
import stat
import sys
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from selfimprove.errors import SelfimproveError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

GIT_INSIDE = "/run/selfimprove/git"
"""Where the repository's own ``.git`` folder is seen inside, read-only."""

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108
TEMPORARY = frozenset({SHARED_MEMORY, Path("/tmp"), Path("/var/tmp")})  # noqa: S108

# Folders that hold other people's things, sockets or leftovers; each becomes an empty tmpfs.
_HIDDEN = """
    /home /root /tmp /var/tmp /run /media /var/snap /var/spool /var/mail /var/log /var/backups
    /var/lib/docker /var/lib/containerd /var/lib/kubelet /var/lib/private
    /etc/ssl/private /etc/letsencrypt /etc/wireguard /etc/openvpn /etc/docker /etc/kubernetes
    /etc/NetworkManager/system-connections /etc/sudoers.d
"""
_SECRET_FILES = "/etc/shadow /etc/gshadow /etc/shadow- /etc/gshadow- /etc/sudoers /etc/krb5.keytab"  # noqa: S105
_HOST_KEYS = "ssh_host_*_key"

# Toolchains where their installers put them, relative to HOME, and the variables that say otherwise.
_TOOLCHAINS = """
    .pyenv .rbenv .nodenv .goenv .asdf .nvm .fnm .volta .bun .deno .sdkman .cargo .rustup .rye .ghcup .opam
    .dotnet .pixi .juliaup .gem miniconda3 anaconda3 miniforge3 mambaforge micromamba go/bin go/pkg bin
    .local/bin .local/lib .local/pipx .local/share/uv .local/share/pipx .local/share/mise .local/share/rtx
    .local/share/fnm .local/share/pnpm .cache/pre-commit .m2/repository .gradle/caches .gradle/wrapper
"""
_TOOL_NAMES = frozenset(name for name in _TOOLCHAINS.split() if name.startswith(".") and "/" not in name)
TOOL_VARIABLES = """
    PYENV_ROOT RBENV_ROOT CARGO_HOME RUSTUP_HOME NVM_DIR GOROOT JAVA_HOME CONDA_PREFIX VIRTUAL_ENV
    ASDF_DATA_DIR MISE_DATA_DIR VOLTA_HOME UV_PYTHON_INSTALL_DIR PNPM_HOME
"""
_CREDENTIALS = """
    .cargo/credentials .cargo/credentials.toml .gem/credentials .local/share/uv/credentials .nvm/.npmrc
"""
_PREFIX_SIGNS = "pyvenv.cfg conda-meta lib libexec"

_CONFIG_SECRET = re.compile(
    r"(?im)^([ \t]*(?:\[.*\])?[ \t]*)(?:\w*header|password|token|helper|sslkey|proxy)\b.*$"
)
_CONFIG_USERINFO = re.compile(r"(://)[^/@\s\"]+@")


@dataclass(frozen=True, slots=True)
class View:
    """What is shown where the repository sits.

    ``copy`` is mounted read-write over ``repo``. ``overlay`` names folders or files of the person's tree,
    relative to ``repo``, that are shown read-only over the copy: ignored ones such as ``.venv``, initialised
    submodules. ``git_dir`` is the worktree's own git folder and ``git_common_dir`` the repository's; they are
    read-only inside: ``git log`` works and no reference can be written. ``binds`` are further paths: (path on
    the host, absolute path inside, writable).
    """

    copy: Path
    repo: Path
    overlay: tuple[str, ...] = ()
    git_dir: Path | None = None
    git_common_dir: Path | None = None
    binds: tuple[tuple[Path, str, bool], ...] = ()


def usable_home(environ: Mapping[str, str]) -> Path | None:
    """Return the person's home folder, resolved; None when there is none or it is ``/``."""
    home = Path(environ.get("HOME") or "/")
    return home.resolve() if home.is_absolute() and _is_folder(home) and home.resolve() != Path("/") else None


def hidden_folders(home: Path | None) -> list[Path]:
    """Return the existing folders to replace by an empty tmpfs, none inside another."""
    found = {folder.resolve() for name in _HIDDEN.split() if _is_folder(folder := Path(name))}
    found |= {home} if home else set()
    return _outermost(found)


def secret_files() -> list[Path]:
    """Return the machine's files with keys or password hashes that this process could read."""
    found = [Path(name) for name in _SECRET_FILES.split()]
    with contextlib.suppress(OSError):
        found += sorted(Path("/etc/ssh").glob(_HOST_KEYS))
    return [path for path in found if os.access(path, os.R_OK)]


def toolchains(
    environ: Mapping[str, str], home: Path | None, hidden: Sequence[Path], view: View
) -> list[Path]:
    """Return the folders under ``hidden`` that programs on PATH need, outermost only.

    They are: known toolchain folders in HOME, those that variables such as PYENV_ROOT name, every other PATH
    entry with the installation around it, virtual environments and the interpreters that they stand on. Never
    HOME itself, and nothing inside the repository, which ``view.overlay`` is for.
    """
    wanted = _tools_of_home(environ, home) + [view.repo / name for name in view.overlay]
    wanted += [_installation(Path(entry), hidden) for entry in environ.get("PATH", "").split(":") if entry]
    wanted += [Path(sys.prefix), Path(sys.base_prefix)]
    wanted += [base for folder in wanted for base in _stands_on(folder)]
    # A link is shown under its own name and under the name of what it leads to.
    both = {place for folder in wanted if folder.is_absolute() for place in (folder, folder.resolve())}
    return _outermost(_shown(both, hidden, view.repo.resolve()))


def _tools_of_home(environ: Mapping[str, str], home: Path | None) -> list[Path]:
    named = [Path(environ[name]) for name in TOOL_VARIABLES.split() if environ.get(name)]
    return named + ([home / name for name in _TOOLCHAINS.split()] if home else [])


def _shown(folders: Iterable[Path], hidden: Sequence[Path], repo: Path) -> set[Path]:
    return {folder for folder in folders if _may_show(folder, hidden) and not folder.is_relative_to(repo)}


def _outermost(folders: set[Path]) -> list[Path]:
    return [folder for folder in sorted(folders) if folders.isdisjoint(folder.parents)]


def credentials(home: Path | None, shown: Sequence[Path]) -> list[Path]:
    """Return the files with credentials inside the toolchain folders that are shown again."""
    bases = ({home} if home else set()) | {folder.parent for folder in shown}
    found = sorted(base / name for base in bases for name in _CREDENTIALS.split())
    return [path for path in found if os.access(path, os.R_OK) and not set(path.parents).isdisjoint(shown)]


def alternates(git_common_dir: Path, hidden: Sequence[Path]) -> list[Path]:
    """Return the object folders of other repositories that this one borrows from, where they are hidden."""
    try:
        lines = (git_common_dir / "objects/info/alternates").read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        return []
    return [path for line in lines if (path := Path(line)).is_absolute() and _may_show(path, hidden)]


def cleaned_configs(git_common_dir: Path) -> Iterator[tuple[str, str]]:
    """Yield (path inside, text) of each git configuration file, without tokens and passwords."""
    for pattern in ("config", "config.worktree", "worktrees/*/config.worktree", "modules/*/config"):
        for path in sorted(git_common_dir.glob(pattern)):
            with contextlib.suppress(OSError):
                text = path.read_text(encoding="utf-8", errors="surrogateescape")
                text = _CONFIG_USERINFO.sub(r"\1", _CONFIG_SECRET.sub(r"\1", text))
                yield f"{GIT_INSIDE}/{path.relative_to(git_common_dir)}", text


def unix_sockets(hidden: Sequence[Path]) -> list[Path]:
    """Return the named Unix sockets of this machine that would be seen inside."""
    try:
        lines = Path("/proc/net/unix").read_text(errors="surrogateescape").splitlines()
    except OSError:
        return []
    paths = {
        Path(words[7]) for line in lines if len(words := line.split(maxsplit=7)) == 8 and words[7][0] == "/"
    }
    return sorted(path for path in paths if not _inside(path, hidden) and os.access(path, os.F_OK))


@contextlib.contextmanager
def mount_points(view: View) -> Iterator[list[tuple[Path, PurePosixPath]]]:
    """Make the places in the copy onto which the overlay is mounted; remove on leaving those that we made.

    Yields (path in the person's tree, relative path). Raises :class:`SelfimproveError` when something that
    the copy holds is in the way: sandboxed code may have put a link there.
    """
    made: list[tuple[PurePosixPath, bool]] = []
    shown = []
    try:
        for name in view.overlay:
            relative, source = PurePosixPath(name), view.repo / name
            if relative.is_absolute() or ".." in relative.parts or not relative.parts:
                raise SelfimproveError(f"an overlay must lie inside the repository: {name!r}")
            if source.exists():
                made.extend(_claim(view.copy, relative, source.is_dir()))
                shown.append((source.resolve(), relative))
        yield shown
    finally:
        for relative, is_folder in reversed(made):
            _release(view.copy, relative, is_folder)


def resolver_files() -> list[Path]:
    """Return the file behind /etc/resolv.conf, which often lies in the hidden /run."""
    path = Path("/etc/resolv.conf").resolve()
    return [path] if os.access(path, os.R_OK) else []


def _claim(copy: Path, relative: PurePosixPath, is_folder: bool) -> Iterator[tuple[PurePosixPath, bool]]:
    """Make what is missing of ``relative`` and its parents; yield each as (path, whether it is a folder)."""
    for part in _way(relative):
        folder = is_folder or part != relative
        if not _exists(copy, part, folder):
            (copy / part).mkdir() if folder else (copy / part).touch()
            yield part, folder


def _way(relative: PurePosixPath) -> list[PurePosixPath]:
    """Return ``relative`` after all its parents, the outermost first."""
    return [*list(reversed(relative.parents))[1:], relative]


def _exists(copy: Path, relative: PurePosixPath, is_folder: bool) -> bool:
    """Return whether it exists; raise when it is not what it should be. The last part is never followed."""
    try:
        mode = (copy / relative).lstat().st_mode
    except FileNotFoundError:
        return False
    if not (stat.S_ISDIR(mode) if is_folder else stat.S_ISREG(mode)):
        raise SelfimproveError(
            f"{relative} in the private copy is in the way of the one in your tree",
            where=str(copy / relative),
            hint=f"remove {copy / relative}",
        )
    return True


def _release(copy: Path, relative: PurePosixPath, is_folder: bool) -> None:
    """Remove a mount point, unless the code inside has put something else there."""
    with contextlib.suppress(OSError, SelfimproveError):
        if not all(_exists(copy, part, is_folder or part != relative) for part in _way(relative)):
            return
        if is_folder:
            (copy / relative).rmdir()
        elif (copy / relative).stat().st_size == 0:
            (copy / relative).unlink()


def _inside(path: Path, folders: Iterable[Path]) -> bool:
    return not set(path.parents).isdisjoint(folders)


def _is_folder(path: Path) -> bool:
    """Return whether it is a folder; one behind a folder that is closed to us is not."""
    with contextlib.suppress(OSError):
        return stat.S_ISDIR(path.stat().st_mode)
    return False


def _may_show(folder: Path, hidden: Sequence[Path]) -> bool:
    home_of_someone = folder.parent == Path("/home")
    readable = _is_folder(folder) and os.access(folder, os.R_OK | os.X_OK)
    return readable and _inside(folder, hidden) and not home_of_someone and ".." not in folder.parts


def _installation(entry: Path, hidden: Sequence[Path]) -> Path:
    """Return the installation around a PATH entry (``x/bin`` with ``x/lib`` beside it), or the entry."""
    for folder in (entry, *entry.parents):
        # Also when HOME is not where they are: CI and containers set it to something else.
        if folder.name in _TOOL_NAMES and _may_show(folder, hidden):
            return folder
    around = entry.parent
    if not _may_show(around, hidden) or (around / ".git").exists():
        return entry
    return around if any((around / sign).exists() for sign in _PREFIX_SIGNS.split()) else entry


def _stands_on(folder: Path) -> list[Path]:
    """Return the installation of the interpreter that a virtual environment links to."""
    with contextlib.suppress(OSError):
        if (folder / "pyvenv.cfg").is_file():
            return [(folder / "bin/python").resolve().parent.parent]
    return []
