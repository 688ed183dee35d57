"""The engine's JSON about containers, read into the model. Pure.

Invariant: whatever the engine sends, reading it raises nothing; a field that is missing or of
another type is not known. All text is sanitised and bounded.

Shapes: ``GET /containers/json`` and ``GET /containers/{id}/json`` of the Docker Engine API 1.24 to
1.51.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.running.workloads import Phase, Place, Port, Replica
from opsconsole.model.state import State
from opsconsole.sources.docker.made_of import made_of
from opsconsole.sources.docker.start_errors import start_error
from opsconsole.sources.docker.workloads import copy_of
from opsconsole.sources.json_fields import integer, mapping, read_time, text
from opsconsole.sources.one_of_many import each_alone
from opsconsole.text import sanitize

CONTAINERS_LIMIT: Final = 10_000
"""Containers that are kept of one engine."""

KIND: Final = "container"
_LABELS_LIMIT: Final = 64
_PORTS_LIMIT: Final = 64
_NAME_LIMIT: Final = 128
_VALUE_LIMIT: Final = 256
_ERROR_LIMIT: Final = 2000  # the cause stands at its end
_ID: Final = re.compile(r"[0-9a-f]{12,64}")
_IMAGE_ID: Final = re.compile(r"(sha256:)?[0-9a-f]{12,64}")
_HEALTH: Final = re.compile(r"\((?:health: )?(healthy|unhealthy|starting)\)")
_EXITED: Final = re.compile(r"\((\d{1,3})\)")
_STARTING_OR_STOPPED: Final = {
    "restarting": State.DEGRADED,
    "paused": State.DEGRADED,
    "dead": State.DOWN,
}
_PODMANS: Final = {
    "stopped": "exited",
    "configured": "created",
    "initialized": "created",
    "stopping": "running",
}
"""Podman's own words in its answers of the Docker API, and Docker's for them."""
_PHASES: Final = {
    "created": Phase.PENDING,
    "running": Phase.RUNNING,
    "paused": Phase.PAUSED,
    "restarting": Phase.RESTARTING,
    "exited": Phase.ENDED,
    "dead": Phase.ENDED,
    "removing": Phase.ENDED,
}
_HEALTH_STATES: Final = {
    "": State.OK,
    "none": State.OK,
    "healthy": State.OK,
    "starting": State.DEGRADED,
    "unhealthy": State.DOWN,
}


@dataclass(frozen=True, slots=True)
class Listed:
    """One container as the list has it. ``uptime`` is the engine's phrase, ``Up 2 hours``.

    ``cut_off``: it was made to be in a network and is in none any more.
    """

    id: str
    name: str
    image: str
    image_id: str
    status: str
    uptime: str
    health: str
    exit_code: int | None
    ports: tuple[Port, ...]
    labels: Mapping[str, str]
    cut_off: bool = False


@dataclass(frozen=True, slots=True)
class Inspected:
    """What only an inspection says. Times are Unix seconds of the engine's clock.

    ``made_of`` is what it was made of, as ``making`` has it.
    """

    image: str = ""
    exit_code: int | None = None
    oom_killed: bool = False
    restarts: int | None = None
    started_at: float | None = None
    finished_at: float | None = None
    memory_limit: int | None = None
    health: str = ""
    last_check: str = ""
    error: str = ""
    made_of: Mapping[str, str] = field(default_factory=dict)
    created_at: float | None = None


def read_list(answer: object) -> list[Listed] | None:
    """The containers of a list; None when it is not a list of containers."""
    if not isinstance(answer, list):
        return None
    items = [item for item in answer[:CONTAINERS_LIMIT] if isinstance(item, dict)]
    listed = [each_alone(_read_listed, item) for item in items]
    known = [item for item in listed if item is not None]
    return known if known or not answer else None


def read_inspection(answer: object) -> Inspected:
    """What an inspection says beyond the list."""
    root = mapping(answer)
    state = mapping(root.get("State"))
    health = mapping(state.get("Health"))
    memory = integer(mapping(root.get("HostConfig")).get("Memory"))
    return Inspected(
        image=text(mapping(root.get("Config")).get("Image"), _VALUE_LIMIT),
        exit_code=integer(state.get("ExitCode")),
        oom_killed=state.get("OOMKilled") is True,
        restarts=integer(root.get("RestartCount")),
        started_at=read_time(state.get("StartedAt")),
        finished_at=read_time(state.get("FinishedAt")),
        memory_limit=memory if memory and memory > 0 else None,
        health=text(health.get("Status"), _NAME_LIMIT),
        last_check=_last_check(health.get("Log")),
        error=start_error(text(state.get("Error"), _ERROR_LIMIT)),
        made_of=made_of(root),
        created_at=read_time(root.get("Created")),
    )


def join(listed: Listed, seen: Inspected | None, place: Place, *, skew: float = 0.0) -> Replica:
    """The container as the model has it. ``skew`` is the wall's lead over the steady clock."""
    facts = seen or Inspected()
    stopped = listed.status in ("exited", "dead", "restarting")
    code = listed.exit_code if listed.exit_code is not None else facts.exit_code
    exit_code = code if stopped else None
    health = listed.health or ("" if facts.health == "none" else facts.health)
    running = listed.status in ("running", "paused")
    workload, workload_id = copy_of(listed.labels, place, runs=listed.status == "running")
    return Replica(
        id=listed.id,
        name=listed.name,
        kind=KIND,
        place=place,
        workload=workload,
        workload_id=workload_id,
        image=facts.image if _IMAGE_ID.fullmatch(listed.image) and facts.image else listed.image,
        image_id=listed.image_id,
        status=listed.status,
        phase=_PHASES.get(listed.status, Phase.UNKNOWN),
        state=_state(listed, health, exit_code, facts),
        health=health if running else "",
        exit_code=exit_code,
        oom_killed=facts.oom_killed,
        restarts=facts.restarts,
        started_at=_steady(facts.started_at, skew),
        finished_at=None if running else _steady(facts.finished_at, skew),
        ports=listed.ports,
        labels=listed.labels,
        memory_limit=facts.memory_limit,
        detail=_detail(listed, health, exit_code, facts),
        start_error="" if running else facts.error,
    )


