"""Use of hosts and replicas, and whether workloads run as many copies as wanted.

Invariant: rows are keyed by what they show; failing replicas come first; an unknown figure is a
dash. Colours show states only, never how full a bar is.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from opsconsole.engine.judge.service import judge_workload
from opsconsole.model.running.host_certificates import HostCertificate
from opsconsole.model.running.hosts import Host, Pressure
from opsconsole.model.running.workloads import EngineView, Replica, Update, Workload
from opsconsole.model.snapshot import Snapshot
from opsconsole.model.state import State
from opsconsole.render.empty_panels import engines_down
from opsconsole.render.ink import figures
from opsconsole.render.ink.cells import Align, Line, Role, Row, Span, clip_line, fit, state_role
from opsconsole.render.ink.cuts import cut_path
from opsconsole.render.ink.spark import meter

_METER = 10
_WORDS: Final = 50
_SENTENCE: Final = 70
PRESSED: Final = 0.2
"""Share of the time from which it is said that tasks wait for something."""


def rows(snapshot: Snapshot, width: int, now: float) -> list[Row]:
    """The hosts, then the replicas, then the workloads, in ``width`` cells."""
    out: list[Row] = []
    for seen in snapshot.hosts:
        if len(snapshot.hosts) > 1:
            out.append(Row(f"host:{seen.host.name}", (Span(f" {seen.host.name}", Role.HEADER),)))
        out += host_rows(seen.host, width, now, stale=seen.stale(now))
    several = len(snapshot.engines) > 1
    for replica, engine in sorted(snapshot.replicas(), key=_trouble):
        out.append(replica_row(replica, width, now, stale=engine.stale(now), placed=several))
    for engine in snapshot.engines:
        stale = engine.stale(now)
        out += [_workload_row(each, width, stale=stale) for each in engine.inventory.workloads]
    return out + engines_down(snapshot, width) if out else out


def _trouble(seen: tuple[Replica, EngineView]) -> tuple[int, float, str, str]:
    replica, _ = seen
    return (-replica.state.urgency, -(replica.cpu or 0.0), replica.name, replica.id)


def engine_rows(engine: EngineView, width: int, now: float) -> list[Row]:
    """What runs in one engine, then what is wanted of it, in ``width`` cells."""
    stale, inventory = engine.stale(now), engine.inventory
    running = sorted(((each, engine) for each in inventory.replicas), key=_trouble)
    out = [replica_row(each, width, now, stale=stale) for each, _ in running]
    return out + [_workload_row(each, width, stale=stale) for each in inventory.workloads]


def host_rows(host: Host, width: int, now: float, *, stale: bool = False) -> list[Row]:
    """Processor, memory and the fullest disks; one line each."""
    bar = max(_METER, min(30, width - 40))
    memory = host.memory_used / host.memory_total if host.memory_total else None
    out = [
        _gauge(host.name, "cpu", host.cpu, _load(host.load, width - bar - 20), bar, stale),
        _gauge(host.name, "memory", memory, _of(host.memory_used, host.memory_total), bar, stale),
    ]
    if host.swap_used:
        share = host.swap_used / host.swap_total if host.swap_total else None
        out.append(
            _gauge(host.name, "swap", share, _of(host.swap_used, host.swap_total), bar, stale)
        )
    for disk in sorted(host.disks, key=lambda each: -each.share)[:3]:
        out.append(
            _gauge(host.name, disk.mount, disk.share, _of(disk.used, disk.total), bar, stale)
        )
    if host.pressure is not None and (words := pressure_words(host.pressure, PRESSED)):
        role = Role.STALE if stale else Role.DEGRADED
        out.append(Row(f"host:{host.name}:pressure", (Span(f" {words}", role),)))
    if host.failed:
        role = Role.STALE if stale else Role.DOWN
        out.append(Row(f"host:{host.name}:failed", (Span(f" {failed_words(host.failed)}", role),)))
    for each in host.certificates:
        if (state := each.state(now)) is not State.OK:
            line = (Span(f" {certificate_words(each, now)}", state_role(state, stale=stale)),)
            out.append(Row(f"host:{host.name}:certificate:{each.path}", line))
    if host.ahead is not None and abs(host.ahead) >= 1:
        role = Role.STALE if stale else Role.DEGRADED
        out.append(Row(f"host:{host.name}:clock", (Span(f" {clock_words(host.ahead)}", role),)))
    return out


def pressure_words(pressure: Pressure, least: float) -> str:
    """What tasks wait for, and for how much of the time: ``waits 34% for memory``; '' for less."""
    shares = {"memory": pressure.memory, "disks": pressure.io, "processor": pressure.cpu}
    pressed = [f"{figures.percent(it)} for {name}" for name, it in shares.items() if it >= least]
    return f"waits {', '.join(each.strip() for each in pressed)}" if pressed else ""


def failed_words(failed: Sequence[str]) -> str:
    """``nginx.service failed``, ``3 units failed: a.service, b.service …``."""
    if len(failed) == 1:
        return f"{failed[0]} failed"
    return f"{len(failed)} units failed: {', '.join(failed)}"


def certificate_words(certificate: HostCertificate, now: float) -> str:
    """``certificate shop.example ends in 9d``; of one that is not read, why."""
    validity = certificate.validity
    if validity is None:
        return f"certificate {certificate.path} {certificate.fault}"
    left, whose = validity.left(now), certificate.subject or certificate.path
    said = f"certificate {certificate.first} above {whose}" if certificate.first else (
        f"certificate {whose}"
    )  # fmt: skip
    if now < validity.starts:
        return f"{said} holds only in {figures.age(validity.starts - now)}"
    if left <= 0:
        return f"{said} expired {figures.age(-left)} ago"
    return f"{said} ends in {figures.age(left)}"


def clock_words(ahead: float) -> str:
    """How a host's clock differs from the console's, such as ``clock 1m ahead``."""
    return f"clock {figures.age(abs(ahead))} {'ahead' if ahead > 0 else 'behind'}"


def _load(load: Sequence[float], room: int) -> str:
    """As many of the averages over 1, 5 and 15 minutes as fit whole."""
    shown = [f"{value:.2f}" for value in load]
    while shown and len("load " + " ".join(shown)) > room:
        shown.pop()
    return f"load {' '.join(shown)}" if shown else ""


def _of(used: int, total: int) -> str:
    return f"{figures.size(used)} of {figures.size(total)}"


def _gauge(host: str, name: str, share: float | None, note: str, bar: int, stale: bool) -> Row:
    name_width = 16 if bar >= 20 else 10
    role = Role.STALE if stale else Role.TEXT
    return Row(
        f"host:{host}:{name}",
        (
            Span(f" {fit(cut_path(name, name_width), name_width)} ", Role.MUTED),
            Span(meter(share, bar), Role.STALE if stale else Role.TRACE),
            Span(fit(figures.percent(share), 5, Align.RIGHT), role),
            Span(f"  {note}", Role.MUTED),
        ),
    )


def replica_row(
    replica: Replica, width: int, now: float, *, stale: bool = False, placed: bool = False
) -> Row:
    """One replica: state, name, its place's word, processor, memory, restarts, and its place."""
    name_width = max(12, min(28, width - 36))
    spans: list[Span] = [
        Span(f" {replica.state.glyph} ", state_role(replica.state, stale=stale)),
        Span(fit(replica.name, name_width), _name_role(replica, stale)),
        Span(" "),
    ]
    if replica.runs:
        spans += _usage(replica, stale)
    word = _word(replica, now, full=width >= 70)
    if placed:
        word = f"{word} on {replica.place.name}".lstrip()
    role = Role.MUTED if replica.runs else Role.TEXT
    spans.append(Span(f"  {word}" if replica.runs else f" {word}", role))
    return Row(f"replica:{replica.id}", tuple(spans))


