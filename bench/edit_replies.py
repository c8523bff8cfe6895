"""Replies for the edit benchmark: true changes of commits, written in plain, malformed and dangerous styles."""

from __future__ import annotations

import random
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import edit_damage as damage
import edit_forms as forms
from edit_commits import Change, Commit, lines_of
from edit_danger import DANGEROUS
from edit_hunks import hunks, opcodes, places

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edit_danger import Danger


class Kind(StrEnum):
    """What may be asked of a style."""

    PLAIN = "plain"
    """Well written: everything is to land exactly."""
    MATCHING = "matching"
    """Everything needed is there, but not as the file has it."""
    DANGEROUS = "dangerous"
    """Something needed is not there: refusing is as right as landing exactly."""


class Reply(NamedTuple):
    """A reply, the files that it is applied to, and what they are to become (``None``: it can only be refused)."""

    text: str
    files: dict[str, bytes]
    wanted: dict[str, bytes] | None


class Style(NamedTuple):
    """A way to write replies. ``write`` gives None for a commit that it does not fit; ``coder`` is aider's for it."""

    name: str
    kind: Kind
    coder: str
    write: Callable[[Commit, random.Random], Reply | None]


def reply(style: Style, commit: Commit, seed: int) -> Reply | None:
    """Return the reply in a style for a commit, the same one each time."""
    return style.write(commit, random.Random(f"{seed} {commit.id} {style.name}"))


def _written(
    form: Callable[..., str | None],
    commit: Commit,
    dice: random.Random,
    *,
    hurt: damage.Damage | None = None,
    text: Callable[[str, random.Random], str] | None = None,
    context: int = 3,
    old_only: bool = False,
    fits: Callable[[Commit], bool] | None = None,
) -> Reply | None:
    """Write a commit in a form: its hunks hurt where that can be, then the text of the whole."""
    if (old_only and any(one.before is None for one in commit.changes)) or (fits and not fits(commit)):
        return None
    files, was_hurt = [], hurt is None
    for change in commit.changes:
        found = hunks(change, context)
        for at, hunk in enumerate(found):
            worse = hurt(hunk, lines_of(change.before), dice) if hurt and change.before is not None else None
            if worse is not None:
                found[at], was_hurt = worse, True
        files.append((change, found))
    said = form(files, dice) if was_hurt else None
    if said is None:
        return None
    return Reply(text(said, dice) if text else said, commit.files, commit.wanted)


def _typo(path: str, dice: random.Random) -> str:
    home, slash, name = path.rpartition("/")
    stem, dot, kind = name.partition(".")
    at = dice.randrange(max(1, len(stem) - 1))
    if len(stem) < 4:
        return path
    worse = dice.choice([stem[:at] + stem[at + 1 :], stem[: at + 1] + stem[at:], stem + "s"])
    return f"{home}{slash}{worse}{dot}{kind}"


def _no_folder(path: str, dice: random.Random) -> str:
    return path.partition("/")[2] or path


def _wrong_case(path: str, dice: random.Random) -> str:
    return dice.choice([str.title, str.upper, str.capitalize])(path)


def _has_folder(commit: Commit) -> bool:
    """Tell whether all changed files lie in folders and no other file could be meant by what is left of a name."""
    tails = [one.path.partition("/")[2] for one in commit.changes]
    others = [
        name for name in commit.files if any(name.endswith(f"/{tail}") or name == tail for tail in tails)
    ]
    return all(tails) and len(others) == len(tails) and all(one.before is not None for one in commit.changes)


def _typo_is_clear(commit: Commit) -> bool:
    return all(
        one.before is not None and len(one.path.rpartition("/")[2].partition(".")[0]) > 3
        for one in commit.changes
    )


def _found_alone(commit: Commit) -> bool:
    """Tell whether every hunk stands in its own file only."""
    if any(one.before is None for one in commit.changes):
        return False
    files = {path: lines_of(data) for path, data in commit.files.items() if _is_text(data)}
    return all(
        sum(places(lines, hunk.old) for lines in files.values()) == 1
        for change in commit.changes
        for hunk in hunks(change)
    )


