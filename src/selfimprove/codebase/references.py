"""References: the names that a piece of code uses of others, and the modules that it imports, by its text."""

from __future__ import annotations

import re

MOST = 200
"""No more references than this are kept of a chunk."""
_KEYWORDS = """
if for while switch return catch sizeof typeof and or not in is elif else match with assert print yield await async def
fn func function lambda let var val new delete throw super this self case when unless until do then end begin class
struct enum union interface trait impl type module from import export default use using package namespace const static
public private protected final abstract void int float double char bool string long short unsigned signed true false
nil null none None True False NULL try except finally raise break continue pass del global nonlocal go defer select
range foreach loop mut ref where instanceof operator template typename auto inline extern virtual override alignof
decltype static_assert defined elseif endif include require __attribute__ constexpr noexcept register volatile goto
typedef sub my our local echo fi done esac of data
"""
_NEVER = frozenset(_KEYWORDS.encode().split())


def _parting(kept: bytes) -> bytes:
    """Return a table for bytes.translate that makes blanks of what is no letter, digit, or one of ``kept``."""
    return bytes(byte if byte > 127 or chr(byte).isalnum() or byte in kept else 32 for byte in range(256))


_CALLS, _WORDS = _parting(b"_$("), _parting(b"_'!?")
_LISTS = bytes(32 if byte in b"\t\n\f)[]{}\"';,`@#" else byte for byte in range(256))


def _listed(source: bytes) -> list[bytes]:
    """Return the names after an opening bracket."""
    words = dict.fromkeys(source.replace(b"(", b" (").translate(_LISTS).split())
    return [word[1:] for word in words if word[0] == 40]


def _worded(source: bytes) -> list[bytes]:
    """Return every word."""
    return list(dict.fromkeys(source.translate(_WORDS).split()))


def _called(source: bytes) -> list[bytes]:
    """Return the names before an opening bracket, and those with a capital letter first and a small one."""
    words = dict.fromkeys(source.replace(b" (", b"(").replace(b"(", b"( ").translate(_CALLS).split())
    return [
        word[:-1] if word[-1] == 40 else word
        for word in words
        if word[-1] == 40 or (64 < word[0] < 91 and len(word) > 2 and not word.isupper())
    ]


_USES = {"calls": _called, "lists": _listed, "words": _worded}


def references(text: str, own: str, uses: str = "calls") -> tuple[str, ...]:
    """Return the names that ``text`` uses, each once in their order, at most MOST; ``own`` is not one.

    With ``calls`` a use is a name before an opening bracket, or one that begins with a capital letter and has
    a small one; with ``lists`` a name after such a bracket; with ``words``, where calls need none, every word.
    Bytes are translated and split: that is several times as fast as a regular expression.
    """
    source = text.encode("utf-8", "replace")
    names = _USES.get(uses, _called)(source)
    never, itself = _NEVER, own.encode("utf-8", "replace")
    kept = dict.fromkeys(
        [name for name in names if name not in never and name != itself and not name[:1].isdigit() and name]
    )
    return tuple([name.decode("utf-8", "replace") for name in kept][:MOST])


