"""What a person must know of the console itself, in one line each.

Invariant: a notice is there while its cause is, and a while after for what is over in a moment.
"""

from collections.abc import Sequence
from typing import Final

from opsconsole.engine.state.probe_watch import NETWORK_PROBLEM

SKEW: Final = 2.0
"""Seconds by which the wall may have moved away before it is said."""

LAG: Final = 0.5
"""Seconds behind schedule that are said."""

LAG_LASTS: Final = 10.0
"""Seconds for which looks must have been late before it is said."""

SUSPENDED_SHOWN: Final = 60.0
"""Seconds for which a suspension is told."""


class Notices:
    """Facts in, lines out; the same tuple until a line changes."""

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
        configuration: Sequence[str] = (),
    ) -> tuple[str, ...]:
        """The lines at ``now``; ``journal`` is why the operations cannot be followed.

        ``recording`` is what to know of the flight recorder, ``runbooks`` what is wrong with those,
        ``configuration`` what of the one on disk is not in use.
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
        if recording:
            lines.append(recording)
        if runbooks:
            lines.append(runbooks)
        if errors:
            lines.append(f"{errors} internal errors; please report them")
        if tuple(lines) != self._lines:
            self._lines = tuple(lines)
        return self._lines

    def _keeps_late(self, lag: float, now: float) -> bool:
        """Whether looks have been late for a while: one hiccup is no news."""
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
    """In half seconds, so that the line does not change all the time."""
    return f"{round(lag * 2) / 2:g} s"
