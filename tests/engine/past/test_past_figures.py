"""Figures of a moment that nobody recorded, asked of a real Prometheus."""

import asyncio
import time
from pathlib import Path

from opsconsole.clock import SystemClock
from opsconsole.config.settings import Prometheus
from opsconsole.demo.prometheus import MonitoringServer
from opsconsole.engine.past.past_figures import ORIGIN, PastFigures
from opsconsole.model.fault import Fault
from opsconsole.model.state import State
from opsconsole.sources.http.connector import Connector
from opsconsole.sources.metrics.declared import declared_metrics
from opsconsole.sources.prometheus.source import PrometheusSource
from tests.engine.conftest import fleet

METRICS = {
    "asked_at": {"promql": "vector(time())"},
    "up": {"gauge": "up", "labels": {"job": "prometheus"}},
}
SETTINGS = fleet({"prom": {"instances": ["http://127.0.0.1:9"], "metrics": METRICS}})


def source_at(url: str) -> PrometheusSource:
    declared = declared_metrics("prom", SETTINGS.services["prom"])
    return PrometheusSource(Prometheus(url=url), declared, SystemClock(), Connector(), Path())


async def test_a_real_server_answers_for_the_moment_asked_for(
    prometheus_server: MonitoringServer,
) -> None:
    source = source_at(prometheus_server.url)
    past = PastFigures(SETTINGS, [source], SystemClock())
    moment = time.time() - 86_400.0
    found = past.alone(await past.known(moment), moment)
    assert found.replayed
    assert found.taken_at == moment
    service = found.service("prom")
    assert service is not None
    assert service.state is State.UNKNOWN, "a state is not made of figures"
    shown = {each.name: each for each in service.metrics}
    assert shown["asked_at"].value == round(moment, 3)
    assert shown["asked_at"].origin == ORIGIN
    assert "up" not in shown, "a day ago it was not there"
    for _ in range(150):
        if "up" in {each.name for each in await past.known(time.time())}:
            break
        await asyncio.sleep(0.2)
    else:
        raise AssertionError("what it scrapes of itself never came")
    await source.close()


async def test_a_server_that_is_gone_is_a_fault_and_nothing_is_shown() -> None:
    source = source_at("http://127.0.0.1:9")
    assert isinstance(await source.figures_at(time.time()), Fault)
    assert await PastFigures(SETTINGS, [source], SystemClock()).known(time.time()) == ()
    await source.close()
