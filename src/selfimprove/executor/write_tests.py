"""The write_tests step: tests in groups for what was changed, or those that a task names, proved before they count."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from selfimprove.errors import LLMError, PatchError, RefactorError
from selfimprove.executor import check as checking
from selfimprove.executor import making
from selfimprove.executor.bench import asker
from selfimprove.executor.document import document
from selfimprove.executor.patching.apply import Tree, write_files
from selfimprove.executor.proving.running import Ground
from selfimprove.executor.sight import reader
from selfimprove.executor.testing.answer import Answer
from selfimprove.executor.testing.groups import added_up, pytest_suite
from selfimprove.executor.testing.intent import is_meant_to_alter, named_tests
from selfimprove.executor.testing.matter import changed_code, imported_code, patch_of
from selfimprove.executor.testing.placing import Spot, folder_of_tests, plain_folder, spot_for
from selfimprove.executor.testing.question import Subject, build_question
from selfimprove.executor.testing.settling import Settled, Ways, settle
from selfimprove.executor.testing.trial import Case, Tried, try_file
from selfimprove.model.outcome import CheckResult
from selfimprove.model.testgroup import group_of
from selfimprove.tools.git.worktree import reopen_copy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from selfimprove.executor.bench import Bench
    from selfimprove.executor.commands import Suite
    from selfimprove.model.task import Task
    from selfimprove.model.work import Work
    from selfimprove.tools.llm.client import Reply

FACT = "tests written"
"""The name of the fact in a commit's evidence."""


def asks_for_tests_only(task: Task, base: str, bench: Bench) -> bool:
    """True for a task that names test files which do not exist yet, and nothing else: there is no code to edit."""
    return bool(named_tests(task, bench.repo.tree_names(base)))


def write_tests(task: Task, work: Work, bench: Bench, turn: int, log: Path) -> Work:
    """Return the work with tests for its change in ``tree``, each proved by running it; without any where none held.

    Tests that a task names are its change: when none of them holds, the task ends. Otherwise the change goes on without
    them, and the fact says why. Tests of an earlier attempt are tried again, and asked for anew only when they fall.
    """
    desk = _desk(task, work, bench, turn, log)
    if desk is None:
        return _bare(work, bench)
    if desk.suite.lacks:
        return _without(desk, f"{desk.suite.lacks} was not found")
    rows = [(spot, _settled(desk, spot)) for spot in desk.spots]
    return _landed(desk, rows)


def _bare(work: Work, bench: Bench) -> Work:
    """Return the work without the tests of an earlier attempt: what they proved is not true of this change."""
    ours = list(work.testing.get("files", {}))
    if not ours:
        return work
    copy = reopen_copy(bench.repo, Path(work.copy), work.base)
    copy.restore(work.tree)
    copy.take_from(work.base, ours)
    return work.but(
        tree=copy.snapshot(()),
        written=tuple(path for path in work.written if path not in ours),
        paths=tuple(path for path in work.paths if path not in ours),
        groups={},
        testing={"calls": work.testing.get("calls", {})},
    )


class _Desk(NamedTuple):
    """What files are written with: ``tree`` is the change without them, ``alone`` that there is none."""

    task: Task
    work: Work
    bench: Bench
    turn: int
    ground: Ground
    tree: str
    spots: tuple[Spot, ...]
    suite: Suite
    alone: bool
    lines: Mapping[str, frozenset[int]]


def _desk(task: Task, work: Work, bench: Bench, turn: int, log: Path) -> _Desk | None:
    """Return what is to be done, ``None`` when no tests are wanted.

    A rewrite without a model gets none: it keeps what code does, and the tests that are there have proved that.
    """
    named = named_tests(task, bench.repo.tree_names(work.base))
    wanted = bench.testing.write and not work.rewrite and bench.llm is not None
    if not named and (not wanted or making.applies(task, bench)):
        return None
    copy = reopen_copy(bench.repo, Path(work.copy), work.base)
    copy.restore(work.tree)
    ours = list(work.testing.get("files", {}))
    copy.take_from(work.base, ours)
    tree = copy.snapshot(())
    copy.restore(tree)
    lines = {} if named else changed_code(bench.repo, work.base, tree)
    if not named and not lines:
        return None
    names = bench.repo.tree_names(tree)
    found = checking.suite_for(task, copy, names, [*lines, *named], bench)
    folder = found.folder if found else "."
    if named:
        spots = tuple(Spot(group_of(task.category), path) for path in named)
    else:
        spots = _spots(task, work, bench, copy.path, names, list(lines), folder)
    return _Desk(
        task,
        work,
        bench,
        turn,
        Ground(copy, bench, log),
        tree,
        spots,
        pytest_suite(bench, folder),
        bool(named),
        lines,
    )


