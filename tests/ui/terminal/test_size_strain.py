"""Terminals that strain the console: one that nobody reads, one that changes size all the time.

What is measured is the processor's time of the console itself, so that a busy machine changes
nothing.
"""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from benchmarks.process import cpu_seconds, resident
from tools.terminal import Terminal, child_of

pytestmark = pytest.mark.terminal

PROGRAM = [sys.executable, "-m", "tests.ui.program"]
MEGABYTE = 1 << 20


@pytest.fixture
def lively() -> Iterator[Terminal]:
    """A fleet whose figures change every second."""
    with Terminal([*PROGRAM, "many", "--live"]) as terminal:
        terminal.until("service-0000")
        yield terminal


def _fill(terminal: Terminal) -> None:
    """Ask for more pictures than terminal and queue hold together, and read none."""
    for _ in range(60):
        terminal.press(b"\x0c")
        _let_pass(0.05)
    assert terminal.is_full


def _let_pass(seconds: float) -> None:
    subprocess.run(["sleep", str(seconds)], check=True)


def test_a_terminal_that_nobody_reads_costs_nothing_and_is_painted_anew(lively: Terminal) -> None:
    console = child_of(lively.process.pid)
    _fill(lively)
    cpu, memory = cpu_seconds(console), resident(console)
    _let_pass(4.0)
    assert cpu_seconds(console) - cpu < 1.0
    assert resident(console) - memory < 20 * MEGABYTE
    lively.until("the display stood still")
    lively.screen.reset()
    lively.press(b"\x0c")
    lively.until(lambda text: "service-0000" in text and "Timeline" in text)


def test_a_storm_of_sizes_ends_in_the_right_picture(lively: Terminal) -> None:
    console = child_of(lively.process.pid)
    memory = resident(console)
    for round_ in range(300):
        lively.resize((1 + round_ * 7 % 220, 1 + round_ * 5 % 70))
        lively.take()
    lively.resize((120, 40))
    lively.screen.reset()
    lively.until(lambda text: "service-0000" in text and "Timeline" in text)
    assert lively.process.poll() is None
    assert all(len(line) <= 120 for line in lively.lines)
    assert resident(console) - memory < 30 * MEGABYTE


def test_without_a_terminal_to_read_from_it_says_so_and_ends() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "opsconsole"], stdin=subprocess.DEVNULL, capture_output=True,
        timeout=20, check=False,
    )  # fmt: skip
    assert run.returncode == 64
    assert b"opsconsole status" in run.stderr
    assert not run.stdout


def test_errors_that_go_to_a_file_leave_the_screen_on_the_terminal(
    tmp_path: os.PathLike[str],
) -> None:
    log = os.path.join(tmp_path, "errors")
    line = f"exec {' '.join(PROGRAM)} fire 2>{log}"
    with Terminal(["sh", "-c", line]) as terminal:
        terminal.until("1 down")
        terminal.press(b"\x03")
        terminal.until("again leaves")
        terminal.press(b"\x03")
        code, _ = terminal.wait(10)
        assert code == 0
        assert terminal.modes_now == terminal.modes
    with open(log, "rb") as file:
        assert b"\x1b" not in file.read()


@pytest.mark.parametrize(
    ("term", "colours"), [("xterm", b"\x1b[3"), ("xterm-256color", b"38;5;")], ids=["16", "256"]
)
def test_a_slow_link_gets_no_more_colours_than_the_terminal_has(term: str, colours: bytes) -> None:
    environment = {"TERM": term, "COLORTERM": None}
    with Terminal([*PROGRAM, "fire", "--low-bandwidth"], environment=environment) as terminal:
        terminal.until("1 down")
        sent = bytes(terminal.sent)
        assert colours in sent
        assert b"8;2;" not in sent
        assert (b"8;5;" in sent) is (term == "xterm-256color")
