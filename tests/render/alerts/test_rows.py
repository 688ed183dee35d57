"""A row of an alert: loud while it fires, calm once it is over."""

from dataclasses import replace

import pytest

from opsconsole.model.alerting.alerts import Alert, AlertState, Severity, Suppression
from opsconsole.model.source_id import SourceId, SourceKind
from opsconsole.render.alerts.rows import detail, page, row, standing
from opsconsole.render.ink import figures
from opsconsole.render.ink.cells import Role, line_width, plain

NOW = 1_000_000.0
LOUD = frozenset({Role.DOWN, Role.DEGRADED, Role.STRONG})
FIRES = Alert(
    "key", "ApiDown", Severity.CRITICAL, AlertState.FIRING, NOW - 79, "api is down", service="api"
)


@pytest.mark.parametrize("severity", list(Severity))
@pytest.mark.parametrize("later", [0.0, 60.0, 7200.0])
@pytest.mark.parametrize("width", [40, 80, 160])
def test_one_that_is_over_is_calm_and_its_time_stands_still(
    severity: Severity, later: float, width: int
) -> None:
    over = replace(FIRES, severity=severity, state=AlertState.RESOLVED, ends_at=NOW)
    drawn = row(over, width, NOW + later)
    text, ago = plain([drawn.line]), figures.age(later)
    assert {span.role for span in drawn.line} & LOUD == set()
    assert text.startswith(" · "), "its glyph is calm, too"
    assert text.count("1m19s") == (width > 40), "how long it lasted stands there once"
    assert (f"resolved {ago} ago" if width > 40 else "resolved") in text
    assert standing(over, NOW + later) == f"resolved {ago} ago, lasted 1m19s"
    title, *rest = detail(over, NOW + later)
    assert title[0].role is Role.MUTED
    assert "lasted 1m19s" in plain(rest)


@pytest.mark.parametrize("severity", list(Severity))
def test_what_is_over_or_quiet_offers_nothing_to_quieten_it(severity: Severity) -> None:
    fires = replace(FIRES, severity=severity, sources=(SourceId(SourceKind.PROMETHEUS, "main"),))
    over = replace(fires, state=AlertState.RESOLVED, ends_at=NOW)
    quiet = replace(fires, suppressions=(Suppression("silence"),))
    assert "A acknowledge · S silence" in plain(page(fires, 80, NOW))
    for each in (over, quiet):
        assert "acknowledge" not in plain(page(each, 80, NOW))


def test_one_that_fires_is_loud_and_its_time_goes_on() -> None:
    drawn = row(FIRES, 80, NOW + 60)
    assert {span.role for span in drawn.line} & LOUD
    assert "2m19s" in plain([drawn.line])
    assert "lasted" not in plain([drawn.line])


@pytest.mark.parametrize("width", [70, 80, 120])
def test_those_of_several_copies_are_told_apart(width: int) -> None:
    copies = ["10.0.0.1:80", "10.0.0.2:80"]
    rows = [plain([row(replace(FIRES, instance=each), width, NOW).line]) for each in copies]
    assert all(each in drawn for each, drawn in zip(copies, rows, strict=True))


@pytest.mark.parametrize("width", range(48, 160, 7))
def test_a_name_is_not_cut_beside_free_columns(width: int) -> None:
    drawn = plain([row(replace(FIRES, name="DatabaseUnreachableForTooLong"), width, NOW).line])
    assert len(drawn) <= width
    assert "DatabaseUnreachableForTooLong" in drawn or not drawn.endswith("   ")
    if width >= 60:
        assert "DatabaseUnreachableForTooLong" in drawn


@pytest.mark.parametrize("seconds", [5, 79, 7200, 3_000_000])
def test_an_age_that_may_be_longer_says_so_in_the_same_place(seconds: int) -> None:
    known = replace(FIRES, since=NOW - seconds)
    least = replace(known, at_least=True)
    age = figures.age(seconds)
    assert f"≥{age}" in plain([row(least, 80, NOW).line])
    assert "≥" not in plain([row(known, 80, NOW).line])
    assert line_width(row(least, 80, NOW).line) == line_width(row(known, 80, NOW).line)
    assert standing(least, NOW) == f"firing for ≥ {age}"
