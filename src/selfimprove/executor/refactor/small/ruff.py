"""Ruff: its safe fixes as two rewrites of their own, what is tidied and what a newer Python says better."""

from __future__ import annotations

import re
import tokenize
import tomllib
from collections import Counter
from dataclasses import replace
from difflib import SequenceMatcher
from itertools import pairwise
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from selfimprove.codebase.protected import is_protected
from selfimprove.errors import RefactorError
from selfimprove.executor.refactor.draft import Draft
from selfimprove.executor.refactor.limit import line_length, line_limit
from selfimprove.executor.refactor.small.doubts import comments, is_doubtful
from selfimprove.executor.refactor.source import Source, Splice, spliced
from selfimprove.executor.vetoes.files import is_test
from selfimprove.tools.ruff import Wish, find_ruff, fixes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from selfimprove.executor.refactor.project import Project
    from selfimprove.executor.refactor.source import Place
    from selfimprove.tools.ruff import Fix


# Each was read for what it promises (`ruff rule CODE`), tried on the standard library, and has what doubts.py adds.
# Not in it: F632, F811, F841, F901 (they change what happens, or hide a mistake that should be looked at), RET503,
# RET504, SIM101 to SIM112, SIM2xx, most of C4 and all of PERF (unsafe by ruff's own word, or for lists only),
# RET501, SIM300 and SIM905 (taste), RET505 to RET508 and SIM114 (else_return.py lays them out better), UP013, UP014,
# UP026, UP028, UP030, UP036, UP040 and what follows it, FURB (other objects, or other effects).
RULES: dict[str, tuple[str, ...]] = {
    "ruff-fixes": (
        *("E401", "E703", "E713", "E714", "W291", "W292", "W293", "W605", "F401", "F541"),
        *("C413", "C420", "PIE790", "PIE800", "PIE804", "PIE808", "RET502"),
        *("SIM117", "SIM118", "SIM208", "SIM910", "SIM911"),
        *("PLR1711", "PLR1716", "PLR5501", "PLW0120"),
    ),
    "modernise": (
        *("UP003", "UP004", "UP006", "UP007", "UP008", "UP009", "UP010", "UP011", "UP012", "UP015", "UP017"),
        *("UP018", "UP020", "UP021", "UP022", "UP023", "UP024", "UP025", "UP031", "UP032", "UP033", "UP034"),
        *("UP035", "UP037", "UP039", "UP041", "UP043", "UP045", "UP050"),
    ),
}
"""The codes that each rewrite asks ruff for."""

OLDEST = (3, 7)
"""The oldest Python that ruff writes for."""

_F_STRINGS = {"UP031", "UP032"}
_SETTINGS = ("ruff.toml", ".ruff.toml", "pyproject.toml")
_ROUNDS = 60  # a fix for each name of a long import is one round


def ruff_fixes(source: Source, project: Project, place: Place | None = None) -> list[Splice]:
    """Return the splices of ruff's safe fixes in the file, or in one function of it.

    Raises MissingTool when there is no ruff, RefactorError when it does not understand the project's settings.
    """
    return _splices_of(source, project, place, "ruff-fixes")


def modernise(source: Source, project: Project, place: Place | None = None) -> list[Splice]:
    """Return the splices that say with the project's oldest Python what is said in the way of an older one.

    Raises as :func:`ruff_fixes` does, and RefactorError for a project that supports a Python before OLDEST.
    """
    return _splices_of(source, project, place, "modernise")


def draft_fixes(source: Source, project: Project, place: Place | None = None) -> Draft:
    """Return :func:`ruff_fixes` as a draft. Raises RefactorError when there is nothing to do."""
    return ruff_draft(_with(project, source), "ruff-fixes", (source.path,), place)


def draft_modern(source: Source, project: Project, place: Place | None = None) -> Draft:
    """Return :func:`modernise` as a draft. Raises RefactorError when there is nothing to do."""
    return ruff_draft(_with(project, source), "modernise", (source.path,), place)


