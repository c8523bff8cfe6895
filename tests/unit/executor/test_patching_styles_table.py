"""parse_reply: a table of replies in every style, each with the edits that it asks for."""

# ruff: noqa: E501 (one reply, one line)

from __future__ import annotations

import pytest

from selfimprove.errors import PatchError
from selfimprove.executor.patching.reply import parse_reply
from selfimprove.model.patch import Action, Edit

KNOWN = frozenset({"src/x.py", "README.md", "Makefile", "a b/c d.py"})
BODY = "<<<<<<< SEARCH\nx = 1\n=======\nx = 2\n>>>>>>> REPLACE\n"
FENCED = f"```python\n{BODY}```\n"
HUNK = " a\n-x = 1\n+x = 2\n b\n"
HEADS = "--- a/src/x.py\n+++ b/src/x.py\n"


def brief(edit: Edit) -> tuple[object, ...]:
    """Return what the tables compare: path, action, old, new, and the line or the word that matter."""
    return edit.path, edit.action.value, edit.old, edit.new


def edits(text: str) -> list[tuple[object, ...]]:
    return [
        brief(edit)
        for edit in parse_reply(text, KNOWN).edits
        if not edit.shown and (not edit.broken or pytest.fail(edit.broken))
    ]


ONE = ("src/x.py", "replace", ("x = 1",), ("x = 2",))
TWO = ("src/x.py", "replace", ("a", "x = 1", "b"), ("a", "x = 2", "b"))

