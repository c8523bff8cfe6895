"""Facts: what a repository says about itself, put together from its files and its history; nothing is guessed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from selfimprove.codebase.languages import language_of
from selfimprove.codebase.project.licence import Stated, agreed, stated
from selfimprove.codebase.project.manifest import Manifest, read_manifests
from selfimprove.codebase.project.packages import Package, packages
from selfimprove.codebase.project.past import Past
from selfimprove.codebase.project.style import Style, styles

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_NESTED = re.compile(
    r"(^|/)(tests?|testing|examples?|docs?|fixtures?|testdata|node_modules|vendor|third_party|templates?|\.[^/]+)/"
)
_HEADED = (".py", ".js", ".ts", ".rs", ".go", ".c", ".h", ".cpp", ".java", ".sh")
_HEADS = 60  # source files of which the head is read for a licence
_README = re.compile(r"readme(\.(md|rst|txt|adoc|markdown))?", re.IGNORECASE)

ECOSYSTEMS = (  # a manifest's name, and what the updaters of dependencies call it
    (re.compile(r"uv\.lock"), "uv"),
    (re.compile(r"pyproject\.toml|setup\.py|setup\.cfg|requirements[\w.-]*\.txt|Pipfile"), "pip"),
    (re.compile(r"package\.json"), "npm"),
    (re.compile(r"Cargo\.toml"), "cargo"),
    (re.compile(r"go\.mod"), "gomod"),
    (re.compile(r"Gemfile|[\w.-]+\.gemspec"), "bundler"),
    (re.compile(r"composer\.json"), "composer"),
    (re.compile(r"pom\.xml"), "maven"),
    (re.compile(r"build\.gradle(\.kts)?"), "gradle"),
    (re.compile(r"mix\.exs"), "mix"),
    (re.compile(r"[\w.-]+\.(csproj|fsproj)"), "nuget"),
    (re.compile(r"pubspec\.yaml"), "pub"),
    (re.compile(r"Dockerfile([.-][\w.-]+)?|Containerfile"), "docker"),
)


@dataclass(frozen=True)
class Facts:
    """What is known of one state of a repository.

    ``names`` are its files, ``read`` returns the text of one of them (``""``: it cannot be read). ``taken`` are
    paths, in lower case, that hold something in the person's own tree although ``names`` lacks them. ``test_command``
    is how its tests are run on any machine, ``""`` when it has none; ``choice`` the SPDX identifier of a
    person's choice.
    """

    names: tuple[str, ...]
    read: Callable[[str], str]
    past: Past = field(default_factory=Past)
    test_command: str = ""
    taken: frozenset[str] = frozenset()
    choice: str = ""

    @cached_property
    def lower(self) -> frozenset[str]:
        """All paths in lower case, with those that the person has beside the repository's own."""
        return frozenset(name.lower() for name in self.names) | self.taken

    @cached_property
    def manifests(self) -> tuple[Manifest, ...]:
        """The manifests at the top."""
        return read_manifests(frozenset(self.names), self.read)

    @cached_property
    def languages(self) -> Mapping[str, int]:
        """How many files each language has, the commonest first."""
        counts: dict[str, int] = {}
        for name in self.names:
            language = language_of(name)
            counts[language] = counts.get(language, 0) + 1
        return dict(sorted(counts.items(), key=lambda one: (-one[1], one[0])))

    @cached_property
    def packages(self) -> tuple[Package, ...]:
        """The Python packages."""
        return packages(self.names, self.read)

    @cached_property
    def styles(self) -> Mapping[str, Style]:
        """How files are written, by extension."""
        return styles(self.names, self.read)

    @cached_property
    def readme(self) -> str:
        """The README's path, ``""`` without one."""
        found = (name for name in self.names if _README.fullmatch(name))
        return min(found, key=lambda name: (not name.endswith((".md", ".rst")), name), default="")

    @cached_property
    def statements(self) -> tuple[Stated, ...]:
        """What is said about the licence."""
        heads = [name for name in self.names if name.endswith(_HEADED) and not _NESTED.search(name)]
        return stated(self.manifests, self.readme, heads[:_HEADS], self.read)

    @property
    def licence(self) -> str:
        """The SPDX identifier of the licence: the person's choice, else what is stated; ``""`` when that is open."""
        return self.choice or agreed(self.statements)

    @cached_property
    def ecosystems(self) -> Mapping[str, tuple[str, ...]]:
        """The package managers in use, each with the folders (``/``, ``/web``) in which its manifests lie."""
        found: dict[str, set[str]] = {}
        for name in self.names:
            path = PurePosixPath(name)
            for pattern, ecosystem in ECOSYSTEMS:
                if pattern.fullmatch(path.name) and not _NESTED.search(name):
                    found.setdefault(ecosystem, set()).add(f"/{path.parent.as_posix()}".rstrip(".") or "/")
        if "uv" in found:  # its lock file stands beside the manifest that pip would read
            rest = found.get("pip", set()) - found["uv"]
            found = {key: value for key, value in found.items() if key != "pip"} | (
                {"pip": rest} if rest else {}
            )
        return {key: tuple(sorted(value)) for key, value in sorted(found.items())}

    @property
    def name(self) -> str:
        """The project's name: of a manifest, else of the remote; ``""`` when neither says."""
        named = next((" ".join(one.name.split())[:80] for one in self.manifests if one.name), "")
        return named or self.past.slug.rpartition("/")[2]

    @property
    def contacts(self) -> tuple[str, ...]:
        """The e-mail addresses that manifests give for the authors."""
        return tuple(dict.fromkeys(mail for one in self.manifests for _, mail in one.authors if mail))

    def manifest(self, path: str) -> Manifest | None:
        """Return the manifest ``path``, None when there is none."""
        return next((one for one in self.manifests if one.path == path), None)

    def has(self, *paths: str) -> bool:
        """True when one of ``paths`` is a file of the repository."""
        return any(path in self._set for path in paths)

    @cached_property
    def _set(self) -> frozenset[str]:
        return frozenset(self.names)
