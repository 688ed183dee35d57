"""Where it runs: hosts, engines and clusters in one list, those in trouble first.

Invariant: a place that is not read, or is short of something, has a row of its own with that one
reason; those that are well may be counted. With one or two places each stands with all of its rows.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.running.hosts import Host, HostView
from opsconsole.model.running.workloads import EngineView, PlaceKind
from opsconsole.model.snapshot import Snapshot, SourceView
from opsconsole.model.source_id import THIS_HOST, SourceKind
from opsconsole.model.state import State
from opsconsole.render import resources
from opsconsole.render.ink import figures
from opsconsole.render.ink.cells import Line, Role, Row, Span, clip_line, fit
from opsconsole.render.ink.cuts import cut_name, cut_sentence

ALL_OF_THEM: Final = 2
"""Up to so many places stand with all of their rows."""

WELL: Final = "places:well"
"""The key of the row that counts what is well."""

_FULL: Final = 0.95
"""The share of a disk, or of memory, from which on a host is short of it."""

_SKEW: Final = 5.0
"""Seconds from which on a host's clock is wrong: what it logs stands at other times."""

_KINDS: Final = {PlaceKind.UNKNOWN: "engine", PlaceKind.HOST: "systemd"}
"""What runs the copies of a place: on a host it is systemd, beside the host itself."""

_NAME: Final = 16
_KIND: Final = 8


@dataclass(frozen=True, slots=True)
class _Place:
    """``key`` is of its row, ``trouble`` why it needs a look, ``figure`` what is nearest to a limit
    and ``share`` how near.
    """

    key: str
    name: str
    kind: str
    state: State = State.OK
    trouble: str = ""
    figure: str = ""
    share: float = 0.0
    seen: HostView | EngineView | None = None


def rows(snapshot: Snapshot, width: int, now: float, unfolded: frozenset[str]) -> list[Row]:
    """The rows in ``width`` cells; what is below the places ``unfolded`` by key is there too."""
    places = sorted(_places(snapshot, now), key=lambda each: (-each.state.urgency, each.name))
    if len(places) <= ALL_OF_THEM and not _lost(snapshot):
        return resources.rows(snapshot, width, now)
    out: list[Row] = []
    well = [each for each in places if each.state is State.OK]
    for each in places:
        if each.state is not State.OK or WELL in unfolded:
            is_open = each.key in unfolded
            out.append(Row(each.key, _line(each, width, is_open=is_open)))
            out += _below(snapshot, each, width, now) if is_open else ()
    if well:
        out.append(Row(WELL, _well(well, width, is_open=WELL in unfolded)))
    return out


def known(snapshot: Snapshot, now: float) -> Iterator[_Place]:
    """Every place, by what its row is keyed by."""
    return _places(snapshot, now)


def page_of(key: str) -> str:
    """The place whose row, or one of whose figures, is ``key``; '' for a row of something else."""
    kind, _, rest = key.partition(":")
    if kind == "host":
        return f"place:{rest.partition(':')[0]}"
    return key if kind in {"place", "engine"} else ""


def place_of(snapshot: Snapshot, key: str) -> str:
    """The same; of a copy or a workload, the place that it is in."""
    kind, _, name = key.partition(":")
    for engine in snapshot.engines:
        inventory = engine.inventory
        replicas = {each.id for each in inventory.replicas} if kind == "replica" else set()
        workloads = {each.id for each in inventory.workloads} if kind == "workload" else set()
        if name in replicas | workloads:
            own = {each.host.name for each in snapshot.hosts if each.elsewhere}
            on_host = inventory.place.kind is PlaceKind.HOST and inventory.place.name in own
            return f"{'place' if on_host else 'engine'}:{inventory.place.name}"
    return page_of(key)


def in_trouble(snapshot: Snapshot, now: float) -> int:
    """How many places need a look, where each has one row."""
    places = list(_places(snapshot, now))
    if len(places) <= ALL_OF_THEM and not _lost(snapshot):
        return 0
    return sum(each.state is not State.OK for each in places)


