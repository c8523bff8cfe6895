"""A method that becomes a function does what it did; what cannot move says why. Proved by running both."""

from __future__ import annotations

import ast
import importlib
import inspect
import sys
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest

from selfimprove.errors import RefactorError
from selfimprove.executor.refactor.moving.move import move_to_function
from selfimprove.executor.refactor.project import Project
from selfimprove.executor.refactor.source import Source

if TYPE_CHECKING:
    from pathlib import Path

    from selfimprove.executor.refactor.draft import Draft


def draft(files: dict[str, str] | str, symbol: str, *, path: str = "shop.py", lasting: bool = True) -> Draft:
    """Return the move of ``symbol``; code alone is the file shop.py."""
    texts = {path: files} if isinstance(files, str) else files
    project = Project({name: dedent(text).lstrip("\n").encode() for name, text in texts.items()})
    source = Source.read(path, project.files[path])
    return move_to_function(source, project, source.place(symbol), lasting=lasting)


def text_of(made: Draft, path: str = "shop.py") -> str:
    return made.files[path].decode()


def refusal(files: dict[str, str] | str, symbol: str, *, lasting: bool = True) -> str:
    with pytest.raises(RefactorError) as caught:
        draft(files, symbol, lasting=lasting)
    return caught.value.message


def ran(code: str, expression: str) -> Any:
    space: dict[str, Any] = {"__name__": "shop"}
    exec(compile(code, "shop.py", "exec"), space)
    return eval(expression, space)


def same(code: str, symbol: str, *expressions: str, lasting: bool = True) -> str:
    """Return the new text, once every expression has the same value before and after."""
    old = dedent(code).lstrip("\n")
    new = text_of(draft(code, symbol, lasting=lasting))
    for one in expressions:
        assert ran(new, one) == ran(old, one), one
    return new


SHOP = '''
    """A shop."""

    import math

    RATE = 0.2


    # All that is sold.
    class Shop:
        """Sells."""

        rate = 3

        def total(self, prices, *, extra=0):
            return [self._round(one + extra, digits=1) for one in prices]

        # Away from zero,
        # as tills do it.
        def _round(
            self,
            price,  # in cents
            digits=0,
        ):
            """Round a price.

            Up, always.
            """
            text = f"""
              {price}
        kept"""
            factor = 10**digits  # shifted
            return math.ceil(price * factor) / factor + RATE, text

        def name(self):
            return "shop"
'''


def test_the_function_stands_above_its_class_and_is_called_there() -> None:
    new = same(SHOP, "Shop._round", "Shop().total([1.01, 2], extra=1)", lasting=False)
    assert new == dedent('''
        """A shop."""

        import math

        RATE = 0.2


        # Away from zero,
        # as tills do it.
        def _round(
            price,  # in cents
            digits=0,
        ):
            """Round a price.

            Up, always.
            """
            text = f"""
                  {price}
            kept"""
            factor = 10**digits  # shifted
            return math.ceil(price * factor) / factor + RATE, text


        # All that is sold.
        class Shop:
            """Sells."""

            rate = 3

            def total(self, prices, *, extra=0):
                return [_round(one + extra, digits=1) for one in prices]

            def name(self):
                return "shop"
    ''').lstrip("\n")


def test_the_draft_says_what_it_did() -> None:
    made = draft(SHOP, "Shop._round", lasting=False)
    (added,) = made.added
    lines = text_of(made).split("\n")
    assert (made.subject, made.rewrites) == ("Move _round out of Shop", ("move-to-function",))
    assert lines[added.line - 1] == "def _round("
    assert lines[added.end_line - 1].endswith("+ RATE, text")
    assert (added.path, added.symbol, made.notes) == ("shop.py", "_round", ())


