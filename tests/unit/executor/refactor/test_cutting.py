"""Which runs of statements may become a function, how, and for which reason others may not."""

from __future__ import annotations

import ast
import textwrap
import time

import pytest

from selfimprove.errors import RefactorError
from selfimprove.executor.refactor.analysis.blocks import blocks_of
from selfimprove.executor.refactor.analysis.cutting import cut_of, cuts
from selfimprove.executor.refactor.cut import Cut, Leaves
from selfimprove.executor.refactor.project import Project
from selfimprove.executor.refactor.source import Place, Source


def read(text: str, symbol: str = "run") -> tuple[Source, Place]:
    source = Source.read("module.py", textwrap.dedent(text).encode())
    return source, source.place(symbol)


def cut_between(text: str, symbol: str = "run", project: Project | None = None) -> Cut:
    """Return the cut from the line that says ``# >`` to the one that says ``# <``."""
    source, place = read(text, symbol)
    lines = source.text.splitlines()
    first = next(number for number, line in enumerate(lines, 1) if "# >" in line)
    last = next(number for number, line in enumerate(lines, 1) if "# <" in line)
    for block in blocks_of(place.node):
        numbers = [statement.lineno for statement in block.statements]
        ends = [statement.end_lineno for statement in block.statements]
        if first in numbers and last in ends:
            found = numbers.index(first), ends.index(last)
            return cut_of(source, place, block.statements, *found, project or Project({}))
    raise AssertionError("no such lines")


def refusal(text: str, symbol: str = "run", project: Project | None = None) -> str:
    with pytest.raises(RefactorError) as caught:
        cut_between(text, symbol, project)
    return caught.value.message


def test_values_that_go_in_and_come_out_are_in_the_order_of_the_text() -> None:
    cut = cut_between("""
        def run(second, first):
            kept = 1
            total = first + second  # >
            if total > kept:
                half = total / 2
            else:
                half = 0            # <
            return half, total
    """)
    assert (cut.parameters, cut.results, cut.leaves) == (
        ("second", "first", "kept"),
        ("total", "half"),
        Leaves.END,
    )


def test_variable_that_is_given_a_value_on_some_paths_goes_in_too() -> None:
    cut = cut_between("""
        def run(word):
            size = 0
            if word:        # >
                size = 5    # <
            return size
    """)
    assert (cut.parameters, cut.results) == (("word", "size"), ("size",))


def test_loop_reads_in_its_next_round_what_this_one_gave() -> None:
    cut = cut_between("""
        def run(words):
            last = None
            for word in words:
                if word == last:    # >
                    print(word)
                last = word         # <
    """)
    assert (cut.parameters, cut.results) == (("last", "word"), ("last",))


