"""Of what ruff would mend, what is certainly the same is done, as the project's own settings allow it."""

# ruff: noqa: E501
from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from selfimprove.errors import MissingTool, RefactorError
from selfimprove.executor.refactor.project import Project
from selfimprove.executor.refactor.small.ruff import draft_modern, modernise, ruff_draft, ruff_fixes
from selfimprove.executor.refactor.source import Source
from selfimprove.tools.ruff import Wish, find_ruff, fixes

if TYPE_CHECKING:
    from collections.abc import Callable

    from selfimprove.executor.refactor.source import Place, Splice

    Rewrite = Callable[[Source, Project, Place | None], list[Splice]]


def after(
    rewrite: Rewrite,
    text: str,
    others: dict[str, str] | None = None,
    minimum: tuple[int, int] = (3, 10),
    symbol: str = "",
    path: str = "pkg/a.py",
) -> str:
    content = text.encode()
    files = {path: content} | {name: one.encode() for name, one in (others or {}).items()}
    source, project = Source.read(path, content), Project(files, minimum=minimum)
    done = source.but(rewrite(source, project, source.place(symbol) if symbol else None))
    again = Project({**files, path: done.content}, minimum=minimum)
    assert rewrite(done, again, done.place(symbol) if symbol else None) == [], "not idempotent"
    return done.text


FIXED = {
    "not in": ("a = not 1 in b\n", "a = 1 not in b\n"),
    "unused import": ("import os\nimport re\n\nprint(re)\n", "import re\n\nprint(re)\n"),
    "some of a long import": (
        "from os import (\n    path,\n    sep,\n    walk,\n)\n\nprint(sep)\n",
        "from os import (\n    sep,\n)\n\nprint(sep)\n",
    ),
    "spaces and CRLF": ("a = 1  \r\nb = 2", "a = 1\r\nb = 2\r\n"),
    "placeholder": ("def f():\n    'It.'\n    pass\n", "def f():\n    'It.'\n"),
    "last return": ("def f(a):\n    a()\n    return\n", "def f(a):\n    a()\n"),
    "elif": (
        "if a:\n    b = 1\nelse:\n    # not a\n    if c:\n        b = 2\n",
        None,
    ),
    "elif without a comment": (
        "if a:\n    b = 1\nelse:\n    if c:\n        b = 2\n",
        "if a:\n    b = 1\nelif c:\n    b = 2\n",
    ),
    "like cases": (
        "if a:\n    if c:\n        b = 1\n    else:\n        b = 3\nelse:\n    if c:\n        b = 2\n    else:\n        b = 4\n",
        None,
    ),
    "two in one block": (
        "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    import os\n    import re\n",
        "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    pass\n",
    ),
    "a comment goes with it": ("from os import (\n    path,  # kept\n    sep,\n)\n\nprint(sep)\n", None),
    "not of the standard library": ("import yaml\n", None),
    "acts": ("import readline\n", None),
    "in a doctest": ("'''\n>>> os.sep\n'''\nimport os\n", None),
    "noqa": ("import os  # noqa: F401\n", None),
    "None": ("a = b == None\n", None),
    "other effects": ("if a is 'b':\n    raise NotImplemented\n", None),
}


@pytest.mark.parametrize("name", FIXED)
def test_safe_fixes(name: str) -> None:
    before, expected = FIXED[name]
    assert after(ruff_fixes, before) == (before if expected is None else expected)


MODERN = {
    "format": ("a = '{} and {!r}'.format(b, c)\n", "a = f'{b} and {c!r}'\n"),
    "percent, certainly": ("a = '%s' % type(b).__name__\n", "a = f'{type(b).__name__}'\n"),
    "percent of a length": ("a = 'has %s of %s' % (len(b), str(c))\n", "a = f'has {len(b)} of {str(c)}'\n"),
    "percent, perhaps": ("a = '%s' % b\n", None),
    "percent, with quotes": ("a = '%s' % ''.join(b)\n", None),
    "object": ("class A(object):\n    pass\n", "class A:\n    pass\n"),
    "super": (
        "class A(B):\n    def f(self):\n        super(A, self).f()\n",
        "class A(B):\n    def f(self):\n        super().f()\n",
    ),
    "super in what a decorator replaces": (
        "@dataclass(slots=True)\nclass A(B):\n    def f(self):\n        super(A, self).f()\n",
        None,
    ),
    "errors": ("try:\n    a()\nexcept IOError:\n    b()\n", "try:\n    a()\nexcept OSError:\n    b()\n"),
    "annotations": (
        "from typing import Optional\n\n\ndef f(a: Optional[int]):\n    return a\n",
        "from typing import Optional\n\n\ndef f(a: int | None):\n    return a\n",
    ),
    "annotations that are read": (
        "from typing import Optional, get_type_hints\n\n\ndef f(a: Optional[int]):\n    return get_type_hints(f)\n",
        None,
    ),
    "evaluated in another order": ("a = '{1} {0}'.format(b(), c())\n", None),
    "changed while it is told": ("a = '{} {}'.format(b, b.pop())\n", None),
    "one that acts": ("a = '{} {}'.format(b.pop(), b)\n", "a = f'{b.pop()} {b}'\n"),
    "encode of anything": ("a = b.encode('utf-8')\n", None),
    "too long": (
        f"a = '{'x' * 60} {{}} {{}}'.format(\n    {'b' * 20}, {'c' * 20}\n)\n",
        None,
    ),
}


