"""Finds past moments for replay.

Invariant: a recording is read on its own thread and within a deadline; a snapshot from it is marked
as replayed. What of the last quarter of an hour is in no recording is kept in memory: at most
``KEPT`` snapshots, at least ``APART`` seconds apart.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, Protocol, TypeVar

from opsconsole.engine.past import preload
from opsconsole.engine.past.past_figures import PastFigures
from opsconsole.engine.past.preload import Past, Recorded
from opsconsole.errors import OpsconsoleError
from opsconsole.model.events import Event
from opsconsole.model.operation import Refusal
from opsconsole.model.past.replay import Gap, Moment, Origin, Span
from opsconsole.model.snapshot import Snapshot
from opsconsole.threads import BoundedExecutor, QueueFullError

KEPT: Final = 60
APART: Final = 15.0

DEADLINE: Final = 5.0
"""Deadline for reading one moment of the recording, in seconds."""

SPAN_EVERY: Final = 5.0
"""Seconds between checks of the recording's span."""

EXACT: Final = 3.0
"""Seconds for which a recorded snapshot counts as the moment asked for; then as its own moment."""

LEAST_GAP: Final = 60.0
"""Seconds between two recorded moments from which on there may be a gap."""

GAP_STEPS: Final = 5.0
"""A gap is longer than this many of the recording steps just before it."""

BEFORE: Final = "before-recording"
AFTER: Final = "after-recording"
"""Codes of refusals: only later, or only earlier, moments can be shown."""

_BUSY: Final = Refusal("busy", "the recording does not answer", "try again")

T = TypeVar("T")


class Moments(Protocol):
    """A source of past moments. Its methods block and raise OpsconsoleError."""

    def span(self) -> Span | None:
        """The recorded span of time; None while nothing is recorded."""
        ...

    def at(self, moment: float, /) -> Snapshot | None:
        """The snapshot of the newest recorded moment not after ``moment``; None if there is
        none."""
        ...

    def neighbour(self, moment: float, step: int, /) -> float | None:
        """The next recorded moment after ``moment``, or before it if ``step`` is negative."""
        ...


class Archive(Moments, Recorded, Protocol):
    """A recording of moments and events, which knows when nobody looked."""

    @property
    def lacks(self) -> str:
        """Why what others recorded is not all there; '' while it is."""
        ...

    def close(self) -> None:
        """Close the file; idempotent."""
        ...


class Recent:
    """The last quarter of an hour, as far as no recording has it."""

    def __init__(self) -> None:
        self._kept: deque[Snapshot] = deque(maxlen=KEPT)

    def keep(self, snapshot: Snapshot) -> None:
        """Keep ``snapshot`` if enough time has passed since the last one."""
        if not self._kept or snapshot.taken_at - self._kept[-1].taken_at >= APART:
            self._kept.append(snapshot)

    def forget(self, recorded: Span, gaps: Sequence[Gap]) -> None:
        """Keep only what is not recorded: of a large fleet all of it takes gigabytes."""
        lacking = [
            each
            for each in self._kept
            if each.taken_at >= recorded.end
            or any(gap.begin < each.taken_at < gap.end for gap in gaps)
        ]
        self._kept = deque(lacking, maxlen=KEPT)

    def span(self) -> Span | None:
        """The span of time that is kept."""
        kept = self._kept
        return Span(kept[0].taken_at, kept[-1].taken_at) if kept else None

    def at(self, moment: float) -> Snapshot | None:
        """The newest snapshot not taken after ``moment``."""
        earlier = [each for each in self._kept if each.taken_at <= moment]
        return earlier[-1] if earlier else None

    def neighbour(self, moment: float, step: int) -> float | None:
        """When the next snapshot after ``moment``, or before it, was taken."""
        times = [each.taken_at for each in self._kept]
        if step > 0:
            return min((at for at in times if at > moment), default=None)
        return max((at for at in times if at < moment), default=None)


