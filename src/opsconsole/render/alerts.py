"""Alerts as rows: most urgent first, then oldest; what is silenced stays in sight, quietly.

Invariant: rows are keyed by the alert's key, which is the same whichever source reports it.
"""

from collections.abc import Iterable

from opsconsole.model.alerts import Alert, AlertState, Severity
from opsconsole.render import figures
from opsconsole.render.cells import Align, Line, Role, Row, Span, clip, fit, width_of

_LOOKS = {
    Severity.CRITICAL: ("✖", "crit", Role.DOWN),
    Severity.WARNING: ("▲", "warn", Role.DEGRADED),
    Severity.UNRECOGNISED: ("?", "?", Role.UNKNOWN),
    Severity.INFO: ("·", "info", Role.MUTED),
    Severity.NONE: ("·", "none", Role.MUTED),
}


def order(alerts: Iterable[Alert]) -> list[Alert]:
    """Firing before pending before resolved, loud before silenced, urgent first, oldest first."""
    return sorted(alerts, key=_rank)


def _rank(alert: Alert) -> tuple[int, bool, int, float, str]:
    states = (AlertState.FIRING, AlertState.PENDING, AlertState.RESOLVED)
    stage = states.index(alert.state)
    return (stage, alert.quiet, -alert.severity.urgency, alert.since, alert.key)


def firing(alerts: Iterable[Alert]) -> list[Alert]:
    """Those that fire and that nobody silenced."""
    return [alert for alert in alerts if alert.state is AlertState.FIRING and not alert.quiet]


def row(alert: Alert, width: int, now: float) -> Row:
    """One alert: severity, age, name, service and, where there is room, what it says."""
    glyph, word, role = _LOOKS[alert.severity]
    loud = alert.state is AlertState.FIRING and not alert.quiet
    name_width = min(24, max(12, width // 3))
    spans: list[Span] = [
        Span(f" {glyph} {word:<4} ", role if loud else Role.MUTED),
        Span(fit(figures.age(now - alert.since), 6, Align.RIGHT), Role.MUTED),
        Span(" "),
        Span(fit(alert.name, name_width), Role.STRONG if loud else Role.MUTED),
        Span(" "),
    ]
    rest = width - 8 - 7 - name_width - 1
    spans += _tail(alert, rest, Role.TEXT if loud else Role.MUTED)
    return Row(alert.key, tuple(spans))


def _tail(alert: Alert, width: int, role: Role) -> Line:
    where = alert.service or alert.instance
    notes = _note(alert)
    first = f"{notes}{where}".rstrip(" ·")
    room = width - width_of(first) - 2
    said = alert.summary or alert.description
    if room >= 10 and said:
        return (Span(first, role), Span("  "), Span(clip(said, room), Role.MUTED))
    return (Span(fit(first or said, max(0, width)), role),)


def _note(alert: Alert) -> str:
    if alert.state is AlertState.PENDING:
        return "pending · "
    if alert.state is AlertState.RESOLVED:
        return "resolved · "
    if alert.quiet:
        by = alert.suppressions[0].by
        return f"{alert.suppressions[0].kind}{f' by {by}' if by else ''} · "
    return ""


def detail(alert: Alert, now: float) -> list[Line]:
    """Everything that is known of one alert, for reading."""
    glyph, word, role = _LOOKS[alert.severity]
    lines: list[Line] = [
        (Span(f"{glyph} {word} ", role), Span(alert.name, Role.STRONG)),
        (Span(f"{alert.state.value} for {figures.age(now - alert.since)}", Role.MUTED),),
    ]
    for title, text in (
        ("says", alert.summary),
        ("more", alert.description),
        ("value", alert.value),
        ("runbook", alert.runbook),
        ("reported by", ", ".join(alert.sources)),
    ):
        if text:
            lines.append((Span(f"{title:<12}", Role.MUTED), Span(text)))
    for quiet in alert.suppressions:
        until = f" until {figures.clock(quiet.ends_at)}Z" if quiet.ends_at else ""
        said = f"{quiet.by} {quiet.comment}".strip()
        lines.append((Span(f"{quiet.kind:<12}", Role.MUTED), Span(f"{said}{until}")))
    for key in sorted(alert.labels):
        lines.append((Span(f"  {key}=", Role.MUTED), Span(alert.labels[key])))
    return lines
