"""Why another host said nothing, as a fault. Pure."""

from typing import Final

from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.running.machine import Failure, MachineError

_KINDS: Final = {
    Failure.TIMED_OUT: FaultKind.TIMEOUT,
    Failure.DENIED: FaultKind.AUTH,
    Failure.TOO_LARGE: FaultKind.TOO_LARGE,
}


def unreached(error: MachineError) -> Fault:
    """Of what its machine raised."""
    return Fault(_KINDS.get(error.failure, FaultKind.CONNECT), error.what, error.remedy)
