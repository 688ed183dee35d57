"""A part of a snapshot is the same object until something in it changed, whatever else did."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import pytest

from opsconsole.config.settings import Settings
from opsconsole.engine.desks.team_desk import TeamParts
from opsconsole.engine.state.snapshot_builder import SnapshotBuilder
from opsconsole.engine.state.store import Store
from opsconsole.model.alerting.alerts import Alert, AlertState, Severity
from opsconsole.model.alerting.rules import RuleView
from opsconsole.model.alerting.silences import Matcher, SilenceState, SilenceView
from opsconsole.model.events import Event, EventCode
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.health import HealthReport
from opsconsole.model.observations import (
    AlertmanagerSeen,
    BudgetsSeen,
    Observation,
    PrometheusSeen,
    ScrapeSeen,
)
from opsconsole.model.operation import ActionKind, ActionView
from opsconsole.model.reading import Reading
from opsconsole.model.running.hosts import Host
from opsconsole.model.running.processes import ProcessStart
from opsconsole.model.running.workloads import Phase, Place, PlaceKind
from opsconsole.model.series import MetricValue
from opsconsole.model.snapshot import Snapshot
from opsconsole.model.source_id import SourceId
from opsconsole.model.state import State
from tests.engine.conftest import ScriptedSource, fleet
from tests.fakes import FakeClock
from tests.named import named
from tests.workloads import inventory, replica

NOW = 1_700_000_000.0
EDGE = Place(PlaceKind.ENGINE, "edge")
HOST = Host("vm", 0.1, (0.1,), (0, 0, 0), 1, 2, 0, 0, (), None, None, 5.0, platform="KVM")
SLOW = Fault(FaultKind.TIMEOUT, "slow")
FIRING = Alert("k", "Slow", Severity.WARNING, AlertState.FIRING, NOW, sources=())
SILENCE = SilenceView(
    "1", (Matcher("a", "b"),), "kim", "known", NOW, NOW + 60, SilenceState.ACTIVE, "am"
)

PARTS = [
    each.name
    for each in fields(Snapshot)
    if each.name not in {"seq", "taken_at", "read_only", "replayed", "seen_by"}
]
"""What a snapshot is made of; the rest are numbers and answers."""

TEAM = set(TeamParts._fields)
PER_ENGINE = {
    "operations", "notices", "degradations", "missed", "runbooks", "runbook_runs", "automation",
    "maintenances", *TEAM,
}  # fmt: skip
"""What others hand to the builder, which takes it as it is."""


def settings() -> Settings:
    api = {
        "instances": ["http://10.0.0.1:8000"],
        "metrics": {"queue": {"gauge": "queue"}},
        "actions": {"restart": {"command": ["true"]}},
        "containers": ["web"],
    }
    return fleet(
        {"api": api, "db": {"instances": ["http://10.0.0.2:5432"]}},
        docker={"name": "edge"},
        host={"enabled": True},
    )


SOURCES = (
    "probe:api/api:health", "probe:db/db:health", "scrape:api/api", "host:local", "docker:edge",
    "prometheus:main", "alertmanager:am", "budgets:main",
)  # fmt: skip


class Console:
    """A store that has read everything once, and its builder."""

    def __init__(self) -> None:
        self.now = NOW
        self.settings = settings()
        self.store = Store(self.settings, NOW)
        self.builder = SnapshotBuilder(self.settings, self.store, read_only=False)
        clock = FakeClock()
        self.sources = [ScriptedSource(named(each), 5.0, clock) for each in SOURCES]
        self.store.watch(self.sources, NOW)
        report = HealthReport(State.OK, "plain")
        for probe in SOURCES[:2]:
            self.see(probe, report)
        self.see("scrape:api/api", ScrapeSeen(()))
        self.see("host:local", HOST)
        self.see("docker:edge", inventory(replica("web", place=EDGE), place=EDGE))
        self.see("prometheus:main", PrometheusSeen((FIRING,), 1, rules=(RuleView("Slow", "up"),)))
        self.see("alertmanager:am", AlertmanagerSeen(silences=(SILENCE,)))
        self.see("budgets:main", BudgetsSeen())
        self.event()

    def see(self, source: str, value: Observation | None, fault: Fault | None = None) -> None:
        self.store.apply(Reading(named(source), self.now, 0.1, value=value, fault=fault))

    def event(self) -> None:
        self.store.take_event(Event(self.now, EventCode.NOTE, "", "", "kim"))

    def reload(self) -> None:
        self.store = Store(self.settings, self.now, before=self.store)
        self.builder.take_over(self.settings, self.store, read_only=False)
        self.store.watch(self.sources, self.now)

    def publish(self) -> Snapshot:
        self.store.settle(self.now)
        return self.builder.build(self.now, (), ())


def changed(before: Snapshot, after: Snapshot) -> set[str]:
    return {name for name in PARTS if getattr(before, name) is not getattr(after, name)}


@dataclass(frozen=True)
class Change:
    """What is done, and the parts that may be other objects after it."""

    does: Callable[[Console], None]
    parts: set[str]


START = ProcessStart(NOW - 5, "1.2", service="db", instance="db")
QUEUE = MetricValue("api", "queue", 3.0, at=NOW)
RESTART = ActionView(ActionKind.RESTART, "restart", "command", "restart it")

CHANGES = {
    "nothing": Change(lambda it: None, set()),
    "the same configuration": Change(Console.reload, set()),
    "a look at an instance": Change(
        lambda it: it.see("probe:db/db:health", HealthReport(State.OK, "plain")),
        {"services", "sources"},
    ),
    "a look that failed": Change(
        lambda it: it.see("probe:db/db:health", None, SLOW), {"services", "sources"}
    ),
    "a scrape": Change(
        lambda it: it.see("scrape:api/api", ScrapeSeen((QUEUE,))), {"services", "sources"}
    ),
    "a scrape that failed": Change(lambda it: it.see("scrape:api/api", None, SLOW), {"sources"}),
    "a process began": Change(
        lambda it: it.see("scrape:api/api", ScrapeSeen((), starts=(START,))), {"events", "sources"}
    ),
    "the host": Change(lambda it: it.see("host:local", HOST), {"hosts", "sources"}),
    "the host moved": Change(
        lambda it: it.see("host:local", replace(HOST, platform="Xen")),
        {"hosts", "sources", "environment"},
    ),
    "an engine": Change(
        lambda it: it.see("docker:edge", inventory(replica("web", place=EDGE), place=EDGE)),
        {"engines", "sources"},
    ),
    "a replica ended": Change(
        lambda it: it.see(
            "docker:edge", inventory(replica("web", Phase.ENDED, place=EDGE), place=EDGE)
        ),
        {"engines", "services", "sources"},
    ),
    "the same alerts": Change(
        lambda it: it.see(
            "prometheus:main", PrometheusSeen((FIRING,), 1, rules=(RuleView("Slow", "up"),))
        ),
        {"sources"},
    ),
    "an alert more": Change(
        lambda it: it.see(
            "prometheus:main",
            PrometheusSeen((FIRING, replace(FIRING, key="l")), 2, rules=(RuleView("Slow", "up"),)),
        ),
        {"alerts", "events", "sources"},
    ),
    "a rule more": Change(
        lambda it: it.see("prometheus:main", PrometheusSeen((FIRING,), 1)), {"rules", "sources"}
    ),
    "a silence less": Change(
        lambda it: it.see("alertmanager:am", AlertmanagerSeen()), {"silences", "sources"}
    ),
    "the same silence": Change(
        lambda it: it.see("alertmanager:am", AlertmanagerSeen(silences=(SILENCE,))), {"sources"}
    ),
    "a server's history": Change(lambda it: it.see("budgets:main", None, SLOW), {"sources"}),
    "an event": Change(Console.event, {"events"}),
    "what is allowed": Change(lambda it: it.store.set_actions("api", (RESTART,)), {"services"}),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_did_not_change_is_the_same_object(name: str) -> None:
    console, change = Console(), CHANGES[name]
    before = console.publish()
    assert changed(before, console.publish()) == set()
    change.does(console)
    after = console.publish()
    assert changed(before, after) == change.parts
    assert changed(after, console.publish()) == set()


def test_each_part_is_changed_by_something() -> None:
    told = {part for change in CHANGES.values() for part in change.parts}
    assert told | PER_ENGINE | {"appearance", "environments"} == set(PARTS)


def test_in_a_part_that_changed_the_rest_is_the_same() -> None:
    console = Console()
    before = console.publish()
    console.see("probe:db/db:health", HealthReport(State.OK, "plain"))
    after = console.publish()
    same = {each.name: each is before.service(each.name) for each in after.services}
    assert same == {"api": True, "db": False}
    old: dict[SourceId, object] = {each.id: each for each in before.sources}
    others = [each.id for each in after.sources if each is not old[each.id]]
    assert others == [named("probe:")]


@pytest.mark.parametrize("part", sorted(PER_ENGINE - {"runbooks", "runbook_runs"} - TEAM))
def test_what_is_handed_over_is_taken_as_it_is(part: str) -> None:
    console = Console()
    given = dict.fromkeys(("operations", "notices", "degradations", "missed"), ())
    before = console.builder.build(NOW, **given)  # type: ignore[arg-type]
    other = (object(),)
    after = console.builder.build(NOW, **{**given, part: other})  # type: ignore[arg-type]
    assert changed(before, after) == {part}
    assert getattr(after, part) is other


@pytest.mark.parametrize("part", sorted(TEAM))
def test_what_people_share_is_taken_as_it_is(part: str) -> None:
    console = Console()
    other = (object(),)
    before = console.builder.build(NOW, (), ())
    team = TeamParts()._replace(**{part: other})  # type: ignore[arg-type]
    after = console.builder.build(NOW, (), (), team=team)
    assert changed(before, after) == {part}
    assert getattr(after, part) is other
