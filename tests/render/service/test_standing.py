"""How a service stands: one word, glyph and order on all screens."""

from dataclasses import replace
from typing import Any

import pytest

from opsconsole.model.alerting.alerts import Suppression
from opsconsole.model.snapshot import ServiceView, Snapshot
from opsconsole.model.state import State
from opsconsole.render.alerts.rows import count
from opsconsole.render.frame.header import counts
from opsconsole.render.ink.ascii import to_ascii
from opsconsole.render.ink.cells import plain
from opsconsole.render.ink.matching import Filter
from opsconsole.render.json.status import status_document
from opsconsole.render.service.columns import Context, columns_for, row
from opsconsole.render.service.standing import Standing, standing
from opsconsole.render.service.table import Sort, order
from opsconsole.render.service.why import why
from opsconsole.render.status_text import status_lines
from tests.engine.judge.diagnosis.stage import NOW, alert, diagnosed, missed, service

SLOW = missed("p95(latency) < 250ms", 2.4, 0.25)
FLEET = Snapshot(
    1,
    NOW,
    services=tuple(
        diagnosed(
            service("a-well", State.OK),
            service("b-slow", State.OK, objectives=(SLOW,)),
            service("c-lost", State.OK, stale=True),
            service("d-down", State.DOWN),
            service("e-half", State.DEGRADED),
            service("f-slow-and-down", State.DOWN, objectives=(SLOW,)),
        ).values()
    ),
)


def cells(view: ServiceView, width: int) -> str:
    return plain([row(view, columns_for(width), Context(NOW, 900.0, {}))])


def test_ok_that_misses_its_objective_is_a_standing_of_its_own() -> None:
    assert [standing(each) for each in FLEET.services] == [
        Standing.OK,
        Standing.MISSED,
        Standing.STALE,
        Standing.DOWN,
        Standing.DEGRADED,
        Standing.DOWN,
    ]


def test_it_comes_after_what_fails_and_before_what_is_not_known() -> None:
    listed = [each.name for each in order(FLEET, Sort.STATE, Filter())]
    assert listed == ["d-down", "f-slow-and-down", "e-half", "b-slow", "c-lost", "a-well"]


def test_what_is_not_plainly_ok_is_listed_as_failing() -> None:
    listed = {each.name for each in order(FLEET, Sort.STATE, Filter(), failing_only=True)}
    assert listed == {each.name for each in FLEET.services} - {"a-well"}


@pytest.mark.parametrize("width", [80, 100, 120, 150, 200])
def test_its_row_says_so_and_why(width: int) -> None:
    view = FLEET.services[1]
    assert "△ missed" in cells(view, width)
    assert "p95 2.4 s > 250 ms" in cells(view, width)


def test_the_header_counts_it_apart() -> None:
    said = " ".join(plain([tuple(counts(FLEET))]).split())
    assert said == "✖ 2 down ▲ 1 degraded △ 1 missed ◌ 1 stale ● 1 ok"


def test_the_status_says_so_and_counts_it_as_degraded() -> None:
    only = FLEET.services[1:2]
    (line,) = status_lines(replace(FLEET, services=only), only, NOW)
    assert line.startswith("△ missed")
    assert line.endswith("p95 2.4 s > 250 ms")
    document: Any = status_document(FLEET, only, NOW)
    assert document["state"] == "degraded"
    assert document["services"][0]["state"] == "ok"
    assert document["services"][0]["missed"] is True


def test_every_standing_has_a_shape_of_its_own() -> None:
    glyphs = [each.glyph for each in Standing]
    assert len(set(glyphs)) == len(glyphs)
    assert "?" not in to_ascii("△↳")


def test_silenced_alerts_are_counted_apart() -> None:
    kim = Suppression("silence", "1", "kim", ends_at=NOW + 3600)
    hushed = [alert(each, NOW - 60, suppressions=(kim,)) for each in ("A", "B")]
    inhibited = alert("C", NOW - 60, suppressions=(Suppression("inhibition", "f"),))
    loud = alert("D", NOW - 60)
    view = diagnosed(service("web", State.OK), alerts=[*hushed, inhibited, loud])["web"]
    (column,) = [each for each in columns_for(200) if each.id == "alerts"]
    assert column.cell(view, Context(NOW, 900.0, {"web": 1}), 6).text == "1 (2)"
    assert column.cell(view, Context(NOW, 900.0, {}), 6).text == "(2)"
    assert count([*hushed, inhibited, loud]) == "1 firing · 2 silenced by kim until 23:14Z"
    assert count([loud]) == "1 firing"


def test_what_a_silent_source_said_last_is_told_as_past() -> None:
    lost = replace(alert("Slow", NOW - 600), seen_at=NOW - 90)
    assert count([lost, alert("D", NOW - 60)]) == "1 firing · 1 last seen firing"
    row = diagnosed(service("web", State.OK), alerts=[lost])["web"]
    assert why(row, 60).startswith("Slow fired, not read since ")