BLOCKS = {
    "plain": f"src/x.py\n{BODY}",
    "no last newline": f"src/x.py\n{BODY}".rstrip("\n"),
    "crlf": f"src/x.py\n{BODY}".replace("\n", "\r\n"),
    "bom": f"\ufeffsrc/x.py\n{BODY}",
    "name above the fence": f"src/x.py\n{FENCED}",
    "name in the fence": FENCED.replace("```python\n", "```python\nsrc/x.py\n"),
    "name as a comment in the fence": FENCED.replace("```python\n", "```python\n# src/x.py\n"),
    "language:name": FENCED.replace("```python", "```python:src/x.py"),
    "name as info": FENCED.replace("```python", "```src/x.py"),
    "title": FENCED.replace("```python", '```python title="src/x.py"'),
    "braces": FENCED.replace("```python", '```{.python filename="src/x.py"}'),
    "heading": f"### src/x.py\n\n{FENCED}",
    "heading with ticks": f"#### `src/x.py`\n{FENCED}",
    "bold": f"**src/x.py**\n{FENCED}",
    "bold with colon": f"**`src/x.py`:**\n{FENCED}",
    "File:": f"File: src/x.py\n{FENCED}",
    "bold File:": f"**File: `src/x.py`**\n{FENCED}",
    "heading File:": f"## File: src/x.py\n{FENCED}",
    "In:": f"In `src/x.py`:\n\n{FENCED}",
    "numbered": f"1. src/x.py\n{FENCED}",
    "numbered heading": f"### 1. `src/x.py`\n{FENCED}",
    "bullet": f"- `src/x.py`\n{FENCED}",
    "update": f"Update `src/x.py` (modified):\n{FENCED}",
    "sentence": f"Here is the change for `src/x.py`, which sets the value:\n{FENCED}",
    "name then prose": f"src/x.py\nThe module `os` of `lib.py` stays.\n{FENCED}",
    "typographic quotes": f"File: “src/x.py”\n{FENCED}",
    "name on the mark": BODY.replace("SEARCH", "src/x.py"),
    "name after the word": BODY.replace("SEARCH", "SEARCH src/x.py"),
    "five marks": f"src/x.py\n{BODY}".replace("<<<<<<<", "<<<<<").replace(">>>>>>>", ">>>>>").replace("=======", "====="),
    "twelve marks": f"src/x.py\n{BODY}".replace("<<<<<<<", "<" * 12).replace(">>>>>>>", ">" * 12).replace("=======", "=" * 12),
    "uneven marks": f"src/x.py\n{BODY}".replace(">>>>>>>", ">>>>>>>>").replace("=======", "======"),
    "original, updated": f"src/x.py\n{BODY}".replace("SEARCH", "ORIGINAL").replace("REPLACE", "UPDATED"),
    "head": f"src/x.py\n{BODY}".replace("SEARCH", "HEAD").replace("REPLACE", "UPDATED"),
    "head and a branch": f"src/x.py\n{BODY}".replace("SEARCH", "HEAD").replace("REPLACE", "feature/better"),
    "no space": f"src/x.py\n{BODY}".replace("< S", "<S").replace("> R", ">R"),
    "trailing blanks and colon": f"src/x.py\n{BODY}".replace("SEARCH", "SEARCH:  ").replace("REPLACE", "REPLACE \t"),
    "no-break space": f"src/x.py\n{BODY}".replace("< S", "<\u00a0S").replace("> R", ">\u00a0R"),
    "small letters": f"src/x.py\n{BODY}".replace("SEARCH", "search").replace("REPLACE", "replace"),
    "in a list": "1. `src/x.py`:\n" + "".join(f"   {line}\n" for line in FENCED.splitlines()),
    "indented marks only": f"src/x.py\n{BODY}".replace("<<<<<<<", "  <<<<<<<").replace(">>>>>>>", "  >>>>>>>"),
    "quoted": "> Like this:\n>\n" + "".join(f"> {line}\n" for line in f"src/x.py\n{FENCED}".splitlines()),
    "fenced twice": f"````markdown\nsrc/x.py\n{FENCED}````\n",
    "fenced twice alike": f"```markdown\nsrc/x.py\n{FENCED}```\n",
    "escaped": f"src/x.py\n{BODY}".replace("<", "&lt;").replace(">", "&gt;"),
    "escaped twice": f"src/x.py\n{BODY}".replace("<", "&amp;lt;").replace(">", "&amp;gt;"),
    "after thoughts": f"<think>\nsrc/y.py\n{BODY}</think>\nsrc/x.py\n{BODY}",
    "after thoughts without a beginning": f"src/y.py\n{BODY}</think>\nsrc/x.py\n{BODY}",
    "draft and final": f"src/x.py\n{BODY}\nOnce more:\n\nsrc/x.py\n{BODY}",
    "fences in the parts": "src/x.py\n<<<<<<< SEARCH\n```python\nx = 1\n```\n=======\n```python\nx = 2\n```\n>>>>>>> REPLACE\n",
    "an example beside it": f"It was `x`:\n\n```python\ndef f():\n    pass\n```\n\nsrc/x.py\n{FENCED}",
    "a quoted example beside it": f"> <<<<<<< SEARCH\n> old\n> =======\n> new\n> >>>>>>> REPLACE\n\nsrc/x.py\n{BODY}",
    "a form beside it": f"path/to/file.py\n{BODY}\nsrc/x.py\n{BODY}",
    "commands beside it": f"src/x.py\n{FENCED}\nRun it:\n```bash\npytest tests/test_x.py\n```\n",
    "stray closing fence": f"src/x.py\n{BODY}```\n",
    "tags": "<file path=\"src/x.py\">\n<search>\nx = 1\n</search>\n<replace>\nx = 2\n</replace>\n</file>\n",
    "tags in one line": "src/x.py\n<search>x = 1</search>\n<replace>x = 2</replace>\n",
    "tags with a path": "<edit>\n<path>src/x.py</path>\n<old_str>\nx = 1\n</old_str>\n<new_str>\nx = 2\n</new_str>\n</edit>\n",
    "parameters": '<invoke name="edit">\n<parameter name="path">src/x.py</parameter>\n<parameter name="old_str">x = 1</parameter>\n'
    '<parameter name="new_str">x = 2</parameter>\n</invoke>\n',
    "escaped tags": "&lt;file path=&quot;src/x.py&quot;&gt;\n&lt;search&gt;\nx = 1\n&lt;/search&gt;\n&lt;replace&gt;\nx = 2\n&lt;/replace&gt;\n&lt;/file&gt;",
    "json": '{"edits": [{"path": "src/x.py", "search": "x = 1", "replace": "x = 2"}]}',
    "json in prose": 'Sure:\n\n```json\n[{"file": "src/x.py", "old": "x = 1\\n", "new": "x = 2\\n"}]\n```\nDone.',
    "json, bare, in prose": 'Sure:\n{"file_path": "src/x.py", "old_string": "x = 1", "new_string": "x = 2"}\nDone.',
    "json with a trailing comma": '{"edits": [{"path": "src/x.py", "search": "x = 1", "replace": "x = 2",},],}',
    "json with comments": '{ // it\n"edits": [{"path": "src/x.py", /* old */ "before": "x = 1", "after": "x = 2"}]}',
    "json in single quotes": "{'edits': [{'filename': 'src/x.py', 'find': 'x = 1', 'replacement': 'x = 2'}]}",
    "json of a tool": '{"name": "str_replace_editor", "arguments": "{\\"command\\": \\"str_replace\\", \\"path\\": \\"src/x.py\\", '
    '\\"old_str\\": \\"x = 1\\", \\"new_str\\": \\"x = 2\\"}"}',
    "json of tool calls": '{"tool_calls": [{"type": "function", "function": {"name": "edit", "arguments": {"path": "src/x.py", '
    '"old_str": "x = 1", "new_str": "x = 2"}}}]}',
    "json by file": '{"files": [{"path": "src/x.py", "edits": [{"search": "x = 1", "replace": "x = 2"}]}]}',
    "json, keys in another way": '{"files": [{"path": "src/x.py", "edits": [{"oldText": "x = 1", "newText": "x = 2"}]}]}',
    "json, a table": '{"changes": {"src/x.py": [{"find": "x = 1", "replace": "x = 2"}]}}',
    "json lists of lines": '{"path": "src/x.py", "search": ["x = 1"], "replace": ["x = 2"]}',
}  # fmt: skip


