"""A whole cluster: a control plane and one node. Run as a program, it lasts until it is ended.

    python -m tests.servers.kubernetes.cluster

Invariant: control plane and engine are started side by side, and all is ended, whatever of it
came up.
"""

import json
import signal
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from opsconsole.demo.docker_engine import why_no_private_engine
from opsconsole.demo.processes import wait_until
from tests.servers.kubernetes.api import Api
from tests.servers.kubernetes.control_plane import (
    ADMIN_TOKEN,
    ControlPlane,
    why_no_control_plane,
)
from tests.servers.kubernetes.node import Node

VARIABLE: Final = "OPSCONSOLE_TEST_CLUSTER"
"""Names the file that describes a running cluster, for tests to use instead of their own."""


def why_no_cluster() -> str:
    """What a cluster with a node lacks here, as the end of a sentence; empty when nothing."""
    return why_no_control_plane() or why_no_private_engine()


@dataclass(frozen=True, slots=True)
class ClusterAt:
    """Where a cluster is that runs, in this process or in another."""

    kubeconfig: str
    server: str
    authority: str
    etcd: str
    docker: str

    def api(self, token: str = ADMIN_TOKEN) -> Api:
        """Its API server, for who has this token."""
        return Api(self.server, Path(self.authority), token)


class Cluster:
    """A control plane, and a node on which pods run. ``close`` ends both."""

    def __init__(self) -> None:
        self.plane = ControlPlane(Path(tempfile.mkdtemp(prefix="opsconsole-cluster-")))
        self.node = Node()

    def start(self) -> None:
        """Return once pods can run. Raises ServerError, or TimeoutError where no node comes."""
        try:
            with ThreadPoolExecutor() as pool:
                engine = pool.submit(self.node.start_engine)
                self.plane.start()
                engine.result()
            self.node.start_kubelet(self.plane.kubeconfig)
            wait_until(self._has_node, deadline=120, poll=0.1)
        except BaseException:
            self.close()
            raise

    def at(self) -> ClusterAt:
        """Where it is."""
        plane = self.plane
        return ClusterAt(
            kubeconfig=str(plane.kubeconfig),
            server=plane.server,
            authority=str(plane.authority),
            etcd=plane.etcd,
            docker=self.node.docker,
        )

    def _has_node(self) -> bool:
        nodes = self.plane.api().get("/api/v1/nodes")["items"]
        conditions = [each for node in nodes for each in node["status"].get("conditions", ())]
        return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)

    def close(self) -> None:
        """End pods, node and control plane."""
        self.node.close()
        self.plane.close()


def main() -> None:
    """Run a cluster until INT or TERM."""
    cluster = Cluster()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    cluster.start()
    try:
        described = cluster.plane.folder / "cluster.json"
        described.write_text(json.dumps(asdict(cluster.at())), encoding="utf-8")
        print(f"export KUBECONFIG={cluster.plane.kubeconfig} {VARIABLE}={described}", flush=True)
        signal.pause()
    finally:
        cluster.close()


if __name__ == "__main__":
    main()
