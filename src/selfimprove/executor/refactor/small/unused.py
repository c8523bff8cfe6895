"""Unused: removes private functions, classes, constants and methods that nothing in the repository names."""

from __future__ import annotations

import ast
import re
from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from selfimprove.codebase.measure.shape import FunctionNode
from selfimprove.codebase.measure.source import parse
from selfimprove.codebase.protected import is_protected
from selfimprove.executor.refactor.small.idle import idle_locals, is_alone, is_constant, taken_away
from selfimprove.executor.refactor.small.layout import first_line, last_line, layout_of
from selfimprove.executor.refactor.small.rounds import settle
from selfimprove.executor.vetoes.files import is_test

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selfimprove.executor.refactor.project import Project
    from selfimprove.executor.refactor.small.rounds import Change
    from selfimprove.executor.refactor.source import Place, Source, Splice

_PRIVATE = re.compile(r"_[a-zA-Z]\w*(?<!_)|__[a-zA-Z]\w*(?<!_)")
_WORD = re.compile(rb"(?<!\w)_\w+")
_PART = re.compile(r"%[^a-z]*[a-z]|\{[^}]*\}|\W+")
_QUOTED = re.compile(r"[\"']([^\"'\n]{1,200})[\"']")
_AT_LEAST = 3  # characters of a text that is taken for a part of a name
_LONGEST = 200  # of a text of which the parts are looked at; a longer one is prose, or a file
# Whoever reads all names of a module or class needs none of them.
_READS_ALL = re.compile(
    r"\b(?:globals|vars|locals|dir|eval|exec|__dict__|getmembers|__getattr__|sys\.modules)\b"
)
_REGISTERS = {"getmembers", "__subclasses__", "getsource"}
# Names by which others call, though they look private.
_CALLED = {"_asdict", "_fields", "_make", "_replace", "_field_defaults", "_get_child_mock", "_mock_methods"}
_REASON = re.compile(
    r"noqa|pragma|vulture|used|keep|kept|called|compat|backward|hook|todo|fixme|pylint|pyright", re.I
)
_PLAIN = {"staticmethod", "classmethod", "property"}


def remove_unused(source: Source, project: Project, place: Place | None = None) -> list[Splice]:
    """Return the splices that take away what nothing uses: in a function, or with None in the file.

    In a function these are variables, see :func:`selfimprove.executor.refactor.small.idle.idle_locals`. In the file
    also private functions, classes and constants of the module and private methods: only when the name stands once in
    all files of the repository, whatever these are, and no text is a part of it from which it could be put together.
    What has a decorator, a metaclass, or bases that are not known stays; so do tests, ``__init__.py``, and files
    that look at all of their own names. Imports are left to ruff. Raises RefactorError when the file cannot be read
    as tokens.
    """
    if is_test(source.path) or is_protected(source.path):
        return []

    def changes(now: Source, at: Place | None) -> Iterator[Change]:
        yield from idle_locals(now, at)
        if at is None and not source.path.endswith(("__init__.py", ".pyi")):
            yield from _private(now, project)

    return settle(source, place, changes)


class _Named(NamedTuple):
    """What files say of names: each word, how often each private one stands in them, texts that may be parts of one."""

    words: frozenset[str]
    private: Counter[str]
    parts: frozenset[str]


class _Known:
    """What all files together say, with the file at hand as it is now."""

    def __init__(self, source: Source, project: Project) -> None:
        self.files = {**project.files, source.path: source.content}
        self._all = _counted(tuple(project.files.items()))
        self._was = _named(source.path, project.files.get(source.path, b""))
        self._now = _named(source.path, source.content)

    def has(self, *words: str) -> bool:
        """True when one of ``words`` stands in a Python file."""
        was, now = self._was.words, self._now.words
        return any(self._all.words[word] - (word in was) + (word in now) > 0 for word in words)

    def is_free(self, name: str) -> bool:
        """True when ``name`` stands once, and cannot be put together from texts, or an underscore and another name."""
        if self._all.private[name] - self._was.private[name] + self._now.private[name] != 1:
            return False
        beginnings = (name[:end] for end in range(_AT_LEAST, len(name)))
        endings = (name[begin:] for begin in range(1, len(name) - _AT_LEAST + 1))
        if any(self._is_part(one) for one in (*beginnings, *endings)):
            return False
        return not (self._is_part("_") and self.has(name.lstrip("_")))

    def _is_part(self, text: str) -> bool:
        was, now = self._was.parts, self._now.parts
        return self._all.parts[text] - (text in was) + (text in now) > 0

    def is_mixed(self, name: str) -> bool:
        """True when a class has ``name`` among several bases, so that a method of it may be for another of them."""
        word = re.escape(name)
        mixed = re.compile(rf"class\s+\w+\s*\((?=[^)]*\b{word}\b)[^)]*,[^)]*\)".encode())
        return any(path.endswith((".py", ".pyi")) and mixed.search(text) for path, text in self.files.items())


def _private(source: Source, project: Project) -> Iterator[Change]:
    here = _named(source.path, source.content).private
    found = [one for one in _candidates(source.tree) if here[one[2]] == 1]
    if not found or _READS_ALL.search(source.text):
        return
    known = _Known(source, project)  # reads every file, so it comes late
    if known.has(*_REGISTERS):
        return
    for owner, number, name in found:
        if not known.is_free(name) or (
            isinstance(owner, ast.ClassDef) and not _overrides_nothing(owner, source.tree, known)
        ):
            continue
        if isinstance(owner, ast.ClassDef) and known.has(f"_{owner.name.lstrip('_')}{name}"):
            continue  # a name with two underscores, as others write it
        above = _lines_above(source, owner.body[number])
        if above is not None and is_alone(source, owner.body[number]):
            yield taken_away(source, owner.body, number, above)