@pytest.mark.parametrize("text", BLOCKS.values(), ids=BLOCKS.keys())
def test_search_and_replace(text: str) -> None:
    assert edits(text) == [ONE]


DIFFS = {
    "git": f"diff --git a/src/x.py b/src/x.py\nindex 12..34 100644\n{HEADS}@@ -1,3 +1,3 @@\n{HUNK}",
    "fenced": f"```diff\n{HEADS}@@ -1,3 +1,3 @@\n{HUNK}```\n",
    "no prefixes": f"--- src/x.py\n+++ src/x.py\n@@ -1,3 +1,3 @@\n{HUNK}",
    "times": f"--- src/x.py\t2024-01-01 10:00:00\n+++ src/x.py\t2024-01-02 10:00:00 +0000\n@@ -1,3 +1,3 @@\n{HUNK}",
    "wrong numbers": f"{HEADS}@@ -90,30 +90,2 @@\n{HUNK}\nThat is all, I think.\n",
    "counts too small": f"{HEADS}@@ -1 +1 @@\n{HUNK}",
    "no numbers": f"{HEADS}@@ @@\n{HUNK}",
    "dots for numbers": f"{HEADS}@@ ... @@\n{HUNK}",
    "bare marks": f"{HEADS}@@\n{HUNK}",
    "no heads": f"{HEADS}{HUNK}",
    "no heads, named": f"`src/x.py`\n```diff\n{HUNK}```",
    "no names, in a fence": f"src/x.py\n```diff\n@@ -1,3 +1,3 @@\n{HUNK}```",
    "no names": f"src/x.py\n@@ -1,3 +1,3 @@\n{HUNK}",
    "git's line alone": f"diff --git a/src/x.py b/src/x.py\n@@ -1,3 +1,3 @@\n{HUNK}",
    "new name alone": f"+++ b/src/x.py\n@@ -1,3 +1,3 @@\n{HUNK}",
    "in a fence without language": f"```\n{HEADS}@@ -1,3 +1,3 @@\n{HUNK}```",
    "crlf": f"{HEADS}@@ -1,3 +1,3 @@\n{HUNK}".replace("\n", "\r\n"),
    "prose after it": f"{HEADS}@@ -1,3 +1,3 @@\n{HUNK}\nThis sets x.\n- It is small.\n",
    "blanks lost": f"```diff\n{HEADS}@@ -1,3 +1,3 @@\n" + HUNK.replace(" a", "a").replace(" b", "b") + "```",
    "blanks lost, no fence": f"{HEADS}@@ -1,3 +1,3 @@\n" + HUNK.replace(" a", "a").replace(" b", "b"),
    "quoted": "".join(f"> {line}\n" for line in f"```diff\n{HEADS}@@ -1,3 +1,3 @@\n{HUNK}```".split("\n")),
    "fenced twice": f"```markdown\nHere it is.\n\n```diff\n{HEADS}@@ -1,3 +1,3 @@\n{HUNK}```\n```\n",
    "escaped": f"It&#x27;s this:\n{HEADS}@@ -1,3 +1,3 @@\n{HUNK}",
    "patch": f"*** Begin Patch\n*** Update File: src/x.py\n@@\n{HUNK}*** End Patch\n",
    "patch without @@": f"*** Begin Patch\n*** Update File: src/x.py\n{HUNK}*** End Patch\n",
    "patch in a fence": f"```\n*** Begin Patch\n*** Update File: src/x.py\n@@\n{HUNK}*** End Patch\n```\n",
    "patch in a fence, without its end": f"```patch\n*** Begin Patch\n*** Update File: src/x.py\n@@\n{HUNK}```\n",
    "patch without beginning and end": f"*** Update File: src/x.py\n@@\n{HUNK}",
    "patch, blanks lost": f"*** Begin Patch\n*** Update File: src/x.py\n@@\n{HUNK.replace(' a', 'a')}*** End Patch\n",
    "patch, end of file": f"*** Begin Patch\n*** Update File: src/x.py\n@@\n{HUNK}*** End of File\n*** End Patch",
    "patch as a command": f"apply_patch <<'EOF'\n*** Begin Patch\n*** Update File: src/x.py\n@@\n{HUNK}*** End Patch\nEOF\n",
    "patch in json": '{"patch": "*** Begin Patch\\n*** Update File: src/x.py\\n@@\\n a\\n-x = 1\\n+x = 2\\n b\\n*** End Patch"}',
    "diff in json": '{"path": "src/x.py", "diff": "@@ -1,3 +1,3 @@\\n a\\n-x = 1\\n+x = 2\\n b\\n"}',
}  # fmt: skip


