"""A stand-in for an API server with many objects: lists in pages, watches, changes when asked to.

``python -m benchmarks.kubernetes_server PODS DEPLOYMENTS`` prints its port. A line on its standard
input is how many pods change each second from then on; it ends with its standard input.
"""

import asyncio
import json
import sys
import urllib.parse
from typing import Any, Final

STAMP: Final = "2026-11-30T10:00:00Z"
_PARTS: Final = 20
"""How often in a second changes are sent."""

Object = dict[str, Any]


def about(name: str, version: int, owner: tuple[str, str, str] | None = None) -> Object:
    """The metadata of an object, with managed fields as long as those of a pod are."""
    fields: Object = {f"f:field{number}": {".": {}, "f:value": {}} for number in range(55)}
    made: Object = {
        "name": name,
        "namespace": f"team-{len(name) % 7}",
        "uid": f"uid-of-{name}",
        "resourceVersion": str(version),
        "generation": 1,
        "creationTimestamp": STAMP,
        "labels": {"app": name.split("-pod")[0], "pod-template-hash": "788f99fb6"},
        "annotations": {"deployment.kubernetes.io/revision": "1"},
        "managedFields": [
            {"manager": "kubelet", "operation": "Update", "time": STAMP, "fieldsV1": fields}
        ],
    }
    if owner is not None:
        kind, of, uid = owner
        made["ownerReferences"] = [
            {"apiVersion": "apps/v1", "kind": kind, "name": of, "uid": uid, "controller": True}
        ]
    return made


def container() -> Object:
    """One container of a pod or a template."""
    return {
        "name": "app",
        "image": "registry.example/team/app:1.2.3",
        "imagePullPolicy": "IfNotPresent",
        "ports": [{"containerPort": 8080, "protocol": "TCP"}],
        "env": [{"name": f"SETTING_{number}", "value": "some value"} for number in range(10)],
        "resources": {
            "limits": {"cpu": "500m", "memory": "512Mi"},
            "requests": {"cpu": "100m", "memory": "128Mi"},
        },
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}, "periodSeconds": 5},
        "terminationMessagePath": "/dev/termination-log",
    }


def pod(number: int, version: int, restarts: int = 0) -> Object:
    """A pod that runs."""
    owner = f"service-{number // 10}"
    conditions = ("Initialized", "Ready", "ContainersReady", "PodScheduled")
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": about(
            f"{owner}-pod-{number}", version, ("ReplicaSet", f"{owner}-rs", f"uid-of-{owner}-rs")
        ),
        "spec": {
            "containers": [container()],
            "nodeName": f"node-{number % 50}",
            "restartPolicy": "Always",
            "tolerations": [{"key": "a", "effect": "NoExecute", "operator": "Exists"}] * 2,
        },
        "status": {
            "phase": "Running",
            "podIP": f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}",
            "startTime": STAMP,
            "conditions": [
                {"type": each, "status": "True", "lastTransitionTime": STAMP} for each in conditions
            ],
            "containerStatuses": [
                {
                    "name": "app",
                    "ready": True,
                    "restartCount": restarts,
                    "image": "registry.example/team/app:1.2.3",
                    "imageID": "registry.example/team/app@sha256:" + "ab" * 32,
                    "containerID": f"containerd://{number:064x}",
                    "state": {"running": {"startedAt": STAMP}},
                    "lastState": {},
                }
            ],
        },
    }


def workload(kind: str, name: str, owner: tuple[str, str, str] | None = None) -> Object:
    """A Deployment or a ReplicaSet whose ten pods are there."""
    labels = {"app": name.removesuffix("-rs")}
    counts = ("replicas", "readyReplicas", "availableReplicas", "updatedReplicas")
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": about(name, 1, owner),
        "spec": {
            "replicas": 10,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container()]}},
        },
        "status": {"observedGeneration": 1, **dict.fromkeys(counts, 10)},
    }


