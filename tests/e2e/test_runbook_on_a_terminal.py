"""The demo's recovery runbook, run at a terminal to its verified end.

It takes half a minute because everything in it is real: the fleet, the backup, the restart and its
verification, and the watch afterwards.
"""

import sys
from pathlib import Path

import pytest

from tools.terminal import Terminal

pytestmark = pytest.mark.terminal


def test_a_recovery_is_run_a_step_at_a_time_and_enter_runs_nothing(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "opsconsole", "demo", "--scenario", "calm"]
    argv += ["--state-dir", str(tmp_path / "demo")]
    with Terminal(argv, size=(120, 40), environment={"HOME": str(tmp_path)}) as terminal:
        terminal.until("ai-ops")
        terminal.press(":ai-ops\r")
        terminal.until("0 runbooks")
        terminal.press("0")
        terminal.until("recovery procedure")
        terminal.press("j\r")
        terminal.until("›○  1 read")
        terminal.press("\r")
        terminal.until("esc the list")
        terminal.press("\x1b")
        terminal.until("›○  1 read")

        terminal.press("R")
        terminal.until("›○  2 act")
        for step, following in (("R", "›○  3 act"), ("S", "›○  4 act"), ("R", "›○  5 check")):
            terminal.press(step)
            if step == "R":
                terminal.until("enter never starts it")
                terminal.read(0.8)
                terminal.press("\t")
                terminal.read(0.5)
                terminal.press(" ")
                terminal.until("● verified")
                terminal.press("\x1b")
                # A key that follows too closely would be one with alt.
                terminal.until(lambda text: "Close" not in text)
                terminal.read(0.6)  # what is typed as a dialog closes is not used
            terminal.until(following)
        terminal.press("R")
        terminal.until("›○  6 wait")
        terminal.press("R")
        terminal.until("left, held in")
        terminal.until("›○  7 ask")
        terminal.press("R")
        terminal.until("yes / no")
        terminal.press("y\r")
        terminal.until("finished: 6 passed, 1 skipped")
        assert "verified: healthy for" in terminal.text
        terminal.press(":q\r")
        code, _ = terminal.wait(15)
        assert code == 0
