"""Benchmark of the measuring core: every number against radon's own answer, and the ratio of CPU time.

Without folders it downloads pinned releases from PyPI into a temporary folder, over 6,000 files, and takes
about ten minutes, nearly all of it radon's; ``--quick`` takes three small ones, a quarter of a minute. It ends
with 1 if any number differs.
"""

from __future__ import annotations

import argparse
import ast
import subprocess
import sys
import tempfile
import time
import tokenize
import warnings
import zipfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from radon.complexity import cc_visit
from radon.metrics import h_visit_ast, mi_compute, mi_rank
from radon.raw import analyze
from radon.visitors import ComplexityVisitor

from selfimprove.codebase.measure.measure import measure
from selfimprove.codebase.measure.record import FileMetrics, MeasureError

if TYPE_CHECKING:
    from collections.abc import Iterator

QUICK = ("flask==3.1.0", "jinja2==3.1.4", "requests==2.32.3")
PINNED = (
    *QUICK,
    *("click==8.1.7", "setuptools==75.6.0", "Django==5.1.4", "ansible-core==2.17.7"),
    *("mypy==1.13.0", "networkx==3.4.2", "pylint==3.3.2", "Scrapy==2.12.0", "Sphinx==8.1.3"),
    *("SQLAlchemy==2.0.36", "Twisted==24.11.0", "boto3==1.35.80", "sympy==1.13.3"),
)


def download(release: str, folder: Path) -> Path:
    """Return the folder with the unpacked wheel of ``release``."""
    wheels, unpacked = folder / "wheels" / release, folder / release
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary", ":all:"]
    subprocess.run([*command, "-d", wheels, release], check=True)
    (wheel,) = wheels.iterdir()
    zipfile.ZipFile(wheel).extractall(unpacked)
    return unpacked


def radon_numbers(text: str) -> tuple[dict[str, Any], float]:
    """Return every number that radon has for ``text``, and the CPU seconds of `radon cc` and `radon mi`."""
    start = time.process_time()
    cc_visit(text)
    tree = ast.parse(text)  # from here on it is mi_visit, word for word
    raw = analyze(text)
    percent = (raw.comments + raw.multi) / float(raw.sloc) * 100 if raw.sloc != 0 else 0
    total = h_visit_ast(tree).total
    visitor = ComplexityVisitor.from_ast(tree)
    index = mi_compute(total.volume, visitor.total_complexity, raw.lloc, percent)
    taken = time.process_time() - start
    functions, classes = radon_blocks(tree, visitor)
    numbers = {
        "functions": functions,
        "classes": classes,
        "raw": tuple(raw),
        "Halstead": (total.h1, total.h2, total.N1, total.N2),
        "total": visitor.total_complexity,
        "index": index.hex(),
        "rank": mi_rank(index),
    }
    return numbers, taken


def radon_blocks(tree: ast.Module, visitor: Any) -> tuple[dict[int, int], dict[int, int]]:
    """Return radon's complexity of each function and class by line, also of those that radon drops."""
    functions, classes = {}, {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            functions[node.lineno] = ComplexityVisitor.from_ast(node, off=False).functions[0].complexity
        elif isinstance(node, ast.ClassDef):
            classes[node.lineno] = ComplexityVisitor.from_ast(node, off=False).classes[0].complexity
    blocks = [*visitor.functions, *visitor.classes]
    while blocks:
        block = blocks.pop()
        if hasattr(block, "closures"):
            functions[block.lineno] = block.complexity
            blocks += block.closures
        else:
            classes[block.lineno] = block.complexity
            blocks += [*block.methods, *block.inner_classes]
    return functions, classes


def own_numbers(ours: FileMetrics) -> dict[str, Any]:
    """Return the same numbers of our own."""
    return {
        "functions": {one.line: one.complexity for one in ours.functions},
        "classes": {one.line: one.complexity for one in ours.classes},
        "raw": tuple(ours.raw),
        "Halstead": tuple(ours.halstead),
        "total": ours.total_complexity,
        "index": ours.maintainability.hex(),
        "rank": ours.rank,
    }


def compare(file: Path, seen: Counter[str], clock: Counter[str]) -> Iterator[str]:
    """Yield what differs for ``file``; count what was seen, and CPU seconds."""
    source = file.read_bytes()
    seen["files"] += 1
    start = time.process_time()
    try:
        ours: FileMetrics | MeasureError = measure(source)
    except MeasureError as error:
        ours = error
    own_time = time.process_time() - start
    try:
        with tokenize.open(file) as opened:
            numbers, radon_time = radon_numbers(opened.read())
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        seen["not read by radon"] += 1
        seen["of these measured"] += isinstance(ours, FileMetrics)
        if isinstance(ours, FileMetrics) and isinstance(error, UnicodeDecodeError):
            yield f"{file}: measured, though radon cannot decode it"
        return
    clock["own"] += own_time
    clock["radon"] += radon_time
    if isinstance(ours, MeasureError):
        yield f"{file}: {ours}"
        return
    seen["by the reference"] += ours.reference
    seen["functions"] += len(ours.functions)
    seen["classes"] += len(ours.classes)
    for name, value in own_numbers(ours).items():
        if value != numbers[name]:
            yield f"{file}: {name} {value}, radon {numbers[name]}"


def measure_folder(name: str, folder: Path) -> tuple[Counter[str], list[str]]:
    """Compare every Python file of ``folder`` and print a line."""
    seen: Counter[str] = Counter()
    clock: Counter[str] = Counter()
    differences = [
        line for file in sorted(folder.rglob("*.py")) if file.is_file() for line in compare(file, seen, clock)
    ]
    ratio = clock["radon"] / clock["own"] if clock["own"] else 0.0
    print(
        f"  {name:22} {seen['files']:6,} {seen['functions']:10,} {seen['classes']:8,} {len(differences):12,}"
        f" {seen['by the reference']:10,} {clock['own']:8.2f} s {clock['radon']:8.2f} s {ratio:8.1f} x",
        flush=True,
    )
    return seen, differences


def main() -> int:
    """Compare all folders and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path, help="folders to measure instead of PyPI's releases")
    parser.add_argument("--quick", action="store_true", help="three small releases only")
    args = parser.parse_args()
    warnings.simplefilter("ignore")  # radon's parsing of the code, not ours
    print("equality: every number against radon's, CPU time against `radon cc` and `radon mi`, in one run")
    print(
        f"  {'':22} {'files':>6} {'functions':>10} {'classes':>8} {'differences':>12} {'reference':>10}",
        end="",
    )
    print(f" {'ours':>10} {'radon':>10} {'radon : ours':>10}")
    total: Counter[str] = Counter()
    differences: list[str] = []
    with tempfile.TemporaryDirectory(prefix="selfimprove-bench-") as scratch:
        for one in args.folders or (QUICK if args.quick else PINNED):
            folder = one if isinstance(one, Path) else download(one, Path(scratch))
            seen, found = measure_folder(folder.name, folder)
            total += seen
            differences += found
    print("  " + ", ".join(f"{count:,} {what}" for what, count in total.items()))
    print(f"  differences: {len(differences):,}")
    for line in differences[:50]:
        print(f"    {line[:400]}")
    return bool(differences)


if __name__ == "__main__":
    sys.exit(main())
