"""Bad inputs for the audit: sources, files and repositories as they lie about in the world."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from pathlib import Path
from typing import Any

MEASURED, REFUSED, EITHER = True, False, None

_NEWER = 't = t"{1}"\n' if sys.version_info < (3, 14) else "lazy import json\n"
_ELIF = "def f(x):\n    if x == 0:\n        return 0\n" + "".join(
    f"    elif x == {n}:\n        return {n}\n" for n in range(1, 1_500)
)
_CONFLICT = "def f():\n<<<<<<< HEAD\n    return 1\n=======\n    return 2\n>>>>>>> theirs\n"
_NOTEBOOK = '{"cells": [%s], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'

# name: what is in the file, and whether it can be measured; EITHER where that is up to the interpreter.
SOURCES: dict[str, tuple[bytes, bool | None]] = {
    "python2.py": (b"import os\nprint 'hello'\nexec 'x = 1' in {}\n", REFUSED),
    "newer.py": (_NEWER.encode(), REFUSED),
    "null_bytes.py": (b"x = 1\0\n", REFUSED),
    "null_at_the_end.py": (b"x = 1\n" + b"\0" * 4_096, REFUSED),
    "only_null_bytes.py": (b"\0" * 4_096, REFUSED),
    "bom.py": (b"\xef\xbb\xbfdef f():\n    return 1\n", MEASURED),
    "bom_and_other_cookie.py": (b"\xef\xbb\xbf# coding: latin-1\nx = 1\n", REFUSED),
    "utf16.py": ("x = 1\n".encode("utf-16"), REFUSED),
    "utf32.py": ("x = 1\n".encode("utf-32"), REFUSED),
    "latin1_cookie.py": (b"# coding: latin-1\nname = 'caf\xe9'\n", MEASURED),
    "latin1_cookie_in_line_2.py": (
        b"#!/usr/bin/python\n# vim: set fileencoding=latin-1 :\nx = '\xe9'\n",
        MEASURED,
    ),
    "latin1_cookie_in_line_3.py": (b"#\n#\n# coding: latin-1\nx = '\xe9'\n", REFUSED),
    "latin1_bare.py": (b"name = 'caf\xe9'\n", REFUSED),
    "surrogates.py": (b"name = '\xed\xa0\x80'\n", REFUSED),
    "cookie_rot13.py": (b"# coding: rot13\nqrs s(): erghea 1\n", REFUSED),
    "cookie_hex.py": (b"# coding: hex\nx = 1\n", REFUSED),
    "cookie_unknown.py": (b"# coding: klingon\nx = 1\n", REFUSED),
    "cookie_undefined.py": (b"# coding: undefined\nx = 1\n", REFUSED),
    "cookie_utf7.py": (b"# coding: utf-7\nx = 1\n", EITHER),
    "line_separator.py": (
        "def f():\n    return 'a\u2028b\u2029c\x85d\x0be\x1cf'\n\n\nx = 1\n".encode(),
        MEASURED,
    ),
    "form_feed.py": (b"x = 1\n\x0c\ndef f():\n    return 1\n", MEASURED),
    "carriage_returns.py": (b"def f():\r    return 1\rx = 2\r", MEASURED),
    "mixed_line_ends.py": (b"def f():\r\n    return 1\nx = 2\r", MEASURED),
    "no_last_line_end.py": (b"def f():\n    return 1", MEASURED),
    "continued_into_nothing.py": (b"x = 1 \\", REFUSED),
    "tabs_and_spaces.py": (b"if x:\n        a = 1\n\tb = 2\n", REFUSED),
    "other_letters.py": ("def grüße(ﬁ):\n    return ﬁ or 变量\n".encode(), MEASURED),
    "control_characters.py": (b"x = 1\x01\x1b[31m\n", REFUSED),
    "empty.py": (b"", MEASURED),
    "only_line_ends.py": (b"\n\n\r\n\n", MEASURED),
    "only_spaces.py": (b"    ", MEASURED),
    "only_comments.py": (b"# one\n# two\n", MEASURED),
    "only_docstring.py": (b'"""Nothing more."""\n', MEASURED),
    "conflict.py": (_CONFLICT.encode(), REFUSED),
    "open_string.py": (b'"""half a file, cut off', REFUSED),
    "sum_of_5000.py": (("x = " + " + ".join(f"a{n}" for n in range(5_000)) + "\n").encode(), EITHER),
    "chain_of_3000.py": (("x = a" + ".f()" * 3_000 + "\n").encode(), EITHER),
    "elif_1500.py": (_ELIF.encode(), EITHER),
    "brackets_1000.py": (b"x = " + b"[" * 1_000 + b"]" * 1_000 + b"\n", REFUSED),
    "minus_5000.py": (b"x = " + b"-" * 5_000 + b"1\n", EITHER),
    "lambda_500.py": (b"x = " + b"lambda: " * 500 + b"1\n", EITHER),
    "blocks_99.py": (
        "".join(f"{' ' * n}if x:\n" for n in range(99)).encode() + b" " * 99 + b"y = 1\n",
        EITHER,
    ),
    "blocks_150.py": (
        "".join(f"{' ' * n}if x:\n" for n in range(150)).encode() + b" " * 150 + b"y\n",
        REFUSED,
    ),
    "strings_in_strings.py": (b"x = f\"{f'{1}'}\"\n", MEASURED),
    "long_number.py": (b"x = " + b"9" * 20_000 + b"\n", REFUSED),
    "one_line_of_1_mb.py": (b"x = [" + b"1, " * 350_000 + b"]\n", MEASURED),
    "names_of_100_kb.py": (b"def " + b"f" * 100_000 + b"():\n    return 1\n", MEASURED),
    "same_name_2000.py": (b"def f():\n    return 1\n" * 2_000, MEASURED),
    "returns_outside.py": (b"return 1\nyield 2\nbreak\n", EITHER),
    "not_python.py": (b"\x7fELF\x02\x01\x01\0" + bytes(range(256)) * 16, REFUSED),
    "notebook_good.ipynb": (
        (
            _NOTEBOOK % '{"cell_type": "code", "source": ["%%time\\n", "def f():\\n", "    return 1\\n"]}'
        ).encode(),
        MEASURED,
    ),
    "notebook_without_cells.ipynb": (b'{"nbformat": 4}', EITHER),
    "notebook_of_null.ipynb": (b"null", REFUSED),
    "notebook_cells_of_null.ipynb": ((_NOTEBOOK % "null").encode(), EITHER),
    "notebook_half.ipynb": (b'{"cells": [{"cell_type": "co', REFUSED),
    "notebook_deep.ipynb": (b"[" * 100_000, REFUSED),
    "notebook_empty.ipynb": (b"", EITHER),
    "notebook_conflict.ipynb": (b"<<<<<<< HEAD\n{}\n=======\n[]\n>>>>>>> x\n", REFUSED),
    # Names are bytes to git and to the disk.
    "two\nlines.py": (b"x = 1\n", MEASURED),
    'tab\tquote"back\\slash.py': (b"x = 1\n", MEASURED),
    "escape\x1b[31m.py": (b"x = 1\n", MEASURED),
    os.fsdecode(b"caf\xe9.py"): (b"x = 1\n", REFUSED),
    "-n.py": (b"x = 1\n", MEASURED),
    ":(top)magic*.py": (b"x = 1\n", MEASURED),
    " .py": (b"x = 1\n", MEASURED),
    ".py": (b"x = 1\n", MEASURED),
    "folder.py/inside.py": (b"x = 1\n", MEASURED),
    "/".join(["deep"] * 200) + "/down.py": (b"x = 1\n", MEASURED),
    "n" * 250 + ".py": (b"x = 1\n", MEASURED),
}


