"""The demo as a newcomer sees it: a fleet, an incident, a remedy, a way out."""

import re
import sys
from pathlib import Path

import pytest

from tools.terminal import Terminal

pytestmark = pytest.mark.terminal

SERVICES = ("errorscope", "ai-ops", "ai-backend", "ai-service", "oatie")
VICTIM = "ai-backend"


def row(text: str, service: str) -> str:
    """The service's own row, which begins with its state."""
    found = re.search(rf"^ ?\S (ok|degraded|down|unknown)\b.*\b{service}\b.*$", text, re.MULTILINE)
    return found[0] if found else ""


def is_in(state: str, service: str, text: str) -> bool:
    """Whether the service's row says ``state``."""
    return row(text, service).split()[1:2] == [state]


def test_an_incident_is_seen_understood_and_mended(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "opsconsole", "demo", "--state-dir", str(tmp_path / "demo")]
    with Terminal(argv, size=(140, 40), environment={"HOME": str(tmp_path)}) as terminal:
        terminal.until(lambda text: all(is_in("ok", name, text) for name in SERVICES))

        terminal.until(lambda text: is_in("down", VICTIM, text))
        assert "database down" in row(terminal.text, VICTIM)
        assert "1 down" in terminal.lines[0]
        assert all(is_in("ok", name, terminal.text) for name in SERVICES if name != VICTIM)

        terminal.press("g")
        terminal.read(0.5)
        terminal.press("R")
        terminal.until(f"restart {VICTIM}")
        terminal.until("undone by")
        terminal.read(0.8)
        terminal.press("\r")
        terminal.read(1.0)
        assert is_in("down", VICTIM, terminal.text), "enter must not start anything"

        terminal.press("R")
        terminal.until("undone by")
        terminal.read(0.8)
        terminal.press("\t")
        terminal.read(0.3)
        terminal.press(" ")
        terminal.until("verified")
        terminal.press("\x1b")
        terminal.until(lambda text: is_in("ok", VICTIM, text))
        terminal.read(0.6)  # what is typed as a dialog closes is not used

        terminal.press(":q\r")
        code, _ = terminal.wait(15)
        assert code == 0
        assert terminal.modes_now == terminal.modes
