"""What tests of the index share: a repository's worth of files, and all that an index says of them."""

from __future__ import annotations

import json
import os
import random
import sqlite3
import subprocess
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from selfimprove.codebase.index import Index, open_index
from selfimprove.codebase.packing import Known, Packed, pack
from selfimprove.codebase.vectors import everything

WORDS = (
    "invoice",
    "order",
    "parcel",
    "customer",
    "refund",
    "ledger",
    "account",
    "basket",
    "voucher",
    "label",
)
VERBS = ("load", "save", "count", "split", "merge", "check", "print", "parse", "send", "find")
# Root may read and write everything unless it gives that up before the program starts.
AS_A_PERSON = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
CHILD = """
import json, sys
from pathlib import Path
import index_rig
from selfimprove.codebase import update
update.COMMIT = int(sys.argv[4])
wait = lambda line: print(line, file=sys.stderr, flush=True)
with index_rig.opened(Path(sys.argv[1]), Path(sys.argv[2]), wait=wait) as index:
    done = index.update(jobs=int(sys.argv[3]))
    said = index_rig.said(index)
print(json.dumps({"done": done, "said": said}))
"""


def source(rng: random.Random, name: str) -> str:
    """Return a small Python module about some of the words."""
    functions = []
    for number in range(rng.randint(1, 5)):
        verb, word, other = rng.choice(VERBS), rng.choice(WORDS), rng.choice(WORDS)
        functions.append(
            f"def {verb}_{word}_{number}({other}):\n"
            f'    """{verb.title()} the {word} of a {other}."""\n'
            f"    return {rng.choice(VERBS)}_{rng.choice(WORDS)}_0({other}, {rng.randint(0, 999)})\n"
        )
    held = f"class {rng.choice(WORDS).title()}:\n    def {rng.choice(VERBS)}(self):\n        return self.{name}\n"
    return "import os\n\n\n" + "\n\n".join([*functions, held])


def fill(root: Path, files: int, seed: int = 1) -> None:
    """Write that many modules below ``root``."""
    rng = random.Random(seed)
    for number in range(files):
        path = root / f"part_{number % 7}" / f"{rng.choice(WORDS)}_{number}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source(rng, path.stem), encoding="utf-8")


def stir(root: Path, rng: random.Random, changes: int) -> None:
    """Change, add, remove and rename files."""
    for _ in range(changes):
        files = listed(root)
        chosen = root / rng.choice(files)
        match rng.randint(0, 4):
            case 0:
                chosen.unlink()
            case 1:
                chosen.rename(chosen.with_name(f"moved_{rng.randint(0, 10**9)}.py"))
            case 2:
                (chosen.parent / f"new_{rng.randint(0, 10**9)}.py").write_text(source(rng, "new"))
            case _:
                chosen.write_text(source(rng, chosen.stem), encoding="utf-8")


def listed(root: Path) -> list[str]:
    """Return the files below ``root``."""
    return sorted(
        Path(place, name).relative_to(root).as_posix() for place, _, names in os.walk(root) for name in names
    )


def opened(root: Path, state: Path, **more: Any) -> Index:
    """Open the index of ``root`` in the folder ``state``."""
    return open_index(state, root, lambda: listed(root), **more)


def said(index: Index) -> list[Any]:
    """Return all that the index says of the live chunks: what they are, their words and their meaning."""
    live = index.live
    rows = index.rows(live)
    words: dict[int, list[Any]] = {number: [] for number in live}
    for term in sorted({*WORDS, *VERBS, "return", "import", "os"}):
        ids, scores = index.lexical.top({term: 1.0}, index.count + 1, index.alive)
        told = index.lexical.idf([term]).get(term, 1.0)
        for number, score in zip(ids.tolist(), scores.tolist(), strict=True):
            words[number].append((term, round(score / told * 255)))
    # The stored vectors themselves: the last bits of a product of floats depend on where in memory they lie.
    ids, table = everything(index.db)
    vectors = {number: zlib.crc32(row.tobytes()) for number, row in zip(ids.tolist(), table, strict=True)}
    meaning = [vectors.get(number) for number in live]
    test = index.meta.test[live].tolist() if live else []
    return sorted(
        [*row[2:], words[row.id], its, is_test] for row, its, is_test in zip(rows, meaning, test, strict=True)
    )


def deadly(work: tuple[str, Sequence[Known]]) -> Packed:
    """Read files as a worker does, but end the process, as a broken parser does, at one with that name."""
    if any("deadly" in one.path for one in work[1]):
        os._exit(1)
    return pack(work)


def afresh(root: Path, state: Path) -> list[Any]:
    """Return what an index made anew in the folder ``state`` says."""
    with opened(root, state) as index:
        index.update(jobs=1)
        return said(index)


def plain(value: Any) -> Any:
    """Return ``value`` as it is after a journey through JSON."""
    return json.loads(json.dumps(value))


def sound(state: Path) -> bool:
    """Ask SQLite whether the file is in order."""
    with sqlite3.connect(state / "index.db") as db:
        return [row[0] for row in db.execute("pragma integrity_check")] == ["ok"]


def start(
    root: Path, state: Path, *, jobs: int = 2, commit: int = 20, before: list[str] | None = None, **more: Any
) -> subprocess.Popen[str]:
    """Start a process that updates the index and prints what it did and what the index says."""
    here = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    return subprocess.Popen(
        [*(before or []), sys.executable, "-c", CHILD, str(root), str(state), str(jobs), str(commit)],
        env={**os.environ, "PYTHONPATH": here},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **more,
    )


def result(process: subprocess.Popen[str]) -> tuple[dict[str, Any], str]:
    """Wait for a process of `start`; return what it printed, and its standard error."""
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return json.loads(out), err