def write_sources(root: Path) -> None:
    """Write all of SOURCES, and a pair of names that differ only in case where the disk tells them apart."""
    for name, (data, _) in SOURCES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (root / "twin.py").write_text("x = 1\n")
    (root / "TWIN.py").write_text("def f():\n    return 1\n")


def write_odd_files(root: Path) -> dict[str, bool | None]:
    """Put what is no plain file, or leads to none, in the place of ten committed files; return the verdicts."""
    for name in ODD:
        (root / name).write_text("x = 1\n")
    (root / "real.py").write_text("x = 1\n")
    return dict.fromkeys(ODD, REFUSED)


def replace_odd_files(root: Path) -> None:
    """Make the files of ODD what their names say; git goes on listing them, as it knows them as files."""
    for name, make in ODD.items():
        (root / name).unlink()
        make(root / name)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as door:
        here = Path.cwd()
        os.chdir(path.parent)  # the whole path is too long for the name of a socket
        try:
            door.bind(path.name)
        finally:
            os.chdir(here)


def _device(path: Path) -> None:
    try:
        os.mknod(path, 0o20666, os.makedev(1, 5))  # /dev/zero, which never ends
    except PermissionError:
        path.symlink_to("/dev/zero")


ODD: dict[str, Any] = {
    "pipe.py": os.mkfifo,
    "socket.py": _socket,
    "device.py": _device,
    "became_folder.py": Path.mkdir,
    "gone.py": lambda path: None,
    "itself.py": lambda path: path.symlink_to("itself.py"),
    "loop_one.py": lambda path: path.symlink_to("loop_two.py"),
    "loop_two.py": lambda path: path.symlink_to("loop_one.py"),
    "dangling.py": lambda path: path.symlink_to("nowhere/at/all.py"),
    "out.py": lambda path: path.symlink_to("/etc/passwd"),
    "to_folder.py": lambda path: path.symlink_to("."),
    "endless.py": lambda path: path.symlink_to("/dev/zero"),
}


def give_away(folder: Path) -> list[str]:
    """Return the words before a command that make it run as a person who may not read everything.

    Root reads every file, whatever its mode; so root hands the folder over to nobody and becomes that.
    """
    if os.geteuid() != 0:
        return []
    for parent in folder.parents:
        if parent != Path(parent.anchor) and parent.stat().st_mode & 0o5 != 0o5:
            parent.chmod(parent.stat().st_mode | 0o5)
    for place, _, names in os.walk(folder):
        for path in (place, *(os.path.join(place, name) for name in names)):
            shutil.chown(path, 65534, 65534)
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
