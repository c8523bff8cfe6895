"""Every cut of random programs is taken out by a plain reference extractor, and both programs must do the same."""

from __future__ import annotations

import ast
import copy
import inspect
import random

import pytest

from selfimprove.errors import RefactorError
from selfimprove.executor.refactor.analysis.blocks import blocks_of
from selfimprove.executor.refactor.analysis.cutting import cut_of
from selfimprove.executor.refactor.cut import Cut, Leaves
from selfimprove.executor.refactor.project import Project
from selfimprove.executor.refactor.source import Place, Source

NOTHING = Project({})
LOOPS = (ast.For, ast.AsyncFor, ast.While)
SEEDS = range(8)


# The reference extractor: works on the tree, knows nothing of layout, and does what the words of Cut say.


class _Jumps(ast.NodeTransformer):
    """Turns the jumps out of a cut into returns of the helper."""

    def __init__(self, cut: Cut) -> None:
        self.cut, self.depth = cut, 0

    def visit(self, node):
        guard = self.cut.leaves is Leaves.GUARD
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            return node
        if isinstance(node, LOOPS):
            self.depth += 1
            node.body = [self.visit(one) for one in node.body]
            self.depth -= 1
            node.orelse = [self.visit(one) for one in node.orelse]
            return node
        if isinstance(node, ast.Return) and guard:
            return ast.Return(ast.Constant(True))
        if isinstance(node, ast.Break) and not self.depth:
            return ast.Return(ast.Constant(True))
        if isinstance(node, ast.Continue) and not self.depth:
            return ast.Return(ast.Constant(None if self.cut.loop else True))
        return self.generic_visit(node)


def extracted(source: Source, cut: Cut, name: str = "_helper") -> str:
    """Return the program with the cut as a helper."""
    memo: dict[int, object] = {}
    tree = copy.deepcopy(source.tree, memo)
    function = memo[id(cut.place.node)]
    moved = [memo[id(one)] for one in cut.statements]
    before = cut.place.node
    body = [_Jumps(cut).visit(one) for one in copy.deepcopy(moved)]
    if cut.global_names:
        body.insert(0, ast.Global(list(cut.global_names)))
    results = [ast.Name(one, ast.Load()) for one in cut.results]
    given = results[0] if len(results) == 1 else ast.Tuple(results, ast.Load())
    if results:
        body.append(ast.Return(given))
    parameters = [ast.arg(one) for one in ((cut.receiver,) if cut.receiver else ()) + cut.parameters]
    arguments = ast.arguments([], parameters, None, [], [], None, [])
    kind = ast.AsyncFunctionDef if cut.is_async else ast.FunctionDef
    helper = kind(name, arguments, body, [], None, None)
    _replace(function, moved, _calls(cut, name))
    owner = memo[id(cut.place.owner)] if cut.receiver else tree
    if cut.receiver and any(getattr(one, "id", "") == "classmethod" for one in before.decorator_list):
        helper.decorator_list = [ast.Name("classmethod", ast.Load())]
    owner.body.insert(0, helper)
    return ast.unparse(ast.fix_missing_locations(tree))


def _calls(cut: Cut, name: str) -> list[ast.stmt]:
    function: ast.expr = ast.Name(name, ast.Load())
    if cut.receiver:
        function = ast.Attribute(ast.Name(cut.receiver, ast.Load()), name, ast.Load())
    call: ast.expr = ast.Call(function, [ast.Name(one, ast.Load()) for one in cut.parameters], [])
    call = ast.YieldFrom(call) if cut.is_generator else ast.Await(call) if cut.is_async else call
    if cut.leaves is Leaves.RETURN:
        return [ast.Return(call)]
    if cut.leaves is Leaves.GUARD:
        return [ast.If(call, [cut.jump], [])]
    if cut.leaves is Leaves.MAYBE:
        found = ast.Name("_found", ast.Load())
        test = ast.Compare(found, [ast.IsNot()], [ast.Constant(None)])
        return [ast.Assign([ast.Name("_found", ast.Store())], call), ast.If(test, [ast.Return(found)], [])]
    if not cut.results:
        return [ast.Expr(call)]
    names = [ast.Name(one, ast.Store()) for one in cut.results]
    return [ast.Assign([names[0] if len(names) == 1 else ast.Tuple(names, ast.Store())], call)]


def _replace(function: ast.AST, moved: list, new: list[ast.stmt]) -> None:
    for node in ast.walk(function):
        for part in ("body", "orelse", "finalbody"):
            suite = getattr(node, part, None)
            if isinstance(suite, list) and any(one is moved[0] for one in suite):
                at = next(i for i, one in enumerate(suite) if one is moved[0])
                suite[at : at + len(moved)] = new
                return
    raise AssertionError("the cut is nowhere")


