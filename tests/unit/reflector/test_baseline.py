"""The ratchet file: what it accepts, how it finds a finding again, and that it only ever shrinks by itself."""

from __future__ import annotations

import json
import random
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from selfimprove.codebase.measure.measure import measure
from selfimprove.errors import ConfigError
from selfimprove.model.finding import Finding, Severity
from selfimprove.reflector import baseline as ratchet
from selfimprove.reflector.baseline import Baseline, accept, dumps, judges, load, tightening
from selfimprove.reflector.policy import Policy
from selfimprove.reflector.rules import findings

if TYPE_CHECKING:
    from pathlib import Path


def tightened(base: Baseline, *args: Any) -> Baseline | None:
    """Return what a baseline shrinks to, None when nothing changes."""
    change = tightening(base, *args)
    return change.baseline if change else None


def finding(symbol: str = "f", value: float | str = 20, path: str = "a.py", **more: Any) -> Finding:
    given = {"rule": "SI101", "body": f"body of {symbol}", **more}
    return Finding(
        path=path, line=1, end_line=2, symbol=symbol, severity=Severity.WARNING, value=value, limit=15,
        message="m", suggestion="s", **given,
    )  # fmt: skip


def measured(code: str, path: str = "a.py") -> list[Finding]:
    return findings(path, measure(code.encode()), Policy({"SI101": 2, "SI102": "C"}))


def branchy(name: str, count: int, body: str = "pass") -> str:
    return f"def {name}(a):\n" + f"    if a: {body}\n" * count


def values(part: Any) -> list[tuple[str, float | str]]:
    return [(one.symbol, one.value) for one in part]


def saved(tmp_path: Path, base: Baseline) -> Baseline:
    path = tmp_path / "baseline.json"
    path.write_bytes(dumps(base))
    return load(path, "baseline.json")


def test_what_was_accepted_is_accepted_and_the_rest_is_new(tmp_path: Path) -> None:
    base = saved(tmp_path, accept(measured(branchy("f", 5) + branchy("g", 5))))
    split = base.split(measured("\n\n" + branchy("h", 9) + branchy("f", 5) + branchy("g", 4)))
    assert values(split.accepted) == [("f", 6), ("g", 5)]
    assert values(split.new) == [("h", 10)]
    assert (split.gone, split.notes) == ((), ())


def test_worse_than_accepted_is_new_again(tmp_path: Path) -> None:
    base = saved(tmp_path, accept([finding(value=20), finding("", "B", rule="SI102", body="")]))
    split = base.split([finding(value=21, body="x"), finding("", "C", rule="SI102", body="")])
    assert (values(split.new), split.accepted, split.gone) == ([("f", 21), ("", "C")], (), ())
    split = base.split([finding(value=19), finding("", "B", rule="SI102", body="")])
    assert (split.new, values(split.accepted)) == ((), [("f", 19), ("", "B")])
    split = base.split([finding(value="C")])
    assert values(split.new) == [("f", "C")], "values of two kinds do not compare"


def test_found_again_by_any_fingerprint() -> None:
    old = finding(path="old.py", body="1")
    base = accept([old])
    renamed = finding(path="new.py", body="2", origin="old.py")
    assert base.split([renamed]).accepted == (renamed,)
    alias = finding("g", path="new.py", body="2", aliases=(old.fingerprint,))
    assert base.split([alias]).accepted == (alias,)
    assert base.split([finding("g", path="new.py", body="2")]).accepted == ()


def test_found_again_by_its_body_where_git_cannot_tell(tmp_path: Path) -> None:
    base = saved(tmp_path, accept(measured(branchy("f", 5))))
    moved = measured("import x\n" + branchy("renamed", 5), "other.py")
    assert values(base.split(moved).accepted) == [("renamed", 6)]
    assert base.split(measured(branchy("f", 5, "break"), "other.py")).accepted == ()
    empty = finding("x", 3, rule="SI102", body="")
    assert accept([empty]).split([empty._replace(path="b.py", symbol="y")]).accepted == ()


def test_one_entry_accepts_one_finding() -> None:
    base = accept([finding("f", body="same")])
    copies = [finding("f", path="b.py", body="same"), finding("f", path="c.py", body="same")]
    assert [len(part) for part in (base.split(copies).accepted, base.split(copies).new)] == [1, 1]
    stays = [*copies, finding("f", body="same")]
    assert base.split(stays).accepted == (stays[2],), "the one in its place, not a copy of it"


