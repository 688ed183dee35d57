"""What a Docker Engine runs, as services: of Compose, of Swarm, or a container alone. Pure.

Invariant: the same inventory always gives the same names, and a name says where it comes from, so
that it never comes to mean something else: ``PROJECT-SERVICE``, a Swarm service's own name, a
container's own name; with ``-ENGINE`` behind it where several engines are looked at. What a
declared service names already is no other service. A label is text of others: it can add a path to
probe on this service's own published port, its heading and what it depends on, and take actions
away; never a command, never an address.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

from opsconsole.config.discovery import NATIVE_ACTIONS, DockerDiscovery
from opsconsole.config.effective import FoundService
from opsconsole.config.services import Service
from opsconsole.config.settings import Settings
from opsconsole.dataclass import dataclass
from opsconsole.discovery.finding import Finding, fit, labelled, matches
from opsconsole.model.running.workloads import Inventory, Phase, Port, Replica
from opsconsole.model.source_id import SourceId, SourceKind
from opsconsole.sources.docker.workloads import COMPOSE, SWARM

LABEL: Final = "io.opsconsole."
RECENT: Final = 86_400.0
"""Seconds in which a container that failed is worth showing although nobody saw it run."""

_PROJECT: Final = f"{COMPOSE}project"
_NEEDS: Final = f"{COMPOSE}depends_on"
_STACK: Final = "com.docker.stack.namespace"
_OUR_HELPERS: Final = f"{LABEL}helper"
_STAND_IN: Final = re.compile(r".+-(?:before|next)-[0-9a-f]{12}")
"""The other container while a rollback replaces one."""

_ASKED_TO_END: Final = frozenset({0, 130, 137, 143})
_PROBE: Final = re.compile(r"(?P<port>[0-9]{1,5})?(?P<path>/(?!/)\S*)")
_LOOPBACK: Final = "127.0.0.1"


@dataclass(slots=True)
class _Group:
    """The containers of one service. ``kind`` is ``swarm``, ``compose`` or ``container``."""

    kind: str
    own: str
    project: str = ""
    wanted: int = 0
    replicas: list[Replica] = field(default_factory=list)

    @property
    def reference(self) -> str:
        """What it is called in ``containers``."""
        return f"{self.project}/{self.own}" if self.kind == "compose" and self.project else self.own

    @property
    def names(self) -> frozenset[str]:
        """All that a declared service may call it."""
        return frozenset({self.own, self.reference, *(each.name for each in self.replicas)})

    @property
    def labels(self) -> Mapping[str, str]:
        """Those of its first container."""
        return self.replicas[0].labels if self.replicas else {}

    @property
    def evidence(self) -> str:
        """Why it is taken for a service."""
        match self.kind:
            case "compose" if self.project:
                return f"service {self.own} of Compose project {self.project}"
            case "swarm":
                return f"Swarm service {self.own}"
        return f"container {self.own}"


def read(declared: Settings, inventory: Inventory, now: float | None) -> tuple[Finding, ...]:
    """The services of ``inventory`` that ``declared`` wants found, by name.

    ``now`` is by the clock of the replicas' times; None where these are not known.
    """
    rules, place = declared.discover.docker, inventory.place.name
    engines = [each.name for each in declared.discovered]
    if rules is None or place not in engines:
        return ()
    suffix = f"-{place}" if len(engines) > 1 else ""
    named = dict(_named(_groups(inventory), declared, place, suffix))
    by = SourceId(SourceKind.DOCKER, place)
    host = _host(inventory.endpoint)
    return tuple(
        Finding(
            FoundService(name, Service.model_validate(document), by, group.evidence),
            serves=_serves(group, now),
            is_over=_is_over(group),
        )
        for name, group in sorted(named.items())
        if _is_wanted(name, group, rules)
        for document in (
            {
                **_document(group, place, rules, _needs(group, named, declared)),
                **_probed(group, suffix, host),
            },
        )
    )


def _groups(inventory: Inventory) -> list[_Group]:
    """Swarm's first, then those of Compose, then what is alone."""
    groups: dict[tuple[str, str], _Group] = {}
    for workload in inventory.workloads:
        key = "swarm", workload.name
        groups[key] = _Group(*key, wanted=workload.wanted)
    for replica in sorted(inventory.replicas, key=lambda each: each.name):
        group = _group_of(replica)
        if group is not None:
            known = groups.setdefault((group.kind, group.reference), group)
            known.project = group.project
            known.replicas.append(replica)
    order = ("swarm", "compose", "container")
    return sorted(groups.values(), key=lambda each: (order.index(each.kind), each.reference))


