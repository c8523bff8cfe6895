"""What the embedding is trained on: permissive releases, none that is measured with, and true pairs."""

import importlib.util
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

TRAINING = Path(__file__).parents[3] / "training"
MEASURED = (
    *(
        "flask",
        "django",
        "requests",
        "click",
        "httpx",
        "pydantic",
        "sqlalchemy",
        "fastapi",
        "celery",
        "networkx",
    ),
    *(
        "sympy",
        "scrapy",
        "sqlparse",
        "boltons",
        "rich",
        "pytest",
        "black",
        "mypy",
        "jinja2",
        "werkzeug",
        "attrs",
    ),
    *("tornado", "aiohttp", "pandas", "numpy", "scikit-learn", "express", "lodash", "axios", "react", "vue"),
    *("typescript", "prettier", "eslint", "gin", "cobra", "ripgrep", "tokio", "serde", "hugo", "redis"),
)


@pytest.fixture(scope="module")
def sources() -> ModuleType:
    spec = importlib.util.spec_from_file_location("training_sources", TRAINING / "sources.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["training_sources"] = module
    spec.loader.exec_module(module)
    return module


def listed() -> dict[str, dict[str, dict[str, dict[str, object]]]]:
    return tomllib.loads((TRAINING / "packages.toml").read_text())


@pytest.mark.parametrize(
    "licence",
    [
        *(
            "MIT",
            "MIT License",
            "BSD-3-Clause",
            "BSD License",
            "Apache 2.0 License",
            "Apache Software License",
            "ISC",
        ),
        *(
            "MIT OR GPL-3.0-only",
            "Apache-2.0 WITH LLVM-exception AND (MIT)",
            " Python Software Foundation License",
        ),
    ],
)
def test_permissive_licences_are_taken(sources: ModuleType, licence: str) -> None:
    sources._allowed("some", licence)


@pytest.mark.parametrize(
    "licence",
    ["GPL-3.0-only", "MIT AND LGPL-2.1-or-later", "MPL-2.0", "Proprietary", "", "?", "CC-BY-NC-4.0"],
)
def test_other_licences_are_refused(sources: ModuleType, licence: str) -> None:
    with pytest.raises(sources.Refused, match="not known as permissive"):
        sources._allowed("some", licence)


def test_a_release_that_is_missing_or_another_is_refused(sources: ModuleType) -> None:
    with pytest.raises(sources.Refused, match="not installed"):
        sources._installed("no-such-release-anywhere", "1.0")
    with pytest.raises(sources.Refused, match=r"not 0\.0\.1"):
        sources._installed("typer", "0.0.1")


def test_what_is_listed_is_pinned_permissive_and_apart_from_what_is_measured(sources: ModuleType) -> None:
    packages = listed()
    trained = {name.lower() for part in packages["train"].values() for name in part}
    held = {name.lower() for part in packages["hold"].values() for name in part}
    assert not trained & held
    assert not (trained | held) & set(MEASURED)
    for use in packages.values():
        for registry, part in use.items():
            for name, entry in part.items():
                assert entry["version"], name
                assert registry == "pypi" or len(str(entry["sha256"])) == 64
                sources._allowed(name, str(entry["licence"]))


def test_docstrings_and_their_functions_without_them(sources: ModuleType) -> None:
    text = '''
class Store:
    """Keep the entries of a user on disk."""
    size = 3

    @cached
    def remove(self, key):
        """Delete an entry.  It is gone for good.

        More of it.
        """
        return self.entries.pop(key)

    def stub(self):
        """Do nothing at all here."""
'''
    found = {name: (words, body) for words, name, body in sources._python(text)}
    assert set(found) == {"Store", "Store.remove"}
    assert found["Store"][0] == "Keep the entries of a user on disk"
    assert "size = 3" in found["Store"][1]
    assert "entry" not in found["Store.remove"][1]
    assert found["Store.remove"][1].startswith("    @cached")
    assert list(sources._python("def broken(:")) == []


def test_leading_comments_in_languages_with_braces(sources: ModuleType) -> None:
    go = "// Clean returns the shortest path name.\n// More.\nfunc (p *Path) Clean(x string) string {\n\treturn x\n}\n"
    rust = "/// Returns the number of bytes.\n#[inline]\npub fn len(&self) -> usize {\n    self.0\n}\nfn b() {}\n"
    script = "/**\n * Draws a line on the canvas.\n * @param x where\n */\nexport function draw(x) {\n  go(x);\n}\n"
    assert list(sources._braced(go, "go")) == [
        (
            "returns the shortest path name",
            "Path.Clean",
            "func (p *Path) Clean(x string) string {\n\treturn x\n}",
        )
    ]
    (words, name, body), *others = sources._braced(rust, "rust")
    assert (words, name, others) == ("Returns the number of bytes", "len", [])
    assert body.endswith("}")
    ((words, name, body),) = sources._braced(script, "js")
    assert (words, name) == ("Draws a line on the canvas", "draw")
    assert "canvas" not in body


@pytest.mark.parametrize("said", ["", "TODO", "See above", "ファイルを読む関数です"])
def test_what_says_too_little_is_no_question(sources: ModuleType, said: str) -> None:
    assert sources.first_sentence(said) == ""
