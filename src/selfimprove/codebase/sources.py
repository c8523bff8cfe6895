"""Sources: which files of a repository are indexed, and why the others are not."""

from __future__ import annotations

import os
import re
import stat
from fnmatch import translate
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.codebase.languages import language_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

LARGEST = 2_000_000
"""No file with more bytes is read."""
LARGEST_DATA = 200_000
"""The same for files of data: tables, JSON, lock files. They have words by the thousand and say little."""
_DATA = frozenset(("", "csv", "ini", "json", "jupyter", "text", "toml", "xml", "yaml"))
_DOCUMENTS = frozenset(("asciidoc", "latex", "markdown", "org", "rst", "text"))
_LONG_LINES = 400  # bytes in a line, on average, from which on nobody wrote the file
_HEAD = 2000  # bytes in which a generator says so, and a binary file shows it

# Folders with what others wrote or a tool made, also where git tracks them; scan.VENDORED but for build/ and dist/,
# which many track as their own. That module is not imported for them: a search starts without it.
_VENDORED = {
    *(
        ".eggs",
        ".git",
        ".nox",
        ".tox",
        ".venv",
        "venv",
        "__pycache__",
        "__pypackages__",
        "node_modules",
        "site-packages",
    ),
    *(
        "vendor",
        "vendored",
        "_vendor",
        "third_party",
        "third-party",
        "thirdparty",
        "3rdparty",
        "bower_components",
    ),
    *("jspm_packages", "web_modules", "Pods", "Carthage", "Godeps", ".yarn", ".pnpm-store", "__snapshots__"),
    *(".hg", ".svn", ".idea", ".vs", ".gradle", ".terraform", ".next", ".nuxt", ".cache", ".selfimprove"),
    *(".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis", ".ipynb_checkpoints", "htmlcov"),
}
_MADE_NAMES = """
package-lock.json npm-shrinkwrap.json yarn.lock pnpm-lock.yaml bun.lock poetry.lock uv.lock pdm.lock pipfile.lock
cargo.lock gemfile.lock composer.lock go.sum mix.lock pubspec.lock packages.lock.json podfile.lock flake.lock
package.resolved cartfile.resolved gradle.lockfile deno.lock conan.lock rebar.lock configure aclocal.m4 ltmain.sh
config.guess config.sub gradlew gradlew.bat mvnw mvnw.cmd
"""
_MADE_ENDINGS = """
.min.js .min.css .min.mjs -min.js .bundle.js .map .snap .pbxproj .storyboard .xib _pb2.py _pb2_grpc.py _pb2.pyi .pb.go
.pb.cc .pb.h .pb.gw.go _pb.js _pb.ts _pb.d.ts .pb.swift .g.dart .freezed.dart .designer.cs .g.cs .g.i.cs .generated.cs
.tsbuildinfo .orig .rej .log
"""
_BINARIES = """
7z a aac ai aif apk avi avif bin blend bmp br bz2 cab cer class cur dat dds deb der dll dmg doc docx dylib ear egg eot
exe exr fbx flac flv gif glb gpg gz heic icns ico img iso jar jpeg jpg jks keystore ktx lib lz lz4 lzma m4a m4v mid mkv
mo mov mp3 mp4 mpeg mpg msi ncb npy npz nupkg o obj odp ods odt ogg ogv onnx opus otf p12 parquet pb pch pdb pdf pfx
pickle pkl png ppt pptx psd pth pyc pyd pyo qm rar rlib rpm safetensors sav sig skp snk so sqlite sqlite3 db stl suo swf
swp tar tga tgz tif tiff ttc ttf wad war wasm wav webm webp whl wma wmv woff woff2 xcf xls xlsx xz z zip zst h5 hdf5
feather arrow orc tflite caffemodel ckpt gguf ipa aar
"""
_MADE, _MADE_ENDS = frozenset(_MADE_NAMES.split()), tuple(_MADE_ENDINGS.split())
_BINARY = frozenset(_BINARIES.split())
# Looked for in lower case. A person's file may speak of generated code; so only what says it of the file itself.
_HINTS = (b"generated", b"do not edit", b"do not modify", b"do not change")
_LINGUIST = re.compile(r"(-?)linguist-(generated|vendored)(?:=(\w+))?")


class SourceFile(NamedTuple):
    """A file to index: its path, its size in bytes, and when its content and when anything of it was changed."""

    path: str
    size: int
    mtime_ns: int
    ctime_ns: int


class Sources(NamedTuple):
    """The files to index, by path, and those that are not, each with the reason."""

    files: tuple[SourceFile, ...]
    left_out: tuple[tuple[str, str], ...]


