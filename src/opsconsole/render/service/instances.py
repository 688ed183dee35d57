"""The copies of one service, each with its replica and its use of resources.

Invariant: pure; an unknown figure is a dash or left out, never zero; a replica of the service
without an endpoint is listed separately.
"""

from collections.abc import Collection, Iterable, Iterator
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
    Row,
    Span,
    clip,
    clip_line,
    fit,
    state_role,
    width_of,
)
from opsconsole.render.ink.cuts import cut_name, cut_sentence
from opsconsole.render.ink.spark import meter
from opsconsole.render.service.health import HealthRow, is_old, rows

_LABEL: Final = 11
_WIDE: Final = 100
_BREAKER_STATES: Final = {
    "closed": State.OK,
    "half open": State.DEGRADED,
    "open": State.DOWN,
}


def page(
    service: ServiceView,
    snapshot: Snapshot,
    width: int,
    now: float,
    looks: Iterable[ReplicaLook] = (),
    tested: Collection[str] = (),
) -> list[HealthRow]:
    """A table of the copies, then each in whole, then the copies that no endpoint names."""
    seen = tuple(looks)
    copies = table(service, snapshot, width, now, seen)
    return [
        *(
            HealthRow(row, copy=each.name)
            for each, row in zip(service.instances, copies, strict=True)
        ),
        *rows(service, width, now, tested, facts(service, snapshot, width, now, seen)),
        *others(service, snapshot, width, now),
    ]


def table(
    service: ServiceView,
    snapshot: Snapshot,
    width: int,
    now: float,
    looks: Iterable[ReplicaLook] = (),
) -> list[Row]:
    """One line for each copy, so that they can be compared: state, why, since, use, version."""
    found, seen = snapshot.replicas_of(service), _looked(looks)
    out: list[Row] = []
    for each in service.instances:
        mine = [found[id_][0] for id_ in each.replicas if id_ in found]
        looked = seen.get(each.name)
        replica = mine[0] if mine else looked.replica if looked is not None else None
        out.append(Row(f"copy/{each.name}", _copy(each, replica, width, now)))
    return out


def _copy(each: InstanceView, replica: Replica | None, width: int, now: float) -> Line:
    glyph, word = ("◌", "stale") if each.stale else (each.state.glyph, each.state.value)
    role = state_role(each.state, stale=each.stale)
    name = 14 if width < _WIDE else 22
    right = _used_by(each, replica, wide=width >= _WIDE)
    since = figures.coarse_age(now - each.since)
    room = max(8, width - 12 - name - 6 - width_of(right) - 2)
    return (
        Span(f" {glyph} {word:<9}", role),
        Span(fit(cut_name(each.name, name), name), Role.TEXT if each.state is State.OK
             else Role.STRONG),
        Span(f" {since:>4}  ", Role.MUTED),
        Span(fit(cut_sentence(_reason(each, replica), room), room)),
        Span(f"  {right}", Role.STALE if each.stale else Role.TEXT),
    )  # fmt: skip


def _reason(each: InstanceView, replica: Replica | None) -> str:
    """Why it is as it is: how its replica ended before what a look said."""
    if replica is not None and not replica.runs:
        code = "" if replica.exit_code is None else f"exit {replica.exit_code}"
        memory = "out of memory" if replica.oom_killed else ""
        times = f"×{replica.restarts}" if replica.restarts else ""
        return " ".join(part for part in (", ".join(filter(None, (code, memory))), times) if part)
    if each.state is State.OK and not each.stale:
        return ""
    return each.reason or (str(each.fault) if each.fault else "")


def _used_by(each: InstanceView, replica: Replica | None, *, wide: bool) -> str:
    cpu = figures.percent(replica.cpu if replica else None)
    memory = figures.size(replica.memory if replica else None)
    if replica is not None and replica.memory_limit:
        memory = f"{memory}/{figures.size(replica.memory_limit)}"
    said = f"cpu {cpu:>4}  mem {memory:>10}"
    if not wide:
        return said
    version = each.report.version if each.report else ""
    place = (replica.node or replica.place.name) if replica else ""
    return f"{said}  {fit(version, 9)}  {fit(place, 12)}"


def facts(
    service: ServiceView,
    snapshot: Snapshot,
    width: int,
    now: float,
    looks: Iterable[ReplicaLook] = (),
) -> dict[str, list[Line]]:
    """What is known of each instance beside its health, by its name."""
    found, seen = snapshot.replicas_of(service), _looked(looks)
    placed = len(snapshot.engines) > 1
    out: dict[str, list[Line]] = {}
    for instance in service.instances:
        lines = [*_version(instance, width), *_breakers(instance, width)]
        if instance.name in seen:
            lines += _looked_at(seen[instance.name], width, now)
        mine = [found[id_] for id_ in instance.replicas if id_ in found]
        for replica, engine in mine:
            lines += _replica(replica, width, now, stale=engine.stale(now), placed=placed)
        if instance.runs_as and not mine:
            said = f"no engine that is read knows {instance.runs_as}"
            lines.append(_fact("runs as", Span(clip(said, width - _LABEL - 4), Role.UNKNOWN)))
        out[instance.name] = lines
    return out


def others(service: ServiceView, snapshot: Snapshot, width: int, now: float) -> Iterator[HealthRow]:
    """The replicas that no endpoint names; if there is no copy at all, how to name one."""
    named = {id_ for each in service.instances for id_ in each.replicas}
    placed = len(snapshot.engines) > 1
    left = [seen for id_, seen in snapshot.replicas_of(service).items() if id_ not in named]
    if left:
        yield HealthRow(Row("other", (Span(" other copies of this service", Role.HEADER),)))
        for replica, engine in left:
            lines = _replica(replica, width, now, stale=engine.stale(now), placed=placed)
            for number, line in enumerate(lines):
                yield HealthRow(Row(f"other/{replica.id}/{number}", line), copy=replica.name)
            yield HealthRow(Row(f"other/{replica.id}", BLANK))
    elif not service.instances:
        lacks = "   no copy of this service is known: name its instances or containers:"
        how = "     instances: [http://10.0.0.1:8000]   containers: [name]"
        yield HealthRow(Row("none", (Span(lacks, Role.MUTED),)))
        yield HealthRow(Row("none/how", (Span(how, Role.MUTED),)))


def _looked(looks: Iterable[ReplicaLook]) -> dict[str, ReplicaLook]:
    return {look.instance: look for look in looks}


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
    node = f" · on {replica.node}" if replica.node else ""
    where = f"{node} · {'of' if node else 'on'} {replica.place.name}" if placed else node
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