def test_what_is_said_of_the_docstring_stays() -> None:
    old, new = dedent(SHOP), same(SHOP, "Shop._round")
    assert ran(new, "_round.__doc__") is not None
    assert inspect.cleandoc(ran(new, "_round.__doc__")) == inspect.cleandoc(ran(old, "Shop._round.__doc__"))


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("indent", ["    ", "\t", "  "])
def test_ends_of_lines_tabs_and_other_letters_stay(end: str, indent: str) -> None:
    code = (
        "class Käse:\n>def kilo(self, é):\n>>return self._wiegen(é, 'ß')\n\n"
        ">def _wiegen(self, é, wo):\n>>if é:\n>>>return é, wo, '''\n>a'''\n>>return None\n"
    ).replace(">", indent)
    source = Source.read("käse.py", code.replace("\n", end).encode())
    made = move_to_function(
        source, Project({"käse.py": source.content}), source.place("Käse._wiegen"), lasting=False
    )
    new = made.files["käse.py"].decode()
    assert new.count("\n") == new.count(end)
    assert ran(new, "Käse().kilo(1)") == ran(code.replace("\n", end), "Käse().kilo(1)")
    assert f"{indent}{indent}return _wiegen(é, 'ß')" in new


SIGNATURES = {
    "(self)": "()",
    "(self, )": "()",
    "(self,*args)": "(*args)",
    "(self, /)": "()",
    "(self, /, a=1)": "(a=1)",
    "(self, a=1, /)": "(a=1, /)",
    "(self, *, a=1)": "(*, a=1)",
    "(self: 'Any', **kw) -> int": "(**kw) -> int",
    "(\n        self\n    )": "()",
    "(\n        self,  # the shop\n        a=1,  # one\n        # many\n        b=2,\n    )": (
        "(\n    a=1,  # one\n    # many\n    b=2,\n)"
    ),
    "(\n        self,\n        # first\n        a=1,\n    )": "(\n    # first\n    a=1,\n)",
    "(self,\n          a=1,\n          b=2)": "(a=1,\n      b=2)",
    "(self, a=(lambda self: self), b='(')": "(a=(lambda self: self), b='(')",
}


@pytest.mark.parametrize("old", SIGNATURES)
def test_the_first_parameter_goes_and_the_rest_of_the_signature_stays(old: str) -> None:
    code = f"class A:\n    def _f{old}:\n        return 1\n\n    def g(self):\n        return self._f()\n"
    new = text_of(draft(code, "A._f", lasting=False))
    assert new.startswith(f"def _f{SIGNATURES[old]}:\n    return 1\n\n\nclass A:\n    def g(self):\n")
    assert ran(new, "A().g()") == 1


def test_async_functions_and_generators_move() -> None:
    code = """
        import asyncio

        class A:
            async def _get(self, x):
                await asyncio.sleep(0)
                return x

            def _many(self, n):
                yield from range(n)

            def all(self):
                async def both():
                    return [await self._get(1), [await self._get(one) for one in self._many(3)]]
                return asyncio.run(both())
    """
    new = same(code, "A._get", "A().all()", lasting=False)
    assert "return [await _get(1), [await _get(one)" in new
    assert "for one in _many(3)" in same(code, "A._many", "A().all()", lasting=False)


def test_static_and_class_methods_lose_their_decorator() -> None:
    code = """
        class A:
            @staticmethod
            def _two(x):
                return x * 2

            @classmethod
            def _three(cls, x):
                return x * 3

            @classmethod
            def make(cls):
                return cls._two(1), cls._three(2), A._two(3), A._three(4)

            def go(self):
                return self._two(5), self._three(6), A.make()

        FOUR = A._two(2)
    """
    new = same(code, "A._two", "A().go()", "FOUR", lasting=False)
    assert "@staticmethod" not in new
    assert "return _two(1), cls._three(2), _two(3), A._three(4)" in new
    assert "@classmethod\n    def _three" not in same(code, "A._three", "A().go()", lasting=False)


def test_a_call_through_the_class_gives_up_its_object() -> None:
    code = """
        class A:
            def _f(self, x=1):
                return x

            def g(self):
                return A._f(self, 2), A._f(self), A._f(self, x=3), self._f()
    """
    assert "return _f(2), _f(), _f(x=3), _f()" in same(code, "A._f", "A().g()", lasting=False)
    assert "its object cannot be left out" in refusal(code.replace("A._f(self),", "A._f(A()),"), "A._f")


