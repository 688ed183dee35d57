"""The banner of a moment that is not now."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from opsconsole.model.past.replay import Moment, Origin, Span
from opsconsole.model.snapshot import ServiceView, Snapshot
from opsconsole.model.state import State
from opsconsole.render.frame import header, replay
from opsconsole.render.ink.cells import line_width, plain

NOW = 1_763_716_447.0
LATEST = Snapshot(2, NOW, services=tuple(ServiceView(state.value, state, NOW) for state in State))


def moment(ago: float, origin: Origin = Origin.RECORDING) -> Moment:
    return Moment(NOW - ago, NOW - ago, Snapshot(1, NOW - ago, replayed=True), origin)


def said(shown: replay.Shown, width: int, latest: Snapshot | None = LATEST) -> str:
    line = replay.banner(shown, latest, lambda room: header.sources(LATEST, room, NOW), width, NOW)
    assert line_width(line) == width
    return plain([line])


@given(
    st.integers(60, 300),
    st.none() | st.floats(0.0, 1e8),
    st.none() | st.floats(0.0, 1e8),
    st.booleans(),
    st.sampled_from(Origin),
)
def test_it_fills_its_line_and_always_says_the_moment(
    width: int, ago: float | None, wanted: float | None, held: bool, origin: Origin
) -> None:
    shown = replay.Shown(
        None if ago is None else moment(ago, origin), None if wanted is None else NOW - wanted, held
    )
    text = said(shown, width)
    assert text.startswith((" REPLAY", " HELD"))
    if ago is not None:
        assert replay.when(NOW - ago, NOW) in text
    assert "now ✖ 1" in text


def test_what_is_read_takes_the_place_of_how_to_return() -> None:
    shown = replay.Shown(moment(60.0), NOW - 120.0)
    assert "09:13:07Z, 1m00s ago · reading 09:12:07Z" in said(shown, 80)
    assert "returns" not in said(shown, 80)
    assert "p returns to now" in said(replay.Shown(moment(60.0), None), 80)


def test_whose_look_it_is_is_said_before_how_to_return() -> None:
    seen = moment(60.0)
    theirs = replace(seen, snapshot=replace(seen.snapshot, seen_by="kim@bastion-a"))
    latest = replace(LATEST, services=LATEST.services[:1])
    wide = said(replay.Shown(theirs, None), 120, latest)
    assert "ago (as kim@bastion-a saw it) · p returns to now" in wide
    narrow = said(replay.Shown(theirs, None), 80, latest)
    assert "(as kim@bastion-a saw it)" in narrow
    assert "returns" not in narrow
    assert "(kim@bastion-a)" in said(replay.Shown(theirs, None), 60, latest)


def test_sentences_say_from_when_to_when() -> None:
    span = Span(NOW - 90_000.0, NOW - 600.0)
    assert replay.before_sentence(span, NOW) == ("nothing is recorded before 2025-11-20 08:14:07Z")
    assert replay.before_sentence(None, NOW) == "nothing is recorded yet"
    assert replay.after_sentence(span, NOW).startswith("nothing is recorded after 09:04:07Z")
    assert "held" in replay.refused_sentence(NOW - 5.0, NOW, held=True)
