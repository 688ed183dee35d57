"""An alert's life as seen on a terminal, beside a real Prometheus and a real Alertmanager."""

import json
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from opsconsole.demo.prometheus import AlertRule, MonitoringServer, write_prometheus_config
from tests.operations.place import end_waiting
from tests.servers.fixtures import MonitoringStack
from tests.servers.monitoring import reload
from tools.terminal import Terminal

pytestmark = [pytest.mark.terminal, pytest.mark.servers]

CONFIGURATION = """\
state_dir: {state}
host: {{enabled: false}}
docker: []
prometheus: {{url: "{prometheus}", interval: 1s, timeout: 1s}}
alertmanager: {{url: "{alertmanager}", interval: 1s, timeout: 1s}}
"""


def silences(server: MonitoringServer) -> list[dict[str, Any]]:
    """The silences in force, as the server has them."""
    with urllib.request.urlopen(f"{server.url}/api/v2/silences", timeout=5) as answer:
        found = json.loads(answer.read())
    return [each for each in found if each["status"]["state"] == "active"]


def row(text: str) -> str:
    """The alert's own row in the panel of alerts."""
    lines = (line for line in text.splitlines() if {"crit", "Slow"} <= set(line.split()))
    return next(lines, "")


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """A state folder on whose behalf nothing waits when the test has ended."""
    folder = tmp_path / "state"
    yield folder
    end_waiting(folder)


def test_pending_firing_acknowledged_resolved(
    monitoring_stack: MonitoringStack, tmp_path: Path, state: Path
) -> None:
    alertmanager = monitoring_stack.alertmanager()
    notify = [alertmanager.address]
    prometheus = monitoring_stack.prometheus(alertmanagers=notify)
    config = tmp_path / "opsconsole.yaml"
    config.write_text(
        CONFIGURATION.format(state=state, prometheus=prometheus.url, alertmanager=alertmanager.url)
    )
    argv = [sys.executable, "-m", "opsconsole", "--config", str(config)]
    with Terminal(argv, size=(120, 40), environment={"HOME": str(tmp_path)}) as terminal:
        terminal.until("no alert is firing")
        rule = AlertRule("Slow", "vector(1)", hold="5s", labels={"severity": "critical"})
        write_prometheus_config(prometheus.folder, rules=[rule], alertmanagers=notify)
        reload(prometheus)
        terminal.until(lambda text: "pending" in row(text))
        terminal.until(lambda text: row(text) != "" and "pending" not in row(text))
        terminal.until("1 firing")

        terminal.press("2")
        terminal.until("acknowledge")
        terminal.press("d")
        terminal.until("alertmanager:")
        terminal.press("A")
        terminal.until("matches 1 of 1 alert now")
        assert silences(alertmanager) == []
        terminal.press("on it\r")
        terminal.read(0.5)
        terminal.press("\r")
        terminal.until("undone by")
        assert silences(alertmanager) == []
        time.sleep(0.6)
        terminal.press("\t")
        terminal.read(0.3)
        terminal.press(" ")
        terminal.until("verified")
        assert [each["comment"] for each in silences(alertmanager)] == ["ACK on it"]
        terminal.press("\x1b")
        terminal.until(lambda text: "verified" not in text)
        terminal.read(0.6)  # what is typed as a dialog closes is not used
        terminal.press("\x1b")
        terminal.until(lambda text: "acked" in row(text))
        assert "0 firing" in terminal.text

        terminal.press("s")
        terminal.until("1 in force")
        assert "on it" in terminal.text
        terminal.press("\x1b")
        write_prometheus_config(prometheus.folder, alertmanagers=notify)
        reload(prometheus)
        terminal.until(lambda text: "resolved" in row(text))

        terminal.press(":q\r")
        code, _ = terminal.wait(15)
        assert code == 0
