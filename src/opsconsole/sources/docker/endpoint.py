"""Which Docker Engine is meant, and why.

Invariant: an endpoint is what the configuration, the environment or the Docker CLI's own files
name, or an error that says what is wrong; a name that is not known is never replaced by the
default socket, because an action could then reach another machine.

Order: the configured host, the configured context, ``DOCKER_HOST``, ``DOCKER_CONTEXT``,
``currentContext`` of the CLI's ``config.json``, the default socket. Contexts are read as the
CLI keeps them: ``contexts/meta/<sha256 of the name>/meta.json`` in ``$DOCKER_CONFIG`` or
``~/.docker``, their certificates in ``contexts/tls/<same>/docker/``.
"""

import json
import re
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urlsplit

from opsconsole import durable
from opsconsole.dataclass import dataclass
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.text import sanitize

if TYPE_CHECKING:
    from opsconsole.config.hosts import RemoteHost
    from opsconsole.machines.ssh.logins import Target

DEFAULT_SOCKET: Final = "unix:///var/run/docker.sock"
DEFAULT_CONTEXT: Final = "default"

_SCHEMES: Final = frozenset({"unix", "tcp", "http", "https"})
_SSH: Final = re.compile(
    r"ssh://(?P<where>(?:[A-Za-z0-9_][\w.+-]*@)?(?:[A-Za-z0-9_][\w.-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]+)?)"
    r"(?P<path>/[\w./@+:-]+)?/?",
    re.ASCII,
)
_TLS_FILES: Final = ("ca.pem", "cert.pem", "key.pem")
_PLAIN_PORT: Final = 2375
_TLS_PORT: Final = 2376
_FILE_LIMIT: Final = 1 << 20
_CONTEXTS_LIMIT: Final = 200


class DockerUnavailableError(Exception):
    """An engine cannot be used; ``fault`` says which, why and what to do."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(f"{fault}; {fault.hint}" if fault.hint else str(fault))
        self.fault = fault


class DockerChoice(Protocol):
    """The part of the configuration that names an engine. ``tls`` is a folder of PEM files,
    ``through`` the host of the settings that ``ssh://`` names, if it does.
    """

    @property
    def host(self) -> str | None: ...
    @property
    def context(self) -> str | None: ...
    @property
    def tls(self) -> str | None: ...
    @property
    def through(self) -> "RemoteHost | None": ...


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Paths of PEM files; None where there is none. ``verify`` checks the engine's certificate."""

    ca: str | None = None
    certificate: str | None = None
    key: str | None = None
    verify: bool = True


@dataclass(frozen=True, slots=True)
class FarSocket:
    """An engine's socket on another host; ``path`` is '' for the one that its client uses."""

    target: "Target"
    path: str = ""


@dataclass(frozen=True, slots=True)
class DockerEndpoint:
    """Where an engine listens, without credentials, and what named it (``DOCKER_HOST``, …).

    ``far`` is it where the engine is reached over ssh.
    """

    url: str
    origin: str
    tls: TlsFiles | None = None
    far: FarSocket | None = None

    @property
    def socket(self) -> Path | None:
        """The unix socket's path, where it is one."""
        return Path(self.url.removeprefix("unix://")) if self.url.startswith("unix://") else None

    def __str__(self) -> str:
        return f"{self.url} ({self.origin})"


def resolve(choice: DockerChoice, environ: Mapping[str, str]) -> DockerEndpoint:
    """The endpoint that is meant. Raises DockerUnavailableError."""
    folder = _cli_folder(environ)
    if choice.host:
        tls = _tls_folder(Path(choice.tls)) if choice.tls else None
        if choice.through is not None:
            return _through(choice.host, choice.through)
        return _endpoint(choice.host, "docker.host", tls)
    if choice.context:
        return _from_context(choice.context, "docker.context", environ, folder)
    if environ.get("DOCKER_HOST"):
        return _from_host_variable(environ, folder)
    if environ.get("DOCKER_CONTEXT"):
        return _from_context(environ["DOCKER_CONTEXT"], "DOCKER_CONTEXT", environ, folder)
    current = _current_context(folder / "config.json")
    if current:
        return _from_context(current, f"context {sanitize(current, limit=64)}", environ, folder)
    return _endpoint(DEFAULT_SOCKET, "default socket", None)


def _from_host_variable(environ: Mapping[str, str], folder: Path) -> DockerEndpoint:
    tls = None
    if environ.get("DOCKER_TLS_VERIFY"):
        tls = _tls_folder(Path(environ.get("DOCKER_CERT_PATH") or folder))
    return _endpoint(environ["DOCKER_HOST"], "DOCKER_HOST", tls)


def _from_context(
    name: str, origin: str, environ: Mapping[str, str], folder: Path
) -> DockerEndpoint:
    if name == DEFAULT_CONTEXT:
        if environ.get("DOCKER_HOST"):
            return _from_host_variable(environ, folder)
        return _endpoint(DEFAULT_SOCKET, origin, None)
    digest = sha256(name.encode()).hexdigest()
    meta = folder / "contexts" / "meta" / digest / "meta.json"
    if not meta.is_file():
        raise _unknown_context(name, origin, folder)
    endpoint = _object(_object(_read_object(meta).get("Endpoints")).get("docker"))
    host = endpoint.get("Host")
    if not isinstance(host, str) or not host:
        raise _unusable(f"context {_shown(name)} names no Docker host", f"look at {meta}")
    tls = _context_tls(
        folder / "contexts" / "tls" / digest / "docker",
        verify=endpoint.get("SkipTLSVerify") is not True,
    )
    return _endpoint(host, origin, tls)