def ruff_draft(
    project: Project,
    rewrite: str,
    paths: Iterable[str] | None = None,
    place: Place | None = None,
    program: str = "",
) -> Draft:
    """Return what ``rewrite`` ("ruff-fixes" or "modernise") makes of the project, its subject after what was done.

    ``paths`` are the files, ``None`` all Python files that are no tests; with ``place``, of one file, only what lies
    in that function. ``program`` is ruff, ``""`` for the project's own or another that is found. What
    the project's configuration of ruff excludes, ignores or calls unfixable stays, and what ``noqa`` stands at. A fix
    is taken when ruff calls it safe, no doubt of ours is left, every comment is still there and no line is longer
    than the file's may be. Raises RefactorError when there is nothing to do, and MissingTool.
    """
    found = _fixed(project, rewrite, program or project.ruff or find_ruff(), paths, place)
    if not found:
        raise RefactorError("ruff has no safe fix here" if rewrite == "ruff-fixes" else "nothing here is old")
    codes = sorted({code for _, done in found.values() for code in done})
    where = _where(sorted(found), place)
    return Draft(
        files={path: source.content for path, (source, _) in found.items()},
        subject=f"{_verb(rewrite, codes)} in {where}",
        rewrites=(rewrite,),
        key=f"{rewrite}:{where}:{','.join(codes)}",
        notes=(f"ruff: {', '.join(codes)}",),
    )


def _with(project: Project, source: Source) -> Project:
    if project.files.get(source.path) == source.content:
        return project
    return replace(project, files={**project.files, source.path: source.content})


def _splices_of(source: Source, project: Project, place: Place | None, rewrite: str) -> list[Splice]:
    found = _fixed(_with(project, source), rewrite, project.ruff or find_ruff(), (source.path,), place)
    return _between(source, found[source.path][0].text) if source.path in found else []


def _between(source: Source, text: str) -> list[Splice]:
    """Return the splices, of whole lines, that make ``text`` of the file."""
    old = [source.text[start:end] for start, end in pairwise(source.starts)]
    moves = SequenceMatcher(None, old, text.splitlines(keepends=True), autojunk=False).get_opcodes()
    new = text.splitlines(keepends=True)
    return [
        Splice(source.starts[first], source.starts[last], "".join(new[begin:end]))
        for kind, first, last, begin, end in moves
        if kind != "equal"
    ]


def _verb(rewrite: str, codes: Sequence[str]) -> str:
    one = codes[0] if len(codes) == 1 else ""
    if rewrite == "modernise":
        return "Use f-strings" if set(codes) <= _F_STRINGS else _SUBJECTS.get(one, "Modernise the syntax")
    return _SUBJECTS.get(one, "Apply ruff's safe fixes")


_SUBJECTS = {
    "F401": "Remove unused imports",
    "F541": "Drop the f of strings without placeholders",
    "PIE790": "Remove unnecessary placeholders",
    "UP004": "Drop object as a base",
    "UP006": "Use built-in generics in annotations",
    "UP008": "Call super() without arguments",
    "UP024": "Use OSError by its own name",
    "W605": "Escape backslashes",
}


def _where(paths: Sequence[str], place: Place | None) -> str:
    if place is not None:
        return place.symbol
    name = PurePosixPath(paths[0])
    first = (
        f"{name.parent.name}/{name.name}" if name.name == "__init__.py" and name.parent.name else name.name
    )
    return first if len(paths) == 1 else f"{len(paths)} files"


def _fixed(
    project: Project, rewrite: str, program: str, paths: Iterable[str] | None, place: Place | None
) -> dict[str, tuple[Source, tuple[str, ...]]]:
    """Return the files that change, each with the codes of what was done."""
    if rewrite == "modernise" and project.minimum < OLDEST:
        raise RefactorError(
            "the project supports Python {}.{}; ruff writes for 3.7 on".format(*project.minimum)
        )
    settings = _settings(project)
    wish = _wish(rewrite, project, settings)
    before = _sources(project, paths)
    now, done = dict(before), {path: Counter[str]() for path in before}
    todo = sorted(before) if wish.select else []
    for _ in range(_ROUNDS):
        found = fixes(program, {path: now[path].text for path in todo}, settings, wish)
        asked, todo = todo, []
        for path in asked:
            now[path], codes = _apply(now[path], project, [one for one in found if one.path == path], place)
            done[path].update(codes)
            todo += [path] * bool(codes)
        if not todo:
            break
    return {
        path: (one, tuple(sorted(done[path]))) for path, one in now.items() if one.text != before[path].text
    }


def _wish(rewrite: str, project: Project, settings: Mapping[str, bytes]) -> Wish:
    ignored = _ignored(settings)
    # A prefix that is ignored would be overruled by a code that is asked for.
    return Wish(tuple(code for code in RULES[rewrite] if not code.startswith(ignored)), (), project.minimum)


def _settings(project: Project) -> dict[str, bytes]:
    """Return the files that may configure ruff, also those that others are built upon (``extend``)."""
    tomls = {path: text for path, text in project.files.items() if path.endswith(".toml")}
    own = {path: text for path, text in tomls.items() if path.rpartition("/")[2] in _SETTINGS}
    named = b"\n".join(own.values())
    return own | {path: text for path, text in tomls.items() if path.rpartition("/")[2].encode() in named}