def _name_role(replica: Replica, stale: bool) -> Role:
    if stale:
        return Role.STALE
    return Role.TEXT if replica.state is State.OK else Role.STRONG


def _usage(replica: Replica, stale: bool) -> Line:
    cpu = fit(figures.percent(replica.cpu), 5, Align.RIGHT)
    used, limit = figures.size(replica.memory), replica.memory_limit
    memory = f"{used}/{figures.size(limit)}" if limit else used
    return (Span(f"{cpu} {fit(memory, 11, Align.RIGHT)}", Role.STALE if stale else Role.TEXT),)


def _word(replica: Replica, now: float, *, full: bool) -> str:
    parts: list[str] = []
    if not replica.runs:
        code = "" if replica.exit_code is None else f" {replica.exit_code}"
        parts.append(f"{replica.status}{code}")
        if replica.oom_killed:
            parts.append("out of memory" if full else "OOM")
        if replica.finished_at:
            parts.append(f"{figures.age(now - replica.finished_at)} ago")
    elif replica.health and (full or replica.health != "healthy"):
        parts.append(replica.health)
    if replica.restarts:
        parts.append(f"↻{replica.restarts}")
    if full:
        parts += [f":{port.public}→{port.private}" for port in replica.ports if port.public][:2]
    return " ".join(parts)


def _workload_row(workload: Workload, width: int, *, stale: bool) -> Row:
    """How many of the wanted copies run, and the state of its update."""
    count = f"{workload.running}/{workload.wanted}"
    words = [f"{count} copies" if width >= _WORDS else count]
    if workload.completed:
        words.append(f"{workload.completed} completed")
    if workload.update is not Update.NONE:
        said = f": {workload.said}" if workload.said and width >= _SENTENCE else ""
        words.append(f"update {workload.update}{said}")
    state = judge_workload(workload).state
    line = (
        Span(f" {state.glyph} ", state_role(state, stale=stale)),
        Span(fit(workload.label, max(12, min(24, width - 26))), Role.STALE if stale else Role.TEXT),
        Span(f" {', '.join(words)}", Role.MUTED),
    )
    return Row(f"workload:{workload.id}", clip_line(line, width))


def summary(snapshot: Snapshot) -> str:
    """The title's note: which hosts, how many replicas."""
    parts = [seen.host.name for seen in snapshot.hosts]
    if snapshot.engines:
        kinds = Counter(replica.kind for replica, _ in snapshot.replicas())
        parts += [f"{count} {kind}s" for kind, count in kinds.items()] or ["nothing runs"]
    return " · ".join(parts)


def owner(snapshot: Snapshot, key: str) -> str:
    """The service that the row of a replica or of a workload belongs to, or ''."""
    kind, _, name = key.partition(":")
    for service in snapshot.services:
        mine = {"replica": service.replicas, "workload": service.workloads}.get(kind, ())
        if name in mine:
            return service.name
    return ""


def copy_of(snapshot: Snapshot, key: str) -> str:
    """The name of the copy that the row of a replica shows, or ''.

    It is the one of its instance, unless that runs as several.
    """
    replica_id = key.removeprefix("replica:")
    for service in snapshot.services:
        for each in service.instances:
            if each.replicas == (replica_id,):
                return each.name
    return next((each.name for each, _ in snapshot.replicas() if each.id == replica_id), "")
