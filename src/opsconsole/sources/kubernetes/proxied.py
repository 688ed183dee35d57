"""One path of a pod, asked through the API server's proxy.

Invariant: what the API server itself says in place of the pod (no right, no way to it) is a look
that failed, and never blames the pod; nor does a deadline at which the server does not answer
either. A path leads nowhere but below the pod's own.

https://kubernetes.io/docs/tasks/access-application-cluster/access-cluster-services/
"""

import asyncio
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import httpx

from opsconsole.model.fault import FaultKind
from opsconsole.sources.http.transport import BLUR, BODY, BODY_LIMIT, CERTIFICATE, TOOK
from opsconsole.sources.http.transport_fault import TransportFaultError
from opsconsole.sources.kubernetes.api.client import ClusterClient
from opsconsole.sources.kubernetes.api.cluster_error import ClusterError

VERBS: Final = {"GET": "get", "POST": "create", "PUT": "update", "DELETE": "delete"}
"""What it takes of ``pods/proxy``, by the method."""

_RESERVED: Final = 1.0
"""Seconds of a deadline, at most, that are kept to see whether the server answers at all."""

_LOOK_FAILED: Final = frozenset(
    {FaultKind.AUTH, FaultKind.PERMISSION, FaultKind.ABSENT, FaultKind.OVERLOADED}
)


def base_of(namespace: str, pod: str, port: int) -> str:
    """The path below which a pod answers at ``port``."""
    return f"/api/v1/namespaces/{quote(namespace, safe='')}/pods/{quote(pod, safe='')}:{port}/proxy"


def is_within(path: str) -> bool:
    """Whether ``path`` stays below where it is taken, however it is read."""
    plain = unquote(unquote(urlsplit(path).path)).replace("\\", "/")
    return not {".", ".."} & set(plain.split("/"))


class ProxiedPod:
    """``path`` is complete: that of the pod and the one at it, perhaps with a query.

    A fault that is ABSENT says that there is no such pod any more.
    """

    def __init__(self, client: ClusterClient, path: str, method: str = "GET") -> None:
        self._client = client
        self._path = path
        self._method = method

    async def ask(self, deadline: float) -> httpx.Response:
        """The pod's answer by ``deadline`` (loop time). Raises ``TransportFaultError``."""
        if not is_within(self._path):
            message = "a path with . or .. is not asked for through the proxy"
            raise TransportFaultError(FaultKind.LOCAL, message)
        loop = asyncio.get_running_loop()
        left = deadline - loop.time()
        until = deadline - min(_RESERVED, left / 4)
        url = urlsplit(self._path)
        params = dict(parse_qsl(url.query, keep_blank_values=True))
        try:
            answer = await self._client.proxied(
                url.path, params, until, method=self._method, limit=BODY_LIMIT
            )
        except ClusterError as error:
            raise await self._fault(error, deadline) from None
        return httpx.Response(
            answer.status,
            headers=answer.headers,
            stream=httpx.ByteStream(answer.body),
            extensions={
                TOOK: answer.took,
                BLUR: answer.blur,
                BODY: answer.body,
                CERTIFICATE: None,
            },
        )

    async def close(self) -> None:
        """The client is whose it was made by."""

    async def _fault(self, error: ClusterError, deadline: float) -> TransportFaultError:
        fault = error.fault
        if fault.kind is FaultKind.TIMEOUT and error.status is None:
            # The server answers others: it is the pod that does not.
            if await self._answers(deadline):
                return TransportFaultError.of(fault)
            return TransportFaultError(FaultKind.LOCAL, f"{self._client.endpoint} does not answer")
        kind = fault.kind if fault.kind in _LOOK_FAILED else FaultKind.LOCAL
        hint = fault.hint
        if kind is FaultKind.PERMISSION:
            hint = "ask for the right to get pods/proxy, or ask through: pods"
        said = fault.message.removeprefix(f"{self._client.endpoint}: ")
        return TransportFaultError(kind, f"the API server could not ask it: {said}", hint=hint)

    async def _answers(self, deadline: float) -> bool:
        try:
            async with asyncio.timeout_at(deadline):
                await self._client.get("/version")
        except (ClusterError, TimeoutError) as error:
            return isinstance(error, ClusterError) and error.status is not None
        return True
