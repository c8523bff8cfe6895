"""Elsewhere: which file of the project an import in a language other than Python means."""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from selfimprove.codebase.portrait.outline import Outline

_ENDINGS = (
    "",
    ".ts",
    ".tsx",
    ".js",
    ".jsx",
    ".mjs",
    ".vue",
    ".svelte",
    ".d.ts",
    ".scss",
    ".proto",
    ".dart",
    ".rb",
    ".php",
)
_INDEX = ("index.ts", "index.tsx", "index.js", "index.mjs")
_DOTTED = frozenset({"java", "kotlin", "scala", "groovy"})
_NEAR = frozenset({"c", "cpp", "objc", "cuda", "glsl"})
_NODE = frozenset({"javascript", "typescript", "tsx", "vue", "svelte"})
_MOST_PER_IMPORT = 200


class Elsewhere:
    """The files of the project as other languages name them: by a path, a dotted path, or a Go module's path."""

    def __init__(self, outlines: Mapping[str, Outline], manifests: Mapping[str, bytes]) -> None:
        self.outlines = outlines
        self._go = list(_go_modules(manifests))
        self._packages = dict(_node_packages(manifests))
        self._folders: dict[str, list[str]] = defaultdict(list)
        self._ends: dict[str, list[str]] = defaultdict(list)
        for path, one in outlines.items():
            if one.language == "go" and not path.endswith("_test.go"):
                self._folders[posixpath.dirname(path)].append(path)
            if one.language in _DOTTED or one.language in _NEAR:
                self._ends[posixpath.basename(path)].append(path)

    def files(self, module: str, path: str) -> Iterator[str]:
        """Yield the files that ``module``, named by an import in ``path``, stands for; none where it is not ours."""
        language = self.outlines[path].language
        if language == "go":
            yield from self._go_package(module)
        elif language in _DOTTED:
            yield from self._by_end(f"{module.replace('.', '/')}.{path.rpartition('.')[2]}")
        elif (
            module.startswith(("./", "../"))
            or module in (".", "..")
            or language in (*_NEAR, "scss", "proto", "dart")
        ):
            yield from self._near(module, path)
        elif language in _NODE:
            yield from self._node_package(module)

    def _node_package(self, module: str) -> Iterator[str]:
        """Yield the front of another package of the repository, or the file in it that is named."""
        name = "/".join(module.split("/")[: 2 if module.startswith("@") else 1])
        folder = self._packages.get(name)
        if folder is not None:
            inside = module.removeprefix(name).lstrip("/")
            fronts = (
                [f"{inside}{end}" for end in _ENDINGS]
                if inside
                else [*_INDEX, *(f"src/{one}" for one in _INDEX)]
            )
            choices = (posixpath.join(folder, one) for one in reversed(fronts))
            yield from [one for one in choices if one in self.outlines][:1]

    def _near(self, module: str, path: str) -> Iterator[str]:
        base = posixpath.normpath(posixpath.join(posixpath.dirname(path), module))
        stem = re.sub(r"\.(?:js|mjs|jsx)$", "", base)  # TypeScript names its own files by what they become
        choices = [
            *(f"{base}{end}" for end in _ENDINGS),
            *(f"{stem}{end}" for end in _ENDINGS[1:4]),
            *(f"{base}/{name}" for name in _INDEX),
        ]
        found = next((one for one in choices if one in self.outlines), None)
        if found:
            yield found
        elif self.outlines[path].language in _NEAR:
            yield from self._by_end(module)

    def _by_end(self, end: str) -> Iterator[str]:
        """Yield the one file whose path ends so; two of them say nothing."""
        found = [one for one in self._ends.get(posixpath.basename(end), ()) if f"/{one}".endswith(f"/{end}")]
        if len(found) == 1:
            yield found[0]

    def _go_package(self, module: str) -> Iterator[str]:
        for name, folder in self._go:
            if module == name or module.startswith(f"{name}/"):
                inside = posixpath.join(folder, module.removeprefix(name).lstrip("/")).rstrip("/")
                yield from self._folders.get(inside, ())[:_MOST_PER_IMPORT]
                return


def _node_packages(manifests: Mapping[str, bytes]) -> Iterator[tuple[str, str]]:
    """Yield the name and the folder of each package of Node's below the top."""
    for path, data in manifests.items():
        if path.endswith("/package.json"):
            named = re.search(rb'^\s*"name"\s*:\s*"([^"\n]+)"', data, re.MULTILINE)
            if named:
                yield named[1].decode("utf-8", "replace"), posixpath.dirname(path)


def _go_modules(manifests: Mapping[str, bytes]) -> Iterator[tuple[str, str]]:
    """Yield the path and the folder of each Go module, the longest path first."""
    found = []
    for path, data in manifests.items():
        if posixpath.basename(path) == "go.mod":
            named = re.search(rb"^module\s+(\S+)", data, re.MULTILINE)
            if named:
                found.append((named[1].decode("utf-8", "replace"), posixpath.dirname(path)))
    yield from sorted(found, key=lambda pair: (-len(pair[0]), pair))