def _group_of(replica: Replica) -> _Group | None:
    """An empty group such as ``replica`` belongs to; None for what is no copy of a service."""
    labels = replica.labels
    if _OUR_HELPERS in labels or _STAND_IN.fullmatch(replica.name):
        return None
    if f"{SWARM}name" in labels:
        return (
            _Group("swarm", replica.workload, labels.get(_STACK, "")) if replica.workload else None
        )
    project = labels.get(_PROJECT, "")
    if replica.workload:
        return _Group("compose", replica.workload.removeprefix(f"{project}/"), project)
    # What ``compose run`` made has a project and is a copy of nothing.
    return None if project else _Group("container", replica.name)


def _named(
    groups: Iterable[_Group], declared: Settings, place: str, suffix: str
) -> Iterator[tuple[str, _Group]]:
    """Each group with the name that it has as a service; what is declared already is left out."""
    references = _references(declared, place)
    taken: set[str] = set()
    for group in groups:
        name = fit(f"{group.project}-{group.own}" if group.kind == "compose" else group.own, suffix)
        known = {each for reference in group.names for each in references[reference]}
        if known - {name}:
            continue
        # A declared service that names other containers is not this one.
        other = name in declared.services and not known and _names_any(declared, name)
        if name in taken or other:
            name = fit(name, f".{group.kind}")
        if name and name not in taken:
            taken.add(name)
            yield name, group


def _references(declared: Settings, place: str) -> defaultdict[str, set[str]]:
    """The declared services by what they call their containers."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for name, service in declared.services.items():
        if service.engine in {None, place}:
            for each in service.containers:
                found[each].add(name)
        for instance in service.instances:
            if instance.container and (instance.engine or service.engine) in {None, place}:
                found[instance.container].add(name)
    return found


def _names_any(declared: Settings, name: str) -> bool:
    service = declared.services[name]
    return bool(service.containers) or any(each.container for each in service.instances)


def _is_wanted(name: str, group: _Group, rules: DockerDiscovery) -> bool:
    if rules.projects and not matches(group.project, rules.projects):
        return False
    if rules.names and not matches(name, rules.names):
        return False
    return all(labelled(group.labels, each) for each in rules.labels)


def _serves(group: _Group, now: float | None) -> bool:
    return group.wanted > 0 or any(
        each.phase in {Phase.RUNNING, Phase.PAUSED, Phase.RESTARTING} or _has_failed(each, now)
        for each in group.replicas
    )


def _is_over(group: _Group) -> bool:
    ended = (each.phase is Phase.ENDED and each.exit_code == 0 for each in group.replicas)
    return not group.wanted and all(ended)


def _has_failed(replica: Replica, now: float | None) -> bool:
    if replica.phase is not Phase.ENDED or replica.finished_at is None or now is None:
        return False
    failed = replica.oom_killed or replica.exit_code not in {None, *_ASKED_TO_END}
    return failed and now - replica.finished_at < RECENT


def _document(
    group: _Group, place: str, rules: DockerDiscovery, needs: tuple[str, ...]
) -> dict[str, Any]:
    """What was found of it, and nothing else, is set."""
    document: dict[str, Any] = {"containers": [group.reference], "engine": place}
    heading = group.labels.get(f"{LABEL}group", group.project)
    if heading:
        document["group"] = heading
    team = group.labels.get(f"{LABEL}team")
    if team:
        document["team"] = team
    if needs:
        document["depends_on"] = needs
    document["logs"] = (
        [{"swarm": group.own, "engine": place}]
        if group.kind == "swarm"
        else [{"docker": each.name, "engine": place} for each in group.replicas]
    )
    allowed = _allowed(group, rules)
    actions = {kind: what for kind, what in _actions(group, place) if kind in allowed}
    if actions:
        document["actions"] = actions
    return document


def _needs(group: _Group, named: Mapping[str, _Group], declared: Settings) -> tuple[str, ...]:
    """The services that its labels say it needs, as far as there are such."""
    own = {
        each.own: name
        for name, each in named.items()
        if (each.kind, each.project) == (group.kind, group.project)
    }
    wanted = [*_words(group.labels.get(f"{LABEL}depends-on", "")), *_compose_needs(group.labels)]
    found = (
        own.get(each) or (each if each in named or each in declared.services else "")
        for each in wanted
    )
    return tuple(dict.fromkeys(each for each in found if each and named.get(each) is not group))


def _compose_needs(labels: Mapping[str, str]) -> list[str]:
    """``db:service_started:false,cache:service_healthy:false``, as Compose writes it."""
    return [each.partition(":")[0] for each in _words(labels.get(_NEEDS, ""))]


def _allowed(group: _Group, rules: DockerDiscovery) -> frozenset[str]:
    """What the rules allow and no container's label leaves out."""
    allowed = frozenset[str](rules.actions)
    for each in group.replicas:
        said = each.labels.get(f"{LABEL}actions")
        if said is not None:
            allowed &= frozenset(_words(said))
    return allowed


