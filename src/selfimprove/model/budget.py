"""Budget: what a run may use, in units, dollars, tokens and seconds, and what it has used."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Budget:
    """Limits (``None`` is no limit) and what is spent against them.

    ``units`` are the tasks' own ``cost``; ``dollars`` and ``tokens`` are the model's; ``seconds`` is wall
    time. ``warning`` is the share of a limit (0 to 1) at which :meth:`warning_due` speaks, once per run.
    """

    units: float | None = None
    dollars: float | None = None
    tokens: int | None = None
    seconds: float | None = None
    warning: float = 0.8
    units_spent: float = 0
    dollars_spent: float = 0
    tokens_spent: int = 0
    warned: bool = False
    seconds_spent: float = 0

    def charge(self, *, units: float = 0, dollars: float = 0, tokens: int = 0, seconds: float = 0) -> None:
        """Add what was just used."""
        self.units_spent += units
        self.dollars_spent += dollars
        self.tokens_spent += tokens
        self.seconds_spent += seconds

    def used_up(self) -> dict[str, str]:
        """Return the limits that are reached: name to the limit in words, as ``{"dollars": "$2.00"}``."""
        return {
            name: say(name, limit)
            for name, limit, spent in self._limits()
            if limit is not None and not _is_over(limit, spent)
        }

    def is_budget_exhausted(self) -> bool:
        """True when a limit is reached, so that nothing that uses it can start."""
        return bool(self.used_up())

    def will_exceed_budget(self, cost: float) -> bool:
        """True when a task of ``cost`` units would go over the limit on units; never for a cost of 0."""
        return self.units is not None and cost > 0 and _is_over(self.units_spent + cost, self.units)

    def warning_due(self) -> str | None:
        """Return one sentence the first time that a limit passes the warning threshold, else ``None``."""
        if self.warned:
            return None
        for name, limit, spent in self._limits():
            if limit and not _is_over(self.warning * limit, spent):
                self.warned = True
                return f"{amount(name, spent)} of {say(name, limit)} are used"
        return None

    def _limits(self) -> tuple[tuple[str, float | None, float], ...]:
        return (
            ("units", self.units, self.units_spent),
            ("dollars", self.dollars, self.dollars_spent),
            ("tokens", self.tokens, self.tokens_spent),
            ("seconds", self.seconds, self.seconds_spent),
        )


def amount(name: str, value: float) -> str:
    """Return ``value`` as a person writes it: ``$0.13`` for dollars, else ``12,900`` or ``0.3``."""
    return f"${value:,.2f}" if name == "dollars" else f"{value:,.10g}"


def say(name: str, value: float) -> str:
    """Return ``value`` with its unit: ``$2.00``, ``10 units``, ``60 seconds``."""
    return amount(name, value) if name == "dollars" else f"{amount(name, value)} {name}"


def _is_over(value: float, limit: float) -> bool:
    # To a millionth, since costs are often decimals and 0.1 + 0.2 is not over 0.3.
    return round(value - limit, 6) > 0
