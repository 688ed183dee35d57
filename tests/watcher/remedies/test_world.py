"""What decisions are made of, as a snapshot has it."""

from dataclasses import replace

import pytest

from opsconsole.model.alerting.alerts import Alert, AlertState, Severity, Suppression
from opsconsole.model.alerting.silences import SilenceState, SilenceView, parse_matchers
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.health import Component, HealthReport
from opsconsole.model.maintenance import Maintenance
from opsconsole.model.operation import ActionKind, Operation, OperationState
from opsconsole.model.remedies.rules import RemedyMode, Rule
from opsconsole.model.remedies.switch import ON
from opsconsole.model.snapshot import InstanceView, ServiceView, Snapshot, SourceView
from opsconsole.model.source_id import SourceId, SourceKind
from opsconsole.model.state import State
from opsconsole.model.written.triggers import parse_trigger
from opsconsole.watcher.remedies.decision import Trouble, World
from opsconsole.watcher.remedies.evidence import EvidenceBook
from opsconsole.watcher.remedies.world import world_of

NOW = 1_700_000_000.0
RULE = Rule("r", "web", ActionKind.RESTART, parse_trigger("state == down"), RemedyMode.AUTO)


def _view(
    name: str, state: State = State.OK, at: float | None = NOW, **more: object
) -> ServiceView:
    copy = InstanceView(name, name, "", state, NOW - 100, taken_at=at)
    view = ServiceView(name, state, NOW - 100, (copy,))
    return replace(view, **more)  # type: ignore[arg-type]


def _world(*views: ServiceView, **more: object) -> World:
    snapshot = replace(Snapshot(1, NOW, services=views), **more)  # type: ignore[arg-type]
    return world_of(snapshot, ON, NOW, acting=True, held={}, planned={})


@pytest.mark.parametrize(
    ("view", "well", "bad"),
    [
        (_view("web"), True, False),
        (_view("web", State.DOWN), False, True),
        (_view("web", State.DEGRADED), False, True),
        (_view("web", State.DEGRADED, since=NOW - 700), False, False),
        (_view("web", stale=True), False, True),
        (_view("web", flapping=True), False, False),
        (_view("web", State.UNKNOWN), False, True),
        (_view("web", State.UNKNOWN, at=None), False, False),
    ],
)
def test_what_is_well_and_what_is_bad(view: ServiceView, well: bool, bad: bool) -> None:
    seen = _world(view).services["web"]

    assert (seen.well, seen.bad) == (well, bad)


def test_people_and_what_they_do_are_in_the_way() -> None:
    alert = Alert("k", "Down", Severity.CRITICAL, AlertState.FIRING, NOW, service="web")
    acked = replace(alert, suppressions=(Suppression("acknowledgement", by="kim"),))
    silence = SilenceView(
        "1", parse_matchers('service=~"w.*"'), "ana", "", NOW, NOW + 9, SilenceState.ACTIVE
    )
    run = Operation(
        "1", "p", "web", ActionKind.BACKUP, "", OperationState.VERIFYING, "eve", "b", NOW, NOW
    )
    work = Maintenance("1", (), NOW - 9, NOW + 9, "disks", "kim")
    found = _world(
        _view("web"), alerts=(acked,), silences=(silence,), operations=(run,), maintenances=(work,)
    )

    assert found.acknowledged == {"web": "kim"}
    assert found.silenced == {"web": "ana"}
    assert found.under_way == {"web": "eve@b"}
    assert found.maintained == {"web": "disks"}
    over = _world(
        _view("web"),
        alerts=(replace(acked, state=AlertState.RESOLVED),),
        silences=(replace(silence, state=SilenceState.EXPIRED),),
        operations=(replace(run, state=OperationState.VERIFIED),),
        maintenances=(replace(work, ends_at=NOW),),
    )
    in_the_way = (over.acknowledged, over.silenced, over.under_way, over.maintained)
    assert not any(in_the_way)


def test_it_is_dark_when_the_probes_as_a_whole_fail_or_come_late() -> None:
    probes = SourceView(SourceId(SourceKind.PROBE), "", 5.0, NOW, NOW)
    lost = replace(probes, fault=Fault(FaultKind.LOCAL, "no network"))

    assert not _world(_view("web"), sources=(probes,)).dark
    assert _world(_view("web"), sources=(lost,)).dark
    assert _world(_view("web"), sources=(replace(probes, lag=3.0),)).dark


def _noted(*looks: tuple[float, ServiceView], rule: Rule = RULE) -> Trouble | None:
    book, found = EvidenceBook(), None
    for at, view in looks:
        copy = replace(view.instances[0], taken_at=at)
        seen = replace(view, instances=(copy,))
        found = book.note(rule, Snapshot(1, at, services=(seen,)), at)
    return found


def test_looks_are_counted_once_each_and_anew_after_a_good_or_an_unknown_one() -> None:
    down, ok, unknown = (_view("web", each) for each in (State.DOWN, State.OK, State.UNKNOWN))

    assert _noted((NOW, down), (NOW + 5, down), (NOW + 9, down)) == Trouble(NOW, 3)
    assert _noted((NOW, down), (NOW, down)) == Trouble(NOW, 1)
    assert _noted((NOW, down), (NOW + 5, ok), (NOW + 9, down)) == Trouble(NOW + 9, 1)
    assert _noted((NOW, down), (NOW + 5, unknown)) is None
    assert _noted((NOW, down), (NOW + 5, replace(down, stale=True))) is None


def test_figures_are_compared_as_they_are_shown() -> None:
    slow = replace(RULE, trigger=parse_trigger("error_rate > 5% for 10s"))

    assert _noted((NOW, _view("web", error_rate=0.06)), rule=slow) == Trouble(NOW, 1)
    assert _noted((NOW, _view("web", error_rate=0.05)), rule=slow) is None
    assert _noted((NOW, _view("web", error_rate=None)), rule=slow) is None


def test_an_open_breaker_of_the_service_is_a_witness_of_when_it_began() -> None:
    part = Component("database", State.DOWN, since=NOW - 300, breaker="open")
    report = HealthReport(State.DOWN, "json", (Component("app", State.OK, children=(part,)),))
    view = _view("web", State.DOWN)
    told = replace(view, instances=(replace(view.instances[0], report=report),))
    shut = replace(part, breaker="closed")
    quiet = replace(report, components=(shut,))

    assert _noted((NOW, told), (NOW + 5, told)) == Trouble(NOW - 300, 2)
    calm = replace(view, instances=(replace(view.instances[0], report=quiet),))
    assert _noted((NOW, calm)) == Trouble(NOW, 1)
