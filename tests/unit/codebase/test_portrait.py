"""The portrait of a project: graphs and layers, names in prose, and documents that change where facts change."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from selfimprove.codebase.measure.measure import measure
from selfimprove.codebase.portrait.documents import pages, refresh
from selfimprove.codebase.portrait.facts import Hot, Portrait, portrait
from selfimprove.codebase.portrait.imports import by_package, drawn, layers
from selfimprove.codebase.portrait.markup import about, code, flowchart, is_ours, parted, with_summary
from selfimprove.codebase.portrait.names import Known, unknown, without_unknown
from selfimprove.codebase.portrait.reading import outlines

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from selfimprove.codebase.measure.record import FileMetrics

FILES = {
    "pyproject.toml": '[project]\nname = "shop"\ndependencies = ["attrs"]\n',
    "shop/__init__.py": "",
    "shop/cart.py": "from shop.price import total\n\n\nclass Cart:\n    def add(self, it):\n        return total(it)\n",
    "shop/price.py": "def total(items):\n    if items:\n        return sum(items)\n    return 0\n",
    "tests/test_cart.py": "from shop.cart import Cart\n",
}


def tree(root: Path, files: Mapping[str, str]) -> tuple[list[str], dict[str, FileMetrics]]:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    metrics = {name: measure(text.encode()) for name, text in files.items() if name.endswith(".py")}
    return list(files), metrics


def facts(root: Path, files: Mapping[str, str], **more) -> Portrait:
    names, measured = tree(root, files)
    return portrait(root, names, outlines(root, names, {}), measured, not_analysed={}, **more)


def test_layers_are_longest_paths_and_circles_share_one():
    edges = [("a", "b"), ("b", "c"), ("c", "b"), ("a", "d"), ("c", "d"), ("e", "a")]
    assert layers("abcdef", edges) == [[("d",), ("f",)], [("b", "c")], [("a",)], [("e",)]]


def test_a_folder_that_is_both_top_and_bottom_is_taken_apart():
    edges = {"p/main.py": {"p/sub/x.py": "load"}, "p/sub/x.py": {"p/errors.py": "load"}}
    files = {"p/main.py", "p/errors.py", "p/sub/x.py"}
    assert set(by_package(edges, files).values()) == {"p/main.py", "p/errors.py", "p/sub"}


def test_a_large_graph_fits_on_a_page():
    deep = {f"p/{a}/{b}/m.py": {f"p/{b}/{a}/m.py": "load"} for a in range(12) for b in range(12) if a != b}
    folded = drawn(deep, by_package(deep, deep))
    assert len(folded.nodes) == 12 and folded.total == 132 and not folded.chosen
    flat = {f"p/m{a}.py": {f"p/m{b}.py": "load" for b in range(100) if b != a} for a in range(100)}
    shown = drawn(flat, {path: path for path in flat}, fold=False)
    assert len(shown.nodes) == 40 and shown.chosen and len(shown.edges) + shown.left_out == 40 * 39


def test_any_name_can_stand_in_markdown_and_mermaid():
    assert code("a`b|c") == "`` a`b\\|c ``"
    chart = flowchart({'a"b': 'a"b', "a-b": "end", "a_b": "x;y"}, [('a"b', "a-b", True)])
    assert chart.splitlines()[2:] == [
        '    n_a_b["a#quot;b"]',
        '    n_a_b_2["end"]',
        '    n_a_b_3["x#59;y"]',
        "    n_a_b -.-> n_a_b_2",
        "```",
    ]
    assert [about(number) for number in (7, 19, 44, 99, 1234, 98_765)] == [
        *("7", "19", "about 40", "about 100", "about 1,200", "about 99,000")
    ]


def test_other_languages_are_resolved_as_they_name_files(tmp_path):
    found = facts(
        tmp_path,
        {
            "go.mod": "module example.org/x\n",
            "main.go": 'package main\n\nimport "example.org/x/store"\n\nfunc Run() { store.Open() }\n',
            "store/open.go": "package store\n\nfunc Open() {}\n",
            "store/open_test.go": "package store\n",
            "web/packages/a/package.json": '{\n  "name": "@w/a"\n}\n',
            "web/packages/a/src/index.ts": "export function first() {}\n",
            "web/packages/b/src/main.ts": "import { first } from '@w/a'\nimport './near'\n",
            "web/packages/b/src/near.ts": "export const near = () => {\n  return 1\n}\n",
            "src/a.c": '#include "a.h"\nint main(void) { return 0; }\n',
            "src/a.h": "int one(void);\n",
        },
    )
    assert {path: set(targets) for path, targets in found.graph.edges.items()} == {
        "main.go": {"store/open.go"},
        "web/packages/b/src/main.ts": {"web/packages/a/src/index.ts", "web/packages/b/src/near.ts"},
        "src/a.c": {"src/a.h"},
    }
    assert found.tests.tests["store/open.go"] == ("store/open_test.go",)
    said = pages(found)["specification.md"]
    assert "- `Open`" in said and "| @w/a | `web/packages/a/package.json` |" in said


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("`shop.cart` has the class `Cart`, whose `add()` calls total(items).", []),
        ("It lies in shop/cart.py, beside `shop/`, and needs `attrs`; see tests/test_cart.py.", []),
        ("There are 2 test files e.g. for input/output and UTF-8, and 7 things.", ["2"]),
        (
            "The CartEngine in shop/engine.py has order_queue and `Cart.remove`.",
            ["Cart.remove", "CartEngine", "shop/engine.py", "order_queue"],
        ),
        (
            "Call `shop --fast` or --slow at https://example.org/x/.",
            ["--fast", "https://example.org/x/.", "--slow"],
        ),
        ("Nothing is named here, and everything is fine.", []),
    ],
)
def test_names_that_do_not_exist_are_found(tmp_path, text, wrong):
    known = Known(facts(tmp_path, FILES), ["about 7 things"])
    assert unknown(text, known) == wrong


def test_capitals_are_looked_at_where_the_texts_are_known(tmp_path):
    found = facts(tmp_path, FILES)
    assert unknown("The Warehouse sells it.", Known(found, [])) == []
    assert unknown("The Warehouse sells it.", Known(found, [], ["A shop sells things."])) == ["Warehouse"]
    assert unknown("The Warehouse sells it.", Known(found, [], ["Our warehouse."])) == []


def test_sentences_with_invented_names_go_and_too_little_is_nothing(tmp_path):
    known = Known(facts(tmp_path, FILES), [])
    text = "The class `Cart` holds what a customer wants. It calls `warp`. The price is in `shop/price.py`."
    kept, missing = without_unknown(text, known)
    assert kept == "The class `Cart` holds what a customer wants. The price is in `shop/price.py`."
    assert missing == ["warp"]
    assert without_unknown("It calls `warp`. It is fine.", known) == ("", ["warp"])


def test_documents_change_only_where_their_facts_do(tmp_path):
    found = facts(tmp_path, FILES, hot=[Hot("shop/price.py", 7), Hot("shop/cart.py", 31)], checks=[])
    summary = (
        "The class `Cart` holds what a customer wants. The prices of all things are in `shop/price.py` only."
    )
    written = {
        f"docs/{name}": with_summary(page, summary if name == "specification.md" else "").encode()
        for name, page in pages(found).items()
    }
    assert all(map(is_ours, written.values()))

    def again(files: Mapping[str, str]) -> dict[str, str]:
        names, measured = tree(tmp_path, files)
        new = refresh(tmp_path, names, measured, {**written, "docs/mine.md": b"# Mine\n"})
        return {path: data.decode() for path, data in new.items()}

    assert again(FILES) == {}
    quiet = FILES["shop/price.py"].replace("sum(items)", "sum(items) * 2  # doubled")
    assert again({**FILES, "shop/price.py": quiet}) == {}

    branch = FILES["shop/price.py"].replace(
        "    return 0", "    if items is None:\n        return 1\n    return 0"
    )
    (path, changed), *rest = again({**FILES, "shop/price.py": branch}).items()
    assert path == "docs/architecture.md" and not rest
    before = written[path].decode().splitlines()
    new = [line for line in changed.splitlines() if line not in before]
    assert "| `shop/price.py` | 3 | `total` | 7 |" in new  # the commits are carried over
    assert all("total" in line for line in new)

    gone = {name: text for name, text in FILES.items() if name not in ("shop/cart.py", "tests/test_cart.py")}
    (tmp_path / "shop/cart.py").unlink()
    less = again(gone)
    facts_now, kept = parted(less["docs/specification.md"])
    assert kept == "The prices of all things are in `shop/price.py` only."
    assert not any("cart" in text.lower() for text in (facts_now, *list(less.values())[1:]))
    assert re.search(
        r"^\| `shop/price.py` \| 2 \| `total` \| 7 \|$", less["docs/architecture.md"], re.MULTILINE
    )
