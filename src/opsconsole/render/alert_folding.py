"""Alerts under their causes, for a list that can be opened.

Invariant: every alert is in the list exactly once, itself or counted under the cause at the end of
its chain; nothing that is resolved is counted away; with everything open all rows are there.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from opsconsole.model.alerts import Alert, AlertState


@dataclass(frozen=True, slots=True)
class FoldedAlert:
    """One row: ``folded`` counts alerts hidden under it, ``depth`` is 1 where it is shown so."""

    alert: Alert
    folded: int = 0
    depth: int = 0


def fold_rows(alerts: Iterable[Alert], opened: Collection[str] = ()) -> tuple[FoldedAlert, ...]:
    """``alerts`` in their order, symptoms hidden under their cause unless its key is opened."""
    rows = tuple(alerts)
    by_key = {row.key: row for row in rows}
    under: dict[str, list[Alert]] = {}
    roots: list[Alert] = []
    for row in rows:
        root = _root(row, by_key)
        if root is row or row.state is AlertState.RESOLVED:
            roots.append(row)
        else:
            under.setdefault(root.key, []).append(row)
    shown: list[FoldedAlert] = []
    for root in roots:
        symptoms = under.get(root.key, [])
        is_open = root.key in opened
        shown.append(FoldedAlert(root, 0 if is_open else len(symptoms)))
        shown.extend(FoldedAlert(each, depth=1) for each in symptoms if is_open)
    return tuple(shown)


def _root(alert: Alert, by_key: dict[str, Alert]) -> Alert:
    """The end of the chain of causes that are in the list; ``alert`` itself where there is none."""
    seen, last = {alert.key}, alert
    while (cause := by_key.get(last.cause)) is not None:
        if cause.key in seen:
            return alert
        seen.add(cause.key)
        last = cause
    return last
