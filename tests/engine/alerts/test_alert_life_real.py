"""A running engine follows an alert's states within two intervals of the servers' own."""

import json
import time
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from opsconsole.config.settings import Settings
from opsconsole.demo.prometheus import AlertRule, MonitoringServer, write_prometheus_config
from opsconsole.engine.engine import Engine
from opsconsole.model.alerting.alerts import Alert, AlertState
from opsconsole.render.timeline.words import words
from tests.patience import until
from tests.servers.fixtures import MonitoringStack
from tests.servers.monitoring import reload

pytestmark = [pytest.mark.servers]
INTERVAL = 1.0
"""Seconds for one look, one snapshot and a busy machine."""


def ask(server: MonitoringServer, path: str, body: object = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(server.url + path, data=data, headers=headers)
    with urllib.request.urlopen(request, timeout=5) as answer:
        return json.loads(answer.read())


def states(server: MonitoringServer) -> list[str]:
    """What Prometheus says of its alerts."""
    return [alert["state"] for alert in ask(server, "/api/v1/alerts")["data"]["alerts"]]


def suppressed(server: MonitoringServer) -> int:
    return sum(bool(each["status"]["silencedBy"]) for each in ask(server, "/api/v2/alerts"))


def follows(there: Callable[[], bool], here: Callable[[], bool]) -> None:
    """The server comes to say something, and the console does so after it."""
    until(there)
    until(here)


def silence(server: MonitoringServer, comment: str, lasts: float) -> str:
    now = time.time()
    body = {
        "matchers": [{"name": "alertname", "value": "Slow", "isRegex": False}],
        "startsAt": datetime.fromtimestamp(now, UTC).isoformat(),
        "endsAt": datetime.fromtimestamp(now + lasts, UTC).isoformat(),
        "createdBy": "ann",
        "comment": comment,
    }
    return str(ask(server, "/api/v2/silences", body)["silenceID"])


def test_every_state_is_seen(monitoring_stack: MonitoringStack) -> None:
    alertmanager = monitoring_stack.alertmanager()
    notify = [alertmanager.address]
    prometheus = monitoring_stack.prometheus(alertmanagers=notify)
    place = {"interval": f"{INTERVAL}s", "timeout": "1s"}
    settings = Settings.model_validate(
        {
            "host": {"enabled": False},
            "docker": [],
            "prometheus": {"url": prometheus.url, **place},
            "alertmanager": {"url": alertmanager.url, **place},
        }
    )
    engine = Engine(settings, base=Path())
    engine.start()

    def row() -> Alert | None:
        return next(iter(engine.latest.alerts), None)

    def shows(state: AlertState) -> bool:
        found = row()
        return found is not None and found.state is state

    def quiet(kind: str) -> bool:
        found = row()
        return found is not None and {each.kind for each in found.suppressions} == {kind}

    try:
        rule = AlertRule("Slow", "vector(1)", hold="8s", labels={"severity": "critical"})
        write_prometheus_config(prometheus.folder, rules=[rule], alertmanagers=notify)
        reload(prometheus)
        follows(lambda: states(prometheus) == ["pending"], lambda: shows(AlertState.PENDING))
        follows(lambda: states(prometheus) == ["firing"], lambda: shows(AlertState.FIRING))
        follows(lambda: bool(ask(alertmanager, "/api/v2/alerts")), lambda: bool(row()))
        silence(alertmanager, "ACK on it", 4.0)
        follows(lambda: suppressed(alertmanager) == 1, lambda: quiet("acknowledgement"))
        follows(lambda: suppressed(alertmanager) == 0, lambda: not quiet("acknowledgement"))
        silence(alertmanager, "disks", 600.0)
        follows(lambda: suppressed(alertmanager) == 1, lambda: quiet("silence"))
        write_prometheus_config(prometheus.folder, alertmanagers=notify)
        reload(prometheus)
        follows(
            lambda: not states(prometheus) and not ask(alertmanager, "/api/v2/alerts"),
            lambda: shows(AlertState.RESOLVED),
        )
        (kept,) = (each for each in engine.latest.silences if each.comment == "disks")
        assert kept.hides == 0
    finally:
        engine.stop()
    told = [words(event) for event in engine.latest.events]
    assert any("Slow" in message for message in told), told
