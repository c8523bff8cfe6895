"""The terms of code and prose, and their counts."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from selfimprove.codebase.words import LONGEST, WHOLE, Bags, bags, join, terms_of, words
from selfimprove.model.chunk import Chunk, FileChunks

TEXT = """\
import os


def read_file(path):
    return open(path).read()


class HTTPServer:
    def do_GET(self):  # answers with 404
        self.send_error(404)
"""
CUT = FileChunks(
    "python",
    (
        Chunk(1, 1, "module"),
        Chunk(4, 5, "function", "read_file", "read_file"),
        Chunk(8, 8, "class", "HTTPServer", "HTTPServer"),
        Chunk(9, 10, "method", "do_GET", "HTTPServer.do_GET"),
    ),
)


def counts(some: Bags, chunk: int, field: str) -> dict[str, int]:
    """Return the terms of one chunk's field and how often it has them."""
    here = some.chunk == chunk
    pairs = zip(some.term[here].tolist(), getattr(some, field)[here].tolist(), strict=True)
    return {some.terms[term]: count for term, count in pairs if count}


@pytest.mark.parametrize(
    ("identifier", "terms"),
    [
        ("path", "path"),
        ("readFile", "read file =readfile"),
        ("read_files", "read file =read_files"),
        ("READ_FILE", "read file =read_file"),
        ("HTTPServer", "http server =httpserver"),
        ("getHTTPResponse", "get http respons =gethttpresponse"),
        ("__init__", "init"),
        ("sha256", "sha 256 =sha256"),
        ("x1", "=x1"),
        ("x", ""),
        ("7", ""),
        ("404", "404"),
        ("1234567", ""),
        ("_", ""),
        ("Größenmaß_prüfen", "grössenmass prüfen =grössenmass_prüfen"),
        ("naïveBayes", "naïv bay =naïvebayes"),
        ("Δt", "δt"),
        ("ДанныеФайла", "данные файла =данныефайла"),
        ("读取文件", "读取 取文 文件"),
        ("文", "文"),
        ("3f2a9c41b7d0e85566aa", "=3f2a9c41b7d0e85566aa"),
        ("x" * (LONGEST + 1), ""),
        ("ab_" * LONGEST, ""),
    ],
)
def test_the_terms_of_an_identifier(identifier: str, terms: str) -> None:
    assert " ".join(terms_of(identifier)) == terms


def test_a_part_is_never_equal_to_a_whole_identifier() -> None:
    assert WHOLE + "readfile" in terms_of("readFile")
    assert terms_of("readfile") == ("readfil",)


def test_a_query_has_the_terms_that_the_code_has() -> None:
    assert words("Don't read files: `readFile()`") == ["don", "read", "file", "read", "file", "=readfile"]
    assert words("") == words(" \n\t?!") == []


def test_an_accent_in_two_characters_is_the_same_letter() -> None:
    assert words("cafe\u0301") == words("caf\u00e9") == ["café"]


def test_each_field_of_each_chunk_is_counted() -> None:
    some = bags([("src/web_server/http.v2.py", CUT, TEXT)])
    assert counts(some, 1, "body") == {
        "def": 1,
        "read": 2,
        "file": 1,
        "=read_file": 1,
        "path": 2,
        "return": 1,
        "open": 1,
    }
    assert counts(some, 1, "name") == {"read": 1, "file": 1, "=read_file": 1}
    assert counts(some, 3, "name") == {
        "http": 1,
        "server": 1,
        "=httpserver": 1,
        "do": 1,
        "get": 1,
        "=do_get": 1,
    }
    assert counts(some, 0, "name") == {}
    for chunk in range(4):
        path = {"src": 1, "web": 1, "server": 1, "=web_server": 1, "http": 1, "=v2": 1}
        assert counts(some, chunk, "path") == path
    assert some.size.tolist() == [2, 7, 2, 9]
    assert counts(some, 3, "body")["404"] == 2


def test_entries_are_unique_and_in_order() -> None:
    some = bags([("a.py", CUT, TEXT), ("b.py", CUT, TEXT)])
    pairs = list(zip(some.chunk.tolist(), some.term.tolist(), strict=True))
    assert pairs == sorted(set(pairs))
    assert sorted(set(some.term.tolist())) == list(range(len(some.terms)))
    assert len(set(some.terms)) == len(some.terms)
    assert [column.dtype.name for column in some[1:]] == [
        "uint32",
        "uint32",
        "uint16",
        "uint8",
        "uint8",
        "uint32",
    ]


def test_the_counts_are_those_of_the_words() -> None:
    some = bags([("a.py", FileChunks("", (Chunk(1, 10, "block"),)), TEXT)])
    assert counts(some, 0, "body") == Counter(words(TEXT))


def test_a_count_stops_at_what_its_type_can_hold() -> None:
    text = "very " * 70_000
    cut = FileChunks("", (Chunk(1, 1, "block", "", ".".join(["name"] * 300)),))
    some = bags([("a.py", cut, text)])
    assert counts(some, 0, "body") == {"veri": 65535}
    assert counts(some, 0, "name") == {"name": 255}
    assert some.size.tolist() == [70_000]


@pytest.mark.parametrize("text", ["", "\n\n", "+-*/\n", "\0\0\n", "\udc80\udcff\n"])
def test_chunks_without_a_word_count_as_chunks(text: str) -> None:
    some = bags([("+", FileChunks("", (Chunk(1, 1, "block"), Chunk(2, 2, "block"))), text)])
    assert some.size.tolist() == [0, 0]
    assert some.terms == []


def test_nothing_has_no_chunks() -> None:
    assert len(bags([]).size) == len(join([]).size) == 0
    assert bags([("a.py", FileChunks("python", ()), "")]).terms == []


def test_joined_batches_are_as_one_batch() -> None:
    files = [("a.py", CUT, TEXT), ("b/c.py", CUT, TEXT.replace("path", "place")), ("d.py", CUT, "")]
    whole, parts = bags(files), join([bags([one]) for one in files])
    assert np.array_equal(whole.size, parts.size)
    for chunk in range(len(whole.size)):
        for field in ("body", "name", "path"):
            assert counts(whole, chunk, field) == counts(parts, chunk, field)
    assert [column.dtype for column in whole[1:]] == [column.dtype for column in parts[1:]]


def test_what_is_remembered_is_begun_anew_when_it_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    files = [("a.py", CUT, TEXT)]
    before = bags(files)
    monkeypatch.setattr("selfimprove.codebase.words._REMEMBERED", 3)
    bags([("b.py", CUT, "one two three four five\n" * 10)])
    after = bags(files)
    assert [counts(before, 3, "body"), before.size.tolist()] == [
        counts(after, 3, "body"),
        after.size.tolist(),
    ]
