"""How old a figure of a real Prometheus is, once its target is gone."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from opsconsole.clock import SystemClock
from opsconsole.config.services import Service
from opsconsole.config.settings import Prometheus
from opsconsole.demo.prometheus import ScrapeJob
from opsconsole.model.series import MetricValue
from opsconsole.model.written.units import parse_duration
from opsconsole.sources.http.connector import Connector
from opsconsole.sources.metrics.declared import declared_metrics
from opsconsole.sources.prometheus.promql import STEP
from opsconsole.sources.prometheus.source import PrometheusSource
from tests.servers.fixtures import MonitoringStack

CLOCK = SystemClock()
METRICS = {
    "requests": {"counter": "prometheus_http_requests_total"},
    "latency": {"histogram": "prometheus_http_request_duration_seconds"},
    "routines": {"gauge": "go_goroutines"},
    "asked": {"promql": "go_goroutines"},
}
LIVES = 1.5 * parse_duration(STEP)
RATED = ("requests", "p95(latency)")


async def look(source: PrometheusSource) -> dict[str, MetricValue]:
    seen = (await source.collect()).value
    assert seen is not None
    assert seen.problems == ()
    return {each.name: each for each in seen.metrics}


async def until(
    source: PrometheusSource, wanted: Callable[[dict[str, MetricValue]], bool]
) -> dict[str, MetricValue]:
    """The first look that is as ``wanted``."""
    while True:
        found = await look(source)
        if wanted(found):
            return found
        await asyncio.sleep(0.5)


async def test_the_age_is_that_of_the_sample_also_of_a_target_that_is_gone(
    monitoring_stack: MonitoringStack,
) -> None:
    declared = declared_metrics("shop", Service.model_validate({"metrics": METRICS}))
    target = monitoring_stack.prometheus()
    server = monitoring_stack.prometheus(jobs=[ScrapeJob("shop", [target.address])])
    settings = Prometheus(url=server.url, timeout=5)
    source = PrometheusSource(settings, declared, CLOCK, Connector(), Path())
    await until(source, lambda seen: seen["p95(latency)"].value is not None)
    # One that lived for less than a step of the search is found by none: see test_promql.
    lived = CLOCK.now() + LIVES
    found = await until(source, lambda seen: CLOCK.now() > lived)
    assert found["routines"].value == pytest.approx(found["asked"].value, rel=0.5)
    for each in found.values():
        assert each.at is not None
        assert -1.0 <= CLOCK.now() - each.at < 60.0
    assert not any(each.is_stale(CLOCK.now()) for each in found.values())
    target.stop()
    gone = CLOCK.now()
    await until(source, lambda seen: seen["routines"].value is None)
    # The search for the last sample is exact to a few seconds; this is well beyond them.
    found = await until(source, lambda seen: CLOCK.now() > gone + 20.0)
    for name in RATED:
        each = found[name]
        assert each.value is not None, "a rate goes on for its window"
        assert each.at is not None
        assert gone - 15.0 < each.at < gone + 10.0, "no sample was taken after the end"
    assert found["routines"].value is None
    await source.close()
