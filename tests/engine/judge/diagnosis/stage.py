"""Services with what is known of them, in few words, and what is then told of each."""

from collections.abc import Sequence
from typing import Any

from opsconsole.engine.state.diagnoses import Diagnoses
from opsconsole.model.alerting.alerts import Alert, AlertState, Severity
from opsconsole.model.diagnosis import Diagnosis
from opsconsole.model.events import Event, EventCode
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.health import HealthReport
from opsconsole.model.objectives import Attainment
from opsconsole.model.running.workloads import EngineView
from opsconsole.model.snapshot import InstanceView, ServiceView
from opsconsole.model.state import State
from opsconsole.render.service.why import why

T = 1_700_000_000.0
"""When things went wrong."""

NOW = T + 60

REFUSED = Fault(FaultKind.CONNECT, "connection refused by 127.0.0.1:8001")


def copy(number: int, state: State = State.DOWN, service: str = "web", **more: Any) -> InstanceView:
    """``web-2``, wrong since ``T`` unless it is ok, with an address of its own."""
    wrong = state is not State.OK
    given = {
        "taken_at": NOW - 1,
        "fault": REFUSED if state is State.DOWN else None,
        "reason": REFUSED.message if state is State.DOWN else "",
        "runs_as": f"{service}-{number}",
        "replicas": (f"{service}-{number}",),
        "wrong_at": T if wrong else None,
        "well_at": T - 5 if wrong else None,
        **more,
    }
    url = f"http://127.0.0.1:{8000 + number}"
    return InstanceView(service, f"{service}-{number}", url, state, T, **given)


def service(
    name: str = "web", state: State = State.DOWN, *copies: InstanceView, **more: Any
) -> ServiceView:
    """``copies`` by default: one in its state."""
    given = copies or (copy(1, state, name),)
    reason = next((each.reason for each in given if each.reason), "")
    ids = tuple(id_ for each in given for id_ in each.replicas)
    return ServiceView(name, state, T, given, **{"reason": reason, "replicas": ids, **more})


def ended(
    at: float, subject: str = "web-1", code: int = 1, *, memory: bool = False, signal: str = ""
) -> Event:
    """The end of a copy of the service that its name begins with."""
    return Event(
        at,
        EventCode.ENDED,
        "",
        subject.partition("-")[0],
        subject,
        State.DOWN,
        figure=float(code),
        memory=memory,
        name=signal,
    )


def image(at: float, subject: str = "web-1", before: str = "1.0", after: str = "2.0") -> Event:
    whose = subject.partition("-")[0]
    return Event(
        at, EventCode.IMAGE_CHANGED, "", whose, subject, None, f"shop:{before}", f"shop:{after}"
    )


def alert(name: str, since: float, whose: str = "web", **more: Any) -> Alert:
    given = {"severity": Severity.CRITICAL, "state": AlertState.FIRING, "service": whose, **more}
    return Alert(f"{name}{{}}", name, since=since, **given)


def missed(objective: str, actual: float, target: float, unit: str = "s") -> Attainment:
    return Attainment("web", objective, actual, target, unit, met=False)


def diagnosed(
    *services: ServiceView,
    events: Sequence[Event] = (),
    alerts: Sequence[Alert] = (),
    engines: Sequence[EngineView] = (),
    now: float = NOW,
    **beside: Any,
) -> dict[str, ServiceView]:
    """Every service by name, with its diagnosis at ``now``."""
    given = {"hosts": (), "sources": (), "named": {}, **beside}
    found = Diagnoses().added_to(
        services, now, events=tuple(events), alerts=tuple(alerts), engines=tuple(engines), **given
    )
    return {each.name: each for each in found}


def told(*services: ServiceView, whose: str = "web", width: int = 50, **more: Any) -> str:
    """The row's why of one of the services."""
    return why(diagnosed(*services, **more)[whose], width)


def diagnosis(*services: ServiceView, whose: str = "web", **more: Any) -> Diagnosis:
    return diagnosed(*services, **more)[whose].diagnosis


HEALTHY = HealthReport(State.OK, "plain")
