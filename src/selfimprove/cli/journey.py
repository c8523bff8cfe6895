"""The journey of the demo: makes its repository, types the commands there, and tells what came of it."""

from __future__ import annotations

import io
import json
import os
import shlex
import sys
import tempfile
from contextlib import contextmanager, nullcontext, redirect_stdout
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selfimprove.cli.door import Door
from selfimprove.errors import GitError, Interrupted, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from importlib.resources.abc import Traversable

    from selfimprove.model.run import Step

_BRANCH = "main"
_SUFFIX = ".txt"  # on the demo's files in this package, so that no tool takes them for code of ours
_CONFIG = """\
# Settings of this throwaway repository: recorded replies take the place of a model, which is asked at once.
llm:
  backend: scripted
  replies: {replies}
run:
  rewrite: false
check:
  test_command: {tests}
"""
# Whatever the person has configured for all repositories, this one commits, unsigned and without their hooks.
_GIT = {
    "user.name": "selfimprove demo",
    "user.email": "demo@localhost",
    "commit.gpgSign": "false",
    "core.hooksPath": os.devnull,
    "core.autocrlf": "false",
}


@dataclass(frozen=True, slots=True)
class Journey:
    """How the demo went: the run's branch, the outcomes and steps that the journal holds of it."""

    root: Path
    branch: str
    sandbox: str
    outcomes: list[dict[str, Any]]
    steps: list[Step]

    @property
    def landed(self) -> dict[str, Any] | None:
        """The outcome that ended with a commit, if one did."""
        return next((outcome for outcome in self.outcomes if outcome["commit"]), None)

    def to_dict(self) -> dict[str, Any]:
        """Return the ``data`` of the answer."""
        done = self.landed
        return {
            "path": str(self.root),
            "branch": self.branch,
            "commit": done and done["commit"],
            "complexity_before": done and done["metrics"].get("before"),
            "complexity_after": done and done["metrics"].get("after"),
            "sandbox": self.sandbox,
            "outcomes": self.outcomes,
        }


def recorded_replies() -> bytes:
    """Return the replies that come with the package."""
    return (files("selfimprove") / "demo" / "replies.yml").read_bytes()


def tell(door: Door, keep: Path | None, replies: bytes) -> int:
    """Go the journey with these ``replies``, answer in the format that was asked for, and return the exit code."""
    aside = door.format == "json" or door.output is not None
    heard = io.BytesIO()
    try:
        with _redirected(heard) if aside else nullcontext():
            journey = travel(door, _new_folder(door, keep), replies)
    except Interrupted as error:
        if door.format == "json":
            error.code = Interrupted.code  # the run has told it, but not in JSON
        raise
    code = 0 if journey.landed else 1
    return door.answer(journey.to_dict(), heard.getvalue().decode(), exit_code=code) if aside else code


@contextmanager
def _redirected(heard: io.BytesIO) -> Iterator[None]:
    """Let what is written to stdout be heard here."""
    with redirect_stdout(io.TextIOWrapper(heard, "utf-8", "backslashreplace")) as stream:
        yield
        stream.flush()
        stream.detach()


def travel(door: Door, root: Path, replies: bytes) -> Journey:
    """Make the repository in the empty folder ``root`` and go the whole way there, telling it on stdout."""
    from selfimprove.cli.commands.audit import audit
    from selfimprove.cli.commands.plan import plan
    from selfimprove.cli.commands.run import SandboxChoice, run
    from selfimprove.tools.shell.guards import trial

    with _environment(door.environ) as environ:
        inner = Door(environ, root, quiet=door.quiet, verbose=door.verbose, color=door.color, no_input=True)
        _make_repository(inner, root, replies)
        _tell(door, f"A small shop with one function that is too complex, and tests that pass: {root}")
        _type(door, "selfimprove audit")
        audit(inner)
        _type(door, "selfimprove plan --dry-run")
        plan(inner, dry_run=True)
        unprotected, _ = trial(environ)
        _type(door, "selfimprove run --sandbox none" if unprotected else "selfimprove run")
        if unprotected:
            _tell(door, f"({unprotected}; the replies come with this program, so the demo does without)")
        run(inner, sandbox=SandboxChoice.NONE if unprotected else None)
        journey = _look_back(inner, root, "none" if unprotected else "bubblewrap")
    _show(door, journey)
    return journey


