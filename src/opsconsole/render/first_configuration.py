"""A first configuration of what was found. Pure.

Invariant: each line says where it comes from. What is not certain, and every change but a restart,
is a comment, and holds once its ``#`` is taken away. Nothing but what was found is in it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from opsconsole.dataclass import dataclass
from opsconsole.model.running.workloads import Inventory, Replica
from opsconsole.model.written.draft import Draft, Entry, offered_ports
from opsconsole.render.draft import entry_lines
from opsconsole.render.yaml_text import flow, scalar
from opsconsole.text import sanitize

if TYPE_CHECKING:
    from opsconsole.config.effective import FoundService
    from opsconsole.config.offers import ServerAround
    from opsconsole.config.settings import Docker

_HEAD: Final = (
    "# Written by opsconsole init, of what ran then. Behind each line is where it comes from.",
    "# What begins with # is not certain, or is a change that you may allow.",
    "",
)
_IMPORTED: Final = (
    "# Written by opsconsole import, of {}. Behind each line is where it comes from.",
    "# What begins with # is not certain, or is a change that you may allow.",
    "",
)
_ENABLED: Final = "restart"
_ENGINE: Final = frozenset({"engine"})
"""What is left out where there is only one."""
_REASONS: Final = {
    "group": "its project, or the label io.opsconsole.group",
    "team": "the label io.opsconsole.team",
    "engine": "the engine that has it, of several",
    "host": "the host that has it",
    "job": "the job whose targets are its copies",
    "labels": "the series of that job",
    "prometheus": "the server that scrapes it",
    "depends_on": "its labels",
    "instances": "the ports that its containers publish",
    "health": "the label io.opsconsole.health",
    "logs": "its containers",
    "restart": "its engine can, one copy after the other",
    "rollback": "its engine can, to the image before",
    "scale": "its engine can, between 1 and 10 copies",
}
_OF_UNITS: Final = {
    "group": "what runs it",
    "logs": "the journal of its unit",
    "restart": "systemd can",
}
_OF_CLUSTERS: Final = {
    "group": "its namespace, or the annotation opsconsole.io/group",
    "team": "the annotation opsconsole.io/team",
    "depends_on": "the annotation opsconsole.io/depends-on",
    "health": "the annotation opsconsole.io/health",
    "logs": "its pods",
    "restart": "its cluster can, one copy after the other",
    "rollback": "its cluster can, to the template before",
    "scale": "its cluster can, between 1 and 10 copies",
}
_KEYS: Final = (
    "group", "team", "host", "engine", "containers", "kubernetes", "units", "job", "labels",
    "prometheus", "depends_on", "instances", "health", "logs",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class FirstConfiguration:
    """The lines of the file; what was found with its evidence; what is left open and what was not
    understood, a line each."""

    lines: tuple[str, ...]
    found: tuple[tuple[str, str], ...]
    left_open: tuple[str, ...]
    not_understood: tuple[str, ...] = ()


def first_configuration(
    services: "Sequence[FoundService]",
    servers: "Sequence[ServerAround]",
    jobs: "Sequence[FoundService]",
    inventories: Iterable[Inventory],
    faults: Sequence[str],
    engines: "Sequence[Docker]" = (),
) -> FirstConfiguration:
    """``services`` as they are, ``servers`` and their ``jobs`` as offers, and what did not answer
    as left open.

    ``engines`` are named where they are not the one that is read anyway.
    """
    containers = {each.name: each for seen in inventories for each in seen.replicas}
    lines, left_open = [*_HEAD], [*faults]
    if engines:
        sockets = [each.model_dump(include={"name", "host"}, exclude_none=True) for each in engines]
        lines.append(f"docker: {flow(sockets)}  # the sockets that are there")
    for server in servers:
        lines.append(f"#{server.kind}: {{url: {scalar(server.url)}}}  # {server.evidence}")
        left_open.append(f"the {server.kind} at {server.url} is offered as a comment: is it yours?")
    scraped = ", prometheus: true" if any(each.kind == "prometheus" for each in servers) else ""
    units = ", systemd: true" if any(each.service.units for each in services) else ""
    clusters = ", kubernetes: true" if any(each.service.kubernetes for each in services) else ""
    found_later = f"{{docker: true{clusters}{scraped}{units}}}"
    lines += [f"#discover: {found_later}  # finds what will run later as well", ""]
    lines.append("services:" if services else "services: {}")
    for each in services:
        lines += service_lines(each, containers, engine=len(engines) > 1)
        ports = _unused_ports(each, containers)
        if ports:
            named = ", ".join(ports)
            left_open.append(f"{each.name} publishes {named}: on which path is its health?")
    found = [(each.name, each.evidence) for each in services]
    known = {each.name for each in services}
    for each in jobs:
        if each.name not in known:
            drafted = _drafted(each, {}, engine=False)
            lines += entry_lines(Entry(each.name, drafted.value, drafted.why, stands=False), 2)
            found.append((each.name, f"{each.evidence}, offered as a comment"))
    found += [(f"a {each.kind}", f"{each.evidence}, at {each.url}") for each in servers]
    return FirstConfiguration(tuple(lines), tuple(found), tuple(left_open))


def imported(draft: Draft, files: Sequence[str]) -> FirstConfiguration:
    """What files of other programs say, with what was not understood of them."""
    lines = [_IMPORTED[0].format(", ".join(files)), *_IMPORTED[1:]]
    for each in draft.settings:
        lines += entry_lines(each)
    standing = any(each.stands for each in draft.services)
    lines.append("")
    if draft.services:
        lines.append("services:" if standing else "#services:")
    for each in draft.services:
        lines += entry_lines(each, 2)
    lines += [f"# not understood: {sanitize(each)}" for each in draft.not_understood]
    return FirstConfiguration(tuple(lines), draft.found, draft.left_open, draft.not_understood)


def service_lines(
    found: "FoundService", containers: Mapping[str, Replica], *, engine: bool = False
) -> Iterator[str]:
    """The lines of one service, below ``services:``; ``containers`` are those of its logs.

    With ``engine`` they name the engine, of which there are several.
    """
    yield from entry_lines(_drafted(found, containers, engine=engine), 2)


def _drafted(found: "FoundService", containers: Mapping[str, Replica], *, engine: bool) -> Entry:
    dumped = found.service.model_dump(mode="json", by_alias=True, exclude_unset=True)
    document = _plain(dumped, without=frozenset() if engine else _ENGINE)
    own = _OF_UNITS if "units" in document else {}
    own = _OF_CLUSTERS if "kubernetes" in document else own
    named = dict.fromkeys(("containers", "kubernetes", "units"), found.evidence)
    reasons = {**_REASONS, **named, **own}
    entries = [
        Entry(key, _short(key, document[key]), reasons[key]) for key in _KEYS if key in document
    ]
    ports = _unused_ports(found, containers)
    if ports:
        entries += offered_ports(ports, reasons["instances"])
    actions = document.get("actions", {})
    if actions:
        entries.append(
            Entry(
                "actions",
                tuple(
                    Entry(kind, target, reasons[kind], stands=kind == _ENABLED)
                    for kind, target in actions.items()
                ),
                "what may be done to it",
            )
        )
    return Entry(found.name, tuple(entries), found.evidence)


def _short(key: str, value: Any) -> Any:
    return value["path"] if key == "health" else value


def _plain(value: Any, *, without: frozenset[str]) -> Any:
    """Without the keys ``without``, and without what is not set."""
    if isinstance(value, dict):
        return {
            key: _plain(each, without=without)
            for key, each in value.items()
            if key not in without and each is not None
        }
    return [_plain(each, without=without) for each in value] if isinstance(value, list) else value


def _unused_ports(found: "FoundService", containers: Mapping[str, Replica]) -> list[str]:
    """Where its published ports are on this host, if no path of them is known."""
    if "instances" in found.service.model_fields_set:
        return []
    named = (containers.get(each.docker or "") for each in found.service.logs)
    return [
        f"http://127.0.0.1:{port.public}"
        for replica in named
        if replica is not None
        for port in replica.ports
        if port.public is not None and port.protocol == "tcp"
    ]
