"""The past of a service's logs before what its rings hold, read once on a thread of its own.

Invariant: a line that is in both is there once, and where lines went by between the two it is
said. ``stop`` never waits.
"""

import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from opsconsole.engine.logs.past import PastRead, PastReading
from opsconsole.engine.logs.ring import LogRing
from opsconsole.model.logs import LogLevel, LogLine, LogPast, PastEnd

_ORDER: Final = (PastEnd.BEGINNING, PastEnd.LINES, PastEnd.SECONDS, PastEnd.STOPPED)


class LookBack:
    """Carries out ``readings``, one for each of ``rings``."""

    def __init__(self, readings: Sequence[PastReading], rings: Sequence[LogRing]) -> None:
        self._readings = tuple(readings)
        self._rings = tuple(rings)
        self._done: list[PastRead] = []
        self._joints: dict[int, int] = {}
        self._thread = threading.Thread(target=self._run, name="log-past", daemon=True)

    def start(self) -> None:
        """Begin; once."""
        self._thread.start()

    def stop(self) -> None:
        """End soon."""
        for reading in self._readings:
            reading.stop()

    def status(self) -> LogPast:
        """How far it came."""
        found = [reading.found for reading in self._readings]
        reaches = [each.reach for each in found if each.reach is not None]
        ends = sorted((each.end for each in found), key=_ORDER.index)
        return LogPast(
            end=ends[-1] if ends and len(self._done) == len(found) else None,
            read=sum(each.read for each in found),
            reach=min(reaches) if reaches else None,
            troubles=tuple(trouble for each in found for trouble in each.troubles),
        )

    def lines(self, at: int) -> Sequence[LogLine]:
        """The lines of ring ``at`` with what was before them, once that is read."""
        ring = self._rings[at]
        if at >= len(self._done):
            return ring.lines()
        past, held = self._done[at], ring.held()
        joint = self._joints.get(at)
        if joint is None:
            joint = _place_in(past.last, held)
            if joint is None:
                latest = past.lines[-1].at if past.lines else float("-inf")
                return (*past.lines, *(line for line in held if line.at > latest))
            self._joints[at] = joint
        later = [line for line in held if line.number > joint]
        return (*past.lines, *_between(joint, later), *later)

    def _run(self) -> None:
        for reading in self._readings:
            with suppress(RuntimeError):
                self._done.append(reading.run())


def _between(joint: int, later: Sequence[LogLine]) -> tuple[LogLine, ...]:
    """A notice where lines after the reading are no longer held."""
    if not later or later[0].number == joint + 1:
        return ()
    first = later[0]
    gone = f"{first.number - joint - 1:,} lines since are not held any more: look back again"
    return (LogLine(first.source, joint, first.at, LogLevel.UNKNOWN, gone, notice=True),)


def _place_in(last: Sequence[str], held: Sequence[LogLine]) -> int | None:
    """The number of the held line at which a past ends whose last lines were ``last``."""
    lines = [line for line in held if not line.notice]
    for end in range(len(lines), 0, -1):
        texts = [line.text for line in lines[max(0, end - len(last)) : end]]
        if texts and texts == list(last[-len(texts) :]):
            return lines[end - 1].number
    return None
