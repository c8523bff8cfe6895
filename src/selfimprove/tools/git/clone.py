"""Clone: a throwaway repository with the person's commits, for programs that check every revision out."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from selfimprove.errors import GitError
from selfimprove.tools.shell.process import capture
from selfimprove.tools.shell.venv import without_python

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from selfimprove.tools.git.repo import Repo

# Files come out byte for byte as they were committed, links as small files with their target's name: who
# walks through the tree never leaves it. Names are not quoted for programs that do not know of quoting.
_CONFIG = {
    "core.symlinks": "false",
    "core.quotePath": "false",
    "core.autocrlf": "false",
    "core.logAllRefUpdates": "false",
    "gc.auto": "0",
}
_ATTRIBUTES = "* -text -eol -crlf -filter -ident -working-tree-encoding\n"


@dataclass(frozen=True, slots=True)
class Clone:
    """A repository at ``path``. Programs in it get ``environ``, in which ``home`` stands for the home folder."""

    path: Path
    home: Path
    environ: Mapping[str, str]

    def git(self, *args: str, stdin: bytes | None = None) -> bytes:
        """Run git here and return what it says. Raises GitError."""
        done = capture(["git", *args], cwd=self.path, env=self.environ, stdin=stdin)
        if done.exit_code:
            words = done.stderr.decode(errors="replace").strip() or f"exit code {done.exit_code}"
            raise GitError(f"a copy of the repository cannot be made: git {args[0]}: {words}")
        return done.stdout


@contextmanager
def disposable_clone(repo: Repo, commit: str, line: Sequence[str] | None = None) -> Iterator[Clone]:
    """Yield a clone of ``repo`` with ``commit`` (a full id) checked out on a branch; then delete it all.

    Nothing in ``repo`` is changed, whatever its state: objects are read where they are, and nothing else of
    it is used. With ``line``, the newest first, history in the clone is exactly these commits, each the only
    parent of the one before, under their own ids. Raises GitError when objects are missing.
    """
    with tempfile.TemporaryDirectory(prefix="selfimprove-clone-", ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve()
        home = folder / "home"
        home.mkdir()
        clone = Clone(folder / "clone", home, _environ(repo.environ, home))
        clone.path.mkdir()
        _fill(clone, repo, commit)
        if line:
            _straighten(clone, line)
        clone.git("read-tree", "-m", "-u", "HEAD")
        yield clone


def _fill(clone: Clone, repo: Repo, commit: str) -> None:
    form = "sha256" if len(commit) == 64 else "sha1"
    clone.git("init", "-q", "--template=", f"--object-format={form}")
    git_dir = clone.path / ".git"
    for key, value in _CONFIG.items():
        clone.git("config", key, value)
    (git_dir / "info").mkdir(exist_ok=True)
    (git_dir / "info" / "attributes").write_text(_ATTRIBUTES, encoding="ascii")
    alternates = git_dir / "objects" / "info" / "alternates"
    alternates.parent.mkdir(exist_ok=True)
    alternates.write_bytes(os.fsencode(repo.common_dir / "objects") + b"\n")
    shallow = repo.common_dir / "shallow"
    if shallow.is_file():
        (git_dir / "shallow").write_bytes(shallow.read_bytes())
    clone.git("update-ref", "HEAD", commit)


def _straighten(clone: Clone, line: Sequence[str]) -> None:
    """Give each commit of ``line`` only the next one for a parent, by replacements that git itself follows."""
    # `git replace --graft` takes one process for each commit, and refuses merges of signed tags.
    said = clone.git("cat-file", "--batch", stdin="".join(f"{one}\n" for one in line).encode())
    drafts: dict[str, Path] = {}
    for commit, parent in zip(line, [*line[1:], ""], strict=True):
        head, _, rest = said.partition(b"\n")
        if not rest:
            raise GitError(f"a copy of the repository cannot be made: {os.fsdecode(head)}")
        size = int(head.rpartition(b" ")[2])
        data, said = rest[:size], rest[size + 1 :]
        # What the repository has already is not written again: git would renew the time of the person's file.
        if (wanted := _with_parent(data, parent)) != data:
            drafts[commit] = clone.home / commit
            drafts[commit].write_bytes(wanted)
    names = "".join(f"{path}\n" for path in drafts.values()).encode()
    made = clone.git("hash-object", "-t", "commit", "-w", "--literally", "--stdin-paths", stdin=names)
    orders = (
        f"create refs/replace/{old} {new}\n" for old, new in zip(drafts, made.decode().split(), strict=True)
    )
    clone.git("update-ref", "--stdin", stdin="".join(orders).encode())
    clone.git("pack-refs", "--all")
    (clone.path / ".git" / "shallow").unlink(missing_ok=True)


def _with_parent(commit: bytes, parent: str) -> bytes:
    """Return a commit object with ``parent`` (``""``: none), and without signatures, which no longer hold."""
    header, _, message = commit.partition(b"\n\n")
    rows = {row.partition(b" ")[0]: row for row in header.split(b"\n") if not row.startswith(b" ")}
    kept = [rows[b"tree"], *([b"parent " + parent.encode()] if parent else [])]
    kept += [rows[key] for key in (b"author", b"committer", b"encoding") if key in rows]
    return b"\n".join(kept) + b"\n\n" + message


def _environ(environ: Mapping[str, str], home: Path) -> dict[str, str]:
    """Return ``environ`` with this home, less the settings of the person's git and Python."""
    ours = {
        "HOME": str(home),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_AUTHOR_NAME": "selfimprove",
        "GIT_AUTHOR_EMAIL": "selfimprove@localhost",
        "GIT_COMMITTER_NAME": "selfimprove",
        "GIT_COMMITTER_EMAIL": "selfimprove@localhost",
        "LC_ALL": "C.UTF-8",
        "PYTHONUTF8": "1",
    }
    kept = {
        key: value
        for key, value in without_python(environ).items()
        if not key.startswith(("GIT_", "XDG_", "PYTHON"))
    }
    return kept | ours
