"""Search on a real index of a small project: what is found, in which order, why, and within which files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from selfimprove.codebase.index import Index, open_index
from selfimprove.codebase.query import understand
from selfimprove.codebase.rank import GIVEN, TEST_FEATURES, features, parts, total
from selfimprove.codebase.ranking import WEIGHTS
from selfimprove.codebase.scan import walk
from selfimprove.codebase.search import CANDIDATES, retrieve, search, selection

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LONG = "".join(f"    step_{number} = prepare(step_{number - 1})  # ledger\n" for number in range(1, 300))
FILES = {
    "src/billing/invoice.py": '''\
"""Invoices."""


class Invoice:
    """What a customer owes."""

    def __init__(self, lines):
        self.lines = lines

    def total(self, currency="EUR"):
        """Add up the lines."""
        return convert(sum(line.amount for line in self.lines), currency)


def convert(amount, currency):
    """Change money at the rate of the day."""
    return amount * rate_of(currency)
''',
    "src/billing/rates.py": "def rate_of(currency):\n    table = {'EUR': 1, 'USD': 2}\n    return table[currency]\n",
    "src/store/rows.go": "package store\n\n// Open reads the rows of an invoice.\n"
    "func Open(name string) error {\n\treturn nil\n}\n",
    "web/cart.ts": "export class Cart {\n  total(): number {\n    return this.items.length;\n  }\n}\n",
    "tests/test_invoice.py": "def test_total_of_an_invoice():\n    assert Invoice([]).total('EUR') == 0\n",
    "src/ledger.py": f"def post_ledger(step_0):\n{LONG}    return step_299\n",
    "README.md": "# Billing\n\nHow an invoice gets its total.\n",
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the project's files."""
    folder = tmp_path_factory.mktemp("project")
    for path, text in FILES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


@pytest.fixture(scope="module")
def index(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """The index of the project."""
    with open_index(tmp_path_factory.mktemp("state"), root, lambda: list(walk(root))) as made:
        made.update(jobs=1)
        yield made


def found(index: Index, text: str, **more: object) -> list[str]:
    """Return path and symbol of the hits."""
    return [f"{hit.path}:{hit.symbol}" for hit in search(index, text, **more)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("Invoice.total", "src/billing/invoice.py:Invoice.total"),
        ("total of the cart", "web/cart.ts:Cart.total"),
        ("change money at the rate of the day", "src/billing/invoice.py:convert"),
        ("rate_of", "src/billing/rates.py:rate_of"),
        ("reading rows", "src/store/rows.go:Open"),
        ("test the total of an invoice", "tests/test_invoice.py:test_total_of_an_invoice"),
    ],
)
def test_what_is_meant_comes_first(index: Index, text: str, first: str) -> None:
    assert found(index, text)[0] == first


def test_a_hit_tells_all_of_its_chunk_and_why(index: Index) -> None:
    hit = search(index, "invoice total", 1)[0]
    text = FILES[hit.path].splitlines()
    assert text[hit.start - 1].strip().startswith("def total")
    assert text[hit.end - 1].strip().startswith("return convert")
    assert (hit.kind, hit.language) == ("method", "python")
    assert hit.signature == 'def total(self, currency="EUR")'
    assert 0 < hit.score <= 1
    assert any(why.startswith("name: ") and "total" in why for why in hit.why)


def test_the_places_of_a_trace_the_deepest_first(index: Index) -> None:
    trace = (
        "It is broken\n"
        'Traceback (most recent call last):\n  File "/srv/x/src/billing/invoice.py", line 12, in total\n'
        '  File "/srv/x/src/billing/rates.py", line 3, in rate_of\nKeyError: 7\n'
    )
    assert found(index, trace)[:2] == ["src/billing/rates.py:rate_of", "src/billing/invoice.py:Invoice.total"]
    assert found(index, "zzz cart.ts:3")[0] == "web/cart.ts:Cart.total"
    assert search(index, "zzz cart.ts:3")[0].why[0] == "place"
    assert found(index, "zzz nowhere.ts:3") == []


def test_only_in_some_languages_and_paths(index: Index) -> None:
    assert {hit.language for hit in search(index, "invoice total", language=["go", "typescript"])} == {
        *("go", "typescript"),
    }
    assert {hit.path for hit in search(index, "invoice total", path=["src/billing"])} == {
        "src/billing/invoice.py"
    }
    assert found(index, "invoice total", language=["go"], path=["web/**"]) == []
    within = selection(index, ["go"])
    assert found(index, "invoice", within=within) == found(index, "invoice", language=["go"])


def test_a_function_in_several_chunks_is_one_hit(index: Index) -> None:
    chunks = [row for row in index.rows(index.of_file("src/ledger.py")) if row.symbol == "post_ledger"]
    assert len(chunks) > 1
    assert found(index, "ledger step prepare").count("src/ledger.py:post_ledger") == 1


def test_how_many_and_nothing(index: Index) -> None:
    assert len(search(index, "invoice total", 2)) == 2
    assert search(index, "invoice", 0) == search(index, "") == search(index, "xyzzy 12345") == []


def test_the_same_answer_each_time_and_scores_in_order(index: Index) -> None:
    hits = search(index, "currency of an invoice")
    assert hits == search(index, "currency of an invoice")
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_tests_may_be_ranked_like_other_code(index: Index) -> None:
    order = found(index, "total of an invoice")
    plain = found(index, "total of an invoice", use_tests=False)
    name = "tests/test_invoice.py:test_total_of_an_invoice"
    assert set(order) == set(plain)
    assert plain.index(name) <= order.index(name)


def test_the_features_of_the_candidates(index: Index) -> None:
    query, ids, scores = retrieve(index, "total of an invoice", index.alive)
    assert len(ids) <= CANDIDATES
    names, table = features(index, query, ids, scores)
    assert table.shape == (len(ids), len(names))
    assert table.dtype == np.float32
    assert set(WEIGHTS) | set(GIVEN) <= set(names)
    assert np.isfinite(table).all()
    assert total(query.text, names, table) == pytest.approx(parts(query.text, names, table).sum(axis=1))
    without = parts(query.text, names, table, use_tests=False)
    assert not without[:, [names.index(name) for name in TEST_FEATURES]].any()


def test_features_of_nothing_and_without_vectors(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    none = np.zeros(0, np.int64), np.zeros(0, np.float32)
    names, table = features(index, understand("x"), *none)
    assert table.shape == (0, len(names))
    monkeypatch.setitem(index.__dict__, "_embedding", None)
    query, ids, scores = retrieve(index, "total of an invoice", index.alive)
    names, table = features(index, query, ids, scores)
    assert np.isnan(table[:, names.index("meaning")]).all()
    assert np.isfinite(total(query.text, names, table)).all()
    assert found(index, "Invoice.total")[0] == "src/billing/invoice.py:Invoice.total"
