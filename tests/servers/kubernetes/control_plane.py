"""API server, controllers and scheduler on an etcd of their own.

Invariants:

* They listen on loopback alone, at free ports, and share no file with another cluster.
* Each is a child that ends with its parent (``opsconsole.demo.processes``), and may be stopped,
  suspended and started again at the same address, as an outage.
* What controllers repeat without cause is rare: at rest they cost next to nothing.
"""

import contextlib
import http.client
import json
import random
import shutil
import socket
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from opsconsole.demo import binaries
from opsconsole.demo.processes import (
    LOOPBACK,
    ServerError,
    ServerProcess,
    answers_http,
    free_port,
    start,
)
from tests.servers.kubernetes.api import Api, Json

if TYPE_CHECKING:
    import trustme

PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet")

ADMIN_TOKEN = "token-of-admin"
NOBODY_TOKEN = "token-of-nobody"
_TOKENS = f'{ADMIN_TOKEN},admin,1,"system:masters"\n{NOBODY_TOKEN},nobody,2\n'

# What no test here asks for: certificates, clouds, addresses of nodes, volumes.
_CONTROLLERS = [
    "cloud-node-lifecycle",
    "csrapproving",
    "csrcleaner",
    "csrsigning",
    "cronjob",
    "endpointslicemirroring",
    "nodeipam",
    "persistentvolume-expander",
    "route",
    "service",
    "ttl",
    "ttl-after-finished",
]

# Below those of clients (ip(7), ip_local_port_range).
_PORTS = range(18_000, 32_000)
_START = 120.0  # seconds that a start may take on a busy machine


def why_no_control_plane() -> str:
    """What a cluster lacks here, as the end of a sentence; empty when nothing."""
    return "" if all(map(_found, PROGRAMS)) else "run make kubernetes, once"


def program(name: str) -> Path:
    """One of ``PROGRAMS``, of those that were built: another version may run no pods here."""
    found = _found(name)
    if found is None:
        raise ServerError(f"{name} is not built", remedy="run make kubernetes")
    return found


def lasting_port() -> int:
    """A free port that the kernel gives to no client, so that a server may come back at it."""
    for port in random.sample(_PORTS, len(_PORTS)):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind((LOOPBACK, port))
            return port
    raise ServerError("every port is in use")