REFUSED = {
    "no value on some path": (
        """
        def run(word):
            if word:
                size = 5
            if word:            # >
                print(size)     # <
        """,
        "size may have no value there",
    ),
    "no value at the end": (
        """
        def run(word):
            if word:        # >
                size = 5    # <
            return size
        """,
        "size may have no value at its end",
    ),
    "read by the handler": (
        """
        def run(word):
            size = 0
            try:
                size = len(word)    # >
                if size: print(word)  # <
            except TypeError:
                print(size)
        """,
        "size is read after an exception in it",
    ),
    "read by finally after a return": (
        """
        def run(word):
            size = 0
            try:
                size = 1    # >
                if word:
                    return size
                return word  # <
            finally:
                print(size)
        """,
        "size is read after it jumps",
    ),
    "deleted": (
        """
        def run(word):
            if word:        # >
                print(word)
            del word        # <
            print(1)
        """,
        "it deletes word, which the caller has",
    ),
    "seen by an inner function made before": (
        """
        def run(word):
            def show(): return size
            size = 1
            if word:        # >
                size = 2    # <
            return show()
        """,
        "an inner function made before sees what it does to size",
    ),
    "seen by an inner function made in it": (
        """
        def run(word):
            if word:                    # >
                show = lambda: word
            else:
                show = print            # <
            word = 5
            return show()
        """,
        "an inner function made in it sees what becomes of word",
    ),
    "nonlocal": (
        """
        def run(word):
            count = 0
            def more():
                nonlocal count
                count += 1
            more()
            if word:            # >
                print(count)    # <
            return count
        """,
        "an inner function gives count new values",
    ),
    "locals": (
        """
        def run(word):
            if word:            # >
                print(word)     # <
            return locals()
        """,
        "it calls locals(), which sees its local variables",
    ),
    "stack level": (
        """
        def run(word):
            if word:                                        # >
                warnings.warn(word, stacklevel=2)           # <
            return 1
        """,
        "it counts calls on the stack (stacklevel=)",
    ),
    "frame": (
        """
        def run(word):
            if word:                            # >
                word = sys._getframe(1)         # <
            return word
        """,
        "it looks at the call stack (_getframe)",
    ),
    "compiled": (
        """
        @numba.njit(cache=True)
        def run(word):
            if word:            # >
                print(word)     # <
            return 1
        """,
        "@numba.njit compiles it, it does not run as Python",
    ),
    "the value may be None": (
        """
        def run(word):
            if word:                # >
                return find(word)   # <
            return 1
        """,
        "it returns a value on some paths and goes on at others, and the value may be None",
    ),
    "several jumps": (
        """
        def run(words):
            for word in words:
                if word:        # >
                    break
                if word == 1:
                    continue    # <
                print(word)
        """,
        "it leaves the loop around it in more than one way",
    ),
    "jump and value": (
        """
        def run(words):
            for word in words:
                size = len(word)    # >
                if size:
                    break           # <
                print(size)
        """,
        "it gives size a value and may jump",
    ),
    "whole": (
        """
        def run(words):
            "Run."
            for word in words:      # >
                print(word)         # <
        """,
        "it is the whole function",
    ),
    "a file that lives as long as its variable": (
        """
        def run(words):
            file = tempfile.NamedTemporaryFile()    # >
            name = file.name if words else ""       # <
            return open(name)
        """,
        "what NamedTemporaryFile() gives lives as long as the function",
    ),
    "asynchronous generator": (
        """
        async def run(words):
            for word in words:      # >
                yield word          # <
            yield 1
        """,
        "it yields in an async function",
    ),
    "StopIteration": (
        """
        def run(words):
            try:
                for word in words:          # >
                    yield next(word)        # <
            except StopIteration:
                print(1)
        """,
        "a StopIteration out of a generator would become a RuntimeError",
    ),
    "unreachable": (
        """
        def run(words):
            return 1
            if words:           # >
                print(words)    # <
            print(2)
        """,
        "it is never reached",
    ),
    "suppressed": (
        """
        def run(words):
            with suppress(ValueError):
                size = int(words)
            if words:           # >
                print(size)     # <
            print(2)
        """,
        "size may have no value there",
    ),
}


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_refused_with_the_reason(name: str) -> None:
    text, reason = REFUSED[name]
    assert refusal(text) == reason


def test_statement_that_shares_its_line_does_not_move_alone() -> None:
    source, place = read("""
        def run(words):
            print(1); print([word for word in words if word])
            print(2)
    """)
    with pytest.raises(RefactorError, match="shares a line"):
        cut_of(source, place, place.node.body, 1, 1, Project({}))


def exit_of(text: str, symbol: str = "run") -> tuple[Leaves, str, bool]:
    cut = cut_between(text, symbol)
    return cut.leaves, ast.unparse(cut.jump) if cut.jump else "", cut.loop


def test_every_path_returns() -> None:
    assert exit_of("""
        def run(word):
            print(word)
            if word:        # >
                return 1
            raise ValueError(word)  # <
    """) == (Leaves.RETURN, "", False)