@pytest.mark.parametrize("name", MODERN)
def test_modern(name: str) -> None:
    before, expected = MODERN[name]
    assert after(modernise, before) == (before if expected is None else expected)


def test_the_oldest_python_decides() -> None:
    text = "from typing import List\n\n\ndef f(a: List[int]):\n    return a\n"
    assert after(modernise, text, minimum=(3, 8)) == text
    assert "a: list[int]" in after(modernise, text, minimum=(3, 10))
    with pytest.raises(RefactorError, match=r"supports Python 2\.7"):
        after(modernise, text, minimum=(2, 7))


def test_f_strings_say_the_same() -> None:
    text = (
        "def f(a, b):\n"
        "    return ['{}:{!r:>9}'.format(a, b), '{0.real}'.format(a),\n"
        "            '%s {}' % len(str(b)), '{{}} {}'.format(a), 'é {}'.format(b)]\n"
    )
    new = after(modernise, text)
    spaces: list[dict[str, object]] = [{}, {}]
    for space, one in zip(spaces, (text, new), strict=True):
        exec(one, space)
    for a, b in ((1, 5), (2.5, 3), (-1, 12)):
        assert spaces[0]["f"](a, b) == spaces[1]["f"](a, b)  # type: ignore[operator]
    assert "format" not in new


@pytest.mark.parametrize(
    ("settings", "changed"),
    [
        ("[tool.ruff]\nexclude = ['pkg']\n", False),
        ("[tool.ruff.lint]\nignore = ['E713']\n", False),
        ("[tool.ruff]\nextend-ignore = ['E7']\n", False),
        ("[tool.ruff.lint]\nunfixable = ['E713']\n", False),
        ("[tool.ruff.lint.per-file-ignores]\n'pkg/*' = ['E713']\n", False),
        ("[tool.ruff.lint]\nselect = ['D']\n", True),
        ("[project]\nname = 'a'\n", True),
    ],
)
def test_settings_of_the_project(settings: str, changed: bool) -> None:
    text = "a = not 1 in b\n"
    assert (after(ruff_fixes, text, {"pyproject.toml": settings}) != text) is changed


def test_settings_do_not_make_a_fix_safe() -> None:
    text = "a = b == None\n"
    settings = {"ruff.toml": "preview = true\nunsafe-fixes = true\n[lint]\nextend-safe-fixes = ['E711']\n"}
    assert after(ruff_fixes, text, settings) == text


def test_settings_that_ruff_does_not_understand() -> None:
    with pytest.raises(RefactorError, match="ruff does not answer"):
        after(ruff_fixes, "a = 1\n", {"ruff.toml": "nonsense = 1\n"})


@pytest.mark.parametrize(
    "other",
    [
        "from pkg.a import os\n",
        "import pkg.a\npkg.a.os.sep\n",
        "patch.object(a, 'os')\n",
        "from .a import *\n",
    ],
)
def test_an_import_that_another_file_takes_stays(other: str) -> None:
    text = "import os\n"
    assert after(ruff_fixes, text) == ""
    assert after(ruff_fixes, text, {"pkg/b.py": other}) == text


def test_one_function_only() -> None:
    text = "def f(a):\n    a()\n    return\n\n\ndef g(a):\n    a()\n    return\n"
    assert after(ruff_fixes, text, symbol="g") == text[: -len("    return\n")]


def test_draft_of_a_project() -> None:
    text = b"a = '{}'.format(b)\n"
    project = Project({"pkg/a.py": text, "pkg/b.py": b"a = 1\n", "tests/test_a.py": text}, minimum=(3, 8))
    draft = ruff_draft(project, "modernise")
    assert draft.files == {"pkg/a.py": b"a = f'{b}'\n"}
    assert (draft.subject, draft.rewrites) == ("Use f-strings in a.py", ("modernise",))
    with pytest.raises(RefactorError, match="no safe fix"):
        ruff_draft(project, "ruff-fixes")
    assert draft_modern(Source.read("pkg/a.py", text), project).key == draft.key


def test_other_encodings_stay() -> None:
    text = "# coding: latin-1\na = 'é {}'.format(b)\n"
    content = text.encode("latin-1")
    source = Source.read("a.py", content)
    done = source.but(modernise(source, Project({"a.py": content}), None))
    assert done.content == "# coding: latin-1\na = f'é {b}'\n".encode("latin-1")


def test_a_program_that_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(MissingTool, match="not installed") as caught:
        find_ruff(tmp_path, {"PATH": str(tmp_path)})
    assert "pip install" in caught.value.hint
    own = tmp_path / ".venv" / "bin"
    own.mkdir(parents=True)
    (own.parent / "pyvenv.cfg").touch()
    (own / "ruff").write_text("#!/bin/sh\n")
    (own / "ruff").chmod(0o755)
    assert find_ruff(tmp_path, {"PATH": str(tmp_path)}) == str(own / "ruff")


def test_paths_stay_inside() -> None:
    with pytest.raises(RefactorError, match="inside of the project"):
        fixes(find_ruff(), {"../a.py": "a = 1\n"}, {}, Wish(("E7",)))
