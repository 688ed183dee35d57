"""What the user must know about the console itself, one line each.

Invariant: a notice lasts as long as its cause; after a momentary cause it stays for a while.
"""

from collections.abc import Sequence
from typing import Final

from opsconsole.engine.state.probe_watch import NETWORK_PROBLEM

SKEW: Final = 2.0
"""Seconds by which the wall clock may differ before a notice says so."""

LAG: Final = 0.1
"""Seconds behind schedule above which a notice says so."""

_STEPS: Final = (LAG, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)

LAG_LASTS: Final = 10.0
"""Seconds for which looks must have been late before a notice says so."""

SUSPENDED_SHOWN: Final = 60.0
"""Seconds for which a suspension is shown."""


class Notices:
    """Turns facts into lines; the same tuple until a line changes."""

    def __init__(self) -> None:
        self._resumed_at: float | None = None
        self._gap = 0.0
        self._late_since: float | None = None
        self._lines: tuple[str, ...] = ()

    def suspended(self, gap: float, now: float) -> None:
        """``gap`` seconds were lost until ``now``."""
        self._gap, self._resumed_at = gap, now

    def update(
        self,
        now: float,
        *,
        skew: float,
        lag: float,
        errors: int,
        cut_off: bool,
        journal: str = "",
        recording: str = "",
        runbooks: str = "",
        team: str = "",
        configuration: Sequence[str] = (),
    ) -> tuple[str, ...]:
        """The lines at ``now``; ``journal`` is why the operations cannot be followed.

        ``recording`` is the notice of the flight recorder, ``runbooks`` what is wrong with the
        runbooks, ``team`` why the others are not seen, ``configuration`` what of the configuration
        on disk is not in use.
        """
        lines = [*configuration]
        if cut_off:
            lines.append(NETWORK_PROBLEM)
        if abs(skew) > SKEW:
            lines.append(f"the clock was set {_span(abs(skew))} {_direction(skew)}; ages are right")
        if self._resumed_at is not None and now - self._resumed_at < SUSPENDED_SHOWN:
            lines.append(f"was suspended for {_span(self._gap)}; everything is looked at again")
        if self._keeps_late(lag, now):
            lines.append(f"this console is busy: looks are late by {_coarse(lag)}")
        if journal:
            lines.append(f"operations cannot be followed: {journal}")
        if team and not journal:
            lines.append(f"the others are not seen: {team}")
        lines += [each for each in (recording, runbooks) if each]
        if errors:
            lines.append(f"{errors} internal errors; please report them")
        if tuple(lines) != self._lines:
            self._lines = tuple(lines)
        return self._lines

    def _keeps_late(self, lag: float, now: float) -> bool:
        """Whether looks have been late for a while: one hiccup is not worth a notice."""
        if lag <= LAG:
            self._late_since = None
            return False
        if self._late_since is None:
            self._late_since = now
        return now - self._late_since >= LAG_LASTS


def _direction(skew: float) -> str:
    return "forward" if skew > 0 else "back"


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


def _coarse(lag: float) -> str:
    """The step below it, so that the line does not change all the time."""
    return f"{max(step for step in _STEPS if step <= lag):g} s"
