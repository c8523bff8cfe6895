"""Comparing: runs the old and the new form of a function side by side, in the sandbox, by the target's own Python."""

from __future__ import annotations

import dataclasses
import json
import shlex
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from selfimprove.errors import RefactorError
from selfimprove.executor.bench import run_shut_in
from selfimprove.executor.mounting import view_of
from selfimprove.executor.proving.running import OBSERVERS, OBSERVERS_INSIDE, top_of
from selfimprove.executor.refactor.equivalence import inputs_for, order_for, told
from selfimprove.executor.refactor.source import Source
from selfimprove.model.outcome import CheckResult

if TYPE_CHECKING:
    from selfimprove.executor.proving.running import Ground

_DESK_INSIDE = "/run/selfimprove/compare"
_PROGRAM = "selfimprove_compare.py"


def compared(
    path: str, symbol: str, ordinal: int, old: bytes, ground: Ground, python: str | None
) -> CheckResult:
    """Return the fact that a function gives what it gave, on inputs that were made up, or why that was not looked at.

    ``old`` is the file without the change; the copy of ``ground`` holds it with the change.
    """
    try:
        before = Source.read(path, old)
        inputs = inputs_for(before, before.place(symbol, ordinal))
        Source.read(path, (ground.copy.path / path).read_bytes()).place(symbol, ordinal)
    except (RefactorError, OSError) as error:
        return _not(str(error))
    if not inputs.calls or python is None:
        return _not(inputs.reason or "no Python was found")
    order = order_for(path, symbol, before.text, inputs.calls)
    answer, seconds = _run(order, ground, python)
    ok, words = told(answer)
    return CheckResult("equivalence", ok, words, seconds, "" if ok else f"{symbol} ({path}): {words}")


def _not(why: str) -> CheckResult:
    return CheckResult("equivalence", True, f"not compared: {why}")


def _run(order: str, ground: Ground, python: str) -> tuple[dict[str, object], float]:
    copy, bench = ground.copy, ground.bench
    shut_in, top = bench.sandbox().name != "none", top_of(copy, bench)
    with tempfile.TemporaryDirectory(prefix=f"{copy.path.name}-compare-", dir=copy.path.parent) as folder:
        desk = Path(folder)
        (desk / "order").write_text(order, encoding="utf-8", errors="surrogatepass")
        place, programs = (_DESK_INSIDE, OBSERVERS_INSIDE) if shut_in else (str(desk), str(OBSERVERS))
        view = view_of(copy)
        binds = ((OBSERVERS, OBSERVERS_INSIDE, False), (desk, _DESK_INSIDE, True)) if shut_in else ()
        view = dataclasses.replace(view, binds=(*view.binds, *binds))
        command = [python, f"{programs}/{_PROGRAM}", f"{place}/order", f"{place}/answer", str(top)]
        said = shlex.join(command)
        env = {"PYTHONPATH": f"{top / 'src'}:{top}"}
        done = run_shut_in(bench, said, view, env=env, log=ground.log, header=f"$ {said}\n")
        file = desk / "answer"
        try:
            answer = json.loads(file.read_bytes()) if file.is_file() and not file.is_symlink() else {}
        except ValueError:
            answer = {}
    return answer if isinstance(answer, dict) else {}, done.seconds
