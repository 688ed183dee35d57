"""Alerts and silences as ``status --json``, ``alerts --json`` and ``silences --json`` print them.

Invariant: keys of a version keep their meaning; keys are only added. Times are Unix seconds.
"""

from opsconsole.model.alerting.alerts import Alert, AlertState
from opsconsole.model.alerting.silences import SilenceView

Document = dict[str, object]


def alert_document(alert: Alert, now: float) -> Document:
    """One alert; ``age`` is since it began, and until it ended."""
    return {
        "key": alert.key,
        "fingerprint": alert.fingerprint,
        "name": alert.name,
        "severity": alert.severity.value,
        "state": alert.state.value,
        "since": round(alert.since, 6),
        "at_least": alert.at_least,
        "age": round(max(0.0, _end(alert, now) - alert.since), 6),
        "ends_at": None if alert.ends_at is None else round(alert.ends_at, 6),
        "stale": alert.seen_at is not None,
        "seen_at": None if alert.seen_at is None else round(alert.seen_at, 6),
        "service": alert.service,
        "instance": alert.instance,
        "summary": alert.summary,
        "value": alert.value,
        "runbook": alert.runbook,
        "cause": alert.cause,
        "labels": dict(alert.labels),
        "sources": [str(source) for source in alert.sources],
        "suppressions": [
            {
                "kind": each.kind,
                "id": each.id,
                "by": each.by,
                "comment": each.comment,
                "ends_at": None if each.ends_at is None else round(each.ends_at, 6),
                "since": None if each.since is None else round(each.since, 6),
            }
            for each in alert.suppressions
        ],
    }


def silence_document(silence: SilenceView) -> Document:
    """One silence, with its matchers as text."""
    return {
        "id": silence.id,
        "source": silence.source,
        "state": silence.state.value,
        "matchers": [str(matcher) for matcher in silence.matchers],
        "acknowledges": silence.acknowledges,
        "by": silence.by,
        "comment": silence.comment,
        "starts_at": silence.starts_at,
        "ends_at": silence.ends_at,
        "hides": silence.hides,
    }


def _end(alert: Alert, now: float) -> float:
    over = alert.state is AlertState.RESOLVED and alert.ends_at is not None
    return alert.ends_at or now if over else now
