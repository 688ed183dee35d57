"""Prometheus and Alertmanager as they really answer."""

import asyncio
import json
import urllib.request
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from opsconsole.clock import SystemClock
from opsconsole.config.services import Service
from opsconsole.config.settings import Alertmanager, Prometheus
from opsconsole.demo.prometheus import AlertRule, ScrapeJob
from opsconsole.model.alerting.alerts import Alert, AlertState
from opsconsole.model.fault import FaultKind
from opsconsole.sources.http.connector import Connector
from opsconsole.sources.metrics.declared import declared_metrics
from opsconsole.sources.prometheus.alertmanager import AlertmanagerSource
from opsconsole.sources.prometheus.source import PrometheusSource
from tests.patience import Patience
from tests.servers.fixtures import MonitoringStack

T = TypeVar("T")


async def eventually(look: Callable[[], Awaitable[T | None]]) -> T:
    """The first thing that ``look`` gives."""
    patience = Patience(look)
    while (found := await look()) is None:
        patience.spent()
        await asyncio.sleep(0.2)
    return found


def post(url: str, document: object) -> Any:
    request = urllib.request.Request(
        url, json.dumps(document).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=5) as response:
        body = response.read()
    return json.loads(body) if body else None


async def test_an_alert_is_followed_from_pending_to_silenced(
    monitoring_stack: MonitoringStack,
) -> None:
    alertmanager = monitoring_stack.alertmanager()
    prometheus = monitoring_stack.prometheus(
        jobs=[ScrapeJob("gone", ["127.0.0.1:1"])],
        rules=[AlertRule("Gone", "up == 0", hold="2s", labels={"severity": "page"})],
        alertmanagers=[alertmanager.address],
    )
    source = PrometheusSource(
        Prometheus(url=prometheus.url), [], SystemClock(), Connector(), Path()
    )
    quieted = AlertmanagerSource(
        Alertmanager(url=alertmanager.url), SystemClock(), Connector(), Path()
    )

    async def in_state(state: AlertState) -> Alert | None:
        view = (await source.collect()).value
        assert view is not None
        return next((alert for alert in view.alerts if alert.state is state), None)

    pending = await eventually(lambda: in_state(AlertState.PENDING))
    firing = await eventually(lambda: in_state(AlertState.FIRING))
    assert pending.key == firing.key
    assert firing.since == pending.since

    async def reported() -> Alert | None:
        view = (await quieted.collect()).value
        assert view is not None
        return view.alerts[0] if view.alerts else None

    seen = await eventually(reported)
    assert seen.key == firing.key
    assert not seen.quiet

    now = datetime.now(UTC)
    post(
        f"{alertmanager.url}/api/v2/silences",
        {
            "matchers": [{"name": "alertname", "value": "Gone", "isRegex": False, "isEqual": True}],
            "startsAt": now.isoformat(),
            "endsAt": (now + timedelta(hours=1)).isoformat(),
            "createdBy": "ops\x1b[2J",
            "comment": "planned",
        },
    )

    async def silenced() -> Alert | None:
        alert = await reported()
        return alert if alert and alert.quiet else None

    quiet = await eventually(silenced)
    (suppression,) = quiet.suppressions
    assert suppression.kind == "silence"
    assert suppression.by.startswith("ops")
    assert "\x1b" not in suppression.by
    assert suppression.comment == "planned"
    assert suppression.ends_at is not None
    assert abs(suppression.ends_at - now.timestamp() - 3600) < 5
    await source.close()
    await quieted.close()


async def test_figures_are_read_and_a_server_that_dies_and_comes_back_is_seen_both_times(
    monitoring_stack: MonitoringStack,
) -> None:
    server = monitoring_stack.prometheus()
    target = monitoring_stack.prometheus(jobs=[ScrapeJob("self", [server.address])])
    declared = {
        "up": {"gauge": "up", "labels": {"job": "self"}},
        "requests": {"counter": "prometheus_http_requests_total", "window": "10s"},
        "latency": {
            "histogram": "prometheus_http_request_duration_seconds",
            "unit": "s",
            "window": "10s",
        },
    }
    source = PrometheusSource(
        Prometheus(url=target.url, timeout=3),
        declared_metrics("server", Service.model_validate({"metrics": declared})),
        SystemClock(),
        Connector(),
        Path(),
    )

    async def figures() -> dict[str, float | None] | None:
        view = (await source.collect()).value
        assert view is not None
        assert view.problems == ()
        values = {value.name: value.value for value in view.metrics}
        # A rate of nothing is seen until two scrapes have counted a request between them.
        return values if None not in values.values() and values["requests"] else None

    seen = await eventually(figures)
    assert seen["up"] == 1.0
    requests, p50, p95 = seen["requests"], seen["p50(latency)"], seen["p95(latency)"]
    assert requests is not None
    assert 0 < requests < 1000
    assert p50 is not None
    assert p95 is not None
    assert 0 < p50 <= p95 < 1

    target.stop()
    fault = (await source.collect()).fault
    assert fault is not None
    assert fault.kind is FaultKind.CONNECT
    monitoring_stack.prometheus(port=target.port)

    async def back() -> bool | None:
        return (await source.collect()).fault is None or None

    assert await eventually(back)
    await source.close()
