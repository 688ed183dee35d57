"""Files inside a container or a volume, as the engine's archive API gives and takes them.

Invariant: no container is ever run for it and no image is pulled. A volume that no container
mounts is reached through a container that is made from an image which is there, never started,
and removed again; the API serves the files of a container that does not run as well.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast
from urllib.parse import quote

from opsconsole.config.actions import VolumeTarget
from opsconsole.config.settings import Docker
from opsconsole.dataclass import dataclass
from opsconsole.operations.backups.faults import BackupError, shown
from opsconsole.sources.docker.client import classify, connect, get_json, open_stream, read_chunks
from opsconsole.sources.docker.endpoint import DockerEndpoint, DockerUnavailableError, resolve
from opsconsole.text import sanitize, sanitize_bytes

if TYPE_CHECKING:
    from docker import DockerClient

T = TypeVar("T")

HELPER_LABEL: Final = "io.opsconsole.helper"
_HELPER_PATH: Final = "/opsconsole-volume"
_IDLE: Final = 300.0
_OK: Final = 200
_STOP: Final = 10


@dataclass(frozen=True, slots=True)
class ContainerPath:
    """A path inside a container, by the container's id."""

    container_id: str
    container: str
    image: str
    path: str
    running: bool


@dataclass(frozen=True, slots=True)
class User:
    """A running container that uses what is backed up or restored."""

    id: str
    name: str


