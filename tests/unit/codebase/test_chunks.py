"""Chunks: what every cut keeps to, whatever the text is, and what a chunk is told to be."""

from __future__ import annotations

import re
import tracemalloc
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfimprove.codebase.chunks import LARGEST, cut
from selfimprove.codebase.grammars import CUT
from selfimprove.codebase.lines import MOST_CHARS, MOST_LINES, text_of
from selfimprove.codebase.sections import DOCUMENTS

if TYPE_CHECKING:
    from selfimprove.model.chunk import Chunk, FileChunks

NAMES = {
    "ada": "a.adb",
    "bash": "a.sh",
    "c": "a.c",
    "clojure": "a.clj",
    "cpp": "a.cpp",
    "csharp": "a.cs",
    "dart": "a.dart",
    "elixir": "a.ex",
    "erlang": "a.erl",
    "fsharp": "a.fs",
    "go": "a.go",
    "haskell": "a.hs",
    "html": "a.html",
    "java": "a.java",
    "javascript": "a.js",
    "kotlin": "a.kt",
    "lua": "a.lua",
    "make": "Makefile",
    "markdown": "a.md",
    "ocaml": "a.ml",
    "perl": "a.pl",
    "php": "a.php",
    "python": "a.py",
    "r": "a.r",
    "rst": "a.rst",
    "ruby": "a.rb",
    "rust": "a.rs",
    "scala": "a.scala",
    "sql": "a.sql",
    "swift": "a.swift",
    "typescript": "a.ts",
    "verilog": "a.sv",
    "zig": "a.zig",
    "none": "a.xyz",
}
# Pieces of which texts like code are made: openings without ends, words of many languages, odd ends of lines.
_WORDS = """
def class function fn func end if else { } ( ) [ ] ; , : = => -> " ' # // /* */ -- <!-- ``` === --- # @ $ \\ | &
<script> </script> import from a b.c A::B 1 0x1F impl struct defmodule do (defn <?php ?> package interface namespace
"""
PIECES = _WORDS.split()
SPACE = [
    "\n",
    "\n\n",
    "\r\n",
    "\r",
    " ",
    "    ",
    "\t",
    "\f",
    "\u2028",
    "\x85",
    "\0",
    "\ufeff",
    "é",
    "😀",
    "\n    ",
]
TEXTS = st.lists(st.sampled_from(PIECES + SPACE) | st.text(max_size=8), max_size=120).map("".join)


def check(path: str, source: bytes) -> FileChunks:
    """Cut, and hold that chunks ascend, do not overlap and cover every line that is not blank."""
    found = cut(path, source)
    rows = text_of(source).split("\n")
    covered: set[int] = set()
    last = 0
    for one in found.chunks:
        assert last < one.start <= one.end <= len(rows)
        assert len(one.signature) <= 200 and "\n" not in one.signature
        last = one.end
        covered.update(range(one.start, one.end + 1))
    assert [number for number, row in enumerate(rows, 1) if row.strip() and number not in covered] == []
    return found


@settings(max_examples=300, deadline=None)
@given(text=TEXTS, language=st.sampled_from(sorted(NAMES)))
def test_any_text_in_any_language(text: str, language: str) -> None:
    """Whatever the text, nothing is raised and no line is lost or told twice."""
    check(NAMES[language], text.encode("utf-8", "surrogatepass"))


@settings(max_examples=100, deadline=None)
@given(source=st.binary(max_size=400), language=st.sampled_from(sorted(NAMES)))
def test_any_bytes_in_any_language(source: bytes, language: str) -> None:
    """The same for bytes that are no text."""
    check(NAMES[language], source)


@pytest.mark.parametrize("language", sorted(set(NAMES) & CUT))
def test_the_same_text_in_every_language(language: str) -> None:
    """A file with another language's text is cut by what its grammar can make of it, or by lines."""
    text = "class A {\n  def f(x):\n    return (x\n\n" * 60
    check(NAMES[language], text.encode())


def symbols(found: FileChunks) -> list[str]:
    """Return the qualified names."""
    return [one.qualified for one in found.chunks if one.symbol]


def by_name(found: FileChunks) -> dict[str, Chunk]:
    """Return the first chunk of each name."""
    return {one.qualified: one for one in reversed(found.chunks)}


@pytest.mark.parametrize(
    "source",
    [
        b"def f():\r\n    pass\r\n\r\n\r\ndef g():\r\n    pass\r\n",
        b"def f():\r    pass\r\r\rdef g():\r    pass\r",
        "\ufeffdef f():\n    pass\n\n\ndef g():\n    pass\n".encode(),
        "def f():\n    pass\n\n\ndef g():\n    pass\n".encode("utf-16"),
        "def f():\n    pass\n\n\ndef g():\n    pass\n".encode("utf-32"),
        "def f():\n    'é'\n\n\ndef g():\n    pass\n".encode("latin-1"),
        "# coding: cp1251\ndef f(): 'я'\n\n\ndef g():\n    pass\n".encode("cp1251"),
        "def f():\n    '\u2028 \x0c \x85'\n\n\ndef g():\n    pass\n".encode(),
        "def f():\n    '😀'\n\n\ndef g():\n    pass\n".encode(),
    ],
    ids=["crlf", "cr", "bom", "utf-16", "utf-32", "latin-1", "cookie", "odd spaces", "emoji"],
)
def test_encodings_and_ends_of_lines(source: bytes) -> None:
    """Definitions are found, at the lines that an editor shows."""
    found = check("a.py", source)
    assert symbols(found) == ["f", "g"]
    assert by_name(found)["g"].start == 5
    assert not found.problem


