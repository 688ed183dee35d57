"""An alert's whole life on real servers, as the command line and ``status --json`` tell it."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opsconsole.cli.main import main
from opsconsole.demo.prometheus import (
    AlertRule,
    MonitoringServer,
    ScrapeJob,
    write_prometheus_config,
)
from tests.patience import until
from tests.servers.fixtures import MonitoringStack
from tests.servers.monitoring import reload

pytestmark = [pytest.mark.servers]
INTERVAL = 1.0
NOTIFIED = 6.0
"""Seconds: Prometheus finds its Alertmanager after five of them."""

Say = Callable[..., tuple[int, Any]]


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Say:
    """Run a command; its exit code and its JSON."""

    def run(*words: str) -> tuple[int, Any]:
        code = main([*words, "--json", "--config", str(tmp_path / "opsconsole.yaml")])
        written = capsys.readouterr().out
        return code, json.loads(written) if written.strip() else None

    return run


def configure(folder: Path, prometheus: MonitoringServer, alertmanager: MonitoringServer) -> None:
    settings = {
        "docker": [],
        "host": {"enabled": False},
        "state_dir": str(folder / "state"),
        "environment": {"name": "test", "danger": "high"},
        "prometheus": {"url": prometheus.url, "interval": "1s", "timeout": "3s"},
        "alertmanager": {"url": alertmanager.url, "interval": "1s", "timeout": "3s"},
        "services": {"web": {"health": None, "containers": "web"}},
    }
    path = folder / "opsconsole.yaml"
    path.write_text(json.dumps(settings))
    path.chmod(0o600)


def row(say: Say, name: str = "Slow") -> Any:
    """The one row of the alert, None while there is none."""
    _, document = say("status")
    found = [alert for alert in document["alerts"] if alert["name"] == name]
    assert len(found) <= 1, found
    return found[0] if found else None


def wait_for(say: Say, wanted: Callable[[Any], bool]) -> Any:
    seen: list[Any] = []

    def holds() -> bool:
        seen.append(row(say))
        return bool(wanted(seen[-1]))

    until(holds, every=0.1)
    return seen[-1]


def kinds(alert: Any) -> set[str]:
    return {each["kind"] for each in alert["suppressions"]} if alert else set()


def test_an_alert_from_its_first_sign_to_its_end(
    say: Say, tmp_path: Path, monitoring_stack: MonitoringStack
) -> None:
    alertmanager = monitoring_stack.alertmanager()
    labels = {"severity": "critical", "service": "web"}
    rule = AlertRule("Slow", "vector(1)", hold="8s", labels=labels)
    prometheus = monitoring_stack.prometheus(
        rules=[rule],
        alertmanagers=[alertmanager.address],
        jobs=[ScrapeJob("self", [alertmanager.address])],
    )
    configure(tmp_path, prometheus, alertmanager)

    pending = wait_for(say, lambda alert: alert and alert["state"] == "pending")
    assert pending["service"] == "web"
    firing = wait_for(say, lambda alert: alert and len(alert["sources"]) == 2)
    assert (firing["state"], firing["since"]) == ("firing", pending["since"])
    assert firing["key"] == pending["key"]
    code, listed = say("alerts")
    assert code == 2
    assert [alert["name"] for alert in listed["alerts"]] == ["Slow"]

    code, operation = say("ack", "Slow", "--yes", "--reason", "on it")
    assert (code, operation["state"]) == (0, "verified"), operation
    quiet = wait_for(say, lambda alert: "acknowledgement" in kinds(alert))
    (why,) = quiet["suppressions"]
    assert (why["comment"], why["ends_at"] > time.time() + 3.9 * 3600) == ("on it", True)
    assert say("alerts")[0] == 0

    _, listed = say("silences")
    (ack,) = listed["silences"]
    assert (ack["acknowledges"], ack["hides"]) == (True, 1)
    code, operation = say("silence", "service=web", "--for", "1h", "--comment", "x", "--yes")
    assert (code, operation["state"]) == (0, "verified"), operation
    wait_for(say, lambda alert: kinds(alert) == {"acknowledgement", "silence"})
    assert say("unsilence", ack["id"], "--yes", "--reason", "enough")[0] == 0
    wait_for(say, lambda alert: kinds(alert) == {"silence"})

    write_prometheus_config(prometheus.folder, alertmanagers=[alertmanager.address])
    reload(prometheus)
    wait_for(say, lambda alert: alert is None)
    assert say("alerts")[0] == 0


def test_an_alert_of_an_own_rule_is_acknowledged_without_any_server(
    say: Say, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "opsconsole.yaml"
    rule = "{name: ApiDown, when: state == down, severity: critical}"
    path.write_text(
        f"state_dir: {tmp_path / 'state'}\ndocker: []\nhost: {{enabled: false}}\n"
        f"services: {{api: {{instances: ['http://127.0.0.1:9'], health: /, alerts: [{rule}]}}}}\n"
    )
    path.chmod(0o600)
    assert say("alerts")[0] == 2
    assert say("silences")[1]["silences"] == []
    code, operation = say("ack", "ApiDown", "--yes", "--reason", "on it")
    assert (code, operation["state"]) == (0, "verified"), operation
    code, listed = say("alerts")
    (alert,) = listed["alerts"]
    assert (code, kinds(alert)) == (0, {"acknowledgement"})
    assert alert["suppressions"][0]["comment"] == "on it"
    (own,) = say("silences")[1]["silences"]
    assert (own["acknowledges"], own["hides"], own["id"]) == (True, 1, operation["id"])
    capsys.readouterr()
    assert main(["-c", str(path), "incident", "export", "--from", "-5m"]) == 0
    assert "ApiDown acknowledged by" in capsys.readouterr().out
    assert say("unsilence", own["id"], "--yes", "--reason", "enough")[0] == 0
    assert say("alerts")[0] == 2


def test_read_only_refuses_to_acknowledge_and_to_silence(
    say: Say, tmp_path: Path, monitoring_stack: MonitoringStack
) -> None:
    alertmanager = monitoring_stack.alertmanager()
    rule = AlertRule("Slow", "vector(1)", labels={"severity": "warning"})
    prometheus = monitoring_stack.prometheus(rules=[rule], alertmanagers=[alertmanager.address])
    configure(tmp_path, prometheus, alertmanager)
    alert = wait_for(say, lambda alert: alert and alert["fingerprint"])
    assert say("alerts")[0] == 1
    for words in (
        ("ack", alert["fingerprint"]),
        ("silence", "alertname=Slow", "--for", "1h"),
        ("unsilence", "x"),
    ):
        code, refusal = say(*words, "--yes", "--reason", "why", "--read-only")
        assert (code, refusal["refused"]) == (2, "read-only")
    assert say("silences") == (0, {"version": 1, "silences": [], "silent_sources": []})


def test_a_source_that_is_gone_is_said_and_is_not_quiet(
    say: Say, tmp_path: Path, monitoring_stack: MonitoringStack
) -> None:
    alertmanager, prometheus = monitoring_stack.alertmanager(), monitoring_stack.prometheus()
    configure(tmp_path, prometheus, alertmanager)
    alertmanager.stop()
    code, listed = say("alerts")
    assert code == 3
    assert "alertmanager did not answer" in listed["silent_sources"][0]
    assert main(["ack", "Slow", "--config", str(tmp_path / "opsconsole.yaml")]) == 69
