"""Baseline: the file of findings that are accepted for now, and the ratchet that lets it only shrink."""

from __future__ import annotations

import json
import math
import re
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from selfimprove.errors import ConfigError
from selfimprove.model.finding import Finding, fingerprint
from selfimprove.reflector.engine import flavour, python_minor

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Hashable, Iterable, Sequence
    from pathlib import Path

    from selfimprove.reflector.policy import Policy

FORMAT = 1
_MARK = "selfimprove_baseline"
_LIMIT = 100_000_000  # bytes; a finding has about 180
_CONFLICT = re.compile(r"^(<{7}|={7}|>{7}|\|{7})(?= |$)", re.MULTILINE)
_AGAIN = "selfimprove audit --baseline {name} --write-baseline"


@dataclass(frozen=True, slots=True)
class Accepted:
    """A finding as it was when it was accepted; the fields are those of Finding."""

    rule: str
    path: str
    symbol: str
    value: float | str
    fingerprint: str
    ordinal: int = 1
    body: str = ""


@dataclass(frozen=True, slots=True)
class Split:
    """Findings that are ``new`` or worse than accepted, those that are ``accepted``, and what is ``gone``.

    ``pairs`` are accepted findings, each with the entry that accepts it. ``notes`` are sentences that a reader
    must know.
    """

    new: tuple[Finding, ...]
    accepted: tuple[Finding, ...]
    gone: tuple[Accepted, ...]
    pairs: tuple[tuple[Accepted, Finding], ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Baseline:
    """What is accepted, with the ``engine`` and the ``python`` that measured it."""

    entries: tuple[Accepted, ...]
    engine: str
    python: str

    def split(
        self, findings: Iterable[Finding], judged: Callable[[Accepted], bool] = lambda _entry: True
    ) -> Split:
        """Compare ``findings`` with what is accepted.

        An entry accepts at most one finding: of the same function with the same body, else with a common
        fingerprint, else in the same place under the same name, else (moved in a way that git does not tell)
        with the same body. A value that is worse than the accepted one makes the finding new. An entry that
        accepts nothing is gone when ``judged`` says that this audit would have found it; see :func:`judges`.
        """
        listed = list(findings)
        partner = _partners(self.entries, listed)
        pairs = [(partner[at], one) for at, one in enumerate(listed) if at in partner]
        accepted = tuple((entry, one) for entry, one in pairs if not _is_worse(one.value, entry.value))
        fine = {id(one) for _, one in accepted}
        taken = {id(entry) for entry, _ in pairs}
        return Split(
            new=tuple(one for one in listed if id(one) not in fine),
            accepted=tuple(one for _, one in accepted),
            gone=tuple(entry for entry in self.entries if id(entry) not in taken and judged(entry)),
            pairs=accepted,
            notes=self._notes(),
        )

    def _notes(self) -> tuple[str, ...]:
        if (self.engine, self.python) == (flavour(), python_minor()):
            return ()
        made = self.engine if self.python in self.engine else f"{self.engine}, {self.python}"
        return (
            f"The baseline was made with {made}, and this is {flavour()}: maintainability can differ, "
            "so the baseline is not tightened.",
        )


@dataclass(frozen=True, slots=True)
class Tightening:
    """A ``baseline`` that has shrunk: how many entries are ``gone``, ``better``, or only ``moved`` (renamed)."""

    baseline: Baseline
    gone: int
    better: int
    moved: int

    @property
    def is_tighter(self) -> bool:
        """False when only names changed."""
        return bool(self.gone or self.better)


def accept(
    findings: Iterable[Finding],
    earlier: Baseline | None = None,
    judged: Callable[[Accepted], bool] = lambda _entry: True,
) -> Baseline:
    """Return the baseline that accepts ``findings``: what ``--write-baseline`` writes.

    Of an ``earlier`` one stays what this audit could not have found (``judged`` says so, see :func:`judges`):
    accepting what is in one folder forgets nothing about the others.
    """
    listed = list(findings)
    partners = {id(entry) for entry in _partners(earlier.entries, listed).values()} if earlier else set()
    kept = [
        entry
        for entry in (earlier.entries if earlier else ())
        if id(entry) not in partners and not judged(entry)
    ]
    return Baseline((*kept, *map(_entry, listed)), flavour(), python_minor())


def tightening(
    baseline: Baseline, findings: Iterable[Finding], judged: Callable[[Accepted], bool] = lambda _entry: True
) -> Tightening | None:
    """Return the baseline without what is gone and with the better values, None when nothing changes.

    Nothing is added and no value gets worse. An entry whose file or function has a new name takes it over. A
    baseline that another engine or Python measured stays as it is: its values do not compare.
    """
    split = baseline.split(findings, judged)
    if split.notes:
        return None
    gone = {id(entry) for entry in split.gone}
    now = {id(entry): _tighter(entry, finding) for entry, finding in split.pairs}
    entries = tuple(now.get(id(entry), entry) for entry in baseline.entries if id(entry) not in gone)
    if entries == baseline.entries:
        return None
    changed = [
        (entry, now[id(entry)]) for entry in baseline.entries if now.get(id(entry), entry) is not entry
    ]
    better = sum(entry.value != later.value for entry, later in changed)
    return Tightening(
        replace(baseline, entries=entries), gone=len(gone), better=better, moved=len(changed) - better
    )


def judges(
    policy: Policy,
    measured: Container[str],
    not_analysed: Container[str] = (),
    *,
    whole: bool = True,
    linted: Container[str] = (),
) -> Callable[[Accepted], bool]:
    """Return whether an audit would have found an entry again, so that its absence means that it is mended.

    The ``whole`` project was measured, or only some paths of it: then what lies elsewhere is not judged, nor
    are rules that look at several files. pylint's are judged in the files that it has looked at (``linted``)
    and in those that are no longer there. Never judged are a file that could not be measured, and a value that
    is within the limit of today: a limit that is looser for one audit mends nothing.
    """
    from selfimprove.reflector.rules import BY_ID, PYLINT

    def judged(entry: Accepted) -> bool:
        rule = BY_ID.get(entry.rule)
        limit = policy.limit(entry.rule, entry.path)
        if rule is None or limit is None or entry.path in not_analysed:
            return False
        if rule.value and not _is_worse(entry.value, limit):
            return False
        if rule.id in PYLINT.values() and entry.path in measured and entry.path not in linted:
            return False
        return whole or (entry.path in measured and rule.scope != "project")

    return judged


def dumps(baseline: Baseline) -> bytes:
    """Return the file: JSON, sorted by place, one finding per line so that differences and merges read well."""
    entries = sorted(
        baseline.entries, key=lambda one: (one.path, one.symbol, one.ordinal, one.rule, str(one))
    )
    lines = [f"  {_line(_plain(one))}" for one in entries]
    head = "".join(
        f" {_line(key)}: {_line(value)},\n"
        for key, value in ((_MARK, FORMAT), ("engine", baseline.engine), ("python", baseline.python))
    )
    body = "[\n" + ",\n".join(lines) + "\n ]" if lines else "[]"
    return f'{{\n{head} "findings": {body}\n}}\n'.encode()


def load(path: Path, name: str = "") -> Baseline:
    """Return the baseline in the file ``path``, which errors call ``name``.

    Raises ConfigError, with the line, for a file that is missing, broken, foreign or in conflict.
    """
    from selfimprove.readfile import read_file

    name = name or str(path)
    again = _AGAIN.format(name=name)
    try:
        data = read_file(path, name, ConfigError, limit=_LIMIT)
    except FileNotFoundError:
        raise ConfigError(f"there is no baseline {name}", where=name, hint=again) from None
    text = data.decode("utf-8-sig", "replace")
    if match := _CONFLICT.search(text):
        line = text.count("\n", 0, match.start()) + 1
        hint = f"resolve it like any conflict (both sides' lines may stay), or: {again}"
        raise ConfigError("the baseline has a merge conflict", where=f"{name}:{line}", hint=hint)
    try:
        document = json.loads(text)
    except json.JSONDecodeError as problem:
        cut = not text.rstrip().endswith("}")
        reason = "is cut off" if cut else f"is not JSON: {problem.msg[:1].lower()}{problem.msg[1:]}"
        raise ConfigError(
            f"the baseline {reason}",
            where=f"{name}:{problem.lineno}",
            hint=f"git checkout {name}, or: {again}",
        ) from None
    except (ValueError, RecursionError):  # nested too deeply, a number of thousands of digits
        document = None
    return _parsed(document, text, name, again)


def _parsed(document: Any, text: str, name: str, again: str) -> Baseline:
    """Return the baseline in a JSON document, or raise ConfigError."""
    if not isinstance(document, dict) or _MARK not in document:
        hint = f"move it away, then: {again}"
        raise ConfigError("this file is not a baseline of selfimprove", where=f"{name}:1", hint=hint)
    version = document[_MARK]
    if version != FORMAT:
        newer = isinstance(version, int) and version > FORMAT
        hint = "pip install --upgrade selfimprove" if newer else again
        raise ConfigError(f"the baseline has format {version!r}, not {FORMAT}", where=f"{name}:1", hint=hint)
    findings = document.get("findings")
    made = [document.get(key) for key in ("engine", "python")]
    if not isinstance(findings, list) or not all(isinstance(one, str) for one in made):
        raise ConfigError("the baseline has no engine, python and findings", where=f"{name}:1", hint=again)
    entries = []
    for number, row in enumerate(findings):
        entry = _accepted(row)
        if entry is None:
            where = f"{name}:{_line_of(text, number)}"
            raise ConfigError(
                f"finding {number + 1} of the baseline is damaged",
                where=where,
                hint=f"remove it, or: {again}",
            )
        entries.append(entry)
    return Baseline(tuple(dict.fromkeys(entries)), str(made[0]), str(made[1]))


def _accepted(row: Any) -> Accepted | None:
    """Return one entry of the file, None when it is none."""
    if not isinstance(row, dict) or not {"rule", "path", "symbol", "value"} <= set(row):
        return None
    known = {key: value for key, value in row.items() if key in Accepted.__slots__}
    value, ordinal = known.pop("value"), known.pop("ordinal", 1)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, float) and not math.isfinite(value):  # JSON as Python reads it has NaN
        return None
    texts = all(isinstance(text, str) for text in known.values())
    if isinstance(ordinal, bool) or not isinstance(ordinal, int) or not texts:
        return None
    known.setdefault("fingerprint", fingerprint(known["rule"], known["path"], known["symbol"], ordinal))
    return Accepted(**known, value=value, ordinal=ordinal)