def _is_text(data: bytes) -> bool:
    try:
        return bool(data.decode()) or not data
    except UnicodeDecodeError:
        return False


def _as_crlf(form: Callable[..., str | None], commit: Commit, dice: random.Random) -> Reply | None:
    """Let the changed files have the line ends of Windows; the reply has them not."""
    if any(b"\r" in (one.before or b"") + one.after for one in commit.changes):
        return None
    changes = tuple(
        Change(
            path, None if before is None else before.replace(b"\n", b"\r\n"), after.replace(b"\n", b"\r\n")
        )
        for path, before, after in commit.changes
    )
    return _written(form, commit._replace(changes=changes), dice, old_only=True)


def _no_final_newline(form: Callable[..., str | None], commit: Commit, dice: random.Random) -> Reply | None:
    """Let the changed files end without a newline."""
    changes = tuple(
        Change(path, None if before is None else before.rstrip(b"\r\n"), after.rstrip(b"\r\n"))
        for path, before, after in commit.changes
    )
    return _written(form, commit._replace(changes=changes), dice, old_only=True)


def _trailing_file(form: Callable[..., str | None], commit: Commit, dice: random.Random) -> Reply | None:
    """Let some lines that stay end in blanks, which the reply leaves out."""
    changes = []
    for change in commit.changes:
        if change.before is None or b"\r" in change.before:
            return None
        before, after = change.before.split(b"\n"), change.after.split(b"\n")
        for tag, i, j, k, _ in opcodes(change.before, change.after):
            for at in range(i, j) if tag == "equal" else ():
                blanks = dice.choice([b"", b"", b" ", b"   "]) if before[at].strip() else b""
                before[at] += blanks
                after[k + at - i] += blanks
        changes.append(Change(change.path, b"\n".join(before), b"\n".join(after)))
    return _written(form, commit._replace(changes=tuple(changes)), dice, hurt=damage.stripped)


_MIXED: Sequence[Callable[..., str | None]] = (
    forms.blocks,
    partial(forms.diff, numbers="random"),
    forms.whole,
    partial(forms.begin_patch, shell="fence"),
)


def _mixed(commit: Commit, dice: random.Random) -> Reply | None:
    """Write each file in a style of its own, one after the other."""
    if len(commit.changes) < 2:
        return None
    parts = []
    for change in commit.changes:
        form = dice.choice(_MIXED)
        part = form([(change, hunks(change))], dice)
        if part is None:
            return None
        parts.append(part)
    return Reply("\n".join(parts), commit.files, commit.wanted)


def _trailing(change: Change, lines: list[str], dice: random.Random) -> list[str] | None:
    if any(line != line.rstrip() for line in lines):
        return None
    return [line + dice.choice(["", " ", "   "]) for line in lines]


def _style(name: str, kind: Kind, coder: str, form: Callable[..., str | None], **options: Any) -> Style:
    return Style(name, kind, coder, partial(_written, form, **options))


def _form(form: Callable[..., str | None], **options: Any) -> Callable[..., str | None]:
    return partial(form, **options)


_BLOCK = forms.blocks
_DIFF = forms.diff
_PATCH = forms.begin_patch
_P, _M, _D = Kind.PLAIN, Kind.MATCHING, Kind.DANGEROUS

