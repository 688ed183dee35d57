"""One service in words: the reason for its state, its alerts, its events.

Invariant: nothing here is fresher than what was read; the reason comes first.
"""

from opsconsole.model.snapshot import ServiceView, Snapshot
from opsconsole.render.alerts import rows as alerts
from opsconsole.render.empty_panels import blind_to_alerts, no_alerts
from opsconsole.render.ink import figures
from opsconsole.render.ink.cells import BLANK, Line, Role, Span, clip, width_of, wrap
from opsconsole.render.service.standing import standing
from opsconsole.render.service.why import why
from opsconsole.render.timeline import rows as events
from opsconsole.render.timeline.selection import Choice, select


def headline(service: ServiceView, width: int, now: float) -> list[Line]:
    """State and its age on one line, the reason below it on as many lines as it needs."""
    stands = standing(service)
    lasts = figures.lasting(now - service.since, at_least=service.at_least)
    facts = [f"for {lasts}", f"read {_read(service, now)}"]
    if service.version:
        facts.append(f"version {service.version}")
    if service.depends_on:
        facts.append(f"needs {', '.join(service.depends_on)}")
    word = f" {stands.glyph} {stands} "
    while len(facts) > 1 and width_of(f"{word} {' · '.join(facts)}") > width:
        facts.pop()
    head: Line = (
        Span(word, stands.role),
        Span(clip(f" {' · '.join(facts)}", max(0, width - 14)), Role.MUTED),
    )
    reason = why(service, 3 * (width - 4))
    if not reason:
        return [head]
    return [head, *((Span(f"   {text}", Role.TEXT),) for text in wrap(reason, width - 4)[:3])]


def _read(service: ServiceView, now: float) -> str:
    seen = [each.taken_at for each in service.instances if each.taken_at is not None]
    return f"{figures.age(now - max(seen))} ago" if seen else "not yet"


def alert_lines(service: ServiceView, snapshot: Snapshot, width: int, now: float) -> list[Line]:
    """The service's alerts in full; alert sources that do not answer are named."""
    mine = [alert for alert in alerts.order(snapshot.alerts) if alert.service == service.name]
    if not mine:
        return no_alerts(snapshot, "no alert concerns this service")
    lines: list[Line] = []
    for source in blind_to_alerts(snapshot):
        words = f" {source.name} does not answer: there may be more, and these may be over"
        lines += [(Span(clip(words, width), Role.UNKNOWN),), BLANK]
    for alert in mine:
        lines += [*alerts.uncut(alert, width, now), BLANK]
    return lines


def timeline(service: ServiceView, snapshot: Snapshot, width: int, now: float) -> list[Line]:
    """Events of the service, and notes for all services, latest first."""
    mine = select(snapshot.events, Choice(service=service.name))
    if not mine:
        return [BLANK, (Span("  nothing has happened to this service", Role.MUTED),)]
    return [events.row(event, width, now).line for event in mine]
