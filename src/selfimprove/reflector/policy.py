"""Policy: which rules an audit looks for, and the limit of each in each file."""

from __future__ import annotations

import hashlib
import json
from types import MappingProxyType
from typing import TYPE_CHECKING

from selfimprove.codebase.scan import hits
from selfimprove.errors import ConfigError
from selfimprove.reflector.rules import BY_ID, DEFAULT, RANKS, RULES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ALL = "ALL"
Limit = float | str | bool | None  # as a person writes it: null and false switch a rule off
_NOTHING: Mapping[str, str] = MappingProxyType({})


class Policy:
    """What is looked for. Raises ConfigError for a rule that does not exist and a limit of the wrong kind.

    ``limits`` take the place of the rules' own. ``select`` and ``ignore`` are rules, prefixes of them
    (``SI1``) or ``ALL``; of two that fit a rule the longer one counts, and ``ignore`` among equals.
    ``per_path`` maps globs over paths, folders or names to limits that hold only there; later ones win, and
    null switches a rule, or all that a prefix stands for, off. ``origins`` says for errors where ``limits``,
    ``select``, ``ignore`` and ``per_path`` were set.
    """

    def __init__(
        self,
        limits: Mapping[str, Limit] | None = None,
        select: Sequence[str] = DEFAULT,
        ignore: Sequence[str] = (),
        per_path: Mapping[str, Mapping[str, Limit]] | None = None,
        origins: Mapping[str, str] = _NOTHING,
    ) -> None:
        chosen = _prefixes(select, origins.get("select", ""))
        refused = _prefixes(ignore, origins.get("ignore", ""))
        # An `ALL` is the shortest prefix there is: it fits everything and yields to everything.
        wanted = [rule.id for rule in RULES if _longest(rule.id, chosen) > _longest(rule.id, refused)]
        own = _limits(limits or {}, "limits", origins.get("limits", ""))
        self._general = {
            rule: limit for rule in wanted if (limit := own.get(rule, BY_ID[rule].limit)) is not None
        }
        self._per_path = [
            (glob.rstrip("/"), _limits(inner, f"per_path[{glob!r}]", origins.get("per_path", "")))
            for glob, inner in (per_path or {}).items()
        ]
        self._wanted = frozenset(wanted)
        self._known: dict[str, Mapping[str, float | str]] = {}

    def wants(self, rule: str) -> bool:
        """True when ``rule`` is selected and switched off nowhere or only in some paths."""
        return rule in self._general or any(rule in inner for inner in self._switched_on())

    def limit(self, rule: str, path: str) -> float | str | None:
        """Return the highest number, or worst rank, that is fine in ``path``; None: not looked for there."""
        return self.limits(path).get(rule)

    def limits(self, path: str) -> Mapping[str, float | str]:
        """Return rule -> limit of everything that is looked for in ``path``."""
        if not self._per_path:
            return self._general
        if path not in self._known:
            found: dict[str, float | str | None] = dict(self._general)
            for glob, inner in self._per_path:
                if hits(glob, path):
                    found |= {rule: limit for rule, limit in inner.items() if rule in self._wanted}
            self._known[path] = {rule: limit for rule, limit in found.items() if limit is not None}
        return self._known[path]

    @property
    def needs_extra(self) -> bool:
        """True when a rule is wanted whose value is measured only when it is asked for."""
        return any(rule.extra and self.wants(rule.id) for rule in RULES)

    def digest(self) -> str:
        """Return 16 hex digits that differ when the findings in the same code can differ."""
        said = json.dumps([sorted(self._wanted), sorted(self._general.items()), self._per_path])
        return hashlib.sha256(said.encode(errors="surrogateescape")).hexdigest()[:16]

    def _switched_on(self) -> list[set[str]]:
        """Return, per glob, the wanted rules that have a limit only where the glob hits."""
        return [
            {rule for rule, limit in inner.items() if rule in self._wanted and limit is not None}
            for _, inner in self._per_path
        ]


def covered_by(code: str) -> tuple[str, ...]:
    """Return the rules that a code, a prefix or ``ALL`` stands for, none when it is unknown."""
    code = code.strip().upper()
    if code == ALL:
        return tuple(BY_ID)
    return tuple(rule for rule in BY_ID if len(code) > 1 and rule.startswith(code))


def nearest(code: str) -> str:
    """Return, as a hint, the rule that a person most likely meant, by number or by name; "" without any."""
    names = {rule.name: rule.id for rule in RULES} | {rule.id.lower(): rule.id for rule in RULES}
    names |= {part: rule.id for rule in reversed(RULES) for part in rule.name.split("-") if len(part) > 4}
    import difflib

    close = difflib.get_close_matches(code.strip().lower(), names, 1, 0.6)
    return f"did you mean {names[close[0]]} ({BY_ID[names[close[0]]].name})?" if close else ""


def _prefixes(codes: Sequence[str], where: str) -> list[str]:
    """Return the codes with ``ALL`` as the empty prefix."""
    for code in codes:
        if not covered_by(code):
            raise _unknown(code, where)
    return ["" if code.strip().upper() == ALL else code.strip().upper() for code in codes]


def _unknown(code: str, where: str) -> ConfigError:
    hint = nearest(code) or f"rules are {RULES[0].id} to {RULES[-1].id}, prefixes like SI1, and {ALL}"
    return ConfigError(f"{code or 'an empty text'} is not a rule", where=where, hint=hint)


def _longest(rule: str, prefixes: Sequence[str]) -> int:
    """Return the length of the longest prefix that fits ``rule``, -1 without any."""
    return max((len(prefix) for prefix in prefixes if rule.startswith(prefix)), default=-1)


def _limits(limits: Mapping[str, Limit], key: str, where: str) -> dict[str, float | str | None]:
    """Return the limits by rule, checked, with None for what is switched off."""
    found: dict[str, float | str | None] = {}
    for code, limit in limits.items():
        rules = covered_by(code)
        if not rules:
            raise _unknown(code, where)
        if len(rules) > 1 and limit is not None and limit is not False:
            hint = f"a limit belongs to one rule, like {rules[0]}; null (or false) switches all of them off"
            raise ConfigError(f"{code} in {key} is more than one rule", where=where, hint=hint)
        for rule in rules:
            what = f"the limit of {rule} ({BY_ID[rule].name}) in {key}"
            found[rule] = _limit(rule, limit, what, where)
    return found


def _limit(rule: str, limit: Limit, what: str, where: str) -> float | str | None:
    """Return one limit as it is compared, or raise ConfigError."""
    default = BY_ID[rule].limit
    if limit is None or limit is False:
        return None
    if BY_ID[rule].fixed:
        raise ConfigError(
            f"{what} is {limit!r}, but the rule has none",
            where=where,
            hint="null (or false) switches it off; audit.select switches it on",
        )
    if isinstance(default, str):
        if limit in RANKS:
            return str(limit)
        raise ConfigError(f"{what} is {limit!r}", where=where, hint=f"it is one of {', '.join(RANKS)}")
    if isinstance(limit, int | float) and limit is not True and limit >= 0 and float(limit).is_integer():
        return int(limit)
    hint = f"it is a whole number of {BY_ID[rule].unit}, like {default}"
    raise ConfigError(f"{what} is {limit!r}", where=where, hint=hint)
