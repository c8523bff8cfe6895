"""Forms: definitions that only their words tell: the lists of Lisp, the calls of Elixir, the blocks of Terraform."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from selfimprove.codebase.names import text_of_node

if TYPE_CHECKING:
    from collections.abc import Callable

    from tree_sitter import Node

_LISP = {
    "function": "defun defmacro defn defn- defmethod defmulti defgeneric define define-syntax define-macro fn lambda"
    " macro define-method define-public define* defsubst cl-defun cl-defmacro cl-defmethod cl-defgeneric deftest"
    " defspec define-inline define-values define/contract define-minor-mode define-derived-mode varfn λ defsetf"
    " define-syntax-rule deftransform",
    "class": "defclass defstruct defrecord deftype defprotocol definterface define-record-type struct"
    " cl-defstruct define-condition extend-type extend-protocol",
    "value": "def defvar defconst defparameter defconstant defcustom defonce defgroup defface var local global",
    "scope": "module module+ module*",
}
_ELIXIR = {
    "function": "def defp defmacro defmacrop defguard defguardp defdelegate test property",
    "class": "defmodule defprotocol defimpl",
    "scope": "describe",
}
_LISP_ROLES, _ELIXIR_ROLES = (
    {word: role for role, words in table.items() for word in words.split()} for table in (_LISP, _ELIXIR)
)
_DEFINES_FUNCTION = re.compile(r"\(\s*define\s+(?:\(|[^()\s]+\s*\((?:lambda|λ|case-lambda)\b)")
_GROOVY_CLASS = re.compile(r"(?:[\w@]+\s+)*(?:class|interface|trait|enum)\s+(\w+)")
_GROOVY_FUNCTION = re.compile(r"(?:[\w@<>\[\].?,]+\s+)+(\w+)\s*\([^(){}]*\)[^(){};=]*\{")
_NOT_A_TYPE = {"else", "return", "new", "if", "for", "while", "switch", "catch", "throw"}
_WORD = re.compile(r"[^\s()\[\]{}\"']+")
_NAME = re.compile(r"[^\s(),\[\]{}]+")


def lisp(node: Node, source: bytes) -> tuple[str, str]:
    """Return the role and the name of a list: ``(defn name ...)``, ``(define (name x) ...)``."""
    text = text_of_node(node, source, 200)
    words = _WORD.findall(text)
    if len(words) < 2 or (role := _LISP_ROLES.get(words[0].rpartition("/")[2])) is None:
        return "", ""
    rest = [word for word in words[1:] if not word.startswith(("^", "#", ":"))] or [""]
    name = rest[0]
    if words[0] == "define" and not _DEFINES_FUNCTION.match(text):
        role = "value"
    return role, name


def elixir(node: Node, source: bytes) -> tuple[str, str]:
    """Return the role and the name of a call of Elixir: ``def name(a) do``, ``test "it adds" do``."""
    head, _, rest = text_of_node(node, source, 200).partition(" ")
    role = _ELIXIR_ROLES.get(head, "")
    if not role:
        return "", ""
    rest = rest.strip()
    if rest[:1] == '"':
        return role, " ".join(rest[1:].partition('"')[0].split())
    found = _NAME.search(rest)
    return role, found[0] if found else ""


def julia(node: Node, source: bytes) -> tuple[str, str]:
    """Return the role and the name of an assignment that defines: ``area(r) = pi * r^2``."""
    first = node.named_children[0] if node.named_child_count else None
    if first is None:
        return "", ""
    found = re.match(r"[\w.!]+", text_of_node(first, source, 100))
    name = found[0] if found else ""
    return ("function" if first.type in ("call_expression", "where_expression") else "value"), name


def block(node: Node, source: bytes) -> tuple[str, str]:
    """Return the role and the name of a labelled block: ``resource "bucket" "logs" {``."""
    words = re.findall(r"[\w.-]+", text_of_node(node, source, 200).partition("{")[0])
    return ("class", ".".join(words)) if words else ("", "")


def groovy(node: Node, source: bytes) -> tuple[str, str]:
    """Return the role and the name of a command of Groovy: ``def name(x) {``, ``class Name {``."""
    text = text_of_node(node, source, 200)
    if found := _GROOVY_CLASS.match(text):
        return "class", found[1]
    if (found := _GROOVY_FUNCTION.match(text)) and text.split()[0] not in _NOT_A_TYPE:
        return "function", found[1]
    return "inside", ""


def tcl(node: Node, source: bytes) -> tuple[str, str]:
    """Return the scope that ``namespace eval name`` opens."""
    words = text_of_node(node, source, 200).split()
    return ("scope", words[2]) if len(words) > 2 and words[1] == "eval" else ("", "")


def second(node: Node, source: bytes) -> tuple[str, str]:
    """Return a function and its name, the second word: ``function(name argument)``."""
    words = _WORD.findall(text_of_node(node, source, 200))
    return ("function", words[1]) if len(words) > 1 else ("", "")


def starlark(node: Node, source: bytes) -> tuple[str, str]:
    """Return the role and the name of a target: ``cc_library(name = "net", ...)``."""
    found = re.search(r"\bname\s*=\s*[\"']([^\"']+)", text_of_node(node, source, 400))
    return ("value", found[1]) if found else ("", "")


FORMS: dict[str, Callable[[Node, bytes], tuple[str, str]]] = {
    "lisp": lisp,
    "elixir": elixir,
    "julia": julia,
    "block": block,
    "second": second,
    "groovy": groovy,
    "tcl": tcl,
    "starlark": starlark,
}
"""What answers for nodes of the role ASK, by the name that a grammar gives."""
