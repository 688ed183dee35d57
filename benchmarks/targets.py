"""Figures beside their targets, as a table that a person reads and a report can take over.

Invariant: a figure without a target is there for comparison and is never missed.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number; ``most`` is the target that it must not exceed."""

    name: str
    value: float
    unit: str = ""
    most: float | None = None

    @property
    def missed(self) -> bool:
        """Whether the target is exceeded."""
        return self.most is not None and self.value > self.most


def report(figures: Iterable[Figure]) -> int:
    """Print the table; the exit code is 1 where a target was missed."""
    missed = 0
    print(f"| {'figure':<56} | {'measured':>12} | {'target':>12} |       |")
    print(f"| {'-' * 56} | {'-' * 11}: | {'-' * 11}: | ----- |")
    for figure in figures:
        missed += figure.missed
        wanted = "" if figure.most is None else f"≤ {_shown(figure.most, figure.unit)}"
        word = "" if figure.most is None else "over" if figure.missed else "met"
        print(
            f"| {figure.name:<56} | {_shown(figure.value, figure.unit):>12} | {wanted:>12} "
            f"| {word:<5} |",
            flush=True,
        )
    return 1 if missed else 0


def _shown(value: float, unit: str) -> str:
    return f"{value:.3g} {unit}" if value < 1000 else f"{value:,.0f} {unit}"
