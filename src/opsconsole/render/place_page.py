"""One host, engine or cluster in full: how it is, what is on it, how it is reached.

Invariant: what is in trouble stands first in its part; a part of which nothing is known is not
there. Rows are keyed by what they show, so that ``service:NAME`` opens that service; what is old is
painted as old, and says how old it is.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from opsconsole.engine.judge.service import judge_node, judge_workload
from opsconsole.model.running.hosts import Host, HostView
from opsconsole.model.running.nodes import ClusterNode
from opsconsole.model.running.workloads import (
    EngineView,
    Inventory,
    Phase,
    Place,
    PlaceKind,
    Replica,
    Update,
    Workload,
)
from opsconsole.model.snapshot import ServiceView, Snapshot, SourceView
from opsconsole.model.source_id import THIS_HOST, UNITS_HERE, SourceKind
from opsconsole.model.state import State
from opsconsole.render import places, resources
from opsconsole.render.ink import figures
from opsconsole.render.ink.cells import BLANK, Line, Role, Row, Span, clip_line, fit, state_role
from opsconsole.render.ink.cuts import cut_name, cut_sentence
from opsconsole.render.service.held_back import said_of

_NAME: Final = 30
_LOOPBACK: Final = {"localhost", "127.0.0.1", "::1", UNITS_HERE.name}
"""How services say that they are on this host."""

_WELL: Final = 6
"""Services that are well and have a row of their own."""

_STANDING: Final = frozenset({Update.RUNNING, Update.PAUSED, Update.HELD, Update.ROLLING_BACK})
"""Updates that have not come to their end."""


def rows(snapshot: Snapshot, key: str, width: int, now: float) -> list[Row]:
    """All of the place whose row is ``key`` (``place:NAME``, ``engine:NAME``); none of no place."""
    kind, _, name = key.partition(":")
    place = next((each for each in places.known(snapshot, now) if each.key == key), None)
    if place is None:
        return []
    host = _host_of(snapshot, name) if kind == "place" else None
    engine = _engine_of(snapshot, name) if kind == "engine" else None
    parts = [
        ("", [Row("head", _head(place.state, name, place.kind, place.trouble, width))]),
        ("Services", _services(snapshot, name, width)),
        *(_of_host(snapshot, host, width, now) if host is not None else ()),
        *(_of_engine(engine, width, now) if engine is not None else ()),
        ("Reached", _reached(_source_of(snapshot, kind, name), host, engine, width, now)),
    ]
    out: list[Row] = []
    for title, found in parts:
        if not found:
            continue
        if title:
            out.append(Row(f"blank:{title}", BLANK))
            out.append(Row(f"part:{title}", (Span(f" {title}", Role.HEADER),)))
        out += (Row(row.key, clip_line(row.line, width)) for row in found)
    return out


def title(key: str) -> str:
    """What the page is called."""
    kind, _, name = key.partition(":")
    return f"{'Host' if kind == 'place' else 'Place'} {name}"


def _this_host(snapshot: Snapshot) -> list[HostView]:
    return [each for each in snapshot.hosts if not each.elsewhere]


def _host_of(snapshot: Snapshot, name: str) -> HostView | None:
    return next((each for each in snapshot.hosts if each.host.name == name), None)


def _engine_of(snapshot: Snapshot, name: str) -> EngineView | None:
    return next((each for each in snapshot.engines if each.inventory.place.name == name), None)


def _source_of(snapshot: Snapshot, kind: str, name: str) -> SourceView | None:
    """Who reads it."""
    of_host = kind == "place"
    for each in snapshot.sources:
        if of_host and each.id.kind is SourceKind.HOST and each.id.name == name:
            return each
        if not of_host and each.id.kind.tells_replicas and each.id.name == name:
            return each
    # This host is read under another name than the one that it has.
    this = (each for each in snapshot.sources if of_host and each.id == THIS_HOST)
    return next(this, None)


def _head(state: State, name: str, kind: str, trouble: str, width: int) -> Line:
    said = trouble or ("" if state is State.OK else "nothing is known of it")
    line = (
        Span(f" {state.glyph} {state} ", state_role(state)),
        Span(f" {cut_name(name, _NAME)}", Role.STRONG),
        Span(f"  {kind}", Role.MUTED),
        Span(f"  {said}" if said else "", Role.TEXT),
    )
    return clip_line(line, width)


def _services(snapshot: Snapshot, name: str, width: int) -> list[Row]:
    """The services that are on it, those in trouble first."""
    here = _LOOPBACK if any(each.host.name == name for each in _this_host(snapshot)) else set()
    wanted = {name, *here}
    mine = [each for each in snapshot.services if wanted & set(each.places)]
    ordered = sorted(mine, key=lambda each: (-each.state.urgency, each.name))
    well = [each for each in ordered if each.state is State.OK]
    rest = well[_WELL:] if len(well) > _WELL + 1 else []
    shown = ordered[: len(ordered) - len(rest)]
    out = [Row(f"service:{each.name}", _service(each, width)) for each in shown]
    if rest:
        names = cut_sentence(", ".join(each.name for each in rest), max(8, width - 20))
        said = (
            Span(f" {State.OK.glyph} ", Role.OK),
            Span(f"{len(rest)} more ok", Role.TEXT),
            Span(f"   {names}", Role.MUTED),
        )
        out.append(Row("services:ok", said))
    return out


def _service(service: ServiceView, width: int) -> Line:
    name = max(12, min(_NAME, width // 3))
    role = state_role(service.state, stale=service.stale)
    return clip_line(
        (
            Span(f" {service.state.glyph} ", role),
            Span(fit(cut_name(service.name, name), name)),
            Span(" "),
            Span(cut_sentence(service.reason, max(8, width - name - 5)), Role.MUTED),
        ),
        width,
    )


def _of_host(
    snapshot: Snapshot, seen: HostView, width: int, now: float
) -> Iterator[tuple[str, list[Row]]]:
    host, stale = seen.host, seen.stale(now)
    yield "Figures", resources.host_rows(host, width, now, stale=stale)
    yield "Certificates", _certificates(host, stale, width, now)
    yield "Processes", _processes(host, width, stale)
    units = host.name if seen.elsewhere else UNITS_HERE.name
    for engine in snapshot.engines:
        if engine.inventory.place == Place(PlaceKind.HOST, units):
            yield "Units", resources.engine_rows(engine, width, now)
        elif engine.inventory.place.kind is PlaceKind.ENGINE and not seen.elsewhere:
            what = f"Containers of {engine.inventory.place.name}"
            yield what, resources.engine_rows(engine, width, now)


def _certificates(host: Host, stale: bool, width: int, now: float) -> list[Row]:
    """Each that is watched: whose, for which names, and when it ends."""
    found = []
    for each in host.certificates:
        said = resources.certificate_words(each, now).removeprefix("certificate ")
        if each.validity is not None:
            ends = figures.date(each.validity.ends)
            said = f"{said} ({ends}) · {', '.join(each.names)}".removesuffix(" · ")
        line = _one(each.state(now), each.path, said, stale, width)
        found.append(Row(f"certificate:{each.path}", line))
    return found


def _processes(host: Host, width: int, stale: bool) -> list[Row]:
    role = Role.STALE if stale else Role.TEXT
    return [
        Row(
            f"process:{each.pid}",
            clip_line(
                (
                    Span(f" {each.pid:>8} ", Role.MUTED),
                    Span(fit(cut_name(each.name, _NAME), _NAME), role),
                    Span(f" {figures.percent(each.cpu):>5} {figures.size(each.memory):>8}", role),
                    Span(f"  {each.user}", Role.MUTED),
                ),
                width,
            ),
        )
        for each in host.processes
    ]


def _of_engine(seen: EngineView, width: int, now: float) -> Iterator[tuple[str, list[Row]]]:
    inventory, stale = seen.inventory, seen.stale(now)
    if inventory.place.kind is not PlaceKind.CLUSTER:
        yield "What runs", resources.engine_rows(seen, width, now)
        return
    yield "Figures", _figures(inventory, stale, width)
    yield "Nodes", _nodes(inventory.nodes, stale, width)
    yield "Rollouts that stand", _rollouts(inventory.workloads, stale, width)
    yield "Pods that wait", _waiting(inventory.replicas, stale, width, now)
    yield "Workloads", _workloads(inventory.workloads, stale, width)


def _figures(inventory: Inventory, stale: bool, width: int) -> list[Row]:
    """What its pods use of what its nodes have for pods."""
    pods = [each for each in inventory.replicas if each.runs]
    parts = ["1 pod runs" if len(pods) == 1 else f"{len(pods)} pods run"]
    if inventory.nodes:
        ready = sum(each.ready is True for each in inventory.nodes)
        parts.append(f"{ready} of {len(inventory.nodes)} nodes ready")
    used = [each.cpu for each in pods if each.cpu is not None]
    room = [each.cpu for each in inventory.nodes if each.cpu is not None]
    if used and room:
        parts.append(f"{sum(used):.1f} of {sum(room):.0f} cores")
    held = [each.memory for each in pods if each.memory is not None]
    space = [each.memory for each in inventory.nodes if each.memory is not None]
    if held and space:
        parts.append(f"{figures.size(sum(held))} of {figures.size(sum(space))} of memory")
    role = Role.STALE if stale else Role.TEXT
    return [Row("figures", clip_line((Span(f" {' · '.join(parts)}", role),), width))]


def _nodes(nodes: Sequence[ClusterNode], stale: bool, width: int) -> list[Row]:
    """Those that are not as usual, each with why; the others are in the figures."""
    found = []
    for each in sorted(nodes, key=lambda node: node.name):
        judged = judge_node(each)
        if judged.reason:
            said = judged.reason.removeprefix(f"node {each.name}").lstrip(": ")
            line = _one(judged.state, each.name, said, stale, width)
            found.append(Row(f"node:{each.name}", line))
    return found


def _rollouts(workloads: Sequence[Workload], stale: bool, width: int) -> list[Row]:
    """Updates under way, and workloads of which copies are lacking."""
    found = []
    for each in workloads:
        judged = judge_workload(each)
        if each.update not in _STANDING and judged.state is State.OK and each.trouble is None:
            continue
        said = judged.reason.removeprefix(f"{each.label}: ") or f"update {each.update}"
        if each.updated is not None and each.update in _STANDING:
            said = f"{each.updated} of {each.wanted} updated; {said}"
        if each.trouble is not None:
            said = f"{said_of(each.trouble)}; {said}"
        line = _one(
            judged.state, each.name.partition("/")[0] + "/" + each.label, said, stale, width
        )
        found.append(Row(f"rollout:{each.id}", line))
    return found


def _waiting(replicas: Sequence[Replica], stale: bool, width: int, now: float) -> list[Row]:
    """Pods that do not serve, with why: those that were never started before the others."""
    ill = [
        each
        for each in replicas
        if each.trouble is not None or each.phase is Phase.PENDING or each.loop
    ]
    found = []
    for each in sorted(ill, key=lambda pod: (-pod.state.urgency, pod.namespace, pod.name)):
        said = said_of(each.trouble) if each.trouble is not None else each.detail or each.status
        at = each.trouble.at if each.trouble is not None else None
        since = f", {figures.age(now - at)}" if at is not None and at <= now else ""
        line = _one(each.state, f"{each.namespace}/{each.name}", f"{said}{since}", stale, width)
        found.append(Row(f"replica:{each.id}", line))
    return found


def _workloads(workloads: Sequence[Workload], stale: bool, width: int) -> list[Row]:
    ordered = sorted(workloads, key=lambda each: (-judge_workload(each).state.urgency, each.name))
    return [
        Row(
            f"workload:{each.id}",
            _one(
                judge_workload(each).state,
                f"{each.name.partition('/')[0]}/{each.label}",
                f"{each.kind}, {each.running} of {each.wanted} copies  {each.image}",
                stale,
                width,
            ),
        )
        for each in ordered
    ]


def _one(state: State, name: str, said: str, stale: bool, width: int) -> Line:
    room = max(16, min(44, width * 2 // 5))
    return clip_line(
        (
            Span(f" {state.glyph} ", state_role(state, stale=stale)),
            Span(fit(cut_name(name, room), room), Role.STALE if stale else Role.TEXT),
            Span(" "),
            Span(cut_sentence(said, max(8, width - room - 5)), Role.MUTED),
        ),
        width,
    )


def _reached(
    source: SourceView | None,
    host: HostView | None,
    engine: EngineView | None,
    width: int,
    now: float,
) -> list[Row]:
    """Where it is asked, how often, since when; what of it is not read."""
    said: list[tuple[str, Role]] = []
    endpoint = source.endpoint if source is not None else ""
    if engine is not None and not endpoint:
        endpoint = engine.inventory.endpoint
    if endpoint:
        said.append((endpoint, Role.TEXT))
    if engine is not None and engine.inventory.version:
        said.append((f"version {engine.inventory.version}", Role.TEXT))
    if host is not None:
        up = f"up {figures.age(host.host.uptime)}" if host.host.uptime else ""
        known = ", ".join(filter(None, (host.host.platform, up)))
        said += [(known, Role.TEXT)] if known else []
    if source is not None:
        every = f"every {figures.age(source.interval)}"
        if source.fault is not None:
            since = figures.age(now - source.since)
            said.append((f"not read for {since}: {source.fault}", Role.UNKNOWN))
            if source.fault.hint:
                said.append((source.fault.hint, Role.MUTED))
        elif source.taken_at is not None:
            ago, since = figures.age(now - source.taken_at), figures.age(now - source.since)
            said.append((f"read {ago} ago, {every}, without a break for {since}", Role.TEXT))
    unread = engine.inventory.unread if engine is not None else ()
    said += [(f"no {each.what}: {each.fault}", Role.UNKNOWN) for each in unread]
    return [
        Row(f"reached:{number}", (Span(f" {cut_sentence(text, max(8, width - 2))}", role),))
        for number, (text, role) in enumerate(said)
    ]
