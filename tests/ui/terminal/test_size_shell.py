"""The console as a job of an interactive shell: stopped, continued, killed, its guardian killed."""

import os
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.terminal import Terminal, child_of

pytestmark = pytest.mark.terminal

PROMPT = "ready$"
PROGRAM = f"{sys.executable} -m tests.ui.program fire"


class Shell:
    """An interactive bash on a terminal."""

    def __init__(self) -> None:
        argv = ["bash", "--norc", "--noprofile", "-i"]
        self.terminal = Terminal(argv, environment={"PS1": f"{PROMPT} ", "HISTFILE": "/dev/null"})
        self.terminal.until(PROMPT)
        self.mark = 0

    def run(self, line: str) -> str:
        """What the shell answers to ``line``, then its exit code in dashes."""
        sent = self.terminal.sent
        before = len(sent)
        self.terminal.press(f"{line}; echo -$?-\r")
        self.terminal.until(lambda _: re.search(rb"[\n\r]-\d+-\r", sent[before:]) is not None)
        answer = re.sub(r"\x1b\[[?0-9;]*[a-z]\r?", "", sent[before:].decode()).partition("\n")[2]
        return answer.rpartition("-\r")[0] + "-"

    def start(self, line: str = PROGRAM) -> None:
        """Start the console, or bring it back."""
        self.terminal.screen.reset()  # the emulator has one screen for both
        self.terminal.press(f"{line}\r")
        self.terminal.until("1 down")

    @property
    def guardian(self) -> int:
        """The shell's only job."""
        return child_of(self.terminal.process.pid)

    def wait_for(self, said: bytes) -> None:
        """Read until the shell's own prompt follows ``said``."""
        pattern = re.compile(re.escape(said) + rb".*" + PROMPT.encode().replace(b"$", rb"\$"), re.S)
        self.terminal.until(lambda _: pattern.search(self.terminal.sent, self.mark) is not None)
        self.mark = len(self.terminal.sent)


@pytest.fixture
def shell() -> Iterator[Shell]:
    made = Shell()
    yield made
    os.kill(made.terminal.process.pid, signal.SIGKILL)
    made.terminal.close()


def test_a_shell_stops_and_continues_the_console_as_one_job(shell: Shell) -> None:
    before = shell.run("stty -g")
    shell.start()
    for _ in range(2):
        shell.mark = len(shell.terminal.sent)
        os.kill(shell.guardian, signal.SIGTSTP)
        shell.wait_for(b"Stopped")
        assert shell.run("stty -g") == before
        assert "Stopped" in shell.run("jobs")
        shell.start("fg")
    shell.terminal.press(b"?")
    shell.terminal.until("Keys · overview")
    shell.mark = len(shell.terminal.sent)
    os.kill(shell.guardian, signal.SIGTERM)
    shell.wait_for(b"?1049l")
    assert shell.run("echo $?") == "143\r\n-0-"
    assert shell.run("stty -g") == before
    assert shell.run("jobs") == "-0-"


@pytest.mark.parametrize("who", ["console", "guardian", "stopped guardian"])
def test_a_shell_goes_on_after_a_kill(shell: Shell, who: str) -> None:
    before = shell.run("stty -g")
    shell.start()
    guardian = shell.guardian
    shell.mark = len(shell.terminal.sent)
    if who == "stopped guardian":
        os.kill(guardian, signal.SIGTSTP)
        shell.wait_for(b"Stopped")
        os.kill(guardian, signal.SIGKILL)
        # Until the shell has learnt of its end, it waits for a job that is stopped.
        shell.terminal.until(lambda _: not Path(f"/proc/{guardian}").exists())
        assert shell.run("wait %1; echo $?").endswith("137\r\n-0-")
    else:
        os.kill(guardian if who == "guardian" else child_of(guardian), signal.SIGKILL)
        shell.wait_for(b"" if who == "guardian" else b"ended by SIGKILL")
        assert shell.run("echo $?") == "137\r\n-0-"
    shell.terminal.until(lambda _: shell.terminal.processes == [shell.terminal.process.pid])
    assert shell.run("stty -g") == before
    sent = shell.terminal.sent
    assert sent.rfind(b"?1049l") > sent.rfind(b"?1049h")
