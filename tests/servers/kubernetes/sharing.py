"""One cluster for all workers of a run: started by the first that asks, ended with the last.

Invariants:

* A process of its own keeps the cluster, as the worker that asked first may be done first. Whoever
  uses the cluster holds a connection to that process; it ends when there is none any more, so that
  a worker that is killed lets go as well.
* The connections are to an abstract socket named after the run (unix(7)): no file is left of it.

    python -m tests.servers.kubernetes.sharing NAME
"""

import contextlib
import fcntl
import json
import os
import selectors
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Final

from opsconsole.demo.processes import ServerError
from tests.leftovers import MARK
from tests.patience import until
from tests.servers.kubernetes.cluster import VARIABLE, Cluster, ClusterAt

_RUNNING: Final = os.environ.get(VARIABLE, "")
_ROOT: Final = Path(__file__).resolve().parents[3]
_LONGEST: Final = 300.0  # seconds in which the keeper tells how its start went


@contextlib.contextmanager
def shared_cluster() -> Iterator[ClusterAt]:
    """The cluster of this run, for as long as the context lasts. Raises ServerError."""
    if _RUNNING:
        yield ClusterAt(**json.loads(Path(_RUNNING).read_text(encoding="utf-8")))
        return
    with _connected(f"opsconsole-cluster-{os.environ[MARK]}") as keeper:
        keeper.settimeout(_LONGEST)
        told = keeper.makefile("rb").readline()
        if not told.startswith(b"{"):
            raise ServerError(f"no cluster: {told.decode() or 'its keeper ended'}")
        yield ClusterAt(**json.loads(told))


def _connected(name: str) -> socket.socket:
    """A connection to the keeper called ``name``, which is started where there is none."""
    with (Path(tempfile.gettempdir()) / "opsconsole-test-cluster.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _connection(name) or _started(name)


def _started(name: str) -> socket.socket:
    argv = [sys.executable, "-m", "tests.servers.kubernetes.sharing", name]
    with tempfile.TemporaryFile() as said:
        keeper = subprocess.Popen(
            argv,
            cwd=_ROOT,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )

        def connected() -> socket.socket | None:
            if keeper.poll() is not None:
                said.seek(0)
                raise ServerError(f"the cluster's keeper ended: {said.read().decode()}")
            return _connection(name)

        connection = until(connected)
        assert connection is not None
    # It may outlive this process, and nothing more is asked of it.
    threading.Thread(target=keeper.wait, daemon=True).start()
    return connection


def _connection(name: str) -> socket.socket | None:
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(f"\0{name}")
    except OSError:
        connection.close()
        return None
    return connection


def keep(name: str) -> None:
    """Keep a cluster for those who connect, until nobody is connected any more."""
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(f"\0{name}")
        door.listen(64)
        cluster = Cluster()
        try:
            cluster.start()
            told = json.dumps(asdict(cluster.at()))
        except (ServerError, TimeoutError) as error:
            told = " ".join(str(error).split())
        try:
            _serve(door, told.encode() + b"\n")
        finally:
            door.close()
            cluster.close()


def _serve(door: socket.socket, told: bytes) -> None:
    """Tell everybody who comes; return once all have gone."""
    with selectors.DefaultSelector() as selector:
        selector.register(door, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is door:
                    guest, _address = door.accept()
                    with contextlib.suppress(OSError):
                        guest.sendall(told)
                    selector.register(guest, selectors.EVENT_READ, guest)
                else:  # nobody says anything: they have gone
                    selector.unregister(key.fileobj)
                    key.data.close()
            if len(selector.get_map()) == 1:
                return


if __name__ == "__main__":
    keep(sys.argv[1])
