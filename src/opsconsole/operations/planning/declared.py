"""The actions that the configuration declares for a service.

Invariant: an action that is not found here does not exist. Degrade without a way back is not
found either: a change that cannot be ended is not temporary.
"""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Final

from opsconsole.config.actions import (
    Action,
    BackupAction,
    DegradeAction,
    OwnRulesAction,
    ScaleAction,
    SilenceAction,
)
from opsconsole.config.settings import Settings
from opsconsole.dataclass import dataclass
from opsconsole.model.alerting.silences import OWN_RULES
from opsconsole.model.operation import SILENCING, ActionKind, Effect, Refusal
from opsconsole.operations.drivers import registry
from opsconsole.operations.journal.audit import canonical

_K = ActionKind
_SILENCING: Final = {
    _K.ACKNOWLEDGE: "acknowledge one alert until it resolves, for 4 h at most",
    _K.SILENCE: "silence alerts by their labels until an end",
    _K.EXPIRE_SILENCE: "end a silence or an acknowledgement",
}


@dataclass(frozen=True, slots=True)
class Declared:
    """One action of one service."""

    service: str
    kind: ActionKind
    name: str
    action: Action

    @property
    def effect(self) -> Effect:
        """What it does to the world; a change unless declared otherwise."""
        return Effect(self.action.effect)

    @property
    def only_reads(self) -> bool:
        """Declared READ, and carried out by GET, which by HTTP's own rule changes nothing."""
        call = self.action.http
        return self.effect is Effect.READ and call is not None and call.method == "GET"

    @property
    def interrupts(self) -> bool:
        """Whether it stops what serves, which a person confirms as what cannot be undone."""
        unit = self.action.systemd
        return unit is not None and unit.do == "stop"

    @property
    def summary(self) -> str:
        """One line for a menu."""
        return self.action.summary or f"{self.kind} by {self.action.driver}"


def declared(settings: Settings, service: str) -> Iterator[Declared]:
    """Every action of ``service``, in the order of a menu; an Alertmanager's where it is one."""
    if settings.alertmanager_of(service) is not None:
        yield from _of_alertmanager(service)
    if service == OWN_RULES:
        for kind in (_K.ACKNOWLEDGE, _K.EXPIRE_SILENCE):
            action = OwnRulesAction(summary=_SILENCING[kind], min_healthy=0.01, deadline=30.0)
            yield Declared(service, kind, "", action)
    if service in settings.services:
        yield from _of_service(settings, service)


def _of_alertmanager(name: str) -> Iterator[Declared]:
    """Every Alertmanager can be written to in these ways, and nothing else can."""
    for kind, summary in _SILENCING.items():
        action = SilenceAction(alertmanager=name, summary=summary, min_healthy=0.5, deadline=30.0)
        yield Declared(name, kind, "", action)


def _of_service(settings: Settings, service: str) -> Iterator[Declared]:
    actions = settings.services[service].actions
    for kind, action in (
        (_K.RESTART, actions.restart),
        (_K.DEGRADE, actions.degrade),
        (_K.RECOVER, _recover(actions.recover, actions.degrade)),
        (_K.BACKUP, actions.backup),
        (_K.RESTORE, actions.restore or _restore(actions.backup)),
        (_K.ROLLBACK, actions.rollback),
        (_K.SCALE, actions.scale),
    ):
        if action is not None:
            yield Declared(service, kind, "", action)
    for kind, named in ((_K.TEST, actions.test), (_K.CALL, actions.call)):
        for name, action in named.items():
            yield Declared(service, kind, name, action)


def find(settings: Settings, service: str, kind: ActionKind, name: str) -> Declared | None:
    """The action asked for, or None when it is not declared."""
    wanted = (each for each in declared(settings, service) if each.kind is kind)
    return next((each for each in wanted if each.name == name), None)


def not_found_again(service: str, faults: Sequence[str]) -> Refusal:
    """Why nothing can be done to a service that may only be found by what does not answer."""
    return Refusal(
        "cannot-look",
        f"the action is not declared for {service}, and {faults[0]}",
        "try again when it answers, or declare the service",
    )


def digest(settings: Settings, found: Declared) -> str:
    """A digest of all that decides what the action does and to what.

    The runner compares it with the configuration as it is then.
    """
    action = _dumped(found.action)
    if found.kind in SILENCING:
        server = settings.alertmanager_of(found.service)
        place = None if server is None else server.model_dump(mode="json")
        # Who is asked whether an acknowledged alert still fires decides when its silence ends.
        asked = [each.model_dump(mode="json") for each in settings.prometheus]
        document = {"action": action, "at": place, "asked": asked}
        return hashlib.sha256(canonical(document).encode()).hexdigest()
    service = settings.services[found.service]
    document = {
        "action": action,
        # What a restore puts back, and what may follow, at once or later by itself.
        "others": [_dumped(each) for each in _others(settings, found.service)],
        "instances": [instance.model_dump(mode="json") for instance in service.instances],
        "containers": list(service.containers),
        **({"units": list(service.units)} if service.units else {}),
        "hosts": {
            name: [host.model_dump(mode="json"), host.destination]
            for name, host in settings.hosts.items()
        },
        "environment": settings.environment_of(found.service).model_dump(mode="json"),
        **{
            key: [place.model_dump(mode="json") for place in places]
            for key, places in settings.places.items()
        },
    }
    return hashlib.sha256(canonical(document).encode()).hexdigest()


def starts_at_the_base(settings: Settings, found: Declared) -> bool:
    """Whether what it does, or what may follow it, is at paths in the configuration's folder."""
    if found.kind in SILENCING:
        return False
    there = (found.action, *_others(settings, found.service))
    return any(each is not None and registry.traits(each).in_base for each in there)


def _others(settings: Settings, service: str) -> tuple[Action | None, ...]:
    actions = settings.services[service].actions
    recover = _recover(actions.recover, actions.degrade)
    return actions.backup, actions.restart, recover, actions.rollback


def scale_bounds(action: Action) -> tuple[int, int] | None:
    """The least and the most copies that may be asked for."""
    return (action.minimum, action.maximum) if isinstance(action, ScaleAction) else None


def lasts(found: Declared) -> float | None:
    """Seconds that a degradation lasts by default."""
    action = found.action
    if found.kind is not ActionKind.DEGRADE or not isinstance(action, DegradeAction):
        return None
    return action.for_


def _recover(recover: Action | None, degrade: DegradeAction | None) -> Action | None:
    """The way back: declared beside degrade, within it, or known to its driver."""
    if recover is not None or degrade is None:
        return recover
    if degrade.recover is not None:
        return degrade.recover
    return degrade if registry.traits(degrade).ends_degradation else None


def _restore(backup: BackupAction | None) -> Action | None:
    """The newest backup put back, then what is declared to follow; or that alone.

    A backup that a command makes is kept elsewhere: only its own way back can restore it.
    """
    if backup is None or not registry.traits(backup).keeps_backups:
        return backup and backup.restore
    verified = backup.restore or backup
    return Action(backup="latest", min_healthy=verified.min_healthy, deadline=verified.deadline)


def _dumped(action: Action | None) -> object:
    return None if action is None else action.model_dump(mode="json", by_alias=True)