def test_it_may_call_itself() -> None:
    code = """
        class A:
            def _depth(self, x):
                return 1 + max(map(self._depth, x), default=0) + sum(self._depth(one) for one in x)

            def go(self):
                return self._depth([[], [[]]])
    """
    assert "map(_depth, x)" in same(code, "A._depth", "A().go()")


def test_lines_aligned_with_a_call_stay_aligned() -> None:
    code = """
        class A:
            def _f(self, *args):
                return args

            def g(self):
                return self._f(1,
                               self._f(2,
                                       3), '''
            kept''', self._f(
                                   4,
                               ))
    """
    new = same(code, "A._f", "A().g()", lasting=False)
    assert "return _f(1,\n                  _f(2,\n                     3), '''\n    kept''', _f(\n" in new


def test_subclasses_and_nested_functions_call_it_too() -> None:
    code = """
        class A:
            def _f(self, x):
                return x + 1

        class B(A):
            def g(self):
                def inner(y):
                    return self._f(y)
                return inner(1), (lambda z: self._f(z))(2), B._f(self, 3)
    """
    new = same(code, "A._f", "B().g()", lasting=False)
    assert "self._f" not in new
    assert new.count("class A:\n    pass") == 1


def test_a_class_in_a_class_or_under_a_condition_gets_its_function_at_the_top() -> None:
    code = """
        import sys
        if sys.version_info > (3,):
            class Outer:
                class Inner:
                    def _f(self):
                        return 7

                    def g(self):
                        return self._f()
    """
    new = same(code, "Outer.Inner._f", "Outer.Inner().g()", lasting=False)
    assert "import sys\n\n\ndef _f():\n    return 7\n\n\nif sys" in new


def test_a_public_method_stays_reachable_or_stays() -> None:
    code = """
        class A:
            def add(self, x, y=1):
                return x + y

            def go(self):
                return self.add(1)

        class B(A):
            def super_go(self):
                return super().add(5)
    """
    new = same(code, "A.add", "A().add(2, y=3)", "B().super_go()", "A().go()", "getattr(B(), 'add')(1)")
    assert "    add = staticmethod(add)\n\n    def go(self):\n        return add(1)\n" in new
    assert refusal(code, "A.add", lasting=False) == "A.add stays a method: add is a public name"


def test_an_overridden_method_is_still_dispatched() -> None:
    code = """
        class A:
            def _f(self):
                return "a"

            def go(self):
                return self._f()

        class B(A):
            def _f(self):
                return "b"

        class C(A):
            def here(self):
                return self._f()
    """
    new = same(code, "A._f", "A().go()", "B().go()", "C().go()", "C().here()")
    assert "def here(self):\n        return _f()" in new
    assert "B defines _f as well" in refusal(code, "A._f", lasting=False)


def test_a_class_beside_it_in_a_third_one_overrides_it() -> None:
    code = """
        class A:
            def _f(self):
                return "a"

            def go(self):
                return self._f()

        class M:
            def _f(self):
                return "m"

        class C(M, A):
            pass
    """
    same(code, "A._f", "A().go()", "C().go()")


def test_a_hook_stays_one() -> None:
    code = """
        class Base:
            def run(self):
                return self._hook()

        class A(Base):
            def _hook(self):
                return 1
    """
    new = same(code, "A._hook", "A().run()")
    assert "_hook = staticmethod(_hook)" in new
    assert "is called by a base class" in refusal(code, "A._hook", lasting=False)


@pytest.mark.parametrize(
    ("base", "kept"),
    [
        ("argparse.HelpFormatter", "HelpFormatter may call it"),
        ("make(Base)", "Base may call it"),
        ("dict[str, int]", ""),
        ("Generic[T], metaclass=Meta", ""),
        ("object", ""),
    ],
)
def test_a_base_that_is_not_to_be_seen_may_call_it(base: str, kept: str) -> None:
    code = f"class A({base}):\n    def _f(self):\n        return 1\n\n    def g(self):\n        return self._f()\n"
    if kept:
        assert refusal(code, "A._f", lasting=False).endswith(kept)
    assert ("staticmethod" in text_of(draft(code, "A._f"))) is bool(kept)


