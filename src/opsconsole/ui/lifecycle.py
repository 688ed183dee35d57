"""How the console starts and every way it ends.

Invariant: after TERM, HUP, QUIT or INT the terminal is as it was and the program is gone within
about a second with 128 + n, even when the event loop stands still; a lost terminal ends it
within five. Operations are in their own processes and go on.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from types import FrameType
from typing import TYPE_CHECKING, Final

from opsconsole.clock import Clock
from opsconsole.ui.options import Options
from opsconsole.ui.terminal import Terminal

if TYPE_CHECKING:
    from opsconsole.ui.app import Console
    from opsconsole.ui.engine_like import EngineLike

GRACE: Final = 0.8
QUIT_GRACE: Final = 2.5
WATCH_EVERY: Final = 1.0
EX_USAGE: Final = 64
SIGNALS: Final = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGINT)


class Lifecycle:
    """Signals and the watch over the terminal, for one run of the app."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._app: Console | None = None
        self.code: int | None = None

    def attach(self, app: "Console") -> None:
        """Handle signals and watch the terminal from now on."""
        self._app = app
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._signalled)
        threading.Thread(target=self._watch, name="terminal-watch", daemon=True).start()

    def _signalled(self, number: int, _frame: FrameType | None) -> None:
        self.end(128 + number)

    def _watch(self) -> None:
        while True:
            time.sleep(WATCH_EVERY)
            if self._terminal.lost:
                self.end(128 + signal.SIGHUP)
                return

    def end(self, code: int) -> None:
        """Leave in order where that is possible, by force after the grace."""
        if self.code is not None:
            return
        self.code = code
        self.force_after(GRACE, code)
        app = self._app
        if app is not None and app.is_running:
            app.exit(code, return_code=code)

    def force_after(self, seconds: float, code: int) -> None:
        """End the process after ``seconds`` whatever else is still going on."""

        def force() -> None:
            time.sleep(seconds)
            self._terminal.restore()
            os._exit(code)

        threading.Thread(target=force, name="deadline", daemon=True).start()


def run_console(
    make_engine: "Callable[[], EngineLike]", options: Options, clock: Clock | None = None
) -> int:
    """Run the app on this terminal and return the exit code."""
    if os.environ.get("TERM") == "dumb":
        sys.stderr.write("opsconsole: TERM=dumb cannot draw; use 'opsconsole status'\n")
        return EX_USAGE
    if options.low_bandwidth:
        # Textual reads it once, when it is imported.
        os.environ.setdefault("TEXTUAL_COLOR_SYSTEM", "256")
    from opsconsole.ui import crash
    from opsconsole.ui.app import Console
    from opsconsole.ui.driver import ConsoleDriver

    terminal = Terminal(sys.__stdin__.fileno() if sys.__stdin__ else 0)
    life = Lifecycle(terminal)
    app = Console(make_engine, options=adapted(options), clock=clock, driver_class=ConsoleDriver)
    life.attach(app)
    app.run(mouse=options.mouse and not options.low_bandwidth)
    code = life.code if life.code is not None else (app.return_code or 0)
    life.force_after(QUIT_GRACE, code)
    terminal.restore()
    line = crash.report()
    if line:
        sys.stderr.write(f"{line}\n")
    return code


def adapted(options: Options) -> Options:
    """``options`` as the environment asks: NO_COLOR, a locale that is not UTF-8."""
    if os.environ.get("NO_COLOR"):
        options = replace(options, theme="mono")
    spoken = next(
        (os.environ[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if os.environ.get(name)), ""
    )
    if spoken and "utf" not in spoken.lower():
        options = replace(options, ascii=True)
    return options