# Running: a program asks the world for each decision and value, so that two runs with one seed see the same.


class E(Exception):
    pass


class F(E):
    pass


class Exhausted(BaseException):
    pass


def plain(value):
    """Return a value that equals that of another run: what has an identity becomes its kind."""
    if isinstance(value, (list, tuple)):
        return type(value)(map(plain, value))
    return value if isinstance(value, (int, str, type(None))) else type(value).__name__


class World:
    def __init__(self, seed: int, fuel: int = 120) -> None:
        self.random, self.fuel, self.log = random.Random(seed), fuel, []

    def _step(self) -> None:
        self.fuel -= 1
        if self.fuel < 0:
            raise Exhausted

    def c(self, *seen) -> bool:
        self._step()
        self.log.append(("c", *plain(seen)))
        return self.random.random() < 0.5

    def v(self, *seen):
        self._step()
        self.log.append(("v", *plain(seen)))
        luck = self.random.random()
        if luck < 0.12:
            raise (E if luck < 0.06 else F)("v")
        return self.random.randrange(100)

    def k(self, function):
        self._step()
        try:
            self.log.append(("k", plain(function() if callable(function) else list(function))))
        except NameError:
            self.log.append(("k", "unbound"))

    def names(self) -> dict:
        world = self

        class M:
            def __init__(self, swallow: bool = False) -> None:
                self.swallow = swallow

            def __enter__(self):
                return world.v("enter")

            def __exit__(self, kind, error, trace):
                world.log.append(("exit", kind and kind.__name__))
                return self.swallow and kind is not None and issubclass(kind, E)

            async def __aenter__(self):
                return world.v("aenter")

            async def __aexit__(self, kind, error, trace):
                return self.__exit__(kind, error, trace)

        async def w(*seen):
            return world.v(*seen)

        return {"c": self.c, "v": self.v, "k": self.k, "E": E, "F": F, "M": M, "w": w, "G": 5}


def outcomes(program: str) -> list:
    """Return what runs with all seeds say."""
    code = compile(program, "<program>", "exec")
    return [outcome(code, seed) for seed in SEEDS]


def outcome(code, seed: int):
    """Return what a run says: its log, its result or the kind of its exception, the global that it may set."""
    world = World(seed)
    space = world.names()
    exec(code, space)
    function = space["C"]().run if "C" in space else space["run"]
    try:
        result = function(1, 2)
        if inspect.isgenerator(result):
            result = _driven(result, world)
        elif inspect.iscoroutine(result):
            result = _awaited(result)
        said = ("gives", plain(result))
    except NameError:
        said = ("raises", "NameError")
    except (Exception, Exhausted) as error:
        said = ("raises", type(error).__name__)
    return world.log, said, space["G"]


def _awaited(coroutine):
    try:
        coroutine.send(None)  # nothing in the world makes it wait
    except StopIteration as stop:
        return stop.value
    raise AssertionError("it waits")


def _driven(generator, world: World):
    try:
        value = next(generator)
        while True:
            world.log.append(("yielded", plain(value)))
            luck = world.random.random()
            if luck < 0.15:
                value = generator.throw(E("thrown"))
            elif luck < 0.2:
                generator.close()
                return "closed"
            else:
                value = generator.send(world.random.randrange(100))
    except StopIteration as stop:
        return ("stop", plain(stop.value))


# Programs: random, legal, and full of what makes an extraction wrong.


