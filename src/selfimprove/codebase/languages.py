"""Languages: which language a file is written in, by its name, its extension or its first line."""

from __future__ import annotations

import re

# Language -> its extensions, without the dot and in lower case. The order is of no account.
_EXTENSIONS = {
    "actionscript": "as",
    "ada": "adb ads ada",
    "agda": "agda",
    "apex": "cls apex trigger",
    "arduino": "ino pde",
    "asciidoc": "adoc asciidoc",
    "asm": "asm s",
    "bash": "sh bash zsh ksh bats ebuild eclass",
    "bicep": "bicep",
    "bitbake": "bb bbappend bbclass",
    "c": "c h idc",
    "cairo": "cairo",
    "capnp": "capnp",
    "clojure": "clj cljs cljc edn",
    "cmake": "cmake",
    "commonlisp": "lisp lsp cl asd",
    "cpp": "cc cpp cxx c++ hpp hh hxx h++ inl ipp tpp txx ixx cppm",
    "csharp": "cs csx",
    "css": "css",
    "csv": "csv tsv psv",
    "cuda": "cu cuh",
    "cython": "pyx pxd pxi",
    "d": "d di",
    "dart": "dart",
    "elisp": "el",
    "elixir": "ex exs",
    "elm": "elm",
    "erlang": "erl hrl escript",
    "fennel": "fnl",
    "fish": "fish",
    "fortran": "f f77 f90 f95 f03 f08 for ftn fpp",
    "fsharp": "fs fsx",
    "fsharp_signature": "fsi",
    "gdscript": "gd",
    "gleam": "gleam",
    "glsl": "glsl vert frag geom tesc tese comp",
    "go": "go",
    "graphql": "graphql gql graphqls",
    "groovy": "groovy gradle gvy",
    "hack": "hack hck",
    "hare": "ha",
    "haskell": "hs hsc lhs",
    "haxe": "hx",
    "hcl": "hcl nomad tf tfvars",
    "hlsl": "hlsl fx",
    "html": "html htm xhtml",
    "ini": "ini cfg conf properties",
    "ispc": "ispc",
    "janet": "janet",
    "java": "java",
    "javascript": "js jsx mjs cjs es6 jsm",
    "json": "json jsonc json5 geojson webmanifest",
    "jsonnet": "jsonnet libsonnet",
    "julia": "jl",
    "jupyter": "ipynb",
    "kotlin": "kt kts",
    "latex": "tex sty ltx",
    "less": "less",
    "llvm": "ll",
    "lua": "lua rockspec",
    "luau": "luau",
    "make": "mk mak make",
    "markdown": "md markdown mdown mkd mdx",
    "matlab": "m",
    "nim": "nim nims nimble",
    "nix": "nix",
    "objc": "mm",
    "ocaml": "ml",
    "ocaml_interface": "mli",
    "odin": "odin",
    "org": "org",
    "pascal": "pas dpr lpr",
    "perl": "pl pm t psgi",
    "php": "php php3 php4 php5 phtml phps",
    "pony": "pony",
    "powershell": "ps1 psm1 psd1",
    "prisma": "prisma",
    "proto": "proto",
    "puppet": "pp",
    "purescript": "purs",
    "python": "py pyi pyw wsgi",
    "qmljs": "qml",
    "r": "r",
    "racket": "rkt",
    "rego": "rego",
    "rst": "rst rest",
    "ruby": "rb rake gemspec podspec ru builder jbuilder",
    "rust": "rs",
    "scala": "scala sc sbt",
    "scheme": "scm ss sld",
    "scss": "scss",
    "smali": "smali",
    "smithy": "smithy",
    "solidity": "sol",
    "sql": "sql ddl dml psql",
    "squirrel": "nut",
    "starlark": "bzl star bazel",
    "svelte": "svelte",
    "swift": "swift",
    "tablegen": "td",
    "tcl": "tcl tk",
    "text": "txt text",
    "thrift": "thrift",
    "toml": "toml",
    "tsx": "tsx",
    "typescript": "ts mts cts",
    "typst": "typ",
    "v": "vsh",
    "verilog": "v vh sv svh",
    "vhdl": "vhd vhdl",
    "vim": "vim",
    "vue": "vue",
    "wat": "wat wast",
    "wgsl": "wgsl",
    "xml": "xml xsd xsl xslt svg plist csproj fsproj vbproj props targets resx xaml",
    "yaml": "yaml yml",
    "zig": "zig zon",
}
# Whole names, in lower case; a name such as Dockerfile.dev counts by what stands before its first dot.
_NAMES = {
    "bash": ".bashrc .bash_profile .profile .zshrc .envrc pkgbuild apkbuild",
    "cmake": "cmakelists.txt",
    "dockerfile": "dockerfile containerfile",
    "groovy": "jenkinsfile",
    "ini": ".editorconfig .gitconfig .npmrc",
    "json": ".babelrc .eslintrc .prettierrc composer.lock",
    "make": "makefile gnumakefile kbuild",
    "python": "sconstruct sconscript wscript snakefile",
    "ruby": "rakefile gemfile podfile vagrantfile guardfile fastfile brewfile dangerfile appraisals",
    "starlark": "build workspace build.bazel workspace.bazel tiltfile",
    "text": "readme license licence copying changelog authors notice install news todo",
    "toml": "cargo.lock poetry.lock uv.lock pipfile",
    "vim": ".vimrc",
}
# What stands after "#!", without its path and version.
_INTERPRETERS = {
    "bash": "sh bash zsh ksh dash ash bats",
    "clojure": "bb clojure",
    "elixir": "elixir",
    "erlang": "escript",
    "fish": "fish",
    "groovy": "groovy",
    "haskell": "runhaskell runghc stack",
    "javascript": "node nodejs bun",
    "julia": "julia",
    "kotlin": "kotlin kotlinc",
    "lua": "lua luajit texlua",
    "make": "make",
    "ocaml": "ocaml",
    "perl": "perl",
    "php": "php",
    "powershell": "pwsh",
    "python": "python pypy",
    "r": "rscript",
    "racket": "racket",
    "ruby": "ruby jruby",
    "scala": "scala amm",
    "scheme": "guile",
    "swift": "swift",
    "tcl": "tclsh wish expect",
    "typescript": "deno ts-node tsx",
}

