"""The machines of a cluster, as the cluster itself reports them.

Invariant: sizes are bytes, ``cpu`` is in cores; None means not known, never zero.
"""

from opsconsole.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class ClusterNode:
    """One node. ``ready`` is None where the cluster does not hear of it.

    ``since`` is when that began, by the cluster's clock; ``said`` is why, in the cluster's words.
    ``presses`` are the conditions that keep pods away, such as DiskPressure. ``cordoned``: no pod
    is placed on it. ``cpu`` and ``memory`` are what it has for pods.
    """

    name: str
    ready: bool | None
    since: float | None = None
    said: str = ""
    presses: tuple[str, ...] = ()
    cordoned: bool = False
    version: str = ""
    cpu: float | None = None
    memory: int | None = None
