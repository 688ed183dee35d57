"""Answers of a Prometheus that are large, or full of numbers that are none."""

import json
import socket
import tracemalloc
from pathlib import Path

import pytest

from opsconsole.clock import SystemClock
from opsconsole.config.services import Service
from opsconsole.config.settings import Prometheus
from opsconsole.model.fault import FaultKind
from opsconsole.model.observations import PrometheusSeen
from opsconsole.sources.http.connector import Connector
from opsconsole.sources.metrics.declared import PARTS_LIMIT, declared_metrics
from opsconsole.sources.prometheus.api_alerts import ALERT_LIMIT
from opsconsole.sources.prometheus.source import PrometheusSource
from tests.sources.prometheus.test_source_hostile import JSON_HEAD, reply, server

SERIES = 10_000
EMPTY = {"status": "success", "data": {"alerts": [], "groups": []}}


def vector(values: list[str]) -> bytes:
    result = [
        {"metric": {"instance": f"10.0.{n // 250}.{n % 250}:9100", "pad": "x" * 40},
         "value": [1700000000.1, value]}
        for n, value in enumerate(values)
    ]  # fmt: skip
    data = {"resultType": "vector", "result": result}
    return json.dumps({"status": "success", "data": data}).encode()


async def look(query: bytes, alerts: object = EMPTY, *, looks: int = 1) -> PrometheusSeen:
    rest = json.dumps(alerts).encode()

    def talk(peer: socket.socket, request: bytes) -> None:
        while request:
            reply(JSON_HEAD, query if b"/query?" in request else rest)(peer, request)
            request = peer.recv(65536)

    metrics = {"load": {"counter": "load_total"}}
    declared = declared_metrics("api", Service.model_validate({"metrics": metrics}))
    with server(talk) as url:
        settings = Prometheus(url=url, timeout=100)
        source = PrometheusSource(settings, declared, SystemClock(), Connector(), Path())
        for _ in range(looks):
            reading = await source.collect()
        await source.close()
    assert reading.value is not None, reading.fault
    return reading.value


async def test_ten_thousand_series_are_summed_in_bounded_memory() -> None:
    body = vector(["1.5"] * SERIES)
    tracemalloc.start()
    view = await look(body, looks=3)
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    (value,) = view.metrics
    assert value.value == 1.5 * SERIES
    assert len(value.by_instance) == PARTS_LIMIT
    assert kept < 8 * 2**20
    assert peak < 64 * 2**20


async def test_numbers_that_are_none_are_left_out() -> None:
    view = await look(vector(["NaN", "+Inf", "-Inf", "2", "0.5"]))
    (value,) = view.metrics
    assert value.value == 2.5
    assert len(value.by_instance) == 2
    (nothing,) = (await look(vector(["NaN"] * 5))).metrics
    assert nothing.value is None
    assert nothing.by_instance == {}


async def test_more_than_the_limit_costs_the_figure_alone() -> None:
    view = await look(vector(["1"] * 90_000))
    assert view.metrics == ()
    ((promql, fault),) = view.problems
    assert "load_total" in promql
    assert fault.kind is FaultKind.TOO_LARGE


async def test_alerts_beyond_the_limit_are_counted() -> None:
    alerts = [
        {"labels": {"alertname": f"A{n}"}, "annotations": {}, "state": "firing",
         "activeAt": "2026-11-21T10:00:00Z", "value": "NaN"}
        for n in range(ALERT_LIMIT + 10)
    ]  # fmt: skip
    view = await look(vector(["1"]), {"status": "success", "data": {"alerts": alerts}})
    assert len(view.alerts) == ALERT_LIMIT
    assert view.total == ALERT_LIMIT + 10
    assert view.metrics[0].value == pytest.approx(1.0)
