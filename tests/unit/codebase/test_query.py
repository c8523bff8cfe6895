"""Understanding a query: names, paths, quoted code and prose, whatever a person pastes."""

from __future__ import annotations

import time

import pytest

from selfimprove.codebase.query import LONGEST, informative, tail, understand


def test_a_few_words() -> None:
    query = understand("Where are retries counted?")
    assert query.terms == {"where": 1, "are": 1, "retri": 1, "count": 1}
    assert query[2:] == ((), (), (), (), (), ())


@pytest.mark.parametrize(
    ("text", "symbols"),
    [
        ("why is parse_date slow", ("parse_date",)),
        ("Invoice.total() rounds twice, InvoiceError comes", ("Invoice.total", "InvoiceError")),
        ("std::vec::Vec and Foo#bar, x->next_item", ("std::vec::Vec", "Foo#bar", "x->next_item")),
        ("call run() then", ("run",)),
        (" total\n", ("total",)),
        ("total of", ()),
        ("`total` of `Invoice.sum(x)` and `a b`", ("Invoice.sum", "total")),
        ("It broke.Then it stopped, e.g. twice. HTTP is fine", ()),
    ],
)
def test_names(text: str, symbols: tuple[str, ...]) -> None:
    assert understand(text).symbols == symbols


@pytest.mark.parametrize(
    ("text", "paths", "places"),
    [
        ("see src/app/views.py", ("src/app/views.py",), ()),
        ("see ./src/views.py:12, line 3 of lib.rs", ("src/views.py", "lib.rs"), (("src/views.py", 12),)),
        ("in C:\\code\\app\\x.py:3", ("C:/code/app/x.py",), (("C:/code/app/x.py", 3),)),
        ("../../up/a.ts#L7", ("up/a.ts",), (("up/a.ts", 7),)),
        ("https://host.org/me/it/blob/main/src/a.go#L9-L12", ("src/a.go",), (("src/a.go", 9),)),
        ("https://host.org/about and me@host.org", (), ()),
        ("version 1.2.3 of foo.bar", (), ()),
    ],
)
def test_paths(text: str, paths: tuple[str, ...], places: tuple[tuple[str, int], ...]) -> None:
    query = understand(text)
    assert (query.paths, query.places) == (paths, places)


def test_quoted_code_and_its_language() -> None:
    query = understand(
        "Title\n\n```rs\nlet total_sum = 1;\n```\nand\n~~~ python\nx = 1\n~~~\nor ``a`` in b.go"
    )
    assert query.quoted == ("a", "let total_sum = 1;\n", "x = 1\n")
    assert query.languages == ("rust", "python", "go")
    assert query.symbols == ("a", "total_sum")
    assert query.terms["total"] == 0.5


def test_the_title_the_quoted_and_the_repeated_weigh_more() -> None:
    terms = understand("Rounding is wrong\n\nThe sum of `invoice` is off. Off by a cent: a cent!").terms
    assert terms["round"] > terms["cent"] > terms["invoic"] > terms["sum"]
    assert terms["sum"] == pytest.approx(1, abs=0.01)
    late = understand("Title\n" + "word " * 2000 + "\nlast").terms
    assert late["last"] < 0.3


def test_comments_of_a_template_are_not_read() -> None:
    assert set(understand("<!-- describe\nthe bug --> crash <!-- open").terms) == {"crash"}


@pytest.mark.parametrize("text", ["", "  \n\t", "\0", "?!", "`" * 9, "\ud800"])
def test_nothing_is_a_query_too(text: str) -> None:
    assert understand(text).terms == {}


def test_other_scripts() -> None:
    assert {"größe", "配置"} <= {term.replace("össe", "öße") for term in understand("Größe 配置").terms}


def test_the_most_informative_terms() -> None:
    idf = {"a": 1.0, "b": 5.0, "c": 5.0, "d": 2.0}
    terms = {"a": 9.0, "b": 1.0, "c": 1.0, "d": 1.0, "unknown": 9.0}
    assert list(informative(terms, lambda _: idf)) == ["a", "b", "c", "d"]
    assert list(informative(terms, lambda _: idf, most=2)) == ["a", "b"]
    assert informative({}, lambda _: {}) == {}


def test_other_words_than_those_of_the_index() -> None:
    assert understand("Parsing x_y", words=str.split).terms == {"Parsing": 1, "x_y": 1}


@pytest.mark.parametrize(
    "symbol", ["total", "Invoice.total", "a::Invoice::total", "Invoice#total", "p->total"]
)
def test_the_last_name(symbol: str) -> None:
    assert tail(symbol) == "total"


@pytest.mark.parametrize(
    "piece",
    ["a/", "`", "a.", "    at ", "```", "(", "\n", " ", "0: ", "at x", "<!--", "at a(", 'File "', "#1 "],
)
def test_a_very_long_text_takes_no_more_than_a_moment(piece: str) -> None:
    """A pattern that looks again and again over the same text would take hours here."""
    begun = time.process_time()
    understand(piece * (2 * LONGEST // len(piece)))
    assert time.process_time() - begun < 20
