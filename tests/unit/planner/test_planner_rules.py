"""Which task lists can be planned: ids, dependencies, circles, numbers, and what a person may name."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfimprove.errors import TaskFileError, UsageError
from selfimprove.model.budget import Budget
from selfimprove.model.task import Status, Task
from selfimprove.planner.planner import Planner
from selfimprove.planner.rules import PlanError, check


def task(name: str, *needs: str, **fields: Any) -> Task:
    return Task(id=name, title=name, command="true", dependencies=needs, **fields)


def refused(*tasks: Task) -> PlanError:
    with pytest.raises(PlanError) as caught:
        Planner(Budget()).plan(tasks)
    return caught.value


def test_an_unknown_dependency_names_the_task_and_the_nearest_id() -> None:
    error = refused(task("add-auth"), task("limit", "add-auht"))
    assert error.message == 'task "limit" needs "add-auht", which does not exist'
    assert error.hint == 'did you mean "add-auth"?'
    assert (error.task_id, error.index, error.where) == ("limit", 1, "")
    assert isinstance(error, TaskFileError) and error.exit_code == 2


def test_an_unknown_dependency_that_resembles_nothing_says_what_to_do() -> None:
    assert "remove it from dependencies" in refused(task("b2", "zzzz")).hint
    # A task is never advised to need itself.
    assert "did you mean" not in refused(task("b2", "b22"), task("other")).hint


def test_the_caller_can_say_where() -> None:
    error = refused(task("a", "b"))
    error.where = "tasks.yml:3"
    assert error.where == "tasks.yml:3"


def test_an_id_used_twice_points_at_the_second() -> None:
    error = refused(task("a"), task("b"), task("a"))
    assert error.message == 'the id "a" is used more than once'
    assert (error.task_id, error.index) == ("a", 2)


def test_a_circle_is_told_as_a_path_from_its_first_task_in_the_file() -> None:
    error = refused(task("start", "d"), task("b", "c"), task("c", "d"), task("d", "b"))
    assert error.message == "tasks need each other in a circle: b -> c -> d -> b"
    assert (error.task_id, error.index) == ("b", 1)


def test_the_path_starts_at_the_top_of_the_file_whatever_the_way_in() -> None:
    assert refused(task("c", "a"), task("a", "b"), task("b", "c")).message.endswith(": c -> a -> b -> c")


def test_a_task_that_needs_itself_is_a_circle_of_one() -> None:
    assert refused(task("a", "a")).message.endswith(": a -> a")


def test_a_circle_among_done_tasks_counts() -> None:
    done = Status.DONE
    assert "a -> b -> a" in refused(task("a", "b", status=done), task("b", "a", status=done)).message
    assert "does not exist" in refused(task("a", "gone", status=done)).message


def test_all_problems_are_counted_and_the_first_in_the_file_is_told() -> None:
    error = refused(
        task("x", "y"), task("y", "x"), task("a", "nope", "nope"), task("a"), task("p", "p"), task("q", "p")
    )
    assert error.message == "tasks need each other in a circle: x -> y -> x; and 3 more"
    assert [(problem.task_id, problem.index) for problem in error.problems] == [
        ("x", 0),
        ("a", 2),
        ("a", 3),
        ("p", 4),
    ]


def test_a_circle_of_100000_is_found_and_told_in_one_line() -> None:
    count = 100_000
    tasks = [task(f"t{number}", f"t{(number + 1) % count}") for number in range(count)]
    error = refused(*tasks)
    assert error.message.endswith("t5 -> ... 99,992 more ... -> t99998 -> t99999 -> t0")
    assert len(error.message) < 200


def test_50000_circles_are_all_counted() -> None:
    pairs = [task(f"t{number}", f"t{number ^ 1}") for number in range(100_000)]
    assert refused(*pairs).message == "tasks need each other in a circle: t0 -> t1 -> t0; and 49,999 more"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"priority": float("nan")}, "priority"),
        ({"cost": float("nan")}, "cost of nan"),
        ({"cost": -1}, "cost of -1"),
    ],
)
def test_numbers_that_cannot_be_compared_or_paid_are_refused(fields: dict[str, Any], words: str) -> None:
    error = refused(task("fine"), task("odd", **fields))
    assert words in error.message
    assert error.task_id == "odd"


def test_the_same_dependency_twice_is_tolerated() -> None:
    plan = Planner(Budget()).plan([task("b", "a", "a", priority=9), task("a")])
    assert [t.id for t in plan.next] == ["a", "b"]
    assert plan.why["b"] == "priority 9, after a"


def test_naming_an_unknown_task_gives_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        Planner(Budget(), only=frozenset({"fix-logn"})).plan([task("fix-login")])
    assert caught.value.message == 'there is no task "fix-logn"'
    assert caught.value.hint == "did you mean fix-login?"


@pytest.mark.parametrize(
    ("status", "words"),
    [(Status.FAILED, "failed"), (Status.SKIPPED, "was skipped")],
)
def test_naming_a_task_that_is_over_says_how_to_do_it_again(status: Status, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        Planner(Budget(), only=frozenset({"a"})).schedule([task("a", status=status)])
    assert caught.value.message == f'task "a" {words}'
    assert caught.value.hint.endswith("selfimprove tasks retry a")


def test_naming_a_task_that_is_done_goes_on_with_the_others() -> None:
    tasks = [task("a", status=Status.DONE), task("b", "a"), task("c")]
    plan = Planner(Budget(), only=frozenset({"a", "b"})).plan(tasks)
    assert [one.id for one in plan.next] == ["b"]


GRAPHS = st.lists(st.lists(st.integers(0, 7), max_size=3), min_size=1, max_size=8)


def reach(needs: dict[str, set[str]]) -> dict[str, set[str]]:
    """All that each task needs, by Warshall's closure: another way than ours."""
    far = {name: set(direct) for name, direct in needs.items()}
    for middle in needs:
        for name in needs:
            if middle in far[name]:
                far[name] |= far[middle]
    return far


def circles_in(error: PlanError) -> list[list[str]]:
    return [p.message.rpartition(": ")[2].split(" -> ") for p in error.problems if not p.unknown]


def known_needs(tasks: list[Task]) -> dict[str, set[str]]:
    return {t.id: {name for name in t.dependencies if int(name[1:]) < len(tasks)} for t in tasks}


def is_circle(path: list[str], needs: dict[str, set[str]]) -> bool:
    closed = path[0] == path[-1] and len(set(path)) == len(path) - 1
    return closed and all(after in needs[before] for before, after in pairwise(path))


@settings(derandomize=True, max_examples=300)
@given(GRAPHS)
def test_a_list_is_refused_exactly_when_it_is_wrong(graph: list[list[int]]) -> None:
    tasks = [task(f"t{n}", *(f"t{m}" for m in needs)) for n, needs in enumerate(graph)]
    needs = known_needs(tasks)
    circular = {name for name, far in reach(needs).items() if name in far}
    unknown = {(t.id, name) for t in tasks for name in t.dependencies if name not in needs}
    try:
        check(tasks)
    except PlanError as error:
        assert {(p.task_id, p.unknown) for p in error.problems if p.unknown} == unknown
        paths = circles_in(error)
        assert bool(paths) == bool(circular)
        assert all(is_circle(path, needs) for path in paths)
    else:
        assert not circular and not unknown
