"""Objectives: targets with a number, in the words of Google's SRE books.

Invariant: ``met`` is None when the figure is not known or stale; an objective is never
reported as met for want of data.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Attainment:
    """An objective beside what was measured. Budget and burn are None where they do not apply.

    ``budget_left`` is a fraction of the error budget (may be negative); ``burn_rate`` is how
    many times faster than sustainable the budget is being spent.
    """

    service: str
    objective: str
    actual: float | None
    target: float
    unit: str
    met: bool | None
    budget_left: float | None = None
    burn_rate: float | None = None
