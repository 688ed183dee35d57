"""VictoriaMetrics in place of a Prometheus: figures, budgets, and alerts it cannot have."""

import asyncio
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from opsconsole.clock import SystemClock
from opsconsole.config.rule_files import RuleFiles, load_rule_files
from opsconsole.config.services import Service
from opsconsole.config.settings import Prometheus
from opsconsole.demo.prometheus import AlertRule, MonitoringServer, ScrapeJob, available
from opsconsole.engine.engine import Engine
from opsconsole.model.alerting.alerts import AlertState
from opsconsole.model.observations import PrometheusSeen
from opsconsole.model.reading import Reading
from opsconsole.model.series import MetricValue
from opsconsole.render.empty_panels import nothing_to_show
from opsconsole.render.ink.cells import plain
from opsconsole.render.overview import Panel
from opsconsole.sources.http.connector import Connector
from opsconsole.sources.metrics.declared import declared_metrics
from opsconsole.sources.prometheus.rule_watch import NO_RULES
from opsconsole.sources.prometheus.source import PrometheusSource
from tests.engine.conftest import fleet
from tests.engine.figures.test_budgets_real import history
from tests.servers import monitoring
from tests.servers.fixtures import MonitoringStack, need
from tests.sources.exposing import ExposingServer, exposing
from tests.sources.test_metric_parity import phase_of, width_of_bucket

pytestmark = pytest.mark.servers

WITHIN = 120.0
WINDOW = "5s"
DECLARED = declared_metrics(
    "shop",
    Service.model_validate(
        {
            "metrics": {
                "requests": {"counter": "shop_requests_total", "window": WINDOW},
                "looks": {
                    "counter": "shop_requests_total",
                    "labels": {"job": "shop", "path": "/look"},
                    "window": WINDOW,
                },
                "latency": {"histogram": "shop_latency_seconds", "unit": "s", "window": WINDOW},
                "queue": {"gauge": "shop_queue"},
            }
        }
    ),
)


@pytest.fixture(scope="module")
def shop() -> Iterator[ExposingServer]:
    with exposing() as server:
        yield server


@pytest.fixture(scope="module")
def victoria(
    shop: ExposingServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MonitoringServer]:
    need("victoria-metrics", available=available(monitoring.VICTORIA_METRICS))
    folder = tmp_path_factory.mktemp("victoria")
    server = monitoring.start_victoria_metrics(folder, jobs=[ScrapeJob("shop", [shop.address])])
    yield server
    server.stop()


async def collect(server: MonitoringServer, **settings: object) -> Reading[PrometheusSeen]:
    rules: RuleFiles = settings.pop("rules", RuleFiles())  # type: ignore[assignment]
    config = Prometheus.model_validate({"url": server.url, "timeout": 5, **settings})
    source = PrometheusSource(config, DECLARED, SystemClock(), Connector(), Path(), rules)
    reading = await source.collect()
    await source.close()
    return reading


async def look(server: MonitoringServer, **settings: object) -> PrometheusSeen:
    reading = await collect(server, **settings)
    assert reading.value is not None, reading.fault
    return reading.value


def by_name(view: PrometheusSeen) -> dict[str, MetricValue]:
    assert view.problems == ()
    return {each.name: each for each in view.metrics}


async def test_declared_metrics_are_those_of_a_prometheus_beside_it(
    shop: ExposingServer, victoria: MonitoringServer, monitoring_stack: MonitoringStack
) -> None:
    prometheus = monitoring_stack.prometheus(jobs=[ScrapeJob("shop", [shop.address])])
    # Until it has scraped for the first time, and then until its windows are full.
    await phase_of(prometheus.url)
    await asyncio.sleep(7)
    theirs, ours = by_name(await look(prometheus)), by_name(await look(victoria))
    assert set(ours) == set(theirs)
    # Its rate takes the sample before the window in, Prometheus stretches to the borders instead.
    for name in ("requests", "looks"):
        assert ours[name].value == pytest.approx(theirs[name].value, rel=0.1), name
        assert ours[name].by_instance.keys() == theirs[name].by_instance.keys()
    for name in ("p50(latency)", "p95(latency)"):
        expected = theirs[name].value
        assert expected is not None
        assert ours[name].value == pytest.approx(expected, abs=width_of_bucket(expected) / 2), name
    assert ours["queue"].value == theirs["queue"].value == 4.0


