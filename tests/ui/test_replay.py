"""Which moment is shown, and which is asked for."""

from hypothesis import given
from hypothesis import strategies as st

from opsconsole.model.past.replay import Gap, Moment, Span
from opsconsole.model.snapshot import Snapshot
from opsconsole.ui.replay import Replay

NOW = 1_763_716_447.0
HOUR = 3600.0


class Reader:
    """Reads one moment at a time, when it is told to."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now
        self.asked: list[float] = []
        self.replay = Replay(self.asked.append, lambda: self.now)

    def shown(self) -> float | None:
        """The moment that is shown, if it is not now."""
        return self.replay.moment.at if self.replay.moment is not None else None

    def answer(self, gap: Gap | None = None, refusal: str = "") -> str:
        """Answer what was asked last."""
        asked = self.asked[-1]
        if refusal:
            return self.replay.arrived(asked, None, refusal)
        at = asked if gap is None else gap.begin
        return self.replay.arrived(asked, moment(asked, at, gap), "")


def moment(asked: float, at: float, gap: Gap | None = None) -> Moment:
    return Moment(asked, at, Snapshot(1, at, replayed=True), gap=gap)


def test_a_step_asks_for_the_moment_a_minute_before() -> None:
    reader = Reader()
    replay = reader.replay
    assert replay.step(-60.0, None) == ""
    assert reader.asked == [NOW - 60.0]
    assert not replay.is_live, "what was asked for counts at once"
    assert reader.shown() is None
    assert reader.answer() == ""
    assert reader.shown() == NOW - 60.0
    assert replay.wanted is None


def test_steps_pressed_fast_ask_once_more_and_for_the_last() -> None:
    reader = Reader()
    for _ in range(5):
        reader.replay.step(-60.0, None)
    assert reader.asked == [NOW - 60.0], "one is read at a time"
    assert reader.replay.wanted == NOW - 300.0
    reader.answer()
    assert reader.shown() is None, "a picture that nobody wants any more is not shown"
    assert reader.asked == [NOW - 60.0, NOW - 300.0]
    reader.answer()
    assert reader.shown() == NOW - 300.0


def test_going_forth_ends_at_now() -> None:
    reader = Reader()
    reader.replay.step(-60.0, None)
    reader.answer()
    assert reader.replay.step(60.0, None) == "this is now"
    assert reader.replay.is_live
    assert "now" in reader.replay.step(60.0, None)
    assert reader.asked == [NOW - 60.0]


def test_where_there_is_nothing_what_was_shown_stays() -> None:
    reader = Reader()
    reader.replay.step(-60.0, None)
    reader.answer()
    reader.replay.step(-600.0, None)
    assert reader.answer(refusal="nothing is recorded before 09:10") == (
        "nothing is recorded before 09:10"
    )
    assert reader.replay.moment is not None
    assert reader.replay.moment.at == NOW - 60.0
    assert reader.replay.wanted is None


def test_a_step_over_the_beginning_ends_at_it() -> None:
    reader, span = Reader(), Span(NOW - 90.0, NOW)
    reader.replay.step(-60.0, span)
    reader.answer()
    reader.replay.step(-60.0, span)
    assert reader.asked[-1] == span.begin
    reader.answer()
    reader.replay.step(-60.0, span)
    assert reader.asked[-1] == span.begin - 60.0, "from there on, who knows"


def test_a_gap_is_said_and_stepped_over_both_ways() -> None:
    gap = Gap(NOW - 2400.0, NOW - 600.0)
    reader = Reader()
    reader.replay.go(gap.end)
    reader.answer()
    reader.replay.step(-60.0, None)
    said = reader.answer(gap)
    assert said == "nothing was recorded between 08:34:07Z and 09:04:07Z"
    assert reader.replay.moment is not None
    assert reader.replay.moment.at == gap.begin
    reader.replay.step(60.0, None)
    assert reader.answer(gap) == ""
    assert reader.asked[-1] == gap.end
    assert reader.answer() == said
    assert reader.replay.moment.at == gap.end
    reader.replay.go(gap.begin)
    reader.answer()
    reader.replay.step(-60.0, None)
    assert reader.asked[-1] == gap.begin - 60.0


def test_what_arrives_after_the_return_is_dropped() -> None:
    reader = Reader()
    reader.replay.step(-60.0, None)
    reader.replay.release()
    reader.answer()
    assert reader.replay.is_live
    reader.replay.step(-120.0, None)
    assert reader.asked[-1] == NOW - 120.0, "and what is asked next is not kept waiting by it"
    reader.replay.arrived(NOW - 60.0, moment(NOW - 60.0, NOW - 60.0), "")
    assert reader.replay.moment is None


def test_a_held_picture_is_stepped_back_from() -> None:
    reader = Reader()
    reader.replay.hold(Snapshot(1, NOW - 2.0))
    reader.now += 30.0
    assert reader.replay.held
    assert not reader.replay.is_live
    reader.replay.step(-60.0, None)
    assert reader.asked == [NOW - 60.0]
    reader.answer()
    assert not reader.replay.held


@given(st.lists(st.sampled_from([-600.0, -60.0, 60.0, 600.0, 0.0]), max_size=40))
def test_the_last_that_was_asked_for_is_shown_in_the_end(presses: list[float]) -> None:
    """0 stands for an answer that arrives."""
    reader = Reader()
    place: float | None = None
    for press in presses:
        if press == 0.0:
            if reader.asked:
                reader.answer()
            continue
        reader.replay.step(press, None)
        target = (NOW if place is None else place) + press
        place = None if target >= NOW else target
    while reader.replay.wanted is not None:
        reader.answer()
    shown = reader.replay.moment
    assert (None if shown is None else shown.at) == place
