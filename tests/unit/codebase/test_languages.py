"""Languages: how a file's language is told, and that every language with a grammar is cut where a person would."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from selfimprove.codebase.chunks import cut, parser_of
from selfimprove.codebase.grammars import CUT, ROLES, grammar_of
from selfimprove.codebase.kinds import KINDS
from selfimprove.codebase.languages import LANGUAGES, language_of, told_by_text

_TEXT = (Path(__file__).parent / "language_examples.txt").read_text("utf-8")
EXAMPLES = [
    (*head.split(), *rest.split("--- cut into\n"))
    for head, _, rest in (part.partition("\n") for part in re.split(r"^@@@ ", _TEXT, flags=re.M)[1:])
]


@pytest.mark.parametrize(("language", "name", "code", "wanted"), EXAMPLES, ids=[one[0] for one in EXAMPLES])
def test_a_file_is_cut_at_its_definitions(language: str, name: str, code: str, wanted: str) -> None:
    """Lines, kinds, names with the outer ones, and imports are those that the example states."""
    found = cut(name, code.encode())
    told = [f"{one.start}-{one.end} {one.kind} {one.qualified}".rstrip() for one in found.chunks]
    if found.imports:
        told.append("imports " + " ".join(found.imports))
    assert (found.language, found.problem) == (language, "")
    assert told == wanted.splitlines()


def test_the_examples_are_of_nearly_all_languages() -> None:
    """A language in the table has an example, or is cut by the kinds of one that has."""
    shown = {one[0] for one in EXAMPLES}
    assert len(shown) > 80
    assert {name for name in CUT if name not in shown} == set()


@pytest.mark.parametrize("language", sorted(CUT))
def test_the_kinds_of_the_table_are_those_of_the_grammar(language: str) -> None:
    """A kind that is misspelt would never be met: each row's own kinds are in its grammar."""
    grammar = grammar_of(language)
    assert grammar is not None
    parser_language = parser_of(grammar.binding).language
    assert parser_language is not None
    known = {parser_language.node_kind_for_id(number) for number in range(parser_language.node_kind_count)}
    row = KINDS[language]
    kinds = " ".join(row.get(key, "") for key in (*ROLES, "leading", "tails")).split()
    assert set(kinds) - known <= _IN_RELATIVES.get(language, set())


# Kinds that only another language with the same row has.
_IN_RELATIVES = {"c": {"class_specifier"}, "starlark": {"class_definition"}}


def test_every_language_that_is_cut_can_be_told() -> None:
    """A row for a language that no name leads to would be dead."""
    assert set(CUT) <= LANGUAGES


@pytest.mark.parametrize(
    ("path", "head", "language"),
    [
        ("src/a.py", b"", "python"),
        ("A.PY", b"", "python"),
        ("deep/er/Makefile", b"", "make"),
        ("Makefile.am", b"", "make"),
        ("CMakeLists.txt", b"", "cmake"),
        ("notes.txt", b"", "text"),
        ("Dockerfile.dev", b"", "dockerfile"),
        (".bashrc", b"", "bash"),
        ("README", b"", "text"),
        ("types.d.ts", b"", "typescript"),
        ("bin/tool", b"#!/usr/bin/env -S python3.12 -u\n", "python"),
        ("bin/tool", b"#!/bin/sh\n", "bash"),
        ("bin/tool", b"#! /usr/bin/perl -w\n", "perl"),
        ("bin/tool", b"#!/usr/bin/env FOO=1 node\n", "javascript"),
        ("bin/tool", b"#!", ""),
        ("bin/tool", b"\x7fELF", ""),
        ("a.unknown", b"#!/bin/sh\n", "bash"),
        ("noextension", b"", ""),
        ("", b"", ""),
        (".py", b"", ""),
    ],
)
def test_the_language_of_a_path(path: str, head: bytes, language: str) -> None:
    """The extension tells, then the name, then the first line."""
    assert language_of(path, head) == language


@pytest.mark.parametrize(
    ("path", "text", "language"),
    [
        ("a.h", "#include <stdio.h>\nint f(void);\n", "c"),
        ("a.h", "#pragma once\nnamespace a {\nclass B;\n}\n", "cpp"),
        ("a.h", "@interface A : NSObject\n@end\n", "objc"),
        ("a.m", "function x = f(a)\nx = a;\nend\n", "matlab"),
        ("a.m", "#import <Foundation/Foundation.h>\n", "objc"),
        ("a.ts", '<?xml version="1.0"?>\n<TS></TS>\n', "xml"),
        ("a.v", "module main\n\nfn main() {\n}\n", "v"),
        ("a.v", "module alu(input a);\nendmodule\n", "verilog"),
        ("a.cls", "\\NeedsTeXFormat{LaTeX2e}\n", "latex"),
    ],
)
def test_an_extension_of_several_languages(path: str, text: str, language: str) -> None:
    """The text tells which it is."""
    assert told_by_text(path, language_of(path), text) == language
    assert cut(path, text.encode()).language == language
