"""Documents that name what a change took away: found in real trees, and mended only by what is true."""

from __future__ import annotations

import pytest

from selfimprove.executor import stale
from selfimprove.tools.git.repo import open_repo

README = """\
# Shop

Call `parse_row(line)` for each line.
It is in lib/rows.py.

The parse of a row is quick.

```python
from lib.rows import parse_row
total = parse_row("1;2")
```

Nothing else.
"""
FILES = {
    "README.md": README,
    "CHANGELOG.md": "* `parse_row` is new.\n",
    "lib/rows.py": "def parse_row(line):\n    return line\n\n\ndef keep_me():\n    return 1\n",
    "docs/use.rst": "Use ``keep_me()``.\n",
}
AFTER = {"lib/lines.py": "def parse_line(line):\n    return line\n\n\ndef keep_me():\n    return 1\n"}


@pytest.fixture
def trees(project):
    made = project(FILES)
    old = made.git("rev-parse", "HEAD^{tree}")
    made.git("rm", "-q", "lib/rows.py")
    for path, text in AFTER.items():
        made.write(path, text)
    made.git("add", "-A")
    made.git("commit", "-qm", "rename")
    return open_repo(made.root, made.env), old, made.git("rev-parse", "HEAD^{tree}")


def test_only_what_stands_nowhere_any_more_is_gone(trees):
    repo, old, new = trees
    assert stale.gone_names(repo, old, new) == ("lib/rows.py", "parse_row")
    assert stale.gone_names(repo, old, old) == ()


def test_the_passages_that_name_it_are_found_and_the_past_is_left_alone(trees):
    repo, old, new = trees
    found = stale.stale_passages(repo, new, stale.gone_names(repo, old, new))
    assert [(one.path, one.start) for one in found] == [("README.md", 2), ("README.md", 7)]
    assert found[0].gone == ("lib/rows.py", "parse_row") and found[1].text.count("```") == 2
    assert stale.stale_passages(repo, new, ("parse_row",), but=("README.md",)) == []


@pytest.mark.parametrize(
    ("text", "sound"),
    [
        ("Call `parse_line(line)` for each line.\nIt is in lib/lines.py.\n", True),
        ("", True),
        ("Call `parse_row(line)`.\n", False),
        ("Call `parse_magic(line)` of lib/lines.py.\n", False),
        ("Call `parse_line(line)` of lib/magic.py.\n", False),
        ("word " * 400, False),
    ],
)
def test_new_words_are_taken_only_when_what_they_name_is_there(trees, text, sound):
    repo, old, new = trees
    passages = stale.stale_passages(repo, new, stale.gone_names(repo, old, new))
    answers = [{"number": 1, "text": text}, {"number": 9, "text": "x"}]
    files, refused = stale.rewritten(repo, new, passages, answers)
    assert (set(files), refused) == (({"README.md"}, 1) if sound else (set(), 2))
    if sound:
        words = "\n".join(README.splitlines()[2:4]) + "\n"
        assert files["README.md"].decode() == README.replace(words + "\n" * (not text), text)


def test_a_second_answer_to_a_passage_is_not_taken(trees):
    repo, old, new = trees
    passages = stale.stale_passages(repo, new, stale.gone_names(repo, old, new))
    twice = [{"number": 1, "text": f"Call `parse_line(line)`{more}.\n"} for more in ("", " again")]
    files, refused = stale.rewritten(repo, new, passages, twice)
    assert refused == 1
    text = files["README.md"].decode()
    assert "again" not in text and "The parse of a row is quick." in text


def test_many_fences_take_no_time(trees):
    assert not stale._names("```\n" * 60_000, "parse_row")
