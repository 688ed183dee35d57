"""The panel of the selected service: its cause in whole, who is hit, and never more than fits."""

from dataclasses import replace

import pytest

from opsconsole.model.diagnosis import Confidence, Diagnosis, Explanation, Fact, FactCode
from opsconsole.model.state import State
from opsconsole.render.ink.cells import line_width, plain
from opsconsole.render.selected import selected_lines
from tests.ui import fleet, fleets
from tests.ui.fleet import NOW

FIRE = fleet.on_fire()


def panel(name: str, width: int, height: int) -> str:
    service = FIRE.service(name)
    assert service is not None
    lines = selected_lines(service, FIRE, width, height, NOW, 900.0)
    assert len(lines) == height
    assert all(line_width(line) <= width for line in lines)
    return plain(lines)


@pytest.mark.parametrize(("width", "height"), [(80, 4), (66, 20), (110, 40)])
def test_the_cause_its_facts_and_who_is_hit(width: int, height: int) -> None:
    said = panel("ai-service", width, height)
    assert "1 ✖ 3 copies killed, out of memory ×9" in said
    assert "likely" in said
    assert "image v1.4.2→v1.5.0" in said
    assert "hit: oatie degraded" in said
    assert "on " not in said.splitlines()[0] or height < 5


def test_what_has_no_known_cause_says_its_reason() -> None:
    assert "disk 97% full, index is read-only" in panel("elasticsearch", 80, 4)
    assert "● ok" in panel("redis", 80, 4)


def test_a_reason_is_whole_on_a_small_screen() -> None:
    reason = "no route to 10.12.14.16:8000 from the host that asks, says its gateway, twice"
    fact = Fact(FactCode.PROBE_FAILS, NOW - 9, "web-1", after=reason, figure=1, limit=1)
    service = replace(
        fleet.service("web", (State.DOWN,), 0.1, reason=reason),
        diagnosis=Diagnosis((Explanation(fact, (fact,), Confidence.LIKELY),)),
    )
    lines = selected_lines(service, FIRE, 80, 4, NOW, 900.0)
    assert reason in " ".join(plain(lines).split())


@pytest.mark.parametrize("name", fleets.IN_TROUBLE)
def test_no_sentence_of_a_large_fleet_is_cut(name: str) -> None:
    snapshot = fleets.large()
    service = snapshot.service(name)
    assert service is not None
    assert "…" not in plain(selected_lines(service, snapshot, 80, 4, NOW, 900.0))
