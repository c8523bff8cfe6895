"""The text of a pull request: all facts, nothing that Markdown or GitHub would obey, never too long."""

from __future__ import annotations

from typing import Any

from selfimprove.model.evidence import Claim, Stand, Verification
from selfimprove.model.review import Review, ReviewTerms
from selfimprove.model.undo import Taken, Undone
from selfimprove.report.handover import undo_text, verification_text
from selfimprove.report.request import LONGEST, request_text

MESSAGE = "Mend *it*\n\nWhy: <script> @everyone #1\n\nSelfimprove-Task: one\nSelfimprove-Run: 3\n"
RECORD: dict[str, Any] = {
    "task": {"id": "one"},
    "base": "b" * 40,
    "checks": [{"name": "tests", "ok": True, "summary": "3 passed | 1 skipped"}],
    "functions": [
        {"path": "m.py", "symbol": "f", "rule": "SI101", "before": 19, "after": 4},
        {"path": "m.py", "symbol": "g", "rule": "SI101", "before": None, "after": 2},
        {"path": "m.py", "symbol": "same", "rule": "SI101", "before": 2, "after": 2},
    ],
    "review": {
        "scores": {"safety": 9},
        "mean": 9.0,
        "summary": "[x](http://evil)",
        "model": "m",
        "issues": [{"path": "m.py", "line": 3, "severity": "note", "text": "`rm`"}],
    },
    "spend": {"dollars": 0.25, "tokens": 1200},
    "vetoes": {"looked_for": ["secret", "gutted"]},
}


def test_all_facts_and_nothing_that_is_obeyed() -> None:
    title, body = request_text([("c" * 40, MESSAGE, RECORD)], ["selfimprove-0123456789abcdef"])
    assert title == "Mend *it*"
    for words in (
        "| tests | passed | 3 passed \\| 1 skipped |",
        "| m.py f | SI101 | 19 | 4 |",
        "| m.py g | SI101 | - | 2 |",
        "**9 of 10**",
        "m.py:3 note: \\`rm\\`",
        "$0.2500, 1,200 tokens",
        "2, none found",
        f"selfimprove verify {'c' * 40}",
        "`selfimprove-0123456789abcdef`",
    ):
        assert words in body
    assert "same" not in body
    assert "Selfimprove-Task" not in body
    for words in ("<script>", " @everyone", "[x](", " #1"):
        assert words not in body


def test_a_long_text_is_cut_but_never_its_end() -> None:
    long = {**RECORD, "checks": [{"name": "tests", "ok": True, "summary": "x" * 9_000}]}
    commits = [(f"{number:040x}", MESSAGE, long) for number in range(20)]
    title, body = request_text(commits, ["selfimprove-word"])
    assert title == "Mend *it*, and 19 more"
    assert len(body) <= LONGEST
    assert "The rest is in the commits." in body
    assert "`selfimprove-word`" in body
    assert body.count("selfimprove verify") == 20


def test_a_commit_without_a_record_has_its_words() -> None:
    _, body = request_text([("c" * 40, MESSAGE, {})], ["w"])
    assert "## Mend \\*it\\*" in body


def test_a_verification_says_how_each_claim_stands() -> None:
    claims = (
        Claim("tests", "3 passed", "2 passed", Stand.FAILS, "3 passed there, 2 here"),
        Claim("lint", "ok", "ok", Stand.HOLDS),
        Claim("model", "m\x1b[2J", "", Stand.STATED),
    )
    text = verification_text(Verification("c" * 40, "Mend", "one", "3", "b", claims, {}))
    assert "  ✗ tests  3 passed; here: 2 passed (3 passed there, 2 here)\n  ✓ lint   ok\n" in text
    assert "\x1b" not in text
    assert "Not all claims hold: 1 found again, 1 not so, 1 stated." in text


def test_an_undo_says_how_to_have_it_again() -> None:
    assert undo_text(Undone("run 1"), dry_run=False) == "Nothing of run 1 is left to take back.\n"
    taken = Taken(
        "c" * 40,
        "Mend",
        "one",
        "selfimprove/run-1",
        "its branch is deleted",
        "refs/selfimprove/undone/run-1/c",
    )
    text = undo_text(Undone("run 1", (taken,), tasks=("one",)), dry_run=True)
    assert text.startswith("run 1: 1 commit would be taken back\n")
    assert "git branch -f selfimprove/run-1 refs/selfimprove/undone/run-1/c" in text


def test_a_mean_or_one_low_score_decides() -> None:
    terms = ReviewTerms(enabled=True)
    good = Review("t", {"a": 7, "b": 7})
    assert good.objection(terms) == ""
    assert Review("t", {"a": 6, "b": 7}).objection(terms) == "6.5 of 10, and 7 is needed"
    assert (
        Review("t", {"a": 3, "b": 10, "c": 10}).objection(terms)
        == "7.67 of 10, but a 3: at least 4 is needed"
    )
    assert Review.from_dict(good.to_dict()) == good
