"""Where no Prometheus is, the engine scrapes what a service declares."""

import time
from pathlib import Path
from typing import Any

import pytest

from opsconsole.engine.engine import Engine
from opsconsole.engine.records.fleet import SCRAPE_EVERY, scrape_interval
from opsconsole.engine.state.scrape_watch import ScrapeWatch
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.observations import ScrapeSeen
from opsconsole.model.reading import Reading
from opsconsole.model.snapshot import Snapshot
from tests.engine.conftest import ScriptedSource, fleet
from tests.fakes import FakeClock
from tests.named import named
from tests.sources.exposing import exposing

METRICS = {
    "requests": {"counter": "shop_requests_total", "window": "4s"},
    "latency": {"histogram": "shop_latency_seconds", "unit": "s", "window": "4s"},
    "queue": {"gauge": "shop_queue"},
}


def shop(url: str, **more: Any) -> dict[str, Any]:
    return {"shop": {"instances": [url], "health": None, "metrics": METRICS, **more}}


def metric(snapshot: Snapshot, name: str) -> float | None:
    (service,) = snapshot.services
    return next((each.value for each in service.metrics if each.name == name), None)


def test_rates_and_quantiles_come_to_the_screen_and_objectives_are_judged() -> None:
    objectives = ["p90(latency) < 60s", "rate(requests) > 1/s"]
    with exposing() as server:
        services = shop(f"http://{server.address}", objectives=objectives)
        engine = Engine(fleet(services), base=Path())
        engine.start()
        try:
            deadline = time.monotonic() + 20
            while metric(engine.latest, "p90(latency)") is None:
                assert time.monotonic() < deadline, engine.latest
                time.sleep(0.1)
            time.sleep(2)
            seen = engine.latest
        finally:
            engine.stop()
    assert metric(seen, "queue") == 4.0
    requests = metric(seen, "requests")
    assert requests is not None
    assert 20 < requests < 60
    quick, _ = seen.services[0].objectives
    assert [each.met for each in seen.services[0].objectives] == [True, True]
    assert (quick.budget_left, quick.burn_rate, quick.origin) == (1.0, 0.0, "own scrapes")
    scrapes = next(source for source in seen.sources if source.name == "scrapes")
    assert scrapes.fault is None
    assert scrapes.note == ""


def test_a_single_look_tells_gauges_and_no_rate() -> None:
    with exposing() as server:
        snapshot = Engine(fleet(shop(f"http://{server.address}")), base=Path()).look_once()
    assert metric(snapshot, "queue") == 4.0
    assert metric(snapshot, "requests") is None


def test_a_target_that_cannot_be_read_is_named() -> None:
    snapshot = Engine(fleet(shop("http://127.0.0.1:1")), base=Path()).look_once()
    scrapes = next(source for source in snapshot.sources if source.name == "scrapes")
    assert scrapes.fault is not None
    assert scrapes.fault.kind is FaultKind.CONNECT
    assert scrapes.note.startswith("1 of 1 not read, shop/shop: connect")
    assert metric(snapshot, "queue") is None


@pytest.mark.parametrize(
    ("windows", "seconds"),
    [([], SCRAPE_EVERY), (["5m"], SCRAPE_EVERY), (["5m", "20s"], 5.0), (["2s"], 1.0)],
)
def test_four_scrapes_fit_into_the_shortest_window(windows: list[str], seconds: float) -> None:
    metrics = {f"m{n}": {"counter": "c", "window": text} for n, text in enumerate(windows)}
    service = fleet({"a": {"metrics": {**metrics, "g": {"gauge": "g"}}}}).services["a"]
    assert scrape_interval(service) == seconds


def test_the_scrapes_fail_as_a_source_only_when_none_could_be_read(clock: FakeClock) -> None:
    watch = ScrapeWatch(0.0)
    assert watch.view() is None
    for name in ("a", "b"):
        watch.watch(ScriptedSource(named(f"scrape:s/{name}"), 15.0, clock))
    lost = Fault(FaultKind.TIMEOUT, "late")

    def note(name: str, at: float, fault: Fault | None) -> None:
        value = None if fault else ScrapeSeen(())
        watch.note(Reading(named(f"scrape:s/{name}"), at, 0.1, value=value, fault=fault), 0.0)

    note("a", 1.0, lost)
    view = watch.view()
    assert view is not None
    assert view.fault is None
    assert view.note == "1 of 2 not read, s/a: timeout: late"
    note("b", 2.0, lost)
    view = watch.view()
    assert view is not None
    assert (view.fault, view.since, view.taken_at) == (lost, 2.0, None)
    note("a", 3.0, None)
    note("b", 4.0, None)
    view = watch.view()
    assert view is not None
    assert (view.fault, view.since, view.taken_at, view.note) == (None, 3.0, 4.0, "")


def test_a_service_that_no_prometheus_knows_is_scraped_beside_those_that_one_does() -> None:
    with exposing() as server:
        url = f"http://{server.address}"
        services = {
            **shop(url, prometheus="none"),
            "known": {"instances": [url], "health": None, "metrics": METRICS},
        }
        prometheus = {"url": "http://127.0.0.1:1", "timeout": "1s"}
        snapshot = Engine(fleet(services, prometheus=prometheus), base=Path()).look_once()
    own, known = snapshot.services
    assert next(each.value for each in own.metrics if each.name == "queue") == 4.0
    assert [each.value for each in known.metrics if each.name == "queue"] == []
    scrapes = next(source for source in snapshot.sources if source.name == "scrapes")
    assert (scrapes.fault, scrapes.note) == (None, "")
