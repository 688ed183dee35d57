"""Alerts of services that are worked on.

Invariant: only what this console says by itself is made quiet; what a server reports is silenced
there. Pure.
"""

from collections.abc import Iterable
from dataclasses import replace

from opsconsole.model.alerting.alerts import MAINTENANCE, Alert, Suppression
from opsconsole.model.maintenance import Maintenance, maintained
from opsconsole.model.source_id import SourceKind


def with_maintenance(
    rows: dict[str, Alert], going_on: Iterable[Maintenance], now: float
) -> dict[str, Alert]:
    """``rows``, the console's own each with the maintenance that its service is in."""
    known = tuple(going_on)
    return {key: hushed(row, known, now) for key, row in rows.items()} if known else rows


def hushed(row: Alert, known: Iterable[Maintenance], now: float) -> Alert:
    """``row``, quiet while its service is worked on, where it is the console's own."""
    own = row.service and all(each.kind is SourceKind.LOCAL for each in row.sources)
    found = maintained(known, row.service, now) if own else None
    if found is None:
        return row
    quiet = Suppression(
        MAINTENANCE, found.id, found.who, found.reason, found.ends_at, since=found.starts_at
    )
    return replace(row, suppressions=(*row.suppressions, quiet))
