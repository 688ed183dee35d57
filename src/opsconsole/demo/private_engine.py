"""A Docker Engine of our own: started, stopped, started again, and gone without a trace.

Invariants:

* It shares nothing with another engine: socket, files, bridge, cgroups, mounts and process
  ids are its own, the machine's configuration of Docker is not read, and the firewall is left
  alone (ports are published by Docker's proxy).
* Its bridge and its cgroups are called after its folder, which a lock shows to be in use.
* It is the first process of a namespace of process ids, so that the kernel ends it, its
  containers and its mounts when its parent is killed. The process ids that it reports are
  those of its namespace.

Needs root and ``dockerd``.
"""

import contextlib
import fcntl
import http.client
import json
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from opsconsole.demo import binaries, bridge
from opsconsole.demo.processes import ServerError, ServerProcess, start

_PARENT = Path("/tmp")  # noqa: S108 - a unix socket's path has at most 107 characters
_PREFIX = "opsconsole-docker-"
_LOCK = "opsconsole.lock"
_OPTIONAL = [Path("/opt/containerd", name) for name in ("bin", "lib", "")]

# unshare(1) gives namespaces of mounts and of process ids, and kills them when it is killed. Docker
# and containerd keep some sockets in /run whatever their options: they get their own.
_NAMESPACED = (
    "unshare",
    "--mount",
    "--propagation=private",
    "--pid",
    "--fork",
    "--kill-child",
    "--mount-proc",
    "sh",
    "-c",
    'mount -t tmpfs -o mode=0755 tmpfs /run && exec "$@"',
    "sh",
)


class PrivateEngine:
    """A ``dockerd`` of our own, with all its files in one short-named temporary folder."""

    def __init__(self) -> None:
        sweep()
        self.folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_PARENT))
        self._lock = _lock(self.folder)
        self._process: ServerProcess | None = None
        self._optional = [path for path in _OPTIONAL if not path.exists()]

    @property
    def url(self) -> str:
        """Where the engine listens."""
        return f"unix://{self._socket}"

    @property
    def _socket(self) -> Path:
        return self.folder / "docker.sock"

    def is_running(self) -> bool:
        """Whether the engine has been started and has not ended."""
        return self._process is not None and self._process.is_running()

    def start(self) -> None:
        """Start the engine and wait until it answers. Raises ServerError."""
        dockerd = binaries.find("dockerd")
        if dockerd is None:
            raise ServerError("dockerd is not on this machine", remedy="run make servers")
        self._prepare()
        self._process = start(
            "dockerd",
            [*_NAMESPACED, dockerd, *self._options()],
            log=self.folder / "dockerd.log",
            ready=lambda: engine_answers(self.url),
            deadline=60,
            env=binaries.environment(),
        )

    def stop(self) -> None:
        """Stop the engine and its containers; its files stay."""
        if self._process is not None:
            self._process.stop(grace=20)
            self._process = None
        for leftover in (self.folder / "pid", self._socket):
            leftover.unlink(missing_ok=True)

    def discard(self) -> None:
        """Stop the engine, remove its files, bridge and cgroups. Harmless when done already."""
        self.stop()
        _remove(self.folder)
        self._lock.close()
        for path in self._optional:
            with contextlib.suppress(OSError):
                path.rmdir()

    def _prepare(self) -> None:
        """Make the bridge and a configuration that keeps the machine's own from being read."""
        config = {"deprecated-key-path": str(self.folder / "key.json")}
        (self.folder / "daemon.json").write_text(json.dumps(config), encoding="utf-8")
        try:
            bridge.add(_name(self.folder))
        except FileExistsError:
            pass  # the engine is started again
        except OSError as error:
            raise ServerError(
                f"a Docker Engine cannot be started here: {error}",
                remedy="it needs a root that may make network bridges, as outside a container",
            ) from error

    def _options(self) -> list[str]:
        name = _name(self.folder)
        return [
            f"--config-file={self.folder / 'daemon.json'}",
            f"--host={self.url}",
            f"--data-root={self.folder / 'data'}",
            f"--exec-root={self.folder / 'exec'}",
            f"--pidfile={self.folder / 'pid'}",
            f"--bridge={name}",
            f"--cgroup-parent=/{name}",
            "--iptables=false",
            "--ip6tables=false",
            "--ip-masq=false",
            "--shutdown-timeout=1",
            "--log-level=warn",
        ]


def sweep() -> None:
    """Remove what engines of killed processes left: no process holds their locks."""
    for folder in _PARENT.glob(f"{_PREFIX}*"):
        try:
            if folder.lstat().st_uid != os.geteuid():
                continue
            lock = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
        except OSError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _remove(folder)
        except BlockingIOError:
            pass  # in use
        finally:
            os.close(lock)


def engine_answers(url: str) -> bool:
    """Whether ``GET /_ping`` is answered within two seconds at ``unix://`` or ``tcp://``."""
    scheme, _, address = url.partition("://")
    connection: http.client.HTTPConnection
    if scheme == "unix":
        connection = _UnixConnection(address)
    elif scheme == "tcp":
        connection = http.client.HTTPConnection(address, timeout=2)
    else:
        return False
    try:
        connection.request("GET", "/_ping")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _name(folder: Path) -> str:
    """What the bridge and the cgroups of the engine in ``folder`` are called."""
    return folder.name.replace(_PREFIX, "ops-")


def _lock(folder: Path) -> IO[str]:
    """The folder's lock, held until it is closed. Held before it can be seen by name."""
    lock = (folder / "lock.new").open("x")
    fcntl.flock(lock, fcntl.LOCK_EX)
    (folder / "lock.new").rename(folder / _LOCK)
    return lock


def _remove(folder: Path) -> None:
    """Remove an engine's files, and the bridge and cgroups that are called like its folder."""
    with contextlib.suppress(OSError):
        bridge.remove(_name(folder))
    for cgroup in _cgroups(_name(folder)):
        with contextlib.suppress(OSError):
            cgroup.rmdir()
    shutil.rmtree(folder, ignore_errors=True)


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=2)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _cgroups(name: str) -> Iterator[Path]:
    """The cgroup folders of a private engine, children before parents."""
    root = Path("/sys/fs/cgroup")
    for parent in (root / name, *root.glob(f"*/{name}")):
        if parent.is_dir():
            yield from sorted(parent.rglob("*/"), reverse=True)
            yield parent
