"""A source that cannot be read is never shown as calm, whatever it is called."""

from dataclasses import replace
from itertools import product

import pytest

from opsconsole.cli.changing.alerts import unheard
from opsconsole.model.alerting.alerts import Severity
from opsconsole.model.alerting.rules import RuleView
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.reading import is_stale
from opsconsole.model.snapshot import Snapshot, SourceView
from opsconsole.model.source_id import SourceId, SourceKind
from opsconsole.render import resources
from opsconsole.render.alerts import rows as alerts
from opsconsole.render.empty_panels import no_alerts, nothing_to_show
from opsconsole.render.ink.cells import Role, plain
from opsconsole.render.overview import Panel
from opsconsole.render.service.summary import alert_lines
from opsconsole.render.wall.scene import data_age, unseen
from tests.ui import fleet

NOW = fleet.NOW
REFUSED = Fault(FaultKind.CONNECT, "connection refused", hint="is it started?")

NAMES = ("edge", "thanos", "eu west", "history", "no alert is firing", "")
"""None of them holds the kind of what is called so."""

WAYS = {
    "down": {"fault": REFUSED, "taken_at": NOW - 3},
    "down from the start": {"fault": REFUSED, "taken_at": None},
    "stale": {"taken_at": NOW - 300},
    "never read": {"taken_at": None},
}

KINDS = [kind for kind in SourceKind if kind is not SourceKind.LOCAL]


def seen(source: SourceId, way: str) -> SourceView:
    well = SourceView(source, "http://10.0.0.9", 15.0, NOW - 1, NOW - 900)
    return replace(well, **WAYS[way])  # type: ignore[arg-type]  # the fields are SourceView's own


def bare(source: SourceView) -> Snapshot:
    """Nothing is known, and this is the only source."""
    return Snapshot(1, NOW, sources=(source,))


@pytest.mark.parametrize("kind", KINDS)
def test_no_panel_of_alerts_is_calm(kind: SourceKind) -> None:
    service = fleet.calm().services[0]
    for name, way in product(NAMES, WAYS):
        source = SourceId(kind, name)
        snapshot = bare(seen(source, way))
        known = replace(snapshot, rules=(RuleView("Slow", "vector(1)"),))
        for said in (
            plain(no_alerts(snapshot)),
            plain(no_alerts(known)),
            plain(nothing_to_show(Panel.ALERTS, known)),
            plain(alert_lines(service, known, 100, NOW)),
        ):
            if kind.knows_alerts:
                assert f"unknown: {source.label}" in said, (name, way)
                assert "not looked for" not in said, (name, way)
            else:
                assert "unknown" not in said, (name, way)


@pytest.mark.parametrize("kind", KINDS)
def test_a_panel_of_resources_says_what_is_not_read(kind: SourceKind) -> None:
    for name, way in product(NAMES, WAYS):
        source = SourceId(kind, name)
        said = plain(nothing_to_show(Panel.PLACES, bare(seen(source, way))))
        if kind.shows_resources:
            assert source.label in said, (name, way)
            assert "neither this host nor an engine is read" not in said, (name, way)
            assert ("connection refused" in said) is way.startswith("down"), (name, way)
        else:
            assert "neither this host nor an engine is read" in said, (name, way)


@pytest.mark.parametrize("containers", [True, False], ids=["others are read", "none is read"])
@pytest.mark.parametrize("name", NAMES)
def test_an_engine_that_is_down_is_explained_below_what_is_shown(
    name: str, containers: bool
) -> None:
    down = seen(SourceId(SourceKind.DOCKER, name), "down")
    calm = fleet.calm()
    snapshot = replace(calm, sources=(*calm.sources, down))
    if not containers:
        snapshot = replace(snapshot, engines=())
    said = plain([row.line for row in resources.rows(snapshot, 80, NOW)])
    assert f"{down.name}: connection refused" in said
    assert ("containers would be listed here" in said) is not containers


@pytest.mark.parametrize("kind", KINDS)
def test_the_command_names_whoever_was_silent(kind: SourceKind) -> None:
    for name, way in product(NAMES, WAYS):
        source = SourceId(kind, name)
        found = unheard(bare(seen(source, way)))
        assert bool(found) is (kind.knows_alerts and way != "stale"), (name, way)
        assert all(line.startswith(f"{source.label} did not answer") for line in found)


def test_two_sources_of_one_name_are_two_on_the_wall() -> None:
    down = seen(SourceId(SourceKind.PROMETHEUS, "main"), "down")
    well = replace(down, id=SourceId(SourceKind.DOCKER, "main"), fault=None)
    snapshot = Snapshot(1, NOW, sources=(down, well))
    assert not is_stale(well.taken_at, well.interval, NOW)
    assert unseen(snapshot, NOW) == [down]
    assert data_age(snapshot, NOW) == 3


def test_rules_that_were_not_evaluated_are_no_calm() -> None:
    source = SourceId(SourceKind.PROMETHEUS, "edge")
    doubted = SourceView(
        source, "http://10.0.0.9", 15.0, NOW - 1, NOW - 900, unknown_rules=("Slow", "Disk")
    )
    snapshot = replace(bare(doubted), rules=(RuleView("Slow", "vector(1)"),))
    for said in (
        plain(no_alerts(snapshot)),
        plain(nothing_to_show(Panel.ALERTS, snapshot)),
        plain(alert_lines(fleet.calm().services[0], snapshot, 100, NOW)),
    ):
        assert "unknown: 2 rules of edge are not evaluated" in said
        assert "Slow" in said
    assert unheard(snapshot) == ["edge: 2 rules were not evaluated, first Slow"]


def test_an_alert_that_nobody_reports_any_more_is_not_bold() -> None:
    alert = next(each for each in fleet.on_fire().alerts if each.severity is Severity.CRITICAL)
    fresh = alerts.row(alert, 100, NOW).line
    stale = alerts.row(replace(alert, seen_at=NOW - 780), 100, NOW).line
    assert Role.STRONG in {span.role for span in fresh}
    assert not {Role.STRONG, Role.DOWN} & {span.role for span in stale}
    assert "seen 13m00s ago" in plain([stale])
