"""The SDK's transport to an engine of another host, over the ssh of the system.

Invariant: each connection is a login (``machines.ssh.dialled``) that ends in Docker's own
``docker system dial-stdio``, else in ``socat`` or ``nc`` at the engine's socket: nothing is
forwarded, and nothing listens here. Why a connection gave no answer is said in the words of what
complained there, made safe; they decide which fault it is, and nothing else.
"""

from http.client import HTTPException
from typing import Any, Final

from docker.transport.unixconn import UnixHTTPConnection

from opsconsole.machines.ssh.dialled import Dialled, dial
from opsconsole.machines.ssh.far_end import PATH
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.running.machine import MachineError
from opsconsole.sources.docker.endpoint import DockerUnavailableError, FarSocket
from opsconsole.sources.docker.socket import Pool, UnixAdapter
from opsconsole.sources.unreached import unreached
from opsconsole.text import sanitize_bytes

USUAL: Final = "/var/run/docker.sock"
_NOTHING: Final = "nothing there leads to a socket"
_SIGNS: Final = (
    ("permission denied", FaultKind.PERMISSION, "add the user there to the group docker"),
    (_NOTHING, FaultKind.UNSUPPORTED, "install the client of Docker there, or socat"),
    ("no such file", FaultKind.ABSENT, "start Docker there, or name its socket: ssh://HOST/PATH"),
    ("", FaultKind.CONNECT, "is Docker running there?"),
)  # fmt: skip
"""What is in a complaint, the first that is; what kind of fault it then is, and what to do."""


def code(path: str) -> str:
    """What leads to the engine there: by its client, which knows where, unless ``path`` does."""
    client, where = f"docker -H unix://{path}" if path else "docker", path or USUAL
    ways = (
        ("docker", f"{client} system dial-stdio"),
        ("socat", f"socat - UNIX-CONNECT:{where}"),
        ("nc", f"nc -U {where}"),
    )
    tried = "".join(f"command -v {name} >/dev/null 2>&1 && exec {way}; " for name, way in ways)
    return f"PATH=$PATH:{PATH}; {tried}echo {_NOTHING} >&2; exit 127"


def refused(complaint: bytes, where: FarSocket) -> Fault:
    """Why an engine of another host did not answer, by what was complained there."""
    said = sanitize_bytes(complaint.strip(), limit=200)
    for sign, kind, hint in _SIGNS:
        if sign in said.lower():
            return Fault(kind, f"no Docker Engine through {where.target.name}: {said}", hint)
    raise AssertionError("the last sign is in everything")


class SshAdapter(UnixAdapter):
    """Mounted in place of the SDK's adapter."""

    def __init__(self, where: FarSocket, timeout: int) -> None:
        super().__init__("http+unix:///elsewhere", timeout)
        self._where = where

    def pool(self, url: Any) -> Pool:
        """Connections of one engine."""
        return _Pool(self._where, url, self.socket_path, self.timeout, maxsize=self.max_pool_size)


class _Pool(Pool):
    def __init__(self, where: FarSocket, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._where = where

    def _new_conn(self) -> Any:
        return _Connection(self._where, self.timeout)


class _Connection(UnixHTTPConnection):
    def __init__(self, where: FarSocket, timeout: Any) -> None:
        super().__init__("http+docker://localhost", "", timeout)
        self._where = where
        self._dialled: Dialled | None = None

    def connect(self) -> None:
        try:
            self._dialled = dial(self._where.target, code(self._where.path), self.timeout)
        except MachineError as error:
            raise DockerUnavailableError(unreached(error)) from error
        self.sock = self._dialled.socket
        self.sock.settimeout(self.timeout)

    def getresponse(self) -> Any:  # two supertypes that do not agree
        try:
            return super().getresponse()
        except (ConnectionError, HTTPException) as error:
            said = self._dialled.complaint() if self._dialled is not None else b""
            if not said.strip():
                raise
            raise DockerUnavailableError(refused(said, self._where)) from error