def test_a_long_function_is_divided_and_keeps_its_name() -> None:
    """Each part is within the limits, and those that are nested are chunks of their own."""
    body = "".join(f"    if x == {number}:\n        do({number})\n\n" for number in range(150))
    text = f"def outer(x):\n{body}    def inner():\n        return x\n\n    return inner\n"
    found = check("a.py", text.encode())
    parts = [one for one in found.chunks if one.qualified == "outer"]
    assert len(parts) > 3
    assert all(one.end - one.start < MOST_LINES for one in found.chunks)
    assert all(one.signature == "def outer(x)" and one.kind == "function" for one in parts)
    assert by_name(found)["outer.inner"].kind == "function"
    starts = [text.split("\n")[one.start - 1] for one in parts[1:]]
    assert all(re.match(r"    \S", line) for line in starts)  # cut at statements, not within them


def test_long_lines_count_too() -> None:
    """A function of few but long lines is divided by its characters."""
    text = "def f():\n" + "".join(f"    x = '{'a' * 900}'\n" for _ in range(30))
    found = check("a.py", text.encode())
    assert len(found.chunks) >= 5
    assert all(len("\n".join(text.split("\n")[c.start - 1 : c.end])) <= MOST_CHARS for c in found.chunks)


def test_what_only_closes_or_opens_is_no_chunk() -> None:
    """Lines of brackets go to what they close, the opening of a block to what it holds."""
    text = "namespace a {\nint f() {\n  return g();\n}\n}  // namespace a\n\n#ifdef X\nint h() { return 1; }\n#endif\n"
    found = check("a.cpp", text.encode())
    assert [one.qualified for one in found.chunks] == ["a.f", "h"]
    assert found.chunks[0][:2] == (1, 5)
    assert found.chunks[-1][:2] == (7, 9)


def test_definitions_that_share_a_line() -> None:
    """A line belongs to the one that begins first."""
    found = check("a.js", b"function a() { b(); } function b() {\n  c();\n}\nclass C { d() { e(); } }\n")
    assert [(one.start, one.end, one.qualified) for one in found.chunks] == [
        (1, 1, "a"),
        (2, 3, "b"),
        (4, 4, "C"),
    ]


def test_references_and_what_is_none() -> None:
    """Calls and types count, each once; keywords, the own name, words and plain variables do not."""
    text = "def total(items):\n    if (items):\n        return round(total(items), Decimal) + len(items) + len(rest)\n"
    assert by_name(check("a.py", text.encode()))["total"].references == ("round", "Decimal", "len")


@pytest.mark.parametrize(
    ("name", "text", "wanted"),
    [
        ("a.clj", "(defn f [x]\n  (str/join (map inc x)))\n", {"str/join", "map"}),
        ("a.hs", "f x = g (h x)\n", {"g", "h", "x"}),
        ("a.sh", "f() {\n  build --all\n}\n", {"build", "all"}),
        ("a.rb", "def f\n  helper\n  other.empty?\nend\n", {"helper", "other", "empty?"}),
        ("a.c", "int f(void) {\n  return g (1) + h(2);\n}\n", {"g", "h"}),
    ],
)
def test_references_where_calls_look_otherwise(name: str, text: str, wanted: set[str]) -> None:
    """Lists, words without brackets, and a blank before the bracket."""
    assert wanted <= set(by_name(check(name, text.encode()))["f"].references)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.py", "def f():\n    return 1\n\n\nx = = 2\ndef g(:\n    y = 1\n\n\ndef h():\n    return 3\n"),
        ("a.js", "function f() { return 1; }\n\nlet = ;;\n) }\n\nfunction h() {\n  return 2;\n}\n"),
        ("a.c", "int f(void) { return 1; }\n\nFOO(x) BAR\n\n@@@\n\nint h(void) {\n  return 2;\n}\n"),
        ("a.rs", "fn f() -> i32 { 1 }\n\nfn g( -> { }\n\nfn h() -> i32 {\n    2\n}\n"),
    ],
)
def test_broken_code_is_cut_at_what_is_found(name: str, text: str) -> None:
    """An error here does not hide the definitions there."""
    found = check(name, text.encode())
    assert {"f", "h"} <= set(symbols(found))
    assert not found.problem


def test_what_is_no_code_is_cut_by_lines_and_says_so() -> None:
    """Where the grammar understands nothing there are blocks, and the reason."""
    found = check("a.rs", b"}}}} ((( ]]] <<< 'a\n" * 200)
    assert {one.kind for one in found.chunks} == {"block"}
    assert found.problem == "most of it is not what its grammar expects"


