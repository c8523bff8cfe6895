"""Licence: the exact text of a licence, with the year and the holder of the copyright where it has a place for them."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from selfimprove.errors import PatchError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from selfimprove.codebase.project.facts import Facts

_YEAR, _HOLDER = "[year]", "[fullname]"
_HOLDERS = 3  # names that fit into a line


def licence_files(facts: Facts) -> Mapping[str, str]:
    """Return the texts by their paths. Raises PatchError when the licence is open or its text is not at hand."""
    spdx = facts.licence
    if spdx == "LGPL-3.0":  # it is a set of further permissions on top of the GPL
        return {"COPYING.LESSER": _text("LGPL-3.0"), "COPYING": _text("GPL-3.0")}
    text = _text(spdx)
    if _HOLDER in text:
        text = text.replace(_YEAR, _year(facts), 1).replace(_HOLDER, holder(facts), 1)
    return {"LICENSE": text}


def holder(facts: Facts) -> str:
    """Return who holds the copyright: the authors of a manifest, else who made the first commit.

    Raises PatchError when nobody is named.
    """
    named = next((one.authors for one in facts.manifests if one.authors), ())
    names = list(dict.fromkeys(" ".join(name.split())[:80] for name, _ in named))[:_HOLDERS]
    if names:
        return ", ".join(names)
    if first := facts.past.first_author:
        alone = {*facts.past.authors} <= {first}
        return first if alone or not facts.name else f"{first} and the {facts.name} contributors"
    raise PatchError(
        "nobody is named who holds the copyright", hint="name the authors in the project's manifest"
    )


def _year(facts: Facts) -> str:
    if not facts.past.first_year:
        raise PatchError("no commit says since when there is a copyright", hint="commit the files first")
    return facts.past.first_year


def _text(spdx: str) -> str:
    place = files("selfimprove.executor.scaffold") / "licences" / f"{spdx}.txt"
    if not spdx or not place.is_file():
        raise PatchError(
            f"the text of {spdx or 'a licence'} is not at hand",
            hint="selfimprove scaffold license --license MIT",
        )
    return place.read_text(encoding="utf-8")
