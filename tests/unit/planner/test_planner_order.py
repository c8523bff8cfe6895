"""The order of tasks and why others wait, checked case by case."""

from __future__ import annotations

from dataclasses import replace

import pytest

from planner_rig import drain, found, ids, task, waits
from selfimprove.model.budget import Budget
from selfimprove.model.plan import Plan
from selfimprove.model.task import Status
from selfimprove.planner.planner import Planner
from selfimprove.planner.rules import PlanError


def test_priority_then_file_order() -> None:
    plan = Planner(Budget()).plan([task("a"), task("b", priority=2.5), task("c", priority=-1), task("d")])
    assert ids(plan) == ["b", "a", "d", "c"]
    assert plan.why["b"] == "priority 2.5, ready"
    assert plan.waiting == ()


def test_a_dependency_comes_first_whatever_its_priority() -> None:
    tasks = [task("c", "a", "b", "d", priority=30), task("a"), task("b", "a", priority=5), task("d")]
    plan = Planner(Budget()).plan(tasks)
    assert ids(plan) == ["a", "b", "d", "c"]
    assert plan.why["c"] == "priority 30, after a, b and 1 more"
    assert plan.why["b"] == "priority 5, after a"


def test_only_what_this_plan_does_is_named_as_coming_before() -> None:
    plan = Planner(Budget()).plan([task("old", status=Status.DONE), task("new", "old")])
    assert plan.why == {"new": "priority 0, ready"}


def test_what_is_over_is_neither_next_nor_waiting() -> None:
    over = [task(str(s), status=s) for s in (Status.DONE, Status.FAILED, Status.SKIPPED)]
    assert Planner(Budget()).plan(over) == Plan()


def test_a_done_task_is_done_even_if_its_dependency_is_not() -> None:
    plan = Planner(Budget()).plan([task("a", "b", status=Status.DONE), task("b"), task("c", "a", priority=1)])
    assert ids(plan) == ["c", "b"]


def test_the_waiting_are_in_file_order_with_their_reasons() -> None:
    tasks = [
        task("far", "near"),
        task("near", "broken", "left-out"),
        task("after-skip", "skipped"),
        task("broken", status=Status.FAILED),
        task("skipped", status=Status.SKIPPED),
        task("theirs", status=Status.IN_PROGRESS),
        task("taken"),
        task("stray", status=Status.IN_PROGRESS),
        task("left-out"),
    ]
    planner = Planner(Budget(), only=frozenset({"far", "near", "after-skip", "theirs", "taken", "stray"}))
    plan = planner.plan(tasks, claimed={"theirs": "run 7 on box", "taken": "run 8"})
    assert ids(plan) == []
    assert list(waits(plan).items()) == [
        ("far", ("dependency", "needs near, which waits")),
        ("near", ("failed_dependency", "needs broken, which failed")),
        ("after-skip", ("failed_dependency", "needs skipped, which was skipped")),
        ("theirs", ("claimed", "is being done by run 7 on box")),
        ("taken", ("claimed", "is being done by run 8")),
        ("stray", ("claimed", "is marked in_progress, but no live run is doing it")),
        ("left-out", ("not_selected", "was not asked for")),
    ]


def test_only_what_was_named_runs_and_its_dependencies_do_not() -> None:
    planner = Planner(Budget(), only=frozenset({"b", "c"}))
    plan = planner.plan([task("a"), task("b", "a"), task("c")])
    assert ids(plan) == ["c"]
    assert waits(plan) == {
        "a": ("not_selected", "was not asked for"),
        "b": ("dependency", "needs a, which waits"),
    }


def test_without_a_model_prompts_wait_and_commands_run() -> None:
    tasks = [
        task("edit", prompt="do"),
        task("make"),
        task("after", "edit"),
        task("edit2", "edit", prompt="x"),
    ]
    plan = Planner(Budget(), model_ready=False).plan(tasks)
    assert ids(plan) == ["make"]
    assert {name: code for name, (code, _) in waits(plan).items()} == {
        "edit": "needs_model",
        "after": "dependency",
        "edit2": "needs_model",
    }