@pytest.mark.parametrize("text", DIFFS.values(), ids=DIFFS.keys())
def test_differences(text: str) -> None:
    assert edits(text) == [TWO]
    assert parse_reply(text, KNOWN).edits[0].marks == " -+ "


def whole(path: str, *lines: str) -> list[tuple[object, ...]]:
    return [(path, "whole", (), lines)]


WHOLES = {
    "name above": ("src/x.py\n```python\nx = 2\n```\n", whole("src/x.py", "x = 2")),
    "FILE:": ("FILE: src/x.py\n```python\nx = 2\n```\n", whole("src/x.py", "x = 2")),
    "FILE: of a new folder": ("FILE: new dir/y.py\n```\nx\n```\n", whole("new dir/y.py", "x")),
    "info": ("```python:src/x.py\nx = 2\n```", whole("src/x.py", "x = 2")),
    "label": ("```python\n# src/x.py\nx = 2\n```", whole("src/x.py", "x = 2")),
    "label and name": ("src/x.py:\n```python\n# src/x.py\nx = 2\n```", whole("src/x.py", "x = 2")),
    "a known name": ("### Makefile\n```make\nall:\n```", whole("Makefile", "all:")),
    "sentence": ("Here is the new `src/x.py`:\n```python\nx = 2\n```", whole("src/x.py", "x = 2")),
    "elision": ("src/x.py\n```\n# ... existing code ...\nx = 2\n```", whole("src/x.py", "# ... existing code ...", "x = 2")),
    "tilde": ("src/x.py\n~~~\nx = 2\n~~~", whole("src/x.py", "x = 2")),
    "fences inside": ("README.md\n```markdown\n# T\n```sh\nls\n```\nend\n```\n", whole("README.md", "# T", "```sh", "ls", "```", "end")),
    "a longer fence": ("README.md\n````\n# T\n```\nls\n```\n````\n", whole("README.md", "# T", "```", "ls", "```")),
    "a docstring's fence": ('src/x.py\n```python\n"""D.\n\n    ```\n    f()\n    ```\n"""\n```', whole("src/x.py", '"""D.', "", "    ```", "    f()", "    ```", '"""')),
    "in a list": ("1. `src/x.py`\n\n   ```python\n   if x:\n       y\n   ```\n", whole("src/x.py", "if x:", "    y")),
    "fenced twice": ("```markdown\nsrc/x.py\n```python\nx = 2\n```\n```\n", whole("src/x.py", "x = 2")),
    "fenced twice, without a language": ("```text\nSo:\n\nsrc/x.py\n```\nx = 2\n```\n```\n", whole("src/x.py", "x = 2")),
    "its end behind a line": ("src/x.py\n```python\nx = 1\nreturn x```\n\nlib/y.py\n```python\ny```\n", whole("src/x.py", "x = 1", "return x") + whole("lib/y.py", "y")),
    "a tag": ('<file path="src/x.py">\nx = 2\n</file>', whole("src/x.py", "x = 2")),
    "content in a tag": ("<path>src/x.py</path>\n<content>\nx = 2\n</content>", whole("src/x.py", "x = 2")),
    "json": ('{"path": "src/x.py", "content": "x = 2\\n"}', whole("src/x.py", "x = 2")),
    "json by path": ('{"files": {"src/x.py": "x = 2\\n"}}', whole("src/x.py", "x = 2")),
    "json with raw line ends": ('{"path": "src/x.py", "content": "x = 2\ny = 3\n"}', whole("src/x.py", "x = 2", "y = 3")),
    "json, a tool makes it": ('{"command": "create", "path": "src/x.py", "file_text": "x = 2\\n"}', whole("src/x.py", "x = 2")),
    "two files": ("src/x.py\n```\nx\n```\nlib/y.py\n```\ny\n```", whole("src/x.py", "x") + whole("lib/y.py", "y")),
    "a function": ("```python\ndef f():\n    return 1\n```", [("", "definition", (), ("def f():", "    return 1"))]),
    "a method": ("```python\n    @property\n    def f(self):\n        return 1\n```", [("", "definition", (), ("    @property", "    def f(self):", "        return 1"))]),
    "javascript": ("```js\n// it\nexport async function f() {\n}\n```", [("", "definition", (), ("// it", "export async function f() {", "}"))]),
    "as it was, as it is": ("Before:\n```python\ndef f():\n    return 1\n```\nAfter:\n```python\ndef f():\n    return 2\n```",
        [("", "definition", (), ("def f():", "    return 2"))]),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), WHOLES.values(), ids=WHOLES.keys())
