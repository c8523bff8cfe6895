"""The pairs that the embedding is trained on: what a comment says of a function, and the function without it."""

from __future__ import annotations

import ast
import json
import re
import sysconfig
import tomllib
import warnings
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).resolve().parent
PERMISSIVE = re.compile(
    r"(mit|x11|isc|0bsd|(new |modified |3-clause |2-clause )?bsd([- ][234][- ]clause)?|apache([- ](2(\.0)?|software))?"
    r"|bsl-1\.0|zlib|unlicense|cc0-1\.0|psf(-2\.0)?|python software foundation|llvm-exception)([- ]?licen[cs]e)?"
)
"""Licences, written in any of the usual ways, under which a release may be trained on."""

LONGEST = 120
"""Lines of a function beyond which the rest is not read."""

_SKIPPED = {
    "vendor",
    "_vendor",
    "vendored",
    "vendored_packages",
    "third_party",
    "externals",
    "extern",
    "node_modules",
}
_BRACED = {".js": "js", ".mjs": "js", ".ts": "js", ".go": "go", ".rs": "rust"}
_DECLARES = {
    "js": re.compile(
        r"^\s*(export |default |async |static |public |protected |private |get |set )*"
        r"(function\*?\s+(\w+)|class\s+(\w+)|([\w$#]+)\s*\([^;]*\)[^;]*\{)"
    ),
    "go": re.compile(r"^func\s+(\(\w*\s*\*?(\w+)[^)]*\)\s*)?(\w+)"),
    "rust": re.compile(
        r"^\s*(pub(\([^)]*\))?\s+)?(const |unsafe |async |extern \"\w+\" )*(fn|struct|trait|enum)\s+(\w+)"
    ),
}
_NO_NAMES = ("if", "for", "while", "switch", "catch", "function")
_ATTRIBUTE = re.compile(r"^\s*(#\[|@\w)")
_MARKS = re.compile(r"^\s*(/\*\*|\*/|\*|///|//|/\*)? ?|\s*\*/\s*$")
_WORD = re.compile(r"[A-Za-z]{2,}")


class Pair(NamedTuple):
    """A description in words and what it describes: where it is, its qualified name and its text."""

    project: str
    words: str
    path: str
    name: str
    text: str


class Refused(Exception):
    """A release is not there in the wanted version, or its licence is not permissive."""


def pairs(use: str, downloads: Path) -> Iterator[Pair]:
    """Yield the pairs of all releases listed under ``use`` (``train`` or ``hold``). Raises Refused."""
    listed = tomllib.loads((HERE / "packages.toml").read_text())[use]
    if use == "train":
        yield from _of_python_itself()
    for name, entry in listed["pypi"].items():
        yield from _of_installed(name, entry["version"])
    for name, entry in (*listed.get("npm", {}).items(), *listed.get("apt", {}).items()):
        folder = downloads / f"{name.replace('@', '').replace('/', '-')}-{entry['version']}"
        _allowed(name, _says(folder) or entry["licence"])
        for part in entry.get("folders", [""]):
            yield from _of_unpacked(name, folder, part)


def _of_python_itself() -> Iterator[Pair]:
    """Yield the pairs of the standard library."""
    folder = Path(sysconfig.get_path("stdlib"))
    files = (path for path in sorted(folder.rglob("*.py")) if "site-packages" not in path.parts)
    yield from _read("stdlib", folder, files)


def _of_installed(name: str, version: str) -> Iterator[Pair]:
    """Yield the pairs of a Python package. Raises Refused."""
    release = _installed(name, version)
    files = sorted(
        Path(str(release.locate_file(one))) for one in release.files or () if str(one).endswith(".py")
    )
    yield from _read(name, Path(str(release.locate_file(""))), files)


def _of_unpacked(name: str, folder: Path, part: str) -> Iterator[Pair]:
    """Yield the pairs of an unpacked npm or apt package: of its first folder ``part``, of all if ``""``."""
    roots = [path for path in folder.rglob(Path(part).name) if str(path).endswith(part)] if part else [folder]
    for root in roots[:1]:
        files = (path for path in sorted(root.rglob("*")) if path.suffix in _BRACED and path.is_file())
        yield from _read(name, root, files)


def first_sentence(comment: str) -> str:
    """Return the first sentence of a comment on one line, ``""`` if it says too little to be looked for."""
    paragraph = comment.strip().split("\n\n")[0]
    line = re.sub(r"\s+", " ", re.sub(r"[`*{}]|:\w+:|@\w+.*", " ", paragraph)).strip()
    sentence = re.split(r"(?<=[a-z)\]])\. |\.$|: *$|(?<=\w)\.  ", line)[0]
    many = len(_WORD.findall(sentence))
    return " ".join(sentence.split()[:40]) if many >= 3 and sentence.isascii() else ""


