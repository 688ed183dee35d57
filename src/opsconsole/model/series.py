"""Figures over time.

Invariant: a trace has a fixed step; a slot in which nothing was seen holds None and is drawn
as a gap, never as a zero or as the last value.
"""

from collections.abc import Mapping
from dataclasses import field
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.across_copies import Across
from opsconsole.model.reading import is_stale

PROBE: Final = "probe"
"""The origin of a latency that the probes measured."""

ERRORS_OVER: Final = 300.0
"""Seconds over which an error rate is taken: the share of looks that failed."""


@dataclass(frozen=True, slots=True)
class Trace:
    """Values at ``start``, ``start + step`` …, oldest first. Seconds for times."""

    start: float
    step: float
    values: tuple[float | None, ...]

    @property
    def end(self) -> float:
        """The moment after the last slot."""
        return self.start + self.step * len(self.values)


@dataclass(frozen=True, slots=True)
class Latency:
    """Latency of a service in seconds over the console's window; None where nothing was seen.

    ``origin`` says what was measured: ``probe`` or the name of the declared metric.
    """

    last: float | None = None
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    trace: Trace | None = None
    trace_p50: Trace | None = None
    trace_p99: Trace | None = None
    origin: str = PROBE


@dataclass(frozen=True, slots=True)
class MetricValue:
    """The present figure of a declared metric of a service; ``unit`` as shown (s, B, %, /s).

    ``at`` is when its latest sample was taken, as far as that is known, not when it was asked for;
    ``every`` is how many seconds are between two samples of it, ``across`` how the parts of
    several copies (``by_instance``) are one figure. ``at_least`` is what a quantile is without the
    highest of too few measurements, None where enough were counted (``few``).
    """

    service: str
    name: str
    value: float | None
    unit: str = ""
    at: float | None = None
    by_instance: Mapping[str, float] = field(default_factory=dict)
    trace: Trace | None = None
    origin: str = "prometheus"
    every: float = 0.0
    across: Across = Across.MEAN
    at_least: float | None = None

    @property
    def compared(self) -> float | None:
        """The value in the units of thresholds, in which a share of 5% is 0.05."""
        return self.value / 100 if self.value is not None and self.unit == "%" else self.value

    def is_stale(self, now: float) -> bool:
        """Whether its latest sample is too old for it to be the present figure."""
        return is_stale(self.at, self.every, now)