def test_names_that_are_put_together_find_it() -> None:
    code = """
        class A:
            def _do_add(self, x):
                return x + 1

            def do(self, what, x):
                return self._do_add(0), getattr(self, NAME)(x)
    """
    for name in ('f"_do_{what}"', '"_do_" + what', '"_do_%s" % what', '"_{}_{}".format("do", what)'):
        made = code.replace("NAME", name)
        same(made, "A._do_add", "A().do('add', 3)")
        early = made.replace("return self", f"name = {name}; return self").replace(
            f"self, {name}", "self, name"
        )
        for one in (made, early):
            assert "may be looked up by a name that is put together" in refusal(
                one, "A._do_add", lasting=False
            )


def test_a_private_name_is_called_as_python_reads_it_in_the_class() -> None:
    code = """
        class _A:
            def __f(self, x):
                return x

            def g(self):
                return self.__f(2)
    """
    new = same(code, "_A.__f", "_A().g()")
    assert "_A__f = __f" in new
    assert "return __f(2)" in new


REFUSED = {
    "it uses self in line 3": "def f(self):\n    return self",
    "line 4": "def f(self):\n    def g():\n        return self\n    return g",
    "it uses super in line 3": "def f(self):\n    return super().f",
    "it uses __class__": "def f(self):\n    return __class__",
    "the name __x in line 3 belongs to its class": "def f(self, y):\n    return y.__x",
    "locals()": "def f(self):\n    return locals()",
    "it is read as an attribute": "@property\ndef f(self):\n    return 1",
    "kept for each object": "@functools.lru_cache(None)\ndef f(self):\n    return 1",
    "there to be overridden": "def f(self):\n    raise NotImplementedError",
    "not as a parameter of its own": "def f(*args):\n    return 1",
    "self has a default": "def f(self=None):\n    return 1",
    "uses SIZE of the class": "SIZE = 1\ndef f(self, n=SIZE):\n    return n",
    "uses Self of the class": "def f(self, n) -> Self:\n    return n",
    "defines the name more than once": "def f(self):\n    return 1\nf = f",
    "f is a local variable in shop.py:5": "def f(self):\n    return 1\ndef g(self):\n    f = self.f()\n    return f",
    "is assigned to in shop.py:5": "def f(self):\n    return 1\ndef g(self):\n    self.f = 2",
    "its types stand in a comment": "def f(self, x):\n    # type: (int) -> int\n    return x",
    "is replaced in shop.py:5": "def f(self):\n    return 1\ndef g(self):\n    setattr(self, 'f', 2)",
}


@pytest.mark.parametrize("reason", REFUSED)
def test_refused_with_the_reason(reason: str) -> None:
    body = REFUSED[reason].replace("\n", "\n    ")
    assert reason in refusal(f"class A:\n    {body}\n", "A.f")


TAKEN = {
    "the top level has a _f already (line 1)": "import os as _f\n",
    "the top level has a _f already (line 2)": "def other():\n    global _f\n    _f = 1\n",
    "__all__ promises a _f already": '__all__ = ["_f"]\n',
    "_f is a name of its own in line 1": "print(_f) if False else None\n",
}


@pytest.mark.parametrize("reason", TAKEN)
def test_refused_when_the_name_is_taken(reason: str) -> None:
    assert reason in refusal(f"{TAKEN[reason]}class A:\n    def _f(self):\n        return 1\n", "A._f")


def test_a_builtin_is_not_hidden_and_python_keeps_its_own() -> None:
    code = "class A:\n    def open(self):\n        return 1\n    def __len__(self):\n        return 1\n"
    assert refusal(code, "A.open").endswith("it would hide the builtin open")
    assert refusal(code, "A.__len__").endswith("Python calls it by this name")
    assert refusal("def f():\n    return 1\n", "f") == "f is not a method"


