"""Keeps what the steps hand on small: texts and lists are cut, so that a Work stays under 64 KB of JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selfimprove.model.context import Place
    from selfimprove.model.outcome import CheckResult, Objection
    from selfimprove.model.work import Work

WHOLE = 60_000
TEXT = 6_000
LINE = 300
PLACES = 4  # the room for places to show, in longest parts
OBJECTIONS = 20


def small(work: Work, text: int = TEXT) -> Work:
    """Return ``work`` with everything that grows with the reply, the tests or the repository cut to size.

    ``text`` is how many characters the longest parts may have; it is halved until the JSON of the whole fits.
    """
    line = min(LINE, text)
    notes = few(work.notes, text)
    work = work.but(
        notes=notes,
        lessons=work.lessons[: len(notes)],
        context=few_places(work.context, PLACES * text),
        paths=few(work.paths, text),
        failure=work.failure[: text + line],
        stop=work.stop[: 4 * line],
        summary=work.summary[: 2 * line],
        subject=work.subject[:line],
        checks=tuple(_small_check(check, text, line) for check in work.checks),
        written=few(work.written, text),
        groups={name: _small_group(group, text) for name, group in work.groups.items()},
        testing=_small_memory(work.testing, line),
        objections=tuple(_small_objection(objection, line) for objection in work.objections[:OBJECTIONS]),
    )
    return work if len(json.dumps(work.to_dict())) <= WHOLE or text < 2 else small(work, text // 2)


def few(paths: Sequence[str], room: int = TEXT) -> tuple[str, ...]:
    """Return as many of ``paths``, from the first, as fit into ``room`` characters."""
    kept = []
    for path in paths:
        room -= len(path)
        if room < 0:
            break
        kept.append(path)
    return tuple(kept)


def few_places(places: Sequence[Place], room: int) -> tuple[Place, ...]:
    """Return as many of ``places``, from the first, as fit into ``room`` characters of JSON."""
    kept = []
    for place in places:
        room -= len(json.dumps(place))
        if room < 0:
            break
        kept.append(place)
    return tuple(kept)


def storable(text: str) -> str:
    """Return ``text`` as UTF-8 can hold it; a file name can have bytes that are none."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _small_group(group: dict[str, Any], text: int) -> dict[str, Any]:
    return {**group, "output": group["output"][-text // 4 :], "paths": few(group["paths"], text)}


def _small_memory(testing: dict[str, Any], line: int) -> dict[str, Any]:
    if "fact" not in testing:
        return testing
    return {**testing, "fact": {**testing["fact"], "summary": testing["fact"]["summary"][: 2 * line]}}


def _small_check(check: CheckResult, text: int, line: int) -> CheckResult:
    return replace(check, summary=check.summary[: 2 * line], detail=check.detail[-text:])


def _small_objection(objection: Objection, line: int) -> Objection:
    short = {name: getattr(objection, name)[:line] for name in ("message", "path", "allow")}
    return replace(objection, **short)
