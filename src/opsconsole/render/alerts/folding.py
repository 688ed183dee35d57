"""Folds alerts under their causes, for a list that can be unfolded.

Invariant: every alert is in the list exactly once, as a row or counted under the cause at the end
of its chain; resolved alerts are never folded; with everything unfolded all rows are there.
"""

from collections.abc import Collection, Iterable

from opsconsole.dataclass import dataclass
from opsconsole.model.alerting.alerts import Alert, AlertState


@dataclass(frozen=True, slots=True)
class FoldedAlert:
    """One row: ``folded`` counts alerts hidden under it, ``depth`` is 1 if it is shown under a
    cause."""

    alert: Alert
    folded: int = 0
    depth: int = 0


def fold_rows(alerts: Iterable[Alert], opened: Collection[str] = ()) -> tuple[FoldedAlert, ...]:
    """``alerts`` in their order, symptoms hidden under their cause unless its key is in
    ``opened``."""
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
    """The end of the chain of causes in the list; ``alert`` itself if it has none."""
    seen, last = {alert.key}, alert
    while (cause := by_key.get(last.cause)) is not None:
        if cause.key in seen:
            return alert
        seen.add(cause.key)
        last = cause
    return last
