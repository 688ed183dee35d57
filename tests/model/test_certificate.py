"""How long a certificate still lasts, and since when that is worth a word."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.model.certificate import DAY, NOTICES, Validity

NOW = 1_700_000_000.0
TIMES = st.floats(-1e11, 1e11)


@pytest.mark.parametrize(
    ("days", "notice"),
    [(14.1, None), (14, 14), (7.1, 14), (7, 7), (3.1, 7), (3, 3), (0.1, 3), (-40, 3)],
)
def test_it_is_spoken_of_at_14_7_and_3_days(days: float, notice: int | None) -> None:
    assert Validity(NOW - 90 * DAY, NOW + days * DAY).notice(NOW) == notice


def test_one_that_does_not_hold_yet_is_not_spoken_of() -> None:
    assert Validity(NOW + 1, NOW + DAY).notice(NOW) is None


def test_one_that_was_made_for_less_is_spoken_of_since_it_holds() -> None:
    short = Validity(NOW - DAY, NOW + 5 * DAY)
    assert (short.notice(NOW), short.noticed_at(7)) == (7, NOW - DAY)


@given(TIMES, TIMES, TIMES, st.floats(0, 1e9))
def test_time_only_brings_the_end_nearer(
    starts: float, ends: float, now: float, more: float
) -> None:
    validity = Validity(starts, ends)
    before, after = validity.notice(now), validity.notice(now + more)
    assert {before, after} <= {None, *NOTICES}
    if before is not None:
        assert after is not None
        assert after <= before
        assert validity.noticed_at(before) <= now
    assert validity.left(now + more) <= validity.left(now)