def _line_of(text: str, number: int) -> int:
    """Return the line of a finding, counted from 0, in a file that has one per line; else that of the list."""
    lines = text.split("\n")
    starts = [at for at, line in enumerate(lines, start=1) if '"findings"' in line]
    start = starts[0] if starts else 1
    return start + 1 + number if start + 1 + number <= len(lines) else start


def _partners(entries: Sequence[Accepted], findings: Sequence[Finding]) -> dict[int, Accepted]:
    """Return, by position of the finding, the entry that stands for it; each entry is used once."""
    partner: dict[int, Accepted] = {}
    taken: set[int] = set()
    for of_entry, of_finding in _KEYS:
        free: defaultdict[Hashable, list[Accepted]] = defaultdict(list)
        for entry in entries:
            if id(entry) not in taken:
                for key in of_entry(entry):
                    free[key].append(entry)
        for at, finding in enumerate(findings):
            if at in partner:
                continue
            candidates = (one for key in of_finding(finding) for one in free.get(key, ()))
            match = next((one for one in candidates if id(one) not in taken), None)
            if match is not None:
                partner[at] = match
                taken.add(id(match))
    return partner


def _fingerprints(entry: Accepted) -> set[str]:
    return {entry.fingerprint, fingerprint(entry.rule, entry.path, entry.symbol, entry.ordinal)}