class Writer:
    """Writes one random function; ``kind`` is plain, generator, async, method or closure."""

    def __init__(self, seed: int, kind: str) -> None:
        self.random, self.kind = random.Random(seed), kind
        self.names = ["a", "b", "x", "y", "z"]
        self.loops = self.count = 0
        self.returns = self.random.choice(("bare", "constant", "value", "mixed", "value"))
        self.wild = self.random.random() < 0.5

    def name(self) -> str:
        return self.random.choice(self.names)

    def value(self) -> str:
        one = self.name()
        choices = ["v()", f"v({one})", f"{one}", f"({one}, {self.name()})", "7", f"({one} if c() else v())"]
        if self.wild:
            choices += [
                f"[{one} for {one} in range(2) if c({one})]",
                f"[i for i in range(2) if ({self.name()} := v())]",
                f"sum(({one}, 1)[1] for i in range(2))",
                f"({self.name()} := v())",
                f"(c() and ({self.name()} := v()) or v({one}))",
                "(G, v())",
            ]
            if self.kind == "async":
                choices += [f"await w({one})", f"[await w({one}) for i in range(2)]"]
            if self.kind == "method":
                choices += ["self.n", "super().base()", "self.__secret"]
            if self.kind == "generator":
                choices += [f"(yield {one})"] * 2
        return self.random.choice(choices)

    def test(self) -> str:
        choices = ["c()", f"c({self.name()})", "c() and c()", "not c()"]
        if self.wild:
            choices += [f"({self.name()} := v()) and c()", f"c() or ({self.name()} := v()) > 50"]
        return self.random.choice(choices)

    def block(self, depth: int, indent: str, most: int = 4) -> list[str]:
        lines: list[str] = []
        for _ in range(self.random.randint(1, most)):
            lines += self.statement(depth, indent)
        return lines

    def statement(self, depth: int, indent: str) -> list[str]:
        simple = [self.assign] * 6 + [self.use] * 3 + [self.jump] * 2
        simple += [self.odd] * 3 if self.wild else []
        deep = [self.if_] * 5 + [self.for_] * 2 + [self.while_] + [self.try_] * 3 + [self.with_]
        deep += [self.match_] if self.wild else []
        self.count += 1
        choices = simple if depth >= 3 or self.count > 22 else simple + deep
        return [indent + line for line in self.random.choice(choices)(depth)]

    def assign(self, depth: int) -> list[str]:
        if self.random.random() < 0.2:
            return [f"{self.name()} += 1"]
        if self.random.random() < 0.15:
            return [f"{self.name()}, {self.name()} = {self.value()}, {self.value()}"]
        return [f"{self.name()} = {self.value()}"]

    def use(self, depth: int) -> list[str]:
        return [self.random.choice((f"v({self.name()}, {self.name()})", f"c({self.name()})"))]

    def jump(self, depth: int) -> list[str]:
        choices = ["raise E('x')"]
        if self.loops:
            choices += ["break", "continue"] * 2
        kind = (
            self.returns if self.kind != "generator" else self.random.choice(("bare", "bare", self.returns))
        )
        values = {"bare": [""], "constant": ["7"], "value": ["(1, 2)", f"[{self.name()}]", "'s'"]}
        values["mixed"] = ["", self.name(), "None", "7", f"{self.name()} + 1"]
        choices += [f"return {self.random.choice(values[kind])}".strip()] * 2
        return [self.random.choice(choices)]

    def odd(self, depth: int) -> list[str]:
        one, two = self.name(), self.name()
        choices = [
            [f"del {one}"],
            [f"f = lambda: ({one}, {two})", "k(f)"],
            [f"f = lambda: ({one}, {two})"],
            ["k(f)"],
            [f"def f(p={two}):", f"    return ({one}, p)"],
            ["def f():", f"    nonlocal {one}", f"    {one} = v()", f"    return {one}"],
            [f"g = (({one}, i) for i in range(2))"],
            ["k(g)"],
            [f"class {one}:", f"    n = {two}", f"    def m(self): return {two}"],
            [f"import os as {one}", f"{one} = 3"],
            [f"{one}: int"],
            [f"global {'G'}", "G = v()"] if not self.count % 5 else ["v(7)"],
            [f"for {one} in [v(), v()]: pass"],
            [f"assert c(), v({one})"],
        ]
        if self.kind == "method":
            choices += [["self.n = v()"], [f"self.n += {one}"], ["self.__secret = v()"]]
        if self.kind == "generator":
            choices += [[f"{one} = yield {two}"], ["yield 5"], [f"yield from ({two}, 2)"]]
        if self.kind == "async":
            choices += [[f"{one} = await w({two})"]]
        return self.random.choice(choices)

    def if_(self, depth: int) -> list[str]:
        lines = [f"if {self.test()}:", *self.block(depth + 1, "    ", 3)]
        while self.random.random() < 0.25:
            lines += [f"elif {self.test()}:", *self.block(depth + 1, "    ", 2)]
        if self.random.random() < 0.5:
            lines += ["else:", *self.block(depth + 1, "    ", 3)]
        return lines

    def _looped(self, head: str, depth: int) -> list[str]:
        self.loops += 1
        lines = [head, *self.block(depth + 1, "    ")]
        self.loops -= 1
        if self.random.random() < 0.25:
            lines += ["else:", *self.block(depth + 1, "    ", 2)]
        return lines

    def for_(self, depth: int) -> list[str]:
        return self._looped(f"for {self.name()} in range(3):", depth)

    def while_(self, depth: int) -> list[str]:
        return self._looped(f"while {self.test()}:", depth)

    def try_(self, depth: int) -> list[str]:
        lines = ["try:", *self.block(depth + 1, "    ", 3)]
        handlers = self.random.randint(0, 2)
        for number in range(handlers):
            kind = ("F", "E")[number] if handlers == 2 else self.random.choice(("E", "F", "Exception", ""))
            name = (
                f" as {self.random.choice((self.name(), 'e'))}" if kind and self.random.random() < 0.4 else ""
            )
            lines += [f"except {kind}{name}:".replace(" :", ":"), *self.block(depth + 1, "    ", 2)]
        if handlers and self.random.random() < 0.3:
            lines += ["else:", *self.block(depth + 1, "    ", 2)]
        if not handlers or self.random.random() < 0.35:
            lines += ["finally:", *self.block(depth + 1, "    ", 2)]
        return lines

    def with_(self, depth: int) -> list[str]:
        how = "async with" if self.kind == "async" and self.random.random() < 0.5 else "with"
        name = f" as {self.name()}" if self.random.random() < 0.5 else ""
        manager = self.random.choice(("M()", "M(True)", "M(True)"))
        return [f"{how} {manager}{name}:", *self.block(depth + 1, "    ", 3)]

    def match_(self, depth: int) -> list[str]:
        lines = [f"match {self.value()}:"]
        for pattern in self.random.sample(
            ["7", f"({self.name()}, _)", f"[p, *{self.name()}] if c()", "int()"], 2
        ):
            lines += [f"    case {pattern}:", *self.block(depth + 1, "        ", 2)]
        if self.random.random() < 0.5:
            lines += [f"    case {self.name()}:", *self.block(depth + 1, "        ", 2)]
        return lines

    def program(self) -> str:
        body = [*(f"{name} = v()" for name in self.random.sample(["x", "y", "z"], 2)), *self.block(0, "", 6)]
        if self.random.random() < 0.7:
            body += (
                [f"return ({', '.join(self.random.sample(self.names, 2))})"]
                if self.kind != "generator"
                else []
            )
        if self.kind == "generator":
            body += ["yield 0"]
        if any(line.lstrip().startswith("global G") for line in body):
            body = ["global G", *(line.replace("global G", "pass") for line in body)]
        return "\n".join(_FRAMES[self.kind](body))


