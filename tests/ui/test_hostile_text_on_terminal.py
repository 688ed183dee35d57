"""Every screen on poisoned text, judged by the bytes that reach a terminal.

``OPSCONSOLE_TEST_HOSTILE=all`` plays every payload first on every size; without it, the
least size and the largest once.
"""

import itertools
import os
import sys

import pytest

from opsconsole.ui.screens.dialog import DEAD_TIME
from tests.ui.concurrent import Script, passed, play, quiet, shown
from tests.ui.hostile import PAYLOADS, foreign
from tools.terminal import Terminal

pytestmark = pytest.mark.terminal

SIZES = ((80, 24), (120, 40), (200, 60))
STARTS = range(0, len(PAYLOADS), len(PAYLOADS) // 6)
RUNS = [*itertools.product(SIZES, STARTS)]
if os.environ.get("OPSCONSOLE_TEST_HOSTILE") != "all":
    RUNS = [(SIZES[0], STARTS[0]), (SIZES[-1], STARTS[3])]

TABS = [(key, "") for key in "234567890"]
HOME = "Services"
BOX = "\u256d"
"""The corner of a dialog."""
ESC = "\x1b"
WAY = (
    ("\r", "health"), *TABS, ("y", ""), ("qqq", HOME),
    ("l", "logs"), ("/a\r", ""), ("qqq", HOME), ("w", "What changed"), ("qqq", HOME),
    ("t", "Timeline"), ("d", ""), ("qqq", HOME), ("O", "Operations"), ("d", ""), ("qqq", HOME),
    ("S", "Silences"), ("qqq", HOME), ("b", "Runbooks"), ("\r", ""), ("qqq", HOME),
    ("?", "Keys"), ("qqq", HOME), ("x", BOX), (ESC, ""), ("R", "undone by"), (ESC, ""),
    ("D", BOX), (ESC, ""), ("B", BOX), (ESC, ""), (":s\t", ""), (ESC, ""),
    ("\x10serv", ""), (ESC, ""), ("T", BOX), (ESC, ""),
    ("2", ""), ("\x1b[C", ""), ("d", "Alert"), ("qqq", HOME),
    ("2a", ""), (ESC, ""), ("2s", ""), (ESC, ""),
    ("2z", ""), ("z", HOME), ("5z", ""), ("z", HOME), ("1/[", ""), (ESC, ""),
)  # fmt: skip
"""Keys, and what then shows where one is."""


def _walked(size: tuple[int, int], first: int) -> Script:
    terminal = Terminal([sys.executable, "-m", "tests.ui.hostile_program", str(first)], size=size)
    try:
        yield shown(terminal, "Services", "1 down")
        for step, (keys, sight) in enumerate(WAY):
            terminal.press(keys)
            try:
                yield shown(terminal, sight, without=BOX if keys == ESC else "")
            except AssertionError as error:
                raise AssertionError(f"step {step}, {keys!r}, {sight!r}: {error}") from error
            yield passed(DEAD_TIME if BOX in terminal.text else 0.0, terminal)
            yield quiet(terminal)
            _assert_its_own(terminal, keys)
        for row in range(3, size[1], 2):
            terminal.press(f"\x1b[<0;20;{row}M\x1b[<0;20;{row}m")
        yield quiet(terminal)
        _assert_its_own(terminal, "clicks")
        assert "undone by" not in terminal.text, "a click opened a plan"
    finally:
        terminal.process.kill()
        terminal.close()


def _assert_its_own(terminal: Terminal, after: str) -> None:
    found = foreign(bytes(terminal.sent))
    said = terminal.lines[0] if terminal.process.poll() is not None else ""
    assert terminal.process.poll() is None, f"after {after!r} it ended: {said}"
    assert not found, f"after {after!r}: {found}"


def _on_the_wall(size: tuple[int, int]) -> Script:
    terminal = Terminal(
        [sys.executable, "-m", "tests.ui.hostile_program", "0", "--wall"], size=size
    )
    try:
        yield shown(terminal, "DOWN")
        yield passed(2.0, terminal)
        _assert_its_own(terminal, "the wall")
    finally:
        terminal.process.kill()
        terminal.close()


def test_no_screen_sends_or_obeys_what_came_from_outside() -> None:
    walks = [(f"{size}, payload {first}", _walked(size, first)) for size, first in RUNS]
    walls = [(f"wall, {size}", _on_the_wall(size)) for size in SIZES[-1:]]
    assert not play([*walks, *walls], patience=15.0)


def test_the_judge_of_bytes_knows_every_payload_that_a_terminal_would_act_on() -> None:
    """Each payload with a control or a hidden character in it is found when it is sent."""
    for payload in PAYLOADS:
        sent = f"words {payload} words\x1b[0m".encode("utf-8", "surrogatepass")
        harmless = (
            payload.isprintable() or set(payload) <= {"\r", "\n", "\t"} or "\u0301" in payload
        )
        if not harmless and not any(0xD800 <= ord(char) < 0xE000 for char in payload):
            assert foreign(sent), repr(payload)