def _spots(
    task: Task,
    work: Work,
    bench: Bench,
    root: Path,
    names: Sequence[str],
    changed: Sequence[str],
    project: str,
) -> tuple[Spot, ...]:
    """Return where the tests of each wanted group go; those of an earlier attempt stay where they are."""
    inside = "" if project == "." else f"{project}/"
    told = plain_folder(bench.testing.folder, inside, names) if bench.testing.folder else None
    folder = folder_of_tests(root, names, changed, project) if told is None else told
    known = {row["group"]: path for path, row in work.testing.get("files", {}).items() if not row["package"]}
    spots: list[Spot] = []
    for group in bench.testing.groups or (group_of(task.category),):
        taken = [path for spot in spots for path in spot.paths]
        spot = spot_for(group, task.id, folder, names, taken)
        spots.append(spot._replace(path=known.get(group, spot.path)))
    return tuple(spots)


def _settled(desk: _Desk, spot: Spot) -> Settled:
    """Return what became of one file; where there is a change, it goes on without tests when the model fails."""
    files = desk.work.testing.get("files", {})
    known = ""
    if spot.path in files:
        known = desk.bench.repo.git("cat-file", "blob", files[spot.path]["blob"]).decode("utf-8", "replace")
    calls = int(desk.work.testing.get("calls", {}).get(_key(desk, spot), 0))
    ways = Ways(
        spot.path,
        lambda number, proposed, failure: _ask(desk, spot, number, proposed, failure),
        lambda answer: _tried(desk, spot, answer),
        lambda: _files(desk),
    )
    unchanged = bool(files.get(spot.path, {}).get("unchanged", False))
    try:
        done = settle(
            ways, Answer(known, unchanged=unchanged), desk.work.failure if desk.alone else "", calls
        )
    except (LLMError, PatchError, RefactorError) as error:
        if desk.alone:
            raise
        return Settled(reason=error.message, calls=calls + 1)
    if done.error and desk.alone:
        raise done.error
    return done


def _key(desk: _Desk, spot: Spot) -> str:
    """Return by what questions are counted: the group, and of several named files the path."""
    return spot.path if desk.alone else spot.group


def _files(desk: _Desk) -> Tree:
    desk.ground.copy.restore(desk.tree)
    return Tree(desk.ground.copy.path, desk.bench.repo.tree_names(desk.tree))


def _ask(desk: _Desk, spot: Spot, number: int, proposed: str, failure: str) -> Reply:
    work, bench = desk.work, desk.bench
    desk.ground.copy.restore(desk.tree)
    sight = bench.sight()
    shown = [place.path for place in work.context if not place.end]
    changed = list(desk.lines) or [path for path in shown if path not in {one.path for one in desk.spots}]
    subject = Subject(
        desk.task,
        spot,
        "" if desk.alone else patch_of(bench.repo, work.base, desk.tree),
        sight.files(reader(desk.ground.copy.path)),
        bench.repo.tree_names(desk.tree),
        changed,
        [place for place in work.context if place.end],
        not desk.alone and is_meant_to_alter(desk.task, said_unchanged=False),
    )
    return asker(bench, work, desk.turn).once(build_question(subject, sight, number, proposed, failure))[0]


def _tried(desk: _Desk, spot: Spot, answer: Answer) -> Tried:
    terms = desk.bench.testing
    lines = desk.lines
    if desk.alone:
        desk.ground.copy.restore(desk.tree)
        read = reader(desk.ground.copy.path)
        names = desk.bench.repo.tree_names(desk.tree)
        lines = imported_code(spot.path, answer.text, names, lambda name: read(name) or b"")
    alters = not desk.alone and is_meant_to_alter(desk.task, said_unchanged=answer.unchanged)
    case = Case(
        *(desk.task, desk.work, desk.suite, desk.ground, desk.tree, desk.bench.repo.tree_of(desk.work.base)),
        lines=lines,
        alters=alters,
        runs=terms.runs,
        mutations=terms.mutations,
    )
    return try_file(spot, answer.text, case)


def _landed(desk: _Desk, rows: Sequence[tuple[Spot, Settled]]) -> Work:
    """Return the work with the files that were accepted, the results of their groups and what is known of them."""
    work = desk.work
    kept = [(spot, one) for spot, one in rows if one.text]
    tree, files = _filed(desk, kept)
    before = work.testing.get("files", {})
    calls = {**work.testing.get("calls", {}), **{_key(desk, spot): one.calls for spot, one in rows}}
    fact = _fact(rows, desk.suite.command)
    paths = [path for path in work.paths if path not in before or path in files]
    after = work.but(
        tree=tree,
        written=(*(path for path in work.written if path not in before), *files),
        groups=_groups(kept),
        testing={"files": files, "calls": calls, "fact": asdict(fact)},
        model=work.model or "".join([one.model for _, one in rows if one.model][:1]),
        dollars=work.dollars + sum(one.dollars for _, one in rows),
        tokens=work.tokens + sum(one.tokens for _, one in rows),
        paths=tuple(dict.fromkeys((*paths, *files))),
        summary=fact.summary,
    )
    return _concluded(after, rows) if desk.alone else after


