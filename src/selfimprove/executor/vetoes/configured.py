"""Vetoes on what a configuration would say: fewer tests collected, failures forgiven, checks loosened.

They hold also where the task names the file: that lets it be changed, not be made to prove less.
"""

from __future__ import annotations

import ast
import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from selfimprove.codebase.protected import is_protected
from selfimprove.executor.vetoes.shapes import Function

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from selfimprove.executor.vetoes.change import Case, Change
    from selfimprove.model.outcome import Objection

_LESS = re.compile(
    r"--deselect|--ignore(-glob)?[ =]|(?<!\w)-k[ =\"']|(?<!\w)-p[ =]?no:|--collect-only|--co\b|--noconftest|--maxfail=0"
    r"|(?<!\w)-m[ =][\"'\\]*not\b|\bpython_(files|functions|classes)\b|\bnorecursedirs\b|\bcollect_ignore|--setup-only"
    r"|--passWithNoTests|testPathIgnorePatterns|testIgnore|\bxfail_strict\s*=\s*[Ff]alse|--last-failed|--lf\b|--runxfail"
    r"|\|\|\s*(true|:|exit 0)(\W|$)|continue-on-error:\s*true|;\s*exit 0|PYTEST_ADDOPTS|PYTHONOPTIMIZE|python\S*\s+-O"
)
_DECLARE = {
    *("pyproject.toml", "setup.cfg", "setup.py", "entry_points.txt", "pytest.ini", ".pytest.ini", "tox.ini"),
    *("pytest.toml", ".pytest.toml"),
}
_PLUGIN = re.compile(r"pytest11|(?<![\w-])-p[ =](?!no:)\w|required_plugins")
_LOOSER = re.compile(
    r"\bignore_errors\s*=\s*[Tt]rue|\bdisable_error_code\b|\bfollow_imports\s*=\s*[\"']?skip|\bstrict\s*=\s*[Ff]alse"
    r"|[\"']strict[\"']:\s*false|[\"']?\bcheckJs[\"']?:\s*false|\bexclude_lines\b|\bomit\s*="
)
_LOOSER_LISTS = re.compile(
    r"^\s*[\"']?(?P<key>(?:extend-)?(?:ignore|per-file-ignores|exclude|disable|disabled-checks))[\"']?\s*[=:]"
)
_STRICT = re.compile(
    r"^\s*[\"']?(?P<key>strict|fail_under|disallow_\w+|warn_\w+|check_untyped_defs|xfail_strict)[\"']?\s*[=:]"
)
_TEST_SCRIPT = re.compile(r"^\s*\"(pre|post)?test[\w:]*\"\s*:")
_HOOKS = re.compile(
    r"^pytest_(collection_\w+|collect_\w+|ignore_collect|itemcollected|deselected|runtest\w*|pyfunc_call|pycollect\w*"
    r"|make_\w+|report_\w+|sessionfinish|sessionstart|exception_interact|assert\w*|fixture_\w+|generate_tests|cmdline\w*"
    r"|load_initial_conftests|unconfigure|terminal_summary|warning_recorded|plugin_registered|runtestloop)$"
)


def collects_less(change: Change, _case: Case) -> Iterator[Objection]:
    """Options that leave tests out, or let a failure pass for a success."""
    if not _configures(change):
        return
    had = [match[0] for match in _LESS.finditer(change.old or "")]
    for number, text in change.added:
        found = _LESS.search(_uncommented(text))
        if found and (change.new or "").count(found[0]) > had.count(found[0]):
            yield change.objection("tests_weakened", f"would leave tests out: {text.strip()[:70]}", number)
            return
    scripts = [text for text in change.removed if _TEST_SCRIPT.search(text)]
    for number, text in change.added:
        if (
            scripts
            and _TEST_SCRIPT.search(text)
            and text.strip().rstrip(",") not in {s.strip().rstrip(",") for s in scripts}
        ):
            yield change.objection("test_tampering", "would run other tests than before", number)
            return


def plugins(change: Change, _case: Case) -> Iterator[Objection]:
    """A plugin that pytest loads by itself, and that can do anything with tests and results."""
    if change.new is None or PurePosixPath(change.path).name not in _DECLARE:
        return
    had = len(_PLUGIN.findall(change.old or ""))
    for number, text in change.added:
        if _PLUGIN.search(text) and len(_PLUGIN.findall(change.new)) > had:
            yield change.objection(
                "test_tampering", f"would load a plugin of pytest: {text.strip()[:60]}", number
            )
            return


def looser(change: Change, _case: Case) -> Iterator[Objection]:
    """Settings under which a linter, a type checker or coverage sees less."""
    if not _configures(change):
        return
    gone, kept = _keys(_STRICT, change.removed), _keys(_STRICT, [text for _, text in change.added])
    lower = {key for key in gone & kept if _less(change, key)}
    lists = _keys(_LOOSER_LISTS, change.removed)
    for number, text in change.added:
        if (
            _LOOSER.search(_uncommented(text))
            or _keys(_STRICT, [text]) & lower
            or _keys(_LOOSER_LISTS, [text]) & lists
        ):
            yield change.objection("silenced", f"would loosen a check: {text.strip()[:70]}", number)
            return
    if gone - kept:
        yield change.objection("silenced", f"would no longer set {min(gone - kept)}")


def _keys(pattern: re.Pattern[str], lines: Iterable[str]) -> set[str]:
    return {match["key"] for text in lines if (match := pattern.search(text))}


def _less(change: Change, key: str) -> bool:
    """Return True when a setting that makes strict would be lower, or off."""
    rows = [
        [row for row in texts if key in row] for texts in (change.removed, [text for _, text in change.added])
    ]
    values = [re.search(r"[=:]\s*[\"']?([\w.]+)", row[-1]) for row in rows if row]
    if len(values) < 2 or not (values[0] and values[1]):
        return False
    before, after = (match[1].lower() for match in values if match)
    if before.replace(".", "").isdigit() and after.replace(".", "").isdigit():
        return float(after) < float(before)
    return before in ("true", "yes", "1") and after not in ("true", "yes", "1")


def conftests(change: Change, _case: Case) -> Iterator[Objection]:
    """Hooks that decide what is collected and what a result means, and plugins that could."""
    tree = change.trees()[1]
    name = PurePosixPath(change.path).name
    if tree is None or not (
        change.is_python and ("conftest" in name or "plugin" in name or "pytest" in name)
    ):
        return
    old = change.trees()[0]
    known = {ast.dump(node) for node in old.body} if old else set()
    for node in tree.body:
        if ast.dump(node) in known:
            continue
        if isinstance(node, Function) and _HOOKS.match(node.name):
            yield change.objection("test_tampering", f"would change how tests run: {node.name}", node.lineno)
        elif names := _assigned(node) & {"collect_ignore", "collect_ignore_glob", "pytest_plugins"}:
            yield change.objection(
                "test_tampering", f"would change which tests run: {min(names)}", node.lineno
            )


def _assigned(node: ast.stmt) -> set[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return {one.id for one in targets if isinstance(one, ast.Name)}


def _configures(change: Change) -> bool:
    return is_protected(change.path) and not change.is_python and change.new is not None


def _uncommented(text: str) -> str:
    return "" if text.lstrip().startswith(("#", "//", ";")) else text