class ArchiveEngine:
    """One engine during one blocking call; everything raises BackupError."""

    def __init__(self, client: "DockerClient", engine: Docker, endpoint: DockerEndpoint) -> None:
        self._client = client
        self._engine = engine
        self._endpoint = endpoint
        self._timeout = engine.timeout

    @contextmanager
    def place(self, target: VolumeTarget, *, writing: bool = False) -> Iterator[ContainerPath]:
        """Where ``target`` can be reached, as long as the block lasts."""
        found = self.there(target, writing=writing)
        if found is not None:
            yield found
            return
        assert target.volume is not None
        helper = self._make_helper(target.volume)
        try:
            yield helper
        finally:
            self._client.api.remove_container(helper.container_id, v=True, force=True)

    def there(self, target: VolumeTarget, *, writing: bool = False) -> ContainerPath | None:
        """Where ``target`` can be reached as things are; None for a volume that none mounts."""
        if target.volume is not None:
            return self._mounting(target.volume, writing=writing)
        assert target.container is not None
        assert target.path is not None
        return self._in_container(target.container, target.path)

    def _mounting(self, volume: str, *, writing: bool) -> ContainerPath | None:
        """A container that mounts ``volume``, one that runs before one that does not."""
        self._check_volume(volume)
        places = [
            (item, mount)
            for item in self._containers(volume)
            for mount in item.get("Mounts") or ()
            if mount.get("Name") == volume
            and (mount.get("RW") or not writing)
            and HELPER_LABEL not in (item.get("Labels") or {})
        ]
        places.sort(key=lambda pair: pair[0]["State"] != "running")
        return _place(*places[0]) if places else None

    def folder_of(self, target: VolumeTarget) -> str:
        """Where the engine keeps ``target`` on its host, by its own words; '' for not said."""
        if target.volume is not None:
            said = self._client.api.inspect_volume(target.volume).get("Mountpoint")
        else:
            said = self._client.api.info().get("DockerRootDir")
        return str(said or "")

    def users(self, target: VolumeTarget) -> tuple[User, ...]:
        """The running containers that use ``target``."""
        if target.volume is not None:
            items = self._containers(target.volume)
            return tuple(
                User(item["Id"], _name(item)) for item in items if item["State"] == "running"
            )
        assert target.container is not None
        place = self._in_container(target.container, target.path or "/")
        return (User(place.container_id, place.container),) if place.running else ()

    def is_running(self, container: str) -> bool:
        """Whether the container of that id or name runs."""
        document = self._inspect(container)
        return bool(document["State"].get("Running"))

    @contextmanager
    def read(self, place: ContainerPath) -> Iterator[Iterator[bytes]]:
        """The archive of what is at ``place``, in pieces."""
        path = f"/containers/{quote(place.container_id, safe='')}/archive"
        waits = (self._timeout, _IDLE)
        with open_stream(self._client, path, {"path": place.path}, timeout=waits) as response:
            if response.status_code != _OK:
                raise BackupError(
                    f"the engine does not give out {shown(place.path)} of {place.container}: "
                    f"{_message(response.raw.read(4096))}"
                )
            yield self._reporting(read_chunks(response))

    def write(self, place: ContainerPath, folder: str, chunks: Iterator[bytes]) -> None:
        """Have the engine extract an archive in ``folder`` of the place's container."""
        api = self._client.api
        url = f"{api.base_url}/v{api.api_version}/containers/{place.container_id}/archive"
        with (
            reporting_docker(self._engine, self._endpoint),
            closing(api.put(url, params={"path": folder}, data=chunks, timeout=_IDLE)) as response,
        ):
            if response.status_code != _OK:
                raise BackupError(
                    f"the engine does not take {shown(folder)} of {place.container}: "
                    f"{_message(response.content[:4096])}"
                )

    def stop(self, user: User) -> None:
        """Stop a container, giving it ten seconds to end by itself."""
        with reporting_docker(self._engine, self._endpoint, f"{user.name} was not stopped: "):
            self._client.api.stop(user.id, timeout=_STOP)

    def start(self, user: User) -> None:
        """Start a container; one that runs already is left alone."""
        with reporting_docker(self._engine, self._endpoint, f"{user.name} was not started again: "):
            self._client.api.start(user.id)

    def remove_helpers(self, volume: str) -> int:
        """Remove the helpers of ``volume`` that a dead process left; how many there were."""
        label = f"{HELPER_LABEL}={volume}"
        left = self._client.api.containers(all=True, filters={"label": label})
        for item in left:
            self._client.api.remove_container(item["Id"], v=True, force=True)
        return len(left)

    def _reporting(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        with reporting_docker(self._engine, self._endpoint):
            yield from chunks

    def _containers(self, volume: str) -> list[dict[str, Any]]:
        filters = json.dumps({"volume": [volume]})
        listed = get_json(
            self._client,
            "/containers/json",
            {"all": "1", "filters": filters},
            deadline=self._timeout,
        )
        return cast(list[dict[str, Any]], listed)

    def _check_volume(self, volume: str) -> None:
        """A volume that is not there would be made by mounting it."""
        from docker.errors import NotFound

        try:
            self._client.api.inspect_volume(volume)
        except NotFound as error:
            raise BackupError(
                f"there is no volume {shown(volume)}", remedy="look at the action's volume"
            ) from error

    def _inspect(self, container: str) -> dict[str, Any]:
        from docker.errors import NotFound

        try:
            return cast(dict[str, Any], self._client.api.inspect_container(container))
        except NotFound as error:
            raise BackupError(
                f"there is no container {shown(container)}",
                remedy="look at the action's container",
            ) from error

    def _in_container(self, container: str, path: str) -> ContainerPath:
        document = self._inspect(container)
        return ContainerPath(
            container_id=str(document["Id"]),
            container=sanitize(str(document["Name"]).lstrip("/"), limit=100),
            image=sanitize(str(document["Image"]), limit=100),
            path=path,
            running=bool(document["State"].get("Running")),
        )

    def _make_helper(self, volume: str) -> ContainerPath:
        from docker.types import Mount

        images = self._client.api.images()
        if not images:
            raise BackupError(
                f"no container mounts the volume {shown(volume)}, and the engine has no image "
                "to make one from",
                remedy="create a container that mounts it",
            )
        image = min(images, key=lambda each: each["Size"])["Id"]
        mount = Mount(_HELPER_PATH, volume, type="volume", no_copy=True)
        made = self._client.api.create_container(
            image,
            command=["/never-run"],
            labels={HELPER_LABEL: volume},
            network_disabled=True,
            host_config=self._client.api.create_host_config(mounts=[mount]),
        )
        return ContainerPath(str(made["Id"]), "a helper", str(image), _HELPER_PATH, running=False)


def with_engine(engine: Docker, call: Callable[[ArchiveEngine], T]) -> T:
    """``call`` with a connected engine. Raises BackupError for whatever goes wrong with it."""
    try:
        endpoint = resolve(engine, os.environ)
    except DockerUnavailableError as error:
        raise BackupError(f"Docker: {error}") from error
    with (
        reporting_docker(engine, endpoint),
        closing(connect(endpoint, engine.timeout)) as client,
    ):
        return call(ArchiveEngine(client, engine, endpoint))


@contextmanager
def reporting_docker(engine: Docker, endpoint: DockerEndpoint, what: str = "") -> Iterator[None]:
    """Turn the errors of the SDK and its connection into a BackupError that begins with ``what``.

    The SDK is imported when the block is entered.
    """
    from docker.errors import APIError, DockerException

    try:
        yield
    except DockerUnavailableError as error:
        raise BackupError(f"{what}Docker: {error}") from error
    except APIError as error:
        explanation = sanitize(str(error.explanation or error), limit=300)
        raise BackupError(f"{what}Docker answered: {explanation}") from error
    except (OSError, DockerException) as error:
        fault = classify(error, endpoint, engine.timeout)
        raise BackupError(f"{what}Docker: {fault}") from error


def _place(item: dict[str, Any], mount: dict[str, Any]) -> ContainerPath:
    return ContainerPath(
        container_id=str(item["Id"]),
        container=_name(item),
        image=sanitize(str(item["ImageID"]), limit=100),
        path=str(mount["Destination"]),
        running=item["State"] == "running",
    )


def _name(item: dict[str, Any]) -> str:
    names = item.get("Names") or [str(item["Id"])[:12]]
    return sanitize(str(names[0]).lstrip("/"), limit=100)


def _message(raw: bytes) -> str:
    try:
        message = json.loads(raw)["message"]
    except (ValueError, KeyError, TypeError):
        return sanitize_bytes(raw, limit=200)
    return sanitize(str(message), limit=200)
