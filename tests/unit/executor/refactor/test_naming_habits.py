"""Habits of names: one small case for each kind of name that a reviewer changed, and what it is now."""

from __future__ import annotations

from textwrap import dedent

import pytest

from naming_rig import cut_between
from selfimprove.errors import RefactorError
from selfimprove.executor.refactor.naming.docs import docstring_for
from selfimprove.executor.refactor.naming.naming import name_for
from selfimprove.executor.refactor.naming.words_of import head, split


def named(code: str, taken=()) -> str:
    symbol = code.split("def ")[1].split("(")[0]
    return name_for(*cut_between(code, symbol), taken)


CASES = {
    # of several items that are set, the thing that they are set on
    "_set_content_headers": """
        def send(name, mimetype, download, headers):
            # <
            if mimetype:
                headers["Content-Type"] = mimetype
            if download:
                headers["Content-Disposition"] = "attachment; " + name
            # >
            return headers
        """,
    # nothing of what is returned says anything: what was done
    "_set_content_length": """
        def cast(out, response):
            if not out:
                # <
                if "Content-Length" not in response:
                    response["Content-Length"] = 0
                return []
                # >
            return out
        """,
    # a thing around what was there before
    "_wrap_stream": """
        def read(out, stream):
            # <
            if hasattr(out, "close"):
                stream = closing_iter(stream, out.close)
            # >
            return stream
        """,
    # True means that the answer is no
    "_rules_out_dense_emphasis": """
        def dense_emphasis(text, end):
            # <
            if end < 2:
                return False
            if text[end] == " " and end > 7:
                return False
            # >
            return text.isupper()
        """,
    # nothing is given back where a number was to be read
    "_is_invalid_number": """
        def parse_number(raw, sign):
            # <
            if len(raw) > 1 and raw.startswith("0"):
                return None
            if raw.startswith("0x") and sign:
                return None
            # >
            return int(raw)
        """,
    # a generator that ends before it begins
    "_yields_nothing": """
        def partitions(k, n):
            # <
            if k < 1:
                raise ValueError("no groups")
            elif k > n:
                return
            # >
            yield from range(k)
        """,
    # what is received is not the socket
    "_receive_chunk": """
        def fill(sock, size):
            # <
            nxt = sock.recv(size)
            if not nxt:
                raise EOFError("closed")
            # >
            return nxt
        """,
    # texts for one unit of several
    "_format_hours": """
        def naturaldelta(delta):
            if delta.seconds > 60:
                # <
                hours = round(delta.seconds / 3600)
                if hours == 1:
                    return "an hour"
                if hours == 24:
                    return "a day"
                return "%d hours" % hours
                # >
            return "a moment"
        """,
    # a number at the end of the function's name is no other name
    "_parse_datetime": """
        def parse_rfc3339(text):
            m = match(text)
            # <
            if m.group("tz"):
                return datetime(m.group("date"), tz=m.group("tz"))
            return datetime(m.group("date"))
            # >
        """,
    # many things of which one name holds what they have in common
    "_build_completion_items": """
        def shell_complete(params, prefix):
            # <
            results = []
            for param in params:
                results.extend(CompletionItem(name) for name in param.opts if name.startswith(prefix))
            # >
            results.sort()
            return results
        """,
    # calls of functions that have no verb: the case that they are for
    "_handle_cast_keywords": """
        def check_all(node, annotation, other):
            if is_typing(node.func, "cast"):
                annotation(node)
                # <
                for kwd in node.keywords:
                    if kwd.arg == "typ":
                        annotation(kwd)
                    else:
                        other(kwd)
                # >
                other(node)
        """,
    # a comment in the only branch
    "_remove_next_comma": """
        def delete(groups, index, commas):
            # <
            if not commas:
                # Remove the next comma
                for group in groups[index:]:
                    if "," in group.indent:
                        group.indent = group.indent.replace(",", "", 1)
                        break
            # >
            return groups
        """,
    # "check for" is "check"
    "_check_dependent_extensions": """
        def run(self_like, md):
            # Check for dependent extensions
            # <
            if not self_like.checked:
                for ext in md.extensions:
                    if ext.name == "hilite":
                        self_like.hilite = ext
            # >
            return md
        """,
    # two sentences, though the first has no full stop
    "_find_tokens": """
        def scan(text, start):
            # Find tokens
            # Looking for those of emphasis
            # <
            found = text.find("*", start)
            if found < 0:
                found = text.find("_", start)
            # >
            return found
        """,
    # the last word of a longer case, rather than five words
    "_match_segments_for_glob": """
        def match_segments(segments, ss_glob):
            if ss_glob:
                # <
                for one, two in zip(segments, ss_glob):
                    if one != two:
                        return False
                return True
                # >
            return not segments
        """,
    # a group of a match is no act of grouping
    "_resolve_lang": """
        def run(m, lang, config):
            # <
            if m.group("lang"):
                lang = m.group("lang")
            if m.group("lines"):
                config["lines"] = m.group("lines")
            # >
            return lang
        """,
}


