"""When a process began, according to its own metrics.

Invariant: ``started_at`` is in Unix seconds of the console's clock. ``service`` and ``instance``
are '' where only ``labels`` say whose process it is.
"""

from collections.abc import Mapping
from dataclasses import field

from opsconsole.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class ProcessStart:
    """One process of one instance. ``before`` is the version that ran there before it, if known."""

    started_at: float
    version: str = ""
    before: str = ""
    service: str = ""
    instance: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
