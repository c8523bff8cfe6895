"""Every cut of random programs is taken out by a plain reference extractor, and both programs must do the same."""

from __future__ import annotations

import pytest

from cutting_rig import extracted, outcomes
from program_writer import FRAMES, Writer
from selfimprove.errors import RefactorError
from selfimprove.executor.refactor.analysis.blocks import blocks_of
from selfimprove.executor.refactor.analysis.cutting import cut_of
from selfimprove.executor.refactor.project import Project
from selfimprove.executor.refactor.source import Place, Source

NOTHING = Project({})


def place_in(source: Source) -> Place:
    wanted = {"C.run", "run.inner"}
    return next((one for one in source.places if one.symbol in wanted), None) or source.place("run")


def check(program: str) -> tuple[int, int]:
    """Take out every legal cut of a program and compare; return how many there were, and how many were refused."""
    source = Source.read("program.py", program.encode())
    place = place_in(source)
    taken = refused = 0
    expected = None
    for block in blocks_of(place.node):
        size = len(block.statements)
        for first in range(size):
            for last in range(first, size):
                try:
                    cut = cut_of(source, place, block.statements, first, last, NOTHING)
                except RefactorError:
                    refused += 1
                    continue
                if expected is None:
                    expected = outcomes(program)
                taken += 1
                changed = extracted(source, cut)
                assert outcomes(changed) == expected, f"{program}\n\n{changed}"
    return taken, refused


def legal(program: str) -> bool:
    try:
        compile(program, "<program>", "exec")
    except SyntaxError:
        return False
    return True


@pytest.mark.parametrize("kind", sorted(FRAMES))
def test_extracted_random_programs_do_the_same(kind: str) -> None:
    taken = refused = 0
    for seed in range(12):
        program = Writer(seed, kind).program()
        if legal(program):
            more, fewer = check(program)
            taken, refused = taken + more, refused + fewer
    assert taken > 100
    assert refused > 100
