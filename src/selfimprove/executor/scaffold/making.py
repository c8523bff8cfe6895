"""Making: which function makes which file, and that nothing of the person's is in its place."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from selfimprove.errors import PatchError
from selfimprove.executor.scaffold import pyproject
from selfimprove.executor.scaffold.editors import editorconfig
from selfimprove.executor.scaffold.ignore import gitignore
from selfimprove.executor.scaffold.licence import licence_files
from selfimprove.executor.scaffold.pipeline import github, gitlab
from selfimprove.executor.scaffold.precommit import precommit
from selfimprove.executor.scaffold.prose import changelog, contributing, security
from selfimprove.executor.scaffold.updates import dependabot, renovate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from selfimprove.codebase.project.facts import Facts

_LICENCES = ("LICENSE", "COPYING", "COPYING.LESSER")
_MERGED = "pyproject.toml"


def _owners(facts: Facts) -> str:
    if not facts.past.owner:
        raise PatchError("it is not known whose code it is")
    return f"* @{facts.past.owner}\n"


MAKERS: dict[str, Callable[[Facts], str]] = {
    **{name: lambda facts, name=name: licence_files(facts)[name] for name in _LICENCES},  # type: ignore[misc]
    "SECURITY.md": security,
    "CONTRIBUTING.md": contributing,
    "CHANGELOG.md": changelog,
    ".github/CODEOWNERS": _owners,
    ".gitlab/CODEOWNERS": _owners,
    ".gitignore": gitignore,
    ".editorconfig": editorconfig,
    ".pre-commit-config.yaml": precommit,
    ".github/workflows/ci.yml": github,
    ".gitlab-ci.yml": gitlab,
    ".github/dependabot.yml": dependabot,
    "renovate.json": renovate,
    _MERGED: pyproject.completed,
}
"""What makes each file from the facts."""


def make(facts: Facts, files: Iterable[str]) -> dict[str, bytes]:
    """Return the contents of ``files``, which belong together.

    Raises PatchError when one of them is there already under any spelling, or the facts do not suffice.
    """
    made: dict[str, bytes] = {}
    wanted = tuple(files)
    for path in wanted:
        if path != _MERGED and path.lower() in facts.lower:
            raise PatchError(f"{path} is there already", where=path, hint="nothing is overwritten")
        if path == _MERGED and not facts.has(path) and path in facts.taken:
            raise PatchError(
                f"{path} is in your tree and not in the last commit", where=path, hint="commit it first"
            )
        made[path] = _maker(path, wanted)(facts).encode("utf-8", "surrogateescape")
    return made


def _maker(path: str, wanted: tuple[str, ...]) -> Callable[[Facts], str]:
    if PurePosixPath(path).name == "py.typed":
        return lambda _facts: ""
    if path == _MERGED and any(one.endswith("/py.typed") for one in wanted):
        return pyproject.with_package_data
    if path not in MAKERS:
        raise PatchError(f"there is no recipe for {path}", where=path)
    return MAKERS[path]
