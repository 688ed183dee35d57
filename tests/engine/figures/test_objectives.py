"""Objectives of a service that is looked at: budgets, closeness, and over how long it was seen."""

from dataclasses import replace
from typing import Any

import pytest

from opsconsole.engine.figures.objectives import attainment
from opsconsole.engine.figures.service_figures import holds
from opsconsole.engine.records.fleet import ServiceRecord, build_services
from opsconsole.model.objectives import Attainment, WindowCounts
from opsconsole.model.written.expressions import parse
from tests.engine.conftest import fleet

NOW = 1_800_000_000.0
HOUR = 3600.0


def record(*objectives: str, **service: Any) -> ServiceRecord:
    config = {"instances": ["http://10.0.0.1"], "objectives": list(objectives), **service}
    return build_services(fleet({"api": config}), NOW, single=False)["api"]


def looked(
    of: ServiceRecord, seconds: float, *, failing: float = 0.0, latency: float = 0.1
) -> None:
    """Looks every ten seconds up to NOW, of which those of the last ``failing`` seconds fail."""
    at = NOW - seconds
    while at < NOW:
        failed = at >= NOW - failing
        of.note_look(at, failed=failed, latency=None if failed else latency)
        at += 10.0


def attain(of: ServiceRecord, text: str) -> Attainment:
    return attainment(of, text, parse(text), NOW)


def test_availability_says_what_is_left_and_over_how_long_it_was_seen() -> None:
    text = "availability 99.9% over 30d"
    service = record(text)
    looked(service, 2 * HOUR, failing=60.0)
    found = attain(service, text)
    assert found.actual == pytest.approx(1 - 60 / 7200, abs=1e-4)
    assert (found.met, found.unit) == (False, "%")
    assert found.seen == pytest.approx(2 * HOUR, abs=10)
    # 0.1 % of 30 d is 2592 s, of which 60 are spent.
    assert found.budget_seconds == pytest.approx(2532, abs=15)
    assert found.budget_left == pytest.approx(2532 / 2592, abs=0.01)
    assert found.burning == "14.4× over 1h/5m"
    # 60 s of an hour fail: 16.7 times as many as 3.6 s.
    assert found.burn_rate == pytest.approx(16.7, rel=0.05)
    assert found.closeness == pytest.approx(60 / 7200 / 0.001, rel=0.05)


def test_a_latency_objective_has_a_budget_of_slow_looks() -> None:
    text = "p95(latency) < 100ms"
    service = record(text)
    looked(service, HOUR, latency=0.05)
    quick = attain(service, text)
    assert (quick.met, quick.budget_left, quick.burning) == (True, 1.0, "")
    assert quick.closeness == pytest.approx(0.5, rel=0.03)
    slow = record(text)
    looked(slow, HOUR, latency=0.2)
    found = attain(slow, text)
    # Every look is slow where 5 % may be: 20 times too fast, by an hour of 36.
    assert found.met is False
    assert found.burn_rate == pytest.approx(20, rel=0.02)
    assert found.budget_left == pytest.approx(1 - 1 / 36, abs=0.002)
    assert found.burning == "14.4× over 1h/5m"


def test_a_latency_that_a_metric_tells_has_no_budget_of_probes() -> None:
    text = "p95(latency) < 100ms"
    metrics = {"latency": {"histogram": "seconds", "unit": "s"}}
    assert record(text, metrics=metrics).budgets == {}
    assert record("cpu < 70%", "rate(requests) > 1/s").budgets == {}


def test_the_first_failed_looks_miss_nothing_yet() -> None:
    text = "availability 99% over 30d"
    service = record(text)
    looked(service, 90.0, failing=50.0)
    found = attain(service, text)
    # 1 % of 30 days is 7.2 h: nothing is missed before as much was seen.
    assert found.actual == pytest.approx(4 / 9)
    assert (found.met, found.origin, found.closeness) == (None, "own looks", None)
    assert found.budget_left == pytest.approx(1 - 50 / 25_920, abs=1e-3)
    longer = record(text)
    looked(longer, 8 * HOUR, failing=HOUR)
    assert attain(longer, text).met is False