def test_when_the_first_of_two_functions_of_one_name_goes_the_second_is_known_again() -> None:
    code = branchy("f", 4) + branchy("f", 8)
    base = accept(measured(code))
    split = base.split(measured(branchy("f", 8)))
    assert (values(split.new), values(split.accepted)) == ([], [("f", 9)])
    assert values(split.gone) == [("f", 5)]


def test_it_only_shrinks(tmp_path: Path) -> None:
    base = saved(tmp_path, accept([finding("f", 30), finding("g", 20), finding("h", 25), finding("k", 40)]))
    now = [finding("f", 22), finding("h", 26), finding("k", 40, body="edited"), finding("new", 99)]
    tight = tightened(base, now)
    assert tight is not None
    assert values(tight.entries) == [("f", 22), ("h", 25), ("k", 40)]
    assert tight.entries[2].body == "body of k", "an edit that changes no value leaves the line alone"
    assert tightened(tight, now) is None
    assert tightened(saved(tmp_path, tight), now) is None
    empty = tightened(base, [])
    assert empty is not None
    assert dumps(empty).decode().endswith('"findings": []\n}\n')


def test_any_sequence_of_audits_never_grows_or_worsens_it() -> None:
    chance = random.Random(5)
    names = "abcdefgh"
    base = accept([finding(name, chance.randint(16, 40)) for name in names])
    for _ in range(300):
        before = {entry.symbol: entry.value for entry in base.entries}
        now = [finding(name, chance.randint(16, 45)) for name in chance.sample(names, chance.randint(6, 8))]
        split = base.split(now)
        assert len(split.new) + len(split.accepted) == len(now)
        base = tightened(base, now) or base
        after = {entry.symbol: entry.value for entry in base.entries}
        assert set(after) <= set(before)
        assert all(float(after[name]) <= float(before[name]) for name in after)
        if not after:
            base = accept([finding(name, chance.randint(16, 40)) for name in names])


def test_a_renamed_place_is_taken_over_and_never_lost(tmp_path: Path) -> None:
    base = accept([finding(path="old.py")])
    tight = tightened(base, [finding(path="new.py", origin="old.py")])
    assert tight is not None
    assert [(one.path, one.value) for one in tight.entries] == [("new.py", 20)]
    again = saved(tmp_path, tight)
    assert again.split([finding(path="new.py", body="edited")]).new == ()
    assert again.split([finding(path="new.py", body="edited", origin="old.py")]).new == ()


def test_what_changed_is_told_apart() -> None:
    base = accept([finding("f", 30), finding("g", 20), finding("h", 25), finding("k", 40)])
    moved = [finding(one.symbol, one.value, path="new.py", origin="a.py") for one in base.entries]
    change = tightening(base, moved)
    assert change is not None
    assert (change.gone, change.better, change.moved, change.is_tighter) == (0, 0, 4, False)
    change = tightening(base, [finding("f", 29), finding("g", 21), moved[2]])
    assert change is not None
    assert (change.gone, change.better, change.moved, change.is_tighter) == (1, 1, 1, True)
    assert tightening(change.baseline, [finding("f", 29), finding("g", 20), moved[2]]) is None


def test_what_was_not_looked_at_is_not_gone() -> None:
    base = accept(
        [
            finding("mended", path="src/a.py"),
            finding("elsewhere", path="tests/b.py"),
            finding("broken", path="src/c.py"),
            finding("deleted", path="src/d.py"),
            finding("off", path="src/a.py", rule="SI104"),
            finding("across", path="src/a.py", rule="SI201"),
            finding("unknown", path="src/a.py", rule="XX1"),
        ]
    )
    policy = Policy(select=["SI101", "SI201"])
    part = base.split([], judges(policy, {"src/a.py"}, {"src/c.py"}, whole=False))
    assert [one.symbol for one in part.gone] == ["mended"]
    whole = base.split([], judges(policy, {"src/a.py", "tests/b.py"}, {"src/c.py"}))
    assert [one.symbol for one in whole.gone] == ["mended", "elsewhere", "deleted", "across"]
    tight = tightened(base, [], judges(policy, {"src/a.py"}, {"src/c.py"}, whole=False))
    assert tight is not None
    assert len(tight.entries) == 6


