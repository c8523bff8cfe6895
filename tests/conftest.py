"""What tests share: real git repositories, and the real command in a clean environment."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

_KEPT = ("PATH", "LANG", "LC_ALL", "PYENV_ROOT", "PYTHONPATH")
OURS = {"tasks.yml", ".selfimprove", "logs", ".git"}


@dataclass(frozen=True)
class Result:
    """How a command ended: exit code, standard output and standard error."""

    code: int
    out: str
    err: str


@dataclass
class Project:
    """A git repository in a temporary folder, and the environment that commands get in it."""

    root: Path
    env: dict[str, str]
    more: dict[str, str] = field(default_factory=dict)

    def git(self, *args: str, check: bool = True) -> str:
        """Run git here and return its output."""
        done = subprocess.run(["git", *args], cwd=self.root, env=self.env, capture_output=True, text=True)
        if check and done.returncode:
            raise AssertionError(f"git {args}: {done.stderr}")
        return done.stdout.strip()

    def run(
        self,
        *args: str,
        env: Mapping[str, str] | None = None,
        stdin: str | None = None,
        timeout: float = 120,
        check: int | None = None,
        cwd: Path | None = None,
    ) -> Result:
        """Run selfimprove here; with ``check`` the exit code must be that."""
        done = subprocess.run(
            [sys.executable, "-m", "selfimprove", *args],
            cwd=cwd or self.root,
            env=self._env(env),
            input=stdin,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            timeout=timeout,
            stdin=subprocess.DEVNULL if stdin is None else None,
        )
        result = Result(done.returncode, done.stdout, done.stderr)
        assert check is None or result.code == check, (
            f"exit {result.code}, not {check}\n{result.out}\n{result.err}"
        )
        return result

    def start(self, *args: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start selfimprove here, in a session of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "selfimprove", *args],
            cwd=self.root,
            env=self._env(env),
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def write(self, path: str, text: str | bytes) -> Path:
        """Write a file, with its folders."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        return file

    def read(self, path: str) -> str:
        """Return a file's text."""
        return (self.root / path).read_text(encoding="utf-8")

    def replies(self, *entries: dict[str, Any]) -> dict[str, str]:
        """Write recorded replies outside the repository and return the variables that select them."""
        file = self.root.parent / f"replies-{len(list(self.root.parent.glob('replies-*')))}.yml"
        file.write_text(yaml.safe_dump({"replies": list(entries)}, sort_keys=False), encoding="utf-8")
        return {"SELFIMPROVE_LLM__BACKEND": "scripted", "SELFIMPROVE_LLM__REPLIES": str(file)}

    def state(self) -> dict[str, str]:
        """Return a fingerprint of all that a run must leave as it is."""
        git = self.root / ".git"
        found = {f"file {name}": value for name, value in _tree(self.root)}
        for name in ("index", "HEAD", "config", "ORIG_HEAD", "FETCH_HEAD", "MERGE_HEAD"):
            if (git / name).is_file():
                found[f"git {name}"] = hashlib.sha256((git / name).read_bytes()).hexdigest()
        refs = self.git("for-each-ref", "--format=%(refname) %(objectname)").splitlines()
        found["refs"] = "\n".join(ref for ref in refs if not ref.startswith("refs/heads/selfimprove/"))
        found["stash"] = self.git("stash", "list")
        return found

    def _env(self, more: Mapping[str, str] | None) -> dict[str, str]:
        return self.env | self.more | dict(more or {})


def _tree(root: Path) -> Iterator[tuple[str, str]]:
    for folder, folders, names in os.walk(root):
        if Path(folder) == root:
            folders[:] = [name for name in folders if name not in OURS]
            names = [name for name in names if name not in OURS]
        for name in (*names, *folders):
            path = Path(folder) / name
            mode = path.lstat().st_mode
            content = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else b""
            data = content.encode() if isinstance(content, str) else content
            yield str(path.relative_to(root)), f"{mode:o} {hashlib.sha256(data).hexdigest()}"


@pytest.fixture
def clean_env(tmp_path: Path) -> dict[str, str]:
    """An environment with a home of its own and nothing that leaks in."""
    home = tmp_path / "home"
    home.mkdir()
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    who = {
        "GIT_AUTHOR_NAME": "A Person",
        "GIT_AUTHOR_EMAIL": "person@example.org",
        "GIT_COMMITTER_NAME": "A Person",
        "GIT_COMMITTER_EMAIL": "person@example.org",
        "GIT_CONFIG_NOSYSTEM": "1",
    }
    folders = {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_DATA_HOME": str(home / ".local/share"),
        "TERM": "xterm",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    return kept | who | folders


@pytest.fixture
def project(tmp_path: Path, clean_env: dict[str, str]) -> Callable[..., Project]:
    """A function that makes a git repository of the given files, committed unless told otherwise."""
    count = 0

    def make(files: Mapping[str, str | bytes] | None = None, *, commit: bool = True) -> Project:
        nonlocal count
        count += 1
        root = tmp_path / f"project-{count}"
        root.mkdir()
        made = Project(root, clean_env)
        made.git("init", "-q", "-b", "main")
        for path, text in (files or {}).items():
            made.write(path, text)
        if commit:
            made.git("add", "-A")
            made.git("commit", "-q", "--allow-empty", "-m", "First")
        return made

    return make
