"""The incident report as one Markdown file, for the post-mortem.

Invariant: it can be used without editing: sentences first, then the evidence, every time with its
zone. No outside text acts as Markdown or HTML, nothing that looks like a secret is in it, and what
is missing is named.
"""

from collections.abc import Iterator

from opsconsole.model.events import EventKind
from opsconsole.model.incidents import Incident
from opsconsole.model.operation import Operation
from opsconsole.model.past.reported import AlertSpan, Excerpt, Reported
from opsconsole.model.people import Person
from opsconsole.render.forms.plan import verdict
from opsconsole.render.incident.charts import chart
from opsconsole.render.incident.story import clock, sentence, story
from opsconsole.render.ink import figures
from opsconsole.render.markdown import block, code, escape, table
from opsconsole.render.team.incidents import said_by

ROWS = 300
"""The most events in the table; those left out are counted."""

CHARTS = 5
CAUSES = 8
_DAY = 72_000.0
"""Span in seconds from which times need a date."""


def markdown(incident: Reported) -> str:
    """The whole report."""
    lines = [f"# {_title(incident)}", "", *_facts(incident), ""]
    lines += [part for each in story(incident) for part in (each, "")]
    for section in (_people, _causes, _charts, _timeline, _alerts, _operations, _logs, _lacks):
        lines += section(incident)
    return "\n".join(lines).rstrip() + "\n"


def _title(incident: Reported) -> str:
    if incident.declared is not None:
        named = f"{incident.declared.name}: {escape(incident.declared.title)}"
        return f"{named}, {figures.date(incident.declared.opened_at)}"
    first = incident.main.service if incident.main else incident.service
    about = escape(first) if first else escape(incident.environment)
    began = incident.main.began_at if incident.main else incident.since
    return f"Report: {about}, {figures.date(began)} {clock(began)}"


def _facts(incident: Reported) -> Iterator[str]:
    whole = figures.age(incident.until - incident.since)
    names = [code(each) for each in (incident.service, *incident.others) if each]
    need = "needs" if len(names) == 1 else "they need"
    it = "it " if len(names) == 1 else ""
    about = f"{', '.join(names)} and what {it}{need}" if names else "all services"
    yield f"- Environment: {escape(incident.environment)}"
    declared = incident.declared
    if declared is not None:
        yield f"- {_open_for(declared, incident.made_at)}"
    between = f"{clock(incident.since)} to {clock(incident.until)} ({whole})"
    yield f"- {'From' if declared is None else 'Reported from'} {between}, about {about}"
    yield f"- Written by opsconsole on {figures.date(incident.made_at)} {clock(incident.made_at)}"


def _open_for(declared: Incident, now: float) -> str:
    """How long people had it open, how bad they said it is, and how it ended."""
    end = now if declared.closed_at is None else declared.closed_at
    lasted = f"{figures.age(end - declared.opened_at)}, {declared.severity.value}"
    began = f"Opened at {clock(declared.opened_at)}"
    if declared.closed_at is None:
        said = f", last status: {escape(declared.status)}" if declared.status else ""
        return f"{began}, still open after {lasted}{said}"
    last = declared.entries[-1] if declared.entries else None
    said = f": {escape(last.text)}" if last is not None and last.text else ""
    return f"{began}, closed at {clock(end)} after {lasted}{said}"


def _people(incident: Reported) -> Iterator[str]:
    """Who said and did what, in the order in which they did."""
    declared = incident.declared
    if declared is None:
        return
    yield from ("## Who did what", "")
    for member in declared.members:
        role = f", {escape(member.role)}" if member.role else ""
        commands = ", commander at the end" if member.person == declared.commander else ""
        joined = clock(member.joined_at)
        yield f"- **{_person(member.person)}**, from {joined}{role}{commands}"
    said = [(each.at, _person(each.person), escape(said_by(each))) for each in declared.entries]
    did = [(run.started_at, _who(run), f"**{_what(run)}**: {escape(verdict(run))}")
           for run in incident.operations]  # fmt: skip
    rows = [(clock(at), who, what) for at, who, what in sorted(said + did)]
    yield from ("", *table(("when", "who", "what"), rows), "")


def _person(person: Person) -> str:
    return escape(str(person)).replace("\\@", " at ")


