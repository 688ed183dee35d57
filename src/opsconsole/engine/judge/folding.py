"""Which alerts are consequences of another, so that a cause is listed before its symptoms. Pure.

Invariant: folding gives each alert at most one cause and changes nothing else: no alert is lost,
made or ended, and following causes always ends at an alert without one. Only an alert that fires,
or a service that is down, explains others; a cause is never itself silenced.

Folding by declared dependency needs these: suppress rows, never monitoring; suppress what is shown,
never a resolution; one hop gives transitivity.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from opsconsole.model.alerts import Alert, AlertState, Severity


def fold(
    alerts: Iterable[Alert],
    depends_on: Mapping[str, Iterable[str]],
    down: Collection[str] = (),
) -> tuple[Alert, ...]:
    """``alerts`` in their order, each with the key of its cause, '' where it has none.

    ``depends_on``: for each service, the services that it needs; ``down``: the services that are
    down. An alert is explained by the nearest service that its own service needs, directly or
    through others, and that has a firing critical alert, or any firing alert while it is down.
    """
    rows = tuple(alerts)
    causes = _by_inhibition(rows)
    culprits = _culprits(rows, down)
    explained = {
        service: culprit
        for service in {row.service for row in rows if row.service}
        if (culprit := _nearest(service, culprits, depends_on)) is not None
    }
    for row in rows:
        culprit = explained.get(row.service)
        if culprit is not None and row.state is not AlertState.RESOLVED:
            causes.setdefault(row.key, culprit)
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


def _culprits(rows: tuple[Alert, ...], down: Collection[str]) -> dict[str, str]:
    """For each service, the key of its oldest active alert that explains others."""
    found: dict[str, Alert] = {}
    for row in rows:
        loud = row.state is AlertState.FIRING and not row.quiet
        grave = row.severity is Severity.CRITICAL or row.service in down
        if not (loud and grave and row.service):
            continue
        known = found.get(row.service)
        if known is None or (row.since, row.key) < (known.since, known.key):
            found[row.service] = row
    return {service: row.key for service, row in found.items()}


def _nearest(
    service: str, culprits: Mapping[str, str], depends_on: Mapping[str, Iterable[str]]
) -> str | None:
    """Breadth first over what ``service`` needs; a service in a cycle does not explain itself."""
    seen, level = {service}, [service]
    while level:
        level = [
            needed for each in level for needed in depends_on.get(each, ()) if needed not in seen
        ]
        seen.update(level)
        for needed in level:
            if needed in culprits:
                return culprits[needed]
    return None


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