def choose(root: Path, names: Iterable[str]) -> Sources:
    """Choose the files to index among ``names`` (POSIX, relative to ``root``); none of them is opened.

    Left out is what is no regular file (a link's file has its own name), what cannot be named or reached, what
    ``.gitattributes`` at the top calls linguist-generated or linguist-vendored, and what its name or size tells
    to be vendored, generated, binary or data without end; for what only its content tells see worth(). A name
    that is not there is in neither list.
    """
    files: list[SourceFile] = []
    left_out: list[tuple[str, str]] = []
    folders: dict[str, str] = {}
    told = _attributes(root)
    for name in sorted(set(names)):
        why = _by_name(name, folders)
        if told and not why:
            why = next((reason for pattern, reason in told if pattern.fullmatch(name)), "")
        if not why:
            try:
                state = os.lstat(f"{root}/{name}")
            except (FileNotFoundError, NotADirectoryError):
                continue
            except (OSError, ValueError) as error:
                why = getattr(error, "strerror", None) or "its name cannot be used"
            else:
                why = _by_state(name, state)
        if why:
            left_out.append((name, why))
        else:
            files.append(SourceFile(name, state.st_size, state.st_mtime_ns, state.st_ctime_ns))
    return Sources(tuple(files), tuple(left_out))


def _attributes(root: Path) -> list[tuple[re.Pattern[str], str]]:
    """Return what ``.gitattributes`` says of generated and vendored files, the last line first as it counts."""
    try:
        text = (root / ".gitattributes").read_text("utf-8", "replace")[:100_000]
    except OSError:
        return []
    told: list[tuple[re.Pattern[str], str]] = []
    for line in text.splitlines():
        glob, *attributes = line.split() or [""]
        for attribute in attributes:
            if found := _LINGUIST.fullmatch(attribute):
                why = "" if found[1] or found[3] == "false" else f"it is {found[2]}, by .gitattributes"
                inner = glob.lstrip("/") + ("*" if glob.endswith("/") else "")
                anywhere = "" if "/" in glob.rstrip("/") else "(?:.*/)?"
                told.append((re.compile(anywhere + translate(inner.replace("**/", "*"))), why))
    return told[::-1]


def _by_name(path: str, folders: dict[str, str]) -> str:
    """Return why a file of this name is not indexed; ``folders`` remembers what is known of folders."""
    folder, _, name = path.rpartition("/")
    if folder and (why := folders.get(folder, "?")):
        if why == "?":
            part = next((one for one in folder.split("/") if one in _VENDORED), "")
            why = folders[folder] = f"it is in a folder of others' or of made files ({part})" if part else ""
        if why:
            return why
    lower = name.lower()
    extension = lower.rpartition(".")[2]
    if extension in _BINARY and "." in name:
        return "it is binary, by its extension"
    if lower in _MADE or lower.endswith(_MADE_ENDS):
        return "it is generated, by its name"
    if not path.isascii():
        try:
            path.encode()
        except UnicodeEncodeError:
            return "its name is not valid UTF-8"
    return ""


def _by_state(path: str, state: os.stat_result) -> str:
    """Return why a file of this kind and size is not indexed."""
    size = state.st_size
    if not stat.S_ISREG(state.st_mode):
        return "it is not a regular file"
    if size > LARGEST:
        return f"it is too large ({size:,} bytes)"
    if size > LARGEST_DATA and language_of(path) in _DATA:
        return f"it is data, and too large ({size:,} bytes)"
    return ""


def worth(path: str, source: bytes) -> str:
    """Return why a file with this content is not indexed (binary, generated, minified), ``""`` when it is."""
    head = source[:8000]
    if not head:
        return "it is empty"
    if b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "it is binary"
    language = language_of(path, head)
    if len(source) > LARGEST or (len(source) > LARGEST_DATA and language in _DATA):
        return f"it is too large ({len(source):,} bytes)"
    if language not in _DOCUMENTS:
        first = head[:_HEAD].lower()
        if any(hint in first for hint in _HINTS) and _generated().search(first):
            return "it is generated, by its first lines"
    if len(source) > 2000 and language not in _DATA | _DOCUMENTS:
        lines = source.count(b"\n") + source.count(b"\r") + 1
        if len(source) > lines * _LONG_LINES:
            return "it is minified, or its lines are too long for people"
    return ""


@cache
def _generated() -> re.Pattern[bytes]:
    """Return how a file says that it is generated: compiled when the first one may."""
    return re.compile(
        rb"^(?:[^\w\n\"']*|[ru]?\"{3}|'{3})"  # a remark or a docstring begins: not a string in a generator
        rb"(?![^\n]*\bsections?\b)[^\"'\n]*?(?:"
        rb"@generated\b|<auto-?generated|\b(?:automatically|auto|machine)[- ]?generated\b"
        rb"|\bdo not (?:edit|modify|change)(?: this file|[ ,]*(?:manually|directly|by hand)|[ .!*/>-]*$)"
        rb"|\b(?:file|code|module|header|source|class|script|document)(?: [\w/.]+){0,3}"
        rb" (?:is|was|has been|were) generated\b"
        rb"|(?<![\w ])[^\w\n]*(?:code )?generated (?:by|from|with|using|on)\b)",
        re.MULTILINE,
    )