def _candidates(tree: ast.Module) -> Iterator[tuple[ast.Module | ast.ClassDef, int, str]]:
    """Yield what makes a private name: a statement of the module, or a method, as owner, index and name."""
    for owner in ast.walk(tree):
        if isinstance(owner, ast.Module | ast.ClassDef):
            for number, node in enumerate(owner.body):
                name = _private_name(node)
                is_ours = isinstance(owner, ast.Module) or isinstance(node, FunctionNode)
                if name and is_ours and not _hides_docstring(owner, number):
                    yield owner, number, name


class _Counted(NamedTuple):
    """In how many files each word and each part of a text is, and how often each private name stands in all."""

    words: Counter[str]
    private: Counter[str]
    parts: Counter[str]


@lru_cache(maxsize=1)
def _counted(files: tuple[tuple[str, bytes], ...]) -> _Counted:
    found = _Counted(Counter(), Counter(), Counter())
    for path, content in files:
        one = _named(path, content)
        found.words.update(one.words)
        found.private.update(one.private)
        found.parts.update(one.parts)
    return found


@lru_cache(maxsize=4096)
def _named(path: str, content: bytes) -> _Named:
    private = Counter(word.decode() for word in _WORD.findall(content) if word.isascii())
    if not path.endswith((".py", ".pyi")):
        return _Named(frozenset(), private, frozenset())
    text = content.decode("utf-8", errors="replace")
    try:
        tree = parse(text)
        texts = [
            one.value
            for one in ast.walk(tree)
            if isinstance(one, ast.Constant) and isinstance(one.value, str)
        ]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        texts = _QUOTED.findall(text)
    parts = {part for one in texts if len(one) < _LONGEST for part in _PART.split(one)}
    words = frozenset(re.findall(r"\w+", text))
    return _Named(words, private, frozenset(part for part in parts if part == "_" or len(part) >= _AT_LEAST))


def _private_name(node: ast.stmt) -> str:
    """Return the private name that a statement makes, ``""`` when it makes none, or does more than that."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            does_more = bool(node.decorator_list) or not _is_quiet(node)
        case ast.ClassDef(name=name):
            does_more = bool(node.decorator_list or node.keywords) or not _is_quiet_class(node)
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            does_more = not is_constant(value)
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
            does_more = not is_constant(value) or not _is_calm(node.annotation)
        case _:
            return ""
    return "" if does_more or not _PRIVATE.fullmatch(name) or name in _CALLED else name


def _is_quiet(node: FunctionNode) -> bool:
    """True when making the function does nothing: no default and no annotation calls anything."""
    notes = [one.annotation for one in ast.walk(node.args) if isinstance(one, ast.arg)]
    defaults = [*node.args.defaults, *node.args.kw_defaults]
    return all(_is_calm(one) for one in (*notes, *defaults, node.returns) if one is not None)


def _is_calm(value: ast.expr) -> bool:
    return not any(isinstance(one, ast.Call | ast.Await | ast.NamedExpr) for one in ast.walk(value))


def _is_quiet_class(node: ast.ClassDef) -> bool:
    """True when making the class does nothing: no bases, only methods, constants and a docstring."""
    if any(not (isinstance(base, ast.Name) and base.id == "object") for base in node.bases):
        return False
    return all(_is_quiet_part(one) for one in node.body)


def _is_quiet_part(node: ast.stmt) -> bool:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            plain = all(isinstance(one, ast.Name) and one.id in _PLAIN for one in node.decorator_list)
            return plain and _is_quiet(node)
        case ast.Assign(targets=[ast.Name()], value=value):
            return is_constant(value)
        case ast.Expr(value=ast.Constant()) | ast.Pass():
            return True
    return False


def _overrides_nothing(node: ast.ClassDef, tree: ast.Module, known: _Known) -> bool:
    """True for a class that overrides nothing: it and its bases in this file have no others, and it is no mixin."""
    if node.decorator_list or node.keywords or "mixin" in node.name.lower() or known.is_mixed(node.name):
        return False
    classes = {one.name: one for one in tree.body if isinstance(one, ast.ClassDef)}
    for base in node.bases:
        name = base.id if isinstance(base, ast.Name) else ""
        if name == "object":
            continue
        if name not in classes or classes[name] is node or not _overrides_nothing(classes[name], tree, known):
            return False
    return True


def _hides_docstring(owner: ast.Module | ast.ClassDef, number: int) -> bool:
    """True when the statement behind would become a docstring."""
    follows = owner.body[number + 1] if number == 0 and len(owner.body) > 1 else None
    return isinstance(follows, ast.Expr) and isinstance(follows.value, ast.Constant)


def _lines_above(source: Source, node: ast.stmt) -> int | None:
    """Return how many lines of comments directly above go with ``node``, None when a comment gives a reason for it."""
    layout = layout_of(source)
    begin = first = first_line(node)
    while first - 1 in layout.notes and source.indent(first - 1) == source.indent(begin):
        first -= 1
    lines = (*range(first, begin + 1), last_line(node))
    if any(line in layout.comments and _REASON.search(source.line(line).partition("#")[2]) for line in lines):
        return None
    if first > 1 and first < begin and source.line(first - 1).strip():
        return None  # they stand among other code, and may be about it
    return begin - first
