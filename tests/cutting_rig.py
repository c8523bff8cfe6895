"""What the tests of cuts share: a plain reference extractor, and a world that random programs run in."""

from __future__ import annotations

import ast
import copy
import inspect
import random

from selfimprove.executor.refactor.cut import Cut, Leaves
from selfimprove.executor.refactor.source import Source

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
