"""Objectives: targets with a number, in the words of Google's SRE books.

Invariant: ``met`` is None when the figure is not known or stale; an objective is never
reported as met for lack of data.
"""

from opsconsole.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Attainment:
    """An objective beside what was measured. Budget and burn are None where they do not apply.

    ``budget_left`` is a fraction of the error budget (may be negative), ``budget_seconds`` the
    complete failure that it still buys; ``burn_rate`` is how many times faster than sustainable
    the budget is being spent, ``burning`` the pair of windows over which it is too fast, or ''.
    ``seen`` is how many seconds of the objective's window were watched, ``origin`` by whom: ``own
    looks``, ``own scrapes`` or a Prometheus' name. ``closeness`` is 1 at
    the target and above it when it is missed; ``trend`` is rising, falling, steady or ''. ``copy``
    is whose figure ``actual`` is, where that of a single copy decides.
    """

    service: str
    objective: str
    actual: float | None
    target: float
    unit: str
    met: bool | None
    budget_left: float | None = None
    burn_rate: float | None = None
    budget_seconds: float | None = None
    burning: str = ""
    seen: float | None = None
    closeness: float | None = None
    trend: str = ""
    origin: str = ""
    copy: str = ""

    @property
    def early(self) -> bool:
        """Whether too little was seen to judge what was measured."""
        return self.met is None and self.actual is not None


@dataclass(frozen=True, slots=True)
class WindowCounts:
    """What counted for and against an objective in the ``over`` seconds before ``at``.

    ``good`` and ``bad`` are looks, requests or scrapes, and may be parts of one; ``seen`` is how
    many of the seconds there are samples of. ``source`` reported it, and it holds for
    ``fresh_for`` seconds.
    """

    service: str
    objective: str
    over: float
    at: float
    good: float
    bad: float
    seen: float
    fresh_for: float = 0.0
    source: str = ""
