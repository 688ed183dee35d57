"""Declared metrics become few queries, and each service gets its own series back."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.config.services import Service
from opsconsole.sources.metrics.declared import Declared, declared_metrics
from opsconsole.sources.prometheus.promql import AGE, Query, batched, read_vector
from opsconsole.sources.prometheus.promql_sharing import ALTERNATION_LIMIT, quote, shared


def declared(service: str, **metrics: object) -> tuple[Declared, ...]:
    return declared_metrics(service, Service.model_validate({"metrics": metrics}))


def texts(*of: tuple[Declared, ...]) -> list[str]:
    return [query.promql for query in batched(each for some in of for each in some)]


def figures(query: Query, data: object) -> dict[tuple[str, str], float | None]:
    values = query.values(read_vector(data), 10.0)
    return {(value.service, value.name): value.value for value in values}


def sample(value: str, **labels: str) -> dict[str, object]:
    return {"metric": labels, "value": [1, value]}


def test_a_counter_becomes_a_rate_by_instance() -> None:
    assert texts(declared("api", requests={"counter": "http_requests_total", "window": "1m"})) == [
        "sum by (instance) (rate(http_requests_total[60s]))"
    ]


def test_all_quantiles_of_a_histogram_are_one_query_of_its_buckets() -> None:
    (query,) = batched(declared("api", latency={"histogram": "search_ms", "unit": "ms"}))
    assert query.promql == "sum by (le) (rate(search_ms_bucket[300s]))"
    answer = [sample("0", le="100"), sample("10", le="200"), sample("10", le="+Inf")]
    assert figures(query, answer) == {
        ("api", "p50(latency)"): pytest.approx(0.150),
        ("api", "p95(latency)"): pytest.approx(0.195),
        ("api", "p99(latency)"): pytest.approx(0.199),
    }


def test_one_query_serves_a_fleet_that_differs_in_one_label() -> None:
    fleet = [
        declared(
            f"s{n}", requests={"counter": "http_requests_total", "labels": {"job": f"job.{n}"}}
        )
        for n in range(100)
    ]
    (query,) = batched(each for some in fleet for each in some)
    assert query.promql.startswith(
        r'sum by (instance, job) (rate(http_requests_total{job=~"job\\.0|job\\.1|'
    )
    answer = [
        sample("3", job="job.1", instance="a"),
        sample("4", job="job.1", instance="b"),
        sample("5", job="job.2", instance="c"),
        sample("9", job="job_1", instance="d"),
    ]
    found = figures(query, answer)
    assert len(found) == 100
    assert found["s1", "requests"] == 7.0
    assert found["s2", "requests"] == 5.0
    assert found["s3", "requests"] is None


def test_the_label_that_is_split_by_is_the_one_that_saves_most() -> None:
    def one(service: str, **labels: str) -> tuple[Declared, ...]:
        return declared(service, up={"gauge": "up", "labels": labels})

    assert texts(
        one("a", job="a", env="prod"),
        one("b", job="b", env="prod"),
        one("c", job="c", env="prod"),
        one("d", job="c", env="test"),
        one("e"),
    ) == ["up", 'up{env="prod",job=~"a|b|c"}', 'up{env="test",job="c"}']


def test_series_without_the_label_belong_to_the_service_that_asks_for_none() -> None:
    (query,) = batched(
        [
            *declared("a", up={"gauge": "up", "labels": {"zone": ""}}),
            *declared("b", up={"gauge": "up", "labels": {"zone": "b"}}),
        ]
    )
    assert query.promql == 'up{zone=~"|b"}'
    answer = [sample("1"), sample("0", zone="b")]
    assert figures(query, answer) == {("a", "up"): 1.0, ("b", "up"): 0.0}


def test_patterns_stay_short_enough_for_proxies() -> None:
    fleet = [
        declared(f"s{n}", up={"gauge": "up", "labels": {"job": f"{n:03}" + "x" * 47}})
        for n in range(100)
    ]
    queries = batched(each for some in fleet for each in some)
    assert 2 <= len(queries) <= 4
    assert all(len(query.promql) < ALTERNATION_LIMIT + 100 for query in queries)
    assert sum(len(query.serves) for query in queries) == 100


def test_windows_and_kinds_are_not_mixed() -> None:
    found = texts(
        declared("a", x={"counter": "c_total"}),
        declared("b", x={"counter": "c_total", "window": "1m"}),
        declared("c", x={"gauge": "c_total"}),
        declared("d", x={"promql": "sum(c_total)"}),
        declared("e", y={"promql": "sum(c_total)"}),
    )
    assert found == [
        "sum by (instance) (rate(c_total[300s]))",
        "sum by (instance) (rate(c_total[60s]))",
        "c_total",
        "sum(c_total)",
    ]


def test_a_window_of_less_than_a_second_is_written_in_milliseconds() -> None:
    metric = {"counter": "c_total", "window": "1500ms"}
    assert texts(declared("a", x=metric)) == ["sum by (instance) (rate(c_total[1500ms]))"]


def test_metrics_of_health_bodies_and_headers_are_not_asked_of_prometheus() -> None:
    assert declared("api", pool={"json": "pool.active"}, quota={"header": "x-remaining"}) == ()


@given(st.text())
def test_a_label_value_cannot_leave_its_quotes(value: str) -> None:
    quoted = quote(value)
    inside = quoted[1:-1]
    assert quoted[0] == quoted[-1] == '"'
    assert "\n" not in inside
    assert '"' not in inside.replace("\\\\", "").replace('\\"', "")
    assert not inside.replace("\\\\", "").endswith("\\")
    (alone,) = shared([((("a", value),), None)])
    assert alone.selector("up") == f"up{{a={quoted}}}"


@pytest.mark.parametrize("text", ["NaN", "+Inf", "-Inf", "nonsense", ""])
def test_a_figure_that_is_no_number_is_not_known(text: str) -> None:
    (query,) = batched(declared("api", x={"promql": "x"}))
    assert figures(query, [sample(text)]) == {("api", "x"): None}


def test_a_scalar_is_read() -> None:
    (query,) = batched(declared("api", x={"promql": "scalar(x)"}))
    assert figures(query, [1.0, "42"]) == {("api", "x"): 42.0}


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_answer_is_read_without_raising(data: Any) -> None:
    (query,) = batched(declared("api", x={"histogram": "x"}))
    query.values(read_vector(data), 1.0)


@pytest.mark.parametrize(
    ("ages", "at"),
    [([], 940.0), (["0"], 1000.0), (["12"], 988.0), (["12", "3"], 997.0), (["-2"], 1000.0)],
    ids=["found by no search", "now", "12 s", "the newest counts", "another clock"],
)
def test_a_figure_is_as_old_as_its_latest_sample_and_never_newer_than_is_known(
    ages: list[str], at: float
) -> None:
    (query,) = batched(declared("api", requests={"counter": "http_requests_total", "window": "1m"}))
    answer = [sample("3", instance="a"), *(sample(age, **{AGE: "1"}) for age in ages)]
    (value,) = query.values(read_vector(answer), 1000.0)
    assert (value.value, value.at) == (3.0, at)
