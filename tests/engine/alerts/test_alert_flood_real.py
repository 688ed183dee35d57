"""Five thousand alerts and figures that are no numbers, on real servers."""

import json
import urllib.request
from pathlib import Path

import pytest

from opsconsole.config.settings import Settings
from opsconsole.demo.prometheus import AlertRule, MonitoringServer
from opsconsole.engine.engine import Engine
from opsconsole.model.alerting.alerts import AlertState
from tests.patience import until
from tests.servers.fixtures import MonitoringStack

pytestmark = [pytest.mark.servers]
MANY = 5000


def settings(**places: object) -> Settings:
    return Settings.model_validate({"host": {"enabled": False}, "docker": [], **places})


def post(server: MonitoringServer, alerts: list[dict[str, object]]) -> None:
    request = urllib.request.Request(
        f"{server.url}/api/v2/alerts",
        data=json.dumps(alerts).encode(),
        headers={"Content-Type": "application/json"},
    )
    urllib.request.urlopen(request, timeout=20).close()


def test_five_thousand_active_alerts_are_read_and_shown(monitoring_stack: MonitoringStack) -> None:
    server = monitoring_stack.alertmanager()
    for start in range(0, MANY, 1000):
        post(
            server,
            [
                {
                    "labels": {
                        "alertname": f"A{number % 7}",
                        "instance": f"10.0.{number // 250}.{number % 250}:9100",
                        "severity": "critical" if number % 10 == 0 else "warning",
                    },
                    "annotations": {"summary": "x" * 200},
                }
                for number in range(start, start + 1000)
            ],
        )
    place = {"url": server.url, "interval": "1s", "timeout": "100s"}
    engine = Engine(settings(alertmanager=place), base=Path())
    snapshot = engine.look_once()
    assert len(snapshot.alerts) == MANY
    assert snapshot.sources[0].fault is None
    assert all(alert.fingerprint for alert in snapshot.alerts)


def test_nan_and_infinity_are_values_like_any_other(monitoring_stack: MonitoringStack) -> None:
    rules = [
        AlertRule("NotANumber", "vector(0) / 0", annotations={"summary": "{{ $value }}"}),
        AlertRule("Infinite", "vector(1) / 0"),
    ]
    server = monitoring_stack.prometheus(rules=rules)
    engine = Engine(settings(prometheus={"url": server.url}), base=Path())
    until(
        lambda: len(_firing(engine)) == 2,
        every=0.5,
    )
    assert _firing(engine) == {"NotANumber": "nan", "Infinite": "inf"}


def _firing(engine: Engine) -> dict[str, str]:
    alerts = engine.look_once().alerts
    return {each.name: each.value for each in alerts if each.state is AlertState.FIRING}