class ControlPlane:
    """A cluster without a node: it keeps objects, and its controllers act on them.

    Made by ``start``; ``close`` ends all of it, and may be called more than once.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self._etcd_port = lasting_port(), lasting_port()
        self.server = f"https://{LOOPBACK}:{self.port}"
        self.etcd = f"http://{LOOPBACK}:{self._etcd_port}"
        self._running: dict[str, ServerProcess] = {}
        self.ca = self._write()

    @property
    def kubeconfig(self) -> Path:
        """Contexts ``admin``, who may do anything, and ``nobody``, who may do nothing."""
        return self.folder / "kubeconfig"

    @property
    def authority(self) -> Path:
        """The certificate that vouches for the API server."""
        return self.folder / "ca.pem"

    def api(self, token: str = ADMIN_TOKEN) -> Api:
        """Its API server, for who has this token."""
        return Api(self.server, self.authority, token)

    def start(self) -> None:
        """Start all that does not run, and return once the API server is ready."""
        if "etcd" not in self._running:
            self._start(
                "etcd", self._etcd_options(), lambda: answers_http(self._etcd_port, "/health")
            )
        self.start_api_server()
        with ThreadPoolExecutor() as pool:
            controllers = pool.submit(self._start_controllers)
            self._start_scheduler()
            controllers.result()

    def start_api_server(self) -> None:
        """Start the API server, at the address that it had."""
        if "kube-apiserver" not in self._running:
            self._start("kube-apiserver", self._api_server_options(), self.is_ready)

    def stop_api_server(self) -> None:
        """Kill the API server, as an outage."""
        self._running.pop("kube-apiserver").kill()

    def admit(self, token: str) -> None:
        """Admit one more administrator, by this token, in place of one who was admitted before.

        It holds from the next start of the API server.
        """
        (self.folder / "tokens.csv").write_text(
            f'{_TOKENS}{token},guest,3,"system:masters"\n', encoding="utf-8"
        )

    def forget_the_past(self) -> None:
        """Compact etcd: no watch can begin at a version that is older than now."""
        now = self._etcd_call("put", {"key": "cGFzdA==", "value": ""})["header"]["revision"]
        self._etcd_call("compaction", {"revision": now, "physical": True})

    def process(self, name: str) -> ServerProcess:
        """One of the programs that run."""
        return self._running[name]

    def is_ready(self) -> bool:
        """Whether the API server says that it is ready, within a second."""
        context = ssl.create_default_context(cafile=self.authority)
        connection = http.client.HTTPSConnection(LOOPBACK, self.port, timeout=1, context=context)
        try:
            connection.request("GET", "/readyz", headers={"Authorization": f"Bearer {ADMIN_TOKEN}"})
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def close(self) -> None:
        """End everything at once: nothing of it is kept."""
        for name in ("kube-scheduler", "kube-controller-manager", "kube-apiserver", "etcd"):
            if name in self._running:
                self._running.pop(name).kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _etcd_call(self, what: str, asked: Json) -> Json:
        connection = http.client.HTTPConnection(LOOPBACK, self._etcd_port, timeout=10)
        try:
            connection.request("POST", f"/v3/kv/{what}", json.dumps(asked))
            return dict(json.loads(connection.getresponse().read()))
        finally:
            connection.close()

    def _start(self, name: str, options: list[str], ready: Callable[[], bool]) -> None:
        self._running[name] = start(
            name,
            [program(name), *options],
            log=self.folder / f"{name}.log",
            ready=ready,
            deadline=_START,
            folder=self.folder,
        )

    def _write(self) -> "trustme.CA":
        import trustme

        self.folder.mkdir(parents=True, exist_ok=True)
        ca = trustme.CA()
        ca.cert_pem.write_to_path(str(self.authority))
        served = ca.issue_cert(LOOPBACK, "localhost")
        served.private_key_and_cert_chain_pem.write_to_path(str(self.folder / "served.pem"))
        accounts = ca.issue_cert("service-accounts", key_type=trustme.KeyType.RSA)
        accounts.private_key_pem.write_to_path(str(self.folder / "accounts.key"))
        (self.folder / "tokens.csv").write_text(_TOKENS, encoding="utf-8")
        people = {"admin": ADMIN_TOKEN, "nobody": NOBODY_TOKEN}
        cluster = {"server": self.server, "certificate-authority": str(self.authority)}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "tests", "cluster": cluster}],
            "users": [{"name": name, "user": {"token": token}} for name, token in people.items()],
            "contexts": [
                {"name": name, "context": {"cluster": "tests", "user": name}} for name in people
            ],
            "current-context": "admin",
        }
        self.kubeconfig.touch(0o600)
        self.kubeconfig.write_text(json.dumps(config, indent=1), encoding="utf-8")
        return ca

    def _etcd_options(self) -> list[str]:
        peers = f"http://{LOOPBACK}:{free_port()}"
        return [
            f"--data-dir={self.folder / 'etcd'}",
            f"--listen-client-urls={self.etcd}",
            f"--advertise-client-urls={self.etcd}",
            f"--listen-peer-urls={peers}",
            f"--initial-advertise-peer-urls={peers}",
            f"--initial-cluster=default={peers}",
            "--snapshot-count=100000",
        ]

    def _api_server_options(self) -> list[str]:
        accounts = self.folder / "accounts.key"
        return [
            f"--etcd-servers={self.etcd}",
            f"--bind-address={LOOPBACK}",
            f"--advertise-address={LOOPBACK}",
            f"--secure-port={self.port}",
            f"--tls-cert-file={self.folder / 'served.pem'}",
            f"--tls-private-key-file={self.folder / 'served.pem'}",
            f"--client-ca-file={self.authority}",
            f"--token-auth-file={self.folder / 'tokens.csv'}",
            f"--service-account-key-file={accounts}",
            f"--service-account-signing-key-file={accounts}",
            "--service-account-issuer=https://localhost",
            "--service-cluster-ip-range=10.99.0.0/24",
            "--authorization-mode=Node,RBAC",
            # Pods have no account and need none.
            "--disable-admission-plugins=ServiceAccount",
            "--allow-privileged=true",
            "--kubelet-preferred-address-types=InternalIP",
            "--enable-priority-and-fairness=false",
        ]

    def _start_controllers(self) -> None:
        port = free_port()
        options = [
            *self._client_options(port),
            f"--service-account-private-key-file={self.folder / 'accounts.key'}",
            f"--controllers=*,{','.join(f'-{name}' for name in _CONTROLLERS)}",
            "--kube-api-qps=200",
            "--kube-api-burst=400",
            "--node-monitor-grace-period=20s",
        ]
        self._start("kube-controller-manager", options, lambda: _answers(port))

    def _start_scheduler(self) -> None:
        port = free_port()
        self._start("kube-scheduler", self._client_options(port), lambda: _answers(port))

    def _client_options(self, port: int) -> list[str]:
        return [
            f"--kubeconfig={self.kubeconfig}",
            f"--bind-address={LOOPBACK}",
            f"--secure-port={port}",
            "--port=0",
            f"--cert-dir={self.folder}",
            "--leader-elect=false",
        ]


def _found(name: str) -> Path | None:
    return binaries.find_file(f"usr/bin/{name}")


def _answers(port: int) -> bool:
    """Whether a program that speaks TLS with a certificate of its own says that it is well."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection(LOOPBACK, port, timeout=1, context=context)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
