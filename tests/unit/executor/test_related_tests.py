"""Which tests matter for a change, by the imports that lead to it."""

from __future__ import annotations

from selfimprove.executor.proving.related import related_tests

FILES = {
    "src/pkg/__init__.py": "",
    "src/pkg/core.py": "X = 1\n",
    "src/pkg/middle.py": "from .core import X\n",
    "src/pkg/top.py": "from pkg import middle\n",
    "src/pkg/lonely.py": "Y = 2\n",
    "src/pkg/broken.py": "def (:\n",
    "tests/conftest.py": "import pkg.lonely\n",
    "tests/test_core.py": "from pkg.core import X\n",
    "tests/test_top.py": "import pkg.top\n",
    "tests/deep/test_plain.py": "def test(): pass\n",
    "other/test_else.py": "import json\n",
    "other/notes.txt": "import pkg.core\n",
}


def related(*changed: str) -> list[str]:
    return related_tests(list(FILES), changed, lambda name: FILES[name].encode())


def test_straight_and_through_others() -> None:
    assert related("src/pkg/core.py") == ["tests/test_core.py", "tests/test_top.py"]
    assert related("src/pkg/top.py") == ["tests/test_top.py"]


def test_a_package_is_imported_with_its_modules() -> None:
    assert related("src/pkg/__init__.py") == [
        "tests/deep/test_plain.py",  # by the conftest above it
        "tests/test_core.py",
        "tests/test_top.py",
    ]


def test_through_a_conftest() -> None:
    assert related("src/pkg/lonely.py") == [
        "tests/deep/test_plain.py",
        "tests/test_core.py",
        "tests/test_top.py",
    ]


def test_a_changed_test_matters_itself() -> None:
    assert related("other/test_else.py") == ["other/test_else.py"]
    assert related("other/notes.txt") == []
    assert related("src/pkg/broken.py") == []
