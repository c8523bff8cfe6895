"""Scan: which Python files and notebooks of a repository are measured, and why the others are not."""

from __future__ import annotations

import os
import stat
from fnmatch import fnmatchcase
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.errors import UsageError
from selfimprove.model.audit import NotAnalysed
from selfimprove.model.history import MEASURED

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

_NOT_THERE = "it is not in the working tree"
# Folders of code that others wrote or a tool made, unless git tracks the file: then it is the project's own.
# One that is itself a package (src/build/__init__.py) is source code all the same.
VENDORED = {
    *(".eggs", ".git", ".nox", ".tox", ".venv", "venv", "__pycache__", "__pypackages__"),
    *("build", "dist", "node_modules", "site-packages"),
}
_NOT_A_FILE = {
    stat.S_IFDIR: "it is a folder or a submodule",
    stat.S_IFIFO: "it is a named pipe",
    stat.S_IFSOCK: "it is a socket",
    stat.S_IFCHR: "it is a device",
    stat.S_IFBLK: "it is a device",
}


class Scan(NamedTuple):
    """``files`` (POSIX, relative to the root, sorted) can be read; ``left_out`` should and cannot.

    ``blobs`` are the blob ids of those files whose content git knows. ``whole`` says that nothing was left
    out because somebody named paths; ``on_disk`` that the files lie in a tree and not in a commit. ``sparse``
    are tracked files that a sparse checkout leaves out of the tree, ``deleted`` those that somebody deleted.
    ``untracked`` are all files that git does not track and does not ignore, None where it was not asked.
    """

    files: tuple[str, ...]
    left_out: tuple[NotAnalysed, ...] = ()
    blobs: Mapping[str, str] = MappingProxyType({})
    whole: bool = True
    on_disk: bool = True
    sparse: frozenset[str] = frozenset()
    deleted: frozenset[str] = frozenset()
    untracked: tuple[str, ...] | None = None


def python_files(
    root: Path,
    listing: Iterable[str],
    paths: Sequence[str] = (),
    exclude: Sequence[str] = (),
    *,
    tracked: Collection[str] = (),
    blobs: Mapping[str, str] | None = None,
    sparse: Collection[str] = (),
) -> Scan:
    """Choose the Python files among ``listing``; nothing is opened, so a pipe or a device never blocks.

    ``listing`` is what git knows (tracked files, and untracked ones that are not ignored, decoded with
    surrogateescape). ``paths`` narrow it to files and folders, absolute or relative to ``root``; what they
    name is measured even when it is excluded or ignored, and a link to a folder means that folder.
    ``exclude`` are globs over paths, folders or names. What is in a folder of VENDORED is left out unless it
    is one of ``tracked``. A link to a file that is measured under its own name is not measured again.
    ``blobs`` are the ids of files that are known to lie there as git has them; ``sparse`` are not there.
    Raises UsageError, with the nearest name, for a path that does not exist or lies outside.
    """
    selection = _Selection(listing, exclude, tracked)
    chosen = sorted({name for path in paths or (".",) for name in _under(root, path, selection)})
    known, absent = blobs or {}, frozenset(sparse)
    reached = _reached(root, chosen, known, absent)
    left_out = tuple(NotAnalysed(name, why) for name, (_, why) in reached.items() if why)
    files = tuple(name for name in chosen if not reached[name][1])
    return Scan(
        files,
        left_out,
        {name: known[name] for name in files if name in known},
        whole=not paths or tuple(paths) == (".",),
        sparse=absent,
        deleted=frozenset(one.path for one in left_out if one.reason == _NOT_THERE),
    )


def _reached(
    root: Path, chosen: Sequence[str], known: Collection[str], absent: Collection[str]
) -> dict[str, tuple[str, str]]:
    """Return for each name the path behind it, and why it is not read (``""``: it is)."""
    real_root = root.resolve()
    reached = {
        name: (name, _unnameable(name)) if name in known else _reality(root, name, real_root, absent)
        for name in chosen
    }
    for name, (real, why) in list(reached.items()):
        if real != name and not why and reached.get(real) == (real, ""):
            shown = real if real.isprintable() else repr(real)
            reached[name] = real, f"it is a symbolic link to {shown}, which is measured"
    return reached


def commit_files(blobs: Mapping[str, str], paths: Sequence[str] = (), exclude: Sequence[str] = ()) -> Scan:
    """Choose the files of a commit among ``blobs`` (path -> blob id), by the same rules; all are tracked.

    A path that the commit does not have is passed over: the person's tree may have more.
    """
    selection = _Selection(blobs, exclude, blobs)
    asked = [os.path.normpath(f"/{path}").lstrip("/") for path in paths] or [""]
    found = {name for place in asked for name in ([place] if place in blobs else selection.below(place))}
    names = sorted(name for name in found if not _unnameable(name))
    left_out = tuple(NotAnalysed(name, _unnameable(name)) for name in sorted(found - set(names)))
    return Scan(tuple(names), left_out, {name: blobs[name] for name in names}, asked == [""], on_disk=False)