class Replay:
    """Finds moments: in the ``archive`` if there is one, else in memory, else from figures."""

    def __init__(self, archive: Archive | None = None) -> None:
        self._archive = archive
        self._recent = Recent()
        self._executor = BoundedExecutor("replay", 1)
        self._span: Span | None = None
        self.past_figures: PastFigures | None = None
        self.read_only = False

    @property
    def recorded(self) -> Span | None:
        """The span of time that can be shown, as far as it was looked up."""
        kept = self._recent.span()
        if self._span is None or kept is None:
            return self._span or kept
        return Span(min(self._span.begin, kept.begin), max(self._span.end, kept.end))

    @property
    def lacks(self) -> str:
        """Why what other hosts recorded cannot be shown; '' while it can."""
        said = "" if self._archive is None else self._archive.lacks
        return f"what other hosts recorded is not seen: {said}" if said else ""

    def keep(self, snapshot: Snapshot) -> None:
        """Keep ``snapshot`` if enough time has passed since the last one."""
        self._recent.keep(snapshot)

    def close(self) -> None:
        """Release the thread and the recording, without waiting for either."""
        self._executor.close()
        if self._archive is not None:
            threading.Thread(target=self._archive.close, name="replay-close", daemon=True).start()

    async def look_how_far(self) -> None:
        """Look up the recording's span of time."""
        archive, kept = self._archive, self._recent.span()
        if archive is None:
            return
        found = await self._read(archive.span)
        if isinstance(found, Refusal):
            return
        self._span = found
        if found is not None and kept is not None:
            gaps = await self._read(lambda: archive.gaps(kept.begin, found.end))
            if not isinstance(gaps, Refusal):
                self._recent.forget(found, gaps)

    async def past(self, began: float, window: float) -> Past:
        """What was recorded in the ``window`` seconds before ``began``; nothing if that fails.

        The failure is reported when a moment is asked for.
        """
        archive = self._archive
        if archive is None:
            return Past()
        found = await self._read(lambda: preload.read(archive, began, window))
        return Past() if isinstance(found, Refusal) else found

    async def events(self, since: float, until: float) -> tuple[Event, ...]:
        """The events that were recorded between two moments; none if they cannot be read."""
        archive = self._archive
        if archive is None:
            return ()
        found = await self._read(lambda: archive.events(since, until))
        return () if isinstance(found, Refusal) else found

    async def moment(self, at: float) -> Moment | Refusal:
        """The snapshot of ``at``, in Unix seconds, or why it cannot be shown.

        Whether changes are allowed is this console's own matter, not that of the one that recorded.
        """
        found = await self._moment(at)
        if isinstance(found, Refusal) or found.snapshot.read_only is self.read_only:
            return found
        return replace(found, snapshot=replace(found.snapshot, read_only=self.read_only))

    async def _moment(self, at: float) -> Moment | Refusal:
        found = await self._found(at)
        if isinstance(found, Refusal):
            return found
        figures = self.past_figures
        if found is None:
            return self._nothing(at) if figures is None else await self._by_figures(figures, at)
        if figures is None or found.gap is not None:
            return found
        return replace(found, snapshot=await figures.completed(found.snapshot, found.at))

    async def _by_figures(self, figures: PastFigures, at: float) -> Moment | Refusal:
        """What a Prometheus still has of ``at``."""
        known = await figures.known(at)
        if not known:
            return self._nothing(at)
        alone = await self._read(lambda: figures.alone(known, at))
        return alone if isinstance(alone, Refusal) else Moment(at, at, alone, Origin.PROMETHEUS)

    async def _found(self, at: float) -> Moment | Refusal | None:
        """The recorded snapshot, or the one in memory; None if there is neither."""
        archive = self._archive
        kept = _recorded(self._recent, at, Origin.MEMORY)
        if archive is None:
            return kept
        recorded = await self._read(lambda: _of_archive(archive, at))
        if isinstance(recorded, Moment) and recorded.gap is None:
            return recorded
        return kept if kept is not None and kept.gap is None else recorded or kept

    def _nothing(self, at: float) -> Refusal:
        span = self.recorded
        if span is None:
            return Refusal("not-recorded", "nothing is recorded yet")
        if at < span.begin:
            return Refusal(BEFORE, "nothing is recorded so early")
        return Refusal(AFTER, "nothing is recorded so late")

    async def _read(self, call: Callable[[], T]) -> T | Refusal:
        try:
            return await self._executor.run(call, deadline=DEADLINE)
        except (TimeoutError, QueueFullError):
            return _BUSY
        except OpsconsoleError as error:
            return Refusal("cannot-read", error.what, error.remedy)


def _of_archive(archive: Archive, at: float) -> Moment | None:
    """The snapshot recorded at ``at``, or the last one before a gap in which nobody looked."""
    found = _recorded(archive, at, Origin.RECORDING)
    if found is None or found.gap is not None or at <= found.snapshot.taken_at + EXACT:
        return found
    later = archive.neighbour(at, 1)
    if later is None:
        return found
    gaps = archive.gaps(found.snapshot.taken_at, later)
    gap = next((each for each in gaps if each.begin <= at < each.end), None)
    return found if gap is None else replace(found, gap=gap)


def _recorded(archive: Moments, at: float, origin: Origin) -> Moment | None:
    """The snapshot recorded at ``at``, or in a gap the last one before; None outside the
    recording."""
    snapshot = archive.at(at)
    if snapshot is None:
        return None
    found = _moment(at, snapshot, origin)
    if at - snapshot.taken_at <= EXACT:
        return found
    after = archive.neighbour(snapshot.taken_at, 1)
    gap = _gap(archive, snapshot.taken_at, at if after is None else after)
    if gap is None:
        return found
    return None if after is None else replace(found, gap=gap)


def _gap(archive: Moments, begin: float, end: float) -> Gap | None:
    """The gap between two recorded moments, if it is longer than the usual steps there."""
    if end - begin <= LEAST_GAP:
        return None
    before = archive.neighbour(begin, -1)
    step = 0.0 if before is None else begin - before
    return Gap(begin, end) if end - begin > GAP_STEPS * step else None


def _moment(asked: float, snapshot: Snapshot, origin: Origin) -> Moment:
    at = asked if asked - snapshot.taken_at <= EXACT else snapshot.taken_at
    return Moment(asked, at, replace(snapshot, replayed=True), origin)
