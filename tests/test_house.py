"""The house rules that can be read off the code: who imports whom, who touches the world, and how long things are."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "selfimprove"
MODULES = {
    ".".join(("selfimprove", *path.relative_to(SOURCE).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in sorted(SOURCE.rglob("*.py"))
}

# Which rooms a room may import, besides itself. A room is a folder or a module at the top; whoever adds one
# writes down here where it stands. It is a table of downward arrows: no room is below itself.
GROUND = {"model", "errors"}
FILES = {"yamlfile", "readfile", "atomicfile"} | GROUND
SETTINGS = {
    "kind",
    "section",
    "settings_parts",
    "settings",
    "configfile",
    "configedit",
    "pyproject",
    "config",
} | FILES
PARTS = {"planner", "executor", "reflector", "memory"}
BELOW: dict[str, set[str]] = {
    "model": set(),
    "errors": set(),
    "kind": GROUND,
    "section": {"kind"} | GROUND,
    "settings_parts": {"kind", "section"} | GROUND,
    "settings": {"kind", "section", "settings_parts"} | GROUND,
    "atomicfile": GROUND,
    "readfile": GROUND,
    "yamlfile": {"readfile"} | GROUND,
    "configfile": {"settings"} | FILES,
    "configedit": {"settings", "configfile"} | FILES,
    "pyproject": {"settings", "configfile"} | FILES,
    "config": {"kind", "settings", "settings_parts", "configfile", "configedit", "pyproject"} | FILES,
    "tools": FILES,
    "codebase": {"tools"} | FILES,
    "report": {"model"},
    "planner": GROUND,
    "memory": FILES,
    "asking": {"tools", "memory"} | FILES,
    "reflector": {"asking", "codebase", "tools", "memory"} | FILES,
    "executor": {"asking", "codebase", "tools", "memory"} | FILES,
    "staging": {"memory"} | GROUND,
    "orchestrator": {"staging"} | PARTS | GROUND,
    "target": {"tools"} | SETTINGS,
    "wiring_audit": {"target", "codebase", "tools"} | PARTS | SETTINGS,
    "wiring": {
        "asking",
        "orchestrator",
        "target",
        "wiring_audit",
        "wiring_portrait",
        "wiring_index",
        "wiring_llm",
        "codebase",
        "tools",
    }
    | PARTS
    | SETTINGS,
    "wiring_portrait": {"wiring_audit", "target", "codebase", "tools"} | PARTS | SETTINGS,
    "wiring_index": {"target", "codebase", "tools"} | SETTINGS,
    "wiring_land": {"wiring", "orchestrator", "target", "tools"} | PARTS | SETTINGS,
    "wiring_llm": {"target", "codebase", "tools"} | SETTINGS,
    "picking": {"wiring_audit", "target", "codebase"} | PARTS | SETTINGS,
    "wiring_refactor": {"wiring", "picking", "orchestrator", "target", "codebase", "tools"}
    | PARTS
    | SETTINGS,
    "wiring_scaffold": {"wiring", "orchestrator", "target", "codebase", "tools"} | PARTS | SETTINGS,
    "wiring_reflect": {"asking", "wiring", "wiring_audit", "orchestrator", "target", "codebase", "tools"}
    | PARTS
    | SETTINGS,
    "wiring_pipeline": {
        *("asking", "staging", "orchestrator", "target", "codebase", "tools", "portraying"),
        *("wiring", "wiring_land", "wiring_reflect"),
    }
    | PARTS
    | SETTINGS,
    "looking": {"wiring", "wiring_audit", "target", "codebase", "tools"} | PARTS | SETTINGS,
    "portraying": {"wiring", "wiring_audit", "wiring_llm", "asking", "target", "codebase", "tools"}
    | PARTS
    | SETTINGS,
    "preview": {"wiring", "wiring_audit", "wiring_index", "target", "codebase"} | PARTS | SETTINGS,
    "checkup": {"wiring", "target", "tools", ""} | SETTINGS,
    "cli": {
        "",
        "checkup",
        "preview",
        "looking",
        "portraying",
        "picking",
        "wiring",
        "wiring_refactor",
        "wiring_pipeline",
        "wiring_scaffold",
        "wiring_audit",
        "wiring_portrait",
        "wiring_index",
        "wiring_land",
        "wiring_reflect",
    }
    | {"target", "orchestrator", "report", "codebase", "tools"}
    | PARTS
    | SETTINGS,
    "__main__": {"cli"},
    "": set(),
}

# Where a library that is not our own may be imported. With "inside" it is loaded by the function that needs it.
LIBRARIES = {
    "typer": ("cli.",),
    "rich": ("report.table", "cli.door"),
    "dotenv": ("configfile",),
    "platformdirs": ("configfile", "wiring_audit"),
    "yaml": ("memory.", "configfile inside", "configedit", "yamlfile"),
    "jsonschema": ("memory.taskschema", "tools.llm.structured inside"),
    "filelock": ("memory.taskfile", "executor.recovery", "codebase. inside"),
    "numpy": ("codebase. inside", "cli.commands.search inside"),
    "Stemmer": ("codebase.words inside",),
    "tree_sitter": ("codebase. inside",),
    "tree_sitter_language_pack": ("codebase. inside",),
    "tiktoken": ("codebase.tokens inside",),
    "onnxruntime": ("codebase.minilm inside",),
    "tokenizers": ("codebase.minilm inside",),
    "faiss": ("codebase.vectors inside",),
    "redis": ("tools.shared_vectors inside",),
    "sqlalchemy": ("memory.",),
    "alembic": ("memory.migrations.", "memory.database inside"),
    "radon": ("codebase.measure.reference inside",),
    "litellm": ("tools.llm.litellm_backend inside",),
    "httpx": ("tools.llm.bounded_http inside",),
    "griffe": ("executor.refactor.api inside",),
    "hypothesis": ("executor.refactor.equivalence inside",),
    "pyseccomp": ("tools.shell.seccomp inside",),
    "pytest": ("executor.proving.observers.",),
    "_pytest": ("executor.proving.observers. inside",),
    "selfimprove_canary": ("executor.proving.observers.",),
    "selfimprove_lines": ("executor.proving.observers.",),
    "selfimprove_notes": ("executor.proving.observers. inside",),
    "selfimprove_sealed": ("executor.proving.observers.",),
}
NOT_FOR_HELP = {
    *(
        "litellm",
        "radon",
        "pylint",
        "git",
        "sqlalchemy",
        "alembic",
        "faiss",
        "fastapi",
        "temporalio",
        "pydantic",
    ),
    *("yaml", "jsonschema"),
}

# These run in another process, that of the target's tests, as modules of their own.
GUESTS = "executor.proving.observers."

# Who may change something on disk, besides memory/ and tools/.
WRITERS = {
    "atomicfile": "the one way to replace a file whole",
    "configedit": "`selfimprove config set`",
    "wiring": "`selfimprove init`",
    "wiring_audit": "the person's cache folder",
    "looking": "the baseline, which only shrinks by itself",
    "portraying": "the three documents of `selfimprove analyze`, in the person's tree",
    "reflector.pylint": "a temporary folder for pylint's own state",
    "codebase.embedding": "the file of weights, when it is trained",
    "codebase.dense": "the index of FAISS, beside the index",
    "codebase.meaning": "MiniLM's vectors beside the index, and their lock",
    "codebase.indexfile": "the index, its lock and its seal, or a temporary folder for them",
    "wiring_reflect": "a temporary folder for the copy of the index that a dry run asks",
    "preview": "a temporary folder for the copy that a prompt is shown from",
    "wiring_refactor": "a temporary folder for what the tests of a dry run show",
    "cli.door": "--output",
    "cli.failure": "the bug report in the temporary folder",
    "cli.journey": "the throwaway repository",
    "executor.recovery": "the folder of private copies",
    "executor.patching.apply": "the private copy, or the person's own tree for `selfimprove apply`",
    "executor.hooks": "a temporary folder for one hook",
    "executor.proving.comparing": "a temporary folder for the comparison of an old and a new function",
    "executor.proving.linters": "the cache of a type checker, in the record that git keeps of the private copy",
    "executor.proving.observers.selfimprove_compare": "its answer, inside of the sandbox",
    "executor.proving.observers.selfimprove_lines": "the marks that all processes of one test session share",
    "executor.proving.running": "a temporary folder for the report of a test run",
    "executor.publish": "a temporary file with the commit message",
    "executor.steps": "the kept patch among the logs",
}
WRITING = {
    *("write_text", "write_bytes", "mkdir", "makedirs", "unlink", "rmdir", "rmtree", "rename", "touch"),
    *("replace_file", "symlink_to", "hardlink_to", "chmod", "truncate", "removedirs", "copytree"),
    *("copy2", "copyfile", "mkdtemp", "TemporaryDirectory", "NamedTemporaryFile", "TemporaryFile"),
}
PROCESSES = {"system", "popen", "fork", "forkpty", "killpg", "posix_spawn", "posix_spawnp", "startfile"}
OUTSIDE = (
    "subprocess",
    "socket",
    "socketserver",
    "ssl",
    "http",
    "urllib.request",
    "asyncio",
    "multiprocessing",
    "pty",
)
# Exactly these, and why: a name of this machine is not a connection.
OUTSIDE_ALLOWED = {("memory.owner", "socket"): {"gethostname"}}
NO_NAMES = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc"}


@cache
def tree(name: str) -> ast.Module:
    """Return a module's syntax tree."""
    return ast.parse(MODULES[name].read_text(encoding="utf-8"))


