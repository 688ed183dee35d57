"""Declared metrics become the queries Prometheus means, and answers become figures."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.config.services import Metric
from opsconsole.sources.promql import (
    MetricQuery,
    distinct,
    queries_for,
    read_vector,
    selector,
    to_value,
)


def metric(**declared: object) -> Metric:
    return Metric.model_validate(declared)


def test_a_counter_becomes_a_rate_by_instance() -> None:
    (query,) = queries_for("api", {"requests": metric(counter="http_requests_total", window="1m")})
    assert query.promql == "sum by (instance) (rate(http_requests_total[60s]))"
    assert (query.figure, query.unit, query.mean) == ("requests", "/s", False)


def test_a_histogram_in_milliseconds_becomes_three_quantiles_in_seconds() -> None:
    queries = queries_for("api", {"latency": metric(histogram="search_ms", unit="ms")})
    assert [query.figure for query in queries] == ["p50(latency)", "p95(latency)", "p99(latency)"]
    assert queries[1].promql == (
        "histogram_quantile(0.95, sum by (le) (rate(search_ms_bucket[300s])))"
    )
    value = to_value(queries[1], read_vector([{"metric": {}, "value": [1, "250"]}]), 10.0)
    assert (value.value, value.unit, value.at) == (0.25, "s", 10.0)


def test_a_gauge_of_several_instances_is_their_mean_and_keeps_each() -> None:
    (query,) = queries_for("api", {"hit_rate": metric(gauge="hit_rate", labels={"app": "api"})})
    assert query.promql == 'hit_rate{app="api"}'
    answer = read_vector(
        [
            {"metric": {"instance": "a:1"}, "value": [1, "0.5"]},
            {"metric": {"instance": "b:1"}, "value": [1, "0.7"]},
        ]
    )
    value = to_value(query, answer, 1.0)
    assert value.value == pytest.approx(0.6)
    assert value.by_instance == {"a:1": 0.5, "b:1": 0.7}


def test_metrics_of_health_bodies_and_headers_are_not_asked_of_prometheus() -> None:
    declared = {"pool": metric(json="pool.active"), "quota": metric(header="x-ratelimit-remaining")}
    assert queries_for("api", declared) == ()


@given(st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), st.text(), max_size=3))
def test_a_label_value_cannot_leave_its_quotes(labels: dict[str, str]) -> None:
    text = selector("up", labels)
    inside = text.removeprefix("up").removeprefix("{").removesuffix("}")
    for name in sorted(labels):
        quoted = json.dumps(labels[name])
        assert inside.startswith(f"{name}={quoted}")
        inside = inside.removeprefix(f"{name}={quoted}").removeprefix(",")
    assert inside == ""


@pytest.mark.parametrize("text", ["NaN", "+Inf", "-Inf", "nonsense", ""])
def test_a_figure_that_is_no_number_is_not_known(text: str) -> None:
    answer = read_vector([{"metric": {}, "value": [1, text]}])
    assert answer.whole(mean=False) is None


def test_a_scalar_is_read() -> None:
    assert read_vector([1.0, "42"]).whole(mean=False) == 42.0


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_answer_is_read_without_raising(data: object) -> None:
    read_vector(data)


def test_each_query_text_is_asked_once_for_the_fleet() -> None:
    same = [MetricQuery("a", "x", "up"), MetricQuery("b", "x", "up"), MetricQuery("b", "y", "down")]
    grouped = distinct(same)
    assert {text: [query.service for query in group] for text, group in grouped.items()} == {
        "up": ["a", "b"],
        "down": ["b"],
    }
