"""Which series an expression asks for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.sources.prometheus.promql_selectors import selectors

CASES = [
    ("up", ["up"]),
    ("up == 0", ["up"]),
    ("vector(1)", []),
    ("time() - process_start_time_seconds > bool 5", ["process_start_time_seconds"]),
    ("histogram_quantile(0.95, errorscope_llm_latency_seconds) > 2",
     ["errorscope_llm_latency_seconds"]),
    ('sum by (le, job) (rate(x_bucket{job=~"a|b",env!="dev"}[5m]))',
     ['x_bucket{job=~"a|b",env!="dev"}']),
    ("sum(rate(errors_total[5m])) by (job) / sum(rate(requests_total[5m])) by (job) > 0.05",
     ["errors_total", "requests_total"]),
    ("a * on(instance, job) group_left(version) b{x='}'} offset 5m", ["a", "b{x='}'}"]),
    ("a and on() b unless ignoring (c) d or e", ["a", "b", "d", "e"]),
    ('{__name__="node:cpu:rate5m", job="x"}', ['node:cpu:rate5m{job="x"}']),
    ('{job="x"}', ['{job="x"}']),
    ("max_over_time(rate(a[1m])[5m:30s]) # up and down", ["a"]),
    ('label_replace(a, "dst", "$1", "src", "(.*)")', ["a"]),
    ("a > Inf or b != NaN", ["a", "b"]),
    ("absent(nothing{job='x'})", ["nothing{job='x'}"]),
    ("1e3 * a + 0x1F", ["a"]),
    ("a @ start() - a offset -1h", ["a", "a"]),
    ("", []),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "wanted"), CASES)
def test_every_selector_is_found_and_nothing_else(expression: str, wanted: list[str]) -> None:
    assert [str(selector) for selector in selectors(expression)] == wanted


def test_the_window_and_the_function_around_are_told() -> None:
    (first, second) = selectors("rate(a[90s]) > histogram_quantile(0.9, sum by (le) ((b)))")
    assert (first.window, first.function) == (90.0, "rate")
    assert (second.window, second.function) == (None, "histogram_quantile")


@given(st.text(alphabet="ab{}[]()\"'`=~!,# \n5m", max_size=60) | st.text(max_size=60))
def test_any_text_is_read_without_raising(text: str) -> None:
    for selector in selectors(text):
        assert str(selector)
