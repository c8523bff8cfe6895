"""What a prompt says about the form of the answer, for each style of edit, and which style a model is asked for."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT = "search_replace"
_SUBJECT = """\
Answer with a first line `COMMIT: ` and a commit subject of at most 72 characters in the imperative, then the
"""
_PATHS = "Paths are\nrelative to the repository's top folder.\n"

_FORMS = {
    "search_replace": _SUBJECT
    + """\
edits. An edit of a file is its path on a line of its own and then a block:

src/package/module.py
<<<<<<< SEARCH
the present lines, copied exactly with their indentation, enough of them to be unique in the file
=======
the lines that shall stand there
>>>>>>> REPLACE

Use as many blocks as you need. For a new file leave the part between SEARCH and ======= empty. Where a line of
the file itself looks like one of the three marks, write all three of that block with nine characters. """
    + _PATHS,
    "diff": _SUBJECT
    + """\
edits as one unified diff in a fenced block:

```diff
--- a/src/package/module.py
+++ b/src/package/module.py
@@ def the_function_around():
 a present line that stays, after one blank
-a present line that goes
+a line that comes
 a present line that stays
```

Begin every line of a hunk with a blank, a minus or a plus; copy present lines exactly with their indentation, and
give three that stay before and after each change. Line numbers after @@ are not needed. A new file has /dev/null
as its old name, a file that goes has it as its new one. Close the fence. """
    + _PATHS,
    "patch": _SUBJECT
    + """\
edits as one patch:

*** Begin Patch
*** Update File: src/package/module.py
@@ class TheClassAround
@@     def the_function_around(self):
 a present line that stays, after one blank
-a present line that goes
+a line that comes
 a present line that stays
*** Add File: src/package/new.py
+each line of a new file after a plus
*** Delete File: src/package/old.py
*** End Patch

Copy present lines exactly with their indentation, and give three that stay before and after each change. Lines with
@@ name the class or function around a place that is not unique without them. `*** Move to: ` under the line of a
file moves it. Always end with *** End Patch. """
    + _PATHS,
    "whole": _SUBJECT
    + """\
whole new content of every file that changes, each under a line with its path and in a fenced block:

FILE: src/package/module.py
```python
every line of the file, from the first to the last
```

Never leave out lines, and change only those that have to. Use a fence of four or more marks around a file that has
fences itself. Show no other file. """
    + _PATHS,
    "json": """\
Answer with one JSON object and nothing else:

{"commit": "a commit subject of at most 72 characters in the imperative",
 "edits": [{"path": "src/package/module.py",
            "search": "the present lines, copied exactly with their indentation",
            "replace": "the lines that shall stand there"}]}

`search` has whole lines, enough of them to be unique in the file. Give as many edits as you need, one for each place.
For a new file `search` is "". To delete a file give {"path": "...", "action": "delete"}. """
    + _PATHS,
    "function": _SUBJECT
    + """\
whole new text of every function or class that changes, under a line with its file's path and in a fenced block:

src/package/module.py
```python
def the_function(with_its: Decorators) -> None:
    every line of it, from the first to the last
```

Write definitions only, each whole with decorators and docstring and as indented as it is in the file; put a method
into a block that begins with the line of its class. For a change outside of functions and classes, and for a new
file, give the whole file in the same form. """
    + _PATHS,
}
STYLES = tuple(_FORMS)


def instructions(style: str) -> str:
    """Return the paragraphs of a prompt that tell a model how to answer in ``style``, one of STYLES."""
    return _FORMS[style]


def style_for(model: str | None, setting: str | Mapping[str, str]) -> str:
    """Return the style that ``model`` is asked for.

    ``setting`` is one style for all models, or styles by glob of the model's name (``{"openai/*": "patch"}``): the
    longest glob that fits decides. A model that none fits is asked for search/replace blocks.
    """
    if isinstance(setting, str):
        return setting if setting in _FORMS else DEFAULT
    fits = [glob for glob in setting if fnmatchcase((model or "").lower(), glob.lower())]
    chosen = setting[max(fits, key=lambda glob: (len(glob), glob))] if fits else DEFAULT
    return chosen if chosen in _FORMS else DEFAULT
