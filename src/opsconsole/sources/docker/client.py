"""Connecting to a Docker Engine and reading JSON from it, bounded and classified.

Invariants:

* Every call has a total deadline and a largest size, also the negotiation of the API version,
  which the SDK itself would read without either.
* Nothing of the user's environment is used: no proxy, no ``~/.netrc``, no redirect.
* A client belongs to one thread: the SDK's clients are not made to be shared.

Shared by the source and by the drivers that change containers.
"""

import errno
import json
import socket
import time
from collections.abc import Iterator, Mapping
from math import ceil
from typing import TYPE_CHECKING, Any, Final, NoReturn

from opsconsole.model.fault import Fault, FaultKind
from opsconsole.sources.docker.endpoint import DockerEndpoint, DockerUnavailableError
from opsconsole.text import sanitize, sanitize_bytes

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.tls import TLSConfig
    from requests import Response

    from opsconsole.sources.docker.socket import UnixAdapter

ANSWER_LIMIT: Final = 16 << 20
"""Bytes of one answer: some five thousand containers."""

PARTS_LIMIT: Final = 400_000
"""Objects and arrays of one answer; sixteen megabytes of empty ones would fill a gigabyte."""

_VERSION_LIMIT: Final = 64 << 10
_ERROR_LIMIT: Final = 64 << 10
_CHUNK: Final = 64 << 10
_NEWEST: Final = (1, 51)
_OLDEST: Final = (1, 24)
_UNNEGOTIATED: Final = "1.41"
_ANY_SOCKET: Final = "unix:///elsewhere"
"""What the SDK is given where another adapter leads to the engine."""

_HEADERS: Final = {"Accept-Encoding": "identity"}


def connect(endpoint: DockerEndpoint, timeout: float) -> "DockerClient":
    """A client with the API version that both sides know. Raises DockerUnavailableError.

    ``timeout`` in seconds bounds the negotiation as a whole and, later, each wait for bytes.
    """
    _knock(endpoint, timeout)
    from docker import DockerClient
    from docker.errors import DockerException

    adapter = _adapter(endpoint, ceil(timeout))

    def client(version: str) -> "DockerClient":
        url = endpoint.url if endpoint.far is None else _ANY_SOCKET
        made = DockerClient(
            base_url=url, version=version, timeout=ceil(timeout), tls=_tls(endpoint)
        )
        made.api.trust_env = False
        if adapter is not None:
            made.api.mount("http+docker://", adapter)
        return made

    try:
        first = client(_UNNEGOTIATED)
        try:
            answer = get_json(first, "/version", deadline=timeout, limit=_VERSION_LIMIT, plain=True)
            version = _negotiate(answer)
        except BaseException:
            first.close()
            raise
        if endpoint.far is None:
            first.close()
        # Over ssh its connection was a login, which the other client goes on with.
        return client(version)
    except (OSError, ValueError, DockerException) as error:
        raise DockerUnavailableError(classify(error, endpoint, timeout)) from error


def _adapter(endpoint: DockerEndpoint, timeout: int) -> "UnixAdapter | None":
    """What leads to a socket; None for an engine at an address."""
    if endpoint.far is not None:
        from opsconsole.sources.docker.over_ssh import SshAdapter

        return SshAdapter(endpoint.far, timeout)
    if endpoint.socket is not None:
        from opsconsole.sources.docker.socket import UnixAdapter

        return UnixAdapter(f"http+unix://{endpoint.socket}", timeout)
    return None


def _knock(endpoint: DockerEndpoint, timeout: float) -> None:
    """Report at once that nobody listens on a unix socket, before the SDK is even imported."""
    if endpoint.socket is None:
        return
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
            door.settimeout(timeout)
            door.connect(str(endpoint.socket))
    except TimeoutError:
        raise DockerUnavailableError(_timeout_fault(endpoint, timeout)) from None
    except OSError as error:
        raise DockerUnavailableError(_os_fault(error, endpoint)) from error


