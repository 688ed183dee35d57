"""Which alerts are consequences of another, so that a cause is listed before its symptoms. Pure.

Invariant: folding gives each alert at most one cause and changes nothing else: no alert is lost,
made or ended, and following causes always ends at an alert without one. Only an alert that fires
explains others, and only where its service is not known to be well and did not begin to fail after
them; a cause is never itself silenced.

Folding by declared dependency needs these: suppress rows, never monitoring; suppress what is shown,
never a resolution; one hop gives transitivity.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from opsconsole.model.alerting.alerts import Alert, AlertState, Severity

PRECISION: Final = 2.0
"""Seconds by which the dates of two sources may differ for things of one moment."""


def fold(
    alerts: Iterable[Alert],
    depends_on: Mapping[str, Iterable[str]],
    down: Collection[str] = (),
    well: Collection[str] = (),
    failing_since: Mapping[str, float] | None = None,
) -> tuple[Alert, ...]:
    """``alerts`` in their order, each with the key of its cause, '' where it has none.

    ``depends_on``: for each service, the services that it needs; ``down`` and ``well``: those
    that are; ``failing_since``: when each that is degraded or down became so. An alert is explained
    by the nearest service that its own service needs, directly or through others, and that has a
    firing critical alert, or any firing alert while it is down.
    """
    rows = tuple(alerts)
    causes = _by_inhibition(rows)
    culprits = _culprits(rows, down, well, failing_since or {})
    explaining = {
        service: tuple(_below(service, culprits, depends_on))
        for service in {row.service for row in rows if row.service}
    }
    for row in rows:
        if row.state is AlertState.RESOLVED:
            continue
        for began, key in explaining.get(row.service, ()):
            if began <= row.since + PRECISION:
                causes.setdefault(row.key, key)
                break
    _break_cycles(causes)
    return tuple(_with_cause(row, causes.get(row.key, "")) for row in rows)


def _by_inhibition(rows: tuple[Alert, ...]) -> dict[str, str]:
    """Causes that Alertmanager itself names: the inhibiting alert, by fingerprint."""
    keys = {row.fingerprint: row.key for row in rows if row.fingerprint}
    found: dict[str, str] = {}
    for row in rows:
        for each in row.suppressions:
            key = keys.get(each.id) if each.kind == "inhibition" else None
            if key is not None and key != row.key:
                found.setdefault(row.key, key)
    return found


def _culprits(
    rows: tuple[Alert, ...],
    down: Collection[str],
    well: Collection[str],
    failing_since: Mapping[str, float],
) -> dict[str, tuple[float, str]]:
    """For each service, its oldest active alert that explains others: since when, and its key."""
    found: dict[str, tuple[float, str]] = {}
    for row in rows:
        loud = row.state is AlertState.FIRING and not row.quiet
        grave = row.severity is Severity.CRITICAL or row.service in down
        if not (loud and grave and row.service) or row.service in well:
            continue
        known = found.get(row.service)
        if known is None or (row.since, row.key) < known:
            found[row.service] = row.since, row.key
    return {
        service: (min(since, failing_since.get(service, since)), key)
        for service, (since, key) in found.items()
    }


def _below(
    service: str,
    culprits: Mapping[str, tuple[float, str]],
    depends_on: Mapping[str, Iterable[str]],
) -> Iterator[tuple[float, str]]:
    """The culprits among what ``service`` needs, the nearest first; it does not explain itself."""
    seen, level = {service}, [service]
    while level:
        level = [
            needed for each in level for needed in depends_on.get(each, ()) if needed not in seen
        ]
        seen.update(level)
        yield from (culprits[needed] for needed in dict.fromkeys(level) if needed in culprits)


def _break_cycles(causes: dict[str, str]) -> None:
    """Remove the causes that close a cycle, as when two services need each other."""
    done: set[str] = set()
    for start in tuple(causes):
        path: dict[str, None] = {}
        key = start
        while key in causes and key not in done:
            if key in path:
                del causes[key]
                break
            path[key] = None
            key = causes[key]
        done.update(path)


def _with_cause(row: Alert, cause: str) -> Alert:
    return row if row.cause == cause else replace(row, cause=cause)
