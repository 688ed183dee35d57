"""Restores the terminal, whatever happened.

Invariant: ``restore`` needs no event loop, no lock and no library: a write that cannot block and
one ``tcsetattr``, done within half a second. It may be called more than once, from any thread and
from a process in the background; modes that a shell has set since are left alone.
"""

import contextlib
import os
import signal
import sys
import termios
import time
from collections.abc import Iterator
from typing import Any, Final

_RESTORE: Final = (
    b"\x1b[?2026l"  # end of a synchronised update
    b"\x1b[<u"  # Kitty's keyboard protocol
    b"\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1015l\x1b[?1016l"  # mouse
    b"\x1b[?2004l\x1b[?1004l\x1b[?2048l"  # paste, focus, resize reports
    b"\x1b[?7h\x1b[0m\x1b[?1049l\x1b[?25h"  # wrap, colours, main screen, cursor
)
_LFLAG: Final = 3
_TRIES: Final = 40
_TRY_AGAIN: Final = 0.01


class Terminal:
    """The terminal's modes at the start."""

    def __init__(self, descriptor: int = 0) -> None:
        self.descriptor = descriptor
        self._modes: list[Any] | None = None
        with contextlib.suppress(termios.error):  # not a terminal: nothing to restore
            self._modes = termios.tcgetattr(descriptor)

    @property
    def lost(self) -> bool:
        """Whether there was a terminal and it is gone."""
        return self._modes is not None and self._now() is None

    @property
    def changed(self) -> bool:
        """Whether the terminal exists and its modes differ from those at the start."""
        now = self._now()
        return now is not None and now != self._modes

    def restore(self) -> None:
        """Restore the screen, the mouse and the modes."""
        if self._modes is None:
            return
        with _undisturbed():
            self._write_restoration()
            if self._is_ours():
                with contextlib.suppress(OSError, termios.error):
                    termios.tcsetattr(self.descriptor, termios.TCSANOW, self._modes)

    def _write_restoration(self) -> None:
        """Drop queued output until there is room and none of our writes is under way."""
        for _ in range(_TRIES):
            with contextlib.suppress(OSError, termios.error):
                termios.tcflush(self.descriptor, termios.TCOFLUSH)
                # Setting modes wakes a write that waits for room; a flush alone does not.
                now = termios.tcgetattr(self.descriptor)
                termios.tcsetattr(self.descriptor, termios.TCSANOW, now)
            if write_at_once(self.descriptor, _RESTORE) is not None:
                return
            time.sleep(_TRY_AGAIN)

    def _now(self) -> list[Any] | None:
        try:
            return termios.tcgetattr(self.descriptor)
        except termios.error:
            return None

    def _is_ours(self) -> bool:
        """Whether no other process set the modes: a shell that took over turns signals on again."""
        try:
            in_background = os.tcgetpgrp(self.descriptor) != os.getpgrp()
        except OSError:
            return True  # it controls no session any more: no shell reads from it
        now = self._now()
        return not in_background or now is None or not now[_LFLAG] & termios.ISIG


def write_at_once(descriptor: int, data: bytes) -> int | None:
    """Write without waiting. Returns bytes written, 0 if the descriptor is lost, None if it is
    full."""
    try:
        os.set_blocking(descriptor, False)
        try:
            return os.write(descriptor, data)
        finally:
            os.set_blocking(descriptor, True)
    except BlockingIOError:
        return None
    except OSError:
        return 0


def last_words(text: str) -> None:
    """Print ``text`` on standard error, once the screen is left."""
    if text:
        with _undisturbed():
            write_at_once(sys.__stderr__.fileno() if sys.__stderr__ else 2, f"{text}\n".encode())


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Let a background process change the terminal instead of being stopped for it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
