"""What a person allows: a file that loses most of its text, a placeholder in the place of code."""

from __future__ import annotations

import pytest

from selfimprove.executor.patching.compose import apply_reply, refusal

BODY = "".join(f"def step_{n}(value):\n    return value + {n}\n\n\n" for n in range(20))
FILES = {"steps.py": BODY.encode()}
SHORT = "# Steps are numbers now.\nSTEPS = tuple(range(20))\nFIRST = STEPS[0]\nLAST = STEPS[-1]\n"
WHOLE = f"steps.py\n```python\n{SHORT}```\n"
BLOCK = """steps.py
<<<<<<< SEARCH
def step_3(value):
    return value + 3
=======
def step_3(value):
    # ... rest of the code unchanged ...
    return value + 33
>>>>>>> REPLACE
"""
LAZY = (
    "steps.py\n```python\n"
    + BODY.replace("    return value + 7\n", "    # TODO: the rest is omitted ...\n    return value + 77\n")
    + "```\n"
)


def test_a_gutted_file_is_refused_and_the_word_that_lets_it_through_is_told():
    result = apply_reply(
        WHOLE, {"steps.txt": ("word\n" * 3 + "".join(f"line {n}\n" for n in range(60))).encode()} | FILES
    )
    assert not result.ok
    gutted = "".join(f"line {n}\n" for n in range(40))
    reply = "notes.txt\n```\n" + "line 0\nline 1\n" + "new last words\n" * 12 + "line 39\n```\n"
    result = apply_reply(reply, {"notes.txt": gutted.encode()})
    assert not result.ok
    assert refusal(result).endswith("(to allow it: gutted)")
    allowed = apply_reply(reply, {"notes.txt": gutted.encode()}, allow=("gutted",))
    assert allowed.ok
    assert allowed.files["notes.txt"].startswith(b"line 0\nline 1\nnew last words\n")


@pytest.mark.parametrize("words", [(), ("gutted",), ("tests_changed",)])
def test_a_placeholder_is_refused_and_the_word_that_lets_it_through_is_told(words):
    result = apply_reply(BLOCK, FILES, allow=words)
    assert not result.ok
    assert refusal(result).endswith("(to allow it: placeholder)")


def test_an_allowed_placeholder_is_written():
    result = apply_reply(BLOCK, FILES, allow=["placeholder"])
    assert result.ok
    assert b"    # ... rest of the code unchanged ...\n    return value + 33\n" in result.files["steps.py"]


def test_what_is_allowed_lets_nothing_else_through():
    broken = BLOCK.replace("return value + 33", "return (value + 33")
    assert not apply_reply(broken, FILES, allow={"gutted", "placeholder"}).ok
