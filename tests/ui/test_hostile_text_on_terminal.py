"""Every screen on poisoned text, judged by the bytes that reach a terminal.

``OPSCONSOLE_TEST_HOSTILE=all`` plays every payload first on every size; without it, each size once.
"""

import itertools
import os
import sys

import pytest

from tests.ui.concurrent import Script, passed, play, quiet, shown
from tests.ui.hostile import PAYLOADS, foreign
from tools.terminal import Terminal

pytestmark = pytest.mark.terminal

SIZES = ((80, 24), (120, 40), (200, 60))
STARTS = range(0, len(PAYLOADS), len(PAYLOADS) // 6)
RUNS = [*itertools.product(SIZES, STARTS)]
if os.environ.get("OPSCONSOLE_TEST_HOSTILE") != "all":
    RUNS = [(size, STARTS[index * 2]) for index, size in enumerate(SIZES)]

TABS = [(key, "") for key in "234567890"]
WAY = (
    ("\r", "health"), *TABS, ("y", ""), ("q", "Services"),
    ("l", "logs"), ("/", ""), ("a\r", ""), ("q", ""), ("q", "Services"),
    ("w", "What changed"), ("q", "Services"),
    ("t", "Timeline"), ("d", ""), ("q", ""), ("q", "Services"),
    ("O", "Operations"), ("d", ""), ("q", ""), ("q", "Services"),
    ("S", "Silences"), ("e", ""), ("\x1b", ""), ("\x1b", ""), ("q", "Services"),
    ("b", "Runbooks"), ("\r", ""), ("q", ""), ("q", ""), ("q", "Services"),
    ("?", "Keys"), ("q", "Services"),
    ("x", ""), ("\x1b", "Services"),
    ("R", "undone by"), ("\x1b", "Services"),
    ("D", ""), ("\x1b", "Services"), ("B", ""), ("\x1b", "Services"),
    (":", ""), ("s", ""), ("\t", ""), ("\x1b", "Services"),
    ("\x10", ""), ("serv", ""), ("\x1b", ""), ("\x1b", "Services"),
    ("T", ""), ("\x1b", "Services"),
    ("2", ""), ("\x1b[C", ""), ("d", "Alert"), ("q", "Services"), ("2a", ""), ("\x1b", ""),
    ("2s", ""), ("\x1b", ""), ("2z", ""), ("z", "Services"), ("4z", ""), ("z", "Services"),
    ("5z", ""), ("z", "Services"), ("1/[", ""), ("\x1b", ""), ("\x1b", "Services"),
)  # fmt: skip
"""Keys, and what then shows where one is."""


def _walked(size: tuple[int, int], first: int) -> Script:
    terminal = Terminal([sys.executable, "-m", "tests.ui.hostile_program", str(first)], size=size)
    try:
        yield shown(terminal, "Services", "1 down")
        for keys, sight in WAY:
            terminal.press(keys)
            if sight:
                yield shown(terminal, sight)
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
    walls = [(f"wall, {size}", _on_the_wall(size)) for size in SIZES[1:]]
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
