"""Checking: what an idea says of the repository, held against it: files, names, quotations and plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from selfimprove.codebase.fence import private, spelled
from selfimprove.codebase.protected import is_protected
from selfimprove.reflector.speech import is_english, is_standard, named, parts_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from selfimprove.reflector.ground import Ground
    from selfimprove.reflector.ideas import Evidence, Proposal

_PATTERN = frozenset("*?[]")  # one of these in a path makes a pattern of it
_MOST = 6  # complaints about one idea that are told


class Checked(NamedTuple):
    """An ``idea`` with what is ``wrong`` with it, in sentences, and its ``evidence`` with the lines where it stands."""

    idea: Proposal
    wrong: tuple[str, ...]
    evidence: tuple[Evidence, ...]


def check(ideas: Iterable[Proposal], ground: Ground) -> list[Checked]:
    """Return each idea with what is wrong with it; nothing that it names may be invented."""
    listed = list(ideas)
    # All words at once: each look into the repository is a process.
    ground.stands(word for idea in listed for text in idea.texts for word in named(text).words)
    return [_check(idea, ground) for idea in listed]


def _check(idea: Proposal, ground: Ground) -> Checked:
    evidence = [_found(one, ground) for one in idea.evidence]
    wrong = [
        *_of_files(idea, ground),
        *(_missing(one, ground) for one, at in zip(idea.evidence, evidence, strict=True) if at is None),
        *_of_symbols(idea, ground),
        *_of_texts(idea, ground),
        *_of_form(idea),
    ]
    return Checked(idea, tuple(dict.fromkeys(wrong))[:_MOST], tuple(one for one in evidence if one))


def _of_form(idea: Proposal) -> Iterator[str]:
    if not is_english(" ".join(idea.texts)):
        yield "it is not written in English"
    if not all(idea.texts):
        yield "a text is empty"
    if len(idea.criteria) < 2:
        yield "it has fewer than two criteria"


def _of_files(idea: Proposal, ground: Ground) -> Iterator[str]:
    if not idea.files:
        yield "it names no file"
    for path in idea.files:
        if why := private(path):
            yield f"{spelled(path)} is not to be touched: {why}"
        elif path in ground.ours or is_protected(path) or _PATTERN & set(path):
            yield f"{spelled(path)} is for a person to name"
        elif path in ground.names:
            continue
        elif path in ground.folders:
            yield f"{spelled(path)} is a folder: name the files"
        elif path not in idea.new:
            yield f"there is no file {spelled(path)} (a file to be made is listed in new)"
        elif why := ground.why_not_new(path):
            yield f"the new file {spelled(path)} cannot be made: {why}"
    for path in idea.new:
        if path in ground.names:
            yield f"{spelled(path)} is listed in new and is there already"


def _found(one: Evidence, ground: Ground) -> Evidence | None:
    line = ground.line_of(one.path, one.quote, one.line)
    return one._replace(line=line) if line else None


def _missing(one: Evidence, ground: Ground) -> str:
    quote = spelled(" ".join(one.quote.split())[:80])
    if ground.text(one.path) is None:
        return f"there is no text file {spelled(one.path)} to quote from"
    return f"this does not stand in {spelled(one.path)}: {quote}"


def _of_symbols(idea: Proposal, ground: Ground) -> Iterator[str]:
    places = [path for path in (*idea.files, *(one.path for one in idea.evidence)) if path in ground.names]
    for symbol in idea.symbols:
        _, _, bare = symbol.rpartition(":")
        if not bare or bare in idea.new or symbol in idea.new:
            continue
        if not any(_has(path, bare, ground) for path in dict.fromkeys(places)):
            yield f"{spelled(symbol)} is in none of the files that it names"


def _has(path: str, symbol: str, ground: Ground) -> bool:
    """True when a file defines ``symbol``, or holds it as it is written."""
    if symbol in ground.defines(path):
        return True
    words = parts_of(symbol)
    if not words or symbol != ".".join(words):
        return False
    if len(words) > 1 and words[0] in ground.defines(
        path
    ):  # a class of this file: then its member is in it too
        return any(f"{owner}{symbol}" in (ground.text(path) or "") for owner in ("", "self."))
    return _stands_in(path, symbol, ground)


def _stands_in(path: str, symbol: str, ground: Ground) -> bool:
    import re

    text = ground.text(path) or ""
    return re.search(rf"(?<!\w){re.escape(symbol)}(?!\w)", text) is not None


def _of_texts(idea: Proposal, ground: Ground) -> Iterator[str]:
    """Yield what the words of an idea name that is neither there nor declared as new."""
    paths = {path for name in idea.new for path in (name, name.rpartition("/")[2])}
    words = {word for name in (*idea.new, *filter(is_standard, idea.symbols)) for word in parts_of(name)}
    for said in map(named, idea.texts):
        for path in (*said.paths, *(one for one in said.slashed if _begins_there(one, ground))):
            if not (path in ground.ends or path in paths or _is_name(path, idea, ground)):
                yield f"it speaks of {spelled(path)}, which is not there and not listed in new"
        for word in _nowhere([word for word in said.words if word not in words], ground):
            yield f"it speaks of {spelled(word)}, which stands nowhere and is not listed in new"


def _nowhere(words: list[str], ground: Ground) -> list[str]:
    there = ground.stands(words)
    return [word for word in words if word not in there]


def _begins_there(slashed: str, ground: Ground) -> bool:
    """True for words joined by a slash that begin with a folder of the repository and are not all folders of it."""
    parts = slashed.split("/")
    return parts[0] in ground.folders and not all(part in ground.folders for part in parts)


def _is_name(path: str, idea: Proposal, ground: Ground) -> bool:
    """True for what only looks like a path: a dotted name whose parts are there (``app.config.in``)."""
    words = path.split(".")
    if "/" in path or len(words) < 2 or not all(word.isidentifier() for word in words):
        return False
    return any(_has(one, path, ground) for one in idea.files if one in ground.names)
