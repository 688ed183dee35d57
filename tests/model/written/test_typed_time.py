"""A moment as a person types it."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.model.written.typed_time import TypedTimeError, end_of, moment_of

NOW = datetime(2026, 11, 21, 9, 14, 7, tzinfo=UTC).timestamp()


def at(text: str) -> str:
    return datetime.fromtimestamp(moment_of(text, NOW), UTC).isoformat(" ")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("now", "2026-11-21 09:14:07+00:00"),
        ("09:14", "2026-11-21 09:14:00+00:00"),
        (" 9:05 ", "2026-11-21 09:05:00+00:00"),
        ("09:14:08", "2026-11-20 09:14:08+00:00"),
        ("23:59:30", "2026-11-20 23:59:30+00:00"),
        ("09:14Z", "2026-11-21 09:14:00+00:00"),
        ("10:05+01:00", "2026-11-21 09:05:00+00:00"),
        ("01:30+05:30", "2026-11-20 20:00:00+00:00"),
        ("-2h", "2026-11-21 07:14:07+00:00"),
        ("-1h30m", "2026-11-21 07:44:07+00:00"),
        ("15m ago", "2026-11-21 08:59:07+00:00"),
        ("2026-11-20T09:14", "2026-11-20 09:14:00+00:00"),
        ("2026-11-20 9:14:30", "2026-11-20 09:14:30+00:00"),
        ("2026-11-20", "2026-11-20 00:00:00+00:00"),
        ("2026-11-20T09:14z", "2026-11-20 09:14:00+00:00"),
        ("2026-11-20T09:14-02:00", "2026-11-20 11:14:00+00:00"),
    ],
)
def test_what_is_typed_means_one_moment(typed: str, meant: str) -> None:
    assert at(typed) == meant


@pytest.mark.parametrize(
    "typed",
    [
        "", "half nine", "25:00", "09", "09:61", "-", "-2", "2 hours", "2026-13-01", "2026-11-31",
        "2026-11-22", "2026-11-21T09:15", "99999-01-01", "-90000w", "1969-01-01", "ago", "now()",
    ],
)  # fmt: skip
def test_anything_else_is_refused_with_what_would_be_one(typed: str) -> None:
    with pytest.raises(TypedTimeError) as refused:
        moment_of(typed, NOW)
    assert str(refused.value)


@given(st.text(max_size=40))
def test_no_text_does_more_than_be_refused(typed: str) -> None:
    try:
        found = moment_of(typed, NOW)
    except TypedTimeError:
        return
    assert 0.0 <= found <= NOW


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("09:14:08", NOW), ("10:05", NOW), ("9:14", NOW - 7.0), ("11:00", None), ("-2h", NOW - 7200)],
)
def test_an_end_that_comes_soon_is_now_and_never_yesterday(typed: str, meant: float | None) -> None:
    assert end_of(typed, NOW) == (moment_of(typed, NOW) if meant is None else meant)
