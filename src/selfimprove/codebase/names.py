"""Names: what a syntax node defines, in any grammar: its bare name, and the outer names that it states itself."""

from __future__ import annotations

import re
import string
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node

# Fields that hold a name, the first that a node has counts; the ends of the kinds of nodes in which a name stands,
# and of those that are names; and kinds that have none, though a parameter in them looks like one.
_FIELDS, _LEADS_ON, _IS_NAME, _NAMELESS = (
    tuple(words.split())
    for words in (
        "name left key pattern lhs attrpath property function variable_type_function",
        "declarator signature _left _spec _statement _defn _clause _binding type_head type_name call_expression targets"
        " header symbol_declaration _body_declaration declProc function_declaration constructor_declaration",
        "identifier name _id constant reference word atom IDENTIFIER genericDot SINGLE field_expression",
        "arrow_function function_expression anonymous_function func_literal lambda",
    )
)
# Names of definitions that have none of their own.
_FIXED = {
    "anonymous_initializer": "init",
    "compact_constructor_declaration": "init",
    "constructor": "this",
    "constructor_definition": "constructor",
    "deinit_declaration": "deinit",
    "destructor": "~this",
    "fallback_receive_definition": "receive",
    "init_declaration": "init",
    "secondary_constructor": "constructor",
    "companion_object": "Companion",
    "singleton_class": "self",
    "subscript_declaration": "subscript",
    "unittest_declaration": "unittest",
}
_LONGEST = 100
_LIFETIME = re.compile(r"'\w+\s*|\b(?:mut|dyn|const)\s+")
_NEVER_NAMES = {"if", "else", "for", "while", "switch", "return", "catch", "_"}  # what errors leave behind
_ENDS_A_NAME = frozenset("_$)]>" + string.ascii_letters + string.digits)
_IN_ANGLES = re.compile(r"<[^<>]*>")
_NO_MORE = re.compile(r"[\s()\[\]{}<;,=\"'`|&]")
_DECLARED = re.compile(r"(?:\b(?:struct|class|enum|union)\s+)?([\w.~$:]+)\s*$")
_BEFORE_A_NAME = re.compile(r"^(?:(?:module|window|globalThis|exports|this|self|local)\s*[.:])+")


def name_of(node: Node, source: bytes) -> tuple[str, str]:
    """Return the outer names that the definition itself states (``""`` for none), and its bare name.

    ``Foo::bar`` gives ``("Foo", "bar")``; a method of Go gives its receiver's type. Both are ``""`` when the
    node has no name.
    """
    found = _name_node(node)
    if found is None:
        return "", _FIXED.get(node.type, "")
    text = text_of_node(found, source)
    if node.type == "impl_item":  # Rust's `impl Trait for &'a [Item]`
        text = _LIFETIME.sub("", text).strip("&*[] ").partition(";")[0]
    outer, name = parted(text)
    if name in _NEVER_NAMES:
        return "", ""
    if name and (receiver := node.child_by_field_name("receiver")) is not None and not outer:
        outer = _receiver(text_of_node(receiver, source))
    return outer, name


def text_of_node(node: Node, source: bytes, most: int = 400) -> str:
    """Return a node's text, no more than ``most`` bytes of it."""
    return source[node.start_byte : min(node.end_byte, node.start_byte + most)].decode("utf-8", "replace")


def parted(text: str) -> tuple[str, str]:
    """Divide a name as code writes it into its outer part and the bare name, both without type arguments."""
    if text.isidentifier():
        return "", text
    text = text.strip().strip("\"'` ").rstrip("*")
    if not text:
        return "", ""
    if text.startswith("operator") and not text[8:9].isidentifier():
        return "", _operator(text)[:_LONGEST]
    while "<" in text and (shorter := _IN_ANGLES.sub("", text)) != text:
        text = shorter
    text = text.replace("::", ".").replace("->", ".").replace(".prototype.", ".")
    outer, name = _divided(text)
    outer = _BEFORE_A_NAME.sub("", outer + ".").strip(".")
    if (cut := _NO_MORE.search(name)) and not (name := name[: cut.start()]):
        name = "" if text[0] in "({" else text.split()[0]  # an operator: `==`, `[]`
    return (outer if not _NO_MORE.search(outer) else ""), name[:_LONGEST]


def _operator(text: str) -> str:
    """Return the name of an operator as C++ writes it: ``operator==``, and ``operator()`` with its brackets."""
    name, bracket, rest = " ".join(text.split()).partition("(")
    return f"operator({rest[:1]}" if name == "operator" and bracket else name.strip()


def _divided(text: str) -> tuple[str, str]:
    """Return what stands before and after the last dot between names, or else the last colon."""
    outer, dot, name = text.rpartition(".")
    if dot and name and outer[-1:] in _ENDS_A_NAME:
        return outer, name
    outer, colon, name = text.rpartition(":")  # Lua's `M:f`
    return (outer, name) if colon and name and outer else ("", text)


def _name_node(node: Node) -> Node | None:
    """Return the node that spells the name, following the declarators of C and the like inwards."""
    for _ in range(20):
        inner = node.child_by_field_name("declarator")
        if inner is None and not node.type.endswith("_left"):
            for field in _FIELDS:
                inner = node.child_by_field_name(field)
                if inner is not None and (inner.is_named or not inner.type.isalpha()):
                    return inner
        if inner is None:
            if node.type == "impl_item":
                return node.child_by_field_name("type")
            inner = None if node.type in _NAMELESS else _leading_on(node)
        if inner is None or inner.child_count == 0 or not inner.type.endswith(_LEADS_ON):
            return inner
        node = inner
    return None


def _leading_on(node: Node) -> Node | None:
    """Return the first child that is a name, or in which one stands."""
    for child in node.named_children[:12]:
        if child.type.endswith(_IS_NAME + _LEADS_ON) and not child.type.endswith("keyword"):
            return child
    return None


def _receiver(text: str) -> str:
    """Return the type of a receiver as Go writes it: ``(s *Server[T])`` gives ``Server``."""
    text = text.partition("[")[0].rstrip(" )")
    found = re.search(r"(\w+)\s*$", text)
    return found[1] if found else ""
