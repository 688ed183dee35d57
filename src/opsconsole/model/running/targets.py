"""What a Prometheus scrapes: the targets of its jobs.

Invariant: a target's state is what its server can say of it, as of ``scraped_at``, by the
console's clock; UNKNOWN where it cannot. All text is sanitised.
"""

from collections.abc import Mapping
from dataclasses import field
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.state import State

TARGET_LIMIT: Final = 20_000
"""How many targets of one server are kept."""


@dataclass(frozen=True, slots=True)
class Target:
    """One target of ``job``; ``name`` is its label ``instance``.

    ``reason`` is '' where it is OK. ``interval`` is the seconds between two scrapes; ``scraped_at``
    is None before the first. ``labels`` are those that it was discovered with, and those it has.
    """

    job: str
    name: str
    url: str
    state: State
    reason: str
    scraped_at: float | None
    interval: float
    labels: Mapping[str, str] = field(default_factory=dict)