def test_whole_files_and_definitions(text: str, expected: list[tuple[object, ...]]) -> None:
    assert edits(text) == expected


def replaced(path: str, old: tuple[str, ...], new: tuple[str, ...]) -> tuple[object, ...]:
    return path, "replace", old, new


SEVERAL = {
    "one name for two blocks": (f"src/x.py\n{BODY}\n{BODY.replace('x', 'y')}", [ONE, replaced("src/x.py", ("y = 1",), ("y = 2",))]),
    "two files": (f"src/x.py\n{BODY}lib/z.py\n{BODY}", [ONE, replaced("lib/z.py", ("x = 1",), ("x = 2",))]),
    "no name": (BODY, [replaced("", ("x = 1",), ("x = 2",))]),
    "a name with blanks": (f"a b/c d.py\n{BODY}", [replaced("a b/c d.py", ("x = 1",), ("x = 2",))]),
    "a new file": ("n.py\n<<<<<<< SEARCH\n=======\nx\n>>>>>>> REPLACE\n", [replaced("n.py", (), ("x",))]),
    "lines taken away": ("n.py\n<<<<<<< SEARCH\nx\n=======\n>>>>>>> REPLACE\n", [replaced("n.py", ("x",), ())]),
    "a block without its first mark": (f"src/x.py\n{BODY}y = 1\n=======\ny = 2\n>>>>>>> REPLACE\n", [ONE, replaced("src/x.py", ("y = 1",), ("y = 2",))]),
    "a heading in a block": ("a.rst\n<<<<<<< SEARCH\nTitle\n=======\nlong text here\n=======\nother text\n>>>>>>> REPLACE\n",
        [replaced("a.rst", ("Title", "=======", "long text here"), ("other text",))]),
    "nine marks": ("a.rst\n<<<<<<<<< SEARCH\nA\n=======\n=========\nB\n=======\n>>>>>>>>> REPLACE\n", [replaced("a.rst", ("A", "======="), ("B", "======="))]),
    "two hunks": (f"{HEADS}@@ -1,3 +1,3 @@\n{HUNK}@@ -9,2 +9,1 @@ def f():\n c\n-d\n", [TWO, replaced("src/x.py", ("c", "d"), ("c",))]),
    "two files in a diff": (f"{HEADS}@@ -1,3 +1,3 @@\n{HUNK}--- a/y.py\n+++ b/y.py\n@@ -1 +1 @@\n-c\n+d\n", [TWO, replaced("y.py", ("c",), ("d",))]),
    "a diff makes a file": ("--- /dev/null\n+++ b/n.py\n@@ -0,0 +1,2 @@\n+a\n+b\n", [replaced("n.py", (), ("a", "b"))]),
    "a diff takes a file away": ("--- a/n.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n", [("n.py", "delete", ("a",), ())]),
    "a diff moves a file": ("diff --git a/n.py b/m.py\nsimilarity index 100%\nrename from n.py\nrename to m.py\n", [("n.py", "rename", (), ())]),
    "an empty context line": (f"{HEADS}@@ -1,3 +1,3 @@\n a\n\n-b\n+c\n", [replaced("src/x.py", ("a", "", "b"), ("a", "", "c"))]),
    "rules and items that lost their blank": ("*** Begin Patch\n*** Update File: c.rst\n@@\nTitle\n-----\n\n-Old\n+New\n\n-   Item\n*** End Patch",
        [replaced("c.rst", ("Title", "-----", "", "Old", "", "-   Item"), ("Title", "-----", "", "New", "", "-   Item"))]),
    "dots in a diff": (f"```diff\n{HEADS}@@ @@\n a\n...\n b\n-c\n```", [replaced("src/x.py", ("a", "...", "b", "c"), ("a", "...", "b"))]),
    "minus and plus in the content": (f"{HEADS}@@ -1,2 +1,2 @@\n--- a\n+++ b\n c\n", [replaced("src/x.py", ("-- a", "c"), ("++ b", "c"))]),
    "a patch adds": ("*** Begin Patch\n*** Add File: n.py\n+a\n+\n+b\n*** Delete File: o.py\n*** End Patch", [replaced("n.py", (), ("a", "", "b")), ("o.py", "delete", (), ())]),
    "a patch moves": (f"*** Begin Patch\n*** Update File: src/x.py\n*** Move to: y.py\n@@\n{HUNK}*** End Patch", [("src/x.py", "rename", (), ()), TWO]),
    "json lines": ('{"path": "a", "search": "b", "replace": "c"}\n{"path": "d", "search": "e", "replace": "f"}\n', [replaced("a", ("b",), ("c",)), replaced("d", ("e",), ("f",))]),
    "json deletes": ('[{"action": "delete", "path": "a.py"}]', [("a.py", "delete", (), ())]),
    "json puts after a text": ('{"path": "a.py", "insert_after": "x", "content": "y"}', [replaced("a.py", ("x",), ("x", "y"))]),
    "a mixture": (f'src/x.py\n{BODY}\n```diff\n{HEADS}@@ @@\n{HUNK}```\n{{"path": "q.py", "content": "1"}}\n', [ONE, TWO, ("q.py", "whole", (), ("1",))]),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), SEVERAL.values(), ids=SEVERAL.keys())