def test_pylint_is_judged_only_where_it_has_looked() -> None:
    base = accept([finding(path=path, rule="SI301", value=1) for path in ("a.py", "b.py", "deleted.py")])
    judged = judges(Policy(select=["ALL"]), {"a.py", "b.py"}, linted={"a.py"})
    assert [one.path for one in base.split([], judged).gone] == ["a.py", "deleted.py"]


def test_a_looser_limit_mends_nothing() -> None:
    base = accept([finding("f", 20), finding("", "C", rule="SI102", body="")])
    loose = judges(Policy({"SI101": 30, "SI102": "C"}), {"a.py"})
    assert base.split([], loose).gone == ()
    assert tightened(base, [], loose) is None
    assert len(base.split([], judges(Policy({"SI101": 19}), {"a.py"})).gone) == 2


def test_accepting_a_part_forgets_nothing_about_the_rest() -> None:
    earlier = accept(
        [finding("f", 20, "src/a.py"), finding("gone", path="src/a.py"), finding("t", path="t.py")]
    )
    part = judges(Policy(), {"src/a.py"}, whole=False)
    again = accept([finding("f", 30, "src/a.py"), finding("g", 16, "src/a.py")], earlier, part)
    assert sorted(values(again.entries)) == [("f", 30), ("g", 16), ("t", 20)]
    whole = accept([finding("f", 30, "src/a.py")], earlier, judges(Policy(), {"src/a.py"}))
    assert values(whole.entries) == [("f", 30)]


def test_another_python_or_engine_is_told_and_tightens_nothing() -> None:
    base = replace(
        accept([finding(value=30)]), engine="selfimprove 1, radon 6.0.1, Python 3.9", python="Python 3.9"
    )
    split = base.split([finding(value=20)])
    (note,) = split.notes
    assert note.startswith(
        "The baseline was made with selfimprove 1, radon 6.0.1, Python 3.9, and this is selfimprove"
    )
    assert len(split.accepted) == 1
    assert tightened(base, [finding(value=20)]) is None


def test_one_finding_per_line_sorted_by_place() -> None:
    listed = [finding("g", path="b.py"), finding("f", path="b.py"), finding("z", path="a.py", ordinal=2)]
    listed.append(finding("", "C", path="é\u202e.py", rule="SI102", body="", origin="first.py"))
    text = dumps(accept(listed)).decode()
    lines = text.splitlines()
    assert lines[0] == "{"
    assert lines[1] == ' "selfimprove_baseline": 1,'
    assert lines[4] == ' "findings": ['
    assert lines[5] == (
        '  {"path": "a.py", "symbol": "z", "rule": "SI101", "value": 20, "ordinal": 2, "body": "body of z"},'
    )
    assert ['"f"' in lines[6], '"g"' in lines[7], "\\u202e" in lines[8]] == [True, True, True]
    assert lines[9:] == [" ]", "}"]
    assert json.loads(text)["findings"][3]["fingerprint"] == listed[3].fingerprint
    random.Random(1).shuffle(listed)
    assert dumps(accept(listed)).decode() == text


def test_names_that_are_no_text_survive(tmp_path: Path) -> None:
    odd = [
        finding("f", path="bad\udcff.py"),
        finding("f", path='two\nlines".py'),
        finding("f", path="日本.py"),
    ]
    base = saved(tmp_path, accept(odd))
    assert base.split(odd).new == ()
    assert "日本.py" in (tmp_path / "baseline.json").read_text()


def test_two_branches_that_mend_different_places_merge(tmp_path: Path) -> None:
    def git(*words: str) -> None:
        identity = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main")
        subprocess.run(["git", *identity, *words], cwd=tmp_path, check=True, capture_output=True)

    path = tmp_path / "baseline.json"
    listed = [finding(name, 20) for name in "abcdefgh"]
    git("init")
    path.write_bytes(dumps(accept(listed)))
    git("add", ".")
    git("commit", "-m", "1")
    git("checkout", "-b", "other")
    path.write_bytes(dumps(tightened(load(path), listed[2:]) or load(path)))
    git("commit", "-am", "2")
    git("checkout", "main")
    path.write_bytes(dumps(tightened(load(path), [*listed[:5], *listed[6:]]) or load(path)))
    git("commit", "-am", "3")
    git("merge", "other", "-m", "m")
    assert [one.symbol for one in load(path).entries] == ["c", "d", "e", "g", "h"]


