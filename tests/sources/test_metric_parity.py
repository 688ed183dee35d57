"""One declaration, one figure: a real Prometheus and the console's own scrape, side by side."""

import asyncio
import json
import time
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from opsconsole.clock import SystemClock
from opsconsole.config.http import HttpConfig
from opsconsole.config.services import Service
from opsconsole.config.settings import Prometheus
from opsconsole.demo.prometheus import ScrapeJob
from opsconsole.sources.http.connector import Connector
from opsconsole.sources.metrics.declared import declared_metrics
from opsconsole.sources.metrics.exposition import Exposed
from opsconsole.sources.metrics.quantiles import bucket_quantiles
from opsconsole.sources.metrics.sample_book import SampleBook
from opsconsole.sources.metrics.scrape import ScrapeSource
from opsconsole.sources.metrics.service_samples import ServiceSamples
from opsconsole.sources.prometheus.source import PrometheusSource
from opsconsole.threads import BoundedExecutor
from tests.servers.fixtures import MonitoringStack
from tests.sources.exposing import BUCKETS, ExposingServer, exposing
from tests.sources.metrics.increases import increase_of

WINDOW = 15
DECLARED = declared_metrics(
    "shop",
    Service.model_validate(
        {
            "metrics": {
                "requests": {"counter": "shop_requests_total", "window": f"{WINDOW}s"},
                "looks": {
                    "counter": "shop_requests_total",
                    "labels": {"job": "shop", "path": "/look"},
                    "window": f"{WINDOW}s",
                },
                "latency": {
                    "histogram": "shop_latency_seconds",
                    "unit": "s",
                    "window": f"{WINDOW}s",
                },
                "queue": {"gauge": "shop_queue"},
            }
        }
    ),
)
RATES = ("requests", "looks")
QUANTILES = ("p50(latency)", "p95(latency)", "p99(latency)")
CLOCK = SystemClock()


def ask(server: str, query: str, at: float) -> list[dict[str, Any]]:
    """``data.result`` of an instant query at one moment."""
    text = urllib.parse.urlencode({"query": query, "time": f"{at:.3f}"})
    with urllib.request.urlopen(f"{server}/api/v1/query?{text}", timeout=5) as response:
        answer = json.loads(response.read(), parse_float=Decimal)
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found


@asynccontextmanager
async def own_scrapes(server: ExposingServer, phase: float) -> AsyncIterator[ServiceSamples]:
    """The samples of a scrape a second, taken just after Prometheus takes its own."""
    samples = ServiceSamples(DECLARED)
    async with AsyncExitStack() as stack:
        connector = Connector()
        stack.push_async_callback(connector.close)
        executor = BoundedExecutor("parser", 1)
        stack.callback(executor.close)
        source = ScrapeSource(
            service="shop",
            instance="shop",
            url=f"http://{server.address}/metrics",
            samples=samples,
            http=HttpConfig.model_validate({}),
            interval=1.0,
            timeout=2.0,
            clock=CLOCK,
            connector=connector,
            executor=executor,
            base=Path(),
        )
        stack.push_async_callback(source.close)

        async def scrape() -> None:
            while True:
                await until(phase)
                reading = await source.collect()
                assert reading.fault is None, reading.fault

        task = asyncio.create_task(scrape())
        try:
            yield samples
            assert not task.done(), task.exception()
        finally:
            task.cancel()


async def until(phase: float) -> None:
    """The next moment whose part of a second is ``phase``, at least a tenth away."""
    left = (phase - CLOCK.now()) % 1.0
    await asyncio.sleep(left if left > 0.1 else left + 1.0)


async def phase_of(server: str) -> float:
    """At which part of a second the server scrapes the shop."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        found = await asyncio.to_thread(ask, server, "timestamp(shop_queue)", time.time())
        if found:
            return float(found[0]["value"][1]) % 1.0
        await asyncio.sleep(0.2)
    raise AssertionError("Prometheus never scraped the shop")


async def both(
    source: PrometheusSource, samples: ServiceSamples, phase: float
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Every figure from either backend, half a second after both have scraped."""
    await until((phase + 0.5) % 1.0)
    view = (await source.collect()).value
    assert view is not None
    assert view.problems == ()
    own = samples.values(CLOCK.now())
    return {each.name: each for each in view.metrics}, {each.name: each for each in own}


def width_of_bucket(value: float) -> float:
    """The width of the bucket that ``value`` lies in."""
    lower = 0.0
    for upper in BUCKETS:
        if value <= upper:
            return upper - lower
        lower = upper
    return BUCKETS[-1] - BUCKETS[-2]


