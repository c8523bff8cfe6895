"""Notes executed lines from inside the watched files: Python gets their source with a note in each statement.

For Pythons without ``sys.monitoring``: ``sys.settrace`` makes each call and instruction of a session slower, also in
files that nobody watches. Here all other code stays as it is. A note is ``MARKS[number] = 1``: it calls nothing, needs
no name, and stands on the statement's own line. It runs in the interpreter of the tested project, Python 3.8 to 3.11,
and imports nothing while that project's code runs.
"""

from __future__ import annotations

import _ast
import sys
import warnings
from types import CodeType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MARK = "selfimprove: the lines that were executed"
"""Stands in the tree for the marks; in the code it is the marks."""

_external: Any = sys.modules["_frozen_importlib_external"]
_LOADER: Any = _external.SourceFileLoader
_PLAIN = _LOADER.source_to_code
_KINDS: Any = _ast
_CASE: Any = getattr(_ast, "match_case", ())  # Python 3.10
_BLOCKS: Any = (_ast.stmt, _ast.ExceptHandler, *([_CASE] if _CASE else []))
_DOCUMENTED = (_ast.Module, _ast.ClassDef, _ast.FunctionDef, _ast.AsyncFunctionDef)
_SILENT = (_ast.Global, _ast.Nonlocal)  # the compiler makes no instruction of them
_INDEX: Any = getattr(_ast, "Index", lambda value: value)  # Python 3.8
# A file with all words of a row may read its own code, not only run it.
_READERS = (
    *((word,) for word in (b"co_code", b"co_consts", b"get_instructions", b"dis.Bytecode", b"dis.dis(")),
    *((word,) for word in (b"findlinestarts", b"import numba", b"from numba", b"from bytecode import")),
    *((word,) for word in (b"import bytecode", b"import executing", b"from executing import", MARK.encode())),
    (b"marshal", b"__code__"),
)


class Notes:
    """Loads watched files with notes. ``place_of`` tells for a file's name where its marks begin, and its ranges.

    ``refused`` is told the name of each watched file that is loaded without notes, before it is run.
    """

    def __init__(
        self, place_of: Callable[[str], tuple[int, Any] | None], marks: Any, refused: Callable[[str], None]
    ) -> None:
        self._place_of = place_of
        self._marks = marks
        self._refused = refused
        self._done: set[str] = set()
        self._modules = 0

    def install(self) -> None:
        """Take over what comes out of the loader of source files; what it writes to disk stays as it was."""
        plain, noted = _LOADER.get_code, self._loaded

        def get_code(self: Any, fullname: str) -> Any:
            return noted(self, plain(self, fullname))

        # A traceback leaves out the frames of importlib, so also this one.
        get_code.__code__ = get_code.__code__.replace(co_filename=plain.__code__.co_filename)
        _LOADER.get_code = get_code

    def strangers(self) -> Iterator[tuple[str, str]]:
        """Yield the file and the name of each watched module that came in another way since this was last asked."""
        if len(sys.modules) == self._modules:
            return
        self._modules = len(sys.modules)
        for name, module in sorted(sys.modules.items(), key=lambda row: row[0]):
            # One that loads itself late is not asked for more than it has.
            file = getattr(module, "__dict__", {}).get("__file__")
            if isinstance(file, str) and file not in self._done and self._place_of(file) is not None:
                self._done.add(file)
                yield file, name

    def _loaded(self, loader: Any, code: Any) -> Any:
        name = "" if code is None else code.co_filename
        place = self._place_of(name) if name else None
        if place is None:
            return code
        self._done.add(name)
        try:
            data = loader.get_data(name)
            readers = any(all(word in data for word in words) for words in _READERS)
            if type(loader).source_to_code is _PLAIN and not readers:
                return _filled(_noted(data, name, *place), self._marks)
        except Exception:  # noqa: S110 (whatever it is: the file is loaded as ever)
            pass
        self._refused(name)
        return code


