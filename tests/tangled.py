"""What the tests of rewriting share: a function that is too complex, and tests that run every line of it."""

from __future__ import annotations

TANGLED = '''\
"""Totals of rows."""


def load(rows, mode, limit, strict):
    """Read rows into totals by name."""
    totals = {}
    header = None
    # Read the settings
    for row in rows:
        if row is None:
            continue
        if row.startswith("#"):
            key, value = row[1:].split("=", 1)
            if key == "limit":
                limit = int(value)
            elif key == "mode":
                mode = value
            elif strict:
                raise ValueError(key)
            continue
        header = row
        break
    # Add up the amounts
    for row in rows:
        if row is None or row.startswith("#"):
            continue
        parts = row.split(",")
        if len(parts) != 2:
            if strict:
                raise ValueError(row)
            continue
        name, amount = parts
        if mode == "lower":
            name = name.lower()
        elif mode == "upper":
            name = name.upper()
        value = int(amount)
        if limit and value > limit:
            value = limit
        totals[name] = totals.get(name, 0) + value
    return totals, header
'''
TESTS = """\
import pytest

from app import load


def test_load():
    rows = ["#limit=5", "#mode=lower", None, "name,amount", "A,3", "a,9", "b", "#x", None]
    assert load(iter(rows), "", 0, False) == ({"a": 8}, "name,amount")
    assert load(iter(["h", "b,1"]), "upper", 0, True) == ({"B": 1}, "h")


def test_strict():
    with pytest.raises(ValueError):
        load(iter(["#k=1"]), "", 0, True)
    with pytest.raises(ValueError):
        load(iter(["h", "b"]), "", 0, True)
"""
FILES = {"app.py": TANGLED, "conftest.py": "", "test_app.py": TESTS}
