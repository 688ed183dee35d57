"""A degradation from a console that is then closed: it ends by itself, and the next one says so."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from opsconsole.config.loader import load
from opsconsole.model.operation import ActionKind, Operation, OperationState
from opsconsole.operations.state_place import place_from
from tests.patience import until
from tools.terminal import Terminal

pytestmark = pytest.mark.terminal

VICTIM = "oatie"
REASON = "load [/b] test"
SIZE = (160, 40)
PROGRAM = (sys.executable, "-m", "opsconsole")


@pytest.fixture
def config(tmp_path: Path) -> Iterator[Path]:
    """The configuration of a running demo, whose degradation is verified within a second."""
    argv = [*PROGRAM, "demo", "--headless", "--scenario", "calm"]
    environment = {**os.environ, "HOME": str(tmp_path)}
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=environment) as demo:
        try:
            assert demo.stdout is not None
            written = Path(demo.stdout.readline().rstrip("\n"))
            document = yaml.safe_load(written.read_text())
            degrade = document["services"][VICTIM]["actions"]["degrade"]
            for action in (degrade, degrade["recover"]):
                action.update({"min_healthy": "1s", "deadline": "30s"})
            ours = tmp_path / "opsconsole.yaml"
            ours.write_text(yaml.safe_dump(document))
            ours.chmod(0o600)
            yield ours
        finally:
            demo.terminate()


def journalled(config: Path) -> tuple[Operation, ...]:
    """What the journal has, newest first."""
    journal = place_from(load(config)).journal()
    try:
        return journal.operations()
    finally:
        journal.close()


def is_over(config: Path) -> bool:
    """Whether the degradation was recovered and that verified."""
    newest = journalled(config)[0]
    return newest.kind is ActionKind.RECOVER and newest.state is OperationState.VERIFIED


def to_row(terminal: Terminal, service: str) -> None:
    """Put the cursor on the service's row: the panel below shows which it is."""
    terminal.press("g")
    for _ in range(8):
        terminal.read(0.5)
        if any(line.startswith(f" {service} ─") for line in terminal.lines):
            return
        terminal.press("j")
    raise AssertionError(f"{service} was not reached:\n{terminal.text}")


def leave(terminal: Terminal) -> None:
    """Leave by the usual way."""
    terminal.press("\x03")
    terminal.read(0.3)
    terminal.press("\x03")
    assert terminal.wait(15)[0] == 0


def test_a_degradation_outlives_its_console(config: Path, tmp_path: Path) -> None:
    argv = [*PROGRAM, "--config", str(config)]
    with Terminal(argv, size=SIZE, environment={"HOME": str(tmp_path)}) as terminal:
        terminal.until("5 ok")
        to_row(terminal, VICTIM)
        terminal.press("D")
        terminal.until("ends by itself at")
        terminal.press(f"{REASON}\r\x155s\r")
        terminal.until("in 5s")
        terminal.press("\r")
        terminal.until("undone by")
        terminal.read(0.8)
        terminal.press("\t")
        terminal.read(0.3)
        terminal.press(" ")
        terminal.until("on purpose")
        terminal.press("\x1b")
        terminal.until(lambda text: bool(re.search(r"ends in [1-5]s", text)))
        assert "degraded on purpose, ends in" in terminal.text
        assert REASON in terminal.text
        leave(terminal)

    assert not is_over(config), "the console was to be closed before the end"
    until(lambda: is_over(config), moves=lambda: journalled(config), every=0.2)
    recovered, degraded = journalled(config)[:2]
    assert (degraded.kind, degraded.reason) == (ActionKind.DEGRADE, REASON)
    assert degraded.ends_at is not None
    assert recovered.started_at >= degraded.ends_at - 0.1

    with Terminal(argv, size=SIZE, environment={"HOME": str(tmp_path)}) as terminal:
        terminal.until("you were not connected")
        assert f"recover of {VICTIM} at the end of its degradation" in terminal.text
        assert "while you were away" in terminal.text, "it is on the timeline too"
        terminal.press("j")
        terminal.until(lambda text: "you were not connected" not in text)
        assert "on purpose" not in terminal.text
        terminal.press("u")
        terminal.until("Operations")
        terminal.until(REASON)
        leave(terminal)

    with Terminal(argv, size=SIZE, environment={"HOME": str(tmp_path)}) as terminal:
        terminal.until("5 ok")
        terminal.read(2.5)
        assert "you were not connected" not in terminal.text
        leave(terminal)
