"""Vetoes on tests of other languages, on snapshots and on test data: by the words that each language's tests have."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.executor.vetoes.files import is_named, is_test

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selfimprove.executor.vetoes.change import Case, Change
    from selfimprove.model.outcome import Objection


class Words(NamedTuple):
    """How tests, assertions and skips read in one language, and its comments."""

    test: re.Pattern[str]
    check: re.Pattern[str]
    skip: re.Pattern[str]
    comment: re.Pattern[str]


_SLASHES = re.compile(r"^\s*//.*$|\s//\s.*$|/\*[\s\S]*?\*/", re.MULTILINE)
_HASHES = re.compile(r"^\s*#(?!\[).*$|\s#\s.*$", re.MULTILINE)
_JS = Words(
    re.compile(r"(?<![\w.])(?:it|test|specify)(?:\.each\b[^\n]*?)?\s*\("),
    re.compile(
        r"\bexpect\s*\(|\bassert(?:\.\w+)*\s*\(|\.should\b|\bt\.(?:is|deepEqual|true|false|throws|like)\("
    ),
    re.compile(
        r"\b(?:it|test|describe|context|suite)\.(?:skip|only|todo|fails|failing|fixme)\b"
        r"|(?<![\w.])(?:xit|xtest|xdescribe|xcontext|fit|fdescribe)\s*\(|\bthis\.skip\(\)|\bt\.skip\b"
    ),
    _SLASHES,
)
_GO = Words(
    re.compile(r"^func\s+(?:\([^)]*\)\s*)?(?:Test|Benchmark|Fuzz|Example)\w*\s*\(|\.Run\s*\(", re.MULTILINE),
    re.compile(r"\b[tb]\.(?:Error|Errorf|Fatal|Fatalf|Fail|FailNow)\s*\(|\b(?:assert|require)\.\w+\s*\("),
    re.compile(
        r"\b[tb]\.(?:Skip|Skipf|SkipNow)\s*\(|^//\s*\+build\s+ignore|^//go:build\s+ignore", re.MULTILINE
    ),
    re.compile(r"^\s*//(?!go:build|\s*\+build).*$|/\*[\s\S]*?\*/", re.MULTILINE),
)
_JVM = Words(
    re.compile(
        r"@(?:Test|ParameterizedTest|RepeatedTest|TestFactory|Theory|Fact|TestMethod)\b|\[(?:Test|Fact|Theory)"
    ),
    re.compile(r"\b[aA]ssert\w*\s*[.(]|\bverify\s*\(|\.Should\(\)|\bexpect\w*\s*\("),
    re.compile(r"@(?:Disabled|Ignore)\b|\[Ignore|Skip\s*=\s*\"|\bassume\w*\("),
    _SLASHES,
)
_RUST = Words(
    re.compile(r"#\[(?:\w+::)*(?:test|rstest|case)\b"),
    re.compile(r"\b(?:debug_)?assert(?:_\w+)?!\s*[(\[{]|#\[should_panic"),
    re.compile(r"#\[ignore\b|#\[cfg\((?:any\(\)|FALSE|not\(test\))"),
    _SLASHES,
)
_RUBY = Words(
    re.compile(r"^\s*(?:it|test|specify|should|scenario)\b|^\s*def\s+test_", re.MULTILINE),
    re.compile(r"\bexpect\b|\bassert\w*\b|\brefute\w*\b|\bmust_\w+|\.should\b"),
    re.compile(r"^\s*(?:xit|xdescribe|xspecify|pending|skip|fit|fdescribe)\b", re.MULTILINE),
    _HASHES,
)
_C = Words(
    re.compile(
        r"\b(?:TEST|TEST_F|TEST_P|TEST_CASE|SCENARIO|BOOST_AUTO_TEST_CASE|START_TEST)\s*\(|\btest_\w+\s*\("
    ),
    re.compile(r"\b(?:ASSERT|EXPECT|REQUIRE|CHECK|BOOST_\w+|ck_assert)\w*\s*\(|\bassert\s*\("),
    re.compile(r"\bGTEST_SKIP\b|\bDISABLED_\w+|^\s*#if\s+0\b", re.MULTILINE),
    _SLASHES,
)
_SHELL = Words(
    re.compile(r"^\s*@test\b|^\s*(?:function\s+)?test_\w+\s*\(\)", re.MULTILINE),
    re.compile(r"^\s*\[\[?\s|\bassert\w*\b|\bexit\s+1\b", re.MULTILINE),
    re.compile(r"^\s*skip\b|^\s*exit\s+0\b", re.MULTILINE),
    _HASHES,
)
_LANGUAGES = {
    **dict.fromkeys(("js", "jsx", "ts", "tsx", "mjs", "cjs", "mts", "cts", "vue", "svelte"), _JS),
    "go": _GO,
    **dict.fromkeys(("java", "kt", "cs", "scala", "groovy", "swift", "php"), _JVM),
    "rs": _RUST,
    "rb": _RUBY,
    **dict.fromkeys(("c", "cc", "cpp", "cxx", "h", "hpp"), _C),
    **dict.fromkeys(("sh", "bats", "bash"), _SHELL),
}


def other_tests(change: Change, case: Case) -> Iterator[Objection]:
    """Object to tests in other languages than Python, and to test data, that would prove less."""
    words = _LANGUAGES.get(change.path.rpartition(".")[2].lower())
    inside = words is _RUST and _RUST.test.search(change.old or "")  # Rust's tests stand in the source
    if change.is_python or change.old is None or not (is_test(change.path) or inside):
        return
    if not inside and not is_named(case.task, change.path):
        yield from _unasked(change, case, words)
    if words:
        yield from _counted(change, case, words)
    elif change.new is None and case.moved_from(change) < 1:
        yield change.objection("tests_weakened", "is data of tests and would be deleted")


def _unasked(change: Change, case: Case, words: Words | None) -> Iterator[Objection]:
    moved = change.new is None and any(
        other.old is None and other.new == change.old and is_test(other.path) for other in case.changes
    )
    if not moved and not _only_more(change, words):
        kind = "a test" if words else "data of tests"
        yield change.objection(
            "tests_changed", f"is {kind} that the task does not name, and not only added to"
        )


def _only_more(change: Change, words: Words | None) -> bool:
    return words is not None and change.new is not None and not any(line.strip() for line in change.removed)


def _counted(change: Change, case: Case, words: Words) -> Iterator[Objection]:
    old, new = (words.comment.sub("", text or "") for text in (change.old, change.new))
    for pattern, what in ((words.test, "tests"), (words.check, "assertions")):
        before, after = len(pattern.findall(old)), len(pattern.findall(new))
        if after < before and case.moved_from(change) < 1:
            yield change.objection("tests_weakened", f"would have {after} {what} where it has {before}")
            return
    if len(words.skip.findall(new)) > len(words.skip.findall(old)):
        line = next((number for number, text in change.added if words.skip.search(text)), 0)
        yield change.objection("tests_skipped", "would skip tests", line)
