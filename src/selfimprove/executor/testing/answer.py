"""Answer: the one test file that a reply holds, or why it holds none that may be written."""

from __future__ import annotations

import re
from collections import ChainMap
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.errors import PatchError
from selfimprove.executor.patching.compose import apply_reply, refusal
from selfimprove.executor.patching.fences import pair
from selfimprove.executor.patching.reply import MAX_REPLY

if TYPE_CHECKING:
    from collections.abc import Mapping

_UNCHANGED = re.compile(r"^[*_#\s]*BEHAVIOU?R\s*:[*_\s]*unchanged\b", re.IGNORECASE | re.MULTILINE)
_PYTHON = ("python", "py", "python3", "")


class Answer(NamedTuple):
    """What a reply holds: the file's text, the subject that it proposes, and whether it says that behaviour stays."""

    text: str
    subject: str = ""
    unchanged: bool = False


def read_answer(reply: str, path: str, files: Mapping[str, bytes], earlier: str = "") -> Answer:
    """Return the test file ``path`` that ``reply`` holds, for a repository with ``files``, in which it does not exist.

    ``earlier`` is what was proposed before, which the reply may edit. Raises PatchError, worded for the reply's author,
    when there is no such file in it, when it was cut off, or when it changes any other file.
    """
    result = apply_reply(reply, files)
    if not result.ok and earlier:
        known: Mapping[str, bytes] = ChainMap({path: earlier.encode()}, files)  # type: ignore[arg-type]
        edited = apply_reply(reply, known, allow={"gutted"})
        result = edited if edited.ok else result
    touched = [*result.files, *result.removed]
    if others := [name for name in touched if name != path]:
        raise PatchError(f"it writes {others[0][:200]}: only {path} may be written, and no other file")
    if result.ok and path in result.files:
        text = result.files[path].decode("utf-8", "replace")
    else:
        text = _only_block(reply)
        if not text:
            raise PatchError(refusal(result) or f"it holds no file {path}")
    return Answer(text, result.subject, _UNCHANGED.search(reply[:MAX_REPLY]) is not None)


def _only_block(reply: str) -> str:
    """Return the content of the one whole block of Python in a reply that names no file; ``""`` when it is not so."""
    if len(reply) > MAX_REPLY:
        return ""
    lines = reply.splitlines()
    blocks = list(pair(lines).values())
    if len(blocks) != 1 or blocks[0].end < 0 or blocks[0].language not in _PYTHON:
        return ""
    before = [line.strip(" `*#:") for line in lines[: blocks[0].start] if line.strip()]
    if before and re.fullmatch(r"(FILE: *)?[\w./-]+\.\w+", before[-1]):
        return ""  # it names another file
    return "\n".join(lines[blocks[0].start + 1 : blocks[0].end]) + "\n"
