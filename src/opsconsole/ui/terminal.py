"""Giving the terminal back as it was, whatever happened.

Invariant: ``restore`` needs no event loop, no lock and no library: one write that cannot block
and one ``tcsetattr``. It may be called more than once and from any thread.
"""

import contextlib
import os
import termios
from typing import Any, Final

_RESTORE: Final = (
    b"\x1b[?2026l"  # end of a synchronised update
    b"\x1b[<u"  # Kitty's keyboard protocol
    b"\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1015l\x1b[?1016l"  # mouse
    b"\x1b[?2004l\x1b[?1004l\x1b[?2048l"  # paste, focus, resize reports
    b"\x1b[?7h\x1b[0m\x1b[?1049l\x1b[?25h"  # wrap, colours, main screen, cursor
)


class Terminal:
    """The terminal's modes as they were at the start."""

    def __init__(self, descriptor: int = 0) -> None:
        self.descriptor = descriptor
        self._modes: list[Any] | None = None
        with contextlib.suppress(termios.error):  # not a terminal: nothing to give back
            self._modes = termios.tcgetattr(descriptor)

    @property
    def lost(self) -> bool:
        """Whether there was a terminal and it is gone."""
        if self._modes is None:
            return False
        try:
            termios.tcgetattr(self.descriptor)
        except termios.error:
            return True
        return False

    def restore(self) -> None:
        """Leave the screen, the mouse and the modes as they were."""
        if self._modes is None:
            return
        with contextlib.suppress(OSError, termios.error):  # gone or full, it takes no more
            termios.tcflush(self.descriptor, termios.TCOFLUSH)
            os.set_blocking(self.descriptor, False)
            os.write(self.descriptor, _RESTORE)
        with contextlib.suppress(OSError, termios.error):
            os.set_blocking(self.descriptor, True)
            termios.tcsetattr(self.descriptor, termios.TCSANOW, self._modes)
