"""The lines of one host: one that stands and is asked, a few on which programs run.

Invariant: a line that is used again was asked just before whether it still is one; one that is not
as it should be is ended. What only reads is asked a second time, on another line, where the first
broke. Thread-safe; everything blocks, at most until ``ends`` (``time.monotonic``).

What was sent over a line that broke may arrive after it, or be at work still. A line of an errand
begins by ending all such loops of its errand, so that what is then looked up stays as it is.
"""

import contextlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from opsconsole.machines.ssh import far_end
from opsconsole.machines.ssh.line import Answer, FarEnd, Line, LostError, StrangeError, TooMuchError
from opsconsole.machines.ssh.logins import WITHIN, Gate, Patience, Target, explained
from opsconsole.model.running.machine import Failure, MachineError

PROGRAMS: Final = 3
"""Lines on which programs run at one time; more wait."""

_RESTS: Final = 60.0
"""Seconds after which a line that nobody uses is closed."""

_SHORT: Final = 4096
_HALF: Final = 0.5
_CERTAIN: Final = 2.0
"""Seconds from which a difference of clocks is more than the way of an answer."""

_ALIVE: Final = 5.0


class Stop:
    """Ends a line that is no longer needed, from any thread, also one that is yet to come."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._line: Line | None = None
        self.is_set = False

    def set(self) -> None:
        """End it, now or as soon as it is there; idempotent."""
        with self._lock:
            self.is_set = True
            if self._line is not None:
                self._line.end()

    def watch(self, line: Line | None) -> None:
        """Name the line that it ends; None for no more."""
        with self._lock:
            self._line = line
            if self.is_set and line is not None:
                line.end()


class Lines:
    """All lines to ``target``. ``close`` ends them."""

    def __init__(self, target: Target, gate: Gate) -> None:
        self.target = target
        self._gate = gate
        self._patience = Patience()
        self._lock = threading.Lock()
        self._open: set[Line] = set()
        self._idle: list[Line] = []
        self._room = threading.BoundedSemaphore(PROGRAMS)
        self._asking = threading.Lock()
        self._standing: Line | None = None
        self._closed = False
        self.ahead = 0.0

    def far_end(self, ends: float) -> FarEnd:
        """What the host says of itself. Raises MachineError."""
        with self._turn(ends):
            found = self._stand(ends).far_end
        assert found is not None
        return found

    def ask(
        self, code: str, *, limit: int, ends: float, changes: bool = False, data: bytes = b""
    ) -> Answer:
        """What ``code`` says, run by the standing line's shell. Raises MachineError.

        ``data`` is further lines that ``code`` reads.
        """
        with self._turn(ends):
            stood = self._standing is not None
            if changes and self._standing is not None:
                self._revive(ends)
                stood = False
            try:
                return self._asked(code, limit, ends, data, changes=changes)
            except MachineError:
                # It may have broken long ago, and nothing was seen of it.
                if changes or not stood or time.monotonic() >= ends:
                    raise
                return self._asked(code, limit, ends, data, changes=changes)

    @contextmanager
    def program(self, ends: float, stop: Stop) -> Iterator[Line]:
        """A line to run a program on; used again unless it was ended or an error passes."""
        if not self._room.acquire(timeout=max(0.0, ends - time.monotonic())):
            said = f"{self.target.name}: {PROGRAMS} programs run already, and none ended in time"
            raise MachineError(Failure.TIMED_OUT, said)
        try:
            line = self._rested(ends) or self.fresh(ends)
            try:
                stop.watch(line)
                yield line
                stop.watch(None)
            except BaseException:
                stop.watch(None)
                self.discard(line)
                raise
            with self._lock:
                keeps = not (line.is_ended or self._closed)
                if keeps:
                    self._idle.append(line)
            if not keeps:
                self.discard(line)
        finally:
            self._room.release()

    def fresh(self, ends: float) -> Line:
        """A new line, which is the caller's to ``discard``. Raises MachineError."""
        self._patience.check()
        ends = min(ends, time.monotonic() + WITHIN)
        if not self._gate.enter(ends):
            said = f"{self.target.name}: too many logins are under way"
            raise MachineError(Failure.TIMED_OUT, said)
        try:
            line = self._greeted(ends)
        except MachineError as error:
            self._patience.failed(error)
            raise
        finally:
            self._gate.leave()
        self._patience.succeeded()
        return line

    def discard(self, line: Line) -> None:
        """Close a line; by the thread that used it."""
        with self._lock:
            self._open.discard(line)
        line.close()

    def close(self) -> None:
        """End every line, and open no more."""
        with self._lock:
            self._closed = True
            used = list(self._open)
            idle, self._idle = self._idle, []
        for line in used:
            line.end()
        for line in idle:
            self.discard(line)
        # One that asks at this moment discards it.
        if self._asking.acquire(blocking=False):
            self._drop()
            self._asking.release()

    def _greeted(self, ends: float) -> Line:
        try:
            line = Line(self.target.argv, self.target.errand)
        except OSError as error:
            raise explained(error, self.target) from error
        with self._lock:
            self._open.add(line)
            closed = self._closed
        try:
            if closed:
                raise LostError(b"the console is closing")
            ahead = line.greet(ends).seconds + _HALF - time.time()
            if abs(ahead) >= _CERTAIN or abs(self.ahead) >= _CERTAIN:
                self.ahead = ahead if abs(ahead) >= _CERTAIN else 0.0
            if self.target.errand:
                self._end_others(line, ends)
        except (LostError, StrangeError, TooMuchError, TimeoutError) as error:
            self.discard(line)
            raise explained(error, self.target) from error
        except BaseException:
            self.discard(line)
            raise
        return line

    def _end_others(self, line: Line, ends: float) -> None:
        with self._lock:
            own = [each.name for each in self._open if not each.is_ended]
        line.ask(far_end.ending(self.target.errand, own), limit=_SHORT, ends=ends)

    def _rested(self, ends: float) -> Line | None:
        """An idle line that lives."""
        while True:
            with self._lock:
                line = self._idle.pop() if self._idle else None
            if line is None:
                return None
            if _lives(line, ends):
                return line
            self.discard(line)

    def _close_rested(self) -> None:
        """Close the lines that nobody has used for a while: each holds memory here and there."""
        now = time.monotonic()
        with self._lock:
            old = [each for each in self._idle if now - each.used > _RESTS]
            self._idle = [each for each in self._idle if each not in old]
        for each in old:
            self.discard(each)

    @contextmanager
    def _turn(self, ends: float) -> Iterator[None]:
        if not self._asking.acquire(timeout=max(0.0, ends - time.monotonic())):
            said = f"{self.target.name}: what was asked before got no answer yet"
            raise MachineError(Failure.TIMED_OUT, said)
        try:
            yield
        finally:
            if self._closed:
                self._drop()
            self._asking.release()
            self._close_rested()

    def _stand(self, ends: float) -> Line:
        if self._standing is None:
            self._standing = self.fresh(ends)
        return self._standing

    def _revive(self, ends: float) -> None:
        """Have a standing line that lives."""
        if self._standing is not None and not _lives(self._standing, ends):
            self._drop()
        self._stand(ends)

    def _drop(self) -> None:
        line, self._standing = self._standing, None
        if line is not None:
            self.discard(line)

    def _asked(self, code: str, limit: int, ends: float, data: bytes, *, changes: bool) -> Answer:
        line = self._stand(ends)
        try:
            return line.ask(code, limit=limit, ends=ends, data=data)
        except (LostError, TooMuchError, TimeoutError) as error:
            self._drop()
            raise broken(error, self.target, begun=changes) from error
        except BaseException:
            self._drop()
            raise


def _lives(line: Line, ends: float) -> bool:
    with contextlib.suppress(LostError, TooMuchError, TimeoutError):
        line.ask(":", limit=_SHORT, ends=min(ends, time.monotonic() + _ALIVE))
        return True
    return False


def broken(error: Exception, target: Target, *, begun: bool) -> MachineError:
    """A line that failed once it was open."""
    if isinstance(error, TooMuchError):
        return MachineError(Failure.TOO_LARGE, f"{target.name} says too much", begun=begun)
    if isinstance(error, TimeoutError):
        said = f"{target.name} did not answer in time"
        return MachineError(Failure.TIMED_OUT, said, begun=begun)
    why = explained(error, target)
    if isinstance(error, LostError) and not error.said.strip():
        what = f"the line to {target.name} broke"
        return MachineError(Failure.OTHER, what, remedy=why.remedy, begun=begun)
    return MachineError(why.failure, why.what, remedy=why.remedy, begun=begun)
