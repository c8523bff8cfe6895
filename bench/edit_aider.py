"""Aider's own functions for the edit benchmark: applies replies with the coder asked for, in aider's environment.

Started by the benchmark with ``--serve`` and the Python of that environment: a line of JSON comes in for each
commit and one goes out, bytes as Latin-1. A coder that raises has refused, whatever it wrote before.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import tempfile
from pathlib import Path
from typing import Any


class Aider:
    """Aider's coders without a model, over a folder of files that are all in its chat."""

    def __init__(self, root: Path) -> None:
        from aider.coders.editblock_coder import EditBlockCoder
        from aider.coders.patch_coder import PatchCoder
        from aider.coders.udiff_coder import UnifiedDiffCoder
        from aider.coders.wholefile_coder import WholeFileCoder
        from aider.io import InputOutput

        self._root = root
        self._kinds = {
            "diff": EditBlockCoder,
            "udiff": UnifiedDiffCoder,
            "patch": PatchCoder,
            "whole": WholeFileCoder,
        }
        self._io = InputOutput(pretty=False, yes=True, fancy_input=False)

    def apply(self, kind: str, reply: str, files: dict[str, bytes]) -> dict[str, bytes] | None:
        """Return the files that a reply changes, ``None`` when it is refused."""
        made = self._kinds[kind]
        coder: Any = made.__new__(made)
        coder.io = self._io
        coder.root = str(self._root)
        coder.abs_root_path_cache = {}
        coder.abs_fnames = {str(self._root / path) for path in files}
        coder.abs_read_only_fnames = set()
        coder.fence = ("````", "````") if "````" in reply else ("```", "```")
        coder.partial_response_content = reply
        coder.multi_response_content = ""
        coder.shell_commands = []
        coder.get_inchat_relative_files = lambda: sorted(files)
        coder.get_multi_response_content_in_progress = lambda final=False: reply
        try:
            edits = coder.get_edits()
            if edits:
                coder.apply_edits(edits)
        except Exception:  # whatever it stumbles over, it does not apply the reply
            return None
        return {path: self.read(path) for path in self.listed()} if edits else None

    def listed(self) -> list[str]:
        """Return the files that lie in the folder now."""
        return [path.relative_to(self._root).as_posix() for path in self._root.rglob("*") if path.is_file()]

    def read(self, path: str) -> bytes:
        """Return a file's content."""
        return (self._root / path).read_bytes()

    def write(self, files: dict[str, bytes]) -> None:
        """Make the folder hold these files and no others."""
        for path in self.listed():
            if path not in files:
                (self._root / path).unlink()
        for path, data in files.items():
            place = self._root / path
            place.parent.mkdir(parents=True, exist_ok=True)
            if not place.is_file() or place.read_bytes() != data:
                place.write_bytes(data)


def answers(asked: dict[str, Any], root: Path) -> list[dict[str, str] | None]:
    """Return for each reply of a commit what aider makes of the changed files."""
    aider, found = Aider(root), []
    common = {path: text.encode("latin-1") for path, text in asked["files"].items()}
    for reply in asked["replies"]:
        files = common | {path: text.encode("latin-1") for path, text in reply["files"].items()}
        aider.write(files)
        made = aider.apply(reply["coder"], reply["text"], files) if reply["coder"] else None
        changed = made and {path: data for path, data in made.items() if files.get(path) != data}
        found.append(
            None if not changed else {path: data.decode("latin-1") for path, data in changed.items()}
        )
    return found


def main() -> None:
    """Answer each line of JSON with one."""
    if "--serve" not in sys.argv:
        print("edit_aider: applies replies with aider's functions for edits.py")
        return
    out = sys.stdout
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        for line in sys.stdin:
            with tempfile.TemporaryDirectory(prefix="edits-aider-") as name:
                out.write(json.dumps(answers(json.loads(line), Path(name))) + "\n")
                out.flush()


if __name__ == "__main__":
    main()
