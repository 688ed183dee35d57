"""An API server that answers over HTTP as a real one does to changes, and does wrong when told to.

It keeps to resourceVersion, uid, dryRun and budgets of disruptions, and remembers each request.
What a real cluster's controllers would do is ``controller``, where a test wants any.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from copy import deepcopy
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.operations.drivers.kubernetes.made import stamp

Json = dict[str, Any]
KINDS = {
    *("deployments", "statefulsets", "daemonsets", "replicasets", "controllerrevisions"),
    *("pods", "nodes", "configmaps", "horizontalpodautoscalers", "poddisruptionbudgets"),
}
"""Of other kinds, such as those of KEDA, it knows nothing."""

REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


@dataclass
class Asked:
    """One request as it came."""

    method: str
    path: str
    params: Mapping[str, str]
    content: str
    body: Any

    @property
    def is_look(self) -> bool:
        """Whether it can change nothing: a GET, a HEAD, or a review of what is allowed."""
        return self.method in {"GET", "HEAD"} or self.path == REVIEWS

    @property
    def is_dry(self) -> bool:
        """Whether it is made as if."""
        body = self.body if isinstance(self.body, dict) else {}
        return self.params.get("dryRun") == "All" or body.get("dryRun") == ["All"]


class RefusedError(Exception):
    """Answered with a ``Status``."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status, self.reason = status, reason


@dataclass
class StandIn:
    """Objects by their path. ``faults`` come one after the other, each with the next change.

    ``conflict``: somebody else changes the object just before; ``lost``: the answer is lost after
    the change was made, ``cut``: before; a number: answered with it, and nothing done.
    ``denied`` are verbs that are not allowed, ``mute``: nobody can ask what is.
    """

    objects: dict[str, Json] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    faults: list[str | int] = field(default_factory=list)
    denied: set[str] = field(default_factory=set)
    mute: bool = False
    dry_answer: tuple[int, str] = (200, "")
    warning: str = ""
    controller: Callable[["StandIn", str], None] = lambda server, path: None
    evictable: Callable[[str], bool] = lambda path: True
    lock: threading.RLock = field(default_factory=threading.RLock)
    version: int = 1000
    second: int = 100

    def put(self, path: str, made: Json) -> None:
        """Have ``made`` at ``path``, as a version of its own."""
        with self.lock:
            self.version += 1
            self.second += 1
            made["metadata"]["resourceVersion"] = str(self.version)
            self.objects[path] = made

    @property
    def changes(self) -> list[Asked]:
        """The requests that could have changed something."""
        return [each for each in self.asked if not each.is_look]

    def answer(self, asked: Asked) -> Json:
        """What is answered. Raises RefusedError."""
        if asked.path == REVIEWS:
            verb = asked.body["spec"]["resourceAttributes"]["verb"]
            if self.mute:
                raise RefusedError(500, "InternalError", "the authorizer is away")
            return {"status": {"allowed": verb not in self.denied}}
        if asked.method == "GET":
            return self._get(asked)
        if asked.is_dry and self.dry_answer[0] != 200:
            raise RefusedError(self.dry_answer[0], "Denied", self.dry_answer[1])
        match asked.method:
            case "PATCH":
                return self._patch(asked)
            case "DELETE":
                return self._delete(asked)
            case "POST" if asked.path.endswith("/eviction"):
                return self._evict(asked)
            case _:
                raise RefusedError(405, "MethodNotAllowed", asked.method)

    def _get(self, asked: Asked) -> Json:
        if asked.path == "/apis/policy":
            return {"versions": [{"version": "v1"}, {"version": "v1beta1"}]}
        if asked.path in self.objects:
            return self.objects[asked.path]
        if asked.path.rpartition("/")[2] not in KINDS:
            raise RefusedError(404, "NotFound", f"{asked.path} not found")
        items = [
            each
            for path, each in self.objects.items()
            if asked.path in {path.rpartition("/")[0], _everywhere(path)}
        ]
        return {"metadata": {"resourceVersion": str(self.version)}, "items": items}

    def _patch(self, asked: Asked) -> Json:
        if asked.path not in self.objects:
            raise RefusedError(404, "NotFound", asked.path)
        if asked.content != "application/json-patch+json":
            raise RefusedError(415, "UnsupportedMediaType", asked.content)
        there = self.objects[asked.path]
        made = patched(there, asked.body)
        if made["metadata"]["resourceVersion"] != there["metadata"]["resourceVersion"]:
            raise RefusedError(409, "Conflict", "the object has been modified")
        if asked.is_dry:
            return made
        if made.get("spec") != there.get("spec"):
            made["metadata"]["generation"] = made["metadata"].get("generation", 1) + 1
        manager = {"manager": asked.params["fieldManager"], "operation": "Update"}
        made["metadata"]["managedFields"] = [{**manager, "time": stamp(self.second)}]
        self.put(asked.path, made)
        self.controller(self, asked.path)
        return made

    def _delete(self, asked: Asked) -> Json:
        there = self._pinned(asked.path, asked.body)
        if not asked.is_dry:
            del self.objects[asked.path]
            self.controller(self, asked.path)
        return there

    def _evict(self, asked: Asked) -> Json:
        path = asked.path.removesuffix("/eviction")
        self._pinned(path, asked.body["deleteOptions"])
        if not self.evictable(path):
            raise RefusedError(429, "TooManyRequests", "it would violate the disruption budget")
        del self.objects[path]
        self.controller(self, path)
        return {"kind": "Status", "status": "Success"}

    def _pinned(self, path: str, options: Json) -> Json:
        if path not in self.objects:
            raise RefusedError(404, "NotFound", path)
        there = self.objects[path]
        if options["preconditions"]["uid"] != there["metadata"]["uid"]:
            raise RefusedError(409, "Conflict", "the UID in the precondition does not match")
        return there