def _actions(group: _Group, place: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """What its engine can do to it by itself, in the order of a menu."""
    restart, rollback, scale = NATIVE_ACTIONS
    if group.kind == "swarm":
        for kind in (restart, rollback, scale):
            yield kind, {"swarm": {"service": group.own, "engine": place}}
        return
    target = {"containers": [group.reference], "engine": place}
    yield restart, {"docker": target}
    yield rollback, {"docker": {**target, "image": "previous"}}
    begin = _numbered(group)
    if begin:
        yield scale, {"docker": {"containers": [f"{begin}*"], "engine": place}}


def _numbered(group: _Group) -> str:
    """What the names of a Compose service's containers begin with before a number; '' if not."""
    if group.kind != "compose" or not group.project:
        return ""
    for mark in "-_":
        begin = f"{group.project}{mark}{group.own}{mark}"
        rest = [each.name.removeprefix(begin) for each in group.replicas]
        if all(each.isdigit() for each in rest):
            return begin
    return ""


def _probed(group: _Group, suffix: str, host: str | None) -> dict[str, Any]:
    """The health endpoint that a label names, at the published port of each container."""
    probe = _PROBE.fullmatch(group.labels.get(f"{LABEL}health", ""))
    if probe is None:
        return {}
    wanted = int(probe["port"]) if probe["port"] else None
    instances = [
        {"url": url, "name": fit(each.name, suffix) or None, "container": each.name}
        for each in group.replicas
        if (url := _url(each.ports, wanted, host))
    ]
    if not instances:
        return {}
    return {"instances": instances, "health": probe["path"]}


def _url(ports: Iterable[Port], wanted: int | None, host: str | None) -> str:
    """Where a published port is reached from here; '' where it is not."""
    for port in ports:
        if port.public is None or port.protocol != "tcp" or wanted not in {None, port.private}:
            continue
        address = port.address or host or _LOOPBACK
        if not _is_reached(address, host):
            continue
        return f"http://{f'[{address}]' if ':' in address else address}:{port.public}"
    return ""


def _is_reached(address: str, host: str | None) -> bool:
    """Whether what listens at ``address`` of an engine's host may be reached from here."""
    if address == host:
        return True
    try:
        is_loopback = ip_address(address).is_loopback
    except ValueError:
        return False
    return host is None or not is_loopback


def _host(endpoint: str) -> str | None:
    """The host of an engine that is elsewhere; None for one that is here."""
    url = endpoint.partition(" ")[0]
    host = None if url.startswith("unix:") else urlsplit(url).hostname
    return None if host in {"localhost", "::1"} or (host or "").startswith("127.") else host


def _words(text: str) -> list[str]:
    return [each.strip() for each in text.split(",") if each.strip()]