# What names a module, by language; the first group that matched is the name. Others have no imports.
_IMPORTS = {
    "python": r"^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import\b|import[ \t]+([\w., \t]+))",
    "javascript": r"(?:\bfrom|^[ \t]*import|\brequire[ \t]*\(|\bimport[ \t]*\()[ \t]*[\"']([^\"'\n]+)[\"']",
    "java": r"^[ \t]*import[ \t]+(?:static[ \t]+)?([\w.]+)",
    "c": r"^[ \t]*#[ \t]*(?:include|import)[ \t]*[<\"]([^>\"\n]+)[>\"]",
    "csharp": r"^[ \t]*(?:global[ \t]+)?using[ \t]+(?:static[ \t]+)?(?:\w+[ \t]*=[ \t]*)?([\w.]+)[ \t]*;",
    "go": r"^[ \t]*(?:import[ \t]+)?(?:[\w.]+[ \t]+)?\"([\w./-]+)\"[ \t]*$",
    "rust": r"^[ \t]*(?:pub(?:\([\w ]+\))?[ \t]+)?(?:(?:use|extern[ \t]+crate)[ \t]+([\w:]+)|mod[ \t]+(\w+)[ \t]*;)",
    "ruby": r"^[ \t]*(?:require|require_relative|load|autoload[ \t]+:\w+,)[ \t(]*[\"']([^\"'\n]+)[\"']",
    "php": r"^[ \t]*(?:use[ \t]+(?:function[ \t]+)?([\w\\]+)"
    r"|(?:require|include)(?:_once)?[ \t(]+[^;\n]*[\"']([^\"'\n]+)[\"'])",
    "haskell": r"^import[ \t]+(?:qualified[ \t]+)?([\w.]+)",
    "elixir": r"^[ \t]*(?:alias|import|use|require)[ \t]+([A-Z][\w.]*)",
    "lua": r"\brequire[ \t(]*[\"']([^\"'\n]+)[\"']",
    "perl": r"^[ \t]*(?:use|require)[ \t]+([A-Z][\w:]*)",
    "bash": r"^[ \t]*(?:source|\.)[ \t]+[\"']?([^\s\"';]+)",
    "ocaml": r"^[ \t]*open!?[ \t]+([\w.]+)",
    "clojure": r"(?:\[|\(:import[ \t]+\(?)([a-z][\w.-]*\.[\w.-]+)",
    "erlang": r"^-(?:import|include|include_lib|behaviou?r)\([ \t]*\"?([\w./]+)",
    "scss": r"^[ \t]*@(?:import|use|forward)[ \t]+[\"']([^\"'\n]+)",
    "proto": r"^[ \t]*import[ \t]+(?:public[ \t]+|weak[ \t]+)?\"([^\"\n]+)\"",
    "fortran": r"(?i)^[ \t]*use[ \t]+(?:,[ \t]*\w+[ \t]*::[ \t]*)?(\w+)",
    "r": r"\b(?:library|require|requireNamespace|source)\([ \t]*[\"']?([\w./]+)",
    "julia": r"^[ \t]*(?:using|import|include\()[ \t]*[\"']?([\w./]+)",
    "lisp": r"\((?:require|use-modules|import|load)[ \t]+['\"(]*([\w./-]+)",
    "zig": r"@import\(\"([^\"\n]+)\"\)",
    "nim": r"^[ \t]*(?:import|from|include)[ \t]+([\w/., \t]+?)(?:[ \t]+import\b.*)?$",
    "pascal": r"(?i)^[ \t]*uses[ \t]+([\w., \t]+)",
    "ada": r"(?i)^[ \t]*with[ \t]+([\w., \t]+);",
    "cmake": r"(?i)^[ \t]*(?:include|find_package|add_subdirectory)[ \t]*\([ \t]*([\w./${}]+)",
    "hcl": r"^[ \t]*source[ \t]*=[ \t]*\"([^\"\n]+)\"",
    "nix": r"\bimport[ \t]+([<./][\w./<>-]+)",
    "starlark": r"\bload\([ \t\n]*\"([^\"\n]+)\"",
    "make": r"^-?include[ \t]+(\S+)",
    "verilog": r"^[ \t]*(?:`include[ \t]+\"([^\"\n]+)\"|import[ \t]+(\w+)::)",
    "vhdl": r"(?i)^[ \t]*use[ \t]+([\w.]+);",
    "solidity": r"^[ \t]*import[ \t]+[^\"'\n;]*[\"']([^\"'\n]+)",
}
_SAME = {
    "javascript": "typescript tsx vue svelte html qmljs",
    "java": "kotlin scala groovy apex swift dart haxe d actionscript hack gleam elm purescript v odin",
    "c": "cpp objc cuda arduino glsl hlsl ispc",
    "python": "cython gdscript bitbake",
    "lua": "luau",
    "elisp": "",
    "lisp": "scheme racket elisp commonlisp fennel janet",
    "bash": "fish tcl",
    "haskell": "agda",
    "ocaml": "ocaml_interface fsharp",
    "scss": "css less",
    "proto": "thrift capnp",
}
_PATTERNS = {
    other: _IMPORTS[name]
    for name, same in _SAME.items()
    if name in _IMPORTS
    for other in (name, *same.split())
} | _IMPORTS
_PATTERNS["dart"] = r"^[ \t]*(?:import|export|part)[ \t]+[\"']([^\"'\n]+)[\"']"
_PATTERNS["hare"] = r"^use[ \t]+([\w:]+)"
_PATTERNS["v"] = r"^import[ \t]+([\w.]+)"
_PATTERNS["haxe"] = r"^[ \t]*(?:import|using)[ \t]+([\w.]+)"


def imports(text: str, language: str) -> tuple[str, ...]:
    """Return the modules that ``text`` names in its imports, each once, as they are written."""
    pattern = _PATTERNS.get(language)
    if pattern is None:
        return ()
    found: dict[str, None] = {}
    for groups in re.finditer(pattern, text, re.MULTILINE):
        for one in groups.groups():
            if one:
                for part in one.split(","):
                    name = part.strip().partition(" ")[0].rstrip(":.")
                    if name:
                        found[name] = None
    return tuple(found)
