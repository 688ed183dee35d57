"""How old an answer is, and for how long its server asks to be left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.sources.http.header_times import LONGEST_REST, age, retry_after

NOON = "Mon, 30 Nov 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("30", 30.0), (" 7 ", 7.0), ("0", 0.0), ("-5", 0.0), ("1.5", 0.0), ("soon", 0.0),
        ("", 0.0), ("99999999999999999999", LONGEST_REST), ("\u0664", 0.0),
        ("Mon, 30 Nov 2026 12:01:30 GMT", 90.0), ("Mon, 30 Nov 2026 11:00:00 GMT", 0.0),
        ("Tue, 01 Dec 2026 12:00:00 GMT", LONGEST_REST), ("Mon, 30 Nov 99999 12:00:00 GMT", 0.0),
    ],
)  # fmt: skip
def test_rest_is_in_seconds_or_until_a_date(said: str, seconds: float) -> None:
    assert retry_after(429, {"retry-after": said, "date": NOON}) == seconds
    assert retry_after(200, {"retry-after": said, "date": NOON}) == 0.0


def test_a_date_without_a_clock_to_compare_it_with_says_nothing() -> None:
    assert retry_after(503, {"retry-after": "Mon, 30 Nov 2026 12:01:30 GMT"}) == 0.0


@pytest.mark.parametrize(
    ("said", "seconds"), [("", 0.0), ("86400", 86400.0), ("-1", 0.0), ("old", 0.0), ("0", 0.0)]
)
def test_age(said: str, seconds: float) -> None:
    assert age({"age": said} if said else {}) == seconds


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_header_gives_a_bounded_number(said: str, date: str) -> None:
    assert 0 <= retry_after(429, {"retry-after": said, "date": date}) <= LONGEST_REST
    assert age({"age": said}) >= 0