def test_several_edits_and_odd_ones(text: str, expected: list[tuple[object, ...]]) -> None:
    assert edits(text) == expected


CUT = {
    "block": "src/x.py\n<<<<<<< SEARCH\nx = 1\n=======\nx =",
    "block before its divider": "src/x.py\n<<<<<<< SEARCH\nx = 1\n",
    "block and another": f"src/x.py\n<<<<<<< SEARCH\nx = 1\n=======\n{BODY}",
    "fence around blocks": f"src/x.py\n```python\n{BODY}",
    "fence around a second block": f"src/x.py\n{FENCED}\n```python\n<<<<<<< SEARCH\n",
    "no divider": "src/x.py\n<<<<<<< SEARCH\nx = 1\n>>>>>>> REPLACE\n",
    "two dividers": "src/x.py\n<<<<<<< SEARCH\nx\n=======\ny\n=======\nz\n>>>>>>> REPLACE\n",
    "stray end": f"src/x.py\n{BODY}\nThen.\n\n>>>>>>> REPLACE\n",
    "hunk": f"{HEADS}@@ -1,3 +1,3 @@\n a\n-x = 1\n",
    "second hunk": f"{HEADS}@@ -1,3 +1,3 @@\n{HUNK}@@ -8,4 +8,4 @@\n c\n-d\n+e\n",
    "fenced diff": f"```diff\n{HEADS}@@ -1,3 +1,3 @@\n{HUNK}",
    "patch": f"*** Begin Patch\n*** Update File: src/x.py\n@@\n{HUNK}",
    "patch after its section": "*** Begin Patch\n*** Update File: src/x.py\n",
    "whole file": "src/x.py\n```python\nx = 2\n",
    "whole file with fences": "README.md\n```markdown\n# T\n```sh\nls\n```\nend\n",
    "definition": "```python\ndef f():\n    return 1\n",
    "json": '{"edits": [{"path": "src/x.py", "search": "x = 1", "replace": "x = 2"},',
    "json in a string": '```json\n{"edits": [{"path": "src/x.py", "search": "x = 1", "repl',
    "json lines": '{"path": "a", "search": "b", "replace": "c"}\n{"path": "d", "se',
    "tag": '<file path="src/x.py">\n<search>\nx = 1\n</search>\n<replace>\nx = 2\n',
    "file in a tag": '<file path="src/x.py">\nx = 1\n',
    "commands after it": f"src/x.py\n{FENCED}\nNow run\n```bash\npytest",
    "the name of a next file": f"src/x.py\n{FENCED}\nlib/y.py\n```",
    "the head of a next hunk": f"{HEADS}@@ -1,3 +1,3 @@\n{HUNK}@@ -9",
    "an end with too few marks": f"src/x.py\n{BODY}".replace(">>>>>>> REPLACE", ">>>>>"),
    "tag around blocks": f'<file path="src/x.py">\n{BODY}',
    "tag that begins": f'src/x.py\n{BODY}\n<file pa',
    "bare fences in a document": "README.md\n```markdown\n# T\n```\nls\n```\nend\n```\n",
}  # fmt: skip


