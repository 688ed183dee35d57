"""An hour of samples: the rates they give, and what bounds them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.sources.metrics.exposition import Exposed
from opsconsole.sources.metrics.sample_book import KEEP, LOOKBACK, SampleBook
from tests.sources.metrics.increases import increase_of

Scrape = dict[str, float]


def filled(scrapes: dict[float, Scrape], **limits: float) -> SampleBook:
    book = SampleBook(**limits)  # type: ignore[arg-type]  # keep and series_limit
    for at, values in scrapes.items():
        book.add(at, [Exposed("c", (("k", key),), value) for key, value in values.items()])
    return book


def rates(book: SampleBook, window: float, now: float) -> dict[str, float]:
    return {dict(labels)["k"]: rate for labels, rate in book.rates("c", window, now)}


def test_a_rate_is_the_gain_over_the_window() -> None:
    book = filled({10.0 * n: {"a": 20.0 * n} for n in range(1, 8)})
    # From 30 to 70 s, 80 were seen in 40 s; the start lies 10 s before, the end at 70 s.
    assert rates(book, 50.0, 70.0) == {"a": pytest.approx(80 * 50 / 40 / 50)}


def test_only_samples_within_the_window_count() -> None:
    book = filled({1.0: {"a": 0.0}, 100.0: {"a": 50.0}, 110.0: {"a": 60.0}})
    assert rates(book, 30.0, 110.0) == {"a": pytest.approx(10 * (10 + 5 + 0) / 10 / 30)}


def test_a_reset_loses_nothing_that_was_seen_and_counts_in_its_window_alone() -> None:
    book = filled({0.0: {"a": 90.0}, 10.0: {"a": 100.0}, 20.0: {"a": 5.0}, 30.0: {"a": 15.0}})
    assert rates(book, 31.0, 30.0)["a"] == pytest.approx(25 * (30 + 1 + 0) / 30 / 31)
    assert rates(book, 11.0, 30.0)["a"] == pytest.approx(10 * (10 + 1 + 0) / 10 / 11)


def test_a_series_that_comes_later_is_judged_by_its_own_samples() -> None:
    scrapes: dict[float, Scrape] = {10.0 * n: {"a": 10.0 * n} for n in range(10)}
    for n in range(6, 10):
        scrapes[10.0 * n]["b"] = 10.0 * (n - 5)
    book = filled(scrapes)
    own = [(10.0 * n, 10.0 * (n - 5)) for n in range(6, 10)]
    wanted = increase_of(own, -5.0, 95.0)
    assert wanted is not None
    assert rates(book, 100.0, 95.0)["b"] == pytest.approx(wanted / 100)


def test_a_gap_in_a_series_is_no_reset() -> None:
    book = filled({0.0: {"a": 1.0}, 10.0: {}, 20.0: {"a": 3.0}, 30.0: {"a": 4.0}})
    assert rates(book, 30.5, 30.0)["a"] == pytest.approx(3 * (30 + 0.5) / 30 / 30.5)


def test_what_is_no_number_is_no_sample() -> None:
    book = filled({0.0: {"a": 1.0}, 10.0: {"a": math.nan}, 20.0: {"a": 3.0}})
    assert rates(book, 20.5, 20.0)["a"] == pytest.approx(2 * 20.5 / 20 / 20.5)


def test_one_sample_gives_no_rate_and_is_the_latest_value() -> None:
    book = filled({10.0: {"a": 7.0}})
    assert rates(book, 60.0, 10.0) == {}
    assert [value for _, value in book.latest("c", 10.0)] == [7.0]
    assert list(book.latest("c", 11.0 + LOOKBACK)) == []
    book.failed()
    assert list(book.latest("c", 10.0)) == []


def test_a_gauge_that_is_gone_from_the_page_has_no_value() -> None:
    book = filled({0.0: {"a": 1.0, "b": 2.0}, 10.0: {"a": 1.0}})
    assert [labels for labels, _ in book.latest("c", 10.0)] == [(("k", "a"),)]


def test_a_series_that_is_given_twice_counts_once() -> None:
    book = SampleBook()
    assert book.add(1.0, [Exposed("c", (), 1.0), Exposed("c", (), 9.0)])
    assert book.add(2.0, [Exposed("c", (), 2.0), Exposed("c", (), 0.0)])
    assert [rate for _, rate in book.rates("c", 2.0, 2.0)] == [pytest.approx(1.0)]


def test_a_day_of_scrapes_keeps_an_hour() -> None:
    book = SampleBook()
    for n in range(5760):
        book.add(15.0 * n, [Exposed("c", (), float(n))])
    assert KEEP / 15 <= len(book._times) <= 1.2 * KEEP / 15
    assert [rate for _, rate in book.rates("c", 3000.0, 15.0 * 5759)] == [pytest.approx(1 / 15)]


def test_series_are_bounded_and_those_long_gone_make_room() -> None:
    many = {str(n): 1.0 for n in range(10)}
    book = filled({1.0: many, 2.0: many}, series_limit=10)
    late = [Exposed("c", (("k", f"late{n}"),), 1.0) for n in range(5)]
    assert not book.add(3.0, late)
    assert book.size == 10
    assert book.add(4.0, late)
    assert book.add(5.0, late)
    assert book.size <= 10
    assert {dict(labels)["k"] for labels, _ in book.latest("c", 5.0)} == {
        f"late{n}" for n in range(5)
    }


def test_time_that_stands_still_adds_nothing() -> None:
    book = filled({5.0: {"a": 1.0}})
    assert book.add(5.0, [Exposed("c", (("k", "a"),), 2.0)])
    assert [value for _, value in book.latest("c", 5.0)] == [1.0]


samples = st.lists(st.one_of(st.none(), st.floats(0, 1e6)), min_size=2, max_size=30)


@given(samples, st.integers(1, 40))
def test_any_scrapes_give_the_rate_of_their_samples(
    values: list[float | None], window: int
) -> None:
    """Whatever is missing or reset, the book agrees with the formula on a plain list."""
    book = filled({n + 0.5: {} if v is None else {"a": v} for n, v in enumerate(values)})
    now = float(len(values))
    plain = [(n + 0.5, v) for n, v in enumerate(values) if v is not None and n + 0.5 > now - window]
    wanted = increase_of(plain, now - window, now)
    found = rates(book, float(window), now)
    if wanted is None:
        assert found == {}
    else:
        assert found["a"] == pytest.approx(wanted / window, rel=1e-6, abs=1e-6)


def test_what_was_gained_between_two_scrapes_survives_a_reset_and_a_newcomer() -> None:
    book = SampleBook()
    assert (list(book.gained("c")), book.last_span) == ([], 0.0)
    book.add(10.0, [Exposed("c", (("a", "1"),), 5.0), Exposed("c", (("a", "2"),), 9.0)])
    assert list(book.gained("c")) == []
    late = Exposed("c", (("a", "3"),), 100.0)
    book.add(25.0, [Exposed("c", (("a", "1"),), 7.0), Exposed("c", (("a", "2"),), 4.0), late])
    assert dict(book.gained("c")) == {(("a", "1"),): 2.0, (("a", "2"),): 4.0}
    assert book.last_span == 15.0
