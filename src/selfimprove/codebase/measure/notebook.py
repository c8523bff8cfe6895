"""Notebook: the Python of the code cells of an .ipynb file, with every line in its place."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from selfimprove.codebase.measure.record import MeasureError

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGEST_CODE = 10_000_000
"""Characters of code, without outputs and text, beyond which a notebook is taken for data."""

LARGEST_FILE = 200_000_000
"""Bytes of a notebook with its outputs that are read at all."""

# Cell magics that run the rest of their cell as Python in the notebook; that of the others is another
# language, another process or text.
_RUN_AS_PYTHON = {"capture", "debug", "lprun", "memit", "mprun", "prun", "time", "timed", "timeit"}
# No Python statement starts with one of these.
_ESCAPES = tuple("%!?,;/")
_NAME = r"[^\W\d][\w.]*"
_HELP = re.compile(rf"\s*{_NAME}(?:\[[^\]]*\]|\(\))*\?{{1,2}}\s*(?:#.*)?$")
_PACKAGES = re.compile(r"\s*(?:pip|pip3|conda|mamba)\s+(?:install|uninstall|list|show|freeze)\b")
_ASSIGNED = re.compile(rf"(\s*{_NAME}(?:\[[^\]]*\])?(?:\s*,\s*{_NAME})*,?\s*=\s*)[!%]")
_MAY_HOLD_MAGIC = re.compile(r"^\s*[%!?,;/]|\?\s*(?:#.*)?$|=\s*[!%]|^\s*(?:pip|conda|mamba)", re.MULTILINE)
_LEXEME = re.compile(r"""#.*|(?P<triple>'{3}|"{3})|'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|[()\[\]{}]""")


def code_of(source: bytes) -> tuple[str, tuple[tuple[int, int], ...]]:
    """Return the Python of a notebook's code cells, and where each cell starts in that text.

    The cells are joined as radon does with ``--include-ipynb``, but one line comes out for every line that
    goes in: a magic or shell command leaves an empty line, ``pass`` or ``x = None``; a cell in another
    language leaves empty lines. The second value holds (first line from 1, number of the cell counted over
    cells of every kind from 1). Raises MeasureError for what is no notebook or has no Python kernel.
    """
    document = _load(source)
    language = _language(document)
    if not _is_python(language):
        raise MeasureError(f"its kernel runs {language}, not Python")
    texts, starts, line, size = [], [], 1, 0
    for number, cell in enumerate(_cells(document), 1):
        if cell.get("cell_type") != "code":
            continue
        text = _source_of(cell, number)
        size += len(text)
        if size > LARGEST_CODE:
            raise MeasureError(f"its code has over {LARGEST_CODE:,} characters; that much is taken for data")
        texts.append(_python_of(text) if _is_python(_cell_language(cell)) else _blank(text))
        starts.append((line, number))
        line += text.count("\n") + 1
    return "\n".join(texts), tuple(starts)


def _load(source: bytes) -> dict[str, Any]:
    if len(source) > LARGEST_FILE:
        raise MeasureError(f"it has {len(source):,} bytes; notebooks over {LARGEST_FILE:,} are not read")
    if source.startswith(b"version https://git-lfs"):
        raise MeasureError("it is a pointer of Git LFS, not the notebook")
    try:
        document = json.loads(source)
    except json.JSONDecodeError as error:
        raise MeasureError(f"line {error.lineno}: not valid JSON: {error.msg}") from error
    except ValueError as error:
        raise MeasureError(f"not valid JSON: {error}") from error
    except RecursionError as error:
        raise MeasureError("its JSON is nested too deeply") from error
    if not isinstance(document, dict):
        raise MeasureError("it is JSON, but no notebook")
    return document


