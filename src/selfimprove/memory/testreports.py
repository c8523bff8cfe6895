"""Test reports: what the tests of a tree showed, kept by tree, command and environment, so that it is measured once."""

from __future__ import annotations

import contextlib
import hashlib
import json
import zlib
from typing import TYPE_CHECKING, Any

from selfimprove.atomicfile import replace_file
from selfimprove.model.testrun import Tally, TestRun

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

KEPT = 60
"""Reports that are kept; the oldest go first."""

_FORMAT = 2
_FLAKY = "flaky"


class TestReports:
    """Reports in ``folder``, one compressed file each, and what is known of flaky tests of a command.

    It is only a cache: a report that is missing, damaged or of another version is measured again, and one
    that cannot be written is not kept.
    """

    __test__ = False  # pytest must not take it for a class of tests

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, *key: str) -> TestRun | None:
        """Return the report of ``key`` (tree id, command, environment), ``None`` when there is none."""
        with contextlib.suppress(KeyError, TypeError, ValueError, AttributeError):
            return TestRun.from_dict(self._read(_name(key))["run"])
        return None

    def put(self, run: TestRun, *key: str) -> None:
        """Keep a report under ``key``, in place of an earlier one."""
        self._write(_name(key), {"run": run.to_dict()})
        self._drop_old()

    def flaky(self, *key: str) -> dict[str, Tally]:
        """Return the tests that showed both results on one tree, with their counts, for a command."""
        with contextlib.suppress(KeyError, TypeError, ValueError, AttributeError):
            stored = self._read(f"{_FLAKY}-{_name(key)}")["flaky"]
            return {test: Tally(*counts) for test, counts in stored.items()}
        return {}

    def add_flaky(self, more: Mapping[str, Tally], *key: str) -> None:
        """Remember tests that showed both results; counts of the same test add up."""
        if more:
            known = self.flaky(*key)
            known |= {test: known.get(test, Tally(0, 0)).plus(tally) for test, tally in more.items()}
            self._write(f"{_FLAKY}-{_name(key)}", {"flaky": known})

    def _read(self, name: str) -> dict[str, Any]:
        try:
            data = json.loads(zlib.decompress((self._folder / name).read_bytes()))
        except (OSError, zlib.error):
            return {}
        return data if data.get("format") == _FORMAT else {}

    def _write(self, name: str, data: dict[str, Any]) -> None:
        text = json.dumps({"format": _FORMAT, **data})
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            replace_file(self._folder / name, zlib.compress(text.encode(), 6))

    def _drop_old(self) -> None:
        with contextlib.suppress(OSError):
            reports = [path for path in self._folder.iterdir() if not path.name.startswith(_FLAKY)]
            reports.sort(key=lambda path: path.stat().st_mtime_ns)
            for path in reports[:-KEPT]:
                path.unlink(missing_ok=True)


def _name(key: tuple[str, ...]) -> str:
    return hashlib.sha256("\0".join(key).encode(errors="surrogatepass")).hexdigest()[:40]
