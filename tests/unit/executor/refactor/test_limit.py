"""How long a line may be, by what the project tells its formatters and linters."""

from __future__ import annotations

import pytest

from selfimprove.executor.refactor.extract.lines import wrapped
from selfimprove.executor.refactor.limit import line_length


@pytest.mark.parametrize(
    ("name", "text", "length"),
    [
        ("pyproject.toml", "[tool.ruff]\nline-length = 100\n[tool.black]\nline-length = 90\n", 100),
        ("pyproject.toml", "[tool.black]\nline-length = 90\n", 90),
        ("pyproject.toml", "[tool.black]\n", 88),
        ("pyproject.toml", "[tool.ruff.lint]\nselect = []\n", 0),
        ("pyproject.toml", "[tool.pylint.format]\nmax-line-length = 99\n", 99),
        ("pyproject.toml", "[tool.ruff.format]\n[tool.pylint.format]\nmax-line-length = 99\n", 88),
        ("ruff.toml", "line-length = 119\n", 119),
        (".flake8", "[flake8]\nmax-line-length = 95\n", 95),
        ("setup.cfg", "[pycodestyle]\nmax_line_length = 97\n", 97),
        ("setup.cfg", "not an ini file\n", 0),
        ("pyproject.toml", "not toml\n", 0),
        (".editorconfig", "root = true\n[*]\nmax_line_length = 70\n[*.py]\nmax_line_length = 88\n", 88),
        (".editorconfig", "[*]\nmax_line_length = off\n", 0),
        ("setup.cfg", "[flake8]\nmax-line-length = 9999\n", 0),
    ],
)
def test_the_length_that_a_project_asks_for(name: str, text: str, length: int) -> None:
    assert line_length({name: text.encode()}) == length


def test_a_call_without_arguments_is_put_on_a_line_of_its_own() -> None:
    lines = wrapped("one, two = self._resolve_both", (), "", indent="    ", unit="    ", limit=30)
    assert lines == ["    one, two = (", "        self._resolve_both()", "    )"]
