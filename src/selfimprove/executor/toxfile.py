"""Toxfile: what a project adds to pytest when tox runs it, as far as it decides which tests there are."""

from __future__ import annotations

import configparser
import re
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_CHOOSES = ("--doctest-modules", "--doctest-glob", "--ignore", "--ignore-glob")
_TOP = re.compile(r"\{(?:tox_root|toxinidir|env_site_packages_dir|envsitepackagesdir)\}/")
_HANDED_ON = re.compile(r"\{posargs(?::[^{}]*)?\}|\{\[testenv\][^{}]*\}")


def chosen_by_tox(root: Path, text: str) -> str:
    """Return the options and paths, quoted, that choose the tests in the first call of pytest in a tox.ini.

    ``""`` when the file names only pytest itself, or says something that only tox understands. ``root`` is the folder
    that holds the file: a path that is not there is left to tox. Options that change how tests run, not which, are
    left out, since they may need plugins.
    """
    for words in _calls(text):
        options = [word for word in words if word.partition("=")[0] in _CHOOSES]
        paths = [word for word in words if not word.startswith("-")]
        if "--doctest-modules" in options and all(
            (root / path.partition("::")[0]).exists() for path in paths
        ):
            return shlex.join([*options, *paths])
    return ""


def _calls(text: str) -> list[list[str]]:
    """Return the words behind ``pytest`` in the commands of tox's default environment."""
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
        commands = parser.get("testenv", "commands", fallback="")
    except configparser.Error:
        return []
    found = []
    for line in commands.replace("\\\n", " ").splitlines():
        plain = _HANDED_ON.sub("", _TOP.sub("", line))
        called = re.search(r"(?:^|[\s/])(?:pytest|py\.test)(?=\s|$)(.*)", plain)
        if called and "{" not in called[1]:
            try:
                found.append(shlex.split(called[1]))
            except ValueError:
                continue
    return found
