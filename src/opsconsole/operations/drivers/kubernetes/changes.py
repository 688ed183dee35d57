"""Sending a change to a cluster, once, and what became of it.

Invariant: this is the one client that can change a cluster. Each change names the object by uid,
and by version where it has one, so that the server refuses what is not as it was read; a change
that was sent is sent again only where the server has said that it did not make it. A call that it
passes on to a pod (``proxied``) is that pod's.
"""

import json
from collections.abc import Mapping
from typing import ClassVar, Final

from opsconsole.dataclass import dataclass
from opsconsole.model.fault import FaultKind
from opsconsole.operations.drivers.kubernetes.fields import JsonObject
from opsconsole.operations.drivers.kubernetes.patches import Patch
from opsconsole.operations.drivers.kubernetes.rollout import MANAGER
from opsconsole.operations.drivers.kubernetes.workloads import namespaced, part
from opsconsole.operations.driving.driver import Outcome, StepOutcome
from opsconsole.sources.http.head import HttpAnswer
from opsconsole.sources.kubernetes.api.client import ClusterClient
from opsconsole.sources.kubernetes.api.cluster_error import ClusterError
from opsconsole.text import sanitize_bytes

CONFLICT: Final = 409
GONE: Final = 404
NO_ROOM: Final = 429
"""A budget of disruptions has no room for an eviction."""

_FORBIDDEN: Final = 403
_INVALID: Final = 422
_SERVER: Final = 500
_NEVER_SENT: Final = frozenset(
    {FaultKind.DNS, FaultKind.CONNECT, FaultKind.TLS, FaultKind.LOCAL, FaultKind.AUTH}
)
_WARNINGS: Final = 5


@dataclass(frozen=True, slots=True)
class Answered:
    """The object as it is after a change, or would be, and what the cluster says about it."""

    read: JsonObject
    warnings: tuple[str, ...] = ()


class ClusterChanges(ClusterClient):
    """A client that changes as well."""

    sends: ClassVar[frozenset[str]] = ClusterClient.sends | {"PATCH", "POST", "PUT", "DELETE"}

    async def patch(self, path: str, patch: Patch, *, dry: bool = False) -> Answered:
        """Change the object at ``path``; ``dry``: see whether it could be. Raises ClusterError."""
        params = {"fieldManager": MANAGER, **({"dryRun": "All"} if dry else {})}
        answer = await self.send(
            "PATCH", path, params, body=_encoded(patch), content="application/json-patch+json"
        )
        return _answered(answer)

    async def evict(self, namespace: str, name: str, uid: str, *, version: str) -> None:
        """Ask that a pod ends where its budget of disruptions has room. Raises ClusterError.

        ``version`` is that of the API of evictions.
        """
        body = {
            "apiVersion": f"policy/{version}",
            "kind": "Eviction",
            "metadata": {"name": name, "namespace": namespace},
            "deleteOptions": {"preconditions": {"uid": uid}},
        }
        await self.send("POST", f"{pod_path(namespace, name)}/eviction", body=_encoded(body))

    async def delete_pod(self, namespace: str, name: str, uid: str, *, dry: bool = False) -> None:
        """Delete one pod, and none that has come in its place. Raises ClusterError."""
        body = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {"uid": uid},
            **({"dryRun": ["All"]} if dry else {}),
        }
        await self.send("DELETE", pod_path(namespace, name), body=_encoded(body))


def pod_path(namespace: str, name: str) -> str:
    """Where the API has a pod."""
    return f"{namespaced('api/v1', namespace, 'pods')}/{part(name)}"


def is_refused(error: ClusterError) -> bool:
    """Whether the server will not have such a change: no right, an admission, a wrong value."""
    return error.status in {_FORBIDDEN, _INVALID}


def outcome_of(error: ClusterError) -> StepOutcome:
    """What became of a change that was to be sent."""
    if error.status == CONFLICT:
        why = f"refused by the cluster: it was changed meanwhile ({error.what}); nothing was done"
        return StepOutcome(Outcome.FAILED, why)
    if error.status is not None and error.status < _SERVER:
        return StepOutcome(Outcome.FAILED, f"refused by the cluster: {error.what}")
    if error.status is None and error.fault.kind in _NEVER_SENT:
        return StepOutcome(Outcome.FAILED, f"nothing was sent: {error}")
    return StepOutcome(Outcome.UNKNOWN, f"sent, but not answered: {error.what}")


def _encoded(document: Mapping[str, object] | Patch) -> bytes:
    return json.dumps(document).encode()


def _answered(answer: HttpAnswer) -> Answered:
    try:
        read = json.loads(answer.body)
    except (ValueError, RecursionError):
        read = None
    headers = [value for name, value in answer.headers if name.lower() == b"warning"]
    warnings = tuple(_said(each) for each in headers[:_WARNINGS])
    return Answered(read if isinstance(read, dict) else {}, warnings)


def _said(warning: bytes) -> str:
    """The text of a ``Warning`` header: ``299 - "text"``."""
    _, quote, rest = warning.partition(b'"')
    return sanitize_bytes(rest.rstrip(b'"') if quote else warning, limit=300)