def in_a_loop(container: Replica, ends: int) -> Replica:
    """``container`` after so many ends by itself: it is not well while it happens to run."""
    said = container.detail or f"ended {ends} times by itself and was started again"
    state = State.DEGRADED if container.state is State.OK else container.state
    return replace(container, state=state, loop=ends, detail=said)


def _state(listed: Listed, health: str, exit_code: int | None, facts: Inspected) -> State:
    if listed.cut_off:
        return State.DOWN
    return judge(listed.status, health, exit_code, oom_killed=facts.oom_killed)


def judge(status: str, health: str, exit_code: int | None, *, oom_killed: bool) -> State:
    """The state of a container from the engine's words.

    Running is as healthy as its HEALTHCHECK says. Exited with 0 is unknown: only its service
    knows whether it was meant to end; any other exit is down.
    """
    if status == "running":
        return _HEALTH_STATES.get(health, State.UNKNOWN)
    if status == "exited":
        return State.DOWN if exit_code or oom_killed else State.UNKNOWN
    return _STARTING_OR_STOPPED.get(status, State.UNKNOWN)


def _read_listed(item: Mapping[str, object]) -> Listed | None:
    id_ = item.get("Id")
    if not isinstance(id_, str) or not _ID.fullmatch(id_):
        return None
    uptime = text(item.get("Status"), _NAME_LIMIT)
    said = text(item.get("State"), _NAME_LIMIT).lower()
    status = _PODMANS.get(said, said)
    health = _HEALTH.search(uptime)
    exited = _EXITED.search(uptime) if status in ("exited", "restarting", "dead") else None
    return Listed(
        id=id_,
        name=_name(item.get("Names")) or id_[:12],
        image=text(item.get("Image"), _VALUE_LIMIT),
        image_id=text(item.get("ImageID"), _NAME_LIMIT),
        status=status,
        uptime=uptime,
        health=health[1] if health else "",
        exit_code=int(exited[1]) if exited else None,
        ports=_ports(item.get("Ports")),
        labels=_labels(item.get("Labels")),
        cut_off=status == "running" and _is_cut_off(item),
    )