def get_json(
    client: "DockerClient",
    path: str,
    params: Mapping[str, str] | None = None,
    *,
    deadline: float,
    limit: int = ANSWER_LIMIT,
    plain: bool = False,
    lines: bool = False,
) -> object:
    """``GET path`` as decoded JSON, whole within ``deadline`` seconds and ``limit`` bytes.

    ``plain`` leaves the API version out of the path; ``lines`` reads a document in each line.
    Raises DockerUnavailableError for an answer that is an error, too large or not JSON, and OSError
    as requests does.
    """
    ends = time.monotonic() + deadline
    with open_stream(client, path, params, timeout=deadline, plain=plain) as response:
        if response.status_code != 200:
            raise DockerUnavailableError(fault_in(response, deadline))
        body = b"".join(_bounded(response, ends, limit))
    if lines:
        body = b"[" + b",".join(line for line in body.splitlines() if line.strip()) + b"]"
    if body.count(b"{") + body.count(b"[") > PARTS_LIMIT:
        message = f"the engine's answer has more than {PARTS_LIMIT} parts"
        raise DockerUnavailableError(Fault(FaultKind.TOO_LARGE, message))
    try:
        return json.loads(body, parse_constant=_not_json)
    except (ValueError, RecursionError) as error:
        raise DockerUnavailableError(
            _not_an_engine(f"{path} answered {len(body)} bytes that are not JSON")
        ) from error


def open_stream(
    client: "DockerClient",
    path: str,
    params: Mapping[str, str] | None = None,
    *,
    timeout: float | tuple[float, float],
    plain: bool = False,
) -> "Response":
    """Send ``GET path`` and return at the headers. The caller closes the response.

    ``timeout`` bounds each wait: one for all, or one to connect and one for bytes to come.
    """
    api = client.api
    prefix = api.base_url if plain else f"{api.base_url}/v{api.api_version}"
    return api.get(
        prefix + path,
        params=dict(params or {}),
        headers=_HEADERS,
        stream=True,
        timeout=timeout,
        allow_redirects=False,
    )


def read_chunks(response: "Response") -> Iterator[bytes]:
    """The body as it comes, at most 64 KiB at a time. Raises OSError when it breaks off."""
    from urllib3.exceptions import HTTPError

    try:
        yield from response.raw.stream(_CHUNK, decode_content=False)
    except HTTPError as error:
        raise ConnectionError(f"the answer broke off: {error}") from error


def classify(error: BaseException, endpoint: DockerEndpoint, timeout: float) -> Fault:
    """The fault of a call to ``endpoint`` that ended in ``error``."""
    from requests.exceptions import SSLError, Timeout
    from urllib3.exceptions import ReadTimeoutError

    if isinstance(error, DockerUnavailableError):
        return error.fault
    chain = list(_chain(error))
    if any(isinstance(link, (Timeout, TimeoutError, ReadTimeoutError)) for link in chain):
        return _timeout_fault(endpoint, timeout)
    if any(isinstance(link, SSLError) for link in chain):
        hint = "check docker.tls and the engine's certificate"
        return Fault(FaultKind.TLS, sanitize(str(error), limit=200), hint=hint)
    for link in chain:
        if isinstance(link, OSError) and isinstance(link.errno, int):
            return _os_fault(link, endpoint)
    return _not_an_engine(f"{endpoint.url}: {sanitize(str(error), limit=200)}")


def _timeout_fault(endpoint: DockerEndpoint, timeout: float) -> Fault:
    message = f"no answer from {endpoint.url} within {timeout:g} s"
    return Fault(FaultKind.TIMEOUT, message, hint="is the Docker daemon hung?")


