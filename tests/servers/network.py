"""Hosts with links of their own to a network of the test's own, any of which can be down.

Invariant: a host is a network namespace that one process holds, a network a bridge in another one.
All of it ends with these processes, however the test ends; of the machine's own network nothing is
changed but that it has one interface more, of a name that was free.
"""

import random
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from opsconsole.demo.processes import ServerError, ServerProcess, spawn

_FIRST_HOST: Final = 10


def why_no_network() -> str:
    """Why no network can be made here; '' where one can."""
    if any(shutil.which(each) is None for each in ("ip", "unshare", "nsenter")):
        return "ip, unshare and nsenter are not here"
    done = subprocess.run(["unshare", "--net", "true"], check=False, capture_output=True)
    return "" if done.returncode == 0 else "only root makes networks"


class _Space:
    """A network namespace."""

    def __init__(self, folder: Path) -> None:
        up = "ip link add switch type bridge && ip link set switch up && ip link set lo up"
        argv = ["unshare", "--net", "sh", "-c", f"{up} && exec sleep infinity"]
        self._holder: ServerProcess = spawn("network", argv, log=folder / "network.log")
        self.pid = self._holder.pid
        self._holder.wait_ready(self._is_up)

    def argv(self, *words: str) -> list[str]:
        """A program in it."""
        return ["nsenter", "-t", str(self.pid), "-n", "--", *words]

    def close(self) -> None:
        """End it, and every link to it."""
        self._holder.kill()

    def ip(self, *words: str | int) -> None:
        """Change something in it."""
        _run(self.argv("ip", *map(str, words)))

    def _is_up(self) -> bool:
        shown = subprocess.run(
            self.argv("ip", "-o", "link", "show", "up", "dev", "switch"),
            check=False, capture_output=True,
        )  # fmt: skip
        return shown.returncode == 0 and bool(shown.stdout)


class Host(_Space):
    """What has addresses of its own. Where it joins no network it reaches nobody."""


class Link:
    """Between a host and a network."""

    def __init__(self, switch: _Space, port: str, address: str) -> None:
        self._switch, self._port, self.address = switch, port, address
        self.is_down = False

    def down(self) -> None:
        """Carry nothing, as a cable that is pulled."""
        self._set(is_down=True)

    def up(self) -> None:
        """Carry again."""
        self._set(is_down=False)

    def _set(self, *, is_down: bool) -> None:
        self._switch.ip("link", "set", self._port, "down" if is_down else "up")
        self.is_down = is_down


class Network:
    """One network; ``address`` is this machine's on it, where servers of a test listen."""

    def __init__(self, folder: Path) -> None:
        self._switch = _Space(folder)
        self._links = 0
        for number in random.sample(range(1, 250), 100):
            words = f"ip link add opstest{number} type veth peer name machine netns"
            done = subprocess.run(
                [*words.split(), str(self._switch.pid)], check=False, capture_output=True
            )
            if done.returncode == 0:
                break
        else:
            raise ServerError(f"no network can be made: {done.stderr.decode()}")
        self._number = number
        self.address = f"10.213.{number}.1"
        _run(["ip", "addr", "add", f"{self.address}/24", "dev", f"opstest{number}"])
        _run(["ip", "link", "set", f"opstest{number}", "up"])
        self._switch.ip("link", "set", "machine", "up", "master", "switch")

    def join(self, host: Host) -> Link:
        """Give a host an address on it."""
        self._links += 1
        address = f"10.213.{self._number}.{_FIRST_HOST + self._links}"
        port, end = f"port{self._links}", f"to{self._number}"
        self._switch.ip("link", "add", port, "type", "veth", "peer", "name", end, "netns", host.pid)
        self._switch.ip("link", "set", port, "up", "master", "switch")
        host.ip("addr", "add", f"{address}/24", "dev", end)
        host.ip("link", "set", end, "up")
        return Link(self._switch, port, address)

    def close(self) -> None:
        """End it."""
        self._switch.close()


def _run(argv: Sequence[str]) -> None:
    done = subprocess.run(argv, check=False, capture_output=True, text=True)
    if done.returncode:
        raise ServerError(f"{' '.join(argv)} failed: {done.stderr.strip()}")