def test_tail_returns_values_on_some_paths() -> None:
    assert exit_of("""
        def run(word):
            print(word)
            with open(word) as file:
                if file:        # >
                    return find(word)  # <
    """) == (Leaves.RETURN, "", False)


def test_tail_returns_nothing() -> None:
    assert exit_of("""
        def run(word):
            print(word)
            try:
                if word:        # >
                    return
                print(2)        # <
            finally:
                print(3)
    """) == (Leaves.PASS, "", False)


@pytest.mark.parametrize(
    "jump", ["return", "return False", "return -1", "return word", "return []", "return NotImplemented"]
)
def test_one_kind_of_return_is_a_guard(jump: str) -> None:
    text = f"""
        def run(word):
            if word > 1:    # >
                {jump}
            if word < 0:
                {jump}      # <
            print(1)
    """
    assert exit_of(text) == (Leaves.GUARD, jump, False)


def test_break_is_a_guard_and_continue_at_the_end_of_a_round_is_its_end() -> None:
    assert exit_of("""
        def run(words):
            for word in words:
                if word:    # >
                    break   # <
                print(word)
    """) == (Leaves.GUARD, "break", False)
    assert exit_of("""
        def run(words):
            for word in words:
                print(word)
                if word:            # >
                    continue
                print(1)            # <
    """) == (Leaves.END, "", True)


@pytest.mark.parametrize(
    "value", ["1", "f'{word}'", "[word]", "word == 1", "not word", "', '.join(word)", "Box(word)"]
)
def test_values_that_are_never_none(value: str) -> None:
    assert exit_of(f"""
        class Box:
            pass

        def run(word):
            if word:            # >
                return {value}
            if word is None:
                return "no"     # <
            print(word)
    """) == (Leaves.MAYBE, "", False)


def test_module_constants_are_never_none() -> None:
    text = """
        class Box:
            pass

        {names}

        def run(word):
            if word:            # >
                return FIRST
            if word is None:
                return SECOND   # <
            print(word)
    """
    assert exit_of(text.format(names="FIRST = Box(); SECOND = 2")) == (Leaves.MAYBE, "", False)
    assert exit_of(text.format(names="FIRST: Box = Box(); SECOND: int = 2")) == (Leaves.MAYBE, "", False)
    assert "may be None" in refusal(text.format(names="FIRST = Box(); SECOND = None"))
    assert "may be None" in refusal(text.format(names="FIRST: Box = Box(); SECOND: Box"))
    assert "may be None" in refusal(text.format(names="FIRST = Box(); SECOND = 2; SECOND = find()"))


def test_body_of_a_handler_may_return() -> None:
    cut = cut_between("""
        def run(word):
            try:
                print(word)
            except ValueError as error:
                if word:            # >
                    exit(error)
                else:
                    return error    # <
            print(1)
    """)
    assert (cut.parameters, cut.leaves) == (("word", "error"), Leaves.GUARD)


def test_await_and_yield() -> None:
    cut = cut_between("""
        async def run(words):
            for word in words:      # >
                await word          # <
            print(1)
    """)
    assert (cut.is_async, cut.is_generator) == (True, False)
    cut = cut_between("""
        def run(words):
            total = 0
            for word in words:      # >
                total += yield word # <
            print(total)
    """)
    assert (cut.is_async, cut.is_generator, cut.results) == (False, True, ("total",))


METHOD = """
    class Box{bases}:
        {decorator}
        def run(self, word):
            {statement}     # > # <
            return word
"""


def method(statement: str, bases: str = "", decorator: str = "@property") -> str:
    return METHOD.format(statement=statement, bases=bases, decorator=decorator)


@pytest.mark.parametrize("statement", ["self.word = word or 1", "print(super().word)", "word.__size = 1"])
def test_helper_of_a_method_is_a_method_when_it_needs_the_class(statement: str) -> None:
    cut = cut_between(method(statement), "Box.run")
    assert cut.receiver == "self"
    assert "self" not in cut.parameters


