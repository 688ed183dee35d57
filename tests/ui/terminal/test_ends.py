"""Every way the program ends, from every state it is in: the terminal is as it was.

Each end comes while the console is idle, has a dialog open, watches an operation, or writes to a
terminal that nobody reads. ``OPSCONSOLE_TEST_ENDS=all`` plays all 36; without it, the half in
which every end meets two states. The time allowed grows with what a plain Python program takes
at the same moment, so that a busy machine is not taken for a slow end.
"""

import os
import re
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.ui.terminal.concurrent import Script, over, passed, play, sent
from tools.terminal import Terminal, child_of

pytestmark = pytest.mark.terminal

WITHIN = 1.0
"""Seconds from the cause to the end on a machine that gives a process the CPU it asks for."""
LOST_WITHIN = 5.0
SECRET = b"hunter2"
ENTERED = ("?1049h", "?25l", "?1000h", "?1003h", "?1004h", "?2004h", "?7l")
LEFT = ("?1049l", "?25h", "?1000l", "?1003l", "?1004l", "?2004l", "?7h")


def _send(number: signal.Signals) -> Callable[[Terminal], None]:
    return lambda terminal: terminal.process.send_signal(number)


def _kill_console(terminal: Terminal) -> None:
    os.kill(child_of(terminal.process.pid), signal.SIGKILL)


def _ignore_hangup() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


@dataclass(frozen=True)
class End:
    """A cause, the exit code that it leads to and what is special about it."""

    cause: Callable[[Terminal], None]
    code: int
    within: float = WITHIN
    ignores_hangup: bool = False


ENDS = {
    "TERM": End(_send(signal.SIGTERM), 143),
    "HUP": End(_send(signal.SIGHUP), 129),
    "QUIT": End(_send(signal.SIGQUIT), 131),
    "INT": End(_send(signal.SIGINT), 130),
    "KILL": End(_kill_console, 137),
    "KILL of the guardian": End(_send(signal.SIGKILL), -9),
    "crash": End(_send(signal.SIGUSR1), 70, WITHIN + 1.0),  # the clock is looked at each second
    "lost": End(Terminal.hang_up, 129),
    "lost, HUP ignored": End(Terminal.hang_up, 129, LOST_WITHIN, ignores_hangup=True),
}
STATES = ("idle", "dialog", "operation", "stalled")
CASES = [
    (f"{name}, {state}", name, state)
    for row, name in enumerate(ENDS)
    for column, state in enumerate(STATES)
    if (row + column) % 2 == 0 or os.environ.get("OPSCONSOLE_TEST_ENDS") == "all"
]
TRIES = 3


class _Timed:
    """How long from now to the program's end, and how busy the machine is at the same time.

    That is told by a Python program that does next to nothing, begun at the same moment.
    """

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._began = time.monotonic()
        argv = [sys.executable, "-I", "-c", "import asyncio"]
        self._plain = os.posix_spawn(argv[0], argv, os.environ)
        self.took = 0.0
        """Seconds; 0 until every process of the terminal is gone."""
        self.strain = 0.0
        """How many times the CPU that the plain program used it took; 0 until it is over."""

    def over(self) -> bool:
        """Take the times of what has ended; whether both have."""
        so_far = time.monotonic() - self._began
        if not self.strain:
            ended, _, used = os.wait4(self._plain, os.WNOHANG)
            if ended:
                self.strain = max(1.0, so_far / (used.ru_utime + used.ru_stime))
        gone = self._terminal.process.poll() is not None and not self._terminal.processes
        if gone and not self.took:
            self.took = so_far
        return bool(self.took and self.strain)


def _brought_to(state: str, terminal: Terminal, end: End) -> Script:
    if state == "operation":
        yield sent(terminal, "▶ restart")
        if end.cause is _kill_console:
            # Only the guardian can name it then, and it is told once a second what goes on.
            yield passed(2.5, terminal)
        return
    yield sent(terminal, "ai-service")
    if state == "dialog":
        terminal.press("R")
        yield sent(terminal, "undone by")
    elif state == "stalled":
        while not terminal.is_full:
            terminal.press(b"\x0c" * 4)
            yield passed(0.02)


def _ended(name: str, state: str, times: dict[str, float]) -> Script:
    end = ENDS[name]
    scene = "acting" if state == "operation" else "fire"
    terminal = Terminal(
        [sys.executable, "-m", "tests.ui.program", scene],
        prepare=_ignore_hangup if end.ignores_hangup else None,
    )
    try:
        yield from _brought_to(state, terminal, end)
        run = _Timed(terminal)
        end.cause(terminal)
        yield run.over
        times[f"{name}, {state}"] = took = run.took
        yield over(terminal)
        assert terminal.process.returncode == end.code, f"exit code {terminal.process.returncode}"
        if terminal.master >= 0:
            _assert_given_back(terminal, named="restart ai-service" if state == "operation" else "")
        allowed = end.within * run.strain
        assert took < allowed, f"took {took:.2f} s, of {allowed:.2f}"
    finally:
        terminal.close()


def _assert_given_back(terminal: Terminal, named: str) -> None:
    assert terminal.modes_now == terminal.modes, "the modes differ"
    sent = bytes(terminal.sent)
    assert SECRET not in sent
    assert b"Traceback" not in sent
    text = sent.decode("utf-8", "replace")
    for on, off in zip(ENTERED, LEFT, strict=True):
        assert on in text, f"{on} is missing"
        assert text.rfind(off) > text.rfind(on), f"{off} is missing"
    assert text.rfind("\x1b[<u") > text.rfind("\x1b[>"), "the keyboard's protocol stays on"
    said = re.sub(r"\x1b\[[<?0-9;]*[a-z]", "", text[text.rfind("?1049l") - 2 :])
    assert "\x1b" not in said, f"more is drawn after the end: {said!r}"
    assert named in said, f"the operation is not named: {said!r}"


def test_every_end_gives_the_terminal_back() -> None:
    times: dict[str, float] = {}
    wrong = play((title, _ended(name, state, times)) for title, name, state in CASES)
    assert len(times) == len(CASES), wrong
    for _ in range(1, TRIES):
        late = [case for case in CASES if wrong.get(case[0], "").startswith("took")]
        for title, name, state in late:
            del wrong[title]
            wrong |= play([(title, _ended(name, state, times))])
    for title, took in sorted(times.items(), key=lambda each: -each[1])[:5]:
        print(f"{took:.2f} s: {title}")
    assert not wrong
