"""The flight recorder: its own thread commits the latest snapshot in time.

Invariant: ``offer`` returns at once whatever the disk does, and of several waiting snapshots the
latest is recorded; writing of a published snapshot begins within a second. One process records, the
others read and take over when it ends. Any failure stops the recording, is reported in ``view`` and
is retried; it ends nothing else. Who records also shares, where several hosts share the state.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from opsconsole.clock import Clock, SystemClock
from opsconsole.engine.recording.archive import Archive
from opsconsole.engine.recording.database import RecordingError, failed, set_aside, size_of
from opsconsole.engine.recording.place import RecordingPlace
from opsconsole.engine.recording.sharing import Sharing
from opsconsole.engine.recording.upkeep import Bounds, Upkeep
from opsconsole.engine.recording.writer import Writer
from opsconsole.errors import StateError
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.past.recording import RecordingState, RecordingView
from opsconsole.model.snapshot import Snapshot
from opsconsole.operations.locks.flock import HeldFlock

EVERY: Final = 0.45
"""Minimum seconds between two recorded moments."""

LOOK_EVERY: Final = 1.0
"""Seconds between checks whether another process still records."""

RETRY_EVERY: Final = 10.0
"""Seconds after which a stopped recording is retried."""

MEASURE_EVERY: Final = 5.0
UPKEEP_EVERY: Final = 0.2
"""Seconds between two slices of upkeep, while any is due."""

SENT_WITHIN: Final = 1.0
"""Seconds for which the end waits until the last of it is shared."""

NOTE_SHOWN: Final = 600.0
"""Seconds for which a notice says that a damaged file was set aside; meanwhile no other file is."""


class Recorder:
    """Records into ``place``. Make it anywhere, ``start`` it once, ``close`` it once.

    ``share`` makes what shares the recording while this process records; None where nobody does.
    """

    def __init__(
        self,
        place: RecordingPlace,
        bounds: Bounds,
        *,
        clock: Clock | None = None,
        every: float = EVERY,
        retry: float = RETRY_EVERY,
        share: Callable[[], Sharing | None] | None = None,
    ) -> None:
        self._place = place
        self._bounds = bounds
        self._clock = clock or SystemClock()
        self._every = every
        self._retry = retry
        self._share = share
        self._sharing: Sharing | None = None
        self._latest: Snapshot | None = None
        self._written: Snapshot | None = None
        self._news = threading.Event()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self._note = ""
        self._note_until = 0.0
        self._measured_at = 0.0
        self._view = RecordingView(RecordingState.OFF, str(place.database))

    @property
    def view(self) -> RecordingView:
        """What the recorder is doing at present."""
        return self._view

    def start(self) -> None:
        """Start recording what is offered; returns at once."""
        if self._thread is not None:
            raise RuntimeError("a recorder can be started only once")
        self._thread = threading.Thread(target=self._live, name="recorder", daemon=True)
        self._thread.start()

    def offer(self, snapshot: Snapshot) -> None:
        """Record ``snapshot``, unless a later one arrives before its turn. Never waits."""
        self._latest = snapshot
        self._news.set()

    def close(self, within: float = 2.0) -> None:
        """Commit the last offered snapshot and close; give up waiting after ``within`` seconds."""
        self._ending.set()
        self._news.set()
        if self._thread is not None:
            self._thread.join(within)

    def _live(self) -> None:
        while not self._ending.is_set():
            self._ending.wait(self._attempt())
        self._view = replace(self._view, state=RecordingState.OFF, fault=None)

    def _attempt(self) -> float:
        """Record until something fails. Returns seconds to wait before the next attempt."""
        try:
            self._place.prepare()
            held = self._place.take()
            if held is not None:
                return self._record_locked(held)
        except StateError as error:
            if not self._place.holder():
                self._stopped(Fault(FaultKind.LOCAL, error.what, error.remedy))
                return self._retry
        except Exception as error:  # noqa: BLE001 - the boundary of the recorder's own thread
            said = f"internal error while recording: {type(error).__name__}"
            self._stopped(Fault(FaultKind.INTERNAL, said, "please report it"))
            return self._retry
        self._read()
        return LOOK_EVERY

    def _record_locked(self, held: HeldFlock) -> float:
        """Record while holding the lock."""
        try:
            self._record()
        except RecordingError as error:
            if not error.damaged or time.monotonic() < self._note_until:
                raise
            self._set_aside()
        finally:
            held.release()
        return 0.0

    def _record(self) -> None:
        writer = Writer(self._place.database, self._place.mode())
        try:
            upkeep = Upkeep(writer, self._bounds)
            self._begin_sharing()
            self._measure(writer)
            while not self._ending.is_set():
                self._write(writer)
                self._spend(writer, upkeep, time.monotonic() + self._every)
                self._news.wait(self._every)
                self._news.clear()
            self._write(writer)
            writer.end()
        finally:
            writer.close()
            if self._sharing is not None:
                self._sharing.close(SENT_WITHIN)
                self._sharing = None

    def _begin_sharing(self) -> None:
        self._sharing = None if self._share is None else self._share()
        if self._sharing is not None:
            self._sharing.start()

    def _write(self, writer: Writer) -> None:
        snapshot = self._latest
        if snapshot is not None:
            writer.watching(self._clock.now())
        if snapshot is None or snapshot is self._written:
            return
        writer.write(snapshot)
        self._written = snapshot
        self._measure(writer)

    def _spend(self, writer: Writer, upkeep: Upkeep, until: float) -> None:
        """Wait until the next moment, doing upkeep that is due."""
        left = until - time.monotonic()
        while left > 0:
            busy = upkeep.step(self._clock.now())
            if self._ending.wait(min(left, UPKEEP_EVERY) if busy else left):
                return
            left = until - time.monotonic()

    def _measure(self, writer: Writer) -> None:
        """Update the recording's span and size, from time to time."""
        now = time.monotonic()
        before = self._view
        if before.state is RecordingState.RECORDING and now - self._measured_at < MEASURE_EVERY:
            return
        self._measured_at = now
        self._view = RecordingView(
            RecordingState.RECORDING,
            str(self._place.database),
            writer.span(),
            size_of(self._place.database),
            note=self._note if now < self._note_until else "",
            unshared=self._sharing.fault if self._sharing is not None else "",
        )

    def _read(self) -> None:
        """Another process records: report which, and the recording's span and size."""
        by = self._place.holder()
        now = time.monotonic()
        known = self._view.state is RecordingState.READING and self._view.by == by
        if not by or (known and now - self._measured_at < MEASURE_EVERY):
            return
        self._measured_at = now
        path = self._place.database
        archive = Archive(path)
        try:
            span = archive.span()
        except StateError as error:
            self._stopped(Fault(FaultKind.LOCAL, error.what, error.remedy))
            return
        finally:
            archive.close()
        self._view = RecordingView(RecordingState.READING, str(path), span, size_of(path), by=by)

    def _stopped(self, fault: Fault) -> None:
        if self._view.state is not RecordingState.STOPPED or self._view.fault != fault:
            self._view = RecordingView(
                RecordingState.STOPPED, str(self._place.database), fault=fault
            )

    def _set_aside(self) -> None:
        path = self._place.database
        try:
            aside = set_aside(path, self._clock.wall())
        except OSError as error:
            raise failed(path, error) from error
        self._note = f"the recording was damaged; it is kept as {aside.name}, a new one has begun"
        self._note_until = time.monotonic() + NOTE_SHOWN
