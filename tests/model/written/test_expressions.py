"""The language of objectives and local rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.model.state import State
from opsconsole.model.written.expressions import (
    OPERATORS,
    Availability,
    Comparison,
    Expression,
    ExpressionError,
    Quantity,
    StateIs,
    parse,
    quantity_of,
)

LATENCY_P95 = Quantity("latency", "p95", 0.95)


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("p95(latency) < 100ms", Comparison(LATENCY_P95, "<", 0.1, "ms")),
        ("p95(latency)<100ms", Comparison(LATENCY_P95, "<", 0.1, "ms")),
        ("  p95( latency )  <  2s ", Comparison(LATENCY_P95, "<", 2.0, "s")),
        ("p99.9(llm) <= 2", Comparison(Quantity("llm", "p99.9", 0.9990000000000001), "<=", 2.0)),
        ("rate(requests) > 100/s", Comparison(Quantity("requests", "rate"), ">", 100.0, "/s")),
        ("rate(refusals) > 60/m", Comparison(Quantity("refusals", "rate"), ">", 1.0, "/m")),
        ("cache_hit_rate > 80%", Comparison(Quantity("cache_hit_rate"), ">", 0.8, "%")),
        ("memory < 4GB", Comparison(Quantity("memory"), "<", 4e9, "GB")),
        ("memory < 4GiB", Comparison(Quantity("memory"), "<", 4 * 2.0**30, "GiB")),
        ("memory > 80%", Comparison(Quantity("memory"), ">", 0.8, "%")),
        ("error_rate > 5%", Comparison(Quantity("error_rate"), ">", 0.05, "%")),
        ("accuracy >= 0.8", Comparison(Quantity("accuracy"), ">=", 0.8)),
        ("healthy == 0", Comparison(Quantity("healthy"), "==", 0.0)),
        ("drift != -1.5e-3", Comparison(Quantity("drift"), "!=", -0.0015)),
        ("state == down", StateIs(State.DOWN)),
        ("state == Degraded", StateIs(State.DEGRADED)),
        ("availability 99.9% over 30d", Availability(0.999, 30 * 86400.0)),
        ("availability 99.9%", Availability(0.999, 30 * 86400.0)),
        ("availability >= 95% over 7d12h", Availability(0.95, 648000.0)),
    ],
)
def test_what_is_read(text: str, expression: Expression) -> None:
    assert parse(text) == expression
    assert parse(str(expression)) == expression


@pytest.mark.parametrize(
    ("text", "position", "message"),
    [
        ("", 0, "begins with a figure such as latency, or with availability or state"),
        ("p95(latency) < 100", 15, "p95(latency) needs a number such as 100ms"),
        ("cpu < 70", 6, "cpu needs a number such as 5%"),
        ("memory < 4s", 9, "memory needs a number such as 4GB"),
        ("rate(requests) > 100", 17, "rate(requests) needs a number such as 100/s"),
        ("latency < 5 parsecs", 10, "latency needs a number such as 100ms"),
        ("queue < 5gb", 8, "unknown unit 'gb', did you mean 'GB'?"),
        ("latency = 5s", 8, "did you mean '=='?"),
        ("latency 5s", 8, "after latency comes one of < <= > >= == !="),
        ("latency <", 9, "here a number is missing, such as 100ms, 5%, 4GB or 100/s"),
        ("p95(latency < 5s", 12, "the bracket of p95( is not closed"),
        ("p95() < 5s", 4, "p95(…) takes the name of a figure"),
        ("p9x(latency) < 5s", 0, "did you mean 'p99'?"),
        ("p0(latency) < 5s", 0, "unknown function 'p0'"),
        ("rte(requests) > 5/s", 0, "did you mean 'rate'?"),
        ("state == dwon", 9, "unknown state 'dwon', did you mean 'down'?"),
        ("state != ok", 6, "write state == down"),
        ("state == down for 1m", 14, "write the time as a key of its own, for: 1m"),
        ("cpu < 5% and memory < 5%", 9, "there is no 'and'; write two entries"),
        ("cpu < 5% 6", 9, "nothing more is expected here"),
        ("availability 100% over 30d", 13, "availability is a share between 0% and 100%"),
        ("availability 99.9", 13, "availability is a share between 0% and 100%"),
        ("availability < 99.9%", 13, "write availability 99.9% over 30d"),
        ("availability 99.9% in 30d", 19, "write availability 99.9% over 30d"),
        ("availability 99.9% over 30", 24, "'30' is not a duration"),
        ("availability 99.9% over 1ms", 24, "the window is at least 1s"),
        ("x > 1e999", 4, "the number is too large"),
        ("x" * 201, 200, "is longer than 200 characters"),
    ],
)
def test_what_is_refused_and_where(text: str, position: int, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text)

    assert caught.value.position == position
    assert message in caught.value.message


NAMES = st.from_regex(r"\A[a-z_][a-z0-9_.-]{0,12}\Z").filter(
    lambda name: (
        name not in {"state", "availability", "latency", "cpu", "memory", "restarts"}
        and not name.endswith("_rate")
    )
)
QUANTITIES = st.one_of(
    NAMES.map(Quantity),
    NAMES.map(lambda name: Quantity(name, "p95", 0.95)),
)
NUMBERS = st.floats(0, 1e12, allow_nan=False).map(lambda number: f"{number:.6f}")
UNITS = st.sampled_from(["", "ms", "s", "m", "h", "%", "/s", "/m", "/h", "B", "kB", "MB", "GiB"])


@given(QUANTITIES, st.sampled_from(OPERATORS), NUMBERS, UNITS)
def test_comparisons_round_trip(quantity: Quantity, operator: str, number: str, unit: str) -> None:
    expression = parse(f"{quantity} {operator} {number}{unit}")

    assert quantity_of(expression) == quantity
    assert parse(str(expression)) == expression
    assert str(parse(str(expression))) == str(expression)


@given(st.integers(1, 9_999_999), st.integers(1000, 10**10))
def test_availabilities_round_trip(share: int, milliseconds: int) -> None:
    expression = parse(f"availability {share / 100_000}% over {milliseconds}ms")

    assert parse(str(expression)) == expression


@given(st.text(max_size=40) | st.text("p95(latency) <=>100ms%stateavilbor", max_size=40))
def test_any_text_is_read_or_refused_at_a_place_in_it(text: str) -> None:
    try:
        expression = parse(text)
    except ExpressionError as error:
        position = error.position
    else:
        position = 0
        assert parse(str(expression)) == expression
    assert 0 <= position <= len(text)


@pytest.mark.parametrize(
    ("text", "value", "holds"),
    [
        ("p95(latency) < 100ms", 0.0999, True),
        ("p95(latency) < 100ms", 0.1, False),
        ("x <= 1", 1.0, True),
        ("x > 80%", 0.8, False),
        ("x >= 80%", 0.8, True),
        ("x == 0", 0.0, True),
        ("x != 0", 0.0, False),
        ("x < 1", float("nan"), False),
    ],
)
def test_whether_a_value_satisfies_a_comparison(text: str, value: float, holds: bool) -> None:
    expression = parse(text)

    assert isinstance(expression, Comparison)
    assert expression.holds(value) is holds
