"""What becomes of the series of a declared metric, whichever backend read them."""

import math

import pytest

from opsconsole.config.services import Service
from opsconsole.sources.metrics.declared import (
    PARTS_LIMIT,
    Declared,
    Kind,
    Vector,
    declared_metrics,
    to_values,
)


def declare(**keys: object) -> Declared:
    (found,) = declared_metrics("api", Service.model_validate({"metrics": {"m": keys}}))
    return found


def test_a_gauge_of_several_series_is_their_mean_also_within_an_instance() -> None:
    vector = [({"instance": "a"}, 0.4), ({"instance": "a"}, 0.6), ({"instance": "b"}, 0.8)]
    (value,) = to_values(declare(gauge="hit_rate"), vector, 1.0, "scrape")
    assert value.value == pytest.approx(0.6)
    assert value.by_instance == {"a": pytest.approx(0.5), "b": pytest.approx(0.8)}
    assert (value.at, value.origin) == (1.0, "scrape")


def test_a_counter_is_the_sum_of_its_series() -> None:
    vector = [({"instance": "a"}, 4.0), ({"instance": "a"}, 6.0), ({"instance": "b"}, 8.0)]
    (value,) = to_values(declare(counter="c_total"), vector, 1.0, "scrape")
    assert (value.value, value.unit) == (18.0, "/s")
    assert value.by_instance == {"a": 10.0, "b": 8.0}


def test_times_are_in_seconds_whatever_their_unit() -> None:
    (value,) = to_values(declare(gauge="g", unit="ms"), [({}, 250.0)], 1.0, "scrape")
    assert (value.value, value.unit) == (0.25, "s")


def test_what_is_no_number_counts_for_nothing_and_no_series_is_no_figure() -> None:
    vector: Vector = [({}, math.nan), ({}, math.inf), ({}, 2.0)]
    assert to_values(declare(gauge="g"), vector, 1.0, "scrape")[0].value == 2.0
    assert to_values(declare(gauge="g"), [], 1.0, "scrape")[0].value is None
    huge: Vector = [({}, 1.7e308), ({}, 1.7e308)]
    assert to_values(declare(counter="c"), huge, 1.0, "scrape")[0].value is None


def test_ten_thousand_instances_count_and_a_bounded_number_is_kept() -> None:
    vector = [({"instance": f"i{n}"}, 1.0) for n in range(10_000)]
    (value,) = to_values(declare(counter="c"), vector, 1.0, "scrape")
    assert value.value == 10_000.0
    assert len(value.by_instance) == PARTS_LIMIT


def test_an_instance_label_is_made_safe_for_a_terminal() -> None:
    (value,) = to_values(declare(gauge="g"), [({"instance": "a\x1b[2J"}, 1.0)], 1.0, "scrape")
    assert "\x1b" not in "".join(value.by_instance)


def test_quantiles_that_objectives_and_alerts_ask_for_are_reckoned_too() -> None:
    service = Service.model_validate(
        {
            "metrics": {"m": {"histogram": "h"}, "n": {"histogram": "n"}},
            "objectives": ["p90(m) < 100ms", "availability 99.9% over 30d"],
            "alerts": [{"name": "Slow", "when": "p99.9(m) > 2s"}],
        }
    )
    first, second = declared_metrics("api", service)
    assert first.kind is Kind.HISTOGRAM
    assert first.quantiles == (0.5, 0.9, 0.95, 0.99, 0.999)
    assert second.quantiles == (0.5, 0.95, 0.99)
    names = [value.name for value in to_values(first, [], 1.0, "scrape")]
    assert names == ["p50(m)", "p90(m)", "p95(m)", "p99(m)", "p99.9(m)"]
