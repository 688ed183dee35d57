"""The copies of one service, each with its replica and its use of resources.

Invariant: pure; an unknown figure is a dash or left out, never zero; a replica of the service
without an endpoint is listed separately.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from opsconsole.model.health import Component
from opsconsole.model.running.workloads import Replica, ReplicaLook
from opsconsole.model.snapshot import InstanceView, ServiceView, Snapshot
from opsconsole.model.state import State
from opsconsole.render.ink import figures
from opsconsole.render.ink.cells import (
    BLANK,
    Line,
    Role,
    Span,
    clip,
    clip_line,
    fit,
    state_role,
)
from opsconsole.render.ink.spark import meter
from opsconsole.render.service.health import instance_lines, is_old

_LABEL: Final = 11
_BREAKER_STATES: Final = {
    "closed": State.OK,
    "half open": State.DEGRADED,
    "open": State.DOWN,
}


def instances(
    service: ServiceView,
    snapshot: Snapshot,
    width: int,
    now: float,
    looks: Iterable[ReplicaLook] = (),
) -> list[Line]:
    """Endpoints with their replicas, then the replicas that no endpoint names."""
    by_instance = {look.instance: look for look in looks}
    found = snapshot.replicas_of(service)
    placed = len(snapshot.engines) > 1
    lines: list[Line] = []
    shown: set[str] = set()
    for instance in service.instances:
        lines += instance_lines(instance, width, now)
        lines += _version(instance, width)
        lines += _breakers(instance, width)
        if instance.name in by_instance:
            lines += _looked_at(by_instance[instance.name], width, now)
        mine = [found[id_] for id_ in instance.replicas if id_ in found]
        for replica, engine in mine:
            shown.add(replica.id)
            lines += _replica(replica, width, now, stale=engine.stale(now), placed=placed)
        if instance.runs_as and not mine:
            said = f"no engine that is read knows {instance.runs_as}"
            lines.append(_fact("runs as", Span(clip(said, width - _LABEL - 4), Role.UNKNOWN)))
        lines.append(BLANK)
    others = [seen for id_, seen in found.items() if id_ not in shown]
    if others:
        lines.append((Span(" other copies of this service", Role.HEADER),))
        for replica, engine in others:
            lines += _replica(replica, width, now, stale=engine.stale(now), placed=placed)
            lines.append(BLANK)
    if not lines:
        lines += [
            (Span("   no copy of this service is known: name its instances or containers:",
                  Role.MUTED),),
            (Span("     instances: [http://10.0.0.1:8000]   containers: [name]", Role.MUTED),),
        ]  # fmt: skip
    return lines


def _fact(label: str, *spans: Span) -> Line:
    return (Span(f"   {fit(label, _LABEL)}", Role.MUTED), *spans)


def _version(instance: InstanceView, width: int) -> Iterator[Line]:
    version = instance.report.version if instance.report else ""
    if version:
        yield _fact("version", Span(clip(version, width - _LABEL - 4)))


def _breakers(instance: InstanceView, width: int) -> Iterator[Line]:
    """The circuit breakers that its body reports, open ones first."""
    found = sorted(
        _with_breaker(instance.report.components if instance.report else ()),
        key=lambda part: -_BREAKER_STATES[part.breaker].urgency,
    )
    spans: list[Span] = []
    for part in found:
        state, stale = _BREAKER_STATES[part.breaker], is_old(instance)
        role = Role.STALE if stale else Role.TEXT if state is State.OK else Role.STRONG
        spans += [
            Span(f"{state.glyph} ", state_role(state, stale=stale)),
            Span(f"{part.name} {part.breaker}  ", role),
        ]
    if spans:
        yield clip_line(_fact("breakers", *spans), width)


def _with_breaker(parts: tuple[Component, ...]) -> Iterator[Component]:
    for part in parts:
        if part.breaker in _BREAKER_STATES:
            yield part
        yield from _with_breaker(part.children)


def _replica(
    replica: Replica, width: int, now: float, *, stale: bool, placed: bool = False
) -> Iterator[Line]:
    """State and age, use, image; its place, if there are several."""
    calm = Role.STALE if stale else Role.TEXT
    where = f" · on {replica.place.name}" if placed else ""
    yield clip_line(
        _fact(
            replica.kind,
            Span(
                f"{'◌' if stale else replica.state.glyph} ", state_role(replica.state, stale=stale)
            ),
            Span(f"{replica.name}  ", Role.STRONG),
            Span(" · ".join(_words(replica, now)) + where, calm),
        ),
        width,
    )
    if replica.runs:
        yield clip_line(_fact("uses", *_usage(replica, width, stale=stale)), width)
    if replica.image:
        ports = "  ".join(f":{each.public}→{each.private}" for each in replica.ports if each.public)
        image = f"{replica.image}  {replica.image_id[:19]}  {ports}".rstrip()
        yield clip_line(_fact("image", Span(image, Role.MUTED)), width)
    if replica.detail and (replica.runs or not replica.oom_killed):
        yield clip_line(_fact("", Span(replica.detail, Role.TEXT)), width)


def _words(replica: Replica, now: float) -> Iterator[str]:
    """Its state in the words of its engine, and for how long."""
    yield replica.status
    if replica.health:
        yield replica.health
    if not replica.runs and replica.exit_code is not None:
        yield f"exit {replica.exit_code}"
    if replica.oom_killed:
        yield "killed: out of memory"
    if replica.runs and replica.started_at is not None:
        yield f"up {figures.age(now - replica.started_at)}"
    if not replica.runs and replica.finished_at is not None:
        yield f"{figures.age(now - replica.finished_at)} ago"
    if replica.restarts is not None:
        yield f"↻ {replica.restarts} restarts" if replica.restarts != 1 else "↻ 1 restart"
    if replica.pid is not None:
        yield f"pid {replica.pid}"


def _looked_at(look: ReplicaLook, width: int, now: float) -> Iterator[Line]:
    """What was read for this tab, or why it is unknown."""
    if look.replica is not None:
        yield from _replica(look.replica, width, now, stale=look.stale(now))
    else:
        said = f"{look.name}: {look.fault}"
        yield clip_line(_fact("runs as", Span(said, Role.UNKNOWN)), width)


def _usage(replica: Replica, width: int, *, stale: bool) -> Line:
    """CPU, and memory against its limit as a bar."""
    role = Role.STALE if stale else Role.TEXT
    spans = [Span(f"cpu {figures.percent(replica.cpu)}", role), Span("   memory ", Role.MUTED)]
    if not replica.memory_limit:
        return (*spans, Span(f"{figures.size(replica.memory)}, no limit", role))
    share = None if replica.memory is None else replica.memory / replica.memory_limit
    bar = 20 if width >= 100 else 10
    return (
        *spans,
        Span(f"{meter(share, bar)} ", Role.STALE if stale else Role.TRACE),
        Span(
            f"{figures.percent(share)}  "
            f"{figures.size(replica.memory)} of {figures.size(replica.memory_limit)}",
            role,
        ),
    )