def _endpoint(host: str, origin: str, tls: TlsFiles | None) -> DockerEndpoint:
    """Check the address and drop what it holds of a user or a password."""
    scheme, separator, rest = host.partition("://")
    if scheme == "ssh":
        return _over_ssh(host, origin)
    if not separator or not rest or scheme not in _SCHEMES:
        wanted = "docker.host is such as unix:///var/run/docker.sock or tcp://10.0.0.1:2376"
        raise _unusable(f"{origin} is not an address of a Docker Engine: {_shown(host)}", wanted)
    if scheme == "unix":
        path = rest if rest.startswith("/") else f"/{rest}"
        return DockerEndpoint(f"unix://{sanitize(path)}", origin)
    return DockerEndpoint(
        _network_url(host, origin, _TLS_PORT if tls else _PLAIN_PORT), origin, tls
    )


def _over_ssh(host: str, origin: str) -> DockerEndpoint:
    """As Docker's client reads it: ``ssh://USER@HOST:PORT/SOCKET``."""
    from opsconsole.machines.ssh.logins import Target

    found = _SSH.fullmatch(host)
    if found is None:
        wanted = "write ssh://HOST, with a user, a port and the path of the socket where needed"
        raise _unusable(f"{origin} names no engine over ssh: {_shown(host)}", wanted)
    where, path = found["where"], found["path"] or ""
    target = Target(sanitize(where), f"ssh://{where}")
    return DockerEndpoint(sanitize(host.rstrip("/")), origin, far=FarSocket(target, path))


def _through(host: str, there: "RemoteHost") -> DockerEndpoint:
    """The same through a host of the settings, as these reach it."""
    from opsconsole.machines.ssh.logins import Target

    read = _over_ssh(host, "docker.host")
    assert read.far is not None
    target = Target(there.name, there.destination, there.ssh_config or "")
    return DockerEndpoint(read.url, read.origin, far=FarSocket(target, read.far.path))


def _network_url(host: str, origin: str, default_port: int) -> str:
    """The address without user and password; ``tcp`` without a port has the CLI's default."""
    try:
        parts = urlsplit(host)
        address, port = parts.hostname, parts.port
    except ValueError:
        address, port = None, None
    if not address:
        raise _unusable(f"{origin} names no host: {_shown(host)}", "write tcp://HOST:PORT")
    where = f"[{address}]" if ":" in address else address
    if port is None and parts.scheme == "tcp":
        port = default_port
    number = f":{port}" if port else ""
    return sanitize(f"{parts.scheme}://{where}{number}{parts.path.rstrip('/')}")


def _unknown_context(name: str, origin: str, folder: Path) -> DockerUnavailableError:
    known = ", ".join([DEFAULT_CONTEXT, *_context_names(folder)])
    return DockerUnavailableError(
        Fault(
            FaultKind.ABSENT,
            f"{origin} names a Docker context that does not exist: {_shown(name)}",
            hint=f"known contexts: {known}",
        )
    )


def _context_names(folder: Path) -> list[str]:
    """Names of the contexts that can be read, sorted, sanitised."""
    names = []
    for meta in sorted((folder / "contexts" / "meta").glob("*/meta.json"))[:_CONTEXTS_LIMIT]:
        try:
            name = _read_object(meta).get("Name")
        except DockerUnavailableError:
            continue
        if isinstance(name, str):
            names.append(sanitize(name, limit=64))
    return sorted(names)


def _current_context(config: Path) -> str:
    """``currentContext``; '' when the file or the key is absent."""
    if not config.exists():
        return ""
    current = _read_object(config).get("currentContext", "")
    if not isinstance(current, str):
        raise _unusable(f"currentContext in {config} is not a name", "docker context use NAME")
    return current


def _cli_folder(environ: Mapping[str, str]) -> Path:
    if environ.get("DOCKER_CONFIG"):
        return Path(environ["DOCKER_CONFIG"])
    return Path(environ.get("HOME") or "/") / ".docker"


def _tls_folder(folder: Path) -> TlsFiles:
    """The three files as ``DOCKER_CERT_PATH`` has them, each of which must be there."""
    files = [folder / name for name in _TLS_FILES]
    for file in files:
        if not file.is_file():
            hint = "the folder holds ca.pem, cert.pem and key.pem"
            raise _unusable(f"no TLS file {_shown(str(file))}", hint)
    ca, certificate, key = (str(file) for file in files)
    return TlsFiles(ca, certificate, key)


def _context_tls(folder: Path, *, verify: bool) -> TlsFiles | None:
    there = {name: str(folder / name) for name in _TLS_FILES if (folder / name).is_file()}
    if not there and verify:
        return None
    ca, certificate, key = (there.get(name) for name in _TLS_FILES)
    return TlsFiles(ca, certificate, key, verify)


def _read_object(path: Path) -> Mapping[str, object]:
    """The JSON object in a file of the Docker CLI; an unreadable one is an error, not absent."""
    try:
        return _object(json.loads(durable.read(path, _FILE_LIMIT, follow=True)))
    except (OSError, ValueError, RecursionError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not JSON"
        hint = "correct the file, or set docker.host"
        raise _unusable(f"cannot read {_shown(str(path))}: {why}", hint) from error


def _object(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _unusable(message: str, hint: str) -> DockerUnavailableError:
    return DockerUnavailableError(Fault(FaultKind.LOCAL, message, hint=hint))


def _shown(text: str) -> str:
    """Outside text in a message, without what an address may hold of a password."""
    scheme, separator, rest = text.partition("://")
    if separator and "@" in rest:
        text = f"{scheme}://…@{rest.rpartition('@')[2]}"
    return sanitize(text, limit=120)