@pytest.mark.parametrize("wanted", CASES)
def test_name_is_what_a_reviewer_keeps(wanted):
    assert named(CASES[wanted]) == wanted


def test_comment_over_the_first_paragraph_is_not_about_the_second():
    code = """
        def process(tokens, identifiers, offset):
            # ensure whitespace
            # <
            for token in tokens:
                if token.value == ",":
                    token.follow(" ")

            with offset:
                for token in identifiers:
                    token.wrap()
            # >
            return tokens
        """
    assert named(code) != "_ensure_whitespace"


def test_loop_that_a_comment_says_to_find_things_gives_nothing_back():
    code = """
        def clean(root):
            # Find parents that contain notes
            # <
            for parent in root.findall("sup"):
                if parent.text:
                    root.remove(parent)
            # >
            return root
        """
    assert "find" not in named(code)


def test_question_with_a_side_effect_is_no_question():
    code = """
        def quoted(result, arg):
            # <
            needquote = " " in arg or not arg
            if needquote:
                result.append('"')
            # >
            result.append(arg)
            return needquote
        """
    assert named(code) == "_add_quote"


def test_taken_name_is_told_apart_before_a_worse_one():
    code = """
        def style(bold, blink, reverse, bits):
            # <
            if blink is not None:
                bits.append("5" if blink else "25")
            if reverse is not None:
                bits.append("7" if reverse else "27")
            # >
            return "".join(bits)
        """
    first = named(code)
    assert first == "_add_bits"
    assert named(code, {first}).endswith("_bits")


def test_names_are_four_words_at_most():
    for code in CASES.values():
        words = named(code).strip("_").split("_")
        assert len([word for word in words if word not in ("and", "or")]) <= 4


def test_reason_is_the_real_one():
    class Everything:
        def __contains__(self, name):
            return True

    with pytest.raises(RefactorError, match="taken"):
        named(CASES["_receive_chunk"], Everything())


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("AoT", ("aot",)),
        ("isAoTItem", ("is", "aot", "item")),
        ("IPv4Address", ("ipv4", "address")),
        ("HTTPServer2", ("http", "server2")),
        ("fromPyPI", ("from", "pypi")),
    ],
)
def test_acronyms_are_one_word(name, words):
    assert split(name) == words


def test_head_of_a_name_is_what_stands_before_the_preposition():
    assert head(("newline", "in", "table")) == ("newline",)
    assert head(("max", "width")) == ("max", "width")


MESSAGES = """
    def limit(width, height, depth):
        # <
        if width <= 0:
            raise ValueError("{}")
        if height <= 0:
            raise ValueError("{}")
        # >
        return width * height * depth
    """


@pytest.mark.parametrize(
    ("one", "two", "wanted"),
    [
        ("line width must be positive", "the line width cannot be zero", "_check_line_width"),
        ("line width must be positive", "page height should be more", "_check_width_and_height"),
        ("not in the range 1 to 9", "not in the range 1 to 9", "_check_range"),
    ],
)
def test_check_is_named_by_what_the_messages_complain_about(one, two, wanted):
    assert named(MESSAGES.format(one, two)) == wanted


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        (CASES["_is_invalid_number"], "Return True when parse_number is to return None."),
        (
            MESSAGES.format("line width must be positive", "it is not"),
            "Raise ValueError for what is not allowed.",
        ),
        (CASES["_wrap_stream"], None),
    ],
)
def test_docstring_says_what_the_name_does_not(code, wanted):
    documented = '\ndef one():\n    """Do one."""\n\n\ndef two():\n    """Do two."""\n\n\n' + dedent(code)
    source, cut = cut_between(documented, dedent(code).split("def ")[1].split("(")[0])
    doc = docstring_for(source, cut, name_for(source, cut, ()))
    assert (doc and doc.text) == wanted
    source, cut = cut_between(code, dedent(code).split("def ")[1].split("(")[0])
    assert docstring_for(source, cut, name_for(source, cut, ())) is None


def test_loop_over_numbered_parameters_is_about_all_of_them():
    code = """
        def assert_equal(node1, node2):
            if node1 is not node2:
                # <
                assert node1.value == node2.value, (node1, node2)
                assert node1.type == node2.type, (node1, node2)
                if node1.name:
                    assert node1.name == node2.name, (node1, node2)
                # >
            return True
        """
    assert named(code).endswith("_nodes")


def test_value_that_a_branch_on_its_type_changes_is_normalized():
    code = """
        def bits(val):
            # <
            if type(val) is list:
                val = "".join("1" if one else "0" for one in val)
            # >
            return int(val, 2)
        """
    assert named(code) == "_normalize_value"


def test_generator_iterates_whatever_else_it_does():
    code = """
        def join(rows, seen, key):
            # <
            for row in rows:
                seen(key(row))
                yield row
            # >
            yield None
        """
    assert named(code).startswith("_iter_")
    assert named(code, {"_iter_rows"}).startswith("_iter_")
