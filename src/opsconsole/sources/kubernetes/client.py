"""Asking an API server: bounded in time and bytes, classified, and looks alone.

Invariant: nothing but GET, HEAD and access reviews leaves a ``ClusterClient``; what changes a
cluster is a kind of client of its own in ``operations``, and says which methods it sends. Redirects
are not followed, nothing is taken from the environment, credentials stand in no text. A look is
sent again once where its kept connection was closed, and once with renewed credentials after a 401,
never after a 403.
"""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import time
from typing import ClassVar, Final, TypeVar
from urllib.parse import quote, urlencode

from opsconsole import __version__
from opsconsole.model.fault import FaultKind
from opsconsole.sources.http.connection import Connection
from opsconsole.sources.http.dial import P, dial_as
from opsconsole.sources.http.head import HttpAnswer
from opsconsole.sources.http.resolver import Resolver
from opsconsole.sources.http.stream import Stream
from opsconsole.sources.http.transport import after_sending
from opsconsole.sources.http.transport_fault import StaleConnectionError, TransportFaultError
from opsconsole.sources.kubernetes.access import Access, context_of
from opsconsole.sources.kubernetes.cluster_error import ClusterError, refused, unusable
from opsconsole.sources.kubernetes.credentials import Identity
from opsconsole.sources.kubernetes.kubeconfig import access_of
from opsconsole.text import sanitize, sanitize_bytes
from opsconsole.threads import BoundedExecutor, QueueFullError

__all__ = ["Access", "ClusterClient", "ClusterError", "JsonObject", "Listing", "Right", "access_of"]

JsonObject = Mapping[str, object]

ANSWER_LIMIT: Final = 32 << 20
"""Bytes of one answer: a page of five hundred objects of 64 KiB."""

PARTS_LIMIT: Final = 1_000_000
"""Objects and arrays of one answer; as many bytes of empty ones would fill a gigabyte."""

PAGE: Final = 500
"""Objects of one page of a list."""

MOST: Final = 50_000
"""Objects of one list."""

_ERROR_LIMIT: Final = 64 * 1024
_KEPT: Final = 4
"""Idle connections."""

_IDENTITY_DEADLINE: Final = 30.0
_LOOKS: Final = frozenset({"GET", "HEAD"})
_REVIEWS: Final = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Listing:
    """All objects of one kind at one ``version`` (``resourceVersion``)."""

    items: tuple[JsonObject, ...]
    version: str


@dataclass(frozen=True, slots=True)
class Right:
    """What somebody wants to do: ``patch`` ``deployments`` of ``apps`` in a namespace.

    ``subresource`` is such as ``scale``; without a namespace it is all of them.
    """

    verb: str
    resource: str
    group: str = ""
    namespace: str = ""
    name: str = ""
    subresource: str = ""


@dataclass(frozen=True, slots=True)
class _Who:
    """An identity with the TLS context that presents it."""

    identity: Identity
    tls: ssl.SSLContext | None


