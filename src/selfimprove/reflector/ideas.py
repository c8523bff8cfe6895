"""Ideas: what a model is to say of an improvement, as a JSON Schema, read into plain values and made a finding."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from selfimprove.model.finding import Finding, Idea, Severity
from selfimprove.model.task import slug

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence

RULES = {
    "features": "SI601",
    "security": "SI602",
    "compliance": "SI603",
    "integration": "SI604",
    "quality": "SI611",
    "tests": "SI612",
    "docs": "SI613",
    "performance": "SI614",
}
"""The rule of a finding that is an idea, by its category."""

_EFFORTS = {"small": 1.0, "medium": 0.0, "large": -1.0}
_LEAST, _STEP = 8.0, 2.0  # priority 1 to 5 is 10 to 18: under every error of the audit, which has 21 at least
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)?")
_SHOWN = 160  # characters of a quotation in a task


def _text(most: int, what: str, least: int = 1) -> dict[str, Any]:
    return {"type": "string", "minLength": least, "maxLength": most, "description": what}


def _list(item: Mapping[str, Any], least: int, most: int, what: str) -> dict[str, Any]:
    return {"type": "array", "items": item, "minItems": least, "maxItems": most, "description": what}


_EVIDENCE = {
    "type": "object",
    "properties": {
        "path": _text(300, "an existing file"),
        "line": {"type": "integer", "minimum": 1},
        "quote": _text(300, "one to three lines as they stand there, nothing left out", 6),
    },
    "required": ["path", "line", "quote"],
    "additionalProperties": False,
}


def schema(categories: Sequence[str]) -> dict[str, Any]:
    """Return the JSON Schema of a reply with ideas in ``categories``; with one of them it need not be said."""
    properties = {
        "title": _text(100, "an order in one line: Limit failed logins", 8),
        "what": _text(1500, "what is to be done", 20),
        "why": _text(1000, "what is wrong or missing today, and who gains", 10),
        "files": _list(
            _text(300, "a path"), 1, 12, "every file that the change touches, tests and new ones too"
        ),
        "symbols": _list(
            _text(200, "a name"), 0, 12, "functions and classes in these files, as Class.method"
        ),
        "new": _list(
            _text(200, "a path or a name"), 0, 20, "what your words name and the repository does not have"
        ),
        "evidence": _list(_EVIDENCE, 1, 5, "where in the code it shows"),
        "criteria": _list(_text(300, "a sentence that can be checked", 8), 2, 5, "when it is done"),
        "effort": {"type": "string", "enum": list(_EFFORTS)},
        "priority": {"type": "integer", "minimum": 1, "maximum": 5, "description": "5 is the most urgent"},
    }
    if len(categories) > 1:
        properties["category"] = {"type": "string", "enum": list(categories)}
    idea = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {"ideas": {"type": "array", "items": idea}},
        "required": ["ideas"],
        "additionalProperties": False,
    }


class Evidence(NamedTuple):
    """Where an idea shows: a file, a line (from 1) and what stands there."""

    path: str
    line: int
    quote: str


class Proposal(NamedTuple):
    """An idea as a model told it; its texts are one line each and hold nothing that steers a terminal."""

    title: str
    category: str
    what: str
    why: str
    files: tuple[str, ...]
    symbols: tuple[str, ...]
    new: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    criteria: tuple[str, ...]
    effort: str
    priority: int

    @property
    def texts(self) -> tuple[str, ...]:
        """What is written for people."""
        return (self.title, self.what, self.why, *self.criteria)

    @property
    def about(self) -> str:
        """What it is about, in the form in which `Finding.to_task` writes it."""
        return f"{self.title}. {self.what} {self.why}"


def proposals(reply: Mapping[str, Any], category: str = "") -> list[Proposal]:
    """Return the ideas of a ``reply`` that matches the schema."""
    return [_proposal(one, category) for one in reply["ideas"]]


def _proposal(one: Mapping[str, Any], category: str) -> Proposal:
    return Proposal(
        title=one_line(one["title"]).rstrip("."),
        category=one.get("category", category),
        what=one_line(one["what"]),
        why=one_line(one["why"]),
        files=_once(tidy(path) for path in one["files"]),
        symbols=_once(one_line(name).removesuffix("()") for name in one["symbols"]),
        new=_once(tidy(one_line(name)) for name in one["new"]),
        evidence=tuple(Evidence(tidy(at["path"]), at["line"], at["quote"]) for at in one["evidence"]),
        criteria=_once(map(one_line, one["criteria"])),
        effort=one["effort"],
        priority=one["priority"],
    )


def one_line(text: str) -> str:
    """Return ``text`` on one line, without what a terminal would obey or hide."""
    plain = _ANSI.sub("", text)
    return " ".join("".join(char if char.isprintable() else " " for char in plain).split())


def tidy(path: str) -> str:
    """Return a path as git writes it, as far as that is only a matter of spelling."""
    return path.strip().removeprefix("./")


def finding(idea: Proposal, source: str, evidence: Iterable[Evidence], known: Container[str]) -> Finding:
    """Return the finding that ``idea`` is, with ``evidence`` that was looked up.

    ``known`` are the files that there are. What stands in the place of a symbol are the words of the title: two
    ideas for one function are two findings.
    """
    shown = tuple(evidence)
    path = next((one for one in idea.files if one in known), shown[0].path if shown else idea.files[0])
    line = next((one.line for one in shown if one.path == path), 1)
    named = ", ".join(f"`{name}`" for name in idea.new)
    return Finding(
        rule=RULES[idea.category],
        path=path,
        line=line,
        end_line=line,
        symbol=slug(idea.title),
        severity=Severity.WARNING if idea.priority > 3 else Severity.NOTE,
        value="",
        limit="",
        message=f"{idea.what} {idea.why}",
        suggestion=f"Not in the repository yet: {named}." if named else "",
        idea=Idea(
            idea.title,
            idea.category,
            source,
            files=idea.files,
            evidence=tuple(f"{at.path}:{at.line}: {_short(at.quote)}" for at in shown),
            criteria=idea.criteria,
            priority=_LEAST + _STEP * idea.priority + _EFFORTS[idea.effort],
        ),
    )


def _short(quote: str) -> str:
    text = one_line(quote)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]} ..."


def _once(items: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item for item in items if item))
