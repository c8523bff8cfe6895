"""The person's git repository: read freely, written only where a run's own branch and copies live."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.errors import GitError, NotARepository
from selfimprove.tools.shell.process import capture

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

ZERO = "0" * 40
BRANCH_PREFIX = "selfimprove/run-"
# Inside a git hook these point git at another repository or index than the one we were asked about.
_FOREIGN = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_OBJECT_DIRECTORY",
    "GIT_COMMON_DIR",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
    "GIT_CEILING_DIRECTORIES",
    "GIT_LITERAL_PATHSPECS",
    "GIT_ATTR_SOURCE",
    "GIT_ATTR_NOSYSTEM",
)
# Without optional locks `git status` does not rewrite the person's index; nothing may wait for a password.
_OURS = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_PAGER": "cat", "LC_ALL": "C.UTF-8"}
_FALLBACK_NAME, _FALLBACK_EMAIL = "selfimprove", "selfimprove@localhost"


class Repo(NamedTuple):
    """One working tree. ``root`` is its top folder; ``git_dir`` and ``common_dir`` are absolute.

    ``environ`` is what every git process gets, less the variables that would point it elsewhere.
    """

    root: Path
    git_dir: Path
    common_dir: Path
    environ: Mapping[str, str]

    def git(
        self,
        *args: str,
        stdin: bytes | None = None,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> bytes:
        """Run git and return its standard output. Raises GitError with git's own words when it fails."""
        code, out, err = self.ask(*args, stdin=stdin, cwd=cwd, env=env)
        if code:
            words = err.decode(errors="replace").strip() or f"exit code {code}"
            raise GitError(f"git {_verb(args)}: {words}", where=str(cwd or self.root))
        return out

    def ask(
        self,
        *args: str,
        stdin: bytes | None = None,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> tuple[int, bytes, bytes]:
        """Run git and return exit code, standard output and standard error."""
        done = capture(["git", *args], cwd=cwd or self.root, env={**self.environ, **(env or {})}, stdin=stdin)
        return done.exit_code, done.stdout, done.stderr

    def line(self, *args: str, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> str | None:
        """Return git's one-line answer, or ``None`` when it fails."""
        code, out, _ = self.ask(*args, cwd=cwd, env=env)
        return os.fsdecode(out).removesuffix("\n") if code == 0 else None

    def head(self) -> str | None:
        """Return the commit that is checked out, ``None`` in a repository without one."""
        return self._head_file() or self.line("rev-parse", "--verify", "--quiet", "HEAD^{commit}")

    def _head_file(self) -> str | None:
        """Return what HEAD says by itself or by a branch that has a file of its own; else git has to be asked."""
        try:
            said = (self.git_dir / "HEAD").read_text(encoding="utf-8").strip()
            if said.startswith("ref: refs/heads/"):
                said = (self.common_dir / said.removeprefix("ref: ")).read_text(encoding="utf-8").strip()
        except (OSError, ValueError):
            return None
        return said if re.fullmatch("[0-9a-f]{40}|[0-9a-f]{64}", said) else None

    def branch(self) -> str | None:
        """Return the short name of the current branch, ``None`` when HEAD is detached."""
        return self.line("symbolic-ref", "--quiet", "--short", "HEAD")

    def resolve(self, ref: str) -> str | None:
        """Return the commit that ``ref`` names, ``None`` when there is none."""
        return self.line("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")

    def tree_of(self, commit: str) -> str:
        """Return the tree id of a commit."""
        return os.fsdecode(self.git("rev-parse", f"{commit}^{{tree}}")).strip()

    def is_ancestor(self, old: str, new: str) -> bool:
        """True when ``old`` is reachable from ``new``; False also when either is gone."""
        return self.ask("merge-base", "--is-ancestor", old, new)[0] == 0

    def files(self) -> list[str]:
        """Return tracked files and untracked ones that are not ignored, relative to the root, POSIX."""
        return _names(
            self.git("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate")
        )

    def tree_names(self, tree: str) -> list[str]:
        """Return the paths of all files in a commit or tree."""
        return _names(self.git("ls-tree", "-r", "-z", "--name-only", "--full-tree", tree))

    def links(self, tree: str) -> list[str]:
        """Return the paths of the submodules in a commit or tree."""
        rows = os.fsdecode(self.git("ls-tree", "-r", "-z", "--full-tree", tree)).split("\0")
        return [row.partition("\t")[2] for row in rows if row.startswith("160000 ")]

    def ignored(self) -> list[str]:
        """Return what git ignores in the tree; a folder stands for all in it and ends with a slash."""
        return _names(
            self.git("ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory")
        )

    def submodules(self) -> list[str]:
        """Return the paths of submodules that the index records."""
        rows = os.fsdecode(self.git("ls-files", "-z", "--stage")).split("\0")
        return [row.partition("\t")[2] for row in rows if row.startswith("160000 ")]

    def uncommitted(self) -> int:
        """Return how many tracked files differ from HEAD or the index."""
        out = self.git("status", "--porcelain", "-z", "--untracked-files=no", "--ignore-submodules=dirty")
        return len(_names(out))

    def exclude(self, patterns: Sequence[str]) -> None:
        """Have git ignore ``patterns`` in this clone only (info/exclude); each is written once."""
        path = self.common_dir / "info" / "exclude"
        text = path.read_text(encoding="utf-8", errors="surrogateescape") if path.exists() else ""
        missing = [pattern for pattern in patterns if pattern not in text.splitlines()]
        if missing:
            path.parent.mkdir(parents=True, exist_ok=True)
            gap = "" if not text or text.endswith("\n") else "\n"
            with path.open("a", encoding="utf-8", errors="surrogateescape") as file:
                file.write(gap + "".join(f"{pattern}\n" for pattern in missing))

    def highest_run(self) -> int:
        """Return the highest N of the branches ``selfimprove/run-N``, 0 when there is none."""
        out = self.git("for-each-ref", "--format=%(refname:short)", f"refs/heads/{BRANCH_PREFIX}*")
        found = [re.fullmatch(re.escape(BRANCH_PREFIX) + r"(\d+)", name) for name in out.decode().split()]
        return max((int(match[1]) for match in found if match), default=0)

    def identity(self) -> dict[str, str]:
        """Return variables that name an author where the person has not configured one, else nothing.

        git would refuse to commit, or invent a name from the host; a run names itself instead.
        """
        strict = ("-c", "user.useConfigOnly=true", "var")
        named = {"AUTHOR": "GIT_AUTHOR_IDENT", "COMMITTER": "GIT_COMMITTER_IDENT"}
        missing = [who for who, ident in named.items() if self.line(*strict, ident) is None]
        return {
            f"GIT_{who}_{key}": value
            for who in missing
            for key, value in (("NAME", _FALLBACK_NAME), ("EMAIL", _FALLBACK_EMAIL))
        }

    def commit_tree(self, tree: str, parent: str, message: str, when: float) -> str:
        """Write a commit object and return its id. The same arguments give the same id, so it can be repeated.

        ``when`` is seconds since the epoch. Signs when the person has ``commit.gpgSign`` on.
        """
        stamp = f"@{int(when)} +0000"
        env = {**self.identity(), "GIT_AUTHOR_DATE": stamp, "GIT_COMMITTER_DATE": stamp}
        sign = ("-S",) if self.line("config", "--type=bool", "commit.gpgSign") == "true" else ()
        out = self.git(
            "-c",
            "i18n.commitEncoding=utf-8",
            "commit-tree",
            *sign,
            "-p",
            parent,
            tree,
            stdin=message.encode(errors="surrogateescape"),
            env=env,
        )
        return out.decode().strip()

    def advance(self, branch: str, new: str, old: str | None, why: str) -> None:
        """Move ``branch`` from ``old`` (``None``: it must not exist) to ``new``, or raise GitError."""
        if self.resolve(f"refs/heads/{branch}") == new:
            return
        env = self.identity()
        self.git(
            "update-ref", "--create-reflog", "-m", why, f"refs/heads/{branch}", new, old or ZERO, env=env
        )

    def diff(self, old: str, new: str) -> bytes:
        """Return the patch between two commits or trees, with binary files whole."""
        return self.git("diff", "--no-color", "--no-ext-diff", "--no-textconv", "--binary", old, new)

    def numstat(self, old: str, new: str) -> list[tuple[int, int, str]]:
        """Return added lines, removed lines and path for each file that differs (-1, -1 for binary)."""
        out = self.git("diff", "--numstat", "-z", "--no-renames", "--no-ext-diff", "--no-textconv", old, new)
        rows = (name.split("\t", 2) for name in _names(out))
        return [(int(a) if a != "-" else -1, int(b) if b != "-" else -1, path) for a, b, path in rows]

    def blob(self, tree: str, path: str) -> bytes | None:
        """Return the bytes of a file as ``tree`` holds it, ``None`` when it does not."""
        code, out, _ = self.ask("cat-file", "blob", f"{tree}:{path}")
        return out if code == 0 else None


def open_repo(cwd: Path, environ: Mapping[str, str]) -> Repo:
    """Return the repository that ``cwd`` is in. Raises NotARepository, MissingTool or GitError."""
    env = {key: value for key, value in environ.items() if key not in _FOREIGN} | _OURS
    if not cwd.is_dir():
        raise NotARepository(
            f"{cwd} is not a folder", where=str(cwd), hint="name the folder of a git repository"
        )
    ask = [
        "git",
        "rev-parse",
        "--path-format=absolute",
        "--is-bare-repository",
        "--absolute-git-dir",
        "--git-common-dir",
        "--show-toplevel",
    ]
    done = capture(ask, cwd=cwd, env=env)
    said = os.fsdecode(done.stdout).removesuffix("\n").split("\n", 3)
    if done.exit_code and len(said) < 3:
        raise _refusal(cwd, done.stderr.decode(errors="replace"))
    if done.exit_code or said[0] == "true":  # the top level was refused: there is none
        raise NotARepository(
            "this is a bare repository or a .git folder; there is no working tree to measure",
            where=str(cwd),
            hint="run selfimprove in a clone that has files",
        )
    _, git_dir, common_dir, top = said
    root = Path(top)
    return Repo(root, Path(git_dir), Path(common_dir), env)


def version(environ: Mapping[str, str]) -> tuple[int, ...] | None:
    """Return git's version as numbers, ``None`` when it does not say one."""
    done = capture(["git", "--version"], cwd=Path("/"), env=dict(environ))
    found = re.search(rb"(\d+)\.(\d+)(?:\.(\d+))?", done.stdout)
    return tuple(int(part or 0) for part in found.groups()) if found else None


def _refusal(cwd: Path, words: str) -> NotARepository | GitError:
    if "dubious ownership" in words:
        return GitError(
            "git refuses this repository: it belongs to another user",
            where=str(cwd),
            hint=f"git config --global --add safe.directory '{cwd}'",
        )
    if "not a git repository" in words:
        return NotARepository("not a git repository", where=str(cwd), hint="cd into one, or: git init")
    return GitError(
        f"git: {words.strip()}", where=str(cwd), hint="run `git status` here to see what git says"
    )


def _verb(args: Sequence[str]) -> str:
    at = 0
    while args[at] == "-c":
        at += 2
    return args[at]


def _names(out: bytes) -> list[str]:
    return [os.fsdecode(name) for name in out.split(b"\0") if name]


def relative(paths: Iterable[Path], root: Path) -> list[str]:
    """Return POSIX paths relative to ``root``."""
    return [path.relative_to(root).as_posix() for path in paths]