class ClusterClient:
    """One cluster as one user; belongs to the event loop that it is first used in.

    ``timeout`` is the total deadline of a call in seconds, credentials and all pages' waits apart.
    """

    sends: ClassVar[frozenset[str]] = _LOOKS
    """The methods that may leave it, besides access reviews."""

    def __init__(self, access: Access, *, timeout: float) -> None:
        self.access = access
        self.timeout = timeout
        self._resolver = Resolver()
        self._threads = BoundedExecutor("cluster-credentials", 2, spares=4)
        self._who: asyncio.Task[_Who] | None = None
        self._last: _Who | None = None
        self._idle: list[tuple[_Who, Connection]] = []
        self._closed = False

    @property
    def endpoint(self) -> str:
        """Where it looks, as it may be shown."""
        return sanitize(self.access.server.rpartition("@")[2], limit=120)

    async def get(
        self, path: str, params: Mapping[str, str] | None = None, *, limit: int = ANSWER_LIMIT
    ) -> JsonObject:
        """The JSON object at ``path``, of at most ``limit`` bytes. Raises ClusterError."""
        return self._object(await self.send("GET", path, params, limit=limit))

    async def listing(self, path: str, params: Mapping[str, str] | None = None) -> Listing:
        """All pages of a list, at most ``MOST`` objects. Raises ClusterError."""
        items: list[JsonObject] = []
        asked = {"limit": str(PAGE), **(params or {})}
        version = ""
        while True:
            page = await self.get(path, asked)
            found, version, more = page_of(page, self.endpoint)
            items += found
            if not more:
                return Listing(tuple(items), version)
            if len(items) >= MOST:
                raise too_many(self.endpoint, path)
            asked["continue"] = more

    async def review(self, asked: Right) -> bool | None:
        """Whether this user may do it; None where that could not be asked."""
        attributes = {
            "verb": asked.verb,
            "resource": asked.resource,
            "group": asked.group,
            "namespace": asked.namespace,
            "name": asked.name,
            "subresource": asked.subresource,
        }
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {key: each for key, each in attributes.items() if each}},
        }
        try:
            answer = self._object(await self._ask("POST", _REVIEWS, body=json.dumps(body).encode()))
        except ClusterError:
            return None
        status = answer.get("status")
        allowed = status.get("allowed") if isinstance(status, dict) else None
        return allowed if isinstance(allowed, bool) else None

    async def send(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        body: bytes = b"",
        content: str = "application/json",
        limit: int = ANSWER_LIMIT,
    ) -> HttpAnswer:
        """A successful answer as it is. Raises ClusterError for any other.

        ``method`` is one that this kind of client ``sends``; ``content`` is the type of ``body``.
        """
        if method not in self.sends:
            raise unusable(f"{method} is not sent by what looks", "", FaultKind.UNSUPPORTED)
        return await self._ask(method, path, params, body=body, content=content, limit=limit)

    @asynccontextmanager
    async def stream(
        self, path: str, params: Mapping[str, str] | None = None, *, silence: float
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """What comes at ``path``, in pieces as they come, on a connection of its own.

        Raises ClusterError, also between two pieces: when nothing comes for ``silence`` seconds.
        """
        deadline = asyncio.get_running_loop().time() + self.timeout
        found = await self._begin(path, params, deadline)
        try:
            yield self._pieces(found, silence)
        finally:
            found.close()

    async def close(self) -> None:
        """Drop the idle connections and let the threads end; idempotent."""
        self._closed = True
        self._drop_idle()
        if self._who is not None:
            self._who.cancel()
            await asyncio.gather(self._who, return_exceptions=True)
        self._threads.close()
        self._resolver.close()

    async def _begin(self, path: str, params: Mapping[str, str] | None, deadline: float) -> Stream:
        """An open stream whose answer is a success."""
        who = await self._known(deadline)
        for last in (False, True):
            found = await self._dial(Stream, who, deadline)
            try:
                wire = self._wire("GET", path, params, who, b"", "")
                head = await found.begin(wire, deadline, self.timeout)
                if 200 <= head.status <= 299:
                    if params and "watch" in params:
                        self._check_type(head)
                    return found
                body = await _rest(found)
            except TransportFaultError as error:
                found.close()
                raise ClusterError(error.fault) from None
            except BaseException:
                found.close()
                raise
            found.close()
            renewed = None if last or head.status != 401 else await self._renewed(who, deadline)
            if renewed is None:
                raise self._refused(head, body)
            who = renewed
        raise AssertionError("the second turn returns or raises")

    async def _pieces(self, found: Stream, silence: float) -> AsyncIterator[bytes]:
        try:
            async for piece in found.pieces(silence):
                yield piece
        except TransportFaultError as error:
            raise ClusterError(error.fault) from None

    async def _ask(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        body: bytes = b"",
        content: str = "application/json",
        limit: int = ANSWER_LIMIT,
    ) -> HttpAnswer:
        deadline = asyncio.get_running_loop().time() + self.timeout
        who = await self._known(deadline)
        answer = await self._exchange(
            who, method, self._wire(method, path, params, who, body, content), limit, deadline
        )
        if answer.status == 401:
            renewed = await self._renewed(who, deadline)
            if renewed is not None:
                wire = self._wire(method, path, params, renewed, body, content)
                answer = await self._exchange(renewed, method, wire, limit, deadline)
        if not 200 <= answer.status <= 299:
            raise self._refused(answer, answer.body)
        return answer

    async def _exchange(
        self, who: _Who, method: str, wire: bytes, limit: int, deadline: float
    ) -> HttpAnswer:
        try:
            kept = self._take(who) if method in _LOOKS else None
            if kept is not None:
                try:
                    return await self._carried(kept, who, method, wire, limit, deadline)
                except StaleConnectionError:
                    pass
            fresh = await self._dial(Connection, who, deadline)
            return await self._carried(fresh, who, method, wire, limit, deadline)
        except TransportFaultError as error:
            raise ClusterError(error.fault) from None

    async def _carried(
        self,
        connection: Connection,
        who: _Who,
        method: str,
        wire: bytes,
        limit: int,
        deadline: float,
    ) -> HttpAnswer:
        try:
            answer = await connection.exchange(wire, method, limit, deadline, self.timeout)
        except TransportFaultError as error:
            raise after_sending(error, method) from None
        if answer.reusable and not self._closed and len(self._idle) < _KEPT:
            self._idle.append((who, connection))
        else:
            connection.close()
        return answer

    def _take(self, who: _Who) -> Connection | None:
        while self._idle:
            whose, connection = self._idle.pop()
            if whose is who and connection.is_clean():
                return connection
            connection.close()
        return None

    def _drop_idle(self) -> None:
        for _, connection in self._idle:
            connection.close()
        self._idle.clear()

    async def _dial(self, kind: "type[P]", who: _Who, deadline: float) -> P:
        try:
            return await dial_as(kind, self.access.origin(), self._resolver, who.tls, deadline)
        except TransportFaultError as error:
            if error.fault.kind is FaultKind.TLS:
                # A renewed authority or certificate is read when it is asked for next.
                self._who = self._last = None
            raise ClusterError(error.fault) from None

    async def _known(self, deadline: float) -> _Who:
        """As whom to ask: found once for all who ask."""
        task = self._who
        if task is not None and task.done() and not task.cancelled():
            failed = task.exception() is not None
            if failed or time() >= task.result().identity.until:
                task = None
        if task is None:
            task = self._who = asyncio.create_task(self._found(None))
        return await self._waited(task, deadline)

    async def _renewed(self, who: _Who, deadline: float) -> _Who | None:
        """As whom to ask after ``who`` was refused; None where there is nobody else."""
        task = self._who
        if task is None or (task.done() and not task.cancelled() and task.exception() is None):
            known = task.result() if task is not None else who
            if known is not who and known.identity != who.identity:
                return known
            task = self._who = asyncio.create_task(self._found(who.identity))
        found = await self._waited(task, deadline)
        return found if found.identity != who.identity else None

    async def _waited(self, task: "asyncio.Task[_Who]", deadline: float) -> _Who:
        try:
            async with asyncio.timeout_at(deadline):
                return await asyncio.shield(task)
        except TimeoutError:
            message = f"no credentials for cluster {self.access.name} after {self.timeout:g} s"
            hint = "look at its exec plugin, or at the disk that its files are on"
            raise unusable(message, hint, FaultKind.AUTH) from None

    async def _found(self, after: Identity | None) -> _Who:
        before = self._last
        try:
            who = await self._threads.run(self._look_up, after, before, deadline=_IDENTITY_DEADLINE)
        except (TimeoutError, QueueFullError):
            message = f"the credentials for cluster {self.access.name} could not be read in time"
            raise unusable(message) from None
        if who is not before:
            self._drop_idle()
        self._last = who
        return who

    def _look_up(self, after: Identity | None, before: _Who | None) -> _Who:
        credentials = self.access.credentials
        identity = credentials.identity() if after is None else credentials.renewed(after)
        if before is not None and before.identity == identity:
            return _Who(identity, before.tls)
        tls = context_of(self.access, identity) if self.access.origin().tls else None
        return _Who(identity, tls)

    def _wire(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None,
        who: _Who,
        body: bytes,
        content: str,
    ) -> bytes:
        origin, prefix = self.access.origin(), self.access.prefix()
        target = quote(prefix + path, safe="/:@!$&'()*+,;=~-._%")
        if params:
            target = f"{target}?{urlencode(params)}"
        host = f"[{origin.host}]" if ":" in origin.host else origin.host
        lines = [
            f"Host: {host}:{origin.port}",
            f"User-Agent: opsconsole/{__version__}",
            "Accept: application/json, */*",
            "Accept-Encoding: identity",
            *(f"{name}: {value}" for name, value in who.identity.headers),
        ]
        if origin.proxy is not None and not origin.tls:
            target = f"http://{host}:{origin.port}{target}"
            if origin.proxy.authorization:
                lines.append(f"Proxy-Authorization: {origin.proxy.authorization.decode('ascii')}")
        if body:
            lines += [f"Content-Type: {content}", f"Content-Length: {len(body)}"]
        head = "\r\n".join([f"{method} {target} HTTP/1.1", *lines])
        return head.encode("latin-1") + b"\r\n\r\n" + body

    def _object(self, answer: HttpAnswer) -> JsonObject:
        self._check_type(answer)
        if answer.body.count(b"{") + answer.body.count(b"[") > PARTS_LIMIT:
            message = f"{self.endpoint}: an answer of more than {PARTS_LIMIT} parts"
            raise unusable(message, "", FaultKind.TOO_LARGE)
        try:
            value = json.loads(answer.body)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            message = f"{self.endpoint}: the answer is no JSON object"
            raise unusable(message, "", FaultKind.NOT_UNDERSTOOD)
        return value

    def _check_type(self, answer: HttpAnswer) -> None:
        found = _header(answer, b"content-type")
        if found.partition(b";")[0].strip().lower() != b"application/json":
            shown = sanitize_bytes(found, limit=60) or "no type"
            hint = "look at the server in the kubeconfig: is it an API server?"
            message = f"{self.endpoint} answers {shown}, not JSON"
            raise unusable(message, hint, FaultKind.NOT_UNDERSTOOD)

    def _refused(self, answer: HttpAnswer, body: bytes) -> ClusterError:
        try:
            value = json.loads(body[:_ERROR_LIMIT])
        except (ValueError, RecursionError):
            value = None
        after = _header(answer, b"retry-after").decode("ascii", "replace")
        return refused(answer.status, value, after, peer=self.endpoint)


def page_of(page: JsonObject, peer: str) -> tuple[list[JsonObject], str, str]:
    """The objects, the version and the ``continue`` of one page. Raises ClusterError."""
    about, items = page.get("metadata"), page.get("items")
    if items is None and isinstance(about, dict):
        items = []
    if not isinstance(about, dict) or not isinstance(items, list):
        raise unusable(f"{peer}: the answer is no list", "", FaultKind.NOT_UNDERSTOOD)
    version, more = about.get("resourceVersion"), about.get("continue")
    return (
        [each for each in items if isinstance(each, dict)],
        version if isinstance(version, str) else "",
        more if isinstance(more, str) else "",
    )


def too_many(peer: str, path: str) -> ClusterError:
    """The error of a list that goes beyond ``MOST``."""
    hint = "look at fewer namespaces, or set a selector"
    return unusable(f"{peer}: more than {MOST} objects at {path}", hint, FaultKind.TOO_LARGE)


def _header(answer: HttpAnswer, name: bytes) -> bytes:
    return next((value for key, value in answer.headers if key.lower() == name), b"")


async def _rest(found: Stream) -> bytes:
    """What an answer that is no success says, as far as it comes soon."""
    body = bytearray()
    async for piece in found.pieces(2.0):
        body += piece
        if len(body) > _ERROR_LIMIT:
            break
    return bytes(body)
