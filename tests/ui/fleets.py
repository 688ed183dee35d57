"""A fleet of 120 services in nine groups, beside another environment; seven are in trouble."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from opsconsole.model.diagnosis import Confidence, Diagnosis, Explanation, Fact, FactCode
from opsconsole.model.running.hosts import Disk, HostView
from opsconsole.model.snapshot import EnvironmentView, ServiceView, Snapshot
from opsconsole.model.state import State
from tests.ui import fleet
from tests.ui.fleet import DOWN, NOW, OK

SIZES: Final = {
    "ai": 14, "data": 9, "shop": 32, "mail": 4, "edge": 12, "billing": 9, "platform": 22,
    "batch": 18,
}  # fmt: skip
"""How many services each group of the console's own environment has."""

IN_TROUBLE: Final = (
    "ai-service", "oatie", "ai-embed", "elasticsearch", "checkout", "mailer", "bounces",
)  # fmt: skip


def _miss(subject: str, figure: float, limit: float, unit: str, since: float) -> Diagnosis:
    fact = Fact(FactCode.OBJECTIVE_MISSED, NOW - since, subject, figure=figure, limit=limit,
                unit=unit)  # fmt: skip
    return Diagnosis((Explanation(fact, (fact,), Confidence.LIKELY),))


def _members() -> Mapping[str, ServiceView]:
    """What is not well, by name, as the story of the fire has it."""
    burning = {each.name: each for each in fleet.burning_services()}
    lost = burning["mailer"]
    reason = "not read: host mail-1, ssh timed out"
    return {
        "ai-service": burning["ai-service"],
        "oatie": burning["oatie"],
        "elasticsearch": burning["elasticsearch"],
        "ai-embed": replace(
            fleet.service("ai-embed", (OK,) * 4, 0.31, seed=2, rate=12),
            diagnosis=_miss("p95(latency) < 300ms", 0.41, 0.3, "s", 2460), since=NOW - 2460,
        ),
        "checkout": replace(
            fleet.service("checkout", (OK,) * 6, 0.05, seed=5, rate=310, errors=0.012),
            diagnosis=_miss("errors < 0.5%", 0.012, 0.005, "%", 484), since=NOW - 484,
        ),
        **{
            name: replace(lost, name=name, reason=reason, since=NOW - 540)
            for name in ("mailer", "bounces")
        },
    }  # fmt: skip


_AT: Final = {
    "ai": ("ai-service", "oatie", "ai-embed"), "data": ("elasticsearch",), "shop": ("checkout",),
    "mail": ("mailer", "bounces"),
}  # fmt: skip
TEAMS: Final = {"ai": "search-team", "data": "storage", "shop": "shop-team", "mail": "storage"}


def _of_group(group: str, size: int, troubled: Mapping[str, ServiceView]) -> list[ServiceView]:
    named = [troubled[name] for name in _AT.get(group, ()) if name in troubled]
    well = [
        fleet.service(f"{group}-{number:02d}", (OK,) * (1 + number % 3), 0.02, seed=number)
        for number in range(size - len(named))
    ]
    return [
        replace(
            each, group=group, team=TEAMS.get(group, ""), places=(f"web-{1 + len(each.name) % 3}",)
        )
        for each in (*named, *well)
    ]


def services(*, fire: bool = True) -> tuple[ServiceView, ...]:
    """The 120 of the console's own environment."""
    troubled = _members()
    if not fire:
        troubled = {name: fleet.service(name, (OK,) * 2, 0.02) for name in troubled}
    return tuple(each for group, size in SIZES.items() for each in _of_group(group, size, troubled))


def elsewhere(name: str, count: int, *, trouble: State = OK) -> tuple[ServiceView, ...]:
    """Services of another environment, of which the first is in ``trouble``."""
    made = [
        fleet.service(f"{name}-{number:02d}", (OK,), 0.03, seed=number) for number in range(count)
    ]
    if trouble is not OK:
        made[0] = fleet.service(f"{name}-00", (trouble,), 0.03, reason="connection refused")
    return tuple(replace(each, environment=name, group="all") for each in made)


def hosts(*, fire: bool = True) -> tuple[HostView, ...]:
    """Six machines; on fire one has a full disk and another is not read any more."""
    usual = fleet.host()
    gib = 1 << 30
    made = []
    for number in range(1, 7):
        full = fire and number == 2
        used = 194 if full else 20 * number
        disk = Disk("/data", used * gib, 200 * gib)
        machine = replace(usual, name=f"web-{number}", disks=(disk,), memory_used=12 * gib)
        age = 540.0 if fire and number == 6 else 1.0
        made.append(HostView(machine, NOW - age, 2.0))
    return tuple(made)


def large(*, fire: bool = True) -> Snapshot:
    """Production, staging and a second production, each with trouble or without."""
    base = fleet.on_fire() if fire else fleet.calm()
    return replace(
        base,
        hosts=hosts(fire=fire),
        services=(*services(fire=fire), *elsewhere("staging", 18), *elsewhere("eu", 6)),
        environments=(EnvironmentView("staging", "low"), EnvironmentView("eu", "high")),
    )


def calm() -> Snapshot:
    """The same, all well."""
    return large(fire=False)


def shared_cause(count: int = 12) -> Snapshot:
    """``count`` services that cannot reach one database."""
    reason = "connection refused by db-1"
    down = [
        replace(fleet.service(f"web-{n:02d}", (DOWN,), 0.02, reason=reason), group="shop")
        for n in range(count)
    ]
    return replace(large(), services=(*services(), *down))
