"""What the host and the containers use.

Invariant: rows are keyed by what they show; containers in trouble come first; a figure that is
not known is a dash. Colours are for states only, never for how full a bar is.
"""

from collections.abc import Sequence

from opsconsole.model.resources import Container, Host
from opsconsole.model.snapshot import Snapshot
from opsconsole.model.state import State
from opsconsole.render.empty_panels import engines_down
from opsconsole.render.ink import figures
from opsconsole.render.ink.cells import Align, Line, Role, Row, Span, fit, state_role
from opsconsole.render.ink.spark import meter

_METER = 10


def rows(snapshot: Snapshot, width: int, now: float) -> list[Row]:
    """The host, then its containers, in ``width`` cells."""
    out = host_rows(snapshot.host, width, _stale(snapshot.host_at, now)) if snapshot.host else []
    docker = snapshot.docker
    if docker is not None:
        stale = _stale(snapshot.docker_at, now)
        ordered = sorted(docker.containers, key=_trouble)
        out += [container_row(container, width, now, stale=stale) for container in ordered]
        out += [
            Row(f"swarm:{service.id}", _swarm(service.name, service.running, service.desired))
            for service in docker.swarm_services
        ]
    return out + engines_down(snapshot, width) if out else out


def _stale(taken_at: float | None, now: float) -> bool:
    return taken_at is None or now - taken_at > 30


def _trouble(container: Container) -> tuple[int, float, str]:
    return (-container.state.urgency, -(container.cpu or 0.0), container.name)


def host_rows(host: Host, width: int, stale: bool = False) -> list[Row]:
    """Processor, memory and the fullest disks; one line each."""
    bar = max(_METER, min(30, width - 40))
    memory = host.memory_used / host.memory_total if host.memory_total else None
    out = [
        _gauge("cpu", host.cpu, _load(host.load, width - bar - 20), bar, stale),
        _gauge("memory", memory, _of(host.memory_used, host.memory_total), bar, stale),
    ]
    if host.swap_used:
        share = host.swap_used / host.swap_total if host.swap_total else None
        out.append(_gauge("swap", share, _of(host.swap_used, host.swap_total), bar, stale))
    for disk in sorted(host.disks, key=lambda each: -each.share)[:3]:
        out.append(_gauge(disk.mount, disk.share, _of(disk.used, disk.total), bar, stale))
    return out


def _load(load: Sequence[float], room: int) -> str:
    """As many of the averages over 1, 5 and 15 minutes as fit whole."""
    shown = [f"{value:.2f}" for value in load]
    while shown and len("load " + " ".join(shown)) > room:
        shown.pop()
    return f"load {' '.join(shown)}" if shown else ""


def _of(used: int, total: int) -> str:
    return f"{figures.size(used)} of {figures.size(total)}"


def _gauge(name: str, share: float | None, note: str, bar: int, stale: bool) -> Row:
    name_width = 16 if bar >= 20 else 10
    role = Role.STALE if stale else Role.TEXT
    return Row(
        f"host:{name}",
        (
            Span(f" {fit(name, name_width)} ", Role.MUTED),
            Span(meter(share, bar), Role.STALE if stale else Role.TRACE),
            Span(fit(figures.percent(share), 5, Align.RIGHT), role),
            Span(f"  {note}", Role.MUTED),
        ),
    )


def container_row(container: Container, width: int, now: float, *, stale: bool = False) -> Row:
    """One container: state, name, engine's word, processor, memory, restarts."""
    running = container.status == "running"
    name_width = max(12, min(28, width - 36))
    spans: list[Span] = [
        Span(f" {container.state.glyph} ", state_role(container.state, stale=stale)),
        Span(fit(container.name, name_width), _name_role(container, stale)),
        Span(" "),
    ]
    if running:
        spans += _usage(container, stale)
    word = _word(container, now, full=width >= 70)
    spans.append(Span(f"  {word}" if running else f" {word}", Role.MUTED if running else Role.TEXT))
    return Row(f"container:{container.id}", tuple(spans))


def _name_role(container: Container, stale: bool) -> Role:
    if stale:
        return Role.STALE
    return Role.TEXT if container.state is State.OK else Role.STRONG


def _usage(container: Container, stale: bool) -> Line:
    cpu = fit(figures.percent(container.cpu), 5, Align.RIGHT)
    used, limit = figures.size(container.memory), container.memory_limit
    memory = f"{used}/{figures.size(limit)}" if limit else used
    return (Span(f"{cpu} {fit(memory, 11, Align.RIGHT)}", Role.STALE if stale else Role.TEXT),)


def _word(container: Container, now: float, *, full: bool) -> str:
    parts: list[str] = []
    if container.status != "running":
        code = "" if container.exit_code is None else f" {container.exit_code}"
        parts.append(f"{container.status}{code}")
        if container.oom_killed:
            parts.append("out of memory" if full else "OOM")
        if container.finished_at:
            parts.append(f"{figures.age(now - container.finished_at)} ago")
    elif container.health and (full or container.health != "healthy"):
        parts.append(container.health)
    if container.restarts:
        parts.append(f"↻{container.restarts}")
    if full:
        parts += [f":{port.public}→{port.private}" for port in container.ports if port.public][:2]
    return " ".join(parts)


def _swarm(name: str, running: int, desired: int) -> Line:
    state = State.OK if running >= desired else State.DEGRADED if running else State.DOWN
    return (
        Span(f" {state.glyph} ", state_role(state)),
        Span(fit(name, 24), Role.TEXT),
        Span(f" {running}/{desired} tasks", Role.MUTED),
    )


def summary(snapshot: Snapshot) -> str:
    """The title's note: which host, how many containers."""
    parts = [snapshot.host.name] if snapshot.host else []
    if snapshot.docker is not None:
        parts.append(f"{len(snapshot.docker.containers)} containers")
    return " · ".join(parts)


def owner(snapshot: Snapshot, container_id: str) -> str:
    """The service that a container belongs to, or ''."""
    found = snapshot.docker.containers if snapshot.docker else ()
    names = {each.name for each in found if each.id == container_id} | {container_id}
    for service in snapshot.services:
        mine = set(service.containers) | {each.container for each in service.instances}
        if names & mine:
            return service.name
    return ""
