"""Asking an API server: bounded in time and bytes, classified, and looks alone.

Invariant: nothing but GET, HEAD and access reviews leaves a ``ClusterClient``; what changes a
cluster is a kind of client of its own in ``operations``, and says which methods it sends. Redirects
are not followed, nothing is taken from the environment, credentials stand in no text. A look is
sent again once where its kept connection was closed, and once with renewed credentials after a 401,
never after a 403.
"""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Mapping
from math import inf
from operator import is_
from time import time
from typing import ClassVar, Final

from opsconsole.dataclass import dataclass
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.sources.http.connection import Connection
from opsconsole.sources.http.dial import P, dial_as
from opsconsole.sources.http.head import HttpAnswer
from opsconsole.sources.http.resolver import Resolver
from opsconsole.sources.http.stream import Stream
from opsconsole.sources.http.transport import after_sending
from opsconsole.sources.http.transport_fault import StaleConnectionError, TransportFaultError
from opsconsole.sources.kubernetes.api.access import Access, context_of
from opsconsole.sources.kubernetes.api.cluster_error import ClusterError, unusable
from opsconsole.sources.kubernetes.api.credentials import REREAD, Identity
from opsconsole.sources.kubernetes.api.pulse import Pulse
from opsconsole.sources.kubernetes.api.rights import REVIEWS, Right, review_of, said_of
from opsconsole.sources.kubernetes.api.wire import (
    ERROR_LIMIT,
    JsonObject,
    ahead,
    check_type,
    is_of_server,
    json_object,
    page_of,
    refusal,
    request,
)
from opsconsole.text import sanitize
from opsconsole.threads import BoundedExecutor, QueueFullError

ANSWER_LIMIT: Final = 32 << 20
"""Bytes of one answer: a page of five hundred objects of 64 KiB."""

PAGE: Final = 500
"""Objects of one page of a list."""

MOST: Final = 50_000
"""Objects of one list."""

_KEPT: Final = 4
"""Idle connections."""

_LINES: Final = 64
"""Idle lines of streams, which watches come back to after a moment."""

PATIENCE: Final = 5.0
"""Seconds that a server that is watched may take to say that it is there."""

_IDENTITY_DEADLINE: Final = 30.0
_LOOKS: Final = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class Listing:
    """All objects of one kind at one ``version`` (``resourceVersion``)."""

    items: tuple[JsonObject, ...]
    version: str


@dataclass(frozen=True, slots=True)
class _Who:
    """An identity with the TLS context that presents it, at ``access``; good ``until`` then."""

    access: Access
    identity: Identity
    tls: ssl.SSLContext | None
    until: float

    def is_like(self, other: "_Who") -> bool:
        """Whether a connection of one is as good as one of the other."""
        mine, others = (self.access, self.tls), (other.access, other.tls)
        return self.identity == other.identity and all(map(is_, mine, others))


