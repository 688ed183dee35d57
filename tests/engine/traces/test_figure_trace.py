"""A figure over time."""

from hypothesis import given
from hypothesis import strategies as st

from opsconsole.engine.traces.figure_trace import FigureTrace

START = 1_700_000_000.0


def test_a_slot_holds_its_last_figure_and_gaps_are_none() -> None:
    trace = FigureTrace(4, 10.0)
    trace.add(START, 1.0)
    trace.add(START + 5, 2.0)
    trace.add(START + 20, None)
    assert trace.view(START + 20).values == (None, 2.0, None, None)
    assert trace.view(START + 20).end == START + 30
    assert trace.view(START + 100).values == (None,) * 4


@given(st.lists(st.tuples(st.floats(0, 100), st.none() | st.floats(-9, 9)), max_size=40))
def test_it_equals_a_dictionary_of_slots(steps: list[tuple[float, float | None]]) -> None:
    trace, now, slots = FigureTrace(5, 10.0), START, dict[int, float]()
    for pause, value in steps:
        now += pause
        trace.add(now, value)
        if value is not None:
            slots[int(now // 10)] = value
        last = int(now // 10)
        assert trace.view(now).values == tuple(slots.get(last - back) for back in (4, 3, 2, 1, 0))
