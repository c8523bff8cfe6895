"""Corpora of the search benchmarks: pinned releases of packages and pinned commits of public repositories."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import NamedTuple

import projects


class Project(NamedTuple):
    """A project that queries are made from.

    ``package`` is the release whose documentation makes queries: ``pypi:name==1.2`` (as source, since that
    has the tests too), ``npm:name@1.2``, or ``""`` for the repository at ``base``. ``base`` is the commit
    that is searched for the subjects of the commits between it and ``tip``.
    """

    name: str
    package: str
    repository: str
    base: str
    tip: str


# What the benchmark measures. Nothing of these may be used for training or weights.
TEST = (
    Project("flask", "pypi:flask==3.1.0", "pallets/flask", "cfd5783a984c", "2ac89889f4cc"),
    Project("celery", "pypi:celery==5.4.0", "celery/celery", "7adc9e6afc13", "5dc781f0bd5f"),
    Project("scrapy", "pypi:scrapy==2.11.2", "scrapy/scrapy", "bdf3067935fd", "11079cb1c85b"),
    Project("sqlparse", "pypi:sqlparse==0.5.3", "andialbrecht/sqlparse", "28c4d4026e1d", "60cdc649726b"),
    Project("httpx", "pypi:httpx==0.28.1", "encode/httpx", "a2a69e4bf7fc", "ae1b9f66238f"),
    Project("axios", "npm:axios@1.7.9", "axios/axios", "477c71427dc1", "23a25af0688d"),
    Project("gin", "", "gin-gonic/gin", "c964ad370bbe", "dcaa4296d111"),
    Project("ripgrep", "", "BurntSushi/ripgrep", "44aa5a417d39", "3fce3b5bb023"),
)
# What the weights of the re-ranker are learned from: other projects.
LEARN = (
    Project("click", "pypi:click==8.1.8", "pallets/click", "a97412d7faed", "2c8cd3ac958a"),
    Project("boltons", "pypi:boltons==24.1.0", "mahmoud/boltons", "c39643c92650", "967864f89791"),
    Project("jinja", "pypi:jinja2==3.1.5", "pallets/jinja", "06c7c6fee10b", "5ef70112a1ff"),
    Project("tornado", "pypi:tornado==6.4.2", "tornadoweb/tornado", "41a932eaa9ab", "e530031405e2"),
    Project("pytest", "pypi:pytest==8.3.4", "pytest-dev/pytest", "fd90f701b335", "df87db7b0462"),
    Project("aiohttp", "pypi:aiohttp==3.11.11", "aio-libs/aiohttp", "0e91b3cb6945", "495e778360d1"),
    Project("express", "npm:express@4.21.2", "expressjs/express", "a163e2cdf488", "a3714473feb3"),
    Project("vue", "", "vuejs/core", "9a5174217630", "e2bede96134f"),
    Project("cobra", "", "spf13/cobra", "9a432671fd84", "adbc8813901b"),
    Project("serde", "", "serde-rs/serde", "1b8310d98abf", "1023d077510b"),
)


class Unavailable(Exception):
    """A corpus cannot be had here: no network, no such release, no such commit."""


def cache() -> Path:
    """Return the folder that downloads are kept in, of the user's cache."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "selfimprove-bench"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def package(spec: str) -> Path:
    """Return the folder with an unpacked release; it is downloaded once. Raises Unavailable."""
    registry, _, wanted = spec.partition(":")
    folder = cache() / f"{registry}-{wanted.replace('==', '-').replace('/', '-').replace('@', '-')}"
    if not folder.is_dir():
        with tempfile.TemporaryDirectory(dir=cache()) as name:
            scratch = Path(name)
            _download(registry, wanted, scratch)
            found = [path for path in scratch.iterdir() if path.is_file()]
            if len(found) != 1:
                raise Unavailable(f"{spec}: not exactly one archive came")
            _unpack(found[0], scratch / "unpacked")
            if not folder.is_dir():
                (scratch / "unpacked").rename(folder)
    return folder


def clone(project: Project, mirrors: Path | None) -> Path:
    """Return a git directory that holds the project's history up to ``tip``. Raises Unavailable.

    It is ``mirrors/owner+name/repo`` where that folder exists, otherwise a bare clone from GitHub, made once.
    """
    flat = project.repository.replace("/", "+")
    if mirrors and (mirrors / flat / "repo").is_dir():
        return mirrors / flat / "repo"
    place = cache() / f"git-{flat}"
    if not place.is_dir():
        scratch = Path(tempfile.mkdtemp(dir=cache()))
        url = f"https://github.com/{project.repository}"
        try:
            _run(["git", "clone", "-q", "--bare", url, str(scratch / "repo")], url)
            (scratch / "repo").rename(place)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return place


def checkout(project: Project, folder: Path, mirrors: Path | None) -> Path:
    """Make ``folder`` a working copy of the project at ``base``, with the history before it, and return it.

    What came after ``base`` cannot be reached from its HEAD. Raises Unavailable.
    """
    origin = clone(project, mirrors)
    _run(
        ["git", "clone", "-q", "--shared", "--no-checkout", "--no-tags", str(origin), str(folder)],
        project.name,
    )
    _run(["git", "-C", str(folder), "checkout", "-q", "--detach", project.base], project.name)
    return folder


def _download(registry: str, wanted: str, folder: Path) -> None:
    if registry == "npm":
        return _run(["npm", "pack", "--silent", "--pack-destination", str(folder), wanted], wanted)
    pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps"]
    form = ["--only-binary" if registry == "wheel" else "--no-binary", ":all:"]
    return _run([*pip, *form, "-d", str(folder), wanted], wanted)


def _run(command: list[str], what: str) -> None:
    env = os.environ | projects.GIT_ENV | {"GIT_TERMINAL_PROMPT": "0"}
    try:
        subprocess.run(command, check=True, capture_output=True, env=env, timeout=900)
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", b"") or b""
        last = os.fsdecode(said).strip().splitlines()[-1:] or [str(error)]
        raise Unavailable(f"{what}: {last[0][:200]}") from error


def _unpack(archive: Path, folder: Path) -> None:
    if archive.suffix == ".whl":
        shutil.unpack_archive(archive, folder, "zip")
        return
    with tempfile.TemporaryDirectory(dir=archive.parent) as scratch:
        with tarfile.open(archive) as packed:
            packed.extractall(scratch, filter="data")
        tops = [path for path in Path(scratch).iterdir() if path.is_dir()]
        if len(tops) != 1:
            raise Unavailable(f"{archive.name}: not exactly one folder in it")
        tops[0].rename(folder)


def main() -> None:
    """Download every release and say where it is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.parse_args()
    for project in (one for one in (*TEST, *LEARN) if one.package):
        try:
            print(f"{project.package:28} {package(project.package)}")
        except Unavailable as error:
            print(f"{project.package:28} not available: {error}")


if __name__ == "__main__":
    main()
