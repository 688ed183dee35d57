"""A fleet on a fake clock, as a watcher's snapshots have it, and receivers that remember."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from opsconsole.model.alerting.alerts import Alert, AlertState, Severity, Suppression, alert_key
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.incidents import Incident
from opsconsole.model.maintenance import Maintenance
from opsconsole.model.notices import Message
from opsconsole.model.operation import Operation
from opsconsole.model.remedies.automation import Automation
from opsconsole.model.snapshot import ServiceView, Snapshot, SourceView
from opsconsole.model.source_id import LOCAL, SourceId, SourceKind
from opsconsole.model.state import State
from opsconsole.watcher.notify.troubles import Troubles

PROBES = SourceId(SourceKind.PROBE)


@dataclass
class World:
    """Services with their states; ``now`` is the time of every snapshot."""

    now: float = 1_700_000_000.0
    views: dict[str, ServiceView] = field(default_factory=dict)
    alerts: dict[str, Alert] = field(default_factory=dict)
    operations: tuple[Operation, ...] = ()
    fault: Fault | None = None
    maintenances: tuple[Maintenance, ...] = ()
    automation: Automation | None = None
    incidents: tuple[Incident, ...] = ()

    def add(self, name: str, needs: Iterable[str] = (), **more: object) -> None:
        """A service that has long been ok."""
        view = ServiceView(name, State.OK, self.now - 86400.0, depends_on=tuple(needs))
        self.views[name] = replace(view, **more)  # type: ignore[arg-type]

    def turn(self, name: str, state: State, **more: object) -> None:
        """Now it is in ``state``; since now where it was in another."""
        view = self.views[name]
        since = view.since if view.state is state else self.now
        self.views[name] = replace(view, state=state, since=since, **more)  # type: ignore[arg-type]

    def fire(
        self, name: str, service: str, severity: Severity = Severity.WARNING, *, acked: bool = False
    ) -> str:
        """An alert of a rule of the console's own fires; its key."""
        labels = {"alertname": name, "service": service, "severity": severity.value}
        key = alert_key(name, labels)
        known = self.alerts.get(key)
        since = known.since if known and known.state is AlertState.FIRING else self.now
        why = (Suppression("acknowledgement", by="kim"),) if acked else ()
        self.alerts[key] = Alert(
            key, name, severity, AlertState.FIRING, since,
            summary=f"{name} of {service}", service=service, labels=labels,
            sources=(LOCAL,), suppressions=why,
        )  # fmt: skip
        return key

    def resolve(self, key: str) -> None:
        """The alert is over, and is shown as that for a while."""
        self.alerts[key] = replace(
            self.alerts[key], state=AlertState.RESOLVED, ends_at=self.now, sources=(LOCAL,)
        )

    def pass_(self, seconds: float) -> None:
        """Time goes by."""
        self.now += seconds

    @property
    def snapshot(self) -> Snapshot:
        """What is known now."""
        source = SourceView(PROBES, "", 5.0, self.now, 0.0, fault=self.fault)
        return Snapshot(
            1,
            self.now,
            services=tuple(self.views.values()),
            alerts=tuple(self.alerts.values()),
            sources=(source,),
            operations=self.operations,
            maintenances=self.maintenances,
            automation=self.automation,
            incidents=self.incidents,
        )

    def troubles(self, *states: State) -> Troubles:
        """What of it is to be notified."""
        return Troubles(self.snapshot, states or (State.DOWN,), {})


@dataclass
class Inbox:
    """A way that remembers what it was sent; ``refuses`` the next so many."""

    messages: list[Message] = field(default_factory=list)
    refuses: int = 0

    async def send(self, message: Message) -> Fault | None:
        """Take ``message``, or refuse it."""
        if self.refuses:
            self.refuses -= 1
            return Fault(FaultKind.CONNECT, "nobody is there")
        self.messages.append(message)
        return None

    async def close(self) -> None:
        """Nothing is held."""

    @property
    def titles(self) -> list[str]:
        """What was notified, in one line each."""
        return [each.title for each in self.messages]