def _os_fault(error: OSError, endpoint: DockerEndpoint) -> Fault:
    where = endpoint.socket or endpoint.url
    if error.errno in (errno.EACCES, errno.EPERM):
        hint = "add the user to the group docker, or set docker.host"
        return Fault(FaultKind.PERMISSION, f"permission denied on {where}", hint=hint)
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        hint = "start Docker, or set docker.host or docker.context"
        return Fault(FaultKind.ABSENT, f"no Docker Engine at {where}", hint=hint)
    if type(error).__name__ == "gaierror":
        return Fault(FaultKind.DNS, f"cannot resolve the name in {where}", hint="check docker.host")
    reason = sanitize(error.strerror or str(error), limit=120)
    return Fault(FaultKind.CONNECT, f"{where}: {reason}", hint="is the Docker daemon running?")


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error and those within it, as requests and urllib3 wrap them, each once."""
    waiting, seen = [error], set[int]()
    while waiting:
        link = waiting.pop(0)
        if id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        inner = (link.__cause__, link.__context__, getattr(link, "reason", None), *link.args)
        waiting.extend(item for item in inner if isinstance(item, BaseException))


def _bounded(response: "Response", ends: float, limit: int) -> Iterator[bytes]:
    size = 0
    for chunk in read_chunks(response):
        size += len(chunk)
        if size > limit:
            message = f"the engine's answer is larger than {limit} bytes"
            raise DockerUnavailableError(Fault(FaultKind.TOO_LARGE, message))
        if time.monotonic() > ends:
            raise TimeoutError("the answer was not whole in time")
        yield chunk


def fault_in(response: "Response", timeout: float) -> Fault:
    """The fault of an answer that is an error, with the engine's own message.

    Its body is read within ``timeout`` seconds. Raises as ``get_json`` does.
    """
    status = response.status_code
    body = b"".join(_bounded(response, time.monotonic() + timeout, _ERROR_LIMIT))
    kind = {401: FaultKind.AUTH, 403: FaultKind.AUTH, 404: FaultKind.ABSENT}.get(
        status, FaultKind.OVERLOADED if status in (429, 503) else FaultKind.STATUS
    )
    return Fault(kind, f"Docker answered {status}: {_message(body)}", status=status)


def _message(body: bytes) -> str:
    try:
        decoded = json.loads(body)
    except (ValueError, RecursionError):
        return sanitize_bytes(body[:800], limit=200)
    message = decoded.get("message") if isinstance(decoded, dict) else None
    return sanitize(message, limit=200) if isinstance(message, str) else "no message"


def _negotiate(answer: object) -> str:
    """The newest API version that engine and SDK share."""
    word = answer.get("ApiVersion") if isinstance(answer, dict) else None
    major, _, minor = word.partition(".") if isinstance(word, str) else ("", "", "")
    if not (major.isdecimal() and minor.isdecimal() and len(major) + len(minor) < 8):
        raise DockerUnavailableError(_not_an_engine("what answers names no API version"))
    offered = (int(major), int(minor))
    if offered < _OLDEST:
        message = f"the engine's API {offered[0]}.{offered[1]} is older than 1.24"
        raise DockerUnavailableError(Fault(FaultKind.UNSUPPORTED, message, hint="update Docker"))
    chosen = min(offered, _NEWEST)
    return f"{chosen[0]}.{chosen[1]}"


def _not_an_engine(message: str) -> Fault:
    hint = "is this the address of a Docker Engine?"
    return Fault(FaultKind.NOT_UNDERSTOOD, message, hint=hint)


def _not_json(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


def _tls(endpoint: DockerEndpoint) -> "TLSConfig | bool":
    """The SDK's form of the endpoint's TLS; False without any."""
    files = endpoint.tls
    if files is None:
        return endpoint.url.startswith("https://")
    from docker.tls import TLSConfig

    if not files.verify:
        from urllib3 import disable_warnings
        from urllib3.exceptions import InsecureRequestWarning

        disable_warnings(InsecureRequestWarning)  # the context says so; stderr is the screen
    arguments: dict[str, Any] = {"verify": files.verify}
    if files.ca:
        arguments["ca_cert"] = files.ca
    if files.certificate and files.key:
        arguments["client_cert"] = (files.certificate, files.key)
    return TLSConfig(**arguments)