def _noted(data: bytes, name: str, base: int, ranges: Any) -> CodeType:
    """Return the code of a file with notes of its lines in ``ranges``; line 1 has the mark ``base + 1``."""
    with warnings.catch_warnings():  # the loader's own compilation gave them
        warnings.simplefilter("ignore")
        tree: Any = compile(data, name, "exec", _ast.PyCF_ONLY_AST, dont_inherit=True)
        waiting = [tree]
        while waiting:
            node = waiting.pop()
            for field in node._fields:
                block = getattr(node, field, None)
                if isinstance(block, list) and block and isinstance(block[0], _BLOCKS):
                    waiting += block
                    setattr(node, field, _with_notes(node, block, base, ranges))
        code: CodeType = compile(tree, name, "exec", dont_inherit=True)
    return code


def _with_notes(node: Any, block: list[Any], base: int, ranges: Any) -> list[Any]:
    if isinstance(block[0], _ast.stmt):
        return _statements(node, block, base, ranges)
    for one in block:
        if isinstance(one, _ast.ExceptHandler) and one.type and _is_in(one.lineno, ranges):
            told = _told(one, base + one.lineno)
            one.type = _at(_ast.BoolOp(_ast.Or(), [told, one.type]), one.type)
    if isinstance(block[0], _ast.ExceptHandler):
        return block
    return [each for one in block for each in _tried(one, base, ranges)]


def _tried(case: Any, base: int, ranges: Any) -> list[Any]:
    """Return the case, and before it one that never matches and notes that the case is tried."""
    at = case.pattern
    if not _is_in(at.lineno, ranges):
        return [case]
    anything = _at(_KINDS.MatchAs(None, None), at)
    return [_KINDS.match_case(anything, _told(at, base + at.lineno), [_at(_ast.Pass(), at)]), case]


def _statements(node: Any, block: list[Any], base: int, ranges: Any) -> list[Any]:
    """Return the block with a note before each statement in ``ranges`` that begins a line."""
    lead = isinstance(node, _DOCUMENTED) and _is_text(block[0])
    found: list[Any] = block[:lead]
    last = getattr(node, "lineno", 0)  # a block on the line of its statement is run when that is
    waiting: list[int] = []
    if isinstance(node, _ast.ExceptHandler) and not node.type and _is_in(last, ranges):
        waiting.append(last)
    for one in block[lead:]:
        if not isinstance(one, _SILENT):
            lines = [*(each.lineno for each in getattr(one, "decorator_list", ())), one.lineno]
            waiting += [line for line in dict.fromkeys(lines) if line != last and _is_in(line, ranges)]
            last = one.lineno
        if not (isinstance(one, _ast.ImportFrom) and one.module == "__future__"):  # nothing may stand before
            found += [_note(one, base + line) for line in waiting]
            waiting = []
        found.append(one)
    return found + [_note(block[-1], base + line) for line in waiting]


def _is_in(line: int, ranges: Any) -> bool:
    return any(first <= line <= last for first, last in ranges)


def _is_text(node: Any) -> bool:
    value = node.value if isinstance(node, _ast.Expr) else None
    return isinstance(value, _ast.Constant) and isinstance(value.value, str)


def _note(at: Any, number: int) -> Any:
    """Return the statement ``MARKS[number] = 1``."""
    place = _INDEX(_at(_ast.Constant(number), at))
    target = _at(_KINDS.Subscript(_at(_ast.Constant(MARK), at), place, _ast.Store()), at)
    return _at(_ast.Assign([target], _at(_ast.Constant(1), at)), at)


def _told(at: Any, number: int) -> Any:
    """Return the expression ``MARKS.__setitem__(number, 1)``, which is None."""
    method = _at(_ast.Attribute(_at(_ast.Constant(MARK), at), "__setitem__", _ast.Load()), at)
    return _at(_ast.Call(method, [_at(_ast.Constant(number), at), _at(_ast.Constant(1), at)], []), at)


def _at(node: Any, at: Any) -> Any:
    node.lineno = node.end_lineno = at.lineno
    node.col_offset = node.end_col_offset = at.col_offset
    return node


def _filled(code: CodeType, marks: Any) -> CodeType:
    """Return the code with the marks in the place of MARK."""
    filled = tuple(
        _filled(one, marks)
        if isinstance(one, CodeType)
        else marks
        if isinstance(one, str) and one == MARK
        else one
        for one in code.co_consts
    )
    return code.replace(co_consts=filled)