def _everywhere(path: str) -> str:
    """The collection of all namespaces that the object at ``path`` is in."""
    head, found, tail = path.partition("/namespaces/")
    return f"{head}/{tail.split('/')[1]}" if found else ""


def patched(read: Json, operations: list[Json]) -> Json:
    """``read`` after a JSON patch (RFC 6902), as far as tests need it. Raises RefusedError."""
    made = deepcopy(read)
    for each in operations:
        parts = [p.replace("~1", "/").replace("~0", "~") for p in each["path"].split("/")[1:]]
        inner = made
        for part in parts[:-1]:
            if part not in inner:
                raise RefusedError(422, "Invalid", f"there is nothing at {each['path']}")
            inner = inner[part]
        last = parts[-1]
        if each["op"] != "add" and last not in inner:
            raise RefusedError(422, "Invalid", f"there is nothing at {each['path']}")
        if each["op"] == "test":
            if inner[last] != each["value"]:
                raise RefusedError(422, "Invalid", f"testing {each['path']} failed")
        elif each["op"] == "remove":
            del inner[last]
        else:
            inner[last] = each["value"]
    return made


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    """An answer leaves as a whole: in two parts, the second would wait for a late ACK."""

    server: "_Server"

    def _any(self) -> None:
        url = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length)
        params = {key: values[-1] for key, values in parse_qs(url.query).items()}
        content = self.headers.get("Content-Type", "")
        asked = Asked(self.command, url.path, params, content, json.loads(raw) if raw else None)
        stand_in = self.server.stand_in
        with stand_in.lock:
            stand_in.asked.append(asked)
            changes = not asked.is_look and not asked.is_dry
            fault = stand_in.faults.pop(0) if changes and stand_in.faults else ""
            if fault == "cut":
                self.close_connection = True
                return
            if fault == "conflict":
                stand_in.put(asked.path, stand_in.objects[asked.path])
            try:
                if isinstance(fault, int):
                    raise RefusedError(fault, "Told", "as it was told")
                status, body = 200, stand_in.answer(asked)
            except RefusedError as error:
                status = error.status
                body = {"kind": "Status", "reason": error.reason, "message": str(error)}
            if fault == "lost":
                self.close_connection = True
                return
            answer = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        if stand_in.warning and changes is False and not asked.is_look:
            self.send_header("Warning", f'299 - "{stand_in.warning}"')
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = do_HEAD = _any  # noqa: N815

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    stand_in: StandIn


@contextmanager
def serving(stand_in: StandIn, kubeconfig: Path) -> Iterator[None]:
    """Serve it, and write the kubeconfig that leads there."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.stand_in = stand_in
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    where = f"http://127.0.0.1:{server.server_address[1]}"
    document = {
        "clusters": [{"name": "c", "cluster": {"server": where}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    kubeconfig.write_text(json.dumps(document))
    kubeconfig.chmod(0o600)
    try:
        yield
    finally:
        with suppress(OSError):
            server.shutdown()
            server.server_close()
        thread.join()
