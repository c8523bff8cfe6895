"""Benchmark of moves: the public refactor benchmark's methods become functions, without a model, and are checked."""

from __future__ import annotations

import argparse
import ast
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import corpora
import projects

from selfimprove.errors import RefactorError
from selfimprove.executor.refactor.moving.move import move_to_function
from selfimprove.executor.refactor.project import Project
from selfimprove.executor.refactor.source import Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

TASKS = corpora.Project(
    "refactor-benchmark", "", "Aider-AI/refactor-benchmark", "c90dfb67d829", "c90dfb67d829"
)
TAKEN = "already"  # in the reason when the name exists
TOLERANCE = 10  # percent of the nodes of the tree, as aider's own check has it
_SAYS = re.compile(r"^\s+(method|method_children|class_name|class_children) = (.+)$", re.MULTILINE)
_FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef


class Task(NamedTuple):
    """One folder: a file, the method to move, and how many nodes it and its class have in the syntax tree."""

    name: str
    path: str
    content: bytes
    method: str
    nodes: int
    owner: str
    owner_nodes: int


class Result(NamedTuple):
    """What became of a task: ``solved``, ``refused`` with a reason, or ``wrong`` with what is wrong."""

    task: Task
    said: str
    why: str
    seconds: float
    kept: bool = False


def tasks(folder: Path) -> Iterator[Task]:
    """Yield the tasks in a working copy of the benchmark, by name."""
    for test in sorted(folder.rglob("*_test.py")):
        said = {
            key: ast.literal_eval(value) for key, value in _SAYS.findall(test.read_text(encoding="utf-8"))
        }
        path = test.with_name(test.name.replace("_test.py", ".py"))
        names = (said["method"], said["method_children"], said["class_name"], said["class_children"])
        yield Task(test.parent.name, path.name, path.read_bytes(), *names)


def symbol_of(source: Source, task: Task) -> str:
    """Return the qualified name of the method that a task names."""
    wanted = f"{task.owner}.{task.method}"
    return next(one.symbol for one in source.places if f".{one.symbol}".endswith(f".{wanted}"))


def moved(task: Task) -> bytes:
    """Return the file as our function makes it. Raises RefactorError."""
    source = Source.read(task.path, task.content)
    project = Project({task.path: task.content})
    made = move_to_function(source, project, source.place(symbol_of(source, task)))
    return made.files[task.path]


def commanded(task: Task) -> bytes:
    """Return the file as ``selfimprove refactor`` proposes it, in a repository of its own. Raises RefactorError."""
    with tempfile.TemporaryDirectory(prefix="selfimprove-moves-") as name:
        folder = Path(name)
        (folder / task.path).write_bytes(task.content)
        for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "The task"]):
            _run(["git", *command], folder)
        symbol = symbol_of(Source.read(task.path, task.content), task)
        asked = [f"{task.path}:{symbol}", "--rewrite", "move-to-function", "--dry-run", "--no-tests"]
        done = _run(
            [sys.executable, "-m", "selfimprove", "refactor", *asked, "--format", "json"], folder, check=False
        )
        told = json.loads(done.stdout)
        row = ((told["data"] or {}).get("functions") or [{"diff": ""}])[0]
        if not row["diff"]:
            error = told["error"] or {}
            raise RefactorError(row.get("reason") or error.get("message") or "nothing was proposed")
        _run(["git", "apply", "--whitespace=nowarn", "-"], folder, data=row["diff"].encode())
        return (folder / task.path).read_bytes()


def _run(
    command: Sequence[str], folder: Path, *, data: bytes | None = None, check: bool = True
) -> subprocess.CompletedProcess[bytes]:
    env = os.environ | projects.GIT_ENV
    return subprocess.run(
        command, cwd=folder, input=data, check=check, capture_output=True, env=env, timeout=600
    )


def objections(task: Task, content: bytes) -> Iterator[str]:
    """Yield what is wrong with a result: first what aider's check asks for, then what it leaves open."""
    old, new = ast.parse(task.content), ast.parse(content)
    function = next(_named(new.body, _FUNCTIONS, task.method), None)
    owner = next(_named(ast.walk(new), ast.ClassDef, task.owner), None)
    if function is None or owner is None:
        yield "there is no such function at the top level, or no such class"
        return
    for what, node, wanted in (
        ("function", function, task.nodes),
        ("class", owner, task.owner_nodes - task.nodes),
    ):
        count = sum(1 for _ in ast.walk(node))
        if abs(count - wanted) * 100 >= TOLERANCE * wanted:
            yield f"the {what} has {count} nodes, not about {wanted}"
    if any(_named(owner.body, _FUNCTIONS, task.method)):
        yield "the method is still there"
    if _plain(old, task) != _plain(new, task):
        yield "more has changed than the place of the method and the calls of it"


def _named(nodes: Iterable[ast.AST], kind: Any, name: str) -> Iterator[Any]:
    """Yield those of ``nodes`` that are of ``kind``, a class of the tree or several, and called ``name``."""
    return (one for one in nodes if isinstance(one, kind) and one.name == name)


