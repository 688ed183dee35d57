"""Fleets whose alerts an Alertmanager reports: loud, acknowledged, folded, and its silences."""

from dataclasses import replace

from opsconsole.model.alerting.alerts import Alert, AlertState, Severity, Suppression
from opsconsole.model.alerting.silences import Matcher, SilenceState, SilenceView
from opsconsole.model.objectives import Attainment
from opsconsole.model.snapshot import Snapshot
from tests.named import named
from tests.ui import fleet
from tests.ui.fleet import NOW


def reported(alert: Alert, number: int, **more: object) -> Alert:
    """The alert as the Alertmanager ``main`` has it."""
    sources = (named("alertmanager:main"), named("prometheus:prom"))
    return replace(alert, fingerprint=f"f{number:04d}", sources=sources, **more)  # type: ignore[arg-type]


def alerts() -> tuple[Alert, ...]:
    """A cause with two symptoms, one that is acknowledged, one that is pending."""
    down = reported(
        fleet.alert("ServiceDown", Severity.CRITICAL, 192, "ai-service", "no instance answers"), 1,
        value="0", runbook="https://runbooks.example/ServiceDown",
        description="every instance of ai-service refuses connections",
    )  # fmt: skip
    slow = reported(fleet.alert("HighLatency", Severity.WARNING, 150, "oatie"), 2, cause=down.key)
    errors = reported(fleet.alert("ErrorRate", Severity.WARNING, 140, "gateway"), 3, cause=down.key)
    why = Suppression(
        "acknowledgement", "s-2", "kim@bastion-1", "on it", NOW + 7200, since=NOW - 900
    )
    cache = reported(
        fleet.alert("LowCacheHit", Severity.WARNING, 3720, "ai-backend"), 4, suppressions=(why,)
    )
    disk = fleet.alert("DiskWillFill", Severity.INFO, 9000, "", state=AlertState.PENDING)
    return (down, slow, errors, cache, disk)


def silences() -> tuple[SilenceView, ...]:
    """A silence, an acknowledgement, and one that has ended."""
    return (
        SilenceView("s-1", (Matcher("job", "batch.*", is_regex=True),), "ann@bastion-1",
                    "disk change", NOW - 600, NOW + 3600, SilenceState.ACTIVE, "main", 2),
        SilenceView("s-2", (Matcher("alertname", "LowCacheHit"),), "kim@bastion-1", "ACK on it",
                    NOW - 900, NOW + 7200, SilenceState.ACTIVE, "main", 1),
        SilenceView("s-0", (Matcher("alertname", "OldOne"),), "kim@bastion-1", "was noisy",
                    NOW - 9000, NOW - 1800, SilenceState.EXPIRED, "main"),
    )  # fmt: skip


ADVICE = "scale up from 3 to 5: cpu is 81% of 50% a copy: ceil(3 × 1.62) = 5"


def objectives() -> tuple[Attainment, ...]:
    """One that burns its budget, one that is met, one that is not known."""
    return (
        Attainment("ai-service", "availability 99.9% over 30d", 0.99834, 0.999, "%", False, 0.38,
                   9.2, 985.0, "6× over 6h/30m", 259_200.0, 1.66),
        Attainment("ai-service", "p95(latency) < 300ms", 0.19, 0.3, "s", True, 0.81, 0.4, 34_000.0,
                   "", 2_592_000.0, 0.63, "rising"),
        Attainment("ai-service", "rate(requests) > 100/s", None, 100.0, "/s", None),
    )  # fmt: skip


def ringing(*, read_only: bool = False) -> Snapshot:
    """The fleet on fire with these alerts and silences."""
    burning = fleet.on_fire(read_only=read_only)
    views = tuple(
        replace(each, objectives=objectives(), advice=(ADVICE,))
        if each.name == "ai-service" else each
        for each in burning.services
    )  # fmt: skip
    return replace(burning, services=views, alerts=alerts(), silences=silences())
