"""The one node of a cluster: a kubelet on a Docker Engine of its own.

Invariants:

* Kubelet and engine are in the engine's namespaces: whoever ends the engine ends the kubelet, the
  pods and every mount that it made (``opsconsole.demo.private_engine``).
* The kernel's settings that a kubelet changes are files of the node's own there, the machine's
  stay as they are. So are the folders below ``/var`` that it writes to whatever its options.
* Pods have addresses on the engine's bridge, which the machine reaches.
"""

import json
import os
import signal
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil

from opsconsole.demo import binaries, busybox
from opsconsole.demo.private_engine import PrivateEngine
from opsconsole.demo.processes import (
    LOOPBACK,
    ServerError,
    ServerProcess,
    answers_http,
    free_port,
    start,
    wait_until,
)
from tests.servers.kubernetes.control_plane import program

if TYPE_CHECKING:
    from docker import DockerClient

NODE: Final = "node-1"
IMAGES: Final = {"web:1": 1, "web:2": 2, "web:3": 3, "pause:1": 1}
"""The images that pods may have, with the version of the page that they serve on port 8080."""

_SERVE: Final = ["sh", "-c", "trap 'exit 0' TERM; httpd -f -v -p 8080 -h /www & wait"]
_PAUSE: Final = ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 3600 & wait; done"]

_SETTINGS: Final = (
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
)

# A container that asks to outlive others under want of memory is refused where the machine itself
# may not be preferred so.
_RUNTIME: Final = r"""#!/bin/sh
for word in "$@"; do
  if [ "$before" = --bundle ]; then
    sed -i 's/"oomScoreAdj":-[0-9]*/"oomScoreAdj":0/' "$word/config.json"
  fi
  before=$word
done
exec runc "$@"
"""


class _NodeEngine(PrivateEngine):
    """A private engine whose containers are started by the node's runtime."""

    def inside(self, argv: list[str]) -> list[str]:
        """``argv`` in the engine's namespaces."""
        if self._process is None:
            raise ServerError("the node's engine does not run")
        spaces = f"/proc/{self._process.pid}/ns"
        return ["nsenter", f"--mount={spaces}/mnt", f"--pid={spaces}/pid_for_children", *argv]

    def address(self) -> str:
        """The machine's own address on the engine's bridge."""
        (bridge,) = (each for each in self._options() if each.startswith("--bridge="))
        addresses = psutil.net_if_addrs()[bridge.removeprefix("--bridge=")]
        return next(each.address for each in addresses if each.family is socket.AF_INET)

    def end(self) -> None:
        """End engine and pods at once: the kernel ends all with the first of their namespace."""
        if self._process is None or not self._process.is_running():
            return
        pid = self._process.pid
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            os.kill(int(child), signal.SIGKILL)
        wait_until(lambda: self._process is None or not self._process.is_running(), deadline=30)

    def _options(self) -> list[str]:
        runtime = self.folder / "runtime"
        runtime.write_text(_RUNTIME, encoding="utf-8")
        runtime.chmod(0o755)
        return [*super()._options(), f"--add-runtime=node={runtime}", "--default-runtime=node"]


class Node:
    """An engine, then a kubelet that joins the cluster of ``kubeconfig``."""

    def __init__(self) -> None:
        self._engine = _NodeEngine()
        self._kubelet: ServerProcess | None = None
        self._folder = self._engine.folder / "kubelet"
        self._address = ""

    @property
    def docker(self) -> str:
        """Where the node's engine answers."""
        return self._engine.url

    def start_engine(self) -> None:
        """Start the engine and make the images."""
        from docker import DockerClient

        self._engine.start()
        client = DockerClient(base_url=self.docker, version="auto", timeout=60)
        try:
            for name, version in IMAGES.items():
                _import(client, name, version)
            self._address = self._engine.address()
        finally:
            client.close()

    def start_kubelet(self, kubeconfig: Path) -> None:
        """Join the cluster. Raises ServerError."""
        healthy = free_port()
        self._write(healthy)
        self._kubelet = start(
            "kubelet",
            self._engine.inside(
                [
                    "sh",
                    "-e",
                    str(self._folder / "start"),
                    str(program("kubelet")),
                    *self._options(kubeconfig),
                ]
            ),
            log=self._folder / "kubelet.log",
            ready=lambda: answers_http(healthy, "/healthz"),
            deadline=120,
            env=binaries.environment(),
        )

    @property
    def kubelet(self) -> ServerProcess:
        """The kubelet that runs."""
        if self._kubelet is None:
            raise ServerError("the kubelet does not run")
        return self._kubelet

    def close(self) -> None:
        """End kubelet, pods and engine; remove what they made."""
        if self._kubelet is not None:
            self._kubelet.kill()
            self._kubelet = None
        self._engine.end()
        self._engine.discard()

    def _write(self, healthy: int) -> None:
        for name in ("root", "log", "shim", "plugins", "settings", "certificates"):
            (self._folder / name).mkdir(parents=True)
        lines = [f"mount --bind '{self._folder / 'log'}' /var/log"]
        for number, name in enumerate(_SETTINGS):
            own, real = self._folder / "settings" / str(number), Path("/proc/sys", name)
            if real.exists():
                own.write_text(real.read_text(encoding="ascii"), encoding="ascii")
                lines.append(f"mount --bind '{own}' {real}")
        (self._folder / "start").write_text("\n".join([*lines, 'exec "$@"\n']), encoding="utf-8")
        config = {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "address": self._address,
            "port": free_port(),
            "readOnlyPort": 0,
            "healthzBindAddress": LOOPBACK,
            "healthzPort": healthy,
            "cgroupDriver": "cgroupfs",
            "cgroupsPerQOS": False,
            "enforceNodeAllocatable": [],
            "failSwapOn": False,
            "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
            "authorization": {"mode": "AlwaysAllow"},
            "makeIPTablesUtilChains": False,
            "evictionHard": {
                "memory.available": "50Mi",
                "nodefs.available": "1%",
                "imagefs.available": "1%",
            },
            "imageGCHighThresholdPercent": 100,
            "imageGCLowThresholdPercent": 99,
            "rotateCertificates": False,
            "serializeImagePulls": False,
            "eventRecordQPS": 0,
            "registryPullQPS": 0,
            "maxPods": 250,
            "nodeStatusUpdateFrequency": "2s",
            "volumeStatsAggPeriod": "1h",
        }
        (self._folder / "config.json").write_text(json.dumps(config), encoding="utf-8")

    def _options(self, kubeconfig: Path) -> list[str]:
        return [
            f"--config={self._folder / 'config.json'}",
            f"--kubeconfig={kubeconfig}",
            "--container-runtime=docker",
            f"--docker-endpoint={self.docker}",
            f"--docker={self.docker}",
            f"--experimental-dockershim-root-directory={self._folder / 'shim'}",
            "--pod-infra-container-image=pause:1",
            f"--root-dir={self._folder / 'root'}",
            f"--cert-dir={self._folder / 'certificates'}",
            f"--volume-plugin-dir={self._folder / 'plugins'}",
            f"--hostname-override={NODE}",
            f"--node-ip={self._address}",
            "--kubelet-cgroups=/",
            "--runtime-cgroups=/",
            "--housekeeping-interval=30s",
        ]


def _import(client: "DockerClient", name: str, version: int) -> None:
    repository, _, tag = name.partition(":")
    command = _PAUSE if repository == "pause" else _SERVE
    client.api.import_image_from_data(
        busybox.archive(version),
        repository=repository,
        tag=tag,
        changes=["CMD " + json.dumps(command), "ENV PATH=/bin", "EXPOSE 8080"],
    )
