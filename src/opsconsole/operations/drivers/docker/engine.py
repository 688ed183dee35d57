"""The Docker Engine that an action names, and what it says of single containers.

Invariant: containers are addressed by their full id, never by a name that another container may
have taken. Calls run on the driver's own threads with a deadline. A container is READ here as
the panels read it.
"""

import json
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast
from urllib.parse import quote

from opsconsole.config.settings import Docker
from opsconsole.dataclass import dataclass
from opsconsole.model.state import State
from opsconsole.operations.driving.driver import DriverContext, ObserveError
from opsconsole.sources.docker.client import classify, connect, get_json
from opsconsole.sources.docker.containers import judge
from opsconsole.sources.docker.endpoint import DockerUnavailableError, resolve
from opsconsole.sources.json_fields import read_time
from opsconsole.text import sanitize
from opsconsole.threads import BoundedExecutor, QueueFullError

if TYPE_CHECKING:
    from docker import DockerClient

T = TypeVar("T")

_LIMIT: Final = 120

_USUAL_PERIOD: Final = 100_000
"""Microseconds of the kernel's own CPU period."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A container as inspected. ``started`` is the engine's own text, exact to the nanosecond.

    Limits are 0 where there is none: ``memory`` in bytes, ``swap`` in bytes of both together (-1:
    no end), ``cpus`` whichever way it was set; ``cpu_period`` in µs where it was set by quota.
    """

    id: str
    name: str
    image: str
    image_id: str
    status: str
    health: str
    started: str
    restarts: int
    exit_code: int | None
    oom: bool
    paused: bool
    cpus: float
    memory: int
    swap: int
    cpu_period: int
    labels: Mapping[str, str]

    @property
    def state(self) -> State:
        """As the panels judge it."""
        return judge(self.status, self.health, self.exit_code, oom_killed=False)

    @property
    def started_at(self) -> float | None:
        """Unix seconds of the engine's clock, None when it has never run."""
        return read_time(self.started)


class EngineCalls:
    """One engine, asked on threads of the driver's own; a client for each call."""

    def __init__(self, engine: Docker, threads: BoundedExecutor) -> None:
        self._engine = engine
        self._threads = threads

    @property
    def name(self) -> str:
        """What the configuration calls the engine."""
        return self._engine.name

    async def run(self, call: Callable[["DockerClient"], T], *, deadline: float) -> T:
        """``call`` with a fresh client. Raises ObserveError when the engine cannot be reached;
        what ``call`` itself raises comes through.
        """
        return await self._threads.run(self._connected, call, deadline=deadline)

    async def inspect(self, container: str) -> Seen | None:
        """The container of that name or id, None when there is none. Raises ObserveError."""
        return await self._look(lambda client: self._inspect(client, container))

    async def get(self, path: str, parameters: Mapping[str, str] | None = None) -> object | None:
        """``GET path`` as decoded JSON, None where there is no such thing. Raises ObserveError."""
        return await self._look(lambda client: self._get(client, path, parameters))

    async def document(self, container: str) -> Mapping[str, Any] | None:
        """All that an inspect says of that name or id, None when there is none.

        It holds the container's environment, so nothing of it may be shown or kept.
        """
        found = await self.get(f"/containers/{quote(container, safe='')}/json")
        return cast(Mapping[str, Any], found) if isinstance(found, dict) else None

    async def labelled(self, label: str) -> tuple[Seen, ...]:
        """The containers that carry ``label``, by name, running or not. Raises ObserveError."""
        return await self._look(lambda client: self._labelled(client, label))

    async def _look(self, call: Callable[["DockerClient"], T]) -> T:
        from docker.errors import DockerException

        endpoint = None
        try:
            endpoint = resolve(self._engine, os.environ)
            return await self.run(call, deadline=2 * self._engine.timeout + 1)
        except (DockerUnavailableError, QueueFullError, TimeoutError) as error:
            raise ObserveError(f"cannot look at Docker: {error}") from error
        except (OSError, ValueError, DockerException) as error:
            assert endpoint is not None
            fault = classify(error, endpoint, self._engine.timeout)
            raise ObserveError(f"cannot look at Docker: {fault}", remedy=fault.hint) from error

    def _connected(self, call: Callable[["DockerClient"], T]) -> T:
        client = connect(resolve(self._engine, os.environ), self._engine.timeout)
        try:
            return call(client)
        finally:
            client.close()

    def _inspect(self, client: "DockerClient", container: str) -> Seen | None:
        answer = self._get(client, f"/containers/{quote(container, safe='')}/json", None)
        return None if answer is None else _seen(answer)

    def _get(
        self, client: "DockerClient", path: str, parameters: Mapping[str, str] | None
    ) -> object | None:
        try:
            return get_json(client, path, parameters, deadline=self._engine.timeout)
        except DockerUnavailableError as error:
            if error.fault.status == 404:
                return None
            raise

    def _labelled(self, client: "DockerClient", label: str) -> tuple[Seen, ...]:
        filters = json.dumps({"label": [label]})
        parameters = {"all": "1", "filters": filters}
        listed = get_json(client, "/containers/json", parameters, deadline=self._engine.timeout)
        ids = [item["Id"] for item in cast(list[dict[str, Any]], listed)]
        seen = (self._inspect(client, id_) for id_ in ids)
        return tuple(sorted((each for each in seen if each is not None), key=lambda it: it.name))