# How an entry is found again, the surest way first. The body comes before the fingerprint: when the first of
# two functions of one name goes, the second one takes over its ordinal and with it its fingerprint.
_KEYS: tuple[
    tuple[Callable[[Accepted], Iterable[Hashable]], Callable[[Finding], Iterable[Hashable]]], ...
] = (
    (
        lambda entry: [(entry.rule, entry.path, entry.symbol, entry.body)] if entry.body else [],
        lambda one: [(one.rule, one.path, one.symbol, one.body)],
    ),
    (_fingerprints, lambda one: one.fingerprints),
    (
        lambda entry: [(entry.rule, entry.path, entry.symbol)],
        lambda one: [(one.rule, one.path, one.symbol)],
    ),
    (
        lambda entry: [(entry.rule, entry.body)] if entry.body else [],
        lambda one: [(one.rule, one.body)],
    ),
)


def _is_worse(value: float | str, accepted: float | str) -> bool:
    """True when ``value`` is worse; values of two kinds do not compare, and that is worse."""
    if isinstance(value, str) or isinstance(accepted, str):
        return not (isinstance(value, str) and isinstance(accepted, str) and value <= accepted)
    return value > accepted


def _tighter(entry: Accepted, finding: Finding) -> Accepted:
    """Return the entry as it is now. An edit that changes neither value nor name leaves the line alone."""
    names = (entry.path, entry.symbol, entry.ordinal, entry.value)
    same = (finding.path, finding.symbol, finding.ordinal, finding.value) == names
    return entry if same else _entry(finding)


def _entry(finding: Finding) -> Accepted:
    names = ("rule", "path", "symbol", "value", "ordinal", "fingerprint", "body")
    return Accepted(**{name: getattr(finding, name) for name in names})


def _plain(entry: Accepted) -> dict[str, Any]:
    """Return an entry as it is written: what has its usual value is left out."""
    data: dict[str, Any] = {
        "path": entry.path,
        "symbol": entry.symbol,
        "rule": entry.rule,
        "value": entry.value,
    }
    if entry.ordinal != 1:
        data["ordinal"] = entry.ordinal
    if entry.fingerprint != fingerprint(entry.rule, entry.path, entry.symbol, entry.ordinal):
        data["fingerprint"] = entry.fingerprint
    return data | ({"body": entry.body} if entry.body else {})


def _line(value: Any) -> str:
    """Return one line of JSON; a name that is no text (bytes of another encoding) is escaped."""
    text = json.dumps(value, ensure_ascii=False)
    return text if text.isprintable() else json.dumps(value)
