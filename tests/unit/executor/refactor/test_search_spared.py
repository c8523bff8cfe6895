"""What the search does not try, because it is known to fail: twice the same, or lines that no test runs."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest

from selfimprove.errors import RefactorError
from selfimprove.executor.refactor import rewrite
from selfimprove.executor.refactor.extract import search as searching
from selfimprove.executor.refactor.extract.search import Aims, search
from selfimprove.executor.refactor.project import Project
from selfimprove.executor.refactor.source import Source
from selfimprove.executor.refactor.wish import Wish

# Nothing in the loop can be extracted: each branch gives values and may jump.
KNOT = """
class Reader:
    def read(self, text, many):
        line, note = "", ""
        at = 0
        while True:
            found = self.next(text, at)
            if not found:
                line += text[at:]
                self.write(line, note)
                break
            line += text[at:found.start()]
            at = found.end()
            word, mark, opened, closed, block, end = found.groups()
            if self.depth > 0 and (block or end):
                line += block or end
                continue
            if word:
                line += word
            elif mark:
                note = mark
                if many and mark.strip():
                    many = False
            elif opened:
                self.depth += 1
                line += opened
            elif closed:
                if self.depth > 0:
                    self.depth -= 1
                line += closed
            elif block:
                line = block
                self.indent += 1
            elif end:
                if many: many = False
                else: line += end
            else:
                self.write(line, note)
                line, note, self.mod = "", "", 0
                if not many:
                    break

        return at
"""


def _search(text: str, symbol: str, aims: Aims | None = None, **more: Any) -> Any:
    content = textwrap.dedent(text).encode()
    source = Source.read("m.py", content)
    return search(source, source.place(symbol), Project({"m.py": content}, **more), aims or Aims())


def test_what_was_extracted_is_not_extracted_from_itself_again(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []
    real = searching.made

    def counted(*given: Any) -> Any:
        made.append(given[2])
        return real(*given)

    monkeypatch.setattr(searching, "made", counted)
    with pytest.raises(RefactorError, match=r"still \d+ after all that can be cut") as caught:
        _search(KNOT, "Reader.read")
    assert len(made) <= 6
    assert "_" not in caught.value.message  # it names no function that there is not


GUARDED = """
def pick(rows, a, b, c, d):
    for row in rows:
        if a:
            if row == a and b:
                note(row)
            elif row == b and c:
                note(row)
            elif row == c and d:
                note(row)
            elif row == d:
                return 1
        else:
            note(rows)
            continue
        after(row)
    return 0
"""


def _lines(text: str, *words: str) -> frozenset[int]:
    """Return the lines of ``text`` in which none of ``words`` stands."""
    rows = textwrap.dedent(text).split("\n")
    return frozenset(at for at, row in enumerate(rows, 1) if not any(word in row for word in words))


def test_the_end_of_a_helper_is_run_when_what_follows_further_out_is() -> None:
    for missed in ("", "after("):
        draft = _search(GUARDED, "pick", Aims(complexity=7), covered={"m.py": _lines(GUARDED, missed or "#")})
        told = "    return False" in draft.files["m.py"].decode()
        assert told == (not missed), draft.files["m.py"].decode()


ASKED = """
def fits(a, b, c, d):
    if (
        a
        and (b > 1 or c > 1 or d > 1)
    ):
        return d
    return None
"""


def test_a_condition_that_tests_never_come_to_is_no_helper() -> None:
    draft = _search(ASKED, "fits", Aims(complexity=4), covered={"m.py": _lines(ASKED, "b > 1")})
    assert "return a and (b > 1 or c > 1 or d > 1)" in draft.files["m.py"].decode()


def test_a_helper_with_a_line_that_is_not_run_is_no_solution(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the cuts were judged by: the last word is what the proof would say."""
    monkeypatch.setattr("selfimprove.executor.refactor.analysis.cutting.unrun_line", lambda *_: 0)
    drafts = [
        _search(GUARDED, "pick", Aims(complexity=7), covered={"m.py": _lines(GUARDED, missed)})
        for missed in ("#", "return 1")
    ]
    assert ["return True" in draft.files["m.py"].decode() for draft in drafts] == [True, False]


SIZES = b"def size(n):\n    if n > 3:\n        return 'big'\n    else:\n        return 'small'\n"


@pytest.mark.parametrize(("run", "proposed"), [((1, 2, 3, 5), True), ((1, 2, 3), False)])
def test_a_line_that_only_moves_must_be_run_too(run: tuple[int, ...], *, proposed: bool) -> None:
    project = Project({"m.py": SIZES}, {"m.py": frozenset(run)})
    wish = Wish("m.py", "size", 1, ("else-after-return",), {}, by_hand=True)
    if proposed:
        assert rewrite.propose(project, wish).rewrites == ("else-after-return",)
        return
    with pytest.raises(RefactorError, match="line 5 is not run by any test"):
        rewrite.propose(project, wish)
