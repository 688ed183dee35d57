"""Error budgets become few queries over each window, and each service gets its own counts back."""

from typing import Any

import pytest

from opsconsole.config.services import Service
from opsconsole.sources.metrics.budget_series import BudgetSeries, SeriesKind, budget_series
from opsconsole.sources.prometheus.budget_queries import WindowQuery, window_queries

MONTH = 30 * 86400.0
OBJECTIVE = "availability 99.9% over 30d"


def series(service: str, **config: Any) -> list[BudgetSeries]:
    return list(budget_series(service, Service.model_validate(config)))


def up(service: str, **labels: str) -> list[BudgetSeries]:
    availability = {"gauge": "up", "labels": labels}
    return series(service, availability=availability, objectives=[OBJECTIVE])


def queries(*of: list[BudgetSeries], spans: tuple[float, ...] = ()) -> list[WindowQuery]:
    return list(window_queries((each for some in of for each in some), spans))


def counts(query: WindowQuery, *samples: tuple[dict[str, str], float]) -> dict[str, Any]:
    found = query.counts(list(samples), at=10.0, fresh_for=60.0, source="prometheus")
    return {each.service: each for each in found}


def part(name: str, value: float, **labels: str) -> tuple[dict[str, str], float]:
    return {"opsconsole_part": name, **labels}, value


def test_one_query_for_each_window_serves_the_whole_fleet() -> None:
    fleet = [up(f"s{number}", job=f"s{number}") for number in range(20)]
    found = queries(*fleet, spans=(300.0, 3600.0, 40 * 86400.0))
    assert [query.over for query in found] == [300.0, 3600.0, MONTH]
    assert all(len(query.group.serves) == 20 for query in found)


def test_long_patterns_are_parted_so_that_a_query_fits_into_a_url() -> None:
    fleet = [up(f"s{number}", job=f"a-rather-long-name-{number}") for number in range(100)]
    found = queries(*fleet)
    assert sum(len(query.group.serves) for query in found) == 100
    assert all(len(query.promql) < 3000 for query in found)


def test_a_gauge_is_counted_by_its_samples() -> None:
    (query,) = queries(up("a", job="a"), up("b", job="b"))
    assert 'sum_over_time(up{job=~"a|b"}[2592000s])' in query.promql
    assert '(count by (job) (up{job=~"a|b"}))[2592000s:3600s]' in query.promql
    found = counts(
        query,
        part("good", 0.9, job="a"),
        part("all", 1.0, job="a"),
        part("steps", 360.0, job="a"),
        part("all", 1.0, job="b"),
        part("steps", 800.0, job="b"),
    )
    assert found["a"].good == pytest.approx(0.9 * MONTH)
    assert found["a"].bad == pytest.approx(0.1 * MONTH)
    assert found["a"].seen == MONTH / 2
    # A gauge that was 0 throughout was down throughout; nothing is seen beyond the window.
    assert (found["b"].good, found["b"].bad, found["b"].seen) == (0.0, MONTH, MONTH)


def test_requests_without_a_failure_so_far_are_all_good() -> None:
    availability = {"total": "requests_total", "failed_labels": {"code": "5.."}}
    (query,) = queries(series("a", availability=availability, objectives=[OBJECTIVE]))
    assert 'rate(requests_total{code=~"5.."}[2592000s])' in query.promql
    found = counts(query, part("all", 2.0), part("steps", 720.0))
    assert (found["a"].good, found["a"].bad) == (2.0 * MONTH, 0.0)


def test_what_has_no_samples_counts_neither_way() -> None:
    (query,) = queries(up("a", job="a"))
    assert counts(query) == {}
    assert counts(query, part("all", 0.0), part("steps", 720.0)) == {}


def test_a_latency_is_compared_in_the_unit_of_its_histogram() -> None:
    (each,) = series(
        "a",
        metrics={"latency": {"histogram": "latency_ms", "unit": "ms"}},
        objectives=["p95(latency) < 300ms", "p95(latency) > 1s", "cpu < 70%"],
    )
    assert (each.kind, each.series) == (SeriesKind.BUCKETS, "latency_ms_bucket")
    assert each.target == pytest.approx(300.0)
    (query,) = queries([each])
    found = counts(
        query,
        part("buckets", 6.0, le="200"),
        part("buckets", 10.0, le="400"),
        part("buckets", 10.0, le="+Inf"),
        part("steps", 720.0),
    )
    assert found["a"].good / (found["a"].good + found["a"].bad) == pytest.approx(0.8)


def test_a_label_value_cannot_change_the_query() -> None:
    (query,) = queries(up("a", job='x"} or vector(1) #'), up("b", job="y.*"))
    assert 'job=~"x\\"\\\\} or vector\\\\(1\\\\) #|y\\\\.\\\\*"' in query.promql


def test_a_young_store_has_seen_what_it_has_samples_of() -> None:
    """Moments an hour apart say nothing of a Prometheus that is ten minutes old."""
    (query,) = queries(up("a", job="a"))
    assert "[14400s:15s]" in query.promql
    young = counts(query, part("good", 0.845), part("all", 1.0), part("recent", 41.0))
    assert young["a"].seen == 41 * 15.0
    assert young["a"].good / (young["a"].good + young["a"].bad) == pytest.approx(0.845)
    parts = part("good", 0.9), part("all", 1.0), part("steps", 1.0), part("recent", 10.0)
    assert counts(query, *parts)["a"].seen == 150.0, "a single moment is no hour"
    parts = part("good", 0.9), part("all", 1.0), part("steps", 300.0), part("recent", 960.0)
    assert counts(query, *parts)["a"].seen == 300 * 3600.0
