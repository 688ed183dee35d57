"""Every screen on poisoned text, judged by the bytes that reach a terminal.

``OPSCONSOLE_TEST_HOSTILE=all`` plays every sixth of the payloads first on every size; without it,
one walk, on which every payload is met as well.
"""

import itertools
import os
import sys

import pytest

from tests.ui.hostile.poison import PAYLOADS, foreign
from tests.ui.terminal.concurrent import Script, passed, play, quiet, shown
from tools.terminal import Terminal

pytestmark = pytest.mark.terminal

SIZES = ((80, 24), (120, 40), (200, 60))
STARTS = range(0, len(PAYLOADS), len(PAYLOADS) // 6)
RUNS = [*itertools.product(SIZES, STARTS)]
if os.environ.get("OPSCONSOLE_TEST_HOSTILE") != "all":
    RUNS = [(SIZES[1], STARTS[0])]

TABS = [(key, "") for key in "234567890"]
HOME = "Services"
QUIET = 0.05
"""Seconds without output after which a step is over."""
BOX = "\u256d"
"""The corner of a dialog."""
ESC = "\x1b[27u"
"""As Kitty's protocol has it: a plain one would make a chord with a key that follows closely."""

WAY = (
    ("\r", "What can be done"), *TABS, ("y", ""), ("qqq", HOME),
    ("l", "logs"), ("/a\r", ""), ("qqq", HOME), ("w", "What changed"), ("qqq", HOME),
    ("t", "Timeline"), ("d", ""), ("qqq", HOME), ("u", "Operations"), ("d", ""), ("qqq", HOME),
    ("s", "Silences"), ("qqq", HOME), ("b", "Runbooks"), ("\r", ""), ("qqq", HOME),
    ("?", "Keys"), ("qqq", HOME), ("x", BOX), (ESC, ""), ("R", "undone by"), (ESC, ""),
    ("D", BOX), (ESC, ""), ("B", BOX), (ESC, ""), (":s\t", ""), (ESC, ""),
    ("\x10", "command or service"), ("serv", ""), (ESC, HOME), ("\x14", BOX), (ESC, ""),
    ("2", ""), ("\x1b[C", ""), ("d", "Alert"), ("qqq", HOME),
    ("2", "A acknowledge"), ("A", BOX), (ESC, ""), ("S", BOX), (ESC, ""),
    ("z", "1 Alerts"), ("z", HOME), ("5z", "1 Alerts"), ("z", HOME), ("1/[", ""), (ESC, ""),
)  # fmt: skip
"""Keys, and what then shows where one is."""


class _Judge:
    """Looks at what a terminal was sent, every byte once."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._judged = 0

    def look(self, after: str) -> None:
        """Assert that all that came since the last look is the console's own."""
        terminal = self._terminal
        said = terminal.lines[0] if terminal.process.poll() is not None else ""
        assert terminal.process.poll() is None, f"after {after!r} it ended: {said}"
        found = foreign(bytes(terminal.sent[self._judged :]))
        assert not found, f"after {after!r}: {found}"
        # What follows the last escape is judged once it is whole.
        self._judged = max(self._judged, terminal.sent.rfind(b"\x1b"))


def _walked(size: tuple[int, int], first: int) -> Script:
    terminal = Terminal([sys.executable, "-m", "tests.ui.hostile.program", str(first)], size=size)
    judge = _Judge(terminal)
    try:
        yield shown(terminal, "Services", "1 down")
        for step, (keys, sight) in enumerate(WAY):
            terminal.press(keys)
            try:
                yield shown(terminal, sight, without=BOX if keys == ESC else "")
            except AssertionError as error:
                raise AssertionError(f"step {step}, {keys!r}, {sight!r}: {error}") from error
            yield quiet(terminal, QUIET)
            judge.look(keys)
        for row in range(3, size[1], 2):
            terminal.press(f"\x1b[<0;20;{row}M\x1b[<0;20;{row}m")
        yield quiet(terminal)
        judge.look("clicks")
        assert "undone by" not in terminal.text, "a click opened a plan"
    finally:
        terminal.process.kill()
        terminal.close()


def _on_the_wall(size: tuple[int, int]) -> Script:
    terminal = Terminal(
        [sys.executable, "-m", "tests.ui.hostile.program", "0", "--wall"], size=size
    )
    try:
        yield shown(terminal, "DOWN")
        yield passed(2.0, terminal)
        _Judge(terminal).look("the wall")
    finally:
        terminal.process.kill()
        terminal.close()


def test_no_screen_sends_or_obeys_what_came_from_outside() -> None:
    walks = [(f"{size}, payload {first}", _walked(size, first)) for size, first in RUNS]
    walls = [(f"wall, {size}", _on_the_wall(size)) for size in SIZES[-1:]]
    assert not play([*walks, *walls])


def test_the_judge_of_bytes_knows_every_payload_that_a_terminal_would_act_on() -> None:
    """Each payload with a control or a hidden character in it is found when it is sent."""
    for payload in PAYLOADS:
        sent = f"words {payload} words\x1b[0m".encode("utf-8", "surrogatepass")
        harmless = (
            payload.isprintable() or set(payload) <= {"\r", "\n", "\t"} or "\u0301" in payload
        )
        if not harmless and not any(0xD800 <= ord(char) < 0xE000 for char in payload):
            assert foreign(sent), repr(payload)