def _filed(desk: _Desk, kept: Sequence[tuple[Spot, Settled]]) -> tuple[str, dict[str, dict[str, object]]]:
    """Put the accepted files on top of the change; return the tree, and each file with its group and its blob."""
    copy = desk.ground.copy
    copy.restore(desk.tree)
    contents: dict[str, bytes] = {}
    for spot, one in kept:
        contents |= dict.fromkeys(spot.packages, b"")
        contents[spot.path] = one.text.encode("utf-8", "surrogateescape")
    write_files(copy.path, contents)
    tree = copy.snapshot(tuple(contents))
    files = {
        path: {
            "group": spot.group,
            "package": path != spot.path,
            "blob": _blob(desk, tree, path),
            "unchanged": one.unchanged,
        }
        for spot, one in kept
        for path in spot.paths
    }
    return tree, files


def _concluded(work: Work, rows: Sequence[tuple[Spot, Settled]]) -> Work:
    """Return the work of a task that asks for tests only: ended, unless all of them were accepted."""
    missing = next((one for _, one in rows if not one.text), None)
    if missing:
        stop = f"the tests were not accepted: {missing.reason}"
        return work.but(stop=stop, code="tests_refused", summary=stop)
    subject = next((one.subject for _, one in rows if one.subject), "") or work.subject
    return work.but(failure="", code="", subject=subject)


def _blob(desk: _Desk, tree: str, path: str) -> str:
    env = {"GIT_LITERAL_PATHSPECS": "1"}
    said = desk.ground.copy.git("ls-tree", "--full-tree", tree, "--", path, env=env).decode()
    return said.split()[2]


def _groups(kept: Sequence[tuple[Spot, Settled]]) -> dict[str, Any]:
    groups = dict.fromkeys(spot.group for spot, _ in kept)
    found = {}
    for group in groups:
        own = [(spot, one.tried.result) for spot, one in kept if spot.group == group]
        found[group] = added_up([one for _, one in own], [spot.path for spot, _ in own]).to_dict()
    return found


def _fact(rows: Sequence[tuple[Spot, Settled]], command: str) -> CheckResult:
    """Return what is known of the written tests; that there are none is no reason to refuse a change."""
    said = [_words(spot, one) for spot, one in rows]
    tried = [one.tried for _, one in rows if one.text]
    counts = {
        "passed": sum(one.result.passed for one in tried),
        "spoilt": sum(one.spoilt for one in tried),
        "noticed": sum(one.noticed for one in tried),
    }
    seconds = sum(one.tried.seconds for _, one in rows)
    return CheckResult(FACT, True, "; ".join(said), seconds, command=command, counts=counts if tried else {})


def _words(spot: Spot, one: Settled) -> str:
    if not one.text:
        return f"none for {spot.group}: {one.reason}"
    tried, number = one.tried, one.tried.result.total
    words = f"{number} test{'s' * (number != 1)} in {spot.path}"
    if tried.before > 0:
        words += f", {tried.before} failing without the change"
    if tried.spoilt:
        words += f", {tried.noticed} of {tried.spoilt} spoilt lines noticed"
    return words + (f", {len(one.dropped)} taken out" if one.dropped else "")


def _without(desk: _Desk, why: str) -> Work:
    """Return the work when no test can be run."""
    if desk.alone:
        stop = f"the tests were not written: {why}"
        return desk.work.but(stop=stop, code="tests_refused", summary=stop)
    return _landed(desk, [(spot, Settled(reason=why)) for spot in desk.spots])


def check(task: Task, work: Work, bench: Bench, turn: int, log: Path) -> Work:
    """Return the work as the check step leaves it, with the fact about the tests that were written.

    Where these tests are what makes it red, they are taken out: they must not hold back a good change.
    """
    done = checking.check(task, work, bench, log)
    files = work.testing.get("files", {})
    if not (done.failure and files) or asks_for_tests_only(task, work.base, bench):
        return _with_fact(done)
    copy = reopen_copy(bench.repo, Path(work.copy), work.base)
    copy.restore(work.tree)
    copy.take_from(work.base, list(files))
    bare = work.but(tree=copy.snapshot(()), paths=tuple(path for path in work.paths if path not in files))
    # Documents may tell of the tests that went.
    again = checking.check(task, document(task, bare, bench, turn), bench, log)
    if again.failure:  # the change is red by itself: the tests stay for the next attempt
        return _with_fact(again.but(tree=done.tree, paths=done.paths))
    why = " ".join(done.failure.split("\n")[0].split())[:200]
    fact = {**work.testing["fact"], "summary": f"none: taken out, since {why}", "counts": {}}
    written = tuple(path for path in again.written if path not in files)
    testing = {**work.testing, "files": {}, "fact": fact}
    return _with_fact(again.but(written=written, groups={}, testing=testing))


def _with_fact(work: Work) -> Work:
    fact = work.testing.get("fact")
    if not fact or work.failure:
        return work
    return work.but(checks=(*work.checks, CheckResult(**fact)))
