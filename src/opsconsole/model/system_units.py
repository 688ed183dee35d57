"""The systemd units that copies of a service are.

Invariant: what systemd does not tell is None, never zero; sizes are bytes, ``cpu`` is in cores.
"""

from dataclasses import dataclass

from opsconsole.model.fault import Fault
from opsconsole.model.state import State


@dataclass(frozen=True, slots=True)
class SystemUnit:
    """One unit at ``taken_at``. ``words`` are systemd's own, such as ``active (running)``.

    ``cpu`` is the mean since the look before, ``uptime`` in seconds. With a ``fault`` nothing else
    is known.
    """

    instance: str
    name: str
    taken_at: float
    state: State = State.UNKNOWN
    words: str = ""
    cpu: float | None = None
    memory: int | None = None
    memory_limit: int | None = None
    restarts: int | None = None
    uptime: float | None = None
    pid: int | None = None
    fault: Fault | None = None