class ClusterClient:
    """One cluster as one user; belongs to the event loop that it is first used in.

    ``timeout`` is the total deadline of a call in seconds, credentials and all pages' waits apart.
    ``ahead`` is by how many seconds the server's clock is ahead of this machine's; 0 for a few.
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
        self._lines: list[tuple[_Who, Stream]] = []
        self._closed = False
        self.ahead = 0.0
        self._pulse = Pulse(self._beat)

    @property
    def endpoint(self) -> str:
        """Where it looks, as it may be shown."""
        return sanitize(self.access.server.rpartition("@")[2], limit=120)

    @property
    def silent_for(self) -> float:
        """Seconds since the server was heard, where it is watched."""
        return self._pulse.silent_for

    @property
    def trouble(self) -> Fault | None:
        """Why it is not heard, where it is watched; None while it is."""
        return self._pulse.fault

    async def get(
        self, path: str, params: Mapping[str, str] | None = None, *, limit: int = ANSWER_LIMIT
    ) -> JsonObject:
        """The JSON object at ``path``, of at most ``limit`` bytes. Raises ClusterError."""
        return json_object(await self.send("GET", path, params, limit=limit), self.endpoint)

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
        try:
            found = await self._ask("POST", REVIEWS, body=review_of(asked))
            answer = json_object(found, self.endpoint)
        except ClusterError:
            return None
        return said_of(answer)

    async def proxied(
        self,
        path: str,
        params: Mapping[str, str] | None,
        deadline: float,
        *,
        method: str = "GET",
        body: bytes = b"",
        limit: int = ERROR_LIMIT,
    ) -> HttpAnswer:
        """What a pod behind the server's proxy answers, whatever its code.

        ``method`` is one that this kind of client ``sends``. Raises ClusterError where it is the
        server that answers instead, which then speaks as itself (``metav1.Status``).
        """
        self._check(method)
        who = await self._known(deadline)
        # A pod may answer 401 in the server's form: what may change something is sent once.
        for last in (False, True) if method in {"GET", "HEAD"} else (True,):
            wire = request(who.access, who.identity, method, path, params, body=body)
            answer = await self._exchange(who, method, wire, limit, deadline)
            if not is_of_server(answer):
                return answer
            renewed = None if last or answer.status != 401 else await self._renewed(who, deadline)
            if renewed is None:
                raise refusal(answer, answer.body, self.endpoint, who.identity)
            who = renewed
        raise AssertionError("the second turn returns or raises")

    def _check(self, method: str) -> None:
        if method not in self.sends:
            raise unusable(f"{method} is not sent by what looks", "", FaultKind.UNSUPPORTED)

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
        self._check(method)
        return await self._ask(method, path, params, body=body, content=content, limit=limit)

    @contextlib.asynccontextmanager
    async def stream(
        self, path: str, params: Mapping[str, str] | None = None, *, silence: float
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """What comes at ``path``, in pieces as they come, on a line that is its own so long.

        Raises ClusterError, also between two pieces: when nothing comes for ``silence`` seconds.
        """
        deadline = asyncio.get_running_loop().time() + self.timeout
        found, who = await self._begin(path, params, deadline)
        try:
            with self._pulse.watched():
                yield self._pieces(found, silence)
        finally:
            if found.is_reusable and not self._closed and len(self._lines) < _LINES:
                self._lines.append((who, found))
            else:
                found.close()

    async def close(self) -> None:
        """Drop the idle connections and let the threads end; idempotent."""
        self._closed = True
        await self._pulse.close()
        self._drop_idle()
        if self._who is not None:
            self._who.cancel()
            await asyncio.gather(self._who, return_exceptions=True)
        self._threads.close()
        self._resolver.close()

    async def _beat(self) -> None:
        """Have the server say anything, soon."""
        try:
            async with asyncio.timeout(min(self.timeout, PATIENCE)):
                await self.get("/version", limit=ERROR_LIMIT)
        except TimeoutError:
            fault = Fault(FaultKind.TIMEOUT, f"{self.endpoint} does not answer", phase="headers")
            raise ClusterError(fault) from None

    async def _begin(
        self, path: str, params: Mapping[str, str] | None, deadline: float
    ) -> tuple[Stream, _Who]:
        """An open stream whose answer is a success, and as whom it was asked for."""
        who = await self._known(deadline)
        for last in (False, True):
            wire = request(who.access, who.identity, "GET", path, params)
            found, head = await self._opened(who, wire, deadline)
            try:
                self._pulse.heard()
                if 200 <= head.status <= 299:
                    if params and "watch" in params:
                        check_type(head, self.endpoint)
                    return found, who
                body = await _rest(found, deadline)
            except TransportFaultError as error:
                found.close()
                raise ClusterError(error.fault) from None
            except BaseException:
                found.close()
                raise
            found.close()
            renewed = None if last or head.status != 401 else await self._renewed(who, deadline)
            if renewed is None:
                raise refusal(head, body, self.endpoint, who.identity)
            who = renewed
        raise AssertionError("the second turn returns or raises")

    async def _opened(self, who: _Who, wire: bytes, deadline: float) -> tuple[Stream, HttpAnswer]:
        """A stream on a line that was kept, or on a fresh one, and the head of its answer."""
        while self._lines:
            whose, kept = self._lines.pop()
            if whose.is_like(who) and kept.is_reusable:
                try:
                    return kept, await kept.begin(wire, deadline, self.timeout)
                except TransportFaultError:
                    # It was closed just then; whether the server answers, a fresh one shows.
                    pass
                except BaseException:
                    kept.close()
                    raise
            kept.close()
        fresh = await self._dial(Stream, who, deadline)
        try:
            return fresh, await fresh.begin(wire, deadline, self.timeout)
        except TransportFaultError as error:
            fresh.close()
            raise ClusterError(error.fault) from None
        except BaseException:
            fresh.close()
            raise

    async def _pieces(self, found: Stream, silence: float) -> AsyncIterator[bytes]:
        try:
            async for piece in found.pieces(silence):
                self._pulse.heard()
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

        def wire(whose: _Who) -> bytes:
            return request(
                whose.access, whose.identity, method, path, params, body=body, content=content
            )

        answer = await self._exchange(who, method, wire(who), limit, deadline)
        if answer.status == 401:
            renewed = await self._renewed(who, deadline)
            if renewed is not None:
                answer = await self._exchange(renewed, method, wire(renewed), limit, deadline)
        if not 200 <= answer.status <= 299:
            raise refusal(answer, answer.body, self.endpoint, who.identity)
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
        self._pulse.heard()
        self.ahead = ahead(answer, time(), self.ahead)
        if answer.reusable and not self._closed and len(self._idle) < _KEPT:
            self._idle.append((who, connection))
        else:
            connection.close()
        return answer

    def _take(self, who: _Who) -> Connection | None:
        while self._idle:
            whose, connection = self._idle.pop()
            if whose.is_like(who) and connection.is_clean():
                return connection
            connection.close()
        return None

    def _drop_idle(self) -> None:
        for _, connection in self._idle:
            connection.close()
        for _, line in self._lines:
            line.close()
        self._idle.clear()
        self._lines.clear()

    async def _dial(self, kind: "type[P]", who: _Who, deadline: float) -> P:
        try:
            return await dial_as(kind, who.access.origin(), self._resolver, who.tls, deadline)
        except TransportFaultError as error:
            # By now it may be elsewhere, or known by another authority or certificate.
            if self._who is not None and self._who.done():
                self._who = None
            if error.fault.kind is FaultKind.TLS:
                self._last = None
            raise ClusterError(error.fault) from None

    async def _known(self, deadline: float) -> _Who:
        """As whom to ask: found once for all who ask."""
        task = self._who
        if task is not None and task.done() and not task.cancelled():
            failed = task.exception() is not None
            if failed or time() >= task.result().until:
                task = None
        if task is None:
            task = self._begin_to_find(None)
        return await self._waited(task, deadline)

    async def _renewed(self, who: _Who, deadline: float) -> _Who | None:
        """As whom to ask after ``who`` was refused; None where there is nobody else."""
        task = self._who
        if task is None or (task.done() and not task.cancelled() and task.exception() is None):
            known = task.result() if task is not None else who
            if known is not who and known.identity != who.identity:
                return known
            task = self._begin_to_find(who.identity)
        found = await self._waited(task, deadline)
        return found if found.identity != who.identity else None

    def _begin_to_find(self, after: Identity | None) -> "asyncio.Task[_Who]":
        self._who = task = asyncio.create_task(self._found(after))
        # Those who asked may have gone at their deadlines; its exception then has no reader.
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return task

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
        if before is None or not who.is_like(before):
            self._drop_idle()
        self.access, self._last = who.access, who
        return who

    def _look_up(self, after: Identity | None, before: _Who | None) -> _Who:
        access = self.access
        if access.reread is not None:
            with contextlib.suppress(ClusterError):
                # A file that is being written is as good as the one before it.
                access = access.reread() or access
        until = time() + REREAD if access.reread is not None else inf
        if access != self.access:
            after = before = None
        credentials = access.credentials
        identity = credentials.identity() if after is None else credentials.renewed(after)
        until = min(until, identity.until)
        if before is not None and before.identity == identity:
            return _Who(access, identity, before.tls, until)
        tls = context_of(access, identity) if access.origin().tls else None
        return _Who(access, identity, tls, until)


def too_many(peer: str, path: str) -> ClusterError:
    """The error of a list that goes beyond ``MOST``."""
    hint = "look at fewer namespaces, or set a selector"
    return unusable(f"{peer}: more than {MOST} objects at {path}", hint, FaultKind.TOO_LARGE)


async def _rest(found: Stream, deadline: float) -> bytes:
    """What an answer that is no success says, as far as it comes by ``deadline``."""
    body = bytearray()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout_at(deadline):
            async for piece in found.pieces(PATIENCE):
                body += piece
                if len(body) > ERROR_LIMIT:
                    break
    return bytes(body)
