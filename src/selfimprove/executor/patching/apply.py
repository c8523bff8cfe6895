"""Applies a Patch: first in memory, all edits or none, then to the files of a private copy."""

from __future__ import annotations

import ast
import io
import os
import stat
import tokenize
import warnings
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from selfimprove.errors import PatchError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from selfimprove.model.patch import Edit, Patch


def apply_patch(patch: Patch, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the new content of every file that the patch changes; ``files`` holds the present content.

    A search text must stand in its file exactly once; line endings are the file's own, and trailing blanks
    may differ. Raises PatchError with what its author needs to mend it; nothing is changed then.
    """
    now = dict(files)
    for edit in patch.edits:
        # Line ends are those of the file as it was: an edit may take the only one away.
        now[edit.path] = _edited(
            edit, now.get(edit.path), _newline(files.get(edit.path) or now.get(edit.path))
        )
    changed = {path: now[path] for path in patch.paths if now[path] != files.get(path)}
    if not changed:
        raise PatchError("the reply changes nothing", hint="replace the text that has to change")
    for path, content in changed.items():
        # What did not parse before (another Python, a template) is not this patch's fault.
        if path not in files or _parses(path, files[path]) is None:
            _must_parse(path, content)
    return changed


def read_files(root: Path, paths: tuple[str, ...]) -> dict[str, bytes]:
    """Return the content of those ``paths`` that exist under ``root``. Raises PatchError for an unsafe path."""
    found = {}
    for path in paths:
        target = safe_path(root, path)
        if target.is_file():
            found[path] = target.read_bytes()
    return found


def write_files(root: Path, files: Mapping[str, bytes]) -> None:
    """Write ``files`` below ``root``, which must be a private copy; a new file's folders are made.

    No link is followed, and a file keeps its mode. Raises PatchError for an unsafe path before anything
    is written.
    """
    targets = {safe_path(root, path): content for path, content in files.items()}
    _not_inside_each_other(list(files))
    for target, content in targets.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
        with os.fdopen(os.open(target, flags, 0o644), "wb") as file:
            file.write(content)


def _not_inside_each_other(paths: Sequence[str]) -> None:
    """Raise PatchError when one new file would be a folder for another."""
    folders = {str(parent): path for path in paths for parent in PurePosixPath(path).parents}
    for path in paths:
        if inner := folders.get(str(PurePosixPath(path))):
            raise PatchError(f"{path} cannot be a file and the folder of {inner}", where=path)


def safe_path(root: Path, path: str) -> Path:
    """Return ``root / path`` when writing there stays inside ``root``; PatchError tells why it would not."""
    parts = PurePosixPath(path).parts
    refused = None
    if (
        not parts
        or path.startswith(("/", "~"))
        or ".." in parts
        or "\0" in path
        or "\\" in path
        or ":" in parts[0]
    ):
        refused = "is not a path inside the repository"
    elif any(part.lower().rstrip(". ") in (".git", "git~1") for part in parts):
        refused = "is inside git's own folder"
    else:
        refused = _blocked(root, parts)
    if refused:
        raise PatchError(
            f"{path!r} {refused}",
            where=path,
            hint="name files by their path from the repository's top folder",
        )
    return root.joinpath(*parts)


def _blocked(root: Path, parts: tuple[str, ...]) -> str | None:
    """Say what on the way to the file forbids writing it: a link, a file used as a folder, a device."""
    here = root
    for index, part in enumerate(parts):
        here = here / part
        try:
            mode = here.lstat().st_mode
        except FileNotFoundError:
            return None
        except OSError as error:
            return f"cannot be used: {error.strerror}"
        last = index == len(parts) - 1
        if stat.S_ISLNK(mode):
            return "leads through a symbolic link"
        if not last and (not stat.S_ISDIR(mode) or (here / ".git").exists()):
            return "leads through something that is not a folder of this repository"
        if last and not stat.S_ISREG(mode):
            return "is not a regular file"
    return None


def _newline(content: bytes | None) -> str:
    """Return how most lines of a file end."""
    data = (content or b"").replace(b"\0", b"")  # UTF-16 has them between
    return "\r\n" if data.count(b"\r\n") * 2 > data.count(b"\n") else "\n"


def _edited(edit: Edit, content: bytes | None, newline: str) -> bytes:
    if edit.search is None:
        return _whole(edit, content)
    if not edit.search and content:
        raise PatchError(
            f"{edit.path} exists already, and the SEARCH part is empty",
            where=edit.path,
            hint="copy the lines that shall be replaced into SEARCH",
        )
    if not edit.search:
        return (edit.replace or "").encode("utf-8", "replace")
    if content is None:
        raise PatchError(
            f"{edit.path} does not exist, so nothing can be found in it",
            where=edit.path,
            hint="leave SEARCH empty to make a new file, or name an existing one",
        )
    text, encoding = decode(content, edit.path)
    return _encode(_replaced(edit, text, newline), encoding, edit.path)


def _replaced(edit: Edit, text: str, newline: str) -> str:
    """Return ``text`` after the edit, with its own line endings, and a last line that ends as it did."""
    start, end = _find(edit, text)
    head, body = text[:start], (edit.replace or "").replace("\n", newline)
    if end == len(text) and not text.endswith("\n"):
        if not body:
            head = head.removesuffix("\n").removesuffix("\r")
        body = body.removesuffix(newline)
    return head + body + text[end:]


def _whole(edit: Edit, content: bytes | None) -> bytes:
    body = edit.replace or ""
    if content is None:
        return body.encode("utf-8", "replace")
    text, encoding = decode(content, edit.path)
    return _encode(body.replace("\n", "\r\n") if "\r\n" in text else body, encoding, edit.path)


def _find(edit: Edit, text: str) -> tuple[int, int]:
    """Return where the search text stands, in characters. Whole lines only; trailing blanks may differ."""
    lines = _split(text)
    wanted = [line.rstrip() for line in (edit.search or "").removesuffix("\n").split("\n")]
    have = [line.rstrip() for line in lines]
    first = wanted[0]
    places = [
        i
        for i in range(len(have) - len(wanted) + 1)
        if have[i] == first and have[i : i + len(wanted)] == wanted
    ]
    if len(places) != 1:
        raise PatchError(*_no_single_place(edit, wanted, have, places))
    start = sum(len(line) for line in lines[: places[0]])
    return start, start + sum(len(line) for line in lines[places[0] : places[0] + len(wanted)])


def _split(text: str) -> list[str]:
    """Split at newlines only; ``str.splitlines`` would also cut at form feeds and U+2028."""
    return list(io.StringIO(text, newline="\n"))


def _no_single_place(edit: Edit, wanted: list[str], have: list[str], places: list[int]) -> tuple[str]:
    if places:
        where = ", ".join(str(place + 1) for place in places[:5])
        places_text = f"the SEARCH text stands {len(places)} times in {edit.path} (lines {where})"
        return (f"{places_text}; add lines around it that make it unique",)
    near = [number for number, line in enumerate(have, 1) if line and line == max(wanted, key=len)]
    aside = f"; its longest line stands in line {near[0]}, but the lines around it differ" if near else ""
    return (
        f"the SEARCH text is not in {edit.path}{aside}; copy the present lines exactly, with their indentation",
    )


def decode(content: bytes, path: str) -> tuple[str, str]:
    """Return a text file's characters and its encoding: what its first lines declare (PEP 263, a BOM), else UTF-8."""
    if b"\0" in content:
        raise PatchError(f"{path} is a binary file", where=path, hint="only text files can be edited")
    for encoding in (_declared(content), "utf-8"):
        try:
            return content.decode(encoding), encoding
        except (UnicodeDecodeError, LookupError):
            continue
    return content.decode("latin-1"), "latin-1"


def _declared(content: bytes) -> str:
    try:
        return tokenize.detect_encoding(io.BytesIO(content).readline)[0]
    except SyntaxError:
        return "utf-8"


def _encode(text: str, encoding: str, path: str) -> bytes:
    try:
        return text.encode(encoding)
    except UnicodeEncodeError as error:
        bad = text[error.start : error.end]
        raise PatchError(
            f"{path} is written in {encoding}, which has no {bad!r}",
            where=path,
            hint="use characters that the file's encoding has",
        ) from None


def _must_parse(path: str, content: bytes) -> None:
    error = _parses(path, content)
    if error:
        line = getattr(error, "lineno", None)
        at = f"line {line}: " if line else ""
        raise PatchError(
            f"{path} would not parse after this edit: {at}{getattr(error, 'msg', error)}",
            where=path,
            hint="check indentation, brackets and quotes",
        )


def _parses(path: str, content: bytes) -> Exception | None:
    """Return what is wrong with the syntax of a Python file, ``None`` for a sound one and for other files."""
    if not path.endswith((".py", ".pyi")):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(content, path)
    except (SyntaxError, ValueError) as error:
        return error
    except (RecursionError, MemoryError):
        return None
    return None
