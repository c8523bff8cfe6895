"""Analyzed: what became of the three documents, and of the summaries that a model was asked for."""

from __future__ import annotations

from typing import Any, NamedTuple


class Document(NamedTuple):
    """One document. ``path`` is relative to the repository where it lies in it.

    ``state`` is ``written``, ``unchanged``, or ``refused``: it is a person's, and ``reason`` says by what sign.
    ``summary`` is ``new``, ``kept``, or ``""`` where the document has none.
    """

    path: str
    state: str
    summary: str = ""
    reason: str = ""


class Analyzed(NamedTuple):
    """``files`` is how many were read, ``problems`` why there is no new summary although a model was asked.

    ``invented`` are names in the model's replies that do not exist, whose sentences were left out.
    """

    documents: tuple[Document, ...]
    files: int
    not_analysed: int = 0
    problems: tuple[str, ...] = ()
    invented: tuple[str, ...] = ()
    tokens: int = 0
    dollars: float = 0.0

    @property
    def refused(self) -> tuple[Document, ...]:
        """The documents that were not written because they are a person's."""
        return tuple(one for one in self.documents if one.state == "refused")

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {
            "documents": [one._asdict() for one in self.documents],
            "files": self.files,
            "not_analysed": self.not_analysed,
            "summaries": {"problems": list(self.problems), "invented": list(self.invented)},
            "tokens": self.tokens,
            "dollars": self.dollars,
        }