def test_a_finding_is_tried_without_a_model_and_says_so() -> None:
    tasks = [found("one", priority=2), task("ask", prompt="do"), task("make")]
    plan = Planner(Budget(), model_ready=False).plan(tasks)
    assert ids(plan) == ["one", "make"]
    assert plan.why == {"one": "priority 2, ready, first without a model", "make": "priority 0, ready"}
    plan = Planner(Budget(), model_ready=False, rewrites=False).plan(tasks)
    assert (ids(plan), set(waits(plan))) == (["make"], {"one", "ask"})


def test_a_finding_that_only_a_model_can_mend_waits_with_its_reason_and_costs_nothing() -> None:
    budget = Budget(units=1)
    schedule = Planner(budget, model_ready=False, max_tasks=1).schedule([found("one"), found("two")])
    assert (first := schedule.pop()) and first.id == "one"
    schedule.finish("one", Status.PENDING, needs_model="lines 3-5 are not run by any test")
    assert (schedule.started, budget.units_spent) == (0, 0)
    assert (second := schedule.pop()) and second.id == "two"
    schedule.finish("two", Status.DONE)
    [left] = schedule.waiting()
    assert (left.code, left.reason) == ("needs_model", "needs a model: lines 3-5 are not run by any test")


def test_a_spent_limit_on_dollars_does_not_hold_what_costs_none() -> None:
    budget = Budget(dollars=1, dollars_spent=1)
    plan = Planner(budget).plan([found("one"), task("ask", prompt="do")])
    assert (ids(plan), waits(plan)["ask"][0]) == (["one"], "budget")


def test_a_task_over_the_budget_waits_and_a_cheaper_one_runs() -> None:
    tasks = [task("a", cost=5, priority=9), task("b", cost=6, priority=8), task("c", "b"), task("d", cost=0)]
    planner = Planner(Budget(units=10))
    plan = planner.plan(tasks)
    assert ids(plan) == ["a", "d"]
    assert plan.cost == 5
    assert waits(plan) == {
        "b": ("budget", "5 + 6 is over the budget of 10"),
        "c": ("dependency", "needs b, which waits"),
    }
    assert planner.budget.units_spent == 0


def test_decimals_add_up_as_a_person_adds_them() -> None:
    plan = Planner(Budget(units=0.3)).plan([task("a", cost=0.1), task("b", cost=0.2), task("c", cost=0.1)])
    assert ids(plan) == ["a", "b"]
    assert waits(plan)["c"][1] == "0.3 + 0.1 is over the budget of 0.3"


def test_what_costs_nothing_runs_on_an_empty_and_an_overdrawn_budget() -> None:
    tasks = [task("free", cost=0), task("one")]
    assert ids(Planner(Budget(units=0)).plan(tasks)) == ["free"]
    assert ids(Planner(Budget(units=3, units_spent=4)).plan(tasks)) == ["free"]


@pytest.mark.parametrize(
    ("budget", "runs", "reason"),
    [
        (Budget(dollars=2, dollars_spent=2.01), ["make"], "the budget of $2.00 is used up"),
        (Budget(tokens=9000, tokens_spent=9000), ["make"], "the budget of 9,000 tokens is used up"),
        (Budget(seconds=60, seconds_spent=61), [], "the budget of 60 seconds is used up"),
    ],
)
def test_money_and_tokens_stop_prompts_and_time_stops_all(
    budget: Budget, runs: list[str], reason: str
) -> None:
    plan = Planner(budget).plan([task("edit", prompt="do"), task("make")])
    assert ids(plan) == runs
    assert waits(plan)["edit"] == ("budget", reason)