def test_a_language_without_a_grammar_is_no_problem() -> None:
    """It is cut by lines, best at blank ones, and nothing is said."""
    text = "\n\n".join("key: value\n" * 20 for _ in range(12))
    found = check("a.yaml", text.encode())
    assert (found.language, found.problem) == ("yaml", "")
    assert {one.kind for one in found.chunks} == {"block"}
    assert len(found.chunks) > 3
    assert check("a.unknown", b"hello\n").chunks[0].kind == "block"


def test_a_file_too_large_to_parse_is_cut_by_lines() -> None:
    """The limit is in bytes."""
    line = b"x = 1\n"
    assert not check("a.py", line * (LARGEST // len(line))).problem
    found = check("a.py", line * (LARGEST // len(line) + 1))
    assert found.problem.startswith("it is too large to be parsed")
    assert found.chunks[0].kind == "block"


def test_deep_nesting_and_endless_lines() -> None:
    """Neither the depth of a tree nor the length of a line matters."""
    for name in ("a.c", "a.py", "a.js", "a.lisp", "a.rs", "a.json"):
        check(name, b"(" * 50_000)
        check(name, b"{\n" * 20_000)
    assert len(check("a.js", b"var a=1;" * 50_000).chunks) == 1
    check("a.py", "".join(f"{' ' * depth}class A:\n" for depth in range(400)).encode())


def test_a_parse_that_goes_astray_is_given_up() -> None:
    """Some grammars need time and memory without end for what is no code; the parser is sound again afterwards."""
    text = b"a b c d " * 40_000
    assert check("a.scala", text).problem == "parsing it takes too long"
    assert check("a.java", b"a<b<" * 10_000).problem == "its brackets are not closed"
    assert symbols(cut("b.scala", b"object A {\n  def f = 1\n}\n")) == ["A", "A.f"]


def test_reading_many_files_frees_them_again() -> None:
    """What is given to the parser is not kept: py-tree-sitter never frees what its read function returns."""
    source = b"def f():\n    return 1\n" + b"x = 1\n" * 20_000
    cut("a.py", source)
    tracemalloc.start()
    try:
        for _ in range(4):
            cut("a.py", source)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < len(source)


def test_empty_files_have_no_chunks() -> None:
    """Nothing is in nothing."""
    for source in (b"", b"\n", b" \n\t\r\n\f", b"\xef\xbb\xbf"):
        for name in ("a.py", "a.md", "a.xyz", ""):
            assert cut(name, source).chunks == ()


def test_sections_of_a_document() -> None:
    """Headings of both kinds, not those in fences; names have the headings above them."""
    text = "intro\n\n# Guide\n\n## Install\n\nRun it.\n\n```sh\n# no heading\n```\n\nUse\n---\n\nCall it.\n"
    found = check("a.md", text.encode())
    assert [(c.start, c.end, c.kind, c.qualified) for c in found.chunks] == [
        (1, 1, "section", ""),
        (3, 11, "section", "Guide > Install"),
        (13, 16, "section", "Guide > Use"),
    ]
    text = "=====\nTitle\n=====\n\nText.\n\nPart\n----\n\nMore.\n\nSub\n^^^\n\nLess.\n\nNext\n----\n\nEnd.\n"
    found = check("a.rst", text.encode())
    assert symbols(found) == ["Title", "Title > Part", "Title > Part > Sub", "Title > Next"]


@pytest.mark.parametrize(
    ("name", "text", "wanted"),
    [
        ("a.org", "* One\ntext\n** Two\ntext\n", ["One", "One > Two"]),
        ("a.adoc", "= One\n\ntext\n\n== Two\n\ntext\n", ["One", "One > Two"]),
        ("a.tex", "\\section{One}\ntext\n\\subsection{Two}\ntext\n", ["One", "One > Two"]),
        ("a.typ", "= One\ntext\n== Two\ntext\n", ["One", "One > Two"]),
    ],
)
def test_sections_of_other_documents(name: str, text: str, wanted: list[str]) -> None:
    """Each format has its own headings."""
    found = check(name, text.encode())
    assert found.language in DOCUMENTS
    assert symbols(found) == wanted


def test_the_signature_is_the_head_on_one_line() -> None:
    """Without decorators and attributes, with all parameters, at most 200 characters."""
    text = "@cache\ndef f(\n    a: int,  # first\n    b: str = 'x',\n) -> dict[str, int]:\n    return {}\n"
    assert (
        by_name(check("a.py", text.encode()))["f"].signature
        == "def f( a: int, b: str = 'x', ) -> dict[str, int]"
    )
    text = (
        '@Override\n@Named(value = "(x)")\npublic int f(int a,\n        int b) throws E {\n    return 1;\n}\n'
    )
    found = check("A.java", f"class A {{\n{text}}}\n".encode())
    assert by_name(found)["A.f"].signature == "public int f(int a, int b) throws E"
    many = ", ".join(f"argument_{number}" for number in range(50))
    assert len(by_name(check("a.py", f"def f({many}):\n    pass\n".encode()))["f"].signature) == 200
