"""Textual's Linux driver, hardened for real terminals.

Invariant: no byte of input ends the program, no answer of the terminal is a key, an unfinished
paste releases the keyboard within two seconds, a flood of keys is dropped, a closed input is no
longer read, and a terminal that accepts no output never stops the event loop: frames are dropped,
and the screen is repainted when it accepts them again. Output goes to the terminal wherever stderr
is redirected, and SIGCONT counts only after a stop.
"""

import os
import selectors
import signal
import sys
import time
from codecs import getincrementaldecoder
from collections.abc import Callable
from typing import Any, Final, Protocol, runtime_checkable

from textual._xterm_parser import XTermParser
from textual.app import App
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.events import Key, Resize
from textual.geometry import Size

from opsconsole.render.ink.figures import age
from opsconsole.ui.terminal.replies import Replies

FLOOD: Final = 64
"""The most keys taken from one read; nobody types more at once, and pasted text comes as a
paste."""
_READ: Final = 4096
_DRAINED: Final = 3


@runtime_checkable
class Says(Protocol):
    """An app that can show a notice."""

    def say(self, text: str) -> None:
        """Say it."""
        ...


class ConsoleDriver(LinuxDriver):
    """The driver of the real program."""

    _stalled_since: float | None = None
    _leaving = False
    _stopped = False
    mouse_taken = True

    def __init__(
        self,
        app: App[Any],
        *,
        debug: bool = False,
        mouse: bool = True,
        size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        # Textual draws on standard error itself, which may be sent to a file and cannot be muted.
        drawn_on = sys.__stderr__ if sys.__stderr__ and sys.__stderr__.isatty() else sys.stdout
        self._drawing = os.dup(drawn_on.fileno())
        self._file = os.fdopen(
            self._drawing, "w", encoding=drawn_on.encoding, errors="backslashreplace"
        )

    def _sigtstp_application(self, *_: object) -> None:
        self._between_messages(self._stop)

    def _sigcont_application(self, *_: object) -> None:
        self._between_messages(self._go_on)

    def _between_messages(self, act: Callable[[], None]) -> None:
        """Act on a signal while no lock is held: it may have come in the middle of a write."""
        loop = self._app._loop
        if loop is None:
            act()
        else:
            loop.call_soon_threadsafe(act)

    def _stop(self) -> None:
        """Restore the terminal and stop the process; this returns when the process continues."""
        self._stopped = True
        self.suspend_application_mode()
        self._writer_thread = None
        self._must_signal_resume = True
        os.kill(os.getpid(), signal.SIGSTOP)

    def _go_on(self) -> None:
        """Take the terminal again; in the background that is impossible, and it stays stopped."""
        if self._stopped:
            self.resume_application_mode()
            self._stopped = self._writer_thread is None

    def run_input_thread(self) -> None:
        """Read, decode and dispatch until stopped or until the input ends."""
        parser, replies = XTermParser(self._debug), Replies()
        decode = getincrementaldecoder("utf-8")(errors="replace").decode
        with selectors.DefaultSelector() as selector:
            try:
                selector.register(self.fileno, selectors.EVENT_READ)
            except OSError:
                return  # an input that cannot be waited for has no keys
            while not self.exit_event.is_set():
                if selector.select(0.1):
                    raw = self._read()
                    if not raw:
                        return
                    self._feed(parser, replies.typed(decode(raw)))
                self._feed(parser, replies.late())
                for event in parser.tick():
                    self.process_message(event)

    def _read(self) -> bytes:
        try:
            return os.read(self.fileno, _READ)
        except OSError:
            return b""  # the terminal is gone; the watchdog ends the program

    def _feed(self, parser: XTermParser, text: str) -> None:
        if not text:
            return
        keys = 0
        for event in parser.feed(text):
            keys += isinstance(event, Key)
            if keys <= FLOOD or not isinstance(event, Key):
                self.process_message(event)

    def write(self, data: str) -> None:
        """Queue ``data`` for the terminal; while it accepts nothing, frames are dropped."""
        writer = self._writer_thread
        if writer is None:
            return
        queue = writer._queue
        since = self._stalled_since
        if self._leaving or not (since is not None or queue.full()):
            writer.write(data)
        elif since is None:
            self._stalled_since = time.monotonic()
        elif queue.qsize() <= _DRAINED:
            self._stalled_since = None
            writer.write("\x1b[?2026l")
            self._app.call_later(self._resume_painting, time.monotonic() - since)

    def mute(self) -> None:
        """Block further writes to the terminal, from any thread; one under way continues."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._drawing)
        os.close(nowhere)

    def _resume_painting(self, stalled: float) -> None:
        """Repaint everything and say why the display stood still."""
        self._app.refresh(layout=True)
        if isinstance(self._app, Says):
            self._app.say(f"the display stood still for {age(stalled)}: nothing took its output")

    def start_application_mode(self) -> None:
        """Take the terminal, at the start and after a stop."""
        self._leaving = False
        self._stalled_since = None
        super().start_application_mode()  # type: ignore[no-untyped-call]  # Textual's own
        # Textual's handler measures where another signal may interrupt it, so an old size came
        # last.
        signal.signal(signal.SIGWINCH, lambda *_: self._between_messages(self._tell_size))

    def _tell_size(self) -> None:
        if not self._in_band_window_resize:
            size = Size(*self._get_terminal_size())
            self._app.post_message(Resize(size, size))

    def stop_application_mode(self) -> None:
        """Restore the terminal; from here on nothing is dropped."""
        self._leaving = True
        super().stop_application_mode()

    def take_mouse(self, taken: bool) -> None:
        """Turn mouse reports on or off."""
        self.mouse_taken = taken
        if taken:
            self._enable_mouse_support()
        else:
            self._disable_mouse_support()


def toggle_mouse(driver: Driver | None) -> bool:
    """Release the mouse or capture it again. Returns whether it is captured."""
    if not isinstance(driver, ConsoleDriver):
        return False
    driver.take_mouse(not driver.mouse_taken)
    return driver.mouse_taken
