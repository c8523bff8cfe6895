"""Matching: a chain of comparisons with constants as a ``match`` statement."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from selfimprove.executor.refactor.small.layout import last_line
from selfimprove.executor.refactor.small.rounds import Change
from selfimprove.executor.refactor.small.suites import cost
from selfimprove.executor.refactor.source import Splice

if TYPE_CHECKING:
    from selfimprove.executor.refactor.small.chains import Chain
    from selfimprove.executor.refactor.small.layout import Block, Header, Layout
    from selfimprove.executor.refactor.small.suites import Suite

_FEWEST = 4  # branches, with the ``else``


def as_match(layout: Layout, suite: Suite, chain: Chain, longest: int) -> Change | None:
    """Return the change that makes ``match`` of ``chain``, with its bodies and comments as they are.

    Literal patterns compare by ``==``, and None, True and False by ``is``, in the order of the branches, as the
    chain does. Cyclomatic complexity stays the same; the cognitive one must fall.
    """
    headers = _headers(layout, chain)
    if len(chain.arms) + bool(chain.otherwise) < _FEWEST or not headers or not _is_simpler(chain, suite):
        return None
    suites = [arm.node.body for arm in chain.arms]
    if chain.otherwise:
        suites.append(list(chain.otherwise))
    blocks = [layout.block(one, header) for header, one in zip(headers, suites, strict=True)]
    last = blocks[-1]
    if last is None or None in blocks:
        return None
    whole = last._replace(first=chain.arms[0].node.lineno)
    if not layout.can_move([one for suite in suites for one in suite], whole):
        return None
    lines = _lines(layout, chain, headers, whole, longest)
    if not lines:
        return None
    splice = Splice(*layout.whole(whole.first, whole.last, "".join(lines)))
    return Change(splice.start, splice.end, (splice,))


def _lines(layout: Layout, chain: Chain, headers: list[Header], whole: Block, longest: int) -> list[str]:
    """Return the lines of the ``match`` statement, none when one would be too long."""
    source, node = layout.source, chain.arms[0].node
    indent, inner = source.indent(node.lineno), source.indent(node.body[0].lineno)
    patterns = [" | ".join(source.segment(key) for key in arm.keys) for arm in chain.arms]
    cases = {header.line: (header, case) for header, case in zip(headers, [*patterns, "_"], strict=False)}
    lines = [f"{indent}match {chain.subject}:{source.newline}"]
    for number in range(whole.first, whole.last + 1):
        line = before = source.line(number)
        if number in cases:
            header, case = cases[number]
            line = f"{indent}case {case}{source.text[header.colon - 1 : source.starts[number]]}"
        if number not in layout.held and line.strip() and line.startswith(indent):
            line = inner + line[len(indent) :]
            if len(line.rstrip()) > max(longest, len(before.rstrip())):
                return []
        lines.append(line)
    return lines if inner.startswith(indent) else []


def _headers(layout: Layout, chain: Chain) -> list[Header]:
    """Return the headers of all branches, none when one is on several lines or shares its line with another."""
    headers = [layout.header(arm.node) for arm in chain.arms]
    otherwise = layout.otherwise(chain.last)
    if otherwise is not None:
        headers.append(otherwise)
    text = layout.source.text
    flat = all("\n" not in text[one.start : one.colon] for one in headers)
    return headers if flat and len({one.line for one in headers}) == len(headers) else []


def _is_simpler(chain: Chain, suite: Suite) -> bool:
    if last_line(chain.last) == chain.arms[0].node.lineno:
        return False
    cases = [ast.match_case(ast.MatchValue(ast.Constant(0)), None, arm.node.body) for arm in chain.arms]
    if chain.otherwise:
        cases.append(ast.match_case(ast.MatchAs(), None, list(chain.otherwise)))
    new = ast.Match(ast.Name(chain.subject), cases)
    return cost([new], suite.level) < cost([chain.arms[0].node], suite.level)
