"""Runs the target's own git hooks on a private copy, inside the sandbox, as `git commit` would."""

from __future__ import annotations

import dataclasses
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from selfimprove.executor.bench import run_shut_in
from selfimprove.executor.mounting import view_of
from selfimprove.tools.shell.mounts import GIT_INSIDE

if TYPE_CHECKING:
    from selfimprove.executor.bench import Bench
    from selfimprove.tools.git.worktree import Copy
    from selfimprove.tools.shell.process import Completed

_INSIDE = "/run/selfimprove/hook"


@dataclass(frozen=True, slots=True)
class HookResult:
    """What a hook did: ``ran`` is False where there is none, ``tree`` is what it left staged."""

    ran: bool
    ok: bool
    tree: str
    output: str = ""
    seconds: float = 0.0


def run_hook(
    name: str,
    args: tuple[str, ...],
    copy: Copy,
    tree: str,
    bench: Bench,
    *,
    log: Path,
    message: Path | None = None,
) -> HookResult:
    """Run hook ``name`` on a copy that holds ``tree``; what it stages is taken up into ``tree``.

    The hook works on an index and an object folder of its own, so that nothing in the person's ``.git`` can
    be written, whatever it runs. ``message`` is a file that is handed to it as its first argument and may be
    rewritten.
    """
    hook = find_hook(name, copy, bench)
    if hook is None:
        return HookResult(False, True, tree)
    # Beside the copy and named like it, so that it is found and removed after a kill.
    with tempfile.TemporaryDirectory(prefix=f"{copy.path.name}-hook-", dir=copy.path.parent) as folder:
        desk = Path(folder)
        (desk / "objects").mkdir()
        index = {
            "GIT_INDEX_FILE": str(desk / "index"),
            "GIT_OBJECT_DIRECTORY": str(desk / "objects"),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(copy.repo.common_dir / "objects"),
        }
        copy.git("read-tree", tree, env=index)
        copy.repo.ask("update-index", "-q", "--refresh", cwd=copy.path, env=index)
        if message:
            (desk / "message").write_bytes(message.read_bytes())
        done = _start(hook, args, copy, desk, bench, log, with_message=message is not None)
        if message and (desk / "message").is_file() and not (desk / "message").is_symlink():
            message.write_bytes((desk / "message").read_bytes())
        left = _take_up(copy, tree, index) if name == "pre-commit" else tree
    said = done.tail.removeprefix(_header(name))
    return HookResult(True, done.exit_code == 0, left, said, done.seconds)


def find_hook(name: str, copy: Copy, bench: Bench) -> Path | None:
    """Return the executable hook file, ``None`` where there is none."""
    answer = bench.repo.line(
        "rev-parse", "--path-format=absolute", "--git-path", f"hooks/{name}", cwd=copy.path
    )
    hook = Path(answer) if answer else None
    return hook if hook and hook.is_file() and os.access(hook, os.X_OK) else None


def _start(
    hook: Path, args: tuple[str, ...], copy: Copy, desk: Path, bench: Bench, log: Path, *, with_message: bool
) -> Completed:
    shut_in = bench.sandbox().name != "none"
    place = _INSIDE if shut_in else str(desk)
    objects = f"{GIT_INSIDE}/objects" if shut_in else str(copy.repo.common_dir / "objects")
    env = {
        "GIT_INDEX_FILE": f"{place}/index",
        "GIT_OBJECT_DIRECTORY": f"{place}/objects",
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": objects,
        "GIT_EDITOR": ":",
        "GIT_REFLOG_ACTION": "commit",
    }
    if home := bench.environ.get("HOME"):
        env["PRE_COMMIT_HOME"] = bench.environ.get("PRE_COMMIT_HOME", f"{home}/.cache/pre-commit")
    program, extra = _seen_inside(hook, copy) if shut_in else (str(hook), ())
    view = view_of(copy)
    view = dataclasses.replace(view, binds=(*view.binds, (desk, _INSIDE, True), *extra))
    words = [program, *([f"{place}/message"] if with_message else []), *args]
    return run_shut_in(bench, words, view, env=env, log=log, header=_header(hook.name))


def _header(name: str) -> str:
    return f"$ hook {name}\n"


def _seen_inside(hook: Path, copy: Copy) -> tuple[str, tuple[tuple[Path, str, bool], ...]]:
    """Return the hook's path inside the sandbox and what has to be mounted for it."""
    real = hook.resolve()
    for outside, inside in (
        (copy.repo.common_dir.resolve(), GIT_INSIDE),
        (copy.path.resolve(), str(copy.repo.root.resolve())),
    ):
        if real.is_relative_to(outside):
            return f"{inside}/{real.relative_to(outside)}", ()
    return f"/run/selfimprove/hooks/{real.name}", ((real.parent, "/run/selfimprove/hooks", False),)


def _take_up(copy: Copy, tree: str, index: dict[str, str]) -> str:
    """Bring what the hook staged into the repository's objects and the copy, and return the new tree."""
    rows = copy.git(
        "diff-index", "--cached", "--raw", "--no-abbrev", "--no-renames", "-z", tree, env=index
    ).split(b"\0")
    for head, path in zip(rows[::2], rows[1::2], strict=False):
        _, mode, _, blob, change = head.decode().split(" ")
        name = os.fsdecode(path)
        if change == "D":
            copy.git("update-index", "--force-remove", "--", name)
            continue
        content = copy.git("cat-file", "blob", blob, env=index)
        stored = copy.git("hash-object", "-w", "--stdin", stdin=content).decode().strip()
        copy.git("update-index", "--add", "--cacheinfo", f"{mode},{stored},{name}")
    return copy.git("write-tree").decode().strip()


def rewritten(copy: Copy) -> list[str]:
    """Return tracked files that differ from the copy's index: a formatter hook changed them and did not stage."""
    return [os.fsdecode(name) for name in copy.git("diff-files", "--name-only", "-z").split(b"\0") if name]
