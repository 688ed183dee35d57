"""From probes to an instance, from instances and containers to a service. Pure.

Invariant: a reason names what is wrong first and is '' only when the state is OK; an instance is
OK only when every probe of it was seen to be, a service only when every instance was.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from opsconsole.engine.judge.health import NOT_LOOKED, Judged
from opsconsole.model.health import ProbeKind
from opsconsole.model.resources import Container, SwarmService
from opsconsole.model.snapshot import InstanceView
from opsconsole.model.state import State, combine_instances, worst


@dataclass(frozen=True, slots=True)
class Verdict:
    """A state with its reason in one line."""

    state: State
    reason: str = ""
    flapping: bool = False


ENDED: Final = frozenset({"exited", "dead", "removing"})
"""The engine's words for a container that no longer runs."""

_PREFIX: Final = {
    ProbeKind.HEALTH: "",
    ProbeKind.LIVE: "not alive: ",
    ProbeKind.READY: "not ready: ",
    ProbeKind.STARTUP: "starting: ",
}


def judge_instance(probes: Sequence[tuple[ProbeKind, Judged]]) -> Verdict:
    """Kubernetes' meanings: not alive is down; not ready or not started is degraded at worst."""
    found = [_of_probe(kind, judged) for kind, judged in probes]
    if not found:
        return Verdict(State.UNKNOWN, "nothing to look at is configured")
    first = max(found, key=lambda verdict: verdict.state.urgency)
    return Verdict(first.state, first.reason, any(each.flapping for each in found))


def judge_container(container: Container | None, name: str) -> Verdict:
    """A container that a configuration names: it is meant to run, so an end of any kind is down."""
    if container is None:
        return Verdict(State.DOWN, f"no container is called {name}")
    if container.state is State.OK:
        return Verdict(State.OK)
    said = container.detail or container.health or container.status
    ended = container.status in ENDED
    return Verdict(State.DOWN if ended else container.state, f"container {container.name} {said}")


def judge_swarm(service: SwarmService) -> Verdict:
    """None of the wanted tasks running is down, some of them degraded."""
    if service.running >= service.desired:
        return Verdict(State.OK)
    said = f"{service.name}: {service.running} of {service.desired} tasks run"
    return Verdict(State.DEGRADED if service.running else State.DOWN, said)


def judge_service(instances: Sequence[InstanceView], beside: Sequence[Verdict]) -> Verdict:
    """A service from its instances, and from what is ``beside`` them: other containers, Swarm.

    Something failing beside healthy instances degrades; without instances it is all there is.
    """
    bad = [verdict for verdict in beside if verdict.state in {State.DOWN, State.DEGRADED}]
    if not instances:
        state = combine_instances(verdict.state for verdict in beside)
        reason = bad[0].reason if bad else "no instance or container is known"
        return Verdict(state, "" if state is State.OK else reason)
    state = combine_instances(instance.state for instance in instances)
    reason = _of_instances(instances)
    if bad:
        state = worst((state, State.DEGRADED))
        reason = reason or bad[0].reason
    flapping = any(instance.flapping for instance in instances)
    return Verdict(state, "" if state is State.OK else reason, flapping)


def _of_probe(kind: ProbeKind, judged: Judged) -> Verdict:
    state = judged.state
    if state is State.DOWN and kind in {ProbeKind.READY, ProbeKind.STARTUP}:
        state = State.DEGRADED
    if not judged.reason or judged.reason == NOT_LOOKED:
        return Verdict(state, judged.reason, judged.flapping)
    return Verdict(state, f"{_PREFIX[kind]}{judged.reason}", judged.flapping)


def _of_instances(instances: Sequence[InstanceView]) -> str:
    troubled = [instance for instance in instances if instance.state is not State.OK]
    if not troubled:
        return ""
    first = max(troubled, key=lambda instance: instance.state.urgency)
    if len(instances) == 1:
        return first.reason
    if all(instance.reason == NOT_LOOKED for instance in instances):
        return NOT_LOOKED
    same = sum(instance.state is first.state for instance in troubled)
    count = f"{same} of {len(instances)} instances {first.state}"
    return f"{count}: {first.name} {first.reason}".strip()