def folds(key: str) -> bool:
    """Whether something is below the row ``key``."""
    return key == WELL or key.startswith(("place:", "engine:"))


def summary(snapshot: Snapshot) -> str:
    """The title's note: how many there are of each kind, or what runs on the one or two."""
    places = list(_places(snapshot, snapshot.taken_at))
    if len(places) <= ALL_OF_THEM:
        return resources.summary(snapshot)
    return " · ".join(_counted(places))


def _counted(places: list[_Place]) -> list[str]:
    """How many there are of each kind: hosts first, then clusters and engines."""
    kinds = Counter(each.kind for each in places)
    ordered = sorted(kinds, key=lambda kind: (kind != "host", kind))
    return [f"{kinds[kind]} {kind}{'s' * (kinds[kind] != 1)}" for kind in ordered]


def _places(snapshot: Snapshot, now: float) -> Iterator[_Place]:
    silent = {
        each.id.name: each for each in snapshot.sources
        if each.id.kind.tells_replicas and each.fault is not None
    }  # fmt: skip
    lost = _lost(snapshot)
    hosts = {}
    for host in snapshot.hosts:
        hosts[host.host.name] = place = _host(host, lost.pop(host.host.name, None), now)
        yield place
    for name, source in lost.items():
        words = _why_lost(source, now)
        hosts[name] = _Place(f"place:{name}", name, "host", State.UNKNOWN, words)
        yield hosts[name]
    for engine in snapshot.engines:
        name = engine.inventory.place.name
        place = _engine(engine, silent.pop(name, None), now)
        if not _goes_with(place, hosts):
            yield place
    for name, source in silent.items():
        kind = _KINDS[PlaceKind.HOST] if source.id.kind is SourceKind.SYSTEMD else "engine"
        place = _Place(f"engine:{name}", name, kind, State.UNKNOWN, _reason(source, now))
        if not _goes_with(place, hosts):
            yield place


def _goes_with(place: _Place, hosts: Mapping[str, _Place]) -> bool:
    """Whether the row of a host that is called the same says what the units of it would.

    It has no row for units that are not read while the rest of it is.
    """
    host = hosts.get(place.name) if place.kind == _KINDS[PlaceKind.HOST] else None
    return host is not None and (place.state is State.OK or host.state is State.UNKNOWN)


def _lost(snapshot: Snapshot) -> dict[str, SourceView]:
    """The other hosts that cannot be read, by their names."""
    return {
        each.id.name: each for each in snapshot.sources
        if each.id.kind is SourceKind.HOST and each.id != THIS_HOST and each.fault is not None
    }  # fmt: skip


def _host(seen: HostView, lost: SourceView | None, now: float) -> _Place:
    host = seen.host
    shares = [
        *((each.share, f"disk {figures.percent(each.share)} of {figures.size(each.total)}")
          for each in host.disks),
    ]  # fmt: skip
    if host.memory_total:
        share = host.memory_used / host.memory_total
        shares.append((share, f"memory {figures.percent(share)}"))
    share, figure = max(shares, default=(0.0, ""))
    place = _Place(f"place:{host.name}", host.name, "host", figure=figure, share=share, seen=seen)
    if lost is not None:
        return _changed(place, State.UNKNOWN, _why_lost(lost, now))
    if seen.stale(now):
        return _changed(place, State.UNKNOWN, f"not read for {figures.age(now - seen.taken_at)}")
    troubles = _troubles(host, figure if share >= _FULL else "", now)
    return _changed(place, State.DEGRADED, " · ".join(troubles)) if troubles else place


