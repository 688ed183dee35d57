"""A requests session that cannot stall, flood or leak, for the Prometheus family.

Invariant: a request ends by its deadline unless the peer drips bytes inside one header line
(the executor's own deadline bounds that), a body is never read past ``BODY_LIMIT``, redirects
are not followed, nothing is taken from the environment (proxies, ``~/.netrc``), and nothing is
retried. Every failure becomes a ``Fault`` whose text holds no credentials.

prometheus-api-client waits for ever by default and retries three times; handing it this session
closes both. The response is complete in memory when ``request`` returns.
"""

import json
import time
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError as TransportError
from urllib3.exceptions import NameResolutionError, NewConnectionError
from urllib3.exceptions import TimeoutError as TransportTimeoutError
from urllib3.util.retry import Retry

from opsconsole.config.http import HttpConfig
from opsconsole.config.secrets.references import reveal
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.text import sanitize

BODY_LIMIT: Final = 8 * 1024 * 1024
"""Bytes of one API answer; Prometheus' own default for federated bodies is of this order."""

_CHUNK: Final = 65536
_MESSAGE: Final = 300


class BodyTooLargeError(requests.exceptions.RequestException):
    """The answer is larger than ``BODY_LIMIT``."""


class EncodedBodyError(requests.exceptions.RequestException):
    """The answer is compressed although identity was asked for."""


class DeadlineError(requests.exceptions.ReadTimeout):
    """The answer did not end by the deadline."""


class GuardedSession(requests.Session):
    """One per thread. ``timeout`` is the total for a request, in seconds."""

    def __init__(self, timeout: float) -> None:
        super().__init__()
        self.trust_env = False
        self.headers["Accept-Encoding"] = "identity"
        self.headers["User-Agent"] = "opsconsole"
        self._timeout = timeout
        for scheme in ("http://", "https://"):
            self.mount(scheme, HTTPAdapter(max_retries=Retry(total=0)))

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        """As ``requests.Session.request``, bounded."""
        deadline = time.monotonic() + self._timeout
        kwargs.update(stream=True, allow_redirects=False, timeout=self._timeout)
        response = super().request(*args, **kwargs)
        try:
            content = _read_body(response, deadline)
        finally:
            response.close()
        response._content = content
        return response


def build_session(http: HttpConfig, timeout: float, base: Path) -> GuardedSession:
    """A session with the target's authentication and TLS. Reads secrets: call off the loop."""
    session = GuardedSession(timeout)
    if http.basic_auth:
        password = reveal(http.basic_auth.password, base=base).value
        session.auth = (http.basic_auth.username, password)
    if http.authorization:
        credentials = reveal(http.authorization.credentials, base=base).value
        session.headers["Authorization"] = f"{http.authorization.type} {credentials}"
    for name, value in http.http_headers.items():
        session.headers[name] = value if isinstance(value, str) else reveal(value, base=base).value
    tls = http.tls_config
    session.verify = False if tls.insecure_skip_verify else (tls.ca_file or True)
    if tls.cert_file:
        session.cert = (tls.cert_file, tls.key_file) if tls.key_file else tls.cert_file
    if http.proxy_url:
        session.proxies = {"http": http.proxy_url, "https": http.proxy_url}
    return session


def get_json(session: GuardedSession, url: str, params: dict[str, str] | None = None) -> Any:
    """GET ``url`` and decode its JSON. Raises what ``classify`` understands."""
    response = session.request("GET", url, params=params)
    if response.status_code != requests.codes.ok:
        raise requests.exceptions.HTTPError(response=response)
    return json.loads(response.content)


