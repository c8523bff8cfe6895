"""Comparison of cognitive complexity with complexipy's numbers, function by function, over folders of real code."""

from __future__ import annotations

import argparse
import ast
import subprocess
import sys
import tempfile
import time
import warnings
import zipfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from selfimprove.codebase.measure.cognitive import cognitive_complexity
from selfimprove.codebase.measure.shape import FunctionNode

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGES = ("flask==3.1.2", "django==5.2.8", "sympy==1.14.0", "pip==25.3", "twisted==25.5.0")
SHOWN = 20


def download(folder: Path) -> None:
    """Get the wheels of PACKAGES from PyPI and unpack them into ``folder``."""
    wheels = folder / "wheels"
    pip = (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:")
    subprocess.run((*pip, "--dest", str(wheels), *PACKAGES), check=True)
    for wheel in sorted(wheels.glob("*.whl")):
        zipfile.ZipFile(wheel).extractall(folder / wheel.stem)


def compare(source: str) -> Iterator[tuple[str, str, int, int, int | None]]:
    """Yield (class, function, line, our number, complexipy's) for every function of ``source``.

    The class is "reported" for functions that complexipy reports, and "alone" for those inside of functions,
    which it is given by themselves. Raises SyntaxError and ValueError where Python or complexipy cannot parse.
    """
    tree, lines = ast.parse(source), source.split("\n")
    theirs = {(one.line_start, one.name): one.complexity for one in reported(source)}
    known = {(line, name.rpartition("::")[2]): number for (line, name), number in theirs.items()}
    for node in ast.walk(tree):
        if not isinstance(node, FunctionNode):
            continue
        first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
        ours = cognitive_complexity(node)
        if (first, node.name) in known:
            yield "reported", node.name, first, ours, known.pop((first, node.name))
        else:
            text = "\n".join(("if True:", *lines[first - 1 : node.end_lineno]))
            yield "alone", node.name, first, ours, next((one.complexity for one in reported(text)), None)
    for (line, name), number in known.items():
        yield "found by complexipy only", name, line, -1, number


def reported(source: str) -> list:
    """Return complexipy's functions; comments that tell it to ignore some are not obeyed."""
    import complexipy

    return complexipy.code_complexity(source, no_ignore=True, with_plans=False).functions


def run(folders: list[Path]) -> int:
    """Compare all files under ``folders``, print, and return the number of differences."""
    counts: Counter[str] = Counter()
    differences: Counter[str] = Counter()
    total = 0
    begun = time.perf_counter()
    for path in sorted(one for folder in folders for one in folder.rglob("*.py")):
        try:
            rows = list(compare(path.read_text(encoding="utf-8-sig")))
        except (SyntaxError, ValueError) as error:
            counts[f"files left out: {type(error).__name__}"] += 1
            continue
        counts["files"] += 1
        for kind, name, line, ours, theirs in rows:
            counts[f"functions, {kind}"] += 1
            total += ours
            if ours != theirs:
                differences[kind if theirs is not None else f"{kind}: complexipy has no number"] += 1
                if differences.total() <= SHOWN:
                    print(f"  {path}:{line} {name}: {ours}, complexipy {theirs} ({kind})")
    print(f"cognitive complexity against complexipy, {time.perf_counter() - begun:.0f} s")
    for what, count in sorted(counts.items()):
        print(f"  {what:40}{count:10,}")
    print(f"  {'sum of the numbers':40}{total:10,}")
    print(f"  {'differences':40}{differences.total():10,}")
    for what, count in differences.items():
        print(f"    {what:38}{count:10,}")
    return differences.total()


def main() -> None:
    """Compare, and end with 1 when a number differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path, help=f"default: {', '.join(PACKAGES)} from PyPI")
    folders = parser.parse_args().folders
    warnings.simplefilter("ignore")
    if folders:
        sys.exit(run(folders) > 0)
    with tempfile.TemporaryDirectory() as name:
        download(Path(name))
        sys.exit(run([Path(name)]) > 0)


if __name__ == "__main__":
    main()