def test_money_that_is_spent_during_a_run_stops_the_next_prompt() -> None:
    budget = Budget(dollars=1)
    schedule = Planner(budget).schedule([task("a", prompt="x"), task("b", prompt="x"), task("c")])
    first = schedule.pop()
    assert first and first.id == "a"
    budget.charge(dollars=1.2)
    schedule.finish("a", Status.DONE)
    assert drain(schedule) == ["c"]
    assert [(w.task.id, w.code) for w in schedule.waiting()] == [("b", "budget")]


def test_no_more_than_max_tasks_start() -> None:
    plan = Planner(Budget(units=3), max_tasks=2).plan(
        [task("a"), task("b"), task("c"), task("d", "a"), task("e", "c"), task("dear", cost=9)]
    )
    assert ids(plan) == ["a", "b"]
    assert {name: code for name, (code, _) in waits(plan).items()} == {
        "c": "max_tasks",
        "d": "max_tasks",
        "e": "dependency",
        "dear": "budget",
    }
    assert waits(plan)["c"][1] == "the limit of 2 tasks is reached"


def test_a_failed_task_keeps_its_cost_and_holds_back_who_needs_it() -> None:
    budget = Budget(units=3)
    schedule = Planner(budget).schedule([task("a", cost=2, priority=1), task("b", "a"), task("c", cost=2)])
    first = schedule.pop()
    assert first and first.id == "a"
    assert budget.units_spent == 2
    schedule.finish("a", Status.FAILED)
    assert schedule.pop() is None
    assert [(w.task.id, w.reason) for w in schedule.waiting()] == [
        ("b", "needs a, which failed"),
        ("c", "2 + 2 is over the budget of 3"),
    ]
    assert budget.units_spent == 2


def test_while_a_task_runs_the_others_can_be_taken_and_who_needs_it_cannot() -> None:
    schedule = Planner(Budget()).schedule([task("a"), task("b", "a", priority=5), task("c")])
    assert [t and t.id for t in (schedule.pop(), schedule.pop(), schedule.pop())] == ["a", "c", None]
    assert [(w.task.id, w.reason) for w in schedule.waiting()] == [("b", "needs a, which is being done")]
    schedule.finish("a", Status.DONE)
    assert drain(schedule) == ["b"]
    assert schedule.started == 3


def test_a_task_given_back_is_not_handed_out_again() -> None:
    tasks = [task("a"), task("b", "a"), task("c")]
    schedule = Planner(Budget()).schedule(tasks)
    assert schedule.pop() == tasks[0]
    schedule.finish("a", Status.PENDING)
    assert drain(schedule) == ["c"]
    schedule.update(tasks)
    assert schedule.pop() is None
    assert [(w.task.id, w.code) for w in schedule.waiting()] == [("a", "returned"), ("b", "dependency")]


def test_only_a_task_that_is_out_can_end() -> None:
    schedule = Planner(Budget()).schedule([task("a")])
    with pytest.raises(KeyError):
        schedule.finish("a", Status.DONE)
    schedule.pop()
    with pytest.raises(ValueError, match="in progress"):
        schedule.finish("a", Status.IN_PROGRESS)
    schedule.finish("a", Status.DONE)
    with pytest.raises(KeyError):
        schedule.finish("a", Status.DONE)


def test_an_edit_during_the_run_is_taken_up() -> None:
    budget = Budget(units=4)
    tasks = [task("a"), task("b"), task("c", "a"), task("gone")]
    schedule = Planner(budget, max_tasks=4).schedule(tasks)
    schedule.pop()
    # The person adds a dependency to the running task, removes one, raises one and adds one.
    edited = [
        task("a", "new", status=Status.IN_PROGRESS),
        task("b"),
        task("c", "a", priority=7),
        task("new", priority=9, cost=3),
        task("dear", cost=4, priority=8),
    ]
    schedule.update(edited)
    schedule.finish("a", Status.DONE)
    # The file may still say pending for what this run did: it is not done twice.
    schedule.update([replace(edited[0], status=Status.PENDING), *edited[1:]])
    assert drain(schedule) == ["new"]
    assert budget.units_spent == 4
    assert {w.task.id: w.code for w in schedule.waiting()} == {"b": "budget", "c": "budget", "dear": "budget"}


