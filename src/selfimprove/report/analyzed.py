"""Analyzed: what became of the documents, as lines for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selfimprove.report.wording import count, visible

if TYPE_CHECKING:
    from selfimprove.model.analyzed import Analyzed, Document

_SUMMARY = {"new": ", with a new summary", "kept": ", summary kept", "": ""}


def analyzed_text(done: Analyzed) -> str:
    """Return a line for each document, and what was read for them."""
    width = max((len(one.path) for one in done.documents), default=0)
    left = f", {done.not_analysed:,} not analysed" if done.not_analysed else ""
    asked = f"; {done.tokens:,} tokens" if done.tokens else ""
    spent = f", ${done.dollars:.4f}" if done.dollars else ""
    lines = [_line(one, width) for one in done.documents]
    return "\n".join([*lines, f"{count(done.files, 'file')} read{left}{asked}{spent}"]) + "\n"


def _line(one: Document, width: int) -> str:
    if one.state == "refused":
        return f"{visible(one.path).ljust(width)}  not written: {one.reason}"
    return f"{visible(one.path).ljust(width)}  {one.state}{_SUMMARY[one.summary]}"