def _causes(incident: Reported) -> Iterator[str]:
    changes = incident.changes
    if changes is None or not changes.likely:
        return
    yield from ("## What changed before", "")
    first = f"{code(changes.subject)} first went wrong at {clock(changes.until)}"
    root = f"; {code(changes.root)}, which it needs, was wrong before it" if changes.root else ""
    yield from (f"{first}{root}. The likeliest cause comes first.", "")
    rows = [
        (
            str(place),
            clock(cause.event.at),
            escape(cause.event.subject or cause.event.service),
            sentence(cause.event) + (f", {cause.count} times" if cause.count > 1 else ""),
            escape(cause.reason),
        )
        for place, cause in enumerate(changes.likely[:CAUSES], 1)
    ]
    yield from table(("", "when", "whose", "what", "why here"), rows)
    yield ""


def _charts(incident: Reported) -> Iterator[str]:
    main = [incident.main] if incident.main else []
    names = list(dict.fromkeys(each.service for each in (*main, *incident.affected)))
    drawn = [(name, chart(incident, name)) for name in names[:CHARTS]]
    drawn = [(name, lines) for name, lines in drawn if lines]
    if not drawn:
        return
    yield from ("## Figures", "")
    for name, lines in drawn:
        yield from (f"{code(name)}", "", *block(lines), "")


def _timeline(incident: Reported) -> Iterator[str]:
    yield from ("## Timeline", "")
    if not incident.events:
        yield from ("No event is known.", "")
        return
    shown = incident.events[:ROWS]
    long = incident.until - incident.since > _DAY
    rows = [
        (
            f"{figures.date(event.at)} {clock(event.at)}" if long else clock(event.at),
            event.kind.value,
            escape(event.service),
            "" if event.subject == event.service else escape(event.subject),
            f"**{sentence(event)}**" if event.kind is EventKind.NOTE else sentence(event),
        )
        for event in shown
    ]
    yield from table(("when", "kind", "service", "part", "what"), rows)
    left = len(incident.events) - len(shown)
    yield from ("", f"{left} later events are left out: ask for a shorter time.") if left else ()
    yield ""


def _alerts(incident: Reported) -> Iterator[str]:
    if not incident.alerts:
        return
    yield from ("## Alerts", "")
    rows = [_alert(each, incident) for each in incident.alerts]
    yield from table(("alert", "service", "began", "ended", "lasted", "said"), rows)
    yield ""


def _alert(span: AlertSpan, incident: Reported) -> tuple[str, ...]:
    began = span.began_at if span.began_at is not None else incident.since
    ended = span.ended_at if span.ended_at is not None else incident.until
    open_ended = span.began_at is None or span.ended_at is None
    return (
        escape(span.name),
        escape(span.service),
        "before" if span.began_at is None else clock(span.began_at),
        "still firing" if span.ended_at is None else clock(span.ended_at),
        ("over " if open_ended else "") + figures.age(ended - began),
        escape(span.said),
    )


def _operations(incident: Reported) -> Iterator[str]:
    if not incident.operations:
        return
    yield from ("## Operations", "")
    rows = [_operation(run) for run in incident.operations]
    yield from table(("began", "lasted", "who", "what", "why", "verdict", "evidence"), rows)
    yield ""


def _operation(run: Operation) -> tuple[str, ...]:
    lasted = "" if run.ended_at is None else figures.age(run.ended_at - run.started_at)
    evidence = "; ".join(part for part in (run.summary, *run.evidence) if part)
    return (
        clock(run.started_at),
        lasted,
        _who(run),
        _what(run),
        escape(run.reason),
        escape(verdict(run)),
        escape(evidence),
    )


def _who(run: Operation) -> str:
    return _person(Person(run.who, run.host))


def _what(run: Operation) -> str:
    name = f" {run.name}" if run.name and run.name != run.kind.value else ""
    return escape(f"{run.kind.value}{name} of {run.about or run.service}")


def _logs(incident: Reported) -> Iterator[str]:
    if not incident.excerpts:
        return
    yield from ("## Logs around the start", "")
    for excerpt in incident.excerpts:
        yield from _excerpt(excerpt)


def _excerpt(excerpt: Excerpt) -> Iterator[str]:
    left = f", {excerpt.left_out} less grave or later lines left out" if excerpt.left_out else ""
    yield from (f"{code(excerpt.service)}{left}", "")
    yield from block(
        f"{clock(line.at)} {line.level.name if line.level else '-':<8} {line.text.splitlines()[0]}"
        if line.text
        else clock(line.at)
        for line in excerpt.lines
    )
    yield ""


def _lacks(incident: Reported) -> Iterator[str]:
    if not incident.lacks:
        return
    yield from ("## What is missing here", "")
    for said in incident.lacks:
        yield f"- {escape(said)}"
    yield ""