def short(name: str) -> str:
    """Return a module's name without the package: ``planner.rules``."""
    return name.removeprefix("selfimprove").removeprefix(".")


def room(name: str) -> str:
    """Return the room of a module, ``""`` for the package itself."""
    return short(name).partition(".")[0]


def imports(name: str) -> Iterator[tuple[str, bool, bool]]:
    """Yield what a module imports: the name, whether it is at the top, and whether only for types."""
    yield from _imports(tree(name), top=True, types=False)


def _imports(node: ast.AST, *, top: bool, types: bool) -> Iterator[tuple[str, bool, bool]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from ((alias.name, top, types) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, f"line {child.lineno}: imports are absolute"
            full = [f"{child.module}.{alias.name}" for alias in child.names]
            yield from ((one if one in MODULES else str(child.module), top, types) for one in full)
        elif isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            yield from _imports(child, top=top, types=True)
        else:
            inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from _imports(child, top=top and not inside, types=types)


def calls(name: str) -> Iterator[tuple[ast.Call, str]]:
    """Yield the calls of a module, each with the text of what is called."""
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.Call):
            yield node, ast.unparse(node.func)


def functions(node: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield every function below ``node``."""
    yield from (one for one in ast.walk(node) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef))


def test_imports_go_down_only() -> None:
    wrong = [
        f"{short(name)} imports {short(other)}"
        for name in MODULES
        for other, _, _ in imports(name)
        if other in MODULES and room(other) not in {room(name)} | BELOW.get(room(name), set())
    ]
    assert {room(name) for name in MODULES} <= set(BELOW), "a new room needs a place in BELOW"
    assert not wrong, "\n".join(wrong)


def test_the_table_of_rooms_has_no_way_up() -> None:
    TopologicalSorter(BELOW).prepare()


def test_no_module_needs_itself_to_be_loaded() -> None:
    graph = {
        name: {other for other, top, types in imports(name) if other in MODULES and top and not types}
        - {name}
        for name in MODULES
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_the_ground_needs_the_standard_library_only() -> None:
    wrong = [
        f"{short(name)} imports {other}"
        for name in MODULES
        if room(name) in {"model", "errors", "planner"}
        for other, _, _ in imports(name)
        if other not in MODULES and other.partition(".")[0] not in sys.stdlib_module_names
    ]
    assert not wrong, "\n".join(wrong)


def test_every_library_stays_in_its_room() -> None:
    wrong = [
        f"{short(name)} imports {other}{' at the top' if top else ''}"
        for name in MODULES
        for other, top, types in imports(name)
        if other not in MODULES
        and (library := other.partition(".")[0]) not in sys.stdlib_module_names
        and not _is_at_home(short(name), LIBRARIES.get(library, ()), top=top and not types)
    ]
    assert not wrong, "\n".join(wrong)


def _is_at_home(name: str, homes: tuple[str, ...], *, top: bool) -> bool:
    for home in homes:
        place, _, inside = home.partition(" ")
        if (name == place or (place.endswith(".") and name.startswith(place))) and not (inside and top):
            return True
    return False


def test_only_tools_starts_processes_and_opens_sockets() -> None:
    wrong = [
        f"{short(name)} {what}"
        for name in MODULES
        if room(name) != "tools"
        for what in (*_outside_imports(name), *_process_calls(name))
    ]
    assert not wrong, "\n".join(wrong)


def _outside_imports(name: str) -> Iterator[str]:
    for other, _, _ in imports(name):
        if any(other == bad or other.startswith(f"{bad}.") for bad in OUTSIDE):
            used = {text.rpartition(".")[2] for _, text in calls(name) if text.startswith(f"{other}.")}
            if not used or not used <= OUTSIDE_ALLOWED.get((short(name), other), set()):
                yield f"imports {other}"


def _process_calls(name: str) -> Iterator[str]:
    for call, text in calls(name):
        owner, _, word = text.rpartition(".")
        if owner == "os" and (word in PROCESSES or word.startswith(("exec", "spawn"))):
            yield f"calls {text} in line {call.lineno}"


def test_only_memory_tools_and_named_modules_write_files() -> None:
    found = {
        short(name)
        for name in MODULES
        if room(name) not in {"memory", "tools"}
        for call, text in calls(name)
        if _writes(call, text)
    }
    assert not found - set(WRITERS), f"these write files: {sorted(found - set(WRITERS))}"
    assert not set(WRITERS) - found, f"these write nothing any more: {sorted(set(WRITERS) - found)}"


def _writes(call: ast.Call, text: str) -> bool:
    word, whole = text.rpartition(".")[2], ast.unparse(call)
    if "os.devnull" in whole:
        return False
    if text == "os.open":
        return any(flag in whole for flag in ("O_WRONLY", "O_RDWR", "O_CREAT"))
    if word in {"open", "fdopen"}:
        return _opens_to_write(call)
    # Path.replace takes one argument, str.replace two; replace() alone is of dataclasses.
    moves = word == "replace" and "." in text and len(call.args) == 1 and not call.keywords
    return moves or word in WRITING or text == "os.remove"


def _opens_to_write(call: ast.Call) -> bool:
    said = [*call.args, *(key.value for key in call.keywords if key.arg == "mode")]
    constants = [one.value for one in said if isinstance(one, ast.Constant)]
    if constants and isinstance(constants[0], int):
        return False  # a standard stream
    return any(isinstance(one, str) and len(one) < 4 and set(one) & set("wax+") for one in constants)


def test_the_core_never_prints_reads_the_environment_or_leaves() -> None:
    wrong = []
    for name in MODULES:
        if room(name) in {"cli", "__main__"} or short(name).startswith(GUESTS):
            continue
        for call, text in calls(name):
            if text in {"print", "input", "exit", "quit", "sys.exit", "os._exit", "os.getenv"}:
                wrong.append(f"{short(name)}:{call.lineno} calls {text}")
        for node in ast.walk(tree(name)):
            if isinstance(node, ast.Attribute):
                text = ast.unparse(node)
                ours = short(name) == "tools.llm.litellm_backend"  # litellm itself reads LITELLM_* there
                if text in {"sys.argv", "sys.stdin", "sys.stdout", "sys.stderr"} or (
                    text in {"os.environ", "os.environb"} and not ours
                ):
                    wrong.append(f"{short(name)}:{node.lineno} uses {text}")
    assert not wrong, "\n".join(wrong)


def test_help_loads_no_heavy_library(clean_env: dict[str, str]) -> None:
    code = (
        "import sys; sys.argv = ['selfimprove', '--help']\n"
        "from selfimprove.cli.app import main\n"
        "try: main()\n"
        "except SystemExit as end: assert end.code == 0, end.code\n"
        "print('LOADED', *sorted({name.partition('.')[0] for name in sys.modules}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=clean_env, capture_output=True, text=True, check=True
    )
    said, loaded = done.stdout.rsplit("LOADED", 1)
    assert "plan --dry-run" in said
    assert not set(loaded.split()) & NOT_FOR_HELP


def test_constructors_take_at_most_seven_arguments() -> None:
    wrong = []
    for name in MODULES:
        for one in functions(tree(name)):
            count = len([*one.args.posonlyargs, *one.args.args, *one.args.kwonlyargs]) - 1
            if one.name == "__init__" and count > 7:
                wrong.append(f"{short(name)}:{one.lineno} takes {count}")
    assert not wrong, "\n".join(wrong)


def test_nothing_is_named_after_nothing() -> None:
    assert not [path for path in SOURCE.rglob("*") if path.stem in NO_NAMES]


def test_every_module_says_in_its_first_line_what_it_is_for() -> None:
    wrong = []
    for name, path in MODULES.items():
        if path.name == "__init__.py" and not path.read_text(encoding="utf-8").strip():
            continue
        first = (ast.get_docstring(tree(name)) or "").partition("\n")[0]
        if not first.endswith((".", "?", "!")) or len(first) > 120:
            wrong.append(f"{short(name)}: {first!r}")
    assert not wrong, "\n".join(wrong)


def test_the_captions_in_the_architecture_are_these_lines() -> None:
    done = subprocess.run([sys.executable, "scripts/captions.py", "--check"], cwd=ROOT, check=False)
    assert done.returncode == 0, "type: make docs"


def test_packages_do_nothing_when_they_are_imported() -> None:
    allowed = (ast.ImportFrom, ast.Import, ast.Assign)
    for name, path in MODULES.items():
        if path.name == "__init__.py":
            body = tree(name).body[bool(ast.get_docstring(tree(name))) :]
            assert all(isinstance(node, allowed) for node in body), name
            assert all(
                isinstance(node.value, ast.Constant | ast.List | ast.Tuple)
                for node in body
                if isinstance(node, ast.Assign)
            ), name


def test_no_module_is_over_400_lines_and_no_function_body_over_60() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}: {count} lines"
        for path in MODULES.values()
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > 400
    ]
    wrong += [
        f"{short(name)}:{one.lineno} {one.name}: {count} lines"
        for name in MODULES
        for one in functions(tree(name))
        if (count := (one.end_lineno or 0) - one.body[0].lineno + 1) > 60
    ]
    assert not wrong, "\n".join(wrong)


def test_everything_public_has_a_docstring() -> None:
    wrong = []
    for name in MODULES:
        for node in tree(name).body:
            wrong += [
                f"{short(name)}:{one.lineno} {one.name}"
                for one in _public(node)
                if not ast.get_docstring(one)
            ]
    assert not wrong, "\n".join(wrong)


def _public(node: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith(
        "_"
    ):
        yield node
        for child in node.body if isinstance(node, ast.ClassDef) else ():
            yield from _public(child)


def test_the_planner_needs_no_disk_and_the_loop_reads_as_prose() -> None:
    """The four words that everyone knows are found at first glance, as one file or folder of that name."""
    for word in ("orchestrator", "planner", "executor", "reflector", "memory"):
        assert (SOURCE / f"{word}.py").is_file() or (SOURCE / word).is_dir()
    assert {other for other, _, _ in imports("selfimprove.planner.planner")}.isdisjoint(
        {"os", "pathlib", "io"}
    )