@pytest.mark.parametrize("status", [Status.PENDING, Status.IN_PROGRESS])
@pytest.mark.parametrize("claimed", [{}, {"a": "this run"}])
def test_a_running_task_stays_out_whatever_the_file_says(status: Status, claimed: dict[str, str]) -> None:
    schedule = Planner(Budget()).schedule([task("a"), task("b", "a")])
    schedule.pop()
    schedule.update([task("a", status=status), task("b", "a")], claimed=claimed)
    assert schedule.pop() is None
    assert [w.task.id for w in schedule.waiting()] == ["b"]
    schedule.finish("a", Status.DONE)
    assert drain(schedule) == ["b"]


def test_claims_hold_until_new_ones_are_given() -> None:
    schedule = Planner(Budget()).schedule([task("a"), task("b")], claimed={"a": "run 3"})
    schedule.update([task("a"), task("b", priority=2)])
    assert drain(schedule) == ["b"]
    schedule.update([task("a"), task("b")], claimed={})
    assert drain(schedule) == ["a"]


def test_a_running_task_that_was_removed_from_the_file_can_still_end() -> None:
    schedule = Planner(Budget()).schedule([task("a"), task("b")])
    schedule.pop()
    schedule.update([task("b")])
    schedule.finish("a", Status.DONE)
    assert drain(schedule) == ["b"]


def test_a_retry_during_the_run_is_tried_again_and_charged_again() -> None:
    budget = Budget(units=5)
    schedule = Planner(budget).schedule([task("a"), task("b", "a")])
    schedule.pop()
    schedule.finish("a", Status.FAILED)
    schedule.update([task("a", status=Status.FAILED), task("b", "a")])
    assert schedule.pop() is None
    schedule.update([task("a"), task("b", "a")])
    assert drain(schedule) == ["a", "b"]
    assert budget.units_spent == 3


def test_a_bad_edit_changes_nothing() -> None:
    schedule = Planner(Budget()).schedule([task("a"), task("b")])
    with pytest.raises(PlanError):
        schedule.update([task("a", "nope"), task("b")])
    assert drain(schedule) == ["a", "b"]


def test_the_selection_stays_valid_when_its_task_is_done() -> None:
    schedule = Planner(Budget(), only=frozenset({"a"})).schedule([task("a"), task("b")])
    assert drain(schedule) == ["a"]
    schedule.update([task("a", status=Status.DONE), task("b"), task("c")])
    assert schedule.pop() is None


def test_a_claim_that_ends_frees_the_task() -> None:
    tasks = [task("a", status=Status.IN_PROGRESS), task("b", "a")]
    schedule = Planner(Budget()).schedule(tasks, claimed={"a": "run 3"})
    assert schedule.pop() is None
    schedule.update([task("a", status=Status.DONE), tasks[1]], claimed={})
    assert drain(schedule) == ["b"]


def test_a_chain_of_100000_is_planned_to_the_end() -> None:
    count = 100_000
    tasks = [task(f"t{n}", *([f"t{n + 1}"] if n + 1 < count else [])) for n in range(count)]
    plan = Planner(Budget()).plan(tasks)
    assert ids(plan) == [f"t{n}" for n in reversed(range(count))]


def test_a_run_over_100000_tasks_with_one_hub_comes_to_the_end() -> None:
    count = 100_000
    tasks = [
        task("hub"),
        *(task(f"t{n}", "hub", priority=n % 7) for n in range(count)),
        task("last", priority=-1),
    ]
    schedule = Planner(Budget(units=count)).schedule(tasks)
    order = drain(schedule)
    assert order[0] == "hub" and len(order) == count
    assert [w.task.id for w in schedule.waiting()] == [f"t{count - 1 - (count - 1) % 7}", "last"]
