"""Names to addresses, in threads of our own, so that a hung name holds up nobody else.

Invariant: one lookup per name is under way at most; an answer is kept for 30 s and never used
after that; IP literals and ``localhost`` are never looked up. Names that hung before are asked
in a small lane of their own, names that answered before in another.
"""

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.fault import FaultKind
from opsconsole.sources.http.transport_fault import TransportFaultError
from opsconsole.text import sanitize
from opsconsole.threads import BoundedExecutor, QueueFullError, StuckError

KEPT: Final = 30.0
"""Seconds for which an answer is used."""

PATIENCE: Final = 0.5
"""Seconds after which a lookup counts as hung."""

_QUEUE: Final = 10_000

Lookup = Callable[[str], list[str]]
"""Blocking: addresses of a name; raises ``OSError``."""

_LOOPBACK: Final = ("127.0.0.1", "::1")
_LINK_LOCAL: Final = (
    ipaddress.ip_network("169.254.0.0/16"),
    ipaddress.ip_network("fe80::/10"),
    ipaddress.ip_network("fd00:ec2::254/128"),
)


@dataclass(slots=True)
class _Name:
    """What is known of one name. ``pending`` is the lookup under way, which all askers share."""

    addresses: tuple[str, ...] = ()
    until: float = 0.0
    hung: bool = False
    pending: asyncio.Future[tuple[str, ...]] | None = None


def system_lookup(name: str) -> list[str]:
    """Ask the system's resolver; blocks."""
    found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


@lru_cache(maxsize=4096)
def as_literal(host: str) -> str | None:
    """``host`` as an address when it is one, IPv6 without its brackets."""
    text = host.strip("[]")
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return None
    return text


def is_link_local(address: str) -> bool:
    """Whether it is link-local or a cloud's metadata service, also as IPv4 mapped into IPv6."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return any(parsed in network for network in _LINK_LOCAL)


class Resolver:
    """Shared by all probes of one event loop."""

    def __init__(self, lookup: Lookup = system_lookup) -> None:
        self._lookup = lookup
        self._names: dict[str, _Name] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._untried = BoundedExecutor("resolve-untried", 16, spares=112, queue=_QUEUE)
        self._known = BoundedExecutor("resolve-known", 8, spares=56, queue=_QUEUE)
        self._hung = BoundedExecutor("resolve-hung", 4, spares=0, queue=_QUEUE)

    async def resolve(self, host: str) -> tuple[str, ...]:
        """The addresses of ``host``, at least one. Raises ``TransportFaultError``.

        Waits as long as the lookup takes: the deadline is the caller's, and leaves the lookup
        running for the next caller.
        """
        literal = as_literal(host)
        if literal is not None:
            return (literal,)
        if host.lower() == "localhost":
            return _LOOPBACK
        loop = asyncio.get_running_loop()
        name = self._names.setdefault(host, _Name())
        if name.until > loop.time():
            return name.addresses
        if name.pending is None:
            name.pending = loop.create_future()
            name.pending.add_done_callback(_retrieve)
            task = loop.create_task(self._look_up(host, name, name.pending))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await asyncio.shield(name.pending)

    def close(self) -> None:
        """Let the threads end; lookups under way are abandoned."""
        for task in self._tasks:
            task.cancel()
        for name in self._names.values():
            if name.pending is not None:
                name.pending.cancel()
        for lane in (self._untried, self._known, self._hung):
            lane.close()

    async def _look_up(
        self, host: str, name: _Name, pending: asyncio.Future[tuple[str, ...]]
    ) -> None:
        """Have the name looked up; a lookup that hangs settles ``pending`` when it ends."""
        lane = self._hung if name.hung else self._known if name.addresses else self._untried
        loop = asyncio.get_running_loop()
        begun = False

        def ask() -> None:
            nonlocal begun
            begun = True
            found: list[str] | OSError | UnicodeError
            try:
                found = self._lookup(host)
            except (OSError, UnicodeError) as error:
                found = error
            # The loop may have been closed while the lookup hung; then nobody waits.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(_settle, host, name, pending, found)

        while not begun:
            try:
                await lane.run(ask, deadline=PATIENCE)
                name.hung = False
            except (StuckError, QueueFullError) as error:
                _settle(host, name, pending, OSError(0, str(error)))
                return
            except TimeoutError:
                # Not begun: it waits for a thread and may go on doing so.
                name.hung = name.hung or begun


def _settle(
    host: str,
    name: _Name,
    pending: asyncio.Future[tuple[str, ...]],
    found: list[str] | OSError | UnicodeError,
) -> None:
    name.pending = None
    if pending.done():
        return
    if not isinstance(found, list):
        pending.set_exception(_dns_fault(host, found))
        return
    addresses = tuple(dict.fromkeys(found))
    allowed = tuple(address for address in addresses if not is_link_local(address))
    if not allowed:
        pending.set_exception(_none_usable(host, addresses))
        return
    name.addresses, name.until = allowed, pending.get_loop().time() + KEPT
    pending.set_result(allowed)


def _retrieve(pending: asyncio.Future[tuple[str, ...]]) -> None:
    # Every caller may have gone at its deadline; the exception then has no other reader.
    if not pending.cancelled():
        pending.exception()


def _dns_fault(host: str, error: OSError | UnicodeError) -> TransportFaultError:
    shown = sanitize(host, limit=80)
    code = error.errno if isinstance(error, socket.gaierror) else None
    if code == socket.EAI_AGAIN:
        return TransportFaultError(
            FaultKind.DNS,
            f"name server gave no answer for {shown}",
            hint="look at this machine's /etc/resolv.conf",
        )
    if code in (socket.EAI_NONAME, socket.EAI_NODATA):
        return TransportFaultError(FaultKind.DNS, f"no address for the name {shown}")
    return TransportFaultError(FaultKind.DNS, f"{shown} cannot be resolved: {_reason(error)}")


def _reason(error: OSError | UnicodeError) -> str:
    text = getattr(error, "strerror", None) or "not a valid name"
    return sanitize(str(text), limit=100)


def _none_usable(host: str, addresses: tuple[str, ...]) -> TransportFaultError:
    shown = sanitize(host, limit=80)
    if not addresses:
        return TransportFaultError(FaultKind.DNS, f"no address for the name {shown}")
    return TransportFaultError(
        FaultKind.LOCAL,
        f"{shown} resolves to the link-local address {sanitize(addresses[0], limit=60)}: refused",
        hint="write the address itself in the URL if it is meant",
    )
