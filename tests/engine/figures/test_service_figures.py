"""Figures by name, and objectives beside them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.engine.figures import service_figures as figures
from opsconsole.engine.figures.objectives import attainment
from opsconsole.engine.records.fleet import ServiceRecord, build_services
from opsconsole.engine.records.replica_book import Copies
from opsconsole.model.health import HealthReport
from opsconsole.model.objectives import Attainment
from opsconsole.model.running.workloads import Replica
from opsconsole.model.series import MetricValue
from opsconsole.model.snapshot import Reporting
from opsconsole.model.state import State
from opsconsole.model.written.expressions import Comparison, parse
from opsconsole.sources.metrics.declared import declared_metrics, to_values
from tests.engine.conftest import fleet
from tests.workloads import DOCKER, replica

NOW = 1_700_000_000.0


def record(**service: Any) -> ServiceRecord:
    config = {"instances": ["http://10.0.0.1", "http://10.0.0.2"], **service}
    return build_services(fleet({"api": config}), NOW, single=False)["api"]


def attain(of: ServiceRecord, text: str) -> Attainment:
    return attainment(of, text, parse(text), NOW)


def copies(*replicas: Replica) -> Copies:
    return Copies(replicas, (), (), {DOCKER.name: NOW}, frozenset())


def test_latency_is_the_probes_unless_it_is_declared() -> None:
    plain = record()
    plain.history.add(NOW, failed=False, latency=0.2)
    assert attain(plain, "p95(latency) < 100ms").actual == pytest.approx(0.2, rel=0.02)
    declared = record(metrics={"latency": {"histogram": "request_seconds"}})
    declared.history.add(NOW, failed=False, latency=0.2)
    assert attain(declared, "p95(latency) < 100ms").met is None
    declared.metrics["p95(latency)"] = MetricValue("api", "p95(latency)", 0.05, "s", NOW)
    assert attain(declared, "p95(latency) < 100ms").met is True
    assert attain(declared, "p90(latency) < 100ms").met is None, "not asked for, so not known"


def test_the_latency_shown_is_the_users_where_it_is_known() -> None:
    service = record(metrics={"search": {"histogram": "search_ms", "unit": "ms"}})
    service.history.add(NOW, failed=False, latency=0.01)
    waiting = figures.latency(service, NOW)
    assert (waiting.origin, waiting.p50, waiting.p95) == ("search", None, None), "not the probes'"
    for share, value in (("p50", 0.2), ("p95", 1.9), ("p99", 2.5)):
        service.note_metric(MetricValue("api", f"{share}(search)", value, "s", NOW), NOW)
    shown = figures.latency(service, NOW)
    assert (shown.origin, shown.p50, shown.p95, shown.p99) == ("search", 0.2, 1.9, 2.5)
    assert shown.trace is not None
    assert shown.trace_p50 is not None
    assert (shown.trace.values[-1], shown.trace_p50.values[-1]) == (1.9, 0.2)
    later = figures.latency(service, NOW + 60)
    assert (later.origin, later.p50, later.p95, later.p99) == ("search", None, None, None)
    assert later.trace is not None, "what was known stays drawn, with a gap"


def test_resources_are_sums_and_shares_of_the_limit() -> None:
    service = record()
    assert attain(service, "cpu < 70%").met is None
    service.copies = copies(
        replica("a", cpu=0.5, memory=300, memory_limit=1000, restarts=1),
        replica("b", cpu=0.25, memory=900, memory_limit=1000),
    )
    assert attain(service, "cpu < 70%").actual == 0.75
    assert attain(service, "memory < 1kB").actual == 1200
    assert attain(service, "memory < 80%").actual == 0.9
    assert attain(service, "restarts < 3").actual == 1.0


def test_availability_has_a_burn_rate_and_a_budget() -> None:
    text = "availability 99% over 15m"
    service = record(objectives=[text])
    assert attain(service, text).met is None
    for number in range(180):
        service.note_look(NOW - 895 + 5 * number, failed=number == 0, latency=None)
    found = attain(service, text)
    assert found.actual == pytest.approx(1 - 1 / 179, abs=1e-3)
    assert found.met is True
    assert found.burn_rate == pytest.approx(0.56, abs=0.02)
    assert found.budget_left == pytest.approx(0.44, abs=0.02)


def test_a_stale_figure_is_not_known() -> None:
    service = record(metrics={"queue": {"gauge": "queue_length"}})
    service.metrics["queue"] = MetricValue("api", "queue", 3.0, "", NOW - 60)
    assert attain(service, "queue < 5").met is None


def test_health_bodies_and_headers_give_metrics() -> None:
    service = record(
        metrics={
            "hits": {"json": "cache.hit_rate"},
            "left": {"header": "X-RateLimit-Remaining"},
        }
    )
    for number, instance in enumerate(service.instances, 1):
        probe = instance.probes[0]
        headers = {"x-ratelimit-remaining": "100" if number == 1 else "soon"}
        figures_ = {"cache.hit_rate": 0.2 * number}
        probe.report = HealthReport(State.OK, "json", figures=figures_, headers=headers)
        probe.report_at = NOW
    found = {metric.name: metric for metric in figures.body_metrics(service)}
    assert found["hits"].value == pytest.approx(0.3)
    assert found["hits"].by_instance == {"api-1": 0.2, "api-2": 0.4}
    assert found["left"].value == 100.0
    service.metrics.update(found)
    attained = attain(service, "hits > 25%")
    assert (attained.met, attained.copy) == (False, "api-1"), "one copy misses it"
    assert attained.actual == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("unit", "given", "shown", "expression"),
    [
        ("ms", 20.0, (0.02, "s"), "value < 500ms"),
        ("us", 20.0, (2e-5, "s"), "value < 1ms"),
        ("min", 2.0, (120.0, "s"), "value < 3m"),
        ("MiB", 2.0, (2.0 * 2**20, "B"), "value < 3MiB"),
        ("kB", 2.0, (2000.0, "B"), "value < 1MiB"),
        ("%", 85.0, (85.0, "%"), "value < 90%"),
        ("", 0.85, (0.85, ""), "value < 90%"),
        ("users", 85.0, (85.0, "users"), "value < 90"),
    ],
)
@pytest.mark.parametrize("kind", ["json", "header", "gauge", "promql"])
def test_a_unit_means_the_same_wherever_the_figure_comes_from(
    kind: str, unit: str, given: float, shown: tuple[float, str], expression: str
) -> None:
    service = record(metrics={"value": {kind: "pool.wait", "unit": unit}})
    probe = service.instances[0].probes[0]
    headers = {"pool.wait": str(given)}
    probe.report = HealthReport(State.OK, "json", figures={"pool.wait": given}, headers=headers)
    probe.report_at = NOW
    found = tuple(figures.body_metrics(service))
    for declared in declared_metrics("api", service.config):
        found = to_values(declared, [({"instance": "a"}, given)], NOW, "prometheus")
    (metric,) = found
    assert metric.value == pytest.approx(shown[0])
    assert metric.unit == shown[1]
    service.note_metric(metric, NOW)
    assert attain(service, expression).met is True
    opposite = expression.replace("<", ">")
    assert figures.holds(service, parse(opposite), NOW) is False


@pytest.mark.parametrize(
    ("copies", "fires"),
    [(None, True), ("any", True), ("max", True), ("sum", True), ("mean", False)],
)
def test_a_full_pool_of_one_copy_fires_its_rule(copies: str | None, fires: bool) -> None:
    more = {} if copies is None else {"copies": copies}
    service = record(metrics={"pool": {"json": "used", **more}})
    for number, instance in enumerate(service.instances):
        used = {"used": 97.0 if number else 3.0}
        instance.probes[0].report = HealthReport(State.OK, "json", figures=used)
        instance.probes[0].report_at = NOW
    (metric,) = figures.body_metrics(service)
    service.note_metric(metric, NOW)
    assert figures.holds(service, parse("pool > 90"), NOW) is fires
    missed = attain(service, "pool < 90")
    assert missed.met is (not fires)
    assert missed.copy == ("api-2" if copies in {None, "any", "max"} else "")


@pytest.mark.parametrize(
    ("metrics", "rate"),
    [
        ({"requests": {"counter": "r_total"}, "errors": {"counter": "e_total"}}, 7.0),
        ({"calls": {"counter": "c_total"}}, 9.0),
        ({"a": {"counter": "a_total"}, "b": {"counter": "b_total"}}, None),
        ({}, None),
    ],
)
def test_the_request_rate_is_of_requests_or_of_the_only_counter(
    metrics: dict[str, Any], rate: float | None
) -> None:
    service = record(metrics=metrics)
    for name, value in {"requests": 7.0, "calls": 9.0, "a": 1.0, "b": 1.0}.items():
        service.metrics[name] = MetricValue("api", name, value, "/s", NOW)
    assert figures.request_rate(service, NOW) == rate


def test_a_state_that_is_not_known_neither_holds_nor_fails() -> None:
    service = record()
    assert figures.holds(service, parse("state == down"), NOW) is None
    assert figures.holds(service, parse("state == unknown"), NOW) is True


@pytest.mark.parametrize(
    ("text", "unit"),
    [("latency < 100ms", "s"), ("memory < 4GB", "B"), ("cpu < 70%", "%"), ("restarts < 3", "")],
)
def test_units_are_base_units(text: str, unit: str) -> None:
    assert isinstance(parse(text), Comparison)
    assert attain(record(), text).unit == unit


@given(
    st.lists(st.tuples(st.integers(0, 300), st.booleans()), min_size=1, max_size=5),
    st.sampled_from(["cpu < 200%", "cpu <= 200%", "cpu > 200%", "cpu >= 200%"]),
)
def test_what_some_copies_report_decides_nothing_that_the_others_could_change(
    used: list[tuple[int, bool]], text: str
) -> None:
    some, every = record(), record()
    some.copies = copies(
        *(
            replica(f"copy-{number}", cpu=share / 100 if known else None)
            for number, (share, known) in enumerate(used)
        )
    )
    every.copies = copies(
        *(replica(f"copy-{number}", cpu=share / 100) for number, (share, _) in enumerate(used))
    )
    decided, right = (figures.holds(each, parse(text), NOW) for each in (some, every))
    assert decided in {None, right}
    assert decided is right or not all(known for _, known in used)
    assert attain(some, text).met in {None, right}


SLOW = "p95(latency) < 1s"


def of_requests(*took: float) -> ServiceRecord:
    """A service of whose requests of the last five minutes a histogram tells how long they took."""
    service = record(metrics={"latency": {"histogram": "request_seconds"}})
    (declared,) = declared_metrics("api", service.config)
    buckets = [
        ({"le": f"{bound:g}"}, sum(each <= bound for each in took) / declared.window)
        for bound in (0.1, 0.5, 1.0, 5.0, float("inf"))
    ]
    for metric in to_values(declared, buckets, NOW, "prometheus"):
        service.metrics[metric.name] = metric
    return service


@pytest.mark.parametrize(
    ("took", "met"),
    [
        ([3.0], None),  # one alone
        ([0.2] * 10, None),  # nothing is promised by ten
        ([0.2] * 18 + [3.0], None),  # one of nineteen would be beyond p95 by itself
        ([0.2] * 10 + [3.0, 3.0], False),  # two cannot both be outside of p95
        ([3.0] * 3, False),  # a service that answers seldom, and slowly
        ([0.2] * 60, True),
        ([0.2] * 59 + [3.0], True),
        ([0.2] * 50 + [3.0] * 10, False),
    ],
)
def test_one_request_decides_no_quantile_of_a_histogram(
    took: list[float], met: bool | None
) -> None:
    service = of_requests(*took)
    objective = attain(service, SLOW)
    assert (objective.met, objective.early) == (met, met is None)
    holds = figures.holds(service, parse("p95(latency) > 1s"), NOW)
    assert holds is (None if met is None else not met)


def test_a_sum_says_over_how_many_copies_it_is() -> None:
    service = record()
    assert figures.reporting(service) is None
    service.copies = copies(
        replica("a", cpu=0.5, memory=100),
        replica("b", cpu=None, memory=50),
        replica("c", cpu=None, memory=None),
    )
    assert (figures.cpu(service), figures.memory(service)) == (0.5, 150)
    assert figures.reporting(service) == Reporting(cpu=1, memory=2, running=3)