def windows(text: str, at: float, bad: float, **more: Any) -> list[WindowCounts]:
    spans = (300.0, 3600.0, 1800.0, 6 * HOUR, 2 * HOUR, 24 * HOUR, 72 * HOUR, 720 * HOUR)
    values = {"fresh_for": 3 * HOUR, "source": "prometheus", **more}
    return [WindowCounts("api", text, over, at, 1 - bad, bad, over, **values) for over in spans]


def test_whoever_saw_more_of_the_window_is_believed() -> None:
    text = "availability 99.9% over 30d"
    service = record(text)
    looked(service, 2 * HOUR, failing=60.0)
    for each in windows(text, NOW, 0.0005):
        service.note_counts(each)
    found = attain(service, text)
    assert (found.origin, found.met, found.seen) == ("prometheus", True, 720 * HOUR)
    assert found.budget_left == pytest.approx(0.5)
    assert found.burn_rate == pytest.approx(0.5)
    # Hours later nothing more was told: what was told of the whole window is too old.
    later = attainment(service, text, parse(text), NOW + 4 * HOUR)
    assert later.origin == "own looks"


def test_a_short_window_that_is_not_told_lately_is_taken_from_own_looks() -> None:
    text = "availability 99.9% over 30d"
    service = record(text)
    looked(service, 2 * HOUR, failing=60.0)
    for each in windows(text, NOW, 0.0):
        service.note_counts(replace(each, fresh_for=0.0 if each.over < 24 * HOUR else HOUR))
    found = attainment(service, text, parse(text), NOW + 1)
    assert (found.origin, found.budget_left) == ("prometheus", 1.0)
    assert found.burning == "14.4× over 1h/5m"


def test_requests_that_own_scrapes_saw_spend_the_budget_of_a_declared_latency() -> None:
    text = "p95(latency) < 100ms"
    service = record(text, metrics={"latency": {"histogram": "seconds", "unit": "s"}})
    assert attain(service, text).budget_left is None
    for second in range(0, 3600, 15):
        at = NOW - 3600 + second
        service.note_counts(WindowCounts("api", text, 15.0, at, 60_000.0, 30_000.0, 15.0))
    found = attain(service, text)
    # A third is slow where a twentieth may be: 6.7 times too fast, for one of 720 hours.
    assert found.burn_rate == pytest.approx(20 / 3, rel=0.03)
    assert found.budget_left == pytest.approx(1 - 20 / 3 / 720, abs=1e-3)
    assert found.origin == "own scrapes"


def test_nothing_seen_is_neither_met_nor_a_budget() -> None:
    text = "availability 99.9% over 30d"
    found = attain(record(text), text)
    assert (found.met, found.budget_left, found.seen) == (None, None, None)


def test_scaling_is_advised_by_the_mean_and_not_by_one_reading() -> None:
    config = {"scaling": {"requests": 100, "maximum": 5, "stabilisation": "30s"}}
    watch = record(**config).scaling
    assert watch is not None
    watch.note(NOW, cpu=None, memory=None, requests=1000.0)
    assert watch.advice(NOW, 2) == ()
    for second in range(1, 30):
        watch.note(NOW + second, cpu=None, memory=None, requests=150.0)
    (said,) = watch.advice(NOW + 29, 2)
    assert said.startswith("scale up from 2 to 4: request rate is 178/s of 100/s a copy")


def test_good_news_are_early_as_well() -> None:
    """A few good seconds of 30 days say nothing of them."""
    text = "availability 99.9% over 30d"
    young = record(text)
    looked(young, 60.0)
    assert (attain(young, text).met, attain(young, text).actual) == (None, 1.0)
    older = record(text)
    looked(older, HOUR)
    assert attain(older, text).met is True, "as much was seen as the budget lasts"


@pytest.mark.parametrize("latency", [0.05, 0.2])
def test_one_look_decides_no_quantile(latency: float) -> None:
    text = "p95(latency) < 100ms"
    service = record(text)
    service.note_look(NOW, failed=False, latency=latency)
    found = attain(service, text)
    assert found.early
    assert found.actual == pytest.approx(latency, rel=0.02)
    alarm = parse("p95(latency) > 100ms")
    assert holds(service, alarm, NOW) is None
    looked(service, HOUR, latency=latency)
    assert attain(service, text).met is (latency < 0.1)
    assert holds(service, alarm, NOW) is (latency > 0.1)