def _is_cut_off(item: Mapping[str, object]) -> bool:
    """Whether it has no network, though neither it nor another container's is its mode."""
    networks = mapping(item.get("NetworkSettings")).get("Networks")
    mode = text(mapping(item.get("HostConfig")).get("NetworkMode"), _NAME_LIMIT)
    alone = mode in {"", "none", "host"} or mode.startswith("container:")
    return networks == {} and not alone


def _name(names: object) -> str:
    """The container's own name; those with a second slash are links of other containers."""
    words = [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
    own = [name for name in words if name.count("/") < 2] or words
    return sanitize(own[0].removeprefix("/"), limit=_NAME_LIMIT) if own else ""


def _ports(items: object) -> tuple[Port, ...]:
    """The ports, sorted; an IPv6 wildcard beside the same IPv4 one is one port."""
    ports = {port for item in _bounded(items, _PORTS_LIMIT) if (port := _port(item))}
    wild = {(port.private, port.public, port.protocol) for port in ports if port.address == ""}
    kept = [p for p in ports if p.address == "" or (p.private, p.public, p.protocol) not in wild]
    return tuple(sorted(kept, key=lambda p: (p.private, p.public or 0, p.protocol, p.address)))


def _port(item: object) -> Port | None:
    fields = mapping(item)
    private = integer(fields.get("PrivatePort"))
    if private is None or not 0 < private < 65536:
        return None
    public = integer(fields.get("PublicPort"))
    address = text(fields.get("IP"), _NAME_LIMIT)
    return Port(
        private=private,
        public=public if public and 0 < public < 65536 else None,
        address="" if address in ("0.0.0.0", "::") else address,  # noqa: S104 - read, not bound
        protocol=text(fields.get("Type"), 8) or "tcp",
    )


def _labels(value: object) -> dict[str, str]:
    items = list(mapping(value).items())[:_LABELS_LIMIT]
    return {text(key, _NAME_LIMIT): text(value, _VALUE_LIMIT) for key, value in items}


def _last_check(log: object) -> str:
    """The last line that the last health check wrote."""
    entries = log if isinstance(log, list) else []
    output = mapping(entries[-1]).get("Output") if entries else None
    lines = output.strip().splitlines() if isinstance(output, str) else []
    return sanitize(lines[-1].strip(), limit=_VALUE_LIMIT) if lines else ""


def _detail(listed: Listed, health: str, exit_code: int | None, facts: Inspected) -> str:
    """One line that says why a container is not simply running; '' when it is."""
    if listed.cut_off:
        return "is in no network"
    if listed.status == "running":
        return _health_detail(health, facts)
    words = listed.status or "state not known"
    if exit_code is not None:
        words += f" {exit_code}"
    if facts.oom_killed:
        words += " OOM"
    return f"{words}: {facts.error}" if facts.error else words


def _health_detail(health: str, facts: Inspected) -> str:
    if health == "unhealthy":
        return f"unhealthy: {facts.last_check}" if facts.last_check else "unhealthy"
    if health == "starting":
        return "starting"
    return "a process in it ran out of memory" if facts.oom_killed else ""


def _steady(at: float | None, skew: float) -> float | None:
    return None if at is None else at - skew


def _bounded(value: object, limit: int) -> Sequence[object]:
    return value[:limit] if isinstance(value, list) else ()