def _cells(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the cells of nbformat 4, or those of all worksheets of nbformat 3."""
    sheets = [document] if "cells" in document else document.get("worksheets")
    if not isinstance(sheets, list) or not sheets:
        raise MeasureError("it has no cells")
    for sheet in sheets:
        cells = sheet.get("cells") if isinstance(sheet, dict) else None
        if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
            raise MeasureError("its cells are not a list of objects")
        yield from cells


def _source_of(cell: dict[str, Any], number: int) -> str:
    """Return the text of a cell: ``source`` in nbformat 4, ``input`` in 3; a string or a list of lines."""
    source = cell.get("source", cell.get("input", ""))
    parts = source if isinstance(source, list) else [source]
    if not all(isinstance(part, str) for part in parts):
        raise MeasureError(f"the source of cell {number} is no text")
    text = "".join(parts).replace("\r\n", "\n").replace("\r", "\n")
    # Half of a surrogate pair is valid JSON and no text.
    return text.encode(errors="replace").decode() if not text.isascii() else text


def _language(document: dict[str, Any]) -> str:
    """Return the language of the kernel as the notebook names it, ``""`` when it does not."""
    places = (("language_info", "name"), ("kernelspec", "language"))
    return next((name for place in places if (name := _named(document, "metadata", *place))), "")


def _cell_language(cell: dict[str, Any]) -> str:
    """Return the language of one cell: of nbformat 3, or as editors with many kernels write it."""
    return _named(cell, "metadata", "vscode", "languageId") or _named(cell, "language")


def _named(value: object, *keys: str) -> str:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, str) else ""


def _is_python(language: str) -> bool:
    return not language or language.lower().removeprefix("i").startswith("python")


def _blank(text: str) -> str:
    return "\n" * text.count("\n")


def _python_of(text: str) -> str:
    """Return a cell with what only IPython understands replaced, one line for one line."""
    if not _MAY_HOLD_MAGIC.search(text):
        return text
    lines = text.split("\n")
    first = next((line for line in lines if line.strip()), "")
    if first.startswith("%%") and (re.split(r"\W", first[2:], maxsplit=1)[0] not in _RUN_AS_PYTHON):
        return _blank(text)
    done, place, continued = [], _Place(), False
    for line in lines:
        if continued:
            done.append("")
        elif place.starts_statement and (plain := _without_magic(line)) is not None:
            done.append(plain)
        else:
            place.read(line)
            done.append(line)
            continue
        continued = line.endswith("\\")
    return "\n".join(done)


def _without_magic(line: str) -> str | None:
    """Return what stands for a line of IPython's own, None for a line of Python."""
    if assigned := _ASSIGNED.match(line):
        return f"{assigned[1]}None"
    bare = line.lstrip()
    if bare.startswith(_ESCAPES) or _HELP.match(line) or _PACKAGES.match(line):
        indent = line[: len(line) - len(bare)]
        return f"{indent}pass" if indent else ""
    return None


class _Place:
    """Whether the next line starts a statement, or goes on inside of a bracket, a string or a line."""

    def __init__(self) -> None:
        self._depth = 0
        self._quotes = ""
        self._joined = False

    @property
    def starts_statement(self) -> bool:
        """True when nothing is open."""
        return not (self._depth or self._quotes or self._joined)

    def read(self, line: str) -> None:
        """Take up one line of Python."""
        at = 0
        while at < len(line):
            if self._quotes:
                at = self._end_of_string(line, at)
                continue
            found = _LEXEME.search(line, at)
            if found is None:
                break
            at = found.end()
            self._quotes = found["triple"] or ""
            if found[0] in "([{":
                self._depth += 1
            elif found[0] in ")]}":
                self._depth = max(0, self._depth - 1)
        self._joined = not self._quotes and line.endswith("\\")

    def _end_of_string(self, line: str, at: int) -> int:
        found = re.compile(rf"(?:\\.|(?!{self._quotes}).)*").match(line, at)
        end = found.end() if found else at
        if line.startswith(self._quotes, end):
            end += len(self._quotes)
            self._quotes = ""
            return end
        return len(line)
