"""How many copies a service would need: the Kubernetes autoscaler's vocabulary.

Invariant: advice is a sentence for a person with the arithmetic it rests on; nothing acts on it.
"""

from opsconsole.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Need:
    """One measure of load: mean ``actual`` of one copy beside its ``target``, in ``unit``."""

    name: str
    actual: float
    target: float
    unit: str = "%"


@dataclass(frozen=True, slots=True)
class ScalingBounds:
    """``tolerance`` is the deviation from a target that is left alone; seconds for the window."""

    minimum: int = 1
    maximum: int = 10
    tolerance: float = 0.1
    stabilisation: float = 300.0


@dataclass(frozen=True, slots=True)
class Recommendation:
    """What one need asks for, before history and bounds limit it."""

    need: Need
    desired: int


@dataclass(frozen=True, slots=True)
class Advice:
    """How many copies there are and should be, why, and the sentence that says so."""

    current: int
    desired: int
    sentence: str