@pytest.mark.parametrize("text", CUT.values(), ids=CUT.keys())
def test_what_was_cut_off_is_broken(text: str) -> None:
    assert [edit.broken for edit in parse_reply(text, KNOWN).edits if edit.broken]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I cannot do that.",
        "Run:\n```bash\nls -l\n```\n",
        "{}",
        "[]",
        "In `src/x.py`: nothing to do.",
        "---\n",
        f"<think>\nsrc/x.py\n{BODY}",
        '{"answer": 42}',
        "```json\n{}\n```",
        "```python\nx = 1\n```\n```python\ny\n```",
    ],
)
def test_prose_is_no_edit(text: str) -> None:
    with pytest.raises(PatchError, match="holds no edit"):
        parse_reply(text, KNOWN)


def test_hints() -> None:
    head = "@@ -10,2 +10,1 @@ class A:\n@@ def f(self):\n"
    found = parse_reply(f"```diff\n{HEADS}{head} a\n-b\n\\ No newline at end of file\n```").edits[0]
    assert (found.line, found.anchors, found.symbol, found.ends) == (
        10,
        ("class A:", "def f(self):"),
        "f",
        True,
    )
    found = parse_reply(f"{HEADS}@@ -3,0 +4,1 @@\n+b\n\\ No newline at end of file\n").edits[0]
    assert (found.line, found.old, found.ends, found.at, found.style) == (4, (), False, 3, "diff")
    found = parse_reply(
        f"*** Begin Patch\n*** Update File: a\n@@ class A\n{HUNK}*** End of File\n*** End Patch"
    ).edits[0]
    assert (found.anchors, found.symbol, found.at_end, found.at) == (("class A",), "A", True, 3)
    found = parse_reply("```python\n# src/x.py\nx\n```").edits[0]
    assert found.anchors == ("# src/x.py",)
    moved = parse_reply("diff --git a/n.py b/m.py\nrename from n.py\nrename to m.py\n").edits[0]
    assert (moved.action, moved.to) == (Action.RENAME, "m.py")


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ('{"path": "a", "start_line": 3, "end_line": 5, "new": "x"}', (3, 5)),
        ('{"path": "a", "lines": [3, 5], "content": ["x"]}', (3, 5)),
        ('{"path": "a", "insert_after": 3, "content": "x"}', (4, 3)),
        ('{"path": "a", "insert_before": 3, "new": "x"}', (3, 2)),
        ('{"command": "insert", "path": "a", "insert_line": 0, "new_str": "x"}', (1, 0)),
    ],
)
def test_lines_by_number(text: str, span: tuple[int, int]) -> None:
    (found,) = parse_reply(text).edits
    assert (found.span, found.new, found.broken) == (span, ("x",), "")