def _unnameable(name: str) -> str:
    """Say why neither tasks.yml nor a fingerprint could hold ``name``, ``""`` when they can."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return "its name is not valid UTF-8"
    return ""


def walk(folder: Path) -> Iterator[str]:
    """Yield the files below ``folder``, relative to it: the listing where there is no git to ask."""
    for place, _, names in os.walk(folder):
        for name in names:
            yield (Path(place) / name).relative_to(folder).as_posix()


class _Selection:
    """The listing with the rules of what is left out by name."""

    def __init__(self, listing: Iterable[str], exclude: Sequence[str], tracked: Collection[str]) -> None:
        self.tracked = tracked
        self.names = dict.fromkeys(sorted({name for name in listing if not name.endswith("/")}))
        self.globs = [glob.rstrip("/") for glob in exclude]
        self.packages = {
            name.rpartition("/")[0] for name in self.names if name.rpartition("/")[2] == "__init__.py"
        }

    def inside(self, folder: str) -> Collection[str]:
        """Return the listing below ``folder``, ``""`` being the root."""
        return [name for name in self.names if name.startswith(f"{folder}/")] if folder else self.names

    def below(self, asked: str, names: Iterable[str] | None = None) -> Iterator[str]:
        """Yield what is measured below the folder ``asked``, of ``names`` or else of the listing."""
        out: dict[str, bool] = {}
        for name in self.inside(asked) if names is None else names:
            if not name.endswith(MEASURED):
                continue
            folder = name.rpartition("/")[0]
            if folder not in out:
                out[folder] = bool(folder) and self._vendored(folder, asked)
            if out[folder] and name not in self.tracked:
                continue
            if not any(hits(glob, name) and not hits(glob, asked) for glob in self.globs):
                yield name

    def unknown(self, asked: str, path: str) -> UsageError:
        """Return the error that ``path`` is not there, with the nearest name."""
        folders = {str(parent) for name in self.names for parent in Path(name).parents}
        import difflib

        near = difflib.get_close_matches(asked, [*self.names, *folders], n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else "paths are files or folders of this repository"
        return UsageError(f"there is no file or folder {path}", where=path, hint=hint)

    def _vendored(self, folder: str, asked: str) -> bool:
        """True when ``folder`` or one above it, below what was asked for, holds what others wrote."""
        folders = [folder, *(str(parent) for parent in Path(folder).parents)]
        return any(
            Path(place).name in VENDORED and place not in self.packages
            for place in folders
            if place != asked and not asked.startswith(f"{place}/")
        )


def _under(root: Path, path: str, selection: _Selection) -> Iterator[str]:
    """Yield the files that ``path``, as a person typed it, stands for: also on disk, when git ignores it."""
    asked = _meant(root, _relative(root, path))
    if asked in selection.names or not _is_folder(root / asked):
        if asked not in selection.names and not os.path.lexists(root / asked):
            raise selection.unknown(asked, path)
        yield asked
        return
    here = selection.inside(asked)
    if asked and not here:
        here = [f"{asked}/{name}" for name in walk(root / asked)]
    yield from selection.below(asked, here)


def _meant(root: Path, asked: str) -> str:
    """Return ``asked`` with its folders as they are behind links, when that is inside of ``root``."""
    real_root = os.path.realpath(root)
    full = Path(real_root, asked)
    folder, name = (full, "") if _is_folder(full) else (full.parent, full.name)
    real = os.path.realpath(folder)
    if os.path.commonpath([real, real_root]) != real_root:
        return asked
    meant = os.path.relpath(Path(real, name), real_root)
    return "" if meant == "." else meant


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # its name is too long, or a folder above it is closed
        return False


def _relative(root: Path, path: str) -> str:
    """Return ``path`` relative to ``root`` in POSIX form, ``""`` for the root itself."""
    full = os.path.normpath((root / path).absolute())
    for base in (os.path.normpath(root.absolute()), os.path.realpath(root)):
        if full == base:
            return ""
        if full.startswith(base.rstrip("/") + "/"):
            return Path(full).relative_to(base).as_posix()
    raise UsageError(f"{path} is outside of the repository", where=path, hint=f"name a path below {root}")


def hits(glob: str, path: str) -> bool:
    """True when ``glob`` matches ``path``, a folder above it, or (without a slash) one of their names.

    A slash at its end, as a shell completes a folder, says nothing.
    """
    if not path:
        return False
    glob = glob.removeprefix("./").rstrip("/")
    forms = {glob, glob.removeprefix("**/")}
    parts = path.split("/")
    if "/" in glob:
        parts = ["/".join(parts[: depth + 1]) for depth in range(len(parts))]
    return any(fnmatchcase(part, form) for part in parts for form in forms)


def _reality(root: Path, name: str, real_root: Path, sparse: Collection[str]) -> tuple[str, str]:
    """Return the path behind ``name`` relative to the root, and why it cannot be read (``""`` if it can)."""
    if why := _unnameable(name):
        return name, why
    if name in sparse and not os.path.lexists(root / name):
        return name, "it is not in the working tree (sparse checkout)"
    try:
        real = (root / name).resolve(strict=True)
        mode = real.stat().st_mode
    except (OSError, RuntimeError) as error:
        return name, _why_unreachable(root / name, error)
    if not real.is_relative_to(real_root):
        return name, "it is a symbolic link out of the repository"
    return real.relative_to(real_root).as_posix(), _NOT_A_FILE.get(stat.S_IFMT(mode), "")


def _why_unreachable(path: Path, error: Exception) -> str:
    """Say why ``path`` leads to no file. Python before 3.13 tells of a link's circle with RuntimeError."""
    if not isinstance(error, FileNotFoundError | NotADirectoryError | RuntimeError):
        return str(getattr(error, "strerror", None) or error)
    if not path.is_symlink():
        return _NOT_THERE
    circle = isinstance(error, RuntimeError)
    return "it is a symbolic link that leads back to itself" if circle else "it is a symbolic link to nothing"
