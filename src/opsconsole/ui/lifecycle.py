"""How the console starts and all the ways in which it ends.

Invariant: after TERM, HUP, QUIT or INT the terminal is as it was and the program is gone within
about a second with 128 + n, even when the event loop stands still; a lost terminal ends it within
five, a lost guardian at once. Operations run in their own processes and continue; the last message
names them.
"""

import contextlib
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import FrameType
from typing import TYPE_CHECKING, Final

from opsconsole.clock import Clock
from opsconsole.text import sanitize
from opsconsole.ui.options import Options
from opsconsole.ui.terminal.size import Terminal, last_words

if TYPE_CHECKING:
    from opsconsole.ui.app import Console
    from opsconsole.ui.engine_like import EngineLike
    from opsconsole.ui.terminal.terminal_guardian import Guard

GRACE: Final = 0.8
QUIT_GRACE: Final = 2.5
WATCH_EVERY: Final = 1.0
EX_USAGE: Final = 64
NAMED: Final = 5
SIGNALS: Final = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGINT)


class Lifecycle:
    """Handles signals and watches terminal and guardian, for one run of the app."""

    def __init__(self, terminal: Terminal, guard: "Guard | None" = None) -> None:
        self._terminal = terminal
        self._guard = guard
        self._app: Console | None = None
        self._giving_back = threading.Lock()
        self._given_back = False
        self.code: int | None = None

    def attach(self, app: "Console") -> None:
        """Handle signals and errors and watch the terminal from now on."""
        from opsconsole.ui.terminal import crash

        self._app = app
        if self._guard is not None:
            self._guard.given_back = False
        crash.then(lambda: self.force_after(GRACE, crash.EXIT_CODE))
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._signalled)
        threading.Thread(target=self._watch, name="terminal-watch", daemon=True).start()

    def _signalled(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGQUIT and self.code is None:
            from opsconsole.ui.terminal import crash

            crash.dump_threads()
        self.end(128 + number)

    def _watch(self) -> None:
        while not self._guardian_is_gone(WATCH_EVERY):
            if self._terminal.lost:
                self.end(128 + signal.SIGHUP)
                return
            if self._guard is not None:
                self._guard.note = self.under_way
        self._leave_now(128 + signal.SIGHUP)

    def _guardian_is_gone(self, within: float) -> bool:
        """Wait for that long, or until it is set."""
        if self._guard is None:
            time.sleep(within)
            return False
        return bool(select.select([self._guard.alive], [], [], within)[0])

    def end(self, code: int) -> None:
        """Leave in order if possible, by force after the grace period."""
        if self.code is not None:
            return
        self.code = code
        self.force_after(GRACE, code)
        app = self._app
        if app is not None and app.is_running and app._loop is not None:
            # Neither a signal nor a thread wakes a loop that waits for its next timer.
            with contextlib.suppress(RuntimeError):  # it was closed meanwhile: it is ending
                app._loop.call_soon_threadsafe(lambda: app.exit(code, return_code=code))

    def force_after(self, seconds: float, code: int) -> None:
        """End the process after ``seconds``, whatever is still running."""

        def force() -> None:
            time.sleep(seconds)
            self._leave_now(code)

        threading.Thread(target=force, name="deadline", daemon=True).start()

    def _leave_now(self, code: int) -> None:
        """Exit at once. A thread may still be writing: the guardian restores afterwards."""
        if self._guard is None or self._guardian_is_gone(0):
            self._mute()
            self.give_back()
        elif not self._guard.given_back:
            self._guard.note = self._words()
        os._exit(code)

    def _mute(self) -> None:
        """Stop output before the restoration, if there is no guardian to restore afterwards."""
        from opsconsole.ui.terminal.driver import ConsoleDriver

        driver = self._app._driver if self._app is not None else None
        if isinstance(driver, ConsoleDriver):
            driver.mute()

    def give_back(self) -> None:
        """Restore the terminal and print the last message, once; done when this returns."""
        with self._giving_back:
            if self._given_back:
                return
            self._given_back = True
            self._terminal.restore()
            last_words(self._words())
            if self._guard is not None:
                self._guard.given_back = True

    def _words(self) -> str:
        from opsconsole.ui.terminal import crash

        return "\n".join(filter(None, (crash.report(), self.under_way)))

    @property
    def under_way(self) -> str:
        """The operations that continue without the console, one per line; '' if there are none."""
        latest = self._app.bridge.latest if self._app is not None else None
        running = [run for run in latest.operations if not run.state.final] if latest else []
        lines = [
            f"{run.kind.value} {sanitize(run.service)} continues without the console"
            " (see opsconsole operations)"
            for run in running[:NAMED]
        ]
        if len(running) > NAMED:
            lines.append(f"and {len(running) - NAMED} more")
        return "\n".join(lines)


def run_console(
    make_engine: "Callable[[], EngineLike]",
    options: Options,
    clock: Clock | None = None,
    guard: "Guard | None" = None,
) -> int:
    """Run the app on this terminal, guarded if a guard is given, and return the exit code."""
    if os.environ.get("TERM") == "dumb":
        sys.stderr.write("opsconsole: TERM=dumb cannot draw; use 'opsconsole status'\n")
        return EX_USAGE
    if options.low_bandwidth:
        # Textual reads it once, when it is imported.
        os.environ.setdefault("TEXTUAL_COLOR_SYSTEM", _few_colours(os.environ))
    from opsconsole.ui.app import Console
    from opsconsole.ui.terminal.driver import ConsoleDriver

    terminal = guard.terminal if guard else Terminal(sys.__stdin__.fileno() if sys.__stdin__ else 0)
    life = Lifecycle(terminal, guard)
    app = Console(make_engine, options=adapted(options), clock=clock, driver_class=ConsoleDriver)
    life.attach(app)
    app.run(mouse=options.mouse and not options.low_bandwidth)
    code = life.code if life.code is not None else (app.return_code or 0)
    life.force_after(QUIT_GRACE, code)
    life.give_back()
    return code


def _few_colours(environment: Mapping[str, str]) -> str:
    """Textual's name of 256 colours, or of 16 if the terminal has no more."""
    more = environment.get("COLORTERM") or "256color" in environment.get("TERM", "")
    return "256" if more else "standard"


def adapted(options: Options) -> Options:
    """``options`` adjusted to the environment: NO_COLOR, a locale that is not UTF-8."""
    if os.environ.get("NO_COLOR"):
        options = replace(options, theme="mono")
    spoken = next(
        (os.environ[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if os.environ.get(name)), ""
    )
    if spoken and "utf" not in spoken.lower():
        options = replace(options, ascii=True)
    return options