_PLAIN = (
    _style("blocks", _P, "diff", _BLOCK),
    _style("unified diff", _P, "udiff", _DIFF),
    _style("begin patch", _P, "patch", _PATCH),
    _style("whole files", _P, "whole", _form(forms.whole, at="above")),
    _style("json edits", _P, "", forms.jsons),
    _style("whole functions", _P, "", forms.definitions),
)
_LINES = tuple(
    _style(f"{family}: {name}", _M, coder, form, hurt=hurt, context=context)
    for name, hurt, context, families in (
        ("indentation shifted", damage.shifted, 3, "bdp"),
        ("dedented to column 0", damage.dedented, 3, "bdp"),
        ("tabs for spaces", damage.tabbed, 3, "bd"),
        ("spaces for tabs", damage.spaced, 3, "bd"),
        ("trailing blanks added", damage.trailed, 3, "bd"),
        ("trailing blanks on every line", damage.trailed_all, 3, "b"),
        ("curly quotes", damage.curly, 3, "bd"),
        ("no-break spaces", damage.hard_spaces, 3, "bd"),
        ("HTML-escaped inside", damage.escaped, 3, "bd"),
        ("slip in a line that stays", damage.mistyped, 4, "bdp"),
        ("comment paraphrased", damage.paraphrased, 6, "bd"),
        ("a line that stays is missing", damage.missing, 5, "bd"),
        ("elided middle", damage.elided, 9, "bdp"),
    )
    for family, coder, form in (
        ("blocks", "diff", _BLOCK),
        ("diff", "udiff", _DIFF),
        ("patch", "patch", _PATCH),
    )
    if family[0] in families
)
_BLOCKS = (
    *(
        _style(f"blocks: {name}", _M, "diff", _BLOCK, hurt=hurt, context=context)
        for name, hurt, context in (
            ("empty lines dropped in search", damage.blanks_dropped, 5),
            ("empty lines doubled in search", damage.blanks_doubled, 5),
            ("line numbers in search", damage.numbered, 3),
            ("first line's indentation gone", damage.first_stripped, 3),
        )
    ),
    *(
        _style(f"blocks: name {name}", _M, "diff", _form(_BLOCK, **options), old_only=True, fits=fits)
        for name, options, fits in (
            ("inside the fence", {"at": "inside"}, None),
            ("in the info string", {"at": "info"}, None),
            ("as a heading", {"at": "heading"}, None),
            ("missing", {"at": "missing"}, _found_alone),
            ("with a typo", {"naming": _typo}, _typo_is_clear),
            ("without its first folder", {"naming": _no_folder}, _has_folder),
            ("with a/ in front", {"naming": lambda path, dice: f"a/{path}"}, None),
            ("with backslashes", {"naming": lambda path, dice: path.replace("/", "\\")}, _has_folder),
            ("in the wrong case", {"naming": _wrong_case}, None),
        )
    ),
    _style("blocks: no fences", _M, "diff", _form(_BLOCK, at="bare")),
    _style("blocks: numbered prose between", _M, "diff", _form(_BLOCK, numbered=True)),
    _style("blocks: large search part", _M, "diff", _BLOCK, context=25),
    *(
        _style(f"{family}: {name}", _M, coder, form, text=text)
        for name, text in (
            ("CRLF reply", damage.crlf),
            ("HTML-escaped", damage.escaped_all),
            ("fenced twice", damage.fenced_twice),
            ("quoted", damage.quoted),
        )
        for family, coder, form in (("blocks", "diff", _BLOCK), ("diff", "udiff", _DIFF))
    ),
    Style("blocks: trailing blanks stripped", _M, "diff", partial(_trailing_file, _BLOCK)),
    Style("diff: trailing blanks stripped", _M, "udiff", partial(_trailing_file, _DIFF)),
    Style("blocks: LF reply for a CRLF file", _M, "diff", partial(_as_crlf, _BLOCK)),
    Style("diff: LF reply for a CRLF file", _M, "udiff", partial(_as_crlf, _DIFF)),
)
_DIFFS = (
    *(
        _style(f"diff: {name}", _M, "udiff", _form(_DIFF, **options), context=context, fits=fits)
        for name, options, context, fits in (
            ("numbers off", {"numbers": "off"}, 3, None),
            ("numbers random", {"numbers": "random"}, 3, None),
            ("numbers all 1", {"numbers": "ones"}, 3, None),
            ("@@ ... @@", {"numbers": "dots"}, 3, None),
            ("@@ @@", {"numbers": "pair"}, 3, None),
            ("@@ alone", {"numbers": "bare"}, 3, None),
            ("counts wrong", {"counts": "wrong"}, 3, None),
            ("leading spaces lost", {"spaces": "lost"}, 3, None),
            ("empty lines without their space", {"spaces": "stripped"}, 3, None),
            ("headers of git", {"headers": "git"}, 3, None),
            ("headers without a/ and b/", {"headers": "plain"}, 3, None),
            (
                "dated headers",
                {"headers": "dated", "numbers": "off"},
                3,
                lambda c: all(x.before for x in c.changes),
            ),
            ("only +++", {"headers": "new only"}, 3, lambda c: all(x.before for x in c.changes)),
            ("name in the prose", {"headers": "prose"}, 3, lambda c: all(x.before for x in c.changes)),
            ("no name at all", {"headers": "none"}, 3, _found_alone),
            ("no context", {}, 0, None),
            ("one line of context", {}, 1, None),
            ("no context, numbers off", {"numbers": "off"}, 0, None),
            ("no fence", {"fence": False}, 3, None),
            ("name with a typo", {"naming": _typo}, 3, _typo_is_clear),
        )
    ),
    _style("patch: bare anchors", _M, "patch", _form(_PATCH, anchors=False)),
    _style("patch: here-document", _M, "patch", _form(_PATCH, shell="heredoc")),
    _style("patch: in a fence", _M, "patch", _form(_PATCH, shell="fence")),
    _style("patch: leading spaces lost", _M, "patch", _form(_PATCH, spaces="lost")),
)
_OTHERS = (
    *(
        _style(f"json: {name}", _M, "", _form(forms.jsons, **options))
        for name, options in (
            ("a list", {"shape": "list", "wrap": "bare"}),
            ("by file", {"shape": "files"}),
            ("calls", {"shape": "calls", "wrap": "tag"}),
            ("tool calls", {"shape": "tool calls", "wrap": "bare"}),
            ("a table of changes", {"shape": "changes"}),
            ("trailing commas", {"damage": "commas"}),
            ("raw newlines", {"damage": "newlines"}),
        )
    ),
    _style("json: whole files", _M, "", forms.whole_json),
    *(
        _style(f"whole: name {name}", _M, "whole", _form(forms.whole, at=at))
        for name, at in (
            ("after FILE:", "FILE"),
            ("as a heading", "heading"),
            ("in bold", "bold"),
            ("in the info string", "info"),
            ("after a colon", "colon"),
            ("as a title", "title"),
            ("in a tag", "tag"),
        )
    ),
    _style("whole: trailing blanks", _M, "whole", _form(forms.whole, at="above", edit=_trailing)),
    _style("whole: CRLF", _M, "whole", _form(forms.whole, at="above"), text=damage.crlf),
    _style(
        "whole: name with a typo",
        _M,
        "whole",
        _form(forms.whole, at="above", naming=_typo),
        fits=_typo_is_clear,
    ),
    _style("whole: fenced twice", _M, "whole", _form(forms.whole, at="above"), text=damage.fenced_twice),
    Style(
        "whole: file without final newline",
        _M,
        "whole",
        partial(_no_final_newline, _form(forms.whole, at="above")),
    ),
    Style("blocks: file without final newline", _M, "diff", partial(_no_final_newline, _BLOCK)),
    Style("diff: file without final newline", _M, "udiff", partial(_no_final_newline, _DIFF)),
    _style("whole: ends in the fence", _M, "whole", _form(forms.whole, at="above", tight=True)),
    _style("functions: dedented", _M, "", _form(forms.definitions, dedent=True)),
    _style(
        "functions: no name of the file", _M, "", _form(forms.definitions, named=False), fits=_found_alone
    ),
    _style("classes", _M, "", _form(forms.definitions, kind="class")),
    Style("mixed styles", _M, "", _mixed),
)


def _dangerous(
    write: Callable[[Commit, random.Random], Danger | None], commit: Commit, dice: random.Random
) -> Reply | None:
    found = write(commit, dice)
    return found and Reply(found[0], commit.files | found[1], found[2])


_DANGERS = tuple(Style(name, _D, coder, partial(_dangerous, write)) for name, coder, write in DANGEROUS)
STYLES: Sequence[Style] = (*_PLAIN, *_LINES, *_BLOCKS, *_DIFFS, *_OTHERS, *_DANGERS)
