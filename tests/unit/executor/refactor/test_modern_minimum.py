"""The oldest Python that a project supports is what its own files say, and nothing of them runs."""

from __future__ import annotations

import pytest

from selfimprove.executor.refactor.minimum import DEFAULT, PYTHON_2, lower_bound, minimum_python


@pytest.mark.parametrize(
    ("specifier", "oldest"),
    [
        (">=3.8,<4", (3, 8)),
        ("^3.9", (3, 9)),
        ("~=3.9 || 3.12.*", (3, 9)),
        (">2.6, !=3.0.*", (2, 6)),
        (">=2.7 <3.0 || >=3.5", (2, 7)),
        ("3.10", (3, 10)),
        (">= 3.7.1", (3, 7)),
        (">=3", (3, 0)),
        ("<4", None),
        ("*", None),
        ("", None),
    ],
)
def test_lower_bound(specifier: str, oldest: tuple[int, int] | None) -> None:
    assert lower_bound(specifier) == oldest


SAID = {
    "pyproject": ({"pyproject.toml": '[project]\nrequires-python = ">=3.10"\n'}, (3, 10)),
    "poetry": ({"pyproject.toml": '[tool.poetry.dependencies]\npython = "^3.9"\n'}, (3, 9)),
    "poetry, as a table": (
        {"pyproject.toml": '[tool.poetry.dependencies]\npython = { version = ">=3.11" }\n'},
        (3, 11),
    ),
    "setup.cfg": ({"setup.cfg": "[options]\npython_requires = >=3.7\n"}, (3, 7)),
    "setup.py": ({"setup.py": "from setuptools import setup\nsetup(python_requires='>=3.6')\n"}, (3, 6)),
    "setup.py, by a name": (
        {"setup.py": "NEEDS = '>=3.9'\nimport boom\nboom.run()\nsetup(python_requires=NEEDS)\n"},
        (3, 9),
    ),
    "setup.py, by a dictionary": ({"setup.py": "setup(**{'python_requires': '>=3.9'})\n"}, (3, 9)),
    "classifiers": (
        {
            "setup.py": "setup(classifiers=['Programming Language :: Python :: 3.11',\n"
            "  'Programming Language :: Python :: 3.9', 'Programming Language :: Python :: 3'])\n"
        },
        (3, 9),
    ),
    "classifiers of both": (
        {
            "setup.py": "C = '''\nProgramming Language :: Python :: 2\nProgramming Language :: Python :: 3.6\n'''\n"
        },
        (2, 7),
    ),
    "tox": ({"tox.ini": "[tox]\nenvlist = py{39,310},py38,lint\n"}, (3, 8)),
    "nox": ({"noxfile.py": "@nox.session(python=['3.10', '3.12'])\ndef tests(session): ...\n"}, (3, 10)),
    "ruff": ({"pyproject.toml": '[tool.ruff]\ntarget-version = "py312"\n'}, (3, 12)),
    "what holds comes before what is tried": (
        {"pyproject.toml": '[project]\nrequires-python = ">=3.9"\n', "tox.ini": "[tox]\nenvlist = py37\n"},
        (3, 9),
    ),
    "the root before a folder": (
        {
            "setup.cfg": "[options]\npython_requires = >=3.8\n",
            "docs/pyproject.toml": '[project]\nrequires-python = ">=3.12"\n',
        },
        (3, 8),
    ),
    "a folder": ({"lib/pyproject.toml": '[project]\nrequires-python = ">=3.12"\n'}, (3, 12)),
    "older than any that we know": (
        {"pyproject.toml": '[project]\nrequires-python = ">=2.6"\n'},
        PYTHON_2,
    ),
    "nothing": ({"a.py": "print('a')\n"}, DEFAULT),
    "broken": ({"pyproject.toml": "[[[", "setup.cfg": "x", "setup.py": "("}, DEFAULT),
    "print": ({"a.py": "print 'a'\n"}, PYTHON_2),
    "six": ({"a.py": "import six\n"}, PYTHON_2),
    "future": ({"a.py": "from __future__ import print_function\n"}, PYTHON_2),
    "future of annotations": ({"a.py": "from __future__ import annotations\n"}, DEFAULT),
    "both ways": ({"a.py": "import sys\nPY3 = sys.version_info[0] == 3\n"}, PYTHON_2),
    "a newer one": ({"a.py": "import sys\nif sys.version_info >= (3, 11):\n    pass\n"}, DEFAULT),
}


@pytest.mark.parametrize("name", SAID)
def test_what_is_said(name: str) -> None:
    files, oldest = SAID[name]
    assert minimum_python({path: text.encode() for path, text in files.items()}) == oldest