def assert_same(theirs: dict[str, Any], ours: dict[str, Any]) -> None:
    assert set(theirs) == set(ours)
    for name in RATES:
        assert ours[name].value == pytest.approx(theirs[name].value, rel=0.02), name
        assert ours[name].by_instance == pytest.approx(theirs[name].by_instance, rel=0.02)
        assert ours[name].unit == theirs[name].unit
    for name in QUANTILES:
        room = width_of_bucket(theirs[name].value)
        assert ours[name].value == pytest.approx(theirs[name].value, abs=room / 4), name
    assert ours["queue"].value == theirs["queue"].value == 4.0
    assert ours["queue"].by_instance == theirs["queue"].by_instance


async def test_both_backends_give_the_same_figures_also_across_a_restart(
    monitoring_stack: MonitoringStack,
) -> None:
    with exposing() as shop:
        prometheus = monitoring_stack.prometheus(jobs=[ScrapeJob("shop", [shop.address])])
        phase = await phase_of(prometheus.url)
        settings = Prometheus(url=prometheus.url, timeout=5)
        source = PrometheusSource(settings, DECLARED, CLOCK, Connector(), Path())
        async with own_scrapes(shop, phase) as samples:
            await asyncio.sleep(WINDOW + 3)
            theirs, ours = await both(source, samples, phase)
            assert theirs["requests"].value == pytest.approx(40, rel=0.1)
            assert_same(theirs, ours)

            # What is served between the last scrape and a restart nobody can know: let it be none.
            shop.flowing.clear()
            await asyncio.sleep(1.6)
            shop.restart()
            shop.flowing.set()
            for pause in (2, 3):
                await asyncio.sleep(pause)
                theirs, ours = await both(source, samples, phase)
                assert theirs["requests"].value > 30
                assert_same(theirs, ours)
        await source.close()


async def test_the_same_samples_give_exactly_the_figures_of_prometheus(
    monitoring_stack: MonitoringStack,
) -> None:
    with exposing() as shop:
        prometheus = monitoring_stack.prometheus(jobs=[ScrapeJob("shop", [shop.address])])
        await phase_of(prometheus.url)
        await asyncio.sleep(6)
        shop.restart()
        await asyncio.sleep(5)
        # A scrape that began before this moment has been stored by now.
        now = Decimal(f"{time.time() - 1:.3f}")

        def query(text: str) -> list[dict[str, Any]]:
            return ask(prometheus.url, text, float(now))

        name = "shop_latency_seconds_bucket"
        raw = await asyncio.to_thread(query, f"{name}[8s]")
        rated = await asyncio.to_thread(query, f"rate({name}[8s])")
        summed = await asyncio.to_thread(query, f"sum by (le) (rate({name}[8s]))")
        shares = [0.5, 0.9, 0.95, 0.99]
        quantiles = [
            await asyncio.to_thread(
                query, f"histogram_quantile({share}, sum by (le) (rate({name}[8s])))"
            )
            for share in shares
        ]
    wanted = {key_of(series): float(series["value"][1]) for series in rated}
    assert len(wanted) == 2 * (len(BUCKETS) + 1)
    drops = 0
    book = SampleBook()
    scrapes: dict[float, list[Exposed]] = {}
    for series in raw:
        # Prometheus counts in whole milliseconds. Beside 1.8e9 seconds a float has a quarter of a
        # microsecond only, so that times are counted from the moment of the query here.
        samples = [(float(at - now), float(value)) for at, value in series["values"]]
        drops += any(after[1] < before[1] for before, after in pairwise(samples))
        found = increase_of(samples, -8.0, 0.0)
        assert found is not None
        assert found / 8 == pytest.approx(wanted[key_of(series)], rel=1e-9, abs=1e-9)
        for at, value in samples:
            scrapes.setdefault(at, []).append(Exposed(name, key_of(series), value))
    assert drops > 0, "no reset was within the window"
    for at in sorted(scrapes):
        book.add(at, scrapes[at])
    assert dict(book.rates(name, 8.0, 0.0)) == pytest.approx(wanted, rel=1e-9, abs=1e-9)

    buckets = [(float(each["metric"]["le"]), float(each["value"][1])) for each in summed]
    theirs = [float(each[0]["value"][1]) for each in quantiles]
    assert bucket_quantiles(shares, buckets) == pytest.approx(theirs, rel=1e-9)


def key_of(series: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """The labels of a series, without its name."""
    return tuple(sorted((k, v) for k, v in series["metric"].items() if k != "__name__"))
