"""Names of extracted functions: what a careful person would write for a given run of statements."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from textwrap import dedent

import pytest

from naming_rig import cut_between
from selfimprove.errors import RefactorError
from selfimprove.executor.refactor.naming.docs import docstring_for
from selfimprove.executor.refactor.naming.naming import name_for, name_for_test
from selfimprove.executor.refactor.source import Source


def named(code: str, symbol: str = "f", taken=()) -> str:
    source, cut = cut_between(code, symbol)
    return name_for(source, cut, taken)


CASES = {
    "_read_header": """
        def load(path):
            stream = open(path)
            # Read the header of the file.
            # <
            header = {}
            for line in stream:
                key, _, value = line.partition(":")
                header[key] = value
            # >
            return header, stream.read()
        """,
    "_parse_port": """
        def parse_url(text):
            host, _, rest = text.partition(":")
            # <
            port = None
            if rest:
                port = int(rest)
            # >
            return host, port
        """,
    "_parse_host_and_port": """
        def parse_url(netloc):
            # <
            host, port = netloc, 80
            if ":" in netloc:
                host, _, port = netloc.partition(":")
            # >
            return host, port
        """,
    "_collect_users": """
        def report(rows):
            # <
            users = []
            for row in rows:
                if row.active:
                    users.append(row.user)
            # >
            return len(users), users
        """,
    "_resolve_color": """
        def paint(text, color):
            # <
            if color is None:
                color = text.color
            # >
            return text, color
        """,
    "_normalize_names": """
        def select(rows, names):
            # <
            if names is None:
                names = ()
            elif isinstance(names, str):
                names = names,
            # >
            return [row for row in rows if row in names]
        """,
    "_decode_text": """
        def tokens(text):
            # <
            if isinstance(text, bytes):
                text = text.decode()
            elif not isinstance(text, str):
                raise TypeError(text)
            # >
            return text.split()
        """,
    "_check_width": """
        def wrap(text, width):
            # <
            if width <= 0:
                raise ValueError("too narrow")
            if width > 1000:
                raise ValueError("too wide")
            # >
            return text[:width]
        """,
    "_format_dict": """
        def format_value(value, out):
            if isinstance(value, dict):
                # <
                for key in value:
                    print(key)
                return "{" + ", ".join(map(str, value)) + "}"
                # >
            return str(value)
        """,
    "_add_headers": """
        def render(table, lines):
            # <
            for header in table.headers:
                if header:
                    lines.append(header.upper())
            # >
            lines.append("")
            return lines
        """,
    "_iter_rows": """
        def walk(table):
            # <
            for row in table:
                if row:
                    yield row
            # >
            yield None
        """,
    "_set_timeout": """
        def receive(sock, timeout, start):
            # <
            if timeout:
                left = timeout - start
                if left <= 0:
                    raise TimeoutError
                sock.settimeout(left)
            # >
            return sock.recv(1)
        """,
    "_rename_field_names": """
        def build(field_names, rename):
            if rename:
                # <
                for index, name in enumerate(field_names):
                    if name.startswith("_"):
                        field_names[index] = f"_{index}"
                # >
            return field_names
        """,
    "_check_unique_values": """
        def invert(pairs):
            # <
            if len(set(pairs.values())) != len(pairs):
                raise ValueError("expected unique values, got others")
            # >
            return {value: key for key, value in pairs.items()}
        """,
    "_format_syntax_error": """
        def format_error(error):
            if error.lineno:
                # It was a syntax error; show where.
                # <
                lines = [error.text]
                lines.append(" " * error.offset + "^")
                return lines
                # >
            return [str(error)]
        """,
}


@pytest.mark.parametrize("wanted", CASES)
def test_name_is_what_a_person_would_give(wanted):
    code = CASES[wanted]
    assert named(code, code.split("def ")[1].split("(")[0]) == wanted


INIT = """
    class URL:
        def __init__(self, text):
            # <
            self.scheme = text.scheme or ""
            self.user = text.user or ""
            self.path = text.path or ""
            # >
            self.text = text
    """


def test_attributes_in_init():
    assert named(INIT, "URL.__init__") == "_init_attributes"


def test_taken_name_gets_a_further_word_and_never_a_number():
    first = named(CASES["_parse_port"], "parse_url")
    taken = {first}
    for _ in range(5):
        try:
            name = named(CASES["_parse_port"], "parse_url", taken)
        except RefactorError:
            break
        assert name not in taken
        assert not any(letter.isdigit() for letter in name)
        assert name.startswith("_")
        assert len(name) <= 30
        assert 2 <= len(name.strip("_").split("_")) <= 4
        taken.add(name)
    assert len(taken) > 2


def test_every_name_taken_is_refused():
    class Everything:
        def __contains__(self, name):
            return True

    with pytest.raises(RefactorError, match="taken"):
        named(CASES["_parse_port"], "parse_url", Everything())


def test_attribute_of_the_class_is_taken():
    code = INIT.replace("self.text = text", "self.text = text\n            self._init_attributes()")
    assert named(code, "URL.__init__") != "_init_attributes"


def test_name_of_another_function_but_for_the_underscore_is_taken():
    code = CASES["_parse_port"] + "\n        def parse_port(text):\n            return int(text)\n"
    assert named(code, "parse_url") != "_parse_port"


@pytest.mark.parametrize(
    "comment",
    [
        "# TODO: read the header some day",
        "# noqa: this is for a tool",
        "# type: ignore",
        "# port = int(rest) or None",
        "# ----------",
        "# This used to be different",
        "# FIXME parse it",
        "# Why is this here?",
    ],
)
def test_remarks_and_dead_code_give_no_name(comment):
    code = CASES["_parse_port"].replace("# <", f"{comment}\n            # <")
    assert named(code, "parse_url") == "_parse_port"


@pytest.mark.parametrize(
    ("comment", "wanted"),
    [
        ("# First, strip the trailing newline", "_strip_trailing_newline"),
        ("# 1. Collects all arguments", "_collect_arguments"),
        ("# Limiting the number of tokens, to be safe", "_limit_tokens"),
        ("# make sure the cache exists", "_ensure_cache_exists"),
        ("# Set up fd capture before isolation", "_set_up_fd_capture"),
    ],
)
def test_heading_comment_gives_the_name(comment, wanted):
    code = CASES["_parse_port"].replace("# <", f"{comment}\n            # <")
    assert named(code, "parse_url") == wanted


def test_heading_over_several_paragraphs_is_not_about_all_of_them():
    code = """
        def f(rest):
            # Strip the newline
            # <
            rest = rest.strip()
            # Now parse the port
            port = int(rest)
            # >
            return port
        """
    assert named(code) != "_strip_newline"


def test_camel_case_file_gets_camel_case():
    code = """
        def readFile(path): return open(path)
        def writeFile(path, text): return open(path).write(text)
        def parseUrl(rest):
            # <
            port = None
            if rest:
                port = int(rest)
            # >
            return rest, port
        """
    assert named(code, "parseUrl") == "_parsePort"


CONDITIONS = {
    "_should_skip_row": "for row in rows:\n        if {}:\n            continue\n        use(row)",
    "_should_close_stream": "if {}:\n        stream.close_stream()",
    "_is_ready": "ready = {}\n    return [ready]",
    "_should_prompt_for_value": (
        "if rows:\n        pass\n    elif {}:\n        value = prompt_for_value(rows)\n    return value"
    ),
}


@pytest.mark.parametrize("wanted", CONDITIONS)
def test_condition_is_named_by_what_hangs_on_it(wanted):
    test = "a.b(1) > 2 or (a.c and a.d(rows)) or value < 3"
    code = f"def f(a, rows, stream, use, value):\n    {CONDITIONS[wanted].format(test)}\n"
    source = Source.read("m.py", code.encode())
    place = source.place("f")
    wholes = [node for node in ast.walk(place.node) if isinstance(node, ast.BoolOp) and len(node.values) == 3]
    assert name_for_test(source, place, wholes[0], ()) == wanted


@pytest.mark.parametrize(
    ("test", "wanted"),
    [
        ("isinstance(node, dict)", "_is_dict"),
        ("isinstance(node, (int, float))", "_is_number"),
        ("node.parent is None", "_lacks_parent"),
        ("kind == 'name'", "_is_name"),
        ("cache and key in registry", "_is_in_registry"),
        ("not token.is_space", "_is_not_space"),
    ],
)
def test_short_condition_is_named_by_what_it_asks(test, wanted):
    source = Source.read(
        "m.py",
        f"def f(node, kind, cache, key, registry, token):\n    if {test}:\n        return 1\n".encode(),
    )
    place = source.place("f")
    assert name_for_test(source, place, place.node.body[0].test, ()) == wanted


def test_same_name_in_every_process():
    script = dedent(
        """
        import json, sys
        from naming_rig import cut_between
        from selfimprove.executor.refactor.naming.naming import name_for
        for code in json.load(sys.stdin):
            print(name_for(*cut_between(code, code.split("def ")[1].split("(")[0]), ()))
        """
    )
    seen = [
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            input=json.dumps(list(CASES.values())),
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert seen[0] == seen[1]
    assert seen[0].split() == list(CASES)


DOCUMENTED = """
    def load(path):
        stream = open(path)
        # read all of the header, up to the blank line
        # <
        header = {}
        for line in stream:
            header[line] = line
        # >
        return header
    """


def test_comment_becomes_the_docstring_and_says_which_lines_it_was():
    source, cut = cut_between(DOCUMENTED, "load")
    doc = docstring_for(source, cut, name_for(source, cut, ()))
    assert doc is not None
    assert doc.text == "Read all of the header, up to the blank line."
    assert doc.comment == (3, 3)


def test_docstring_follows_the_verb_form_of_the_file():
    code = '    def other():\n        """Returns nothing."""\n' + DOCUMENTED.lstrip("\n")
    source, cut = cut_between(code, "load")
    doc = docstring_for(source, cut, name_for(source, cut, ()))
    assert doc is not None
    assert doc.text.startswith("Reads all of the header")


def test_nothing_to_say_is_no_docstring():
    source, cut = cut_between(
        DOCUMENTED.replace("read all of the header, up to the blank line", "read the header"), "load"
    )
    assert docstring_for(source, cut, name_for(source, cut, ())) is None


def test_comment_that_gave_no_name_stays_where_it_is():
    source, cut = cut_between(DOCUMENTED, "load")
    assert docstring_for(source, cut, "_build_something") is None


def test_guard_is_documented_where_private_functions_are():
    code = """
        def _one():
            '''Do one.'''
        def _two():
            '''Do two.'''
        def f(rows):
            for row in rows:
                # <
                if not row:
                    continue
                if row.hidden:
                    continue
                # >
                print(row)
        """
    source, cut = cut_between(code, "f")
    doc = docstring_for(source, cut, name_for(source, cut, ()))
    assert doc is not None
    assert doc.text == "Return True to skip the rest of the loop's body."
    plain, same = cut_between(code.replace("'''Do one.'''", "pass").replace("'''Do two.'''", "pass"), "f")
    assert docstring_for(plain, same, "_should_skip_row") is None


@pytest.mark.parametrize(
    ("test", "wanted"),
    [
        ("MAX_DEPTH is not None and depth > MAX_DEPTH", "_exceeds_depth"),
        ("prev and valid_prev(prev) and valid_next(node)", "_has_valid_prev_and_next"),
        ("at > 1 and text[at].isdigit() and text[at + 1].isdigit()", "_are_digits"),
        ("stop and not isinstance(stop, date)", "_is_not_date"),
    ],
)
def test_what_only_makes_the_rest_of_a_condition_possible_is_no_part_of_its_name(test, wanted):
    source = Source.read("m.py", f"def f(a):\n    if {test}:\n        return a\n".encode())
    place = source.place("f")
    assert name_for_test(source, place, place.node.body[0].test, ()) == wanted


def test_what_is_no_truth_is_not_asked():
    source = Source.read(
        "m.py", b"def f(headers):\n    headers = headers.copy() if headers else {}\n    return headers\n"
    )
    place = source.place("f")
    assert not name_for_test(source, place, place.node.body[0].value, ()).startswith("_is_")


def test_the_constant_that_leads_to_a_branch_names_it():
    code = """
        class A:
            def handle_keyword(self, unified):
                if unified == "END IF":
                    # <
                    if self.stack and self.stack[-1] == "IF":
                        self.stack.pop()
                        return -1
                    # >
                elif unified == "END FOR":
                    self.stack.pop()
                return 0
    """
    assert named(code, "A.handle_keyword") == "_handle_end_if"


def test_the_only_comment_over_several_paragraphs_names_them():
    code = """
        def process(data, out):
            data = data.strip()
            # <
            # Format the SQL
            options = {}
            if data:
                options["a"] = 1

            data = data.upper()
            out.write(data)
            out.close()
            return 0
            # >
    """
    assert named(code, "process") == "_format_sql"


def test_a_name_does_not_differ_from_its_function_in_an_underscore_only():
    code = """
        def parse_url(text):
            host = text.strip()
            # <
            if host:
                host, port = host.split(":")
            else:
                port = None
            return {"host": host, "port": port}
            # >
    """
    assert named(code, "parse_url") != "_parse_url"


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("headers.copy() if headers else stream", "_choose_headers"),
        ("rows or (stream if a.c else value)", "_choose_rows"),
    ],
)
def test_one_of_several_values_is_no_question(value, wanted):
    source = Source.read(
        "m.py", f"def f(a, rows, headers, stream, value):\n    return use({value}, a)\n".encode()
    )
    place = source.place("f")
    whole = next(node for node in ast.walk(place.node) if isinstance(node, ast.IfExp | ast.BoolOp))
    assert name_for_test(source, place, whole, ()) == wanted


def test_an_expression_that_is_only_asked_stays_a_question():
    source = Source.read("m.py", b"def f(a, rows):\n    if rows and a:\n        use(a)\n")
    place = source.place("f")
    whole = next(node for node in ast.walk(place.node) if isinstance(node, ast.BoolOp))
    assert name_for_test(source, place, whole, ()).split("_")[1] in ("is", "has", "should", "needs")