def engine_of(context: DriverContext, name: str | None) -> Docker:
    """The engine that the action names, else its service, else the only one. Raises ObserveError.

    Of several none is taken by its place in the file: another engine may well have containers of
    the same names.
    """
    engines = [engine for engine in context.settings.docker if engine.enabled]
    name = name or context.settings.services[context.service].engine
    found = [engine for engine in engines if name in {None, engine.name}]
    if len(found) == 1:
        return found[0]
    if not found:
        called = f" called {name}" if name else ""
        raise ObserveError(
            f"no Docker Engine{called} is configured", remedy="declare it under docker:"
        )
    raise ObserveError(
        f"{len(found)} Docker Engines are configured: {', '.join(each.name for each in found)}",
        remedy=f"say which one {context.service} is on by engine:, in the service or the action",
    )


def _cpus(host: Mapping[str, Any]) -> float:
    """The limit in CPUs, 0 where there is none."""
    quota = int(host.get("CpuQuota") or 0)
    return quota / _period(host) if quota > 0 else float(host.get("NanoCpus") or 0) / 1e9


def _period(host: Mapping[str, Any]) -> int:
    return int(host.get("CpuPeriod") or _USUAL_PERIOD)


def _seen(answer: object) -> Seen:
    document = cast(dict[str, Any], answer)
    state, config = document["State"], document["Config"]
    host = document.get("HostConfig") or {}
    return Seen(
        id=str(document["Id"]),
        name=sanitize(str(document["Name"]).lstrip("/"), limit=_LIMIT),
        image=sanitize(str(config.get("Image") or ""), limit=_LIMIT),
        image_id=str(document["Image"]),
        status=sanitize(str(state.get("Status") or ""), limit=_LIMIT),
        health=sanitize(str((state.get("Health") or {}).get("Status") or ""), limit=_LIMIT),
        started=sanitize(str(state.get("StartedAt") or ""), limit=_LIMIT),
        restarts=int(document.get("RestartCount") or 0),
        exit_code=state.get("ExitCode"),
        oom=bool(state.get("OOMKilled")),
        paused=bool(state.get("Paused")),
        cpus=_cpus(host),
        memory=int(host.get("Memory") or 0),
        swap=int(host.get("MemorySwap") or 0),
        cpu_period=_period(host) if int(host.get("CpuQuota") or 0) > 0 else 0,
        labels={str(key): str(value) for key, value in (config.get("Labels") or {}).items()},
    )
