"""Random programs for the tests of cuts: legal, and full of what makes an extraction wrong."""

from __future__ import annotations

import random


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
        return "\n".join(FRAMES[self.kind](body))


def _indented(lines: list[str], by: int = 1) -> list[str]:
    return ["    " * by + line for line in lines]


FRAMES = {
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