def endpoint_of(url: str) -> str:
    """``url`` as it may be shown: no userinfo, no query."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = f":{parts.port}" if parts.port else ""
    return sanitize(f"{parts.scheme}://{host}{port}{parts.path}".rstrip("/"), limit=200)


def classify(error: Exception, url: str) -> Fault:
    """The fault that ``error`` means for a call to ``url``."""
    place = endpoint_of(url)
    if isinstance(error, BodyTooLargeError):
        return Fault(
            FaultKind.TOO_LARGE,
            f"{place} answered more than {BODY_LIMIT // 2**20} MiB",
            "narrow the query or the alerts",
        )
    if isinstance(error, EncodedBodyError):
        return Fault(FaultKind.NOT_UNDERSTOOD, f"{place} sent an encoded body, unasked")
    if isinstance(error, requests.exceptions.HTTPError) and error.response is not None:
        return classify_status(error.response.status_code, error.response.content, place)
    if isinstance(error, ValueError) and not isinstance(error, requests.exceptions.InvalidURL):
        return Fault(
            FaultKind.NOT_UNDERSTOOD,
            f"{place} answered something that is not JSON",
            "a login page or another server may be listening there",
        )
    return _classify_transport(error, place)


def classify_status(code: int, body: bytes, place: str) -> Fault:
    """The fault that an HTTP status means, with the API's own words where it gave any."""
    said = _api_error(body)
    detail = f"{place}: HTTP {code}{f', {said}' if said else ''}"
    if code in {401, 403}:
        return Fault(FaultKind.AUTH, detail, "check basic_auth or authorization")
    if code in {400, 422}:
        return Fault(FaultKind.BAD_QUERY, detail)
    if code in {429, 503}:
        return Fault(FaultKind.OVERLOADED, detail)
    if code in {404, 405, 410}:
        return Fault(FaultKind.UNSUPPORTED, detail, "is the URL's path prefix right?")
    if 300 <= code < 400:
        return Fault(FaultKind.STATUS, f"{detail}; redirects are not followed")
    return Fault(FaultKind.STATUS, detail)


def _classify_transport(error: Exception, place: str) -> Fault:
    cause = _root(error)
    if isinstance(error, requests.exceptions.SSLError):
        return Fault(FaultKind.TLS, f"{place}: {sanitize(str(cause), limit=_MESSAGE)}")
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return Fault(FaultKind.TIMEOUT, f"{place} did not accept a connection", phase="connect")
    if isinstance(error, DeadlineError):
        return Fault(FaultKind.TIMEOUT, f"{place} did not finish its answer", phase="body")
    if isinstance(error, requests.exceptions.Timeout) or isinstance(
        cause, (TimeoutError, TransportTimeoutError)
    ):
        return Fault(FaultKind.TIMEOUT, f"{place} did not answer", phase="headers")
    if isinstance(cause, NameResolutionError):
        return Fault(FaultKind.DNS, f"{place}: no address for this name")
    if isinstance(cause, (NewConnectionError, ConnectionRefusedError)):
        return Fault(FaultKind.CONNECT, f"{place} refused the connection", "is it running?")
    if isinstance(error, (requests.exceptions.RequestException, TransportError, OSError)):
        return Fault(FaultKind.PROTOCOL, f"{place}: the connection broke ({type(cause).__name__})")
    return Fault(FaultKind.INTERNAL, f"{place}: {type(error).__name__}")


def _root(error: BaseException) -> BaseException:
    """The innermost urllib3 reason or exception cause."""
    seen: set[int] = set()
    while id(error) not in seen:
        seen.add(id(error))
        inner = getattr(error, "reason", None)
        if not isinstance(inner, BaseException):
            inner = next((arg for arg in error.args if isinstance(arg, BaseException)), None)
        inner = inner or error.__cause__
        if inner is None:
            break
        error = inner
    return error


def _api_error(body: bytes) -> str:
    try:
        decoded = json.loads(body[:_CHUNK])
    except ValueError:
        return ""
    said = decoded.get("error", "") if isinstance(decoded, dict) else ""
    return sanitize(str(said), limit=_MESSAGE)


def _read_body(response: requests.Response, deadline: float) -> bytes:
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise EncodedBodyError
    body = bytearray()
    while chunk := response.raw.read1(_CHUNK):
        body += chunk
        if len(body) > BODY_LIMIT:
            raise BodyTooLargeError
        if time.monotonic() > deadline:
            raise DeadlineError
    declared = response.headers.get("Content-Length", "")
    if declared.isdigit() and int(declared) != len(body):
        raise requests.exceptions.ChunkedEncodingError
    return bytes(body)