class Cluster:
    """The objects, by the end of their path, as text, and who watches the pods."""

    def __init__(self, pods: int, deployments: int) -> None:
        self.version = pods
        names = [f"service-{number}" for number in range(deployments)]
        every: dict[str, list[Object]] = {
            "pods": [pod(number, number + 1) for number in range(pods)],
            "deployments": [workload("Deployment", name) for name in names],
            "replicasets": [
                workload("ReplicaSet", f"{name}-rs", ("Deployment", name, f"uid-of-{name}"))
                for name in names
            ],
        }
        self.objects = {what: [json.dumps(each) for each in each_] for what, each_ in every.items()}
        self.watchers: set[asyncio.Transport] = set()
        self.rate = 0
        self._next = 0

    def answer(self, path: str, query: dict[str, list[str]]) -> bytes:
        """The body of a list, or of what else is asked."""
        if path == "/version":
            return b'{"gitVersion":"v1.36.0"}'
        if path in {"/apis/autoscaling", "/apis/policy"}:
            versions = [{"version": "v2" if path.endswith("ing") else "v1"}]
            return json.dumps({"versions": versions}).encode()
        found = self.objects.get(path.rpartition("/")[2], [])
        start, limit = int(query.get("continue", ["0"])[0]), int(query.get("limit", ["500"])[0])
        metadata = {"resourceVersion": str(self.version)}
        if start + limit < len(found):
            metadata["continue"] = str(start + limit)
        items = ",".join(found[start : start + limit])
        return f'{{"metadata":{json.dumps(metadata)},"items":[{items}]}}'.encode()

    async def change(self) -> None:
        """Change pods at the rate that is asked for, and say so to all watchers."""
        while True:
            await asyncio.sleep(1 / _PARTS)
            for _ in range(self.rate // _PARTS):
                self.version += 1
                number = self._next = (self._next + 7) % len(self.objects["pods"])
                event = {"type": "MODIFIED", "object": pod(number, self.version, self.version)}
                send(self.watchers, json.dumps(event).encode() + b"\n")

    def end(self, watcher: asyncio.Transport) -> None:
        """Say where the watch is, and end it."""
        self.watchers.discard(watcher)
        about = {"metadata": {"resourceVersion": str(self.version)}}
        send({watcher}, json.dumps({"type": "BOOKMARK", "object": about}).encode() + b"\n")
        watcher.write(b"0\r\n\r\n")


def send(watchers: set[asyncio.Transport], line: bytes) -> None:
    """A chunk to each watcher."""
    for each in watchers:
        each.write(b"%x\r\n%s\r\n" % (len(line), line))


class Answering(asyncio.Protocol):
    """One connection."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self.cluster.watchers.discard(self.transport)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while b"\r\n\r\n" in self.buffer:
            head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
            url = urllib.parse.urlsplit(head.split(b" ", 2)[1].decode())
            query = urllib.parse.parse_qs(url.query)
            begin = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            if "watch" in query:
                self.transport.write(begin + b"Transfer-Encoding: chunked\r\n\r\n")
                if url.path.endswith("/pods"):
                    self.cluster.watchers.add(self.transport)
                lasts = int(query["timeoutSeconds"][0])
                asyncio.get_running_loop().call_later(lasts, self.cluster.end, self.transport)
                continue
            if "metrics.k8s.io" in url.path:
                # A cluster without a metrics server.
                self.transport.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
                continue
            body = self.cluster.answer(url.path, query)
            self.transport.write(begin + b"Content-Length: %d\r\n\r\n" % len(body) + body)


async def main(pods: int, deployments: int) -> None:
    """Serve until the standard input ends."""
    cluster = Cluster(pods, deployments)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Answering(cluster), "127.0.0.1", 0)
    changes = asyncio.create_task(cluster.change())
    print(server.sockets[0].getsockname()[1], flush=True)
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        cluster.rate = int(line)
    changes.cancel()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
