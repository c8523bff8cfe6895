"""Writes the room captions in docs/ARCHITECTURE.md from the first line of each module; --check only compares."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "selfimprove"
PAGE = ROOT / "docs" / "ARCHITECTURE.md"
BEGIN = "<!-- captions: made by `make docs` from the first line of each module -->"
END = "<!-- end of captions -->"


def caption(path: Path) -> str:
    """Return the first line of a module's docstring, ``""`` where there is none."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return text.partition("\n")[0]


def captions() -> str:
    """Return the captions of all rooms as Markdown: a heading for each folder, a line for each module."""
    rooms: dict[str, list[str]] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        if path.name != "__init__.py":
            room = path.parent.relative_to(SOURCE).as_posix()
            rooms.setdefault("" if room == "." else f"{room}/", []).append(
                f"* `{path.name}`: {caption(path)}"
            )
    parts = [f"### {room or 'selfimprove/'}\n\n" + "\n".join(lines) for room, lines in sorted(rooms.items())]
    return "\n\n".join(parts)


def renewed(page: str) -> str:
    """Return ``page`` with the present captions between the two marks."""
    before, rest = page.split(BEGIN)
    after = rest.split(END)[1]
    return f"{before}{BEGIN}\n\n{captions()}\n\n{END}{after}"


def main() -> int:
    """Write the page, or with ``--check`` return 1 when it is not up to date."""
    page = PAGE.read_text(encoding="utf-8")
    new = renewed(page)
    if "--check" in sys.argv[1:]:
        return int(page != new)
    PAGE.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
