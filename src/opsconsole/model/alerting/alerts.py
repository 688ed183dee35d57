"""Alerts, from whichever source they come.

Invariant: one alert is one value, whichever sources report it: the same name and labels give
the same ``key``. Severity words that we do not know sort above info, so that they are seen.
"""

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.source_id import SourceId


class Severity(StrEnum):
    """How bad; ``none`` is for alerts that always fire to prove that alerting works."""

    CRITICAL = "critical"
    WARNING = "warning"
    UNRECOGNISED = "unrecognised"
    INFO = "info"
    NONE = "none"

    @property
    def urgency(self) -> int:
        """Higher is more urgent."""
        return _URGENCY[self]

    @classmethod
    def from_word(cls, word: str) -> "Severity":
        """Read a severity label of any common vocabulary; '' is a warning."""
        return _WORDS.get(word.strip().lower(), cls.UNRECOGNISED)


class AlertState(StrEnum):
    """Prometheus' words. ``resolved`` alerts are kept a while so that they are not missed."""

    PENDING = "pending"
    FIRING = "firing"
    RESOLVED = "resolved"


ACKNOWLEDGEMENT: Final = "acknowledgement"
"""The kind of a suppression by which somebody has taken an alert on."""

MAINTENANCE: Final = "maintenance"
"""The kind of one that ends with announced work on the service."""


@dataclass(frozen=True, slots=True)
class Suppression:
    """Why a firing alert is quiet: a silence, an inhibition or an acknowledgement.

    ``since`` is when it began, where that is known: an old acknowledgement may be forgotten.
    """

    kind: str
    id: str = ""
    by: str = ""
    comment: str = ""
    ends_at: float | None = None
    since: float | None = None


@dataclass(frozen=True, slots=True)
class Alert:
    """A rule that fires. ``sources`` names who reports it; ``since`` when it began.

    ``cause`` is the key of the alert that explains it, ``fingerprint`` Alertmanager's name for it.
    ``seen_at`` is when it was last reported, where all that reported it are silent now; else None.
    ``at_least``: it was so when it was first looked at, and may have begun before ``since``.
    """

    key: str
    name: str
    severity: Severity
    state: AlertState
    since: float
    summary: str = ""
    description: str = ""
    service: str = ""
    instance: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    value: str = ""
    runbook: str = ""
    sources: tuple[SourceId, ...] = ()
    suppressions: tuple[Suppression, ...] = ()
    ends_at: float | None = None
    cause: str = ""
    fingerprint: str = ""
    seen_at: float | None = None
    at_least: bool = False

    @property
    def quiet(self) -> bool:
        """Whether somebody or something has silenced it."""
        return bool(self.suppressions)


_URGENCY = {
    Severity.CRITICAL: 4,
    Severity.WARNING: 3,
    Severity.UNRECOGNISED: 2,
    Severity.INFO: 1,
    Severity.NONE: 0,
}

_WORDS = {
    "critical": Severity.CRITICAL,
    "crit": Severity.CRITICAL,
    "page": Severity.CRITICAL,
    "emergency": Severity.CRITICAL,
    "fatal": Severity.CRITICAL,
    "p1": Severity.CRITICAL,
    "error": Severity.CRITICAL,
    "major": Severity.CRITICAL,
    "high": Severity.CRITICAL,
    "warning": Severity.WARNING,
    "warn": Severity.WARNING,
    "minor": Severity.WARNING,
    "medium": Severity.WARNING,
    "p2": Severity.WARNING,
    "p3": Severity.WARNING,
    "ticket": Severity.WARNING,
    "": Severity.WARNING,
    "info": Severity.INFO,
    "informational": Severity.INFO,
    "notice": Severity.INFO,
    "low": Severity.INFO,
    "none": Severity.NONE,
}


def alert_key(name: str, labels: Mapping[str, str]) -> str:
    """Identity of an alert over all sources: its name and its sorted labels, severity apart."""
    rest = ",".join(f"{key}={labels[key]}" for key in sorted(labels) if key not in NOT_IDENTITY)
    return f"{name}{{{rest}}}"


NOT_IDENTITY = frozenset(
    {
        "alertname",
        "severity",
        "alertgroup",
        "prometheus",
        "replica",
        "prometheus_replica",
        "__replica__",
    }
)
"""Labels that say who reports an alert or how bad it is, not which alert it is."""