@contextmanager
def _environment(environ: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Yield the person's environment without what would make their demo another than everybody's."""
    foreign = ("GIT_", "SELFIMPROVE_", "GITHUB_STEP_SUMMARY")
    kept = {name: value for name, value in environ.items() if not name.startswith(foreign)}
    with tempfile.TemporaryDirectory(prefix="selfimprove-demo-home-") as home:
        yield kept | {
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "XDG_CONFIG_HOME": str(Path(home, "config")),
            "XDG_CACHE_HOME": str(Path(home, "cache")),
        }


def _new_folder(door: Door, keep: Path | None) -> Path:
    """Return an empty folder for the repository. Raises UsageError when there cannot be one."""
    try:
        if keep is None:
            return Path(tempfile.mkdtemp(prefix="selfimprove-demo-")).resolve()
        folder = door.folder / keep
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise UsageError(
                "the folder for the demo is not empty", where=str(keep), hint="name one that does not exist"
            )
        return folder.resolve()
    except OSError as error:
        raise UsageError(
            f"the demo has no folder: {error.strerror}",
            where=str(keep or "the temporary folder"),
            hint="selfimprove demo --keep DIR, with a new folder that you may write to",
        ) from None


def _make_repository(inner: Door, root: Path, replies: bytes) -> None:
    """Make a git repository of the demo's files, with one commit, and our settings in it."""
    from selfimprove.target import STATE
    from selfimprove.tools.git.repo import open_repo
    from selfimprove.tools.shell.process import capture
    from selfimprove.wiring import set_up

    done = capture(
        ["git", "init", "--quiet", "--template=", f"--initial-branch={_BRANCH}"],
        cwd=root,
        env=dict(inner.environ),
    )
    repo = open_repo(root, inner.environ) if done.exit_code == 0 else None
    if repo is None or not repo.root.samefile(root):
        # Without this a repository around the folder would be taken for the demo's.
        raise GitError(
            f"git init: {done.stderr.decode(errors='replace').strip()}",
            where=str(root),
            hint="git --version must say 2.28 or newer",
        )
    for key, value in _GIT.items():
        repo.git("config", key, value)
    data = files("selfimprove") / "demo"
    set_up(inner.target(), dict(_contents(data / "repository")))
    repo.git("add", "--all")
    repo.git("commit", "--quiet", "--message", "A shop: orders, invoices, money")
    tests = f"{shlex.quote(sys.executable)} -m unittest discover -s tests -t ."
    config = _CONFIG.format(replies=f"{STATE}/replies.yml", tests=json.dumps(tests)).encode()
    set_up(inner.target(), {f"{STATE}/config.yaml": config, f"{STATE}/replies.yml": replies})


def _contents(folder: Traversable, above: str = "") -> Iterator[tuple[str, bytes]]:
    """Yield the path and the content of each file that the demo's repository starts with."""
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _contents(entry, f"{above}{entry.name}/")
        elif entry.name.endswith(_SUFFIX):
            yield above + entry.name.removesuffix(_SUFFIX), entry.read_bytes()


def _look_back(inner: Door, root: Path, sandbox: str) -> Journey:
    """Return what the journal says of the run."""
    from selfimprove.wiring import peek_memory

    memory = peek_memory(inner.target())
    runs = memory.journal.runs(limit=1) if memory else []
    if not memory or not runs:
        return Journey(root, "", sandbox, [], [])
    rows = memory.journal.outcomes(run=runs[0].id)
    outcomes = [{key: row[key] for key in row if key not in ("run", "at")} for row in rows]
    return Journey(root, runs[0].branch, sandbox, outcomes, memory.journal.steps(run=runs[0].id))


def _show(door: Door, journey: Journey) -> None:
    """Say what came of it, in the journal's words, and where to look."""
    from selfimprove.report.wording import visible

    checks = [step for step in journey.steps if step.name == "check"]
    rows = [(f"check {step.attempt}", step.summary) for step in checks]
    if done := journey.landed:
        rows.append(("commit", f"{done['commit'][:10]} on {journey.branch}: {done['title']}"))
        if "before" in done["metrics"]:
            rows.append(("complexity", "{before} -> {after}, limit {limit}".format(**done["metrics"])))
    else:
        why = [outcome["reason"] for outcome in journey.outcomes] or ["no task was done"]
        rows.append(("no commit", "; ".join(why)))
    rows += [("look", line) for line in _where_to_look(journey)]
    rows.append(("remove", f"rm -rf {shlex.quote(str(journey.root))}"))
    # Not a table that gives way to the width: half of a path must not be copied.
    _tell(door, "\n" + "\n".join(f"{label:<11} {visible(text)}" for label, text in rows))


def _where_to_look(journey: Journey) -> list[str]:
    logs = [os.path.relpath(outcome["log"], journey.root) for outcome in journey.outcomes if outcome["log"]]
    lines = [f"cd {shlex.quote(str(journey.root))}"]
    if journey.landed:
        lines += [f"git log -p {_BRANCH}..{journey.branch}", f"git diff {_BRANCH} {journey.branch}"]
    if journey.landed:
        lines.append("selfimprove refactor shop/invoice.py:make_invoice --dry-run   the same without a model")
    return [*lines, *(f"less {shlex.quote(log)}" for log in logs), "less .selfimprove/replies.yml"]


def _type(door: Door, line: str) -> None:
    """Show a command as the person would type it."""
    _tell(door, f"\n$ {line}", "bold")


def _tell(door: Door, line: str, style: str = "") -> None:
    door.console(sys.stdout).print(line, style=style, soft_wrap=True)
    sys.stdout.flush()
