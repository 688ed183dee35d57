"""The probes as one source, and whether the failure is on our own side.

Invariant: only targets on other hosts say anything about the network, and only when at least three
probes of at least two hosts all failed to connect at their latest look.
"""

from collections.abc import Iterable
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from opsconsole.engine.records.fleet import ProbeRecord
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.snapshot import SourceView
from opsconsole.model.source_id import SourceId, SourceKind

NETWORK_PROBLEM: Final = "every remote target failed at once: local network problem?"

_ON_THE_WAY: Final = frozenset({FaultKind.DNS, FaultKind.CONNECT, FaultKind.TIMEOUT})
_LEAST_PROBES: Final = 3
_LEAST_HOSTS: Final = 2


class ProbeWatch:
    """Counts, for all probes together."""

    def __init__(self, probes: Iterable[ProbeRecord], now: float) -> None:
        every = list(probes)
        remote = {probe.id: host for probe in every if (host := _remote_host(probe.url))}
        self._remote = frozenset(remote)
        self._hosts = len(set(remote.values()))
        self._cut: set[SourceId] = set()
        self._interval = max((probe.interval for probe in every), default=0.0)
        self._taken_at: float | None = None
        self._since = now
        self._lag = 0.0
        self._suspect = False
        self._view: SourceView | None = None

    def take_over(self, before: "ProbeWatch") -> None:
        """Continue from what was known of the previous configuration's probes."""
        self._taken_at, self._lag = before._taken_at, before._lag
        self._cut = before._cut & self._remote
        if (self._remote, self._interval) == (before._remote, before._interval):
            self._suspect, self._since, self._view = before._suspect, before._since, before._view

    @property
    def suspect(self) -> bool:
        """Whether the network on our side is the likeliest cause of the failures."""
        return self._suspect

    def note(self, probe: SourceId, fault: Fault | None, at: float, lag: float) -> None:
        """Take in the result of one look."""
        self._view = None
        self._taken_at = at
        self._lag = max(lag, self._lag * 0.99)
        if probe not in self._remote:
            return
        if fault is not None and fault.kind in _ON_THE_WAY:
            self._cut.add(probe)
        else:
            self._cut.discard(probe)
        suspect = (
            len(self._cut) == len(self._remote) >= _LEAST_PROBES and self._hosts >= _LEAST_HOSTS
        )
        if suspect is not self._suspect:
            self._suspect, self._since = suspect, at

    def view(self) -> SourceView | None:
        """None if nothing is probed; the same object until the next look."""
        if self._view is None and self._interval:
            self._view = SourceView(
                id=SourceId(SourceKind.PROBE),
                endpoint="",
                interval=self._interval,
                taken_at=self._taken_at,
                since=self._since,
                fault=Fault(FaultKind.LOCAL, NETWORK_PROBLEM) if self._suspect else None,
                lag=self._lag,
            )
        return self._view


def _remote_host(url: str) -> str:
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return ""
    try:
        return "" if ip_address(host).is_loopback else host
    except ValueError:
        return host
