"""Whole files, functions and classes of a reply in the place of the file's: merged by lines and names, or refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfimprove.executor.patching import apply_patch
from selfimprove.executor.patching.compose import refusal
from selfimprove.model.patch import Action, ApplyResult, Edit, Patch

SHOP = '''"""A shop."""

import os
import re

RATE = 2


# The price with tax.
@cached
def price(item):
    """Return it."""
    net = item.net
    return net * RATE


class Basket:
    """Items."""

    limit = 10

    def __init__(self):
        self.items = []

    # Adding is checked.
    def add(self, item):
        if len(self.items) >= self.limit:
            raise ValueError(item)
        self.items.append(item)

    @property
    def total(self):
        return sum(map(price, self.items))

    @total.setter
    def total(self, value):
        raise AttributeError(value)

    def clear(self):
        self.items = []


class Order:
    def clear(self):
        self.basket = None


def main():
    basket = Basket()
    basket.add(1)
    print(basket.total)


if __name__ == "__main__":
    main()
'''


def merged(given: str, text: str = SHOP, path: str = "shop.py", **more: object) -> ApplyResult:
    """What a whole file, or a part of it, makes of the file."""
    edit = Edit(path, more.pop("action", Action.WHOLE), new=tuple(given.split("\n")), **more)  # type: ignore[arg-type]
    return apply_patch(Patch((edit,)), {path: text.encode()})


def outcome(given: str, text: str = SHOP, path: str = "shop.py", **more: object) -> str:
    """The text after it landed."""
    result = merged(given, text, path, **more)
    assert result.ok, refusal(result)
    return result.files[path].decode()


def part(given: str, text: str = SHOP, symbol: str = "") -> str:
    """The text after a part of it landed."""
    return outcome(given, text, action=Action.DEFINITION, symbol=symbol)


def refused(given: str, text: str = SHOP, path: str = "shop.py", **more: object) -> str:
    """Why it did not land."""
    result = merged(given, text, path, **more)
    assert not result.ok
    assert not result.files
    return refusal(result)


LINES = st.lists(st.sampled_from(["a", "b ", "\tc", "", "  ", "d = '1'", "e\x0c"]), max_size=9)


@given(old=LINES, new=LINES, end=st.sampled_from(["\n", "\r\n"]), final=st.booleans())
def test_a_whole_file_makes_the_file_what_the_reply_says(
    old: list[str], new: list[str], end: str, final: bool
) -> None:
    before = end.join(old) + end * final
    result = merged("\n".join(new), before, "f.txt")
    if not result.ok:
        return
    now = result.files["f.txt"].decode()
    assert [line.rstrip() for line in now.splitlines() if line.strip()] == [
        line.rstrip() for line in "\n".join(new).splitlines() if line.strip()
    ]
    if any(line.strip() for line in old) and end in before:
        assert now.count("\r\n") == (now.count("\n") if end == "\r\n" else 0)


@pytest.mark.parametrize(
    "through",
    [
        lambda text: text,
        lambda text: text.rstrip("\n"),
        lambda text: text + "\n\n",
        lambda text: text.replace("\n", " \n"),
        lambda text: text.replace('"', "”").replace("'", "’"),
        lambda text: text.replace('"', "&quot;").replace(">", "&gt;").replace("<", "&lt;"),
        lambda text: text.replace("    ", "\t"),
        lambda text: text.replace("    ", "\u00a0\u00a0\u00a0\u00a0"),
        lambda text: "".join(
            f"  {line}" if line.strip() else line for line in text.splitlines(keepends=True)
        ),
    ],
)
@pytest.mark.parametrize(
    "own",
    [
        lambda text: text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.removesuffix("\n"),
        lambda text: text.replace("self.items = []", "self.items = []   "),
        lambda text: text.replace("\n    ", "\r\n    "),
    ],
)
def test_what_a_chat_window_does_to_all_of_a_file_is_undone(through: object, own: object) -> None:
    before = own(SHOP)  # type: ignore[operator]
    after = before.replace("RATE = 2", "RATE = 3").replace("return net * RATE", "return round(net * RATE)")
    given = SHOP.replace("RATE = 2", "RATE = 3").replace("return net * RATE", "return round(net * RATE)")
    assert outcome(through(given), before) == after  # type: ignore[operator]


def test_what_only_some_lines_of_a_reply_show_is_meant() -> None:
    text = "a = '1'\nb = '2'\n"
    assert outcome("a = ’1’\nb = '2'", text, "f.txt") == "a = ’1’\nb = '2'\n"
    assert outcome("a = &lt;\nb = <", "a = <\nb = <\n", "f.txt") == "a = &lt;\nb = <\n"


MARKS = ["# ... existing code ...", "...", "# rest of the file unchanged", "# ... (other methods)"]


@pytest.mark.parametrize("mark", MARKS)
def test_elided_lines_are_the_files_own(mark: str) -> None:
    head = '"""A shop."""\n\nimport os\nimport re\nimport sys\n\nRATE = 2\n'
    given = f"{head}\n{mark}\n\ndef main():\n    basket = Basket()\n\n{mark}\n"
    after = SHOP.replace("import re\n", "import re\nimport sys\n")
    assert outcome(given) == after


@pytest.mark.parametrize("mark", MARKS[:2])
def test_a_definition_between_elisions_is_replaced(mark: str) -> None:
    given = f"{mark}\n\ndef price(item):\n    return item.gross\n\n{mark}\n"
    old = SHOP[SHOP.index("def price") : SHOP.index("class Basket")]
    assert outcome(given) == SHOP.replace(old, "def price(item):\n    return item.gross\n\n\n")


def test_methods_beside_an_elision_in_their_class() -> None:
    given = (
        "class Basket:\n    # ... existing code ...\n\n    def clear(self):\n        self.items.clear()\n\n"
        "    def size(self):\n        return len(self.items)\n"
    )
    after = SHOP.replace(
        "    def clear(self):\n        self.items = []\n",
        "    def clear(self):\n        self.items.clear()\n\n    def size(self):\n        return len(self.items)\n",
    )
    assert part(given, symbol="Basket") == after


@pytest.mark.parametrize(
    "given",
    [
        "# ... existing code ...\n\nx = 1\n\n# ... existing code ...\n",
        "# ... existing code ...\n    self.items = []\n# ... existing code ...\n",
        '"""A shop."""\n\n# ... existing code ...\nRATE = 9\n# ... existing code ...\n',
    ],
)
def test_an_elision_without_lines_that_place_it_is_refused(given: str) -> None:
    assert "leaves lines out" in refused(given)


def test_a_file_that_was_cut_off_or_gutted_is_refused() -> None:
    assert "cut off" in refused(SHOP[: SHOP.index("class Order")])
    assert "cut off" in refused(
        "\n".join(f"line {n}" for n in range(9)), "\n".join(f"line {n}" for n in range(15)), "f.md"
    )
    gutted = "\n".join(f"new {n}" for n in range(9)) + "\nline 29"
    assert "most of the file would be gone" in refused(
        gutted, "\n".join(f"line {n}" for n in range(30)), "f.md"
    )
    assert "empty" in refused("\n\n")


def test_definitions_that_are_still_used_may_not_go() -> None:
    start = SHOP.index("# The price")
    assert "has no price any more" in refused(SHOP[:start] + SHOP[SHOP.index("class Basket") :])
    unused = SHOP[: SHOP.index("class Order")] + SHOP[SHOP.index("def main") :]
    assert outcome(unused) == unused


def test_a_function_given_as_the_file_is_only_a_part_of_it() -> None:
    given = "def main():\n    print(Basket().total)\n"
    old = SHOP[SHOP.index("def main") : SHOP.index("if __name__")]
    assert outcome(given) == SHOP.replace(old, given + "\n\n")


def test_decorators_and_comments_above_stay_unless_the_reply_has_some() -> None:
    body = "def price(item):\n    return item.gross\n"
    bare = SHOP.replace(SHOP[SHOP.index("def price") : SHOP.index("\n\nclass Basket")], body)
    assert part(body) == bare
    assert part("# Gross.\n" + body) == bare.replace("# The price with tax.", "# Gross.")
    assert part("@other\n" + body) == bare.replace("@cached", "@other")
    both = part("# Gross.\n@other\n" + body)
    assert both == bare.replace("# The price with tax.\n@cached", "# Gross.\n@other")


@pytest.mark.parametrize("symbol", ["add", "Basket.add", ""])
@pytest.mark.parametrize("indent", ["", "    ", "  "])
def test_a_method_takes_the_indentation_of_the_file(symbol: str, indent: str) -> None:
    lines = ["def add(self, item):", "    self.items.append(item)"]
    old = SHOP[SHOP.index("        if len(self") : SHOP.index("        self.items.append")]
    assert part("\n".join(indent + line for line in lines), symbol=symbol) == SHOP.replace(old, "")


def test_a_setter_is_not_its_property() -> None:
    given = "@total.setter\ndef total(self, value):\n    self.items = [value]\n"
    assert part(given) == SHOP.replace("raise AttributeError(value)", "self.items = [value]")
    assert part("@property\ndef total(self):\n    return 0\n") == SHOP.replace(
        "return sum(map(price, self.items))", "return 0"
    )


def test_a_name_in_two_classes_needs_a_hint() -> None:
    given = "def clear(self):\n    del self.x\n"
    result = merged(given, action=Action.DEFINITION, symbol="clear")
    assert result.edits[0].candidates == ("shop.py:39", "shop.py:44")
    assert "defined 2 times" in refusal(result)
    assert part(given, symbol="Order.clear") == SHOP.replace("self.basket = None", "del self.x")
    whole = "class Order:\n    def clear(self):\n        del self.x\n"
    assert part(whole) == SHOP.replace("self.basket = None", "del self.x")


def test_new_definitions_go_beside_their_neighbour_or_to_the_end() -> None:
    new = "def after():\n    return 1\n"
    end = SHOP.index("\n\nif __name__")
    assert part(new) == SHOP[:end] + "\n\n" + new + SHOP[end:]
    price = SHOP[SHOP.index("@cached") : SHOP.index("\n\nclass Basket")]
    assert part(f"{price}\n\n{new}") == SHOP.replace(price, f"{price}\n\n{new}")
    assert (
        part(f"{new}\n\ndef main():\n    pass\n").count(
            "\n\n\ndef after():\n    return 1\n\n\ndef main():\n    pass\n"
        )
        == 1
    )
    method = "def size(self):\n    return len(self.items)\n"
    placed = SHOP.replace(
        "self.items = []\n\n\n",
        "self.items = []\n\n    def size(self):\n        return len(self.items)\n\n\n",
    )
    assert part(method, symbol="Basket.size") == placed
    assert "to which class" in refused(method, action=Action.DEFINITION)


def test_a_class_with_few_of_its_methods_keeps_the_others() -> None:
    given = "class Basket:\n    def clear(self):\n        self.items.clear()\n"
    assert part(given) == SHOP.replace(
        "    def clear(self):\n        self.items = []", "    def clear(self):\n        self.items.clear()"
    )


def test_a_class_without_a_method_that_is_used_is_refused() -> None:
    start, end = SHOP.index("class Basket"), SHOP.index("\n\nclass Order")
    given = SHOP[start:end].replace("    # Adding is checked.\n", "")
    add = given[given.index("    def add") : given.index("    @property")]
    assert "has no add, which is still used" in refused(given.replace(add, ""), action=Action.DEFINITION)
    clear = given[given.index("\n    def clear") :]
    now = part(
        given.replace(clear, "").replace("limit = 10", "limit = 11"),
        SHOP.replace("def clear(self):\n        self.basket", "def cut(self):\n        self.basket"),
    )
    assert "limit = 11" in now
    assert "def clear" not in now


def test_imports_that_a_part_brings_join_those_of_the_file() -> None:
    given = "import re\nimport sys\n\n\ndef main():\n    sys.exit(re.M)\n"
    old = SHOP[SHOP.index("    basket = Basket()") : SHOP.index("\n\nif __name__")]
    assert part(given) == SHOP.replace("import re\n", "import re\nimport sys\n").replace(
        old, "    sys.exit(re.M)\n"
    )
    assert "is in no definition" in refused(
        "x = launch()\n\n\ndef main():\n    pass\n", action=Action.DEFINITION
    )


JS = (
    "const a = require('a');\n\nfunction one() {\n  return 1;\n}\n\nclass Two {\n"
    "  three() {\n    return 3;\n  }\n\n  four() {\n    return 4;\n  }\n}\n"
)


def test_other_languages_have_definitions_too() -> None:
    assert outcome("function one() {\n  return 11;\n}\n", JS, "a.js") == JS.replace("return 1;", "return 11;")
    given = "class Two {\n  // ... existing code ...\n\n  four() {\n    return 44;\n  }\n}\n"
    assert outcome(given, JS, "a.js") == JS.replace("return 4;", "return 44;")


def test_a_placeholder_in_the_place_of_code_is_refused() -> None:
    given = SHOP.replace(
        "    basket = Basket()\n    basket.add(1)\n",
        "    # ... rest of the code unchanged ...\n    x = basket\n",
    )
    assert refused(given)
