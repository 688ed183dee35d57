"""What goes over the wire to an API server, and what comes back, as values.

Invariant: pure; credentials stand in the bytes of a request and in nothing else.
"""

import json
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import quote, urlencode

from opsconsole import __version__
from opsconsole.model.fault import FaultKind
from opsconsole.sources.http.head import HttpAnswer
from opsconsole.sources.kubernetes.api.access import Access
from opsconsole.sources.kubernetes.api.cluster_error import ClusterError, refused, unusable
from opsconsole.sources.kubernetes.api.credentials import Identity
from opsconsole.text import sanitize_bytes

JsonObject = Mapping[str, object]

PARTS_LIMIT: Final = 1_000_000
"""Objects and arrays of one answer; as many bytes of empty ones would fill a gigabyte."""

_QUICK: Final = 1.0
_FEW: Final = 2.0

ERROR_LIMIT: Final = 64 * 1024
"""Bytes of an answer that is no success."""

_PATH: Final = "/:@!$&'()*+,;=~-._%"


def request(
    access: Access,
    identity: Identity,
    method: str,
    path: str,
    params: Mapping[str, str] | None = None,
    *,
    body: bytes = b"",
    content: str = "application/json",
) -> bytes:
    """A whole request; ``content`` is the type of ``body``. Raises ClusterError."""
    origin = access.origin()
    target = quote(access.prefix() + path, safe=_PATH)
    if params:
        target = f"{target}?{urlencode(params)}"
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    lines = [
        f"Host: {host}:{origin.port}",
        f"User-Agent: opsconsole/{__version__}",
        "Accept: application/json, */*",
        "Accept-Encoding: identity",
        *(f"{name}: {value}" for name, value in identity.headers),
    ]
    if origin.proxy is not None and not origin.tls:
        target = f"http://{host}:{origin.port}{target}"
        if origin.proxy.authorization:
            lines.append(f"Proxy-Authorization: {origin.proxy.authorization.decode('ascii')}")
    if body:
        lines += [f"Content-Type: {content}", f"Content-Length: {len(body)}"]
    head = "\r\n".join([f"{method} {target} HTTP/1.1", *lines])
    return head.encode("latin-1") + b"\r\n\r\n" + body


def json_object(answer: HttpAnswer, peer: str) -> JsonObject:
    """The object that an answer holds. Raises ClusterError."""
    check_type(answer, peer)
    if answer.body.count(b"{") + answer.body.count(b"[") > PARTS_LIMIT:
        message = f"{peer}: an answer of more than {PARTS_LIMIT} parts"
        raise unusable(message, "", FaultKind.TOO_LARGE)
    try:
        value = json.loads(answer.body)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise unusable(f"{peer}: the answer is no JSON object", "", FaultKind.NOT_UNDERSTOOD)
    return value


def check_type(answer: HttpAnswer, peer: str) -> None:
    """Nothing for JSON. Raises ClusterError for anything else."""
    found = _header(answer, b"content-type")
    if found.partition(b";")[0].strip().lower() != b"application/json":
        shown = sanitize_bytes(found, limit=60) or "no type"
        hint = "look at the server in the kubeconfig: is it an API server?"
        message = f"{peer} answers {shown}, not JSON"
        raise unusable(message, hint, FaultKind.NOT_UNDERSTOOD)


def refusal(answer: HttpAnswer, body: bytes, peer: str, whose: Identity) -> ClusterError:
    """The error of an answer that is no success to a request that was signed as ``whose``."""
    try:
        value = json.loads(body[:ERROR_LIMIT])
    except (ValueError, RecursionError):
        value = None
    after = _header(answer, b"retry-after").decode("ascii", "replace")
    return refused(answer.status, value, after, peer=peer, remedy=whose.remedy)


def ahead(answer: HttpAnswer, now: float, known: float) -> float:
    """By how many seconds the clock of who answered at ``now`` is ahead; ``known`` where as before.

    ``Date`` is of whole seconds and the way takes some too, so that few seconds are none.
    """
    said = _header(answer, b"date").decode("ascii", "replace")
    if not said or answer.took > _QUICK:
        return known
    try:
        found = parsedate_to_datetime(said).timestamp() + 0.5 - now
    except (TypeError, ValueError, OverflowError):
        return known
    if abs(found - known) <= _FEW:
        return known
    return round(found) if abs(found) > _FEW else 0.0


def is_of_server(answer: HttpAnswer) -> bool:
    """Whether an answer that came by the proxy is the API server's own refusal."""
    found = _header(answer, b"content-type").partition(b";")[0].strip().lower()
    if answer.status < 400 or found != b"application/json":
        return False
    try:
        value = json.loads(answer.body[:ERROR_LIMIT])
    except (ValueError, RecursionError):
        return False
    return (
        isinstance(value, dict)
        and value.get("kind") == "Status"
        and value.get("apiVersion") == "v1"
    )


def page_of(page: JsonObject, peer: str) -> tuple[list[JsonObject], str, str]:
    """The objects, the version and the ``continue`` of one page. Raises ClusterError."""
    about, items = page.get("metadata"), page.get("items")
    if items is None and isinstance(about, dict) and "resourceVersion" in about:
        # Go writes an empty list so.
        items = []
    if not isinstance(about, dict) or not isinstance(items, list):
        raise unusable(f"{peer}: the answer is no list", "", FaultKind.NOT_UNDERSTOOD)
    version, more = about.get("resourceVersion"), about.get("continue")
    return (
        [each for each in items if isinstance(each, dict)],
        version if isinstance(version, str) else "",
        more if isinstance(more, str) else "",
    )


def _header(answer: HttpAnswer, name: bytes) -> bytes:
    return next((value for key, value in answer.headers if key.lower() == name), b"")
