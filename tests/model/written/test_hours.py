"""Hours of the week: read as written, and compared with every minute of two weeks."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.model.written.hours import DAYS, Hours, parse_hours

ANY = st.builds(
    Hours,
    st.frozensets(st.integers(0, 6), min_size=1),
    st.integers(0, 1439),
    st.integers(1, 1440),
).filter(lambda hours: hours.start != hours.end)


@given(ANY)
def test_what_is_written_is_read_again(hours: Hours) -> None:
    assert parse_hours(str(hours)) == hours


@given(ANY, st.integers(0, 14 * 1440 - 1))
def test_a_minute_is_within_where_counting_minutes_from_a_beginning_reaches_it(
    hours: Hours, minute: int
) -> None:
    monday = datetime(2026, 11, 30, tzinfo=UTC)
    at = (monday + timedelta(minutes=minute)).timestamp()

    reached = None
    for day in range(-1, 15):
        if day % 7 in hours.days:
            begin = day * 1440 + hours.start
            length = (hours.end - hours.start) % 1440 or 1440
            if begin <= minute < begin + length:
                end = (monday + timedelta(minutes=begin + length)).timestamp()
                reached = end if reached is None else max(reached, end)

    found = hours.end_of(at, UTC)
    assert (found is None) == (reached is None)
    assert found is None or at < found <= (reached or 0)


@pytest.mark.parametrize(
    ("text", "days", "begin"),
    [
        ("mon-fri 08:00-20:00", "mon tue wed thu fri", 480),
        ("Sat,Sun 22:00-04:00", "sat sun", 1320),
        ("fri-mon 0:00-24:00", "fri sat sun mon", 0),
        ("monday-wednesday 9:30-10:00", "mon tue wed", 570),
        ("02:00-03:00", " ".join(DAYS), 120),
        ("daily 02:00 - 03:00", " ".join(DAYS), 120),
    ],
)
def test_days_as_people_write_them(text: str, days: str, begin: int) -> None:
    hours = parse_hours(text)

    assert {DAYS[day] for day in hours.days} == set(days.split())
    assert hours.start == begin


@pytest.mark.parametrize(
    "text",
    ["", "mon", "mon 8-20", "mon 08:00-08:00", "mon 25:00-26:00", "mon 24:00-01:00", "x 1:00-2:00",
     "mo 1:00-2:00", "mon 1:60-2:00", "mon 08:00-20:00 tue"],
)  # fmt: skip
def test_what_is_no_hours_says_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match=r"such as|time of the day|same time|no day"):
        parse_hours(text)


def test_hours_follow_the_clock_of_their_zone_when_it_is_set_forward() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    hours = parse_hours("sun 01:00-04:00")
    begin = datetime(2026, 3, 29, 1, 0, tzinfo=berlin).timestamp()

    assert hours.span_of(begin, berlin) == (begin, begin + 2 * 3600)
    assert hours.end_of(begin - 1, berlin) is None
