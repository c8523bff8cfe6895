"""wily for real: its numbers beside ours and radon's over merges, and a repository that is as it was afterwards."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from radon.complexity import cc_visit
from radon.metrics import mi_visit
from radon.raw import analyze
from radon.visitors import Class

from selfimprove.errors import GitError, MissingTool, SelfimproveError, UsageError
from selfimprove.reflector.engine import Engine
from selfimprove.reflector.trend import trend
from selfimprove.reflector.wily import METRICS, REQUIREMENT, wily_trend
from selfimprove.tools.git.clone import disposable_clone
from selfimprove.tools.git.history import first_parents, tree_blobs
from selfimprove.tools.git.objects import Objects
from selfimprove.tools.git.repo import Repo, open_repo
from selfimprove.tools.shell.venv import python_with

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from selfimprove.model.audit import Trend

ROOT = Path(__file__).resolve().parents[3]
# `make test` installs wily there, so that a test needs no network. Elsewhere it is made once, with the network.
KEPT = Path(os.environ.get("SELFIMPROVE_TEST_WILY") or ROOT / ".venv-wily")


@pytest.fixture(scope="session")
def wily_folder() -> Path:
    python_with(REQUIREMENT, KEPT, dict(os.environ))
    return KEPT


def function(name: str, branches: int) -> str:
    body = "".join(f"    if x > {n}:\n        x -= {n}  # step {n}\n" for n in range(branches))
    return f"def {name}(x):\n    '''Count.'''\n{body}    return x\n\n\n"


@pytest.fixture
def merged(project: Callable[..., Any]) -> Any:
    """A repository whose branches change, delete, add and rename files, and meet again three times."""
    here = project({f"{name}.py": function(name, at) for at, name in enumerate("abcdef", 1)})
    clock = 1_700_000_000

    def later() -> None:
        nonlocal clock
        clock += 60
        here.env |= {"GIT_AUTHOR_DATE": f"@{clock} +0000", "GIT_COMMITTER_DATE": f"@{clock} +0000"}

    def step(message: str, *files: tuple[str, str]) -> None:
        later()
        for path, text in files:
            here.write(path, text)
        here.git("add", "-A")
        here.git("commit", "-q", "-m", message)

    later()
    here.git("commit", "-q", "--amend", "--no-edit", "--reset-author")
    for turn, (ours, theirs) in enumerate(("ab", "cd", "ef")):
        here.git("checkout", "-q", "-b", f"side-{turn}")
        step(f"side {turn}: more", (f"{theirs}.py", function(theirs, 12 + turn) + "# one\n# two\n"))
        here.git("checkout", "-q", "main")
        step(f"main {turn}: less", (f"{ours}.py", "class A:\n    pass\n" + function(ours, 1)))
        here.git("checkout", "-q", f"side-{turn}")
        step(f"side {turn}: new", (f"pkg/new_{turn}.py", function("new", 3) * 2))
        here.git("checkout", "-q", "main")
        step(f"main {turn}: other", (f"other_{turn}.py", function("other", 2)))
        later()
        here.git("merge", "-q", "--no-ff", "-m", f"Merge {turn}", f"side-{turn}")
    here.git("mv", "other_0.py", "renamed.py")
    step("A rename")
    step("A broken file", ("a.py", "def broken(:\n"))
    step("Mended", ("a.py", function("a", 2)))
    return here


@cache
def radon(source: str, metric: str) -> float | None:
    """Return what radon 6 says of a file; complexity as we define it, over functions and closures."""
    try:
        raw = analyze(source)
        if metric == "complexity":
            return float(sum(_complexity(block) for block in cc_visit(source)))
        if metric == "maintainability":
            return float(mi_visit(source, multi=True))
    except SyntaxError:
        return None
    return float(getattr(raw, METRICS[metric].key))


def _complexity(block: Any) -> int:
    return (
        0 if isinstance(block, Class) else block.complexity + sum(_complexity(one) for one in block.closures)
    )


class Value(NamedTuple):
    """One number of one file in one revision."""

    subject: str
    path: str
    value: float | None


def values(shown: Trend) -> dict[tuple[str, str], Value]:
    return {
        (revision.commit, line.path): Value(revision.subject, line.path, value)
        for line in shown.lines
        for revision, value in zip(shown.revisions, line.values, strict=True)
    }


def disagreements(here: Any, shown: Trend) -> list[Value]:
    """Return the values of a trend that differ from what radon says of `git show REVISION:PATH`."""
    repo, wrong = repo_of(here), []
    for (commit, path), told in values(shown).items():
        source = repo.blob(commit, path)
        truth = None if source is None else radon(source.decode(), shown.metric)
        same = (
            truth == told.value
            if None in (truth, told.value)
            else abs((truth or 0) - (told.value or 0)) < 1e-6
        )
        if not same:
            wrong.append(told)
    return wrong


def repo_of(here: Any) -> Repo:
    return open_repo(here.root, here.env)


def own_trend(repo: Repo, metric: str, paths: Iterable[str]) -> Trend:
    def read(ids: Iterable[str]) -> Iterator[tuple[str, bytes | None]]:
        with Objects(repo) as objects:
            yield from objects.read(ids)

    commits = first_parents(repo, 100)
    return trend(metric, commits, tree_blobs(repo, "HEAD"), Engine(None, read, 1), paths=tuple(paths))


@pytest.mark.parametrize("metric", METRICS)
def test_ours_is_radon_everywhere(merged: Any, metric: str) -> None:
    paths = [path for path in tree_blobs(repo_of(merged), "HEAD") if path != "renamed.py"]
    shown = own_trend(repo_of(merged), metric, paths)
    assert len(values(shown)) == len(shown.revisions) * len(paths) > 100
    assert disagreements(merged, shown) == []


@pytest.mark.parametrize("metric", ["maintainability", "lines", "sloc", "lloc", "comments"])
def test_wily_on_a_straight_line_is_radon(merged: Any, wily_folder: Path, metric: str) -> None:
    repo = repo_of(merged)
    shown, own = wily_trend(repo, 100, metric, folder=wily_folder), own_trend(repo, metric, ())
    assert [one.commit for one in shown.revisions] == [one.commit for one in own.revisions]
    assert shown.total == pytest.approx(own.total)
    assert len(values(shown)) > 90
    assert disagreements(merged, shown) == []


def test_wily_by_itself_is_wrong_after_merges_and_ours_is_not(merged: Any, wily_folder: Path) -> None:
    repo = repo_of(merged)
    paths = list(tree_blobs(repo, "HEAD"))
    shown = wily_trend(repo, 100, "lines", folder=wily_folder, paths=paths, merged=True)
    wrong = disagreements(merged, shown)
    # The commit after one of another branch has that branch's numbers for what it did not change itself.
    assert {(one.subject, one.path) for one in wrong} >= {
        (f"{branch} {turn}: {what}", path)
        for turn, (ours, side) in enumerate(("ab", "cd", "ef"))
        for branch, what, path in (("main", "less", f"{side}.py"), ("side", "new", f"{ours}.py"))
    }
    truth = values(own_trend(repo, "lines", paths))
    theirs = values(shown)
    ours_right = [key for key, told in theirs.items() if told in wrong and key in truth]
    assert ours_right, "some of the wrong values are on the branch's own line"
    assert all(truth[key].value != theirs[key].value for key in ours_right)


def test_wilys_complexity_is_another_number(project: Callable[..., Any], wily_folder: Path) -> None:
    text = "class A:\n    def f(self):\n        assert self\n\n        def g():\n            return 1\n"
    here = project({"a.py": text, "broken.py": "def f(:\n"})
    shown = wily_trend(repo_of(here), 1, folder=wily_folder, paths=["a.py", "broken.py"])
    # Class and method, no assert, no closure; nothing for what cannot be parsed. radon and we say 3: f has 2, g 1.
    assert {line.path: line.values for line in shown.lines} == {"a.py": (3,), "broken.py": (0,)}
    assert radon(text, "complexity") == 3


def _odd(here: Any, tmp_path: Path, state: str) -> Any:
    """Bring the repository into a state in which wily itself refuses to work, or would leave traces."""
    if state == "dirty":
        here.write("a.py", "x = 1\n")
        here.write("untracked.py", "y = 1\n")
        here.git("add", "-A")
        here.write("b.py", "z = 1\n")
    elif state == "detached":
        here.git("checkout", "-q", "--detach", "HEAD~1")
    elif state == "shallow":
        here.git("clone", "-q", "--depth=3", here.root.as_uri(), str(tmp_path / state))
        here.root = tmp_path / state
    elif state == "worktree":
        here.git("worktree", "add", "-q", str(tmp_path / state))
        here.root = tmp_path / state
    elif state == "hooks and settings":
        hook = here.write(".git/hooks/post-checkout", "#!/bin/sh\ntouch '%s'\n" % (tmp_path / "hooked"))
        hook.chmod(0o755)
        here.write("wily.cfg", "[wily]\npath = elsewhere\noperators = halstead\n")
        here.write(".gitattributes", "*.py text eol=crlf filter=mine\n")
        here.git("add", "-A")
        here.git("commit", "-q", "-m", "Settings")
        here.git("config", "filter.mine.smudge", "false")
        here.git("config", "filter.mine.required", "true")
        (tmp_path / "hooked").unlink(missing_ok=True)
    elif state == "links":
        (here.root / "out").symlink_to("/")
        (here.root / "loop").symlink_to(".")
        here.write("caf\u00e9.py", "x = 1\n")
        here.git("add", "-A")
        here.git("commit", "-q", "-m", "Links")
    return here


STATES = ("dirty", "detached", "shallow", "worktree", "hooks and settings", "links")


@pytest.mark.parametrize("state", STATES)
def test_nothing_of_the_persons_changes(merged: Any, wily_folder: Path, tmp_path: Path, state: str) -> None:
    here = _odd(merged, tmp_path, state)
    before, homes = everything(here.root), everything(Path(here.env["HOME"]))
    repo = repo_of(here)
    shown = wily_trend(repo, 100, "lines", folder=wily_folder)
    own = own_trend(repo, "lines", ())
    assert [one.commit for one in shown.revisions] == [one.commit for one in own.revisions]
    assert shown.total == pytest.approx(own.total)
    assert shown.complete == (state != "shallow")
    assert disagreements(here, shown) == []
    assert everything(here.root) == before
    assert everything(Path(here.env["HOME"])) == homes
    assert not (tmp_path / "hooked").exists()


def everything(root: Path) -> dict[str, str]:
    """Return a fingerprint of every file below ``root``, with that of .git and the times of changing them."""
    return {
        str(
            path.relative_to(root)
        ): f"{path.lstat().st_mtime_ns} {hashlib.sha256(path.read_bytes()).hexdigest()}"
        for path in root.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_leaves_nothing_behind(
    merged: Any, wily_folder: Path, tmp_path: Path, signum: signal.Signals
) -> None:
    (tmp_path / "tmp").mkdir()
    cache = Path(merged.env["XDG_CACHE_HOME"])
    cache.mkdir()
    (cache / "selfimprove").symlink_to(wily_folder)
    before = everything(merged.root)
    env = {"TMPDIR": str(tmp_path / "tmp")}
    child = merged.start("audit", "--trend", "100", "--history", "wily", "--no-cache", env=env)
    patience = time.monotonic() + 60
    while not list((tmp_path / "tmp").glob("*/home/wily/*")):  # wily has begun
        assert child.poll() is None, child.communicate()
        assert time.monotonic() < patience
        time.sleep(0.01)
    child.send_signal(signum)
    child.communicate(timeout=60)
    assert child.returncode == 128 + signum
    assert not list((tmp_path / "tmp").glob("selfimprove-*"))
    assert everything(merged.root) == before


def test_when_wily_fails(project: Callable[..., Any], tmp_path: Path) -> None:
    here = project({"a.py": "x = 1\n"})
    program = tmp_path / "wily"
    program.write_text("#!/bin/sh\necho 'the fox is ill' >&2\nexit 3\n")
    program.chmod(0o755)
    with pytest.raises(SelfimproveError, match="the fox is ill"):
        wily_trend(repo_of(here), 5, folder=tmp_path, program=str(program))
    with pytest.raises(MissingTool):
        wily_trend(repo_of(here), 5, folder=tmp_path, program=str(tmp_path / "no-wily"))
    with pytest.raises(UsageError, match="no metric cognitive"):
        wily_trend(repo_of(here), 5, "cognitive", folder=tmp_path)


def test_without_a_commit(project: Callable[..., Any], tmp_path: Path) -> None:
    shown = wily_trend(repo_of(project(commit=False)), 5, folder=tmp_path, program="/bin/false")
    assert (shown.revisions, shown.total, shown.lines) == ((), (), ())


def test_a_clone_that_lacks_its_files(project: Callable[..., Any], tmp_path: Path) -> None:
    here = project({"a.py": "x = 1\n"})
    shutil.rmtree(here.root / ".git/objects" / here.git("rev-parse", "HEAD:a.py")[:2])
    with (
        pytest.raises(GitError, match="copy"),
        disposable_clone(repo_of(here), here.git("rev-parse", "HEAD")),
    ):
        pass


def test_offline_the_error_says_what_to_do(clean_env: dict[str, str], tmp_path: Path) -> None:
    nowhere = {
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_RETRIES": "0",
        "PIP_CONFIG_FILE": os.devnull,
    }
    with pytest.raises(MissingTool) as caught:
        python_with(REQUIREMENT, tmp_path / "venvs", clean_env | nowhere)
    assert REQUIREMENT in caught.value.message
    assert "network" in caught.value.hint
    assert list((tmp_path / "venvs").iterdir()) == []


def test_two_processes_make_one_environment(clean_env: dict[str, str], tmp_path: Path) -> None:
    package = tmp_path / "src"
    package.mkdir()
    (package / "foxes.py").write_text("COUNT = 7\n")
    (package / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    )
    (package / "backend.py").write_text(BACKEND)
    code = (
        "import sys, os, pathlib; from selfimprove.tools.shell.venv import python_with; "
        f"print(python_with({f'foxes @ {package.as_uri()}'!r}, pathlib.Path({str(tmp_path / 'venvs')!r}), os.environ))"
    )
    both = [
        subprocess.Popen([sys.executable, "-c", code], env=clean_env, stdout=subprocess.PIPE, text=True)
        for _ in "12"
    ]
    said = {child.communicate(timeout=200)[0].strip() for child in both}
    assert [child.returncode for child in both] == [0, 0]
    (python,) = said
    done = subprocess.run([python, "-c", "import foxes; print(foxes.COUNT)"], capture_output=True, text=True)
    assert done.stdout == "7\n", done.stderr
    assert len(list((tmp_path / "venvs").iterdir())) == 1


# The least that pip accepts, so that no index is asked for anything.
BACKEND = """
import zipfile

def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = "foxes-1.0-py3-none-any.whl"
    with zipfile.ZipFile(f"{folder}/{name}", "w") as wheel:
        wheel.write("foxes.py")
        wheel.writestr("foxes-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: foxes\\nVersion: 1.0\\n")
        wheel.writestr("foxes-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("foxes-1.0.dist-info/RECORD", "")
    return name
"""
