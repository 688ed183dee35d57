"""Alerts while their services are worked on."""

from opsconsole.engine.alerts.maintained import with_maintenance
from opsconsole.model.alerting.alerts import Alert, AlertState, Severity
from opsconsole.model.maintenance import Maintenance
from opsconsole.model.source_id import LOCAL, SourceId, SourceKind

NOW = 1_700_000_000.0
WORK = Maintenance("1-00000000", ("web",), NOW - 60, NOW + 60, "new disks", "kim")


def _alert(service: str, *sources: SourceId) -> Alert:
    return Alert(
        service, "Down", Severity.CRITICAL, AlertState.FIRING, NOW, service=service, sources=sources
    )


def test_the_consoles_own_alerts_of_what_is_worked_on_are_quiet_and_say_why() -> None:
    rows = {
        "own": _alert("web", LOCAL),
        "other": _alert("api", LOCAL),
        "server": _alert("web", LOCAL, SourceId(SourceKind.ALERTMANAGER, "am")),
        "nobody": _alert("", LOCAL),
    }

    found = with_maintenance(rows, (WORK,), NOW)

    assert [key for key, row in found.items() if row.quiet] == ["own"]
    (why,) = found["own"].suppressions
    assert (why.kind, why.by, why.comment, why.ends_at) == (
        "maintenance", "kim", "new disks", NOW + 60,
    )  # fmt: skip


def test_it_is_loud_again_once_that_is_over() -> None:
    rows = {"own": _alert("web", LOCAL)}

    assert with_maintenance(rows, (WORK,), NOW + 60) == rows
    assert with_maintenance(rows, (), NOW) is rows
