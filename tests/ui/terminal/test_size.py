"""The real program on a pseudo-terminal: how it begins, what it survives, how it ends."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from opsconsole.ui.terminal import crash
from tools.terminal import Terminal

pytestmark = pytest.mark.terminal

Open = Callable[..., Terminal]
ENTERED = ("?1049h", "?25l", "?1000h", "?1003h", "?2004h")
LEFT = ("?1049l", "?25h", "?1000l", "?1003l", "?2004l")
READY = "ai-service"


@pytest.fixture
def on_terminal() -> Iterator[Open]:
    terminals: list[Terminal] = []

    def opened(*arguments: str, **keywords: object) -> Terminal:
        argv = [sys.executable, "-m", "tests.ui.program", *(arguments or ("fire",))]
        terminals.append(Terminal(argv, **keywords))  # type: ignore[arg-type]
        return terminals[-1]

    yield opened
    for terminal in terminals:
        terminal.close()


def assert_given_back(terminal: Terminal) -> None:
    """Modes equal, and each thing that was turned on turned off after it."""
    assert terminal.modes_now == terminal.modes
    text = terminal.sent.decode("utf-8", "replace")
    for on, off in zip(ENTERED, LEFT, strict=True):
        assert on in text
        assert text.rfind(off) > text.rfind(on), off
    assert text.rfind("\x1b[<u") > text.rfind("\x1b[>")


def test_ctrl_c_twice_leaves_in_order(on_terminal: Open) -> None:
    terminal = on_terminal()
    terminal.until(READY)
    terminal.press(b"\x03")
    terminal.until("again leaves")
    assert terminal.process.poll() is None
    terminal.press(b"\x03")
    code, _took = terminal.wait(5)
    assert code == 0
    assert_given_back(terminal)


@pytest.mark.parametrize(
    "noise",
    [
        b"\xff\xfe\xff",
        b"\xe9t\xe9",
        b"\x1b[200~never ended " + b"R" * 400,
        b"\x1bPlate reply\x1b\\\x1b]11;rgb:0000/0000/0000\x1b\\\x1b[?62;22c\x1b[5;7R",
        b"\x1b]lRxy\x1b\\",
        b"\x00\x01\x02\x04\x15\x1a" * 50,
        b"j" * 20_000,
    ],
    ids=["ff", "latin1", "paste", "replies", "title", "controls", "flood"],
)
def test_no_input_ends_it_or_acts(on_terminal: Open, noise: bytes) -> None:
    terminal = on_terminal()
    terminal.until(READY)
    terminal.press(noise)
    terminal.read(3.0 if noise.startswith(b"\x1b[200~") else 1.0)
    assert terminal.process.poll() is None
    if b"\x1bP" not in noise and b"\x1b]" not in noise:  # an answer is no key and opens nothing
        for _ in range(4):
            terminal.press(b"\x1b")
            terminal.read(0.25)
    terminal.press(b"?")
    terminal.until("Keys · overview")


def test_no_colour_is_mono(on_terminal: Open) -> None:
    terminal = on_terminal(environment={"NO_COLOR": "1"})
    terminal.until("1 down")
    terminal.read(0.5)
    import re

    colours = re.findall(rb"[34]8;2;(\d+);(\d+);(\d+)", bytes(terminal.sent))
    assert all(red == green == blue for red, green, blue in colours)


def test_a_slow_link_gets_few_colours_few_repaints_and_no_mouse(on_terminal: Open) -> None:
    terminal = on_terminal("many", "--live", "--low-bandwidth")
    terminal.until("service-0000")
    terminal.read(2.0)
    bursts = 0
    end = time.monotonic() + 8.0
    while (left := end - time.monotonic()) > 0:
        if terminal.wait_for_bytes(left):
            bursts += 1
            while terminal.wait_for_bytes(0.2):
                pass
    assert 2 <= bursts <= 5
    raw = bytes(terminal.sent)
    assert b"8;2;" not in raw
    assert b"8;5;" in raw
    assert b"?1000h" not in raw


def test_a_stop_gives_the_terminal_back_and_going_on_repaints(on_terminal: Open) -> None:
    terminal = on_terminal()
    terminal.until(READY)
    terminal.read(0.5)
    terminal.process.send_signal(signal.SIGTSTP)
    terminal.read(1.0)
    status = Path(f"/proc/{terminal.process.pid}/stat").read_text()
    assert status.rpartition(") ")[2].startswith("T")
    assert terminal.modes_now == terminal.modes
    assert terminal.sent.rfind(b"?1049l") > terminal.sent.rfind(b"?1049h")
    terminal.screen.reset()
    terminal.process.send_signal(signal.SIGCONT)
    terminal.until("1 down")
    terminal.until(READY)
    assert terminal.sent.rfind(b"?1049h") > terminal.sent.rfind(b"?1049l")
    terminal.press("?")
    terminal.until("Keys · overview")


def test_a_crash_is_one_line_and_a_file_without_values(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("crash")
    try:
        secret = "hunter2"  # a local that must not be written
        raise ValueError(f"token={secret} \x1b[2J")
    except ValueError as error:
        crash.remember(error)
    line = crash.report(folder)
    (path,) = folder.iterdir()
    written = path.read_text()
    assert os.stat(path).st_mode & 0o777 == 0o600
    for text in (line, written):
        assert "hunter2" not in text
        assert "\x1b" not in text
    assert str(path) in line
    assert Path(__file__).name in written
    assert crash.report(folder) == ""
