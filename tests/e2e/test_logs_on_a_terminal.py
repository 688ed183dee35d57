"""The demo's logs as a person sees them: JSON lines with their levels, of three instances."""

import re
import sys
from pathlib import Path

import pytest

from tools.terminal import Terminal

pytestmark = pytest.mark.terminal

ROW = re.compile(r"^ ?\d\d:\d\d:\d\d\.\d{3} INFO  +(-\d) +analyzed \d+ characters", re.M)


def test_the_logs_of_a_service_are_followed_filtered_and_left(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "opsconsole", "demo", "--state-dir", str(tmp_path / "demo")]
    with Terminal(argv, size=(140, 40), environment={"HOME": str(tmp_path)}) as terminal:
        terminal.until(lambda text: bool(re.search(r"ok +ai-service", text)))
        terminal.press("/ai-service\r")
        terminal.read(0.7)
        terminal.press("l")
        terminal.until("ai-service · logs")
        terminal.until(lambda text: len(set(ROW.findall(text))) == 3)
        assert "following" in terminal.text
        known = re.compile(r"ai-service-1 +\d+ of \d+ lines  lag \d+")
        terminal.until(lambda text: bool(known.search(text)))

        terminal.press("p")
        terminal.until("PAUSED")
        terminal.press("p")
        terminal.press("/!2169\r")
        terminal.until(lambda text: "filter !2169" in text and "2169 characters" not in text)
        assert ROW.search(terminal.text)

        terminal.press("\x1b")
        terminal.until("2169 characters")
        terminal.press("q")
        terminal.until("Services")
        terminal.press(":q\r")
        code, _ = terminal.wait(15)
        assert code == 0
