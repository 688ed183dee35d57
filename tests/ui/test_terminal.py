"""The real program on a pseudo-terminal: how it begins, what it survives, how it ends."""

import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest

from opsconsole.ui import crash
from tests.ui.pty_program import Session

pytestmark = pytest.mark.terminal

Open = Callable[..., Session]
READY = "ai-service"


@pytest.fixture
def on_terminal() -> Iterator[Open]:
    sessions: list[Session] = []

    def opened(*arguments: str, **keywords: object) -> Session:
        sessions.append(Session(arguments or ("fire",), **keywords))  # type: ignore[arg-type]
        return sessions[-1]

    yield opened
    for session in sessions:
        session.close()


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGINT], ids=lambda n: n.name
)
@pytest.mark.parametrize("keys", [b"", b"R"], ids=["idle", "dialog"])
def test_a_signal_gives_the_terminal_back(
    on_terminal: Open, number: signal.Signals, keys: bytes
) -> None:
    session = on_terminal()
    session.until(READY)
    session.type(keys)
    session.read(0.5)
    session.process.send_signal(number)
    code, took = session.wait(5)
    assert code == 128 + number
    assert took < 2.5
    session.assert_given_back()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=lambda n: n.name)
def test_a_stalled_terminal_is_given_back_too(on_terminal: Open, number: signal.Signals) -> None:
    session = on_terminal("many", "--live")
    session.until("service-0000")
    time.sleep(3)  # nobody reads: the pipe fills
    session.process.send_signal(number)
    began = time.monotonic()
    while session.process.poll() is None and time.monotonic() - began < 6:
        time.sleep(0.05)
    assert session.process.returncode == 128 + number
    assert session.modes_now == session.modes


@pytest.mark.parametrize("ignored", [False, True], ids=["default", "ignored"])
def test_a_lost_terminal_ends_the_program(on_terminal: Open, ignored: bool) -> None:
    def ignore() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    session = on_terminal("fire", prepare=ignore if ignored else None)
    session.until(READY)
    session.hang_up()
    code, took = session.wait(6)
    assert code == 128 + signal.SIGHUP
    assert took < 5


def test_ctrl_c_twice_leaves_in_order(on_terminal: Open) -> None:
    session = on_terminal()
    session.until(READY)
    session.type(b"\x03")
    session.until("again leaves")
    assert session.process.poll() is None
    session.type(b"\x03")
    code, _took = session.wait(5)
    assert code == 0
    session.assert_given_back()


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
    session = on_terminal()
    session.until(READY)
    session.type(noise)
    session.read(3.0)
    assert session.process.poll() is None
    for _ in range(4):
        session.type(b"\x1b")
        session.read(0.5)
    session.type(b"?")
    session.until("half a screen down", 15)


def test_nothing_of_outside_origin_reaches_the_terminal(on_terminal: Open) -> None:
    session = on_terminal("hostile")
    session.until("Alerts")
    for keys in (b"\r", b"2", b"3", b"7", b"q", b"x"):
        session.read(0.4)
        session.type(keys)
    session.read(1.0)
    raw = bytes(session.bytes).replace(b"\x1b]22;default\x07", b"")  # the pointer's shape
    assert b"\x1b]52" not in raw
    assert b"\x1b]8" not in raw
    assert b"\x9b31m" not in raw
    assert b"\x07" not in raw
    assert "\u202e".encode() not in raw
    assert session.process.poll() is None


@pytest.mark.parametrize("term", ["xterm-256color", "screen", "linux", "vt100", ""])
@pytest.mark.parametrize("lang", ["C.UTF-8", "C"])
def test_odd_terminals_show_the_state(on_terminal: Open, term: str, lang: str) -> None:
    session = on_terminal(environment={"TERM": term, "LANG": lang, "LC_ALL": lang})
    session.until("1 down")
    session.read(0.5)
    text = session.bytes.decode("utf-8", "replace")
    assert "Traceback" not in text
    assert ("✖" in text) is (lang == "C.UTF-8")


def test_a_terminal_that_cannot_draw_is_told_of_status(on_terminal: Open) -> None:
    session = on_terminal(environment={"TERM": "dumb"})
    code, _took = session.wait(15)
    assert code == 64
    assert b"opsconsole status" in session.bytes
    assert b"\x1b" not in session.bytes


def test_no_colour_is_mono(on_terminal: Open) -> None:
    session = on_terminal(environment={"NO_COLOR": "1"})
    session.until("1 down")
    session.read(0.5)
    import re

    colours = re.findall(rb"[34]8;2;(\d+);(\d+);(\d+)", bytes(session.bytes))
    assert all(red == green == blue for red, green, blue in colours)


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
    assert "test_terminal.py" in written
    assert crash.report(folder) == ""
