"""The health of a service in words: keys that stay, and nothing old that looks fresh."""

from dataclasses import replace

import pytest

from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.health import Component
from opsconsole.model.snapshot import ServiceView
from opsconsole.model.state import State
from opsconsole.render.ink.cells import Line, Role, line_width, plain
from opsconsole.render.service.health import raw_rows, rows
from opsconsole.render.service.instances import page
from opsconsole.render.service.summary import alert_lines
from tests.ui import fleet

NOW = fleet.NOW
FAULT = Fault(FaultKind.TIMEOUT, "no answer within 2 s")


def service(**more: object) -> ServiceView:
    calm = fleet.calm_services()[0]
    first = replace(calm.instances[0], **more)  # type: ignore[arg-type]
    return replace(calm, instances=(first,))


def lines(found: ServiceView, width: int = 120) -> list[Line]:
    return [each.row.line for each in rows(found, width, NOW)]


def roles(found: list[Line], word: str) -> set[Role]:
    line = next(line for line in found if word in plain([line]))
    return {span.role for span in line if span.text.strip(" ├└─│")}


def test_components_of_an_earlier_look_are_told_as_such() -> None:
    assert Role.OK in roles(lines(service()), "embeddings")
    whys: tuple[dict[str, object], ...] = ({"fault": FAULT}, {"stale": True})
    for why in whys:
        found = lines(service(report_at=NOW - 192, **why))
        assert "as it was 3m12s ago" in plain(found)
        assert not roles(found, "embeddings") & {Role.OK, Role.TEXT, Role.STRONG}


def test_keys_are_the_components_own() -> None:
    before = {each.row.key: each.component for each in rows(service(), 120, NOW)}
    after = {each.row.key: each.component for each in rows(service(reason="slow"), 80, NOW + 60)}
    assert len(before) == len(rows(service(), 120, NOW))
    named = {key: name for key, name in before.items() if name}
    assert named == {key: name for key, name in after.items() if name}


@pytest.mark.parametrize("width", [40, 80, 120, 200])
def test_rows_keep_to_their_width(width: int) -> None:
    deep = Component("leaf" * 20, State.DOWN, "word " * 60, 12.5, since=NOW - 3, breaker="open")
    for _ in range(14):
        deep = Component("part", State.DEGRADED, "why " * 40, children=(deep, deep)[:1])
    report = replace(fleet.instance("a", 1, State.OK).report, components=(deep,))  # type: ignore[type-var]
    found = rows(service(report=report), width, NOW, ["part"])
    assert all(line_width(each.row.line) <= width for each in found if each.component)


def test_raw_bodies_say_how_old_they_are() -> None:
    text = plain([each.row.line for each in raw_rows(service(report_at=NOW - 7), 120, NOW)])
    assert '"status": "degraded"' in text
    assert "read 7s ago" in text


def test_no_alert_is_said_only_where_whoever_knows_has_answered() -> None:
    calm = fleet.calm()
    found = calm.services[0]
    assert "no alert concerns this service" in plain(alert_lines(found, calm, 120, NOW))
    blind = replace(calm, sources=fleet.sources(fault=True))
    assert "unknown: alertmanager does not answer" in plain(alert_lines(found, blind, 120, NOW))
    burning = fleet.on_fire()
    down = burning.service("ai-service")
    assert down is not None
    text = plain(alert_lines(down, burning, 120, NOW))
    assert "alertmanager does not answer: there may be more" in text
    assert "ServiceDown" in text


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_instances_keep_to_their_width_and_look_stale_when_docker_does_not_answer(
    width: int,
) -> None:
    snapshot = fleet.on_fire()
    engines = tuple(replace(each, taken_at=NOW - 120) for each in snapshot.engines)
    snapshot = replace(snapshot, engines=engines)
    found = snapshot.service("ai-service")
    assert found is not None
    drawn = [each.row.line for each in page(found, snapshot, width, NOW)]
    boxes = [line for line in drawn if line and "container" in line[0].text]
    assert all(line_width(line) <= width for line in boxes)
    assert "◌ ai-service-1" in plain(boxes)


def test_a_service_of_which_nothing_is_known_says_how_to_name_its_copies() -> None:
    nothing = replace(service(), instances=(), replicas=())
    assert "name its instances or containers" in plain(
        [each.row.line for each in page(nothing, fleet.calm(), 120, NOW)]
    )