def _sources(project: Project, paths: Iterable[str] | None) -> dict[str, Source]:
    """Return the files to look at, without those that do not parse; ``None`` stands for all but tests."""
    if paths is None:
        chosen = [path for path in project.python if not (is_test(path) or is_protected(path))]
    else:
        chosen = sorted(set(project.python) & set(paths))
    limit = line_length(project.files)
    found = ((path, _source(path, project.files[path], limit)) for path in chosen)
    return {path: source for path, source in found if source is not None}


def _source(path: str, content: bytes, limit: int) -> Source | None:
    try:
        return Source.read(path, content, limit)
    except RefactorError:
        return None


def _apply(
    source: Source, project: Project, found: Sequence[Fix], place: Place | None
) -> tuple[Source, list[str]]:
    """Return the file with what can be done at once, and the codes of it; the rest comes in the next round."""
    inside, wide = _span(source, place), line_limit(source)
    codes: list[str] = []
    kept: list[Splice] = []
    for fix in found:
        splices = _splices(source, fix)
        if not all(inside[0] <= one.start and one.end <= inside[1] for one in splices):
            continue
        if any(_touch(one, other) for one in splices for other in kept):
            continue
        if is_doubtful(fix, source, project) or _spoils(source, splices, wide):
            continue
        try:
            # Two that are well alone may together leave a block empty.
            source.but([*kept, *splices])
        except RefactorError:
            continue
        kept += splices
        codes.append(fix.code)
    return source.but(kept) if kept else source, codes


def _span(source: Source, place: Place | None) -> tuple[int, int]:
    if place is None:
        return 0, len(source.text)
    now = source.place(place.symbol, place.ordinal).node
    first = min([now.lineno, *(one.lineno for one in now.decorator_list)])
    return source.starts[first - 1], source.starts[now.end_lineno or now.lineno]


def _splices(source: Source, fix: Fix) -> list[Splice]:
    newline = source.newline
    return [
        Splice(_offset(source, one.start), _offset(source, one.end), _ended(one.text, newline))
        for one in fix.edits
    ]


def _offset(source: Source, place: tuple[int, int]) -> int:
    line, column = place
    return min(source.starts[min(line, len(source.starts)) - 1] + column - 1, len(source.text))


def _ended(text: str, newline: str) -> str:
    return re.sub(r"\r\n|\r|\n", newline, text)


def _touch(one: Splice, other: Splice) -> bool:
    return one.start <= other.end and other.start <= one.end


def _spoils(source: Source, splices: Sequence[Splice], wide: int) -> bool:
    """True when a comment would be lost, or a line be longer than it may."""
    text = spliced(source.text, splices)
    replaced = [source.text[start:end] for start, end, _ in splices]
    if any("#" in one for one in (*replaced, *(new for _, _, new in splices))):
        try:
            if comments(text) != comments(source.text):
                return True
        except (SyntaxError, tokenize.TokenError):
            return True
    longest = max(wide, max((len(line) for line in _touched(source, splices)), default=0))
    old = set(source.text.splitlines())
    return any(len(line) > longest and line not in old for line in text.splitlines())


def _touched(source: Source, splices: Iterable[Splice]) -> list[str]:
    """Return the lines in which ``splices`` begin or end, and those between them."""
    found = []
    for start, end, _ in splices:
        first = source.text.rfind("\n", 0, start) + 1
        last = source.text.find("\n", end)
        found += source.text[first : last if last >= 0 else None].splitlines()
    return found


def _tables(settings: Mapping[str, bytes]) -> list[dict[str, Any]]:
    found = []
    for path in sorted(settings, key=lambda one: (one.count("/"), one)):
        try:
            found.append(tomllib.loads(settings[path].decode("utf-8", errors="replace")))
        except tomllib.TOMLDecodeError:
            continue
    return found


def _ignored(settings: Mapping[str, bytes]) -> tuple[str, ...]:
    """Return the codes that the project's configuration ignores; what we select would else bring them back."""
    found: list[str] = []
    for table in _tables(settings):
        ours = table.get("tool", {}).get("ruff", {}) or table
        for part in (ours, ours.get("lint", {})):
            for key in ("ignore", "extend-ignore", "unfixable", "extend-unsafe-fixes"):
                found += [code for code in part.get(key, []) if isinstance(code, str)]
    return tuple(sorted({"" if code == "ALL" else code for code in found}))