def test_helper_of_a_method_that_does_not_use_it_is_a_function() -> None:
    assert cut_between(method("print(word)"), "Box.run").receiver == ""


def test_receiver_is_an_ordinary_parameter_where_the_class_may_look_at_its_body() -> None:
    cut = cut_between(method("print(self.word)", "(Enum)"), "Box.run")
    assert (cut.receiver, cut.parameters) == ("", ("self",))
    assert "Box is a Enum" in refusal(method("print(super().word)", "(Enum)"), "Box.run")


def test_static_method_has_no_receiver() -> None:
    assert "static method" in refusal(method("print(word.__size)", "", "@staticmethod"), "Box.run")


def test_globals_that_are_given_a_value() -> None:
    cut = cut_between("""
        def run(word):
            global count
            if word:            # >
                count = 1       # <
            return word
    """)
    assert (cut.global_names, cut.parameters, cut.results) == (("count",), ("word",), ())


def test_variable_of_the_function_around_is_passed() -> None:
    text = """
        def outer(base):
            def run(word):
                if word:            # >
                    print(base)     # <
                return word
            {after}
            return run
    """
    assert cut_between(text.format(after="print(1)"), "outer.run").parameters == ("word", "base")
    assert cut_between(text.format(after="base = 2"), "outer.run").parameters == ("word", "base")
    assert "may have no value" in refusal(text.format(after="del base"), "outer.run")


def test_only_what_the_tests_run_is_cut() -> None:
    text = """
        def run(word):
            if word:            # >
                print(word)     # <
            return word
    """
    assert (
        refusal(text, project=Project({}, {"module.py": frozenset({2, 3, 5})}))
        == "line 4 is not run by any test"
    )
    source, place = read(text)
    assert list(cuts(source, place, Project({}, {"module.py": frozenset({2, 3, 5})}))) == []
    assert len(list(cuts(source, place, Project({}, {"module.py": frozenset({2, 3, 4, 5})})))) == 1
    assert len(list(cuts(source, place, Project({}, {"other.py": frozenset({2})})))) == 1


def test_elif_is_cut_with_all_that_follows_it() -> None:
    source, place = read("""
        def run(word):
            if word == 1:
                print(1)
            elif word == 2:
                print(2)
            elif word == 3:
                print(3)
            return word
    """)
    found = [
        (cut.statements[0].lineno, cut.statements[-1].end_lineno) for cut in cuts(source, place, Project({}))
    ]
    assert found == [(3, 8), (5, 8), (7, 8)]


def test_same_cuts_each_time_and_quickly() -> None:
    lines = [f"    if word > {number}:\n        total{number % 9} = len(word)" for number in range(150)]
    text = (
        "def run(word):\n"
        + "\n".join([*(f"    total{n} = 0" for n in range(9)), *lines])
        + "\n    return total1\n"
    )
    source = Source.read("module.py", text.encode())
    start = time.process_time()
    found = [(cut.first, cut.last) for cut in cuts(source, source.place("run"), Project({}))]
    assert time.process_time() - start < 2
    again = Source.read("module.py", text.encode())
    assert found == [(cut.first, cut.last) for cut in cuts(again, again.place("run"), Project({}))]
    assert len(found) > 300


def test_a_project_that_python_2_runs_gets_no_yield_from() -> None:
    source, place = read("""
        def run(words):
            for word in words:
                if word:
                    yield word
            print(words)
    """)
    block = place.node.body
    assert cut_of(source, place, block, 0, 0, Project({}, {}, (3, 3))).is_generator
    with pytest.raises(RefactorError, match=r"Python 2\.7 has no yield from"):
        cut_of(source, place, block, 0, 0, Project({}, {}, (2, 7)))
    assert not list(cuts(source, place, Project({}, {}, (2, 7))))