def _installed(name: str, version: str) -> metadata.Distribution:
    try:
        release = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        raise Refused(f"{name} {version} is not installed: pip install --no-deps {name}=={version}") from None
    if release.version != version:
        raise Refused(f"{name} is installed as {release.version}, not {version}")
    about = release.metadata
    marks = [one.split("::")[-1] for one in about.get_all("Classifier") or () if one.startswith("License ::")]
    licence = about.get("License-Expression") or ",".join(one for one in marks if "OSI Approved" not in one)
    _allowed(name, licence or (about.get("License") or "").strip().split("\n")[0])
    return release


def _says(folder: Path) -> str:
    """Return the licence that an npm package names."""
    found = folder / "package" / "package.json"
    return str(json.loads(found.read_text()).get("license", "?")) if found.is_file() else ""


def _allowed(name: str, licence: str) -> None:
    """Raise Refused unless every licence of an expression is permissive; of alternatives one is enough."""
    for one in re.split(r"\s+AND\s+|\s+WITH\s+|,", licence):
        choices = re.split(r"\s+OR\s+", one.strip(" ()"), flags=re.IGNORECASE)
        if not any(PERMISSIVE.fullmatch(choice.strip(" ()").lower()) for choice in choices):
            raise Refused(f"{name} is under {licence!r}, which is not known as permissive")


def _read(project: str, root: Path, files: Iterator[Path] | list[Path]) -> Iterator[Pair]:
    for path in files:
        inside = path.relative_to(root)
        if _SKIPPED & set(inside.parts) or not path.is_file() or path.stat().st_size > 1_000_000:
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        found = _python(text) if path.suffix == ".py" else _braced(text, _BRACED[path.suffix])
        for words, name, body in found:
            if words:
                yield Pair(project, words, str(inside), name, body[:6000])


def _python(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield (description, qualified name, text) of the documented definitions of a module."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    lines = text.splitlines()
    waiting: list[tuple[ast.AST, str]] = [(tree, "")]
    while waiting:
        node, around = waiting.pop()
        for child in ast.iter_child_nodes(node):
            if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                waiting.append((child, around))
                continue
            name = f"{around}{child.name}"
            waiting.append((child, f"{name}."))
            comment = ast.get_docstring(child)
            if comment and len(child.body) > 1:
                yield first_sentence(comment), name, _without_docstring(child, lines)


def _without_docstring(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, lines: list[str]) -> str:
    begin = min([node.lineno, *(one.lineno for one in node.decorator_list)]) - 1
    end = node.end_lineno or node.lineno
    if isinstance(node, ast.ClassDef):  # its methods are functions of their own
        inner = (one for one in node.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef))
        end = min([end, *(one.lineno - 1 - len(one.decorator_list) for one in inner)])
    comment = node.body[0]
    kept = lines[begin : comment.lineno - 1] + lines[comment.end_lineno or end : end]
    return "\n".join(kept[:LONGEST])


def _braced(text: str, language: str) -> Iterator[tuple[str, str, str]]:
    """Yield (description, name, text) of what a leading comment describes, in a language with braces."""
    lines = text.splitlines()
    comment: list[str] = []
    for at, line in enumerate(lines):
        bare = line.strip()
        if bare.startswith(("/**", "///", "* ", "*/", "//")) or (comment and bare == "*"):
            if bare.startswith("/**"):
                comment = []
            comment.append(_MARKS.sub("", line))
            continue
        if comment and _ATTRIBUTE.match(line):
            continue
        name = _declared(line, language) if comment else []
        if name:
            yield (
                _unnamed(first_sentence("\n".join(comment)), name[-1]),
                ".".join(name[-2:] if language == "go" else name[-1:]),
                _block(lines, at),
            )
        comment = []


def _declared(line: str, language: str) -> list[str]:
    """Return the names in the head of a definition, its own last; none for a line that defines nothing."""
    declared = _DECLARES[language].match(line)
    if not declared:
        return []
    name = [one for one in declared.groups() if one and re.fullmatch(r"[\w$#]+", one)]
    return name if name and name[-1] not in _NO_NAMES else []


def _unnamed(said: str, name: str) -> str:
    """Return a description without the name that Go's custom begins it with: nobody asks by what he looks for."""
    return said[len(name) :].strip() if said.startswith(f"{name} ") else said


def _block(lines: list[str], at: int) -> str:
    """Return the lines from ``at`` to the closing brace at the same depth."""
    depth = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
    for end in range(at, min(at + LONGEST, len(lines))):
        if (end > at and lines[end].startswith((depth + "}", depth + ")"))) or (
            end == at and "}" in lines[at]
        ):
            return "\n".join(lines[at : end + 1])
    return "\n".join(lines[at : at + LONGEST])