def _indented(lines: list[str], by: int = 1) -> list[str]:
    return ["    " * by + line for line in lines]


_FRAMES = {
    "plain": lambda body: ["def run(a, b):", *_indented(body)],
    "generator": lambda body: ["def run(a, b):", *_indented(body)],
    "async": lambda body: ["async def run(a, b):", *_indented(body)],
    "method": lambda body: [
        "class B:",
        "    def base(self): return self.n",
        "class C(B):",
        "    n = 1",
        "    __secret = 2",
        "    def run(self, a, b):",
        *_indented(body, 2),
    ],
    "closure": lambda body: [
        "def run(a, b):",
        "    q = v(); r = v()",
        "    def inner(x, y):",
        *_indented(["v(q, r)", *body, "k([q, r])"], 2),
        "    one = inner(a, b)",
        "    r = v()",
        "    return (one, inner(b, a), r)",
    ],
}


def place_in(source: Source) -> Place:
    wanted = {"C.run", "run.inner"}
    return next((one for one in source.places if one.symbol in wanted), None) or source.place("run")


def check(program: str) -> tuple[int, int]:
    """Take out every legal cut of a program and compare; return how many there were, and how many were refused."""
    source = Source.read("program.py", program.encode())
    place = place_in(source)
    taken = refused = 0
    expected = None
    for block in blocks_of(place.node):
        size = len(block.statements)
        for first in range(size):
            for last in range(first, size):
                try:
                    cut = cut_of(source, place, block.statements, first, last, NOTHING)
                except RefactorError:
                    refused += 1
                    continue
                if expected is None:
                    expected = outcomes(program)
                taken += 1
                changed = extracted(source, cut)
                assert outcomes(changed) == expected, f"{program}\n\n{changed}"
    return taken, refused


def legal(program: str) -> bool:
    try:
        compile(program, "<program>", "exec")
    except SyntaxError:
        return False
    return True


@pytest.mark.parametrize("kind", sorted(_FRAMES))
def test_extracted_random_programs_do_the_same(kind: str) -> None:
    taken = refused = 0
    for seed in range(12):
        program = Writer(seed, kind).program()
        if legal(program):
            more, fewer = check(program)
            taken, refused = taken + more, refused + fewer
    assert taken > 100
    assert refused > 100
