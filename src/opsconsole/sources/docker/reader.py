"""Asking one Docker Engine, from any thread; every call blocks and is bounded.

Invariant: a client is used by one call at a time. It is kept for the next call when the call
went well and dropped when it did not, so that an engine that was restarted, or another one
behind the same address, is negotiated with again.
"""

import json
import re
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.running.workloads import Place, Workload
from opsconsole.sources.docker.client import ANSWER_LIMIT, classify, connect, get_json
from opsconsole.sources.docker.containers import (
    Inspected,
    Listed,
    read_inspection,
    read_list,
)
from opsconsole.sources.docker.endpoint import DockerEndpoint, DockerUnavailableError
from opsconsole.sources.docker.stats import Usage, from_api
from opsconsole.sources.docker.timeline import FILTERS
from opsconsole.sources.docker.workloads import read_services
from opsconsole.text import sanitize

if TYPE_CHECKING:
    from docker import DockerClient

_INSPECT_PATIENCE: Final = 1.0
_INSPECT_LIMIT: Final = 4 << 20
_STATS_LIMIT: Final = 1 << 20
_EVENTS_LIMIT: Final = 4 << 20
_ID: Final = re.compile(r"[0-9a-f]{12,64}")


class EngineReader:
    """Reads the engine at ``endpoint``. ``timeout`` in seconds is each call's total deadline.

    Every method raises DockerUnavailableError and nothing else that comes from outside.
    """

    def __init__(self, endpoint: DockerEndpoint, timeout: float) -> None:
        self.endpoint = endpoint
        self._timeout = timeout
        self._lock = threading.Lock()
        self._idle: list[DockerClient] = []
        self._closed = False

    def version(self) -> str:
        """The engine's version; '' when it does not say."""
        answer = self._get("/version", limit=_STATS_LIMIT)
        word = answer.get("Version") if isinstance(answer, dict) else None
        return sanitize(word, limit=64) if isinstance(word, str) else ""

    def containers(self) -> list[Listed]:
        """All containers, running or not, in one call."""
        listed = read_list(self._get("/containers/json", {"all": "1"}))
        if listed is None:
            message = f"{self.endpoint.url} answered with something else than containers"
            raise DockerUnavailableError(Fault(FaultKind.NOT_UNDERSTOOD, message))
        return listed

    def inspect(self, ids: Sequence[str], budget: float) -> dict[str, Inspected | None]:
        """Inspections by id, as many as fit in ``budget`` seconds.

        None for a container that is gone or that the engine does not answer about: one that
        is stuck in the engine hangs its own inspection alone.
        """
        ends = time.monotonic() + budget
        found: dict[str, Inspected | None] = {}
        for id_ in ids:
            left = ends - time.monotonic()
            if left <= 0:
                break
            patience = min(left, _INSPECT_PATIENCE, self._timeout)
            try:
                found[id_] = self._inspection(id_, patience)
            except DockerUnavailableError as error:
                if error.fault.kind not in (FaultKind.ABSENT, FaultKind.TIMEOUT, FaultKind.STATUS):
                    raise
                found[id_] = None
        return found

    def _inspection(self, id_: str, deadline: float) -> Inspected:
        path = f"/containers/{_checked(id_)}/json"
        return read_inspection(self._get(path, limit=_INSPECT_LIMIT, deadline=deadline))

    def events(self, since: float, until: float) -> list[object]:
        """The messages from ``since`` to ``until``, as many as the engine has kept, by time."""
        params = {
            "filters": json.dumps(FILTERS),
            "since": f"{since:.9f}",
            "until": f"{until:.9f}",
        }
        answer = self._get("/events", params, limit=_EVENTS_LIMIT, lines=True)
        return answer if isinstance(answer, list) else []

    def usage(self, id_: str) -> Usage | None:
        """One container's counters, without the engine's own second of waiting where it can."""
        params = {"stream": "0", "one-shot": "1"}
        return from_api(self._get(f"/containers/{_checked(id_)}/stats", params, limit=_STATS_LIMIT))

    def swarm_services(self, place: Place) -> tuple[Workload, ...] | None:
        """Swarm services; None when the engine is no manager of a swarm."""
        try:
            return read_services(self._get("/services", {"status": "1"}), place)
        except DockerUnavailableError as error:
            if error.fault.kind in (FaultKind.OVERLOADED, FaultKind.ABSENT):
                return None  # 503 is the engine's answer of a node that is not a manager
            raise

    def close(self) -> None:
        """Close the clients that are not in use, and the others when their calls end."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for client in idle:
            client.close()

    def _get(
        self,
        path: str,
        params: dict[str, str] | None = None,
        *,
        limit: int = ANSWER_LIMIT,
        deadline: float | None = None,
        lines: bool = False,
    ) -> object:
        within = deadline or self._timeout
        with self._client() as client:
            return get_json(client, path, params, deadline=within, limit=limit, lines=lines)

    @contextmanager
    def _client(self) -> Iterator["DockerClient"]:
        """A client for one call. An answer that is an error of the engine keeps the client."""
        client = self._borrow()
        good = False
        try:
            yield client
            good = True
        except DockerUnavailableError as error:
            good = error.fault.kind in (FaultKind.ABSENT, FaultKind.OVERLOADED)
            raise
        except (OSError, ValueError) as error:
            raise DockerUnavailableError(classify(error, self.endpoint, self._timeout)) from error
        finally:
            self._give_back(client, good=good)

    def _borrow(self) -> "DockerClient":
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return connect(self.endpoint, self._timeout)

    def _give_back(self, client: "DockerClient", *, good: bool) -> None:
        with self._lock:
            if good and not self._closed:
                self._idle.append(client)
                return
        client.close()


def _checked(id_: str) -> str:
    """An id that is safe in a path."""
    if not _ID.fullmatch(id_):
        raise ValueError(f"not a container id: {id_!r}")
    return id_
