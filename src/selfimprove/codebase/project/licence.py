"""Licence: which SPDX licence a repository already says that it is under: in manifests, headers or its README."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from selfimprove.codebase.project.manifest import Manifest

KNOWN = (
    *(
        "MIT",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "Apache-2.0",
        "ISC",
        "MPL-2.0",
        "GPL-2.0",
        "GPL-3.0",
        "LGPL-2.1",
    ),
    *("LGPL-3.0", "AGPL-3.0", "Unlicense", "0BSD", "BSL-1.0", "EPL-2.0", "Zlib"),
)
"""The licences of which the text is at hand, by SPDX identifier, less ``-only`` and ``-or-later``."""

_WORDS = (  # the first that fits; what leaves open which of several licences is meant is not here
    (r"\bAGPL[- ]?v?3|Affero General Public License.{0,12}3", "AGPL-3.0"),
    (r"\bLGPL[- ]?v?3|Lesser General Public License.{0,12}3", "LGPL-3.0"),
    (r"\bLGPL[- ]?v?2\.1|Lesser General Public License.{0,12}2\.1", "LGPL-2.1"),
    (r"(?<!L)(?<!A)\bGPL[- ]?v?3|GNU General Public License.{0,12}3", "GPL-3.0"),
    (r"(?<!L)(?<!A)\bGPL[- ]?v?2|GNU General Public License.{0,12}2", "GPL-2.0"),
    (
        r"\bApache([- ]Software)?([- ]Licen[sc]e)?,?[- ]*(version |v)?2(\.0)?\b|Apache Software License",
        "Apache-2.0",
    ),
    (r"\b(BSD[- ]3[- ]Clause|3[- ]Clause BSD|(new|modified|revised) BSD)", "BSD-3-Clause"),
    (r"\b(BSD[- ]2[- ]Clause|2[- ]Clause BSD|simplified BSD|FreeBSD licen[sc]e)", "BSD-2-Clause"),
    (r"\bMPL[- ]?2(\.0)?\b|Mozilla Public License,?( version)? 2|MPL 2\.0", "MPL-2.0"),
    (r"\bEPL[- ]?2(\.0)?\b|Eclipse Public License 2", "EPL-2.0"),
    (r"\bISC\b", "ISC"),
    (r"\bUnlicense\b", "Unlicense"),
    (r"\b0BSD\b", "0BSD"),
    (r"\bBoost Software License", "BSL-1.0"),
    (r"\bzlib(/libpng)? licen[sc]e|^zlib$", "Zlib"),
    (r"\bMIT\b(?!-)", "MIT"),
)
_CHOICE = re.compile(r"\s(OR|AND|WITH)\s|/", re.IGNORECASE)
_UNSURE = re.compile(
    r"propriet|all rights reserved|unlicensed|\bnot\b|bundl|third.party|depend", re.IGNORECASE
)  # words that deny a licence, or speak of somebody else's
_HEADER = re.compile(r"SPDX-License-Identifier:\s*(?P<said>[^\n*]+)")
_README = re.compile(
    r"^(?:#+[ \t]*(?:Licen[sc]e|Licensing)\b[^\n]*\n|(?:Licen[sc]e|Licensing)\n[=~^\"-]{3,}\n)"
    r"(?P<said>.{0,600})",
    re.IGNORECASE | re.MULTILINE | re.DOTALL,
)
_HEADING = re.compile(r"^(#|[^\n]+\n[=~^\"-]{3,}$)", re.MULTILINE)


class Stated(NamedTuple):
    """A licence as it is stated: its SPDX identifier (``""``: not one that is known for sure), the words, and where."""

    spdx: str
    words: str
    where: str


def stated(
    manifests: Sequence[Manifest], readme: str, sources: Iterable[str], read: Callable[[str], str]
) -> tuple[Stated, ...]:
    """Return every statement that was found: of ``manifests``, the file ``readme`` and the heads of ``sources``."""
    found = [Stated(spdx_of(words), words, one.path) for one in manifests for words in one.licences]
    heads = [(path, _HEADER.search(read(path)[:2000])) for path in sources]
    marked = [(path, said["said"].strip(" */-#\r")) for path, said in heads if said]
    if len(marked) > len(heads) / 2:  # a few may well be somebody else's
        found += [Stated(spdx_of(words), words, path) for path, words in marked]
    if readme and (section := _README.search(read(readme))):
        words = _HEADING.split(section["said"])[0]
        found.append(Stated(spdx_of(words), " ".join(words.split())[:100], readme))
    return tuple(dict.fromkeys(found))


def agreed(statements: Sequence[Stated]) -> str:
    """Return the one licence that all statements mean, ``""`` where there is none or they do not agree.

    A vaguer one, such as the classifier of all BSD licences, does not speak against a clear one of its family.
    """
    clear = {one.spdx for one in statements if one.spdx}
    if len(clear) != 1:
        return ""
    (spdx,) = clear
    return spdx if all(one.spdx or _vague(one.words, spdx) for one in statements) else ""


def _vague(words: str, spdx: str) -> bool:
    family = spdx.partition("-")[0]
    return family.casefold() in words.casefold() or not _names_one(words)


def _names_one(words: str) -> bool:
    return bool(
        re.search(
            r"licen[sc]ed? under|::|\b(GPL|BSD|proprietary|commercial)\b|unlicensed|all rights reserved|see licen[sc]e",
            words,
            re.IGNORECASE,
        )
    )


def spdx_of(words: str) -> str:
    """Return the SPDX identifier that ``words`` mean, ``""`` when that is not sure: several, an unknown one, none."""
    plain = words.strip()
    bare = re.sub(r"-(only|or-later)$|\+$", "", plain)
    if exact := next((one for one in KNOWN if one.casefold() == bare.casefold()), ""):
        return exact
    if len(plain) < 60 and _CHOICE.search(plain) and "::" not in plain:
        return ""
    if _UNSURE.search(plain):
        return ""
    found = list(dict.fromkeys(_meant(plain)))
    return found[0] if len(found) == 1 else ""


def _meant(text: str) -> Iterator[str]:
    for pattern, spdx in _WORDS:
        text, hits = re.subn(pattern, " ", text, flags=re.IGNORECASE if spdx not in ("MIT", "ISC") else 0)
        if hits:
            yield spdx
