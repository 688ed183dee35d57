"""The one exception of our HTTP transport: a classified fault on its way to a reading.

Invariant: its text is the fault's message, sanitised and free of secrets. It is an
``httpx.TransportError``, so that code written against httpx sees what it expects.
"""

from typing import Final, Self

import httpx

from opsconsole.model.certificate import Validity
from opsconsole.model.fault import Fault, FaultKind

_NEVER_LEFT: Final = frozenset(
    {FaultKind.DNS, FaultKind.CONNECT, FaultKind.TLS, FaultKind.LOCAL, FaultKind.UNSUPPORTED}
)
_BEFORE_SENDING: Final = frozenset({"dns", "connect", "tls"})

HELD_UP: Final = 0.5
"""Seconds by which a deadline may be noticed late before our own slowness is to blame."""


class TransportFaultError(httpx.TransportError):
    """An exchange gave no answer. ``fault.status`` is its code where that much was read.

    ``certificate`` is the server's own, where that is known of one that was refused.
    """

    def __init__(
        self,
        kind: FaultKind,
        message: str,
        *,
        hint: str = "",
        phase: str = "",
        status: int | None = None,
        certificate: Validity | None = None,
    ) -> None:
        super().__init__(message)
        self.fault = Fault(kind, message, hint, phase, status)
        self.certificate = certificate

    @classmethod
    def of(cls, fault: Fault) -> Self:
        """The exception that carries ``fault``."""
        made = cls(fault.kind, fault.message)
        made.fault = fault
        return made


def timed_out(
    message: str, *, phase: str, late: float, status: int | None = None
) -> TransportFaultError:
    """The fault of a deadline that passed; ``late`` is by how many seconds it was noticed late.

    Noticed much too late, it was this console that was held up, and nothing is known of the
    target.
    """
    if late > HELD_UP:
        return TransportFaultError(
            FaultKind.LOCAL,
            f"this console was held up for {late:.1f} s and could not look",
            hint="look at this machine's load",
        )
    return TransportFaultError(FaultKind.TIMEOUT, message, phase=phase, status=status)


def may_have_acted(fault: Fault) -> bool:
    """Whether the call that ended so can have taken effect all the same."""
    if fault.status is not None:
        # A server that failed while at it may have acted; one that refused has not.
        return fault.status >= 500 or 200 <= fault.status <= 299
    return fault.kind not in _NEVER_LEFT and fault.phase not in _BEFORE_SENDING


class StaleConnectionError(Exception):
    """A kept connection was closed before any byte of the answer: ask again on a fresh one."""
