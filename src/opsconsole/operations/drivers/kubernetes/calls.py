"""What steps at a cluster say to the driver that carries them out."""

from collections.abc import Mapping

from opsconsole.dataclass import dataclass
from opsconsole.operations.drivers.call import Call


@dataclass(frozen=True, slots=True)
class Pin:
    """What an object must still be when it is changed; what is None or '' is not asked for.

    ``version`` is that of its template, ``mark`` that of the last change by a console.
    """

    uid: str
    version: str = ""
    replicas: int | None = None
    paused: bool | None = None
    mark: str | None = None


@dataclass(frozen=True, slots=True)
class WorkloadChange(Call):
    """A patch of a workload. ``do`` is restart, rollback, scale, pause or resume.

    ``to`` is a number of copies; ``revision`` the name of what keeps the template that is put
    back, ``goal`` its version. ``mark`` is left on the object.
    """

    do: str
    pin: Pin
    mark: str
    to: int = 0
    revision: str = ""
    goal: str = ""


@dataclass(frozen=True, slots=True)
class DataChange(Call):
    """Values of a ConfigMap, None for a key that it has not, and what they were ``previous``ly."""

    uid: str
    mark: str
    set: Mapping[str, str | None]
    previous: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class NodeChange(Call):
    """Whether pods may be placed on a node."""

    uid: str
    mark: str
    cordon: bool


@dataclass(frozen=True, slots=True)
class PodPin:
    """One pod, and none that has its name after it."""

    namespace: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class Evictions(Call):
    """Pods that leave a node, within so many seconds; ``version`` of the API of evictions."""

    node: str
    pods: tuple[PodPin, ...]
    version: str
    within: float


@dataclass(frozen=True, slots=True)
class PodRemoval(Call):
    """A pod that keeps a StatefulSet from going on to its ``revision``."""

    workload: str
    pod: PodPin
    revision: str
    within: float
