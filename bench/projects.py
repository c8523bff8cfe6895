"""Projects that the benchmarks measure: pinned releases from PyPI, each a fresh git repository."""

from __future__ import annotations

import ast
import contextlib
import os
import random
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# Name: what pip is to download. Wheels need no build, but these sdists hold their tests too.
PINNED = {
    "flask": "flask==3.1.0",  # 83 files
    "celery": "celery==5.4.0",  # 385 files
    "networkx": "networkx==3.4.2",  # 582 files
    "pip": "pip==24.3.1",  # 441 files, three of them tables of thousands of rows
    "sympy": "sympy==1.13.3",  # 1,518 files, among them tables of several thousand lines
}
_FROM_SOURCE = {"flask", "celery"}
FIRST = 1_704_067_200  # seconds since the epoch: the start of 2024
_WHO = {"NAME": "Bench", "EMAIL": "bench@example.org"}
GIT_ENV = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in _WHO.items()} | {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
}


def source(name: str) -> Path:
    """Return the folder with the unpacked release ``name``; it is downloaded once, into the user's cache."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "selfimprove-bench"
    folder = cache / PINNED[name].replace("==", "-")
    if not folder.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            _unpack(_download(name, Path(scratch)), Path(scratch) / "unpacked")
            with contextlib.suppress(OSError):  # another process was faster
                (Path(scratch) / "unpacked").rename(folder)
    return folder


def repository(name: str, folder: Path) -> Path:
    """Make ``folder`` a git repository with the release ``name`` as its only commit, and return it."""
    shutil.copytree(source(name), folder)
    git(folder, "init", "-q", "-b", "main")
    commit(folder, f"{PINNED[name]} as released")
    return folder


def with_history(name: str, folder: Path, commits: int, seed: int = 1) -> Path:
    """Make a repository whose history has ``commits`` seeded edits of real code, the same ones each time.

    Each commit changes one to five files: it takes a whole function out, or puts one in that was taken out
    of another file before, so that every revision of every file is a program that people wrote.
    """
    repository(name, folder)
    files = sorted(path for path in folder.rglob("*.py") if _blocks(path))
    dice = random.Random(seed)
    spare: list[str] = [_blocks(dice.choice(files))[0] for _ in range(20)]
    for number in range(commits):
        for path in dice.sample(files, dice.randint(1, min(5, len(files)))):
            _edit(path, dice, spare)
        commit(folder, f"Edit {number + 1}", hours=number + 1)
    return folder


def python_files(folder: Path) -> list[str]:
    """Return the Python files that git knows in ``folder``."""
    out = git(folder, "ls-files", "-z", "*.py")
    return [name for name in out.split("\0") if name]


def commit(folder: Path, message: str, hours: int = 0) -> None:
    """Commit everything in ``folder``, so many hours after the first commit."""
    when = {f"GIT_{role}_DATE": f"@{FIRST + 3600 * hours} +0000" for role in ("AUTHOR", "COMMITTER")}
    git(folder, "add", "-A", "-f")
    git(folder, "commit", "-q", "--allow-empty", "-m", message, more=when)


def git(folder: Path, *args: str, more: Mapping[str, str] | None = None) -> str:
    """Run git in ``folder`` without the person's settings and return its output."""
    env = os.environ | GIT_ENV | dict(more or {})
    done = subprocess.run(["git", *args], cwd=folder, env=env, check=True, capture_output=True)
    return os.fsdecode(done.stdout)


def _download(name: str, folder: Path) -> Path:
    form = "--no-binary" if name in _FROM_SOURCE else "--only-binary"
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "download",
            "-q",
            "--no-deps",
            form,
            ":all:",
            "-d",
            folder,
            PINNED[name],
        ],
        check=True,
    )
    (found,) = (path for path in folder.iterdir() if path.is_file())
    return found


def _unpack(archive: Path, folder: Path) -> None:
    if archive.suffix == ".whl":
        zipfile.ZipFile(archive).extractall(folder)
        return
    with tempfile.TemporaryDirectory(dir=archive.parent) as scratch:
        with tarfile.open(archive) as packed:
            packed.extractall(scratch, filter="data")
        (top,) = Path(scratch).iterdir()
        top.rename(folder)


def _blocks(path: Path) -> list[str]:
    """Return the functions at the top level of a file, each with the empty lines before the next thing."""
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines(keepends=True)
    found = []
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef):
            first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
            found.append("".join(lines[first - 1 : node.end_lineno]))
    return found


def _edit(path: Path, dice: random.Random, spare: list[str]) -> None:
    """Take a function out of ``path``, or put one of ``spare`` at its end."""
    text, blocks = path.read_text(encoding="utf-8"), _blocks(path)
    if len(blocks) > 1 and dice.random() < 0.5:
        block = dice.choice(blocks)
        spare.append(block)
        path.write_text(text.replace(block, "", 1).rstrip("\n") + "\n", encoding="utf-8")
    else:
        block = spare.pop(dice.randrange(len(spare))) if len(spare) > 5 else dice.choice(spare)
        path.write_text(f"{text.rstrip(chr(10))}\n\n\n{block.rstrip(chr(10))}\n", encoding="utf-8")


def main() -> None:
    """Download all projects and say where they are."""
    for name in PINNED:
        print(f"{PINNED[name]:16} {len(list(source(name).rglob('*.py'))):6,} files  {source(name)}")


if __name__ == "__main__":
    main()
