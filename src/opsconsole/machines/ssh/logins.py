"""Logging in: few at a time, what failed not at once again, and what ssh says of it in words.

Invariant: each failure says what to do. What ssh or a host says is shown sanitised; it decides
which words are shown and nothing else. A host that was not reached is never ``NOT_FOUND``: that
is said of what is on it. No more than ``AT_ONCE`` logins are under way, however many hosts there
are: sshd drops a part of those that begin at one time, as does a jump host.
"""

import re
import threading
import time
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.machines.ssh.line import LostError, StrangeError
from opsconsole.model.running.machine import Failure, MachineError
from opsconsole.text import sanitize, sanitize_bytes

AT_ONCE: Final = 8
WITHIN: Final = 15.0
"""Seconds for a login, of which those for the connection are ``CONNECT``."""

CONNECT: Final = 8
_FIRST_PAUSE: Final = 2.0
_LONGEST_PAUSE: Final = 30.0

OPTIONS: Final = (
    "-T", "-a", "-x",
    "-oBatchMode=yes",
    "-oPasswordAuthentication=no",
    "-oKbdInteractiveAuthentication=no",
    "-oNumberOfPasswordPrompts=0",
    f"-oConnectTimeout={CONNECT}",
    "-oConnectionAttempts=1",
    "-oServerAliveInterval=4",
    "-oServerAliveCountMax=3",
    "-oLogLevel=ERROR",
    "-oRequestTTY=no",
    "-oRemoteCommand=none",
    "-oControlMaster=no",
    "-oClearAllForwardings=yes",
    "-oPermitLocalCommand=no",
)  # fmt: skip
"""The user's own configuration has all other say: jump hosts, keys, the agent, certificates."""


@dataclass(frozen=True, slots=True)
class Target:
    """A host as the settings name it. ``ssh`` is its destination, ``config`` another file.

    ``errand`` is the operation that it is reached for, if it is for one alone.
    """

    name: str
    ssh: str
    config: str = ""
    sudo: bool = False
    errand: str = ""

    @property
    def argv(self) -> tuple[str, ...]:
        """The words of ssh, without the command."""
        other = ("-F", self.config) if self.config else ()
        return ("ssh", *other, *OPTIONS, "--", self.ssh)


class Gate:
    """Lets ``AT_ONCE`` logins of a process through at a time."""

    def __init__(self) -> None:
        self._room = threading.BoundedSemaphore(AT_ONCE)

    def enter(self, ends: float) -> bool:
        """Wait for room until ``ends``; False where there is none."""
        return self._room.acquire(timeout=max(0.0, ends - time.monotonic()))

    def leave(self) -> None:
        """Make room."""
        self._room.release()


GATE: Final = Gate()
"""That of this process."""