async def test_without_a_vmalert_it_is_said_that_no_alert_can_come(
    victoria: MonitoringServer,
) -> None:
    view = await look(victoria)
    assert (view.alerts, view.tells_alerts) == ((), False)
    assert NO_RULES in view.notes
    engine = Engine(fleet({}, prometheus={"url": victoria.url}), base=Path())
    snapshot = await asyncio.to_thread(engine.look_once)
    (source,) = snapshot.sources
    assert (source.fault, source.note, source.tells_alerts) == (None, NO_RULES, False)
    said = plain(nothing_to_show(Panel.ALERTS, snapshot))
    assert "unknown: prometheus evaluates no rules" in said
    assert "no alert is firing" not in said


async def test_rule_files_are_evaluated_at_it(victoria: MonitoringServer, tmp_path: Path) -> None:
    rule = "groups: [{name: a, rules: [{alert: Always, expr: vector(1)}]}]\n"
    (tmp_path / "rules.yml").write_text(rule)
    view = await look(victoria, rules=load_rule_files(("rules.yml",), tmp_path))
    assert view.tells_alerts
    assert [len(each.samples or ()) for each in view.evaluations] == [1]


async def test_alerts_come_from_its_vmalert(
    victoria: MonitoringServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    rule = AlertRule("AlwaysFiring", "vector(1)", labels={"severity": "critical"})
    folder = tmp_path_factory.mktemp("vmalert")
    vmalert = monitoring.start_vmalert(folder, victoria.url, rules=[rule])
    try:
        deadline = time.monotonic() + WITHIN
        # Before its first round it answers with an empty page.
        while (
            not (view := (await collect(victoria, rules_url=vmalert.url)).value) or not view.alerts
        ):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.3)
    finally:
        vmalert.stop()
    assert [(each.name, each.state) for each in view.alerts] == [
        ("AlwaysFiring", AlertState.FIRING)
    ]
    assert [each.name for each in view.rules] == ["AlwaysFiring"]
    assert view.tells_alerts
    assert NO_RULES not in view.notes


def test_it_tells_the_budgets_of_thirty_days_that_a_prometheus_tells(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    need("victoria-metrics", available=available(monitoring.VICTORIA_METRICS))
    server = monitoring.start_victoria_metrics(tmp_path_factory.mktemp("remembering"))
    try:
        end = int(time.time()) // 10 * 10
        lines = (line for line in history(end) if not line.startswith("#"))
        text = "\n".join(f"{line}000" for line in lines) + "\n"
        import_url = f"{server.url}/api/v1/import/prometheus"
        urllib.request.urlopen(import_url, text.encode(), timeout=30).close()
        urllib.request.urlopen(f"{server.url}/internal/force_flush", timeout=30).close()
        month = "availability 99.9% over 30d"
        requests = {"total": "requests_total", "failed_labels": {"code": "5.."}}
        shop = {"labels": {"job": "shop"}}
        services = {
            "up": {"availability": {"gauge": "up", **shop}, "objectives": [month]},
            "requests": {"availability": {**requests, **shop}, "objectives": [month]},
            "latency": {
                "metrics": {"latency": {"histogram": "latency", "unit": "s"}},
                "objectives": ["p95(latency) < 300ms"],
            },
        }
        settings = fleet(services, prometheus={"url": server.url})
        # What was imported is found a moment later.
        for _ in range(20):
            snapshot = Engine(settings, base=Path()).look_once()
            found = {each.name: each.objectives[0] for each in snapshot.services}
            if found["latency"].burning:
                break
            time.sleep(1.0)
    finally:
        server.stop()
    # As in tests/engine/figures/test_budgets_real.py, where the figures are worked by hand.
    assert {each.origin for each in found.values()} == {"prometheus"}
    assert found["up"].budget_left == pytest.approx(1 - 2400 / 2592, abs=0.05)
    assert found["up"].burning == "14.4× over 1h/5m"
    assert found["requests"].budget_left == pytest.approx(1 - 0.004 / 30 / 0.001, abs=0.01)
    assert found["requests"].burning == "3× over 1d/2h"
    assert found["latency"].budget_left == pytest.approx(1 - 0.08 / 0.05, rel=0.02)
    assert found["latency"].burning == "1× over 3d/6h"