def _plain(tree: ast.Module, task: Task) -> list[str]:
    """Return every statement of a file, the method or function by itself, calls of it all in one spelling."""
    method, owner = task.method, task.owner
    taken: list[str] = []
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if not isinstance(body, list) or not isinstance(node, ast.Module | ast.ClassDef):
            continue
        if isinstance(node, ast.ClassDef) and node.name != owner:
            continue
        for one in list(body):
            if isinstance(one, _FUNCTIONS) and one.name == method:
                if isinstance(node, ast.ClassDef):
                    one.args.args = one.args.args[1:]
                taken.append(ast.dump(_Calls(method).visit(_undocumented(one))))
                body.remove(one)
            elif isinstance(one, ast.Assign) and ast.unparse(one) in (
                f"{method} = staticmethod({method})",
                f"_{owner}{method} = {method}",
            ):
                body.remove(one)
    return [*taken, ast.dump(_Calls(method).visit(tree))]


def _undocumented(node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
    text = ast.get_docstring(node)
    if text is not None:
        node.body[0] = ast.Expr(ast.Constant(text))
    return node


class _Calls(ast.NodeTransformer):
    """Writes ``self.name`` as ``name``."""

    def __init__(self, name: str) -> None:
        self._name = name

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        is_self = isinstance(node.value, ast.Name) and node.value.id == "self" and node.attr == self._name
        return ast.Name(self._name, node.ctx) if is_self else node


def result(task: Task, *, command: bool) -> Result:
    """Solve a task and check what came out."""
    start = time.perf_counter()
    try:
        content = commanded(task) if command else moved(task)
    except RefactorError as error:
        return Result(task, "refused", error.message, time.perf_counter() - start)
    taken = time.perf_counter() - start
    wrong = next(objections(task, content), "")
    kept = f" {task.method} = staticmethod({task.method})".encode() in content
    return Result(task, "wrong" if wrong else "solved", wrong, taken, kept)


def has_the_name(task: Task) -> bool:
    """True for a task that is not valid: the top level has the name already."""
    body = ast.parse(task.content).body
    return any(isinstance(one, _FUNCTIONS | ast.ClassDef) and one.name == task.method for one in body)


def arguments() -> argparse.Namespace:
    """Return what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--folder", type=Path, help="a working copy of the benchmark; else it is fetched once"
    )
    parser.add_argument("--clones", type=Path, help="folder with owner+name/repo git directories")
    parser.add_argument("--command", action="store_true", help="by the real command, in a repository each")
    parser.add_argument("--task", action="append", help="only tasks whose name begins so")
    parser.add_argument("--all", action="store_true", help="a line for each task")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a target is missed")
    return parser.parse_args()


def measured(args: argparse.Namespace, folder: Path) -> list[Result]:
    """Solve the tasks that are asked for."""
    found = []
    for task in tasks(folder):
        if not args.task or task.name.startswith(tuple(args.task)):
            found.append(result(task, command=args.command))
            if args.all:
                print(f"  {found[-1].said:8} {task.name}  {found[-1].why}", flush=True)
    return found


def verdicts(results: Sequence[Result]) -> list[tuple[str, bool]]:
    """Return lines that say what was reached, each with whether it is enough."""
    valid = [one for one in results if not has_the_name(one.task)]
    others = [one for one in results if has_the_name(one.task)]
    solved = sum(one.said == "solved" for one in valid)
    named = sum(one.said == "refused" and TAKEN in one.why for one in others)
    return [
        (f"valid tasks solved: {solved} of {len(valid)}", solved == len(valid)),
        (
            f"tasks whose name exists, refused with that reason: {named} of {len(others)}",
            named == len(others),
        ),
    ]


def report(results: Sequence[Result]) -> bool:
    """Print the table; return whether all targets are reached."""
    count = {word: sum(one.said == word for one in results) for word in ("solved", "refused", "wrong")}
    print(f"  {'tasks':>8}{'solved':>8}{'refused':>9}{'wrong':>7}")
    print(f"  {len(results):8}{count['solved']:8}{count['refused']:9}{count['wrong']:7}")
    for one in results:
        if one.said != "solved":
            print(f"  {one.said}: {one.task.name}: {one.why}")
    told = verdicts(results)
    print("".join(f"  {text}  {'pass' if ok else 'MISS'}\n" for text, ok in told), end="")
    times = sorted(one.seconds for one in results) or [0.0]
    print(
        f"  the class keeps a static method of the name (public, or overridden): {sum(one.kept for one in results)}"
    )
    print(f"  {times[len(times) // 2]:.2f} s in the middle, {times[-1]:.1f} s at most")
    return all(ok for _, ok in told)


def main() -> None:
    """Measure and print one table."""
    warnings.simplefilter("ignore")  # Python's, about the sources of others
    args = arguments()
    mirrors = args.clones or (Path(os.environ["MIRRORS"]) if "MIRRORS" in os.environ else None)
    way = "selfimprove refactor" if args.command else "move_to_function"
    print(f"moves: methods of the public refactor benchmark that become functions, by {way}")
    reached = False
    with tempfile.TemporaryDirectory(prefix="selfimprove-moves-") as name:
        try:
            folder = args.folder or corpora.checkout(TASKS, Path(name) / "tasks", mirrors)
            reached = report(measured(args, folder))
        except corpora.Unavailable as error:
            print(f"  left out: {error}")
    sys.exit(1 if args.check and not reached else 0)


if __name__ == "__main__":
    main()
