"""Reads single tests out of what runners without an observer print or write: Go, Rust, scripts, JUnit XML."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from selfimprove.executor.proving.scripts import read_script
from selfimprove.model.testrun import RED, Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Row = tuple[str, str, str]
"""A test's id, its outcome, and what is said of its failure."""

_WORDS = {"pass": "passed", "fail": "failed", "skip": "skipped", "ok": "passed", "ignored": "skipped"}
_MOST_XML = 50_000_000  # bytes of one file
_RUST_GROUP = re.compile(r"^\s+(?:Running (?:unittests )?(\S+)|Doc-tests (\S+))")
_RUST_TEST = re.compile(r"^test (.+?)(?: - should panic)? \.\.\. (ok|FAILED|ignored)")
_RUST_SAID = re.compile(r"^---- (.+?) stdout ----\n(.*?)(?=^---- |^failures:|\Z)", re.MULTILINE | re.DOTALL)
_RUST_TRACE = re.compile(r"^stack backtrace:\n(?: .*\n)+(?:note: .*\n)?", re.MULTILINE)
_RUST_THREAD = re.compile(r"^(thread '.*') \(\d+\) panicked", re.MULTILINE)  # with a number in each run anew
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def read_output(kind: str, text: str) -> list[Row]:
    """Return the tests that the output of a runner of this ``kind`` names, none where it names none."""
    reader = _READERS.get(kind)
    return _numbered(reader(_COLOUR.sub("", text))) if reader else []


def read_junit(files: Iterable[bytes]) -> list[Row]:
    """Return the tests of JUnit XML files; a file that is none is passed over."""
    rows: list[Row] = []
    for data in files:
        if len(data) > _MOST_XML or b"<!DOCTYPE" in data[:2000]:
            continue
        try:
            root = ElementTree.fromstring(data)  # noqa: S314 (no document type: there are no entities)
        except ElementTree.ParseError:
            continue
        for case in root.iter("testcase"):
            names = (case.get("classname") or case.get("class"), case.get("name"))
            rows.append(("::".join(name for name in names if name), *_of_case(case)))
    return _numbered(rows)


def failures_of(rows: Iterable[Row]) -> tuple[Failure, ...]:
    """Return why the red ones of ``rows`` are red."""
    return tuple(Failure(test, said[-2000:]) for test, outcome, said in rows if outcome in RED)


def _of_case(case: Any) -> tuple[str, str]:
    for tag, outcome in (("failure", "failed"), ("error", "error"), ("skipped", "skipped")):
        if (found := case.find(tag)) is not None:
            return outcome, "\n".join(part for part in (found.get("message"), found.text) if part)[:2000]
    return "passed", ""


def _numbered(rows: Iterable[Row]) -> list[Row]:
    """Tell tests of one name apart by their number."""
    seen: dict[str, int] = {}
    made = []
    for test, outcome, said in rows:
        seen[test] = seen.get(test, 0) + 1
        made.append((test if seen[test] == 1 else f"{test} #{seen[test]}", outcome, said))
    return made


def _go(text: str) -> Iterator[Row]:
    """Read `go test -json`: https://pkg.go.dev/cmd/test2json."""
    said: dict[str, list[str]] = {}
    tests: dict[str, set[str]] = {}
    for line in text.splitlines():
        try:
            event = json.loads(line) if line.startswith("{") else {}
        except ValueError:
            continue
        package, test, action = event.get("Package", ""), event.get("Test", ""), event.get("Action", "")
        name = f"{package}::{test}" if test else package
        if action == "output":
            said.setdefault(name, []).append(event.get("Output", ""))
        elif action in ("pass", "fail", "skip") and test:
            tests.setdefault(package, set()).add(action)
            yield name, _WORDS[action], "".join(said.pop(name, []))
        elif action == "fail" and "fail" not in tests.get(package, ()):
            yield name, "error", "".join(said.pop(name, []))  # it was not built, or died


def _rust(text: str) -> Iterator[Row]:
    plain = _RUST_THREAD.sub(r"\1 panicked", _RUST_TRACE.sub("", text))
    said = dict(_RUST_SAID.findall(plain))
    group = ""
    for line in text.splitlines():
        if found := _RUST_GROUP.match(line):
            group = found[1] or f"doc {found[2]}"
        elif found := _RUST_TEST.match(line):
            name = f"{group}::{found[1]}" if group else found[1]
            yield name, _WORDS.get(found[2].lower(), "failed"), said.get(found[1], "").strip()


_READERS: dict[str, Callable[[str], Iterator[Row]]] = {"go": _go, "cargo": _rust, "script": read_script}
