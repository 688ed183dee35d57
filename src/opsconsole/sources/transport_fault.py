"""The one exception of our HTTP transport: a classified fault on its way to a reading.

Invariant: its text is the fault's message, sanitised and free of secrets. It is an
``httpx.TransportError``, so that code written against httpx sees what it expects.
"""

import httpx

from opsconsole.model.fault import Fault, FaultKind


class TransportFaultError(httpx.TransportError):
    """An exchange gave no answer. ``status`` is the answer's code where that much was read."""

    def __init__(
        self,
        kind: FaultKind,
        message: str,
        *,
        hint: str = "",
        phase: str = "",
        status: int | None = None,
    ) -> None:
        super().__init__(message)
        self.fault = Fault(kind, message, hint, phase)
        self.status = status


class StaleConnectionError(Exception):
    """A kept connection was closed before any byte of the answer: ask again on a fresh one."""