class Patience:
    """How a host that lets nobody in is left alone: longer after each failure. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until = 0.0
        self._pause = 0.0
        self._last: MachineError | None = None

    def check(self) -> None:
        """Raise what was said before while it is too early to try again."""
        with self._lock:
            if self._last is not None and time.monotonic() < self._until:
                last = self._last
                raise MachineError(last.failure, last.what, remedy=last.remedy)

    def failed(self, error: MachineError) -> None:
        """Remember a failure."""
        with self._lock:
            self._pause = min(_LONGEST_PAUSE, self._pause * 2 or _FIRST_PAUSE)
            self._until, self._last = time.monotonic() + self._pause, error

    def succeeded(self) -> None:
        """Forget them."""
        with self._lock:
            self._pause, self._last = 0.0, None


@dataclass(frozen=True, slots=True)
class _Known:
    """``sign`` is in what ssh says; ``{host}`` and ``{ssh}`` are filled in."""

    sign: str
    failure: Failure
    what: str
    remedy: str


_KNOWN: Final = (
    _Known(
        "IDENTIFICATION HAS CHANGED", Failure.DENIED,
        "{host} shows another host key than the known one: it may be another machine",
        "find out why; if it was set up again, run ssh-keygen -R for it and log in once by hand",
    ),
    _Known(
        "Host key verification failed", Failure.DENIED,
        "the host key of {host} is not known",
        "log in once by hand and compare the key: ssh {ssh}",
    ),
    _Known(
        "REVOKED HOST KEY", Failure.DENIED,
        "{host} shows a host key that was revoked", "find out why before anybody logs in",
    ),
    _Known(
        "Permission denied", Failure.DENIED,
        "{host} accepts none of the keys, and nobody is asked for a password",
        "load a key into the agent, or put its public half into authorized_keys there; "
        "try it: ssh -oBatchMode=yes {ssh} true",
    ),
    _Known(
        "Too many authentication failures", Failure.DENIED,
        "{host} refused before the right key was offered",
        "name the key in ~/.ssh/config: IdentityFile and IdentitiesOnly",
    ),
    _Known(
        "Could not resolve hostname", Failure.OTHER,
        "no address is known for {host}",
        "correct ssh: of the host, or name it in DNS, /etc/hosts or ~/.ssh/config",
    ),
    _Known(
        "Connection refused", Failure.OTHER,
        "nothing listens for ssh at {host}",
        "start sshd there, or give the port that it has: ssh: ssh://USER@HOST:PORT",
    ),
    _Known(
        "timed out", Failure.TIMED_OUT,
        "{host} does not answer", "it is off, frozen, or something on the way drops it",
    ),
    _Known(
        "No route to host", Failure.OTHER, "there is no way to {host}", "look at the network",
    ),
    _Known(
        "not responding", Failure.TIMED_OUT,
        "{host} does not answer any more", "it is off, frozen, or something on the way drops it",
    ),
    _Known(
        "open failed", Failure.DENIED,
        "{host} lets nobody begin a session", "raise MaxSessions of its sshd to 1 or more",
    ),
    _Known(
        "not available", Failure.DENIED,
        "the account at {host} may not log in", "give it a shell, or name another user in ssh:",
    ),
    _Known(
        "Bad owner or permissions", Failure.DENIED,
        "ssh refuses its own configuration", "chmod go-w the file that it names",
    ),
    _Known(
        "kex_exchange_identification", Failure.OTHER,
        "{host} closed the connection before anybody could log in",
        "it is busy (MaxStartups), or refuses this address",
    ),
    _Known(
        "Connection closed", Failure.OTHER,
        "{host} closed the connection", "look at the log of its sshd",
    ),
    _Known(
        "Connection reset", Failure.OTHER,
        "{host} closed the connection", "look at the log of its sshd",
    ),
)  # fmt: skip


_ADDRESS: Final = re.compile(r"connect to host (\S+ port \d+)|resolve hostname (\S+):")
_PORT: Final = re.compile(r":(\d+)$")


def explained(error: Exception, target: Target, within: float = WITHIN) -> MachineError:
    """Why nobody is logged in, from what ``greet`` raised."""
    if isinstance(error, TimeoutError):
        return MachineError(
            Failure.TIMED_OUT,
            f"{_tried(target)} did not begin a session within {within:g} s",
            remedy=f"try it: ssh -oBatchMode=yes {target.ssh} true; its login shell may wait for"
            " something",
        )
    if isinstance(error, StrangeError):
        said = sanitize_bytes(error.said, limit=100)
        return MachineError(
            Failure.OTHER,
            f"what answers at {_tried(target)} is no shell that runs /bin/sh: {said}",
            remedy="give the account a usual shell, and let no startup file print without end",
        )
    if isinstance(error, LostError):
        return _of_ssh(error, target)
    if isinstance(error, FileNotFoundError):
        return MachineError(
            Failure.OTHER, "ssh is not on this machine", remedy="install openssh-client"
        )
    return MachineError(Failure.OTHER, f"ssh cannot be run: {sanitize(str(error), limit=200)}")


def _tried(target: Target, said: str = "") -> str:
    """``app-1 (ops@127.0.0.1 port 22422)``: the address that ``said`` names, else the settings.

    The user is of the settings' address alone: ssh may have tried a jump host.
    """
    user, at, place = target.ssh.removeprefix("ssh://").rpartition("@")
    host = _PORT.sub("", place) if target.ssh.startswith("ssh://") else place
    where = place if host == place else _PORT.sub(r" port \1", place)
    found = _ADDRESS.search(said)
    if found:
        where = found[1] or found[2]
    if where.partition(" ")[0] == host:
        where = f"{user}{at}{where}"
    where = sanitize(where, limit=200)
    return target.name if where == target.name else f"{target.name} ({where})"


def _of_ssh(error: LostError, target: Target) -> MachineError:
    said = error.said.decode("utf-8", "replace")
    host = _tried(target, said)
    for each in _KNOWN:
        if each.sign in said:
            fill = {"host": host, "ssh": target.ssh}
            return MachineError(
                each.failure, each.what.format(**fill), remedy=each.remedy.format(**fill)
            )
    words = sanitize_bytes(error.said.strip(), limit=200)
    ended = "" if error.code is None else f" (code {error.code})"
    return MachineError(
        Failure.OTHER,
        f"no session at {host}{ended}: {words}" if words else
        f"no session at {host}{ended}, and no word why",
        remedy=f"try it: ssh -oBatchMode=yes {target.ssh} true",
    )  # fmt: skip