def test_names_of_the_function_around_the_class_bind_it() -> None:
    code = "def make(n):\n    class A:\n        def _f(self):\n            return n\n    return A\n"
    assert "it uses n of what its class stands in" in refusal(code, "make.A._f")


PACKAGE = {
    "pkg/__init__.py": "",
    "pkg/a.py": "class A:\n    @staticmethod\n    def _f(x):\n        return x + 1\n\n"
    "    def go(self):\n        return self._f(1)\n",
    "pkg/b.py": "from pkg.a import A\n\n\nclass B(A):\n    def here(self):\n        return self._f(2), A._f(3)\n",
    "pkg/c.py": "from .a import (\n    A,\n)\n\n\ndef c():\n    return A._f(4)\n",
    "pkg/d.py": "import pkg.a\nfrom pkg import a as other\n\n\ndef d():\n    return pkg.a.A._f(5), other.A._f(6)\n",
}


def loaded(files: dict[str, bytes], folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    monkeypatch.syspath_prepend(str(folder))
    for name in [one for one in sys.modules if one.partition(".")[0] == "pkg"]:
        monkeypatch.delitem(sys.modules, name)
    importlib.invalidate_caches()
    a, b, c, d = (importlib.import_module(f"pkg.{one}") for one in "abcd")
    found = [a.A().go(), b.B().here(), c.c(), d.d()]
    for name in [one for one in sys.modules if one.partition(".")[0] == "pkg"]:
        del sys.modules[name]
    return found


def test_callers_in_other_files_import_the_function(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = draft(PACKAGE, "A._f", path="pkg/a.py", lasting=False)
    old = {path: text.encode() for path, text in PACKAGE.items()}
    assert loaded(old | dict(made.files), tmp_path / "new", monkeypatch) == loaded(
        old, tmp_path / "old", monkeypatch
    )
    assert text_of(made, "pkg/b.py").startswith("from pkg.a import A, _f\n")
    assert text_of(made, "pkg/c.py") == "from .a import (\n    _f,\n)\n\n\ndef c():\n    return _f(4)\n"
    assert text_of(made, "pkg/d.py").endswith("return pkg.a._f(5), other._f(6)\n")


def test_a_place_that_cannot_be_followed_keeps_it_a_method() -> None:
    files = {**PACKAGE, "pkg/e.py": "def e(thing):\n    return thing._f(1)\n"}
    with pytest.raises(RefactorError, match=r"through another object in pkg/e\.py:2"):
        draft(files, "A._f", path="pkg/a.py", lasting=False)
    assert "_f = staticmethod(_f)" in text_of(draft(files, "A._f", path="pkg/a.py"), "pkg/a.py")
    for patch in (
        'patch("pkg.a.A._f")',
        'patch.object(A, "_f")',
        'm.setattr(A, "_f", 1)',
        "patch.multiple(A, _f=1)",
    ):
        tests = {**PACKAGE, "tests/t.py": f"from pkg.a import A\n\n\ndef test(m, patch):\n    {patch}\n"}
        with pytest.raises(RefactorError, match=r"it is replaced in tests/t\.py:5"):
            draft(tests, "A._f", path="pkg/a.py")


def test_names_in_files_that_are_not_python_count() -> None:
    files = {**PACKAGE, "conf.yml": "call: _f\n", "CHANGES.md": "Removed `_f`.\n"}
    with pytest.raises(RefactorError, match=r"named in a file that is not Python in conf\.yml:1"):
        draft(files, "A._f", path="pkg/a.py", lasting=False)
    del files["conf.yml"]
    assert draft(files, "A._f", path="pkg/a.py", lasting=False).files


def test_what_moved_does_not_move_again() -> None:
    new = text_of(draft(SHOP, "Shop._round"))
    source = Source.read("shop.py", new.encode())
    assert [one.symbol for one in source.places] == ["_round", "Shop.total", "Shop.name"]
    assert ast.dump(ast.parse(text_of(draft(SHOP, "Shop._round")))) == ast.dump(source.tree)
