"""The latency chart: marks with labels, and an axis that ends where figures do."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.model.events import Event, EventCode
from opsconsole.model.series import Trace
from opsconsole.model.state import State
from opsconsole.render.ink.cells import Role, line_width, plain
from opsconsole.render.ink.chart import Curve, Mark, Plot, chart
from opsconsole.render.service.latency import axis_end, label_of, latency_chart, marks
from tests.ui import fleet

NOW = fleet.NOW


def trace(*values: float | None, step: float = 5.0, end: float = 1000.0) -> Trace:
    return Trace(end - step * len(values), step, values)


def test_the_axis_waits_for_the_slot_that_is_filling() -> None:
    full = trace(*[0.1] * 12)
    assert axis_end([full], 998.0, 60.0) == 1000.0
    filling = trace(*[0.1] * 11, None)
    assert axis_end([filling], 998.0, 60.0) == 995.0
    assert axis_end([filling, full], 998.0, 60.0) == 1000.0


def test_a_service_that_is_silent_has_a_gap_at_the_end() -> None:
    silent = trace(*[0.1] * 6, *[None] * 6)
    assert axis_end([silent], 998.0, 60.0) == 1000.0
    assert axis_end([trace(*[None] * 12)], 998.0, 60.0) == 1000.0


def test_no_blank_strip_is_left_at_the_right_of_a_short_axis() -> None:
    for filled in (trace(*[0.1] * 12), trace(*[0.1] * 11, None)):
        end = axis_end([filled], 998.0, 60.0)
        lines = chart(Plot((Curve(filled, Role.TRACE, filled=True),), end, 60.0), 68, 8)
        bottom = plain(lines).splitlines()[5]
        assert len(bottom) >= 67


MARKS = st.builds(
    Mark, st.floats(0, 2000), st.just("⇧"), st.just(Role.ACCENT), st.text("ab 漢", max_size=20),
    st.integers(-1, 2),
)  # fmt: skip


@given(st.lists(MARKS, max_size=30), st.integers(0, 120), st.integers(0, 30), st.integers(0, 3))
def test_labels_keep_to_their_place_and_touch_nothing(
    found: list[Mark], width: int, height: int, labels: int
) -> None:
    plot = Plot((), 1000.0, 900.0, None, tuple(found), labels=labels)
    lines = chart(plot, width, height)
    assert len(lines) == height
    assert all(line_width(line) <= width for line in lines)


def test_causes_find_room_before_their_effects() -> None:
    crowd = tuple(Mark(500.0 + n, "✖", Role.DOWN, "down", 2) for n in range(8))
    cause = Mark(500.0, "□", Role.ACCENT, "OOM", 0)
    text = plain(chart(Plot((), 1000.0, 900.0, None, (*crowd, cause), labels=2), 60, 12))
    assert "□ OOM" in text
    assert "more" in text


def test_what_copies_do_at_once_is_labelled_once_and_hides_no_alert() -> None:
    died = tuple(Mark(500.0 + n / 10, "✖", Role.DOWN, "OOM", 0) for n in range(3))
    alert = Mark(500.0, "!", Role.DOWN, "ServiceDown", 1)
    text = plain(chart(Plot((), 1000.0, 900.0, None, (*died, alert), labels=2), 60, 12))
    assert "✖ OOM ×3" in text
    assert "! ServiceDown" in text
    assert "more" not in text


@pytest.mark.parametrize("at", [200.0, 600.0, 995.0])
def test_what_is_left_out_is_counted_wherever_it_is(at: float) -> None:
    marks = tuple(Mark(at, "!", Role.DOWN, f"a rather long one {n}", 1) for n in range(3))
    text = plain(chart(Plot((), 1000.0, 900.0, None, marks, labels=2), 60, 12))
    assert "+1 more" in text


@pytest.mark.parametrize(
    ("event", "label"),
    [
        (Event(1, EventCode.IMAGE_CHANGED, "", before="v1", after="v2"), "v2"),
        (Event(1, EventCode.ENDED, "", figure=137, memory=True), "OOM"),
        (Event(1, EventCode.ENDED, "", figure=1), "died"),
        (Event(1, EventCode.RESTART, "the process started again"), "restart"),
        (Event(1, EventCode.HEALTH_CHANGED, "refused", state=State.DOWN, after="down"), "down"),
        (Event(1, EventCode.NOTE, "x" * 80), "x" * 15 + "…"),
    ],
)
def test_events_are_labelled_in_a_word(event: Event, label: str) -> None:
    assert label_of(event) == label


def test_an_alert_is_marked_once_though_its_event_is_there_too() -> None:
    snapshot = fleet.on_fire()
    began = snapshot.alerts[0].since
    told = Event(began + 1, EventCode.ALERT_FIRED, "", "ai-service", "ServiceDown", State.DOWN)
    snapshot = replace(snapshot, events=(told,))
    service = snapshot.service("ai-service")
    assert service is not None
    assert [each.label for each in marks(service, snapshot)] == ["HighLatency", "ServiceDown"]


@pytest.mark.parametrize(("width", "height"), [(78, 14), (118, 30), (198, 50), (20, 5), (5, 2)])
def test_a_chart_is_as_large_as_it_is_told(width: int, height: int) -> None:
    snapshot = fleet.on_fire()
    service = snapshot.service("ai-service")
    assert service is not None
    lines = latency_chart(service, snapshot, width, height, NOW, 900.0, full=True)
    assert len(lines) == height
    assert all(line_width(line) <= width for line in lines)
