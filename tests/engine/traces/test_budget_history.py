"""What is counted of an objective, by this console and by the one before it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.engine.traces.budget_history import HOUR, BudgetHistory

NOW = 1_800_000_000.0
MONTH = 30 * 24 * HOUR


@given(
    st.floats(0, 1),
    st.integers(1, 20_000),
    st.floats(60, 20 * 24 * HOUR),
    st.floats(0, 5 * HOUR),
    st.integers(0, 50),
)
def test_what_another_console_counted_counts_on(
    share: float, looks: int, lasted: float, gap: float, own: int
) -> None:
    history = BudgetHistory()
    for number in range(own):
        history.add(NOW - own + number, bad=False)
    until = NOW - 60 - gap
    history.recall(share, looks, until - lasted, until)
    good, bad = history.counts(NOW, MONTH)
    assert good + bad == pytest.approx(looks + own, abs=1)
    assert bad == pytest.approx(looks * (1 - share), abs=1.5)
    assert history.seen(NOW, MONTH) <= lasted + 60 + own + 1
    assert history.seen(NOW, MONTH) >= lasted - 1


def test_a_gap_between_two_consoles_was_not_seen() -> None:
    history = BudgetHistory()
    history.add(NOW - 10, bad=False)
    history.recall(1.0, 720, NOW - 3 * HOUR, NOW - 2 * HOUR)
    assert history.seen(NOW, MONTH) == pytest.approx(HOUR + 10)
    assert history.counts(NOW, 300.0) == (1, 0), "the last minutes are this console's own"