GOOD = dumps(accept([finding("f"), finding("g"), finding("h")])).decode()
CONFLICT = GOOD.replace('  {"path": "a.py", "symbol": "g"', '<<<<<<< HEAD\n  {"path": "a.py", "symbol": "g"')


@pytest.mark.parametrize(
    ("text", "line", "message", "hint"),
    [
        (CONFLICT, 7, "the baseline has a merge conflict", "resolve it"),
        (GOOD[:200], 6, "the baseline is cut off", "git checkout baseline.json"),
        ("", 1, "the baseline is cut off", "--write-baseline"),
        (
            GOOD.replace('"symbol": "g"', '"symbol" "g"'),
            7,
            "the baseline is not JSON: expecting ':'",
            "--write-b",
        ),
        (
            GOOD.replace('"value": 20', '"value": NaN', 1),
            6,
            "finding 1 of the baseline is damaged",
            "remove it",
        ),
        (GOOD.replace('"symbol": "g", ', ""), 7, "finding 2 of the baseline is damaged", "remove it"),
        (
            GOOD.replace('"symbol": "g"', '"symbol": 3'),
            7,
            "finding 2 of the baseline is damaged",
            "remove it",
        ),
        (GOOD.replace('"symbol": "h"', '"ordinal": true, "symbol": "h"'), 8, "finding 3 of the", "remove it"),
        (GOOD.replace('baseline": 1', 'baseline": 2'), 1, "has format 2, not 1", "pip install --upgrade"),
        (GOOD.replace('baseline": 1', 'baseline": null'), 1, "has format None, not 1", "--write-baseline"),
        (GOOD.replace('"findings"', '"found"'), 1, "has no engine, python and findings", "--write-baseline"),
        ("[]", 1, "this file is not a baseline", "move it away"),
        ('{"version": "1.5.0", "results": {}}', 1, "this file is not a baseline", "move it away"),
        ("[" * 100_000 + "]" * 100_000 + "}", 1, "this file is not a baseline", "move it away"),
        ('{"selfimprove_baseline": ' + "1" * 5000 + "}", 1, "this file is not a baseline", "move it away"),
        ("\x00\xff", 1, "the baseline is cut off", "git checkout"),
    ],
)
def test_a_broken_file_is_one_error_with_its_line(
    tmp_path: Path, text: str, line: int, message: str, hint: str
) -> None:
    path = tmp_path / "baseline.json"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(path, "baseline.json")
    assert message in caught.value.message
    assert caught.value.where == f"baseline.json:{line}"
    assert hint in caught.value.hint
    assert path.read_text() == text


def test_a_file_that_is_missing_or_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "no.json", "no.json")
    assert caught.value.message == "there is no baseline no.json"
    assert caught.value.hint == "selfimprove audit --baseline no.json --write-baseline"
    with pytest.raises(ConfigError, match="folder"):
        load(tmp_path, "x")


def test_random_damage_is_never_a_traceback(tmp_path: Path) -> None:
    chance = random.Random(7)
    path = tmp_path / "baseline.json"
    for _ in range(400):
        data = bytearray(GOOD.encode())
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(data))
            data[at : at + chance.randint(0, 9)] = chance.randbytes(chance.randint(0, 3))
        path.write_bytes(data)
        try:
            assert isinstance(load(path), Baseline)
        except ConfigError as problem:
            assert problem.hint
            assert problem.where.startswith(str(path))


def test_both_sides_of_a_merge_may_stay(tmp_path: Path) -> None:
    lines = GOOD.splitlines()
    path = tmp_path / "baseline.json"
    path.write_text("\r\n".join([*lines[:6], lines[5], *lines[6:]]))
    assert load(path) == replace(accept([finding("f"), finding("g"), finding("h")]))


def test_thousands_are_matched_without_comparing_each_with_each() -> None:
    listed = [finding(f"f{number}", path=f"{number % 97}.py") for number in range(20_000)]
    base = accept(listed)
    keys = sum(len(list(of_entry(base.entries[0]))) for of_entry, _ in ratchet._KEYS)
    assert keys <= 5
    split = base.split(reversed(listed))
    assert (len(split.accepted), split.new, split.gone) == (20_000, (), ())
