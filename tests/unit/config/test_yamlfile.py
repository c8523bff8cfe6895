"""The guarded YAML reader by itself: values, marks and lines, whatever room uses it."""

from __future__ import annotations

import math
import string

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from selfimprove.errors import TaskFileError
from selfimprove.yamlfile import MAX_DEPTH, compose, merged_pairs, read_yaml

TEXT = """\
base: &base
  p: 1
  q: 2
list:
  - id: a
    deps: [x,
      y]
  - id: b
    <<: *base
    q: 3
    r:
"""


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_values_marks_and_lines(bom: bytes, newline: str) -> None:
    document = read_yaml(bom + TEXT.replace("\n", newline).encode(), "t.yml", TaskFileError)
    assert document.bom == bool(bom)
    assert document.value["list"][1] == {"id": "b", "p": 1, "q": 3, "r": None}
    lines = {("base",): 1, ("list",): 4, ("list", 0): 5, ("list", 0, "deps", 1): 7, ("list", 1, "q"): 10}
    assert {path: document.line(path) for path in lines} == lines
    assert document.line(["list", 1, "p"]) == 2  # where the merged value stands
    assert document.line(["list", 1, "nothing", 5]) == 8  # the nearest place above
    assert document.line(["list", 7]) == 4
    assert document.where(["list", 1, "r"]) == "t.yml:11"
    node = document.find(["list", 0, "id"])
    assert node is not None
    assert document.text[node.start_mark.index : node.end_mark.index] == "a"
    assert document.find(["list", 2]) is None


def test_the_tree_stays_as_it_was_written() -> None:
    """PyYAML's own constructor moves merged pairs into the tree, and their marks point elsewhere."""
    document = read_yaml(TEXT.encode(), "t.yml", TaskFileError)
    node = document.find(["list", 1])
    assert isinstance(node, yaml.MappingNode)
    assert [key.value for key, _ in node.value] == ["id", "<<", "q", "r"]
    assert [key.value for key, _ in merged_pairs(node)] == ["p", "q", "id", "q", "r"]


def test_errors_are_of_the_class_that_the_caller_asks_for() -> None:
    with pytest.raises(TaskFileError) as caught:
        read_yaml(b"a: 1\na: 2\n", "tasks.yml", TaskFileError)
    assert (caught.value.where, caught.value.code) == ("tasks.yml:2", "tasks_invalid")


def test_an_empty_file_has_no_root() -> None:
    for data in (b"", b"# only\n", b"\xef\xbb\xbf"):
        document = read_yaml(data, "t.yml", TaskFileError)
        assert (document.root, document.value, document.line(["a", 1])) == (None, None, 1)


def test_depth_up_to_the_limit_is_read() -> None:
    assert read_yaml(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, "t.yml", TaskFileError).value
    with pytest.raises(TaskFileError, match="nested deeper"):
        read_yaml(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "t.yml", TaskFileError)


def test_a_foreign_tag_is_refused_only_where_it_is_used() -> None:
    document = compose(b"a: !x 1\nb: [2]\n", "t.yml", TaskFileError)
    assert document.construct(document.find(["b"])) == [2]
    with pytest.raises(TaskFileError, match="!x"):
        document.construct(document.root)


def test_harmless_aliases_are_fine() -> None:
    data = b"a: &a [1, 2]\nb: &b {x: *a, y: *a}\nc: [*a, *b, *b]\n"
    assert read_yaml(data, "t.yml", TaskFileError).value["c"][2]["y"] == [1, 2]


words = st.text(string.ascii_letters + string.digits + " é𝄞:#-[]{}'\"\n\t,&*!|>%@`\x85\u2028", max_size=12)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | words
trees = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
    max_leaves=15,
)


@settings(max_examples=150, deadline=None)
@given(tree=trees, flow=st.sampled_from([True, False, None]))
def test_what_is_dumped_is_read_like_safe_load(tree: object, flow: bool | None) -> None:
    text = yaml.safe_dump(tree, default_flow_style=flow, allow_unicode=True)
    document = read_yaml(text.encode(), "t.yml", TaskFileError)
    assert document.value == yaml.load(text, Loader=yaml.CSafeLoader)


@settings(max_examples=300, deadline=None)
@given(data=st.binary(max_size=60) | words.map(str.encode))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        document = read_yaml(data, "t.yml", TaskFileError)
    except TaskFileError as problem:
        assert problem.where.startswith("t.yml:")
        assert problem.hint
    else:
        expected = yaml.load(data.decode("utf-8-sig"), Loader=yaml.CSafeLoader)
        assert document.value == expected or math.isnan(expected)