def _troubles(host: Host, full: str, now: float) -> list[str]:
    """What makes a host need a look, the worst first; that its processor is busy does not."""
    troubles = [resources.failed_words(host.failed)] if host.failed else []
    ending = [each for each in host.certificates if each.state(now) is not State.OK]
    ending.sort(key=lambda each: -each.state(now).urgency)
    troubles += [resources.certificate_words(each, now) for each in ending[:1]]
    troubles += [full] if full else []
    if host.pressure is not None:
        idle = replace(host.pressure, cpu=0.0)
        waits = resources.pressure_words(idle, resources.PRESSED)
        troubles += [waits] if waits else []
    if host.ahead is not None and abs(host.ahead) >= _SKEW:
        troubles.append(resources.clock_words(host.ahead))
    return troubles


def _engine(seen: EngineView, silent: SourceView | None, now: float) -> _Place:
    where = seen.inventory.place
    kind = _KINDS.get(where.kind, where.kind.value)
    runs = sum(each.runs for each in seen.inventory.replicas)
    place = _Place(f"engine:{where.name}", where.name, kind, figure=f"{runs} run", seen=seen)
    if silent is not None:
        return _changed(place, State.UNKNOWN, _reason(silent, now))
    if seen.stale(now):
        return _changed(place, State.UNKNOWN, f"not read for {figures.age(now - seen.taken_at)}")
    nodes = seen.inventory.nodes
    lost = sum(each.ready is not True for each in nodes)
    if lost:
        return _changed(place, State.DEGRADED, f"{lost} of {len(nodes)} nodes not ready")
    return place


def _changed(place: _Place, state: State, trouble: str) -> _Place:
    return _Place(
        place.key, place.name, place.kind, state, trouble, place.figure, place.share, place.seen
    )


def _reason(source: SourceView, now: float) -> str:
    said = source.fault.kind.value if source.fault is not None else ""
    return f"{said}, {figures.age(now - source.since)}"


def _why_lost(source: SourceView, now: float) -> str:
    """With the words of ssh: one that is off and one without an sshd are different errands."""
    words = source.fault.message if source.fault is not None else ""
    return f"{_reason(source, now)}: {words}" if words else _reason(source, now)


def _line(place: _Place, width: int, *, is_open: bool) -> Line:
    role = Role.DEGRADED if place.state is State.DEGRADED else Role.UNKNOWN
    calm = place.state is State.OK
    name = max(8, min(_NAME, width // 3))
    said = place.trouble or place.figure
    return clip_line(
        (
            Span(f" {place.state.glyph} ", Role.OK if calm else role),
            Span(fit(cut_name(place.name, name), name), Role.TEXT if calm else Role.STRONG),
            Span(f" {fit(place.kind, _KIND)} ", Role.MUTED),
            Span(cut_sentence(said, max(4, width - name - _KIND - 7)),
                 Role.MUTED if calm else Role.TEXT),
            Span(" ▾" if is_open else "", Role.MUTED),
        ),
        width,
    )  # fmt: skip


def _well(well: list[_Place], width: int, *, is_open: bool) -> Line:
    """``● 9 hosts, 3 engines    web-1 memory 86%``: how many, and the nearest to a limit."""
    counted = ", ".join(_counted(well))
    nearest = max(well, key=lambda each: each.share)
    near = f"   {nearest.name} {nearest.figure}" if nearest.share else ""
    mark = "▾" if is_open else "▸"
    return clip_line(
        (Span(f" {mark} ", Role.MUTED), Span(f"{counted} ok"), Span(near, Role.MUTED)), width
    )


def _below(snapshot: Snapshot, place: _Place, width: int, now: float) -> list[Row]:
    """What is on a host, or runs in an engine, a little further in."""
    match place.seen:
        case HostView():
            found = resources.host_rows(
                place.seen.host, width - 2, now, stale=place.seen.stale(now)
            )
        case EngineView():
            found = resources.engine_rows(place.seen, width - 2, now)
        case None:
            found = []
    return [Row(each.key, (Span("  "), *each.line)) for each in found]
