"""What a remedy waits for, as it is written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.model.state import State
from opsconsole.model.written.expressions import StateIs
from opsconsole.model.written.triggers import Trigger, parse_trigger


@given(st.sampled_from([State.DOWN, State.DEGRADED]), st.integers(1000, 10**7))
def test_what_is_written_is_read_again(state: State, milliseconds: int) -> None:
    trigger = Trigger(StateIs(state), milliseconds / 1000)

    assert parse_trigger(str(trigger)) == trigger


@pytest.mark.parametrize(
    ("text", "again"),
    [
        ("state == down", "state == down for 1m"),
        ("state == down for 60s", "state == down for 1m"),
        (" error_rate > 5%  for 3m ", "error_rate > 5% for 3m"),
        ("p95(latency) > 2s for 90s", "p95(latency) > 2s for 1m30s"),
    ],
)
def test_it_holds_for_as_long_as_written_or_for_a_minute(text: str, again: str) -> None:
    assert str(parse_trigger(text)) == again


@pytest.mark.parametrize(
    "text",
    ["", "state == ok", "state == unknown", "availability 99.9%", "state == down for",
     "state == down for 10", "state == down for 10ms", "for 60s", "state == down and cpu > 5%"],
)  # fmt: skip
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_trigger(text)