# Extensions that several languages share: what the text of the rarer one has, and that one's name. First wins.
_SHARED = {
    "as": ((r"^\s*\$(?:NOLIST|MOD)|^\s*(?:mov|ldr|push)\s", "asm"),),
    "cls": ((r"\\(?:ProvidesClass|LoadClass|NeedsTeXFormat|newcommand)", "latex"),),
    "fs": ((r"^\s*(?:#version|uniform |varying |void main)", "glsl"),),
    "h": (
        (r"^\s*(?:@interface|@protocol|@class|@import|#import)\b", "objc"),
        (
            r"^\s*(?:class\s+\w+[^;()]*[{:]|class\s+\w+;|namespace\b|template\s*<|using\s"
            r"|public:|private:|protected:)"
            r"|\bstd::|^\s*#\s*include\s*<(?:string|vector|memory|map|cstdint|cstddef|utility|functional)>",
            "cpp",
        ),
    ),
    "m": ((r"^\s*(?:@interface|@implementation|@protocol|@class|@import|#import|#include)\b", "objc"),),
    "pp": ((r"^\s*(?:program|unit|interface|implementation)\b.*;?\s*$", "pascal"),),
    "ts": ((r"\A\s*<(?:\?xml|!DOCTYPE)", "xml"),),
    "v": ((r"^(?:pub )?fn |^module \w+\s*$|^import [\w.]+\s*$", "v"),),
}


def told_by_text(path: str, language: str, text: str) -> str:
    """Return the language of ``path`` once more, by its text where its extension is one of several's."""
    for pattern, other in _SHARED.get(path.rpartition(".")[2].lower(), ()):
        if re.search(pattern, text[:40_000], re.MULTILINE):
            return other
    return language


def _turned(table: dict[str, str]) -> dict[str, str]:
    """Return the table the other way round: each word -> its language."""
    return {word: language for language, words in table.items() for word in words.split()}


_BY_EXTENSION, _BY_NAME, _BY_INTERPRETER = _turned(_EXTENSIONS), _turned(_NAMES), _turned(_INTERPRETERS)
LANGUAGES = frozenset(_EXTENSIONS) | frozenset(_NAMES)
"""All languages that language_of can name; those that can also be cut at definitions are grammars.GRAMMARS."""


def language_of(path: str, head: bytes = b"") -> str:
    """Return the language of the file ``path`` (POSIX), ``""`` when none is known.

    ``head`` is the file's beginning, where it is at hand: a name without an extension is told by its
    ``#!`` line. A ``.h`` file is C here; only its text tells C++ and Objective-C (see told_by_text).
    """
    name = path.rpartition("/")[2].lower()
    stem, dot, extension = name.rpartition(".")
    if dot and stem and (known := _BY_EXTENSION.get(extension)):
        return _BY_NAME.get(name, known)
    known = _BY_NAME.get(name) or _BY_NAME.get(name.partition(".")[0])
    return known or (_interpreted(head) if head[:2] == b"#!" else "")


def _interpreted(head: bytes) -> str:
    """Return the language of a script by its first line: ``#!/usr/bin/env -S python3.12 -u`` is Python."""
    words = head[2:200].partition(b"\n")[0].decode("ascii", "replace").split()
    for word in words:
        name = word.rpartition("/")[2].lower()
        if name == "env" or name.startswith("-") or "=" in name:
            continue
        return _BY_INTERPRETER.get(name) or _BY_INTERPRETER.get(name.rstrip("0123456789.-"), "")
    return ""
