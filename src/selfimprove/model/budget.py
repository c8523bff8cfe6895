"""Budget: what a run may use, in units, dollars, tokens, calls and seconds, and what it has used."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from threading import Condition

PICO = 10**12
"""Money is added up in whole picodollars: floats would drift (0.1 + 0.2 is over 0.3), these never do."""


@dataclass(frozen=True, slots=True, eq=False)
class Reservation:
    """What one call may use at most, set aside before it is made. ``picos`` are picodollars.

    ``seconds`` is how long the call may take, ``None`` when time is not limited.
    """

    tokens: int
    picos: int
    calls: int
    seconds: float | None = None


class DoesNotFit(Exception):
    """The worst case of the next call is more than what is left.

    ``name`` is the limit (``dollars``, ``tokens``, ``calls``, ``seconds``), ``price`` when dollars are
    limited and the price is not known, or ``trust`` when a server has billed more than it may, with ``words``.
    """

    def __init__(self, name: str, needed: float = 0, left: float = 0, words: str = "") -> None:
        super().__init__(f"{name}: {needed} needed, {left} left")
        self.name = name
        self.needed = needed
        self.left = left
        self.words = words


@dataclass(slots=True)
class Budget:
    """Limits (``None`` is no limit) and what is spent against them. Threads may share it.

    ``units`` are the tasks' own ``cost``; ``dollars``, ``tokens`` and ``calls`` are the model's; ``seconds``
    is wall time. ``warning`` is the share of a limit (0 to 1) at which :meth:`warning_due` speaks, once per run.
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
    calls: int | None = None
    calls_spent: int = 0
    _picos: int = field(default=0, init=False, repr=False)
    _began: float | None = field(default=None, init=False, repr=False)
    _distrust: str = field(default="", init=False, repr=False)
    _open: list[Reservation] = field(default_factory=list, init=False, repr=False, compare=False)
    _changed: Condition = field(default_factory=Condition, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._picos = picos(self.dollars_spent)

    def begin(self) -> None:
        """Start the clock that :meth:`seconds_left` reads; the first reservation does so otherwise."""
        self._began = time.monotonic()

    def charge(
        self,
        *,
        units: float = 0,
        dollars: float = 0,
        tokens: int = 0,
        seconds: float = 0,
        calls: int = 0,
    ) -> None:
        """Add what was just used."""
        with self._changed:
            self.units_spent += units
            self.seconds_spent += seconds
            self._add(tokens, picos(dollars), calls)

    def reserve(self, tokens: int, dollars: float | None, calls: int = 1) -> Reservation:
        """Set aside the worst case of a call that is about to be made; :meth:`settle` it afterwards.

        A call that fits only when others under way cost less than they may waits for them to end. Raises
        ``DoesNotFit`` when it does not fit; then nothing is set aside.
        """
        with self._changed:
            if self._began is None:
                self.begin()
            while True:
                if self.dollars is not None and dollars is None:
                    raise DoesNotFit("price")
                left = self.seconds_left()
                if left is not None and left <= 0:
                    raise DoesNotFit("seconds")
                wanted = Reservation(tokens, picos(dollars or 0.0), calls, left)
                problem = self._problem(wanted, self._open)
                if problem is None:
                    self._open.append(wanted)
                    return wanted
                if self._problem(wanted, []) is not None:
                    raise problem
                self._changed.wait(left)

    def settle(self, reservation: Reservation, tokens: int, dollars: float | None, calls: int = 1) -> bool:
        """Put what a call was billed in the place of its reservation; say whether that was within each limit's part."""
        billed = picos(dollars or 0.0)
        with self._changed:
            self._open = [one for one in self._open if one is not reservation]
            self._add(tokens, billed, calls)
            self._changed.notify_all()
        return (self.tokens is None or tokens <= reservation.tokens) and (
            self.dollars is None or billed <= reservation.picos
        )

    def release(self, reservation: Reservation) -> None:
        """Give back the reservation of a call that was certainly not made."""
        self.settle(reservation, 0, 0.0, calls=0)

    def distrust(self, why: str) -> None:
        """Let no further call fit, where dollars or tokens are limited: their worst case is not known any more."""
        with self._changed:
            self._distrust = why
            self._changed.notify_all()

    def seconds_left(self) -> float | None:
        """Return how much of the time limit is left, ``None`` without one."""
        if self.seconds is None:
            return None
        run = 0.0 if self._began is None else time.monotonic() - self._began
        return self.seconds - max(run, self.seconds_spent)

    def _problem(self, wanted: Reservation, others: list[Reservation]) -> DoesNotFit | None:
        """Return why ``wanted`` does not fit beside what is spent and the reservations of ``others``."""
        if self._distrust and (self.dollars is not None or self.tokens is not None):
            return DoesNotFit("trust", words=self._distrust)
        limit = None if self.dollars is None else picos(self.dollars)
        rows = (
            ("dollars", limit, self._picos, wanted.picos, [one.picos for one in others], PICO),
            ("tokens", self.tokens, self.tokens_spent, wanted.tokens, [one.tokens for one in others], 1),
            ("calls", self.calls, self.calls_spent, wanted.calls, [one.calls for one in others], 1),
        )
        for name, most, spent, need, held, scale in rows:
            # What costs nothing fits always, also over a limit that others have passed.
            if most is not None and need and spent + sum(held) + need > most:
                return DoesNotFit(name, need / scale, max(0, most - spent - sum(held)) / scale)
        return None

    def _add(self, tokens: int, billed: int, calls: int) -> None:
        self.tokens_spent += tokens
        self.calls_spent += calls
        self._picos += billed
        self.dollars_spent = self._picos / PICO

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
            ("calls", self.calls, self.calls_spent),
            ("seconds", self.seconds, self.seconds_spent),
        )


def picos(dollars: float) -> int:
    """Return ``dollars`` in whole picodollars: exact for every amount that a person or a price list writes."""
    return int((Decimal(repr(dollars)) * PICO).to_integral_value(ROUND_HALF_EVEN))


def amount(name: str, value: float) -> str:
    """Return ``value`` as a person writes it: ``$0.13`` for dollars, else ``12,900`` or ``0.3``."""
    return f"${value:,.2f}" if name == "dollars" else f"{value:,.10g}"


def say(name: str, value: float) -> str:
    """Return ``value`` with its unit: ``$2.00``, ``10 units``, ``60 seconds``."""
    return amount(name, value) if name == "dollars" else f"{amount(name, value)} {name}"


def _is_over(value: float, limit: float) -> bool:
    # To a millionth, since costs are often decimals and 0.1 + 0.2 is not over 0.3.
    return round(value - limit, 6) > 0
