"""Why an observation or a call did not give a value.

Invariant: a fault is classified; its message is sanitised, says what happened to what, and
its hint says what to do next. ``blames_target`` separates a target that failed from a
look that failed: only the first may ever turn something red.
"""

from enum import StrEnum

from opsconsole.dataclass import dataclass


class FaultKind(StrEnum):
    """Classes of failure, named as they are shown."""

    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    TIMEOUT = "timeout"
    PROTOCOL = "protocol"
    STATUS = "status"
    TOO_LARGE = "too large"
    NOT_UNDERSTOOD = "not understood"
    AUTH = "not authorised"
    PERMISSION = "permission denied"
    ABSENT = "absent"
    UNSUPPORTED = "not supported"
    OVERLOADED = "overloaded"
    CACHED = "answered by a cache"
    BAD_QUERY = "bad query"
    LOCAL = "local"
    INTERNAL = "internal"


_BLAMES_TARGET = frozenset(
    {
        FaultKind.CONNECT,
        FaultKind.TLS,
        FaultKind.TIMEOUT,
        FaultKind.PROTOCOL,
        FaultKind.STATUS,
    }
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One classified failure. ``phase`` is dns, connect, tls, headers or body for a timeout.

    ``status`` is the HTTP code where one was read, ``retry_after`` the seconds for which the
    target asked to be left alone, 0 where it did not.
    """

    kind: FaultKind
    message: str
    hint: str = ""
    phase: str = ""
    status: int | None = None
    retry_after: float = 0.0

    @property
    def blames_target(self) -> bool:
        """Whether the target itself failed, rather than our look at it."""
        return self.kind in _BLAMES_TARGET and self.phase != "dns"

    def __str__(self) -> str:
        where = str(self.kind)
        if self.phase not in {"", where}:
            where = f"{where} ({self.phase})"
        return f"{where}: {self.message}" if self.message else where
