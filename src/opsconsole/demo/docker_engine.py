"""A Docker Engine to work on: the machine's own where it answers, else a private one.

Invariants:

* Everything made through an ``Engine`` carries ``LABEL=<owner>`` and is removed by ``close``;
  nothing else on the engine is touched.
* No registry is used: the images are made here from busybox.
"""

import contextlib
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from opsconsole.demo import binaries, busybox
from opsconsole.demo.private_engine import PrivateEngine, engine_answers
from opsconsole.demo.processes import ServerError

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

LABEL = "io.opsconsole.test"
DEFAULT_SOCKET = "unix:///var/run/docker.sock"
WEB_PORT = 8080

# The first process of a container ignores TERM unless it traps it; requests go to the log.
_SERVE = f"trap 'exit 0' TERM; httpd -f -v -p {WEB_PORT} -h /www & wait"

_API_TIMEOUT = 30
_SECOND = 1_000_000_000  # Docker's durations are in nanoseconds


class Engine:
    """A Docker Engine that answers at ``url``. ``close`` removes what this object made."""

    def __init__(self, url: str, *, private: PrivateEngine | None = None) -> None:
        self.url = url
        self.owner = secrets.token_hex(4)
        self.repository = f"opsconsole-busybox-{self.owner}"
        self._private = private

    @property
    def is_private(self) -> bool:
        """Whether the engine was started here, and may be stopped and started."""
        return self._private is not None

    @cached_property
    def _client(self) -> "DockerClient":
        from docker import DockerClient

        return DockerClient(base_url=self.url, version="auto", timeout=_API_TIMEOUT)

    def client(self) -> "DockerClient":
        """The SDK's client, one for the life of this object."""
        return self._client

    def image(self, version: int = 1) -> str:
        """The image ``<repository>:<version>``, made at its first use.

        Its command serves ``version <N>`` over HTTP on port 8080; versions differ in that
        page and in their label ``org.opencontainers.image.version``.
        """
        from docker.errors import ImageNotFound

        name = f"{self.repository}:{version}"
        try:
            self._client.images.get(name)
        except ImageNotFound:
            self._client.api.import_image_from_data(
                busybox.archive(version),
                repository=self.repository,
                tag=str(version),
                changes=[
                    "CMD " + json.dumps(["sh", "-c", _SERVE]),
                    "ENV PATH=/bin",
                    f"EXPOSE {WEB_PORT}",
                    f"LABEL {LABEL}={self.owner}",
                    f"LABEL org.opencontainers.image.version={version}",
                ],
            )
        return name

    def run(
        self,
        name: str,
        *,
        command: str | Sequence[str] | None = None,
        image: str | None = None,
        healthcheck: str | None = None,
        ports: Mapping[int, int | None] | None = None,
        labels: Mapping[str, str] | None = None,
        mem_limit: str | None = None,
        environment: Mapping[str, str] | None = None,
        restart: Literal["always", "on-failure"] | None = None,
        network: str | None = None,
    ) -> "Container":
        """Start a container in the background and return it.

        Without a ``command`` it serves its version on port 8080, and stops at TERM.

        ``healthcheck`` is a shell command run every second, two failures make it unhealthy;
        ``ports`` maps the container's ports to ports on 127.0.0.1 (None: any free one);
        ``mem_limit`` (``16m``) is without swap.
        """
        check = {
            "test": ["CMD-SHELL", healthcheck],
            "interval": _SECOND,
            "timeout": 2 * _SECOND,
            "retries": 2,
        }
        return self._client.containers.run(
            image or self.image(),
            command=command if command is None or isinstance(command, str) else list(command),
            name=name,
            detach=True,
            init=False,
            healthcheck=check if healthcheck else None,
            ports={
                f"{inner}/tcp": ("127.0.0.1", outer or 0) for inner, outer in (ports or {}).items()
            },
            labels={LABEL: self.owner, **(labels or {})},
            mem_limit=mem_limit,
            memswap_limit=mem_limit,
            environment=dict(environment or {}),
            restart_policy={"Name": restart} if restart else None,
            network=network,
        )

    def remove_containers(self) -> None:
        """Remove every container and network that carries this owner's label."""
        from docker.errors import NotFound

        mine: dict[str, str | list[str] | bool] = {"label": f"{LABEL}={self.owner}"}
        for container in self._client.containers.list(all=True, filters=mine):
            with contextlib.suppress(NotFound):
                container.remove(force=True, v=True)
        for network in self._client.networks.list(filters=mine):
            with contextlib.suppress(NotFound):
                network.remove()

    def start(self) -> None:
        """Start a stopped private engine again."""
        self._required_private().start()

    def close(self) -> None:
        """Remove everything made, stop a private engine, close the client."""
        try:
            if self._private is None:
                self.remove_containers()
                self._remove_images()
            elif self._private.is_running():
                self._clear_private()
        finally:
            self._client.close()
            if self._private is not None:
                self._private.discard()

    def _remove_images(self) -> None:
        for image in self._client.images.list(name=f"{self.repository}*"):
            self._client.images.remove(str(image.id), force=True)

    def _clear_private(self) -> None:
        """Remove all networks of an engine that nobody else uses: they are bridges of the host."""
        for container in self._client.containers.list(all=True, ignore_removed=True):
            container.remove(force=True, v=True)
        if self._client.info()["Swarm"]["LocalNodeState"] != "inactive":
            self._client.swarm.leave(force=True)
        for network in self._client.networks.list():
            if network.name not in ("bridge", "host", "none"):
                network.remove()

    def _required_private(self) -> PrivateEngine:
        if self._private is None:
            raise ServerError(
                f"the engine at {self.url} belongs to this machine and is not ours to stop"
            )
        return self._private


def answering_engine() -> str | None:
    """The address of an engine that this user may use: ``DOCKER_HOST``, else the usual socket."""
    url = os.environ.get("DOCKER_HOST") or DEFAULT_SOCKET
    return url if engine_answers(url) else None


def why_no_private_engine() -> str:
    """What a private engine lacks here, as the end of a sentence; empty when nothing."""
    if binaries.find("dockerd") is None:
        return "dockerd is not on this machine: run make servers"
    if binaries.find("busybox") is None:
        return "busybox is not on this machine: run make servers"
    if os.geteuid() != 0:
        return "starting one needs root: run as root, or start Docker"
    return ""
