"""A change between met and missed begins a new ``since``, and nothing else does."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from opsconsole.engine.state.met_since import MetSince
from opsconsole.model.diagnosis import Confidence, Diagnosis, Explanation, Fact, FactCode
from opsconsole.model.snapshot import ServiceView
from opsconsole.model.state import State

BEGAN = 100.0
MET = ServiceView("web", State.OK, BEGAN, (), at_least=True)
_LEAD = Fact(FactCode.OBJECTIVE_MISSED, None, "p95")
_FOUND = Diagnosis((Explanation(_LEAD, (_LEAD,), Confidence.LIKELY),))
MISSED = replace(MET, diagnosis=_FOUND)
STALE = replace(MET, stale=True)
DOWN = replace(MET, state=State.DOWN)


def at(kept: MetSince, service: ServiceView, now: float) -> ServiceView:
    (dated,) = kept.dated((service,), now)
    return dated


def test_it_is_missed_since_it_was_and_met_again_since_then() -> None:
    kept = MetSince()
    assert at(kept, MET, 102.0) is MET
    missed = at(kept, MISSED, 140.0)
    assert (missed.since, missed.at_least, missed.missed) == (140.0, False, True)
    assert at(kept, MISSED, 150.0).since == 140.0
    assert at(kept, STALE, 155.0).since == 140.0, "nobody knows"
    assert at(kept, MET, 160.0).since == 160.0
    again = replace(MET, since=200.0)
    assert at(kept, replace(DOWN, since=180.0), 180.0).since == 180.0
    assert at(kept, again, 200.0) is again


def test_what_was_missed_at_the_first_look_keeps_its_beginning() -> None:
    assert at(MetSince(), MISSED, 130.0) is MISSED


@given(st.lists(st.sampled_from([MET, MISSED, STALE, DOWN]), max_size=20))
def test_it_is_the_last_change_whatever_came_before(seen: list[ServiceView]) -> None:
    kept, known, turned = MetSince(), None, BEGAN
    for number, each in enumerate(seen):
        now = BEGAN + 1 + number
        if each is DOWN:
            known, turned = None, BEGAN
        elif each is not STALE:
            turned = turned if known in (None, each.missed) else now
            known = each.missed
        assert at(kept, each, now).since == turned
