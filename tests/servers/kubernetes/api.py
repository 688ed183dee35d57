"""Asking a cluster's API server, as an administrator does: in tests alone.

Paths are the server's own: ``/apis/apps/v1/namespaces/web/deployments``. Objects are JSON.
"""

import http.client
import json
import secrets
import ssl
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

Json = dict[str, Any]

_MERGE: Final = "application/merge-patch+json"
_COLLECTIONS: Final = {
    "ConfigMap": "api/v1/{}/configmaps",
    "Pod": "api/v1/{}/pods",
    "Secret": "api/v1/{}/secrets",
    "ServiceAccount": "api/v1/{}/serviceaccounts",
    "Service": "api/v1/{}/services",
    "Event": "api/v1/{}/events",
    "Deployment": "apis/apps/v1/{}/deployments",
    "StatefulSet": "apis/apps/v1/{}/statefulsets",
    "ReplicaSet": "apis/apps/v1/{}/replicasets",
    "DaemonSet": "apis/apps/v1/{}/daemonsets",
    "HorizontalPodAutoscaler": "apis/autoscaling/v1/{}/horizontalpodautoscalers",
    "PodDisruptionBudget": "apis/policy/v1beta1/{}/poddisruptionbudgets",
    "ResourceQuota": "api/v1/{}/resourcequotas",
    "Role": "apis/rbac.authorization.k8s.io/v1/{}/roles",
    "RoleBinding": "apis/rbac.authorization.k8s.io/v1/{}/rolebindings",
}


class RefusedError(AssertionError):
    """The API server answered with an error."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__(f"{status}: {body}")
        self.status = status


class Api:
    """One connection for each call, with a token; what is asked is allowed to it."""

    def __init__(self, server: str, authority: Path, token: str) -> None:
        self.server = server
        self._token = token
        self._context = ssl.create_default_context(cafile=authority)

    def call(
        self, method: str, path: str, body: Json | None = None, *, content: str | None = None
    ) -> Json:
        """What the server answers. Raises RefusedError, and OSError where it is silent."""
        where = urlsplit(self.server)
        connection = http.client.HTTPSConnection(
            str(where.hostname), where.port, timeout=60, context=self._context
        )
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Content-Type": content or "application/json",
        }
        try:
            connection.request(
                method, path, json.dumps(body) if body is not None else None, headers
            )
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        if answer.status >= http.client.BAD_REQUEST:
            raise RefusedError(answer.status, text)
        return dict(json.loads(text))

    def get(self, path: str, **parameters: str) -> Json:
        """An object or a list of them."""
        query = f"?{urlencode(parameters)}" if parameters else ""
        return self.call("GET", path + query)

    def patch(self, path: str, change: Json) -> Json:
        """Merge ``change`` into an object (RFC 7386)."""
        return self.call("PATCH", path, change, content=_MERGE)

    def delete(self, path: str, *, grace: int | None = None) -> None:
        """Delete an object, and what it owns; ``grace`` seconds for pods."""
        options: Json = {"propagationPolicy": "Background"}
        if grace is not None:
            options["gracePeriodSeconds"] = grace
        self.call("DELETE", path, options)


class Namespace:
    """One namespace of a cluster, and what tests put into it."""

    def __init__(self, api: Api, name: str) -> None:
        self.api = api
        self.name = name

    def path(self, kind: str, name: str = "") -> str:
        """Where objects of ``kind`` are, or the one called ``name``."""
        collection = "/" + _COLLECTIONS[kind].format(f"namespaces/{self.name}")
        return f"{collection}/{name}" if name else collection

    def create(self, kind: str, name: str, spec: Json, **more: Any) -> Json:
        """Create an object with a ``spec``; ``metadata`` and other fields as ``more``."""
        metadata = {"name": name, **more.pop("metadata", {})}
        body = {"kind": kind, "apiVersion": self._version(kind), "metadata": metadata, **more}
        return self.api.call("POST", self.path(kind), {**body, "spec": spec} if spec else body)

    def get(self, kind: str, name: str) -> Json:
        """One object."""
        return self.api.get(self.path(kind, name))

    def list(self, kind: str, **parameters: str) -> list[Json]:
        """The objects of a kind, ``labelSelector`` and the like as parameters."""
        return list(self.api.get(self.path(kind), **parameters)["items"])

    def patch(self, kind: str, name: str, change: Json) -> Json:
        """Merge ``change`` into an object."""
        return self.api.patch(self.path(kind, name), change)

    def delete(self, kind: str, name: str, *, grace: int | None = None) -> None:
        """Delete an object, and what it owns."""
        self.api.delete(self.path(kind, name), grace=grace)

    def deploy(
        self,
        name: str,
        *,
        replicas: int = 1,
        cause: str = "",
        strategy: str = "RollingUpdate",
        **container: Any,
    ) -> Json:
        """A Deployment of pods of one container; ``container``: its fields beside the usual ones.

        Without any it serves its version on port 8080, and is ready when it does.
        """
        annotations = {"kubernetes.io/change-cause": cause} if cause else {}
        return self.create(
            "Deployment",
            name,
            {
                "replicas": replicas,
                "selector": {"matchLabels": {"app": name}},
                "strategy": {"type": strategy},
                "template": template(name, **container),
            },
            metadata={"annotations": annotations},
        )

    def replace_container(self, name: str, **container: Any) -> None:
        """Let the pods of a Deployment be of another container, as ``deploy`` takes it."""
        found = self.get("Deployment", name)
        # Its controller writes there too, and what it says is not what is replaced.
        del found["metadata"]["resourceVersion"]
        found["spec"]["template"] = template(name, **container)
        self.api.call("PUT", self.path("Deployment", name), found)

    def is_rolled_out(self, name: str) -> bool:
        """Whether a Deployment runs what its specification says, and nothing else."""
        found = self.get("Deployment", name)
        status, wanted = found.get("status", {}), found["spec"]["replicas"]
        return bool(
            status.get("observedGeneration", 0) >= found["metadata"]["generation"]
            and status.get("updatedReplicas", 0) == wanted
            and status.get("availableReplicas", 0) == wanted
            and status.get("replicas", 0) == wanted
        )

    def discard(self) -> None:
        """Delete the namespace; what is in it goes within seconds."""
        self.api.delete(f"/api/v1/namespaces/{self.name}")

    def _version(self, kind: str) -> str:
        parts = _COLLECTIONS[kind].split("/{}")[0].split("/")
        return "/".join(parts[1:])


def create_namespace(api: Api) -> Namespace:
    """A namespace of a name that no other test has."""
    name = f"test-{secrets.token_hex(4)}"
    body = {"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": name}}
    api.call("POST", "/api/v1/namespaces", body)
    return Namespace(api, name)


def template(name: str, **container: Any) -> Json:
    """A pod template of one container that serves; its fields may be replaced, or be None."""
    usual: Json = {
        "name": name,
        "image": "web:1",
        "imagePullPolicy": "Never",
        "ports": [{"containerPort": 8080}],
        "readinessProbe": {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 1},
    }
    return {
        "metadata": {"labels": {"app": name}},
        "spec": {
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": 1,
            "containers": [{key: each for key, each in {**usual, **container}.items() if each}],
        },
    }
