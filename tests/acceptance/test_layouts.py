"""However a project is laid out and installed, its tests see the changed code and not the person's tree."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from conftest import Project
from executor_rig import block, commits, do, prompt

Make = Callable[..., Project]

OLD, WRONG, RIGHT = (f"def value():\n    return {number}\n" for number in (1, 3, 2))
BUILD = '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'


def meta(name: str, where: str = ".", more: str = "") -> str:
    """The pyproject.toml of a package whose modules lie below ``where``."""
    found = f'[tool.setuptools.packages.find]\nwhere = ["{where}"]\n{more}'
    return f'{BUILD}\n[project]\nname = "{name}"\nversion = "1"\n\n{found}'


def checks(module: str) -> str:
    """A test file that wants 2 of ``module``."""
    return f"from {module} import value\n\n\ndef test_value():\n    assert value() == 2\n"


@dataclass(frozen=True)
class Layout:
    """The files of a project, the one with the function, what is installed (editable), and where the environment is."""

    files: dict[str, str]
    changed: str
    installs: tuple[str, ...] = (".",)
    environment: str = ".venv"
    test_command: str | None = None
    editable: bool = True


FLAT = {"shop/__init__.py": "", "shop/price.py": OLD, "tests/test_price.py": checks("shop.price")}
SOURCE = {"src/shop/__init__.py": "", "src/shop/price.py": OLD, "tests/test_price.py": checks("shop.price")}
NAMESPACE = {
    "src/acme/shop/price.py": OLD,
    "src/acme/till/__init__.py": "",
    "tests/test_price.py": checks("acme.shop.price"),
}
ONE = "packages/till"
MONOREPO = {
    "packages/shop/pyproject.toml": meta("acme-shop", "src"),
    "packages/shop/src/shop/__init__.py": "",
    "packages/shop/src/shop/price.py": OLD,
    f"{ONE}/pyproject.toml": meta("acme-till", "src"),
    f"{ONE}/src/till/__init__.py": "from shop.price import value\n",
    f"{ONE}/tests/test_till.py": checks("till"),
}
LAYOUTS = {
    "flat, editable": Layout(
        FLAT | {"pyproject.toml": meta("shop", more='include = ["shop*"]\n')}, "shop/price.py"
    ),
    "src, editable": Layout(SOURCE | {"pyproject.toml": meta("shop", "src")}, "src/shop/price.py"),
    "src, environment outside of the tree": Layout(
        SOURCE | {"pyproject.toml": meta("shop", "src")}, "src/shop/price.py", environment="../envs/shop"
    ),
    "src, an older copy installed": Layout(
        SOURCE | {"pyproject.toml": meta("shop", "src")}, "src/shop/price.py", editable=False
    ),
    "namespace package, editable": Layout(
        NAMESPACE | {"pyproject.toml": meta("acme", "src", "namespaces = true\n")}, "src/acme/shop/price.py"
    ),
    "flat, not installed": Layout(FLAT, "shop/price.py", installs=()),
    "src, not installed": Layout(SOURCE, "src/shop/price.py", installs=()),
    "monorepo, editable": Layout(
        MONOREPO,
        "packages/shop/src/shop/price.py",
        installs=("packages/shop", ONE),
        test_command=".venv/bin/python -m pytest -q packages/till",
    ),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_changed_code_is_tested(project: Make, name: str) -> None:
    layout = LAYOUTS[name]
    made = project({**layout.files, ".gitignore": ".venv/\nbuild/\n*.egg-info/\n__pycache__/\n"})
    python = environment(made.root / layout.environment)
    for folder in layout.installs:
        install(python, made.root / folder, editable=layout.editable)
    fields = {"test_command": layout.test_command} if layout.test_command else {}
    replies = [
        block(layout.changed, "    return 1\n", "    return 3\n"),
        "COMMIT: Return two\n\n" + block(layout.changed, "    return 3\n", "    return 2\n"),
    ]
    active = {"VIRTUAL_ENV": str(python.parent.parent)} if layout.environment != ".venv" else {}
    done = do(made, [prompt("one", **fields)], {"one": replies}, env=active)
    assert done.code == 0, done.reason("one")
    # The first reply was wrong and seen to be so: old code, or the person's, would have answered alike twice.
    assert done.outcomes["one"]["attempts"] == 2
    assert commits(made) == ["Return two"]
    assert (made.root / layout.changed).read_text() == OLD


def environment(folder: Path) -> Path:
    """Make a virtual environment that has no packages but, behind its own, those that run these tests."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = folder / "bin" / "python"
    asked = subprocess.run(
        [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True,
        capture_output=True,
        text=True,
    )
    Path(asked.stdout.strip(), "zz_tests.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


def install(python: Path, folder: Path, *, editable: bool) -> None:
    """Install the project below ``folder`` as a person does, without the network."""
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "-q", "--no-deps"]
    words = [
        *pip,
        "--no-build-isolation",
        "--disable-pip-version-check",
        *(["-e"] if editable else []),
        str(folder),
    ]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
