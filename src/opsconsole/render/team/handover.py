"""The hand-over: everything that is open now, on one page, as lines and as Markdown.

Invariant: pure, and nothing is called well that was not seen to be: what could not be read is a
part of its own, and only where there is none does an empty page say that nothing is open. No text
from outside acts as Markdown.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, TypeVar

from opsconsole.dataclass import dataclass
from opsconsole.model.alerting.alerts import Alert
from opsconsole.model.alerting.silences import ACK_PREFIX, SilenceState, SilenceView, shown
from opsconsole.model.events import Event, EventCode
from opsconsole.model.handover import Handover
from opsconsole.model.incidents import Incident, open_ones
from opsconsole.model.maintenance import Maintenance
from opsconsole.model.operation import Degradation, Operation
from opsconsole.model.reading import is_stale
from opsconsole.model.remedies.automation import Automation
from opsconsole.model.snapshot import ServiceView, Snapshot, SourceView
from opsconsole.render import operations
from opsconsole.render.alerts import rows as alert_rows
from opsconsole.render.automation.words import MAINTENANCE, asked, switched_off
from opsconsole.render.ink import figures
from opsconsole.render.ink.cells import BLANK, Line, Role, Span, fit, titled, wrap
from opsconsole.render.markdown import escape
from opsconsole.render.service.standing import Standing, standing
from opsconsole.render.service.why import why
from opsconsole.render.timeline.words import words

NOTES_FOR: Final = 86_400.0
"""Seconds for which a note that is marked is handed over."""

_WHY: Final = 200
_NOT_SEEN: Final = frozenset({Standing.STALE, Standing.UNKNOWN})


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that is open: what, and what is to be known of it."""

    what: str
    said: str
    glyph: str = "·"
    role: Role = Role.TEXT


@dataclass(frozen=True, slots=True)
class Part:
    """Things of one sort. ``one`` and ``many`` are what they are called where they are counted; ''
    for what could not be seen, of which it is not known whether it is open."""

    title: str
    items: tuple[Item, ...]
    one: str = ""
    many: str = ""

    @property
    def known(self) -> bool:
        """Whether they are open."""
        return bool(self.one)

    @property
    def counted(self) -> str:
        """``1 incident``."""
        return f"{len(self.items)} {self.one if len(self.items) == 1 else self.many}"


def parts(snapshot: Snapshot, now: float) -> tuple[Part, ...]:
    """What is open, the gravest first; parts without anything are left out."""
    services = snapshot.services
    failing = [each for each in services if standing(each) not in {Standing.OK, *_NOT_SEEN}]
    unseen = [each for each in services if standing(each) in _NOT_SEEN]
    active = [each for each in snapshot.silences if each.state is not SilenceState.EXPIRED]
    loud = alert_rows.order(alert_rows.firing(snapshot.alerts))
    found = (
        Part("Incidents", _all(_incident, open_ones(snapshot.incidents), now),
             "incident", "incidents"),
        Part("Failing", _all(_service, _worst(failing), now), "failing", "failing"),
        Part("Alerts that nobody has acknowledged", _all(_alert, loud, now),
             "alert not acknowledged", "alerts not acknowledged"),
        Part("Acknowledged", _all(_silence, (e for e in active if e.acknowledges), now),
             "acknowledged", "acknowledged"),
        Part("Silenced", _all(_silence, (e for e in active if not e.acknowledges), now),
             "silenced", "silenced"),
        Part("Worked on", _all(_work, _going_on(snapshot, now), now),
             "worked on", "worked on"),
        Part("Automation", tuple(_automation(snapshot.automation, now)),
             "matter of automation", "matters of automation"),
        Part("Degraded on purpose", _all(_degradation, snapshot.degradations, now),
             "degraded on purpose", "degraded on purpose"),
        Part("Operations without a verdict", _all(_operation, operations.under_way(snapshot), now),
             "operation without a verdict", "operations without a verdict"),
        Part("Rolls back by itself", _all(_armed, operations.arming(snapshot), now),
             "rollback armed", "rollbacks armed"),
        Part("Notes marked !", _all(_note, marked(snapshot.events, now), now),
             "marked note", "marked notes"),
        Part("Not known", (
            *_all(_service, unseen, now), *_all(_source, _silent(snapshot.sources, now), now),
            *(Item("this console", each, "?", Role.UNKNOWN) for each in snapshot.notices),
        )),
    )  # fmt: skip
    return tuple(each for each in found if each.items)


def open_things(snapshot: Snapshot, now: float) -> int:
    """How many things are open."""
    return sum(len(each.items) for each in parts(snapshot, now) if each.known)


def summary(found: Sequence[Part]) -> str:
    """``1 incident, 2 failing, 1 silenced``, or that nothing is open, as far as that is known."""
    counted = [each.counted for each in found if each.known]
    blind = [each for each in found if not each.known]
    if counted:
        return ", ".join(counted)
    return "nothing is known to be open" if blind else "nothing is open"


def taken(handover: Handover | None, now: float) -> str:
    """``taken by kim 09:02``; '' where nobody has."""
    if handover is None:
        return ""
    return f"taken by {handover.taker.who} {figures.when(handover.at, now).strip()}"


def marked(events: Iterable[Event], now: float) -> list[Event]:
    """The notes of the last day that somebody marked, the latest first."""
    notes = (
        each
        for each in events
        if each.code is EventCode.NOTE and each.name == MARK and now - each.at <= NOTES_FOR
    )
    return sorted(dict.fromkeys(notes), key=lambda each: -each.at)


MARK: Final = "!"


# ---- as lines, and as Markdown ----


def page(snapshot: Snapshot, width: int, now: float) -> list[Line]:
    """The page as the screen shows it."""
    found = parts(snapshot, now)
    lines: list[Line] = [
        (Span(f" {part}", Role.STRONG),) for part in wrap(summary(found), max(8, width - 2))
    ]
    for part in found:
        note = (Span(f"{len(part.items)}", Role.MUTED),)
        lines += [BLANK, titled(part.title, width, note=note)]
        for item in part.items:
            lines += _lines_of(item, width)
    return lines


def _lines_of(item: Item, width: int) -> Iterator[Line]:
    room = min(28, max(12, width // 4))
    for number, said in enumerate(wrap(item.said, max(8, width - room - 5))):
        head = f" {item.glyph} " if number == 0 else "   "
        label = fit(item.what, room) if number == 0 else " " * room
        yield (Span(head, item.role), Span(f"{label} ", Role.STRONG), Span(said))


def markdown(snapshot: Snapshot, now: float) -> str:
    """The page as one Markdown file."""
    found = parts(snapshot, now)
    where = escape(snapshot.environment.name)
    last = taken(snapshot.handover, now)
    lines = [
        f"# Hand-over: {where}, {figures.date(now)} {figures.zoned(now, seconds=False)}",
        "",
        f"{escape(summary(found)).capitalize()}.",
    ]
    if last:
        lines += ["", f"The last hand-over was {escape(last)}."]
    for part in found:
        lines += ["", f"## {escape(part.title)}", ""]
        lines += [f"- **{escape(each.what)}**: {escape(each.said)}" for each in part.items]
    return "\n".join(lines) + "\n"


# ---- the things ----


T = TypeVar("T")


def _all(make: Callable[[T, float], Item], things: Iterable[T], now: float) -> tuple[Item, ...]:
    return tuple(make(each, now) for each in things)


def _worst(services: Iterable[ServiceView]) -> list[ServiceView]:
    return sorted(services, key=lambda each: (-standing(each).urgency, each.since, each.name))


def _service(service: ServiceView, now: float) -> Item:
    stands = standing(service)
    since = figures.lasting(now - service.since, at_least=service.at_least)
    said = why(service, _WHY)
    return Item(
        service.name, f"{stands.value} for {since}" + (f": {said}" if said else ""),
        stands.glyph, stands.role,
    )  # fmt: skip


def _alert(alert: Alert, now: float) -> Item:
    whose = f" of {alert.service}" if alert.service else ""
    said = f"{alert.severity.value}{whose}, fires for {figures.age(now - alert.since)}"
    if alert.seen_at is not None:
        said = f"{said}, last reported {figures.age(now - alert.seen_at)} ago"
    return Item(alert.name, f"{said}: {alert.summary}".removesuffix(": "), "!", Role.DOWN)


def _silence(silence: SilenceView, now: float) -> Item:
    until = "no end is known" if silence.ends_at is None else _until(silence.ends_at, now)
    begins = "" if silence.state is SilenceState.ACTIVE else "begins later, "
    comment = silence.comment.removeprefix(ACK_PREFIX)
    hides = f"hides {silence.hides} now" if begins == "" else "hides nothing yet"
    said = f"{begins}{until}, by {silence.by}, {hides}" + (f": {comment}" if comment else "")
    return Item(shown(silence.matchers), said)


def _going_on(snapshot: Snapshot, now: float) -> list[Maintenance]:
    """Work on what is watched here: other configurations of the same state have theirs."""
    names = [each.name for each in snapshot.services]
    on = (each for each in snapshot.maintenances if each.is_on(now))
    here = (each for each in on if not each.services or any(map(each.covers, names)))
    return sorted(here, key=lambda each: each.ends_at)


def _work(work: Maintenance, now: float) -> Item:
    by = "by the configuration's hours" if work.scheduled else f"by {work.who}@{work.host}"
    said = f"{_until(work.ends_at, now)}, {by}" + (f": {work.reason}" if work.reason else "")
    return Item(", ".join(work.services) or "all services", said, MAINTENANCE, Role.ACCENT)


def _automation(known: Automation | None, now: float) -> Iterator[Item]:
    """What waits for somebody: what is asked for, and a switch that is off."""
    if known is None or not known.rules:
        return
    for each in known.asking:
        yield Item(each.service, asked(each))
    off = switched_off(known.switch, now)
    if off:
        yield Item("all remedies", off)


def _degradation(lasting: Degradation, now: float) -> Item:
    said = operations.degraded(lasting, now).removeprefix(f"{operations.ON_PURPOSE} ")
    return Item(
        lasting.service, f"{_until(lasting.ends_at, now)}: {said}", operations.ON_PURPOSE,
        Role.ACCENT,
    )  # fmt: skip


def _until(at: float, now: float) -> str:
    word = "until" if at > now else "was to end"
    return f"{word} {figures.zoned_when(at, now)}"


def _operation(run: Operation, now: float) -> Item:
    why_ = f": {run.reason}" if run.reason else ""
    glyph, _, said = operations.activity(run, now).partition(" ")
    return Item(run.service, f"{said}{why_}", glyph)


def _armed(run: Operation, now: float) -> Item:
    glyph, _, said = operations.armed(run, now).partition(" ")
    return Item(run.service, said, glyph, Role.DEGRADED)


def _incident(incident: Incident, now: float) -> Item:
    age = figures.age(now - incident.opened_at)
    status = incident.status or "nobody has said how it stands"
    about = f", about {', '.join(incident.services)}" if incident.services else ""
    said = (
        f"{incident.title}; {incident.severity.value}, {incident.commander} commands, open for "
        f"{age}{about}; {status}"
    )
    return Item(incident.name, said, MARK, Role.DOWN)


def _note(event: Event, now: float) -> Item:
    when = figures.when(event.at, now).strip()
    return Item(event.service or "all services", f"{when} {words(event)}", "#", Role.ACCENT)


def _silent(sources: Iterable[SourceView], now: float) -> list[SourceView]:
    return [
        each
        for each in sources
        if each.fault is not None or is_stale(each.taken_at, each.interval, now)
    ]


def _source(source: SourceView, now: float) -> Item:
    seen = (
        "never read"
        if source.taken_at is None
        else f"last read {figures.age(now - source.taken_at)} ago"
    )
    said = f"{seen}: {source.fault.kind.value}" if source.fault is not None else seen
    return Item(source.name, said, Standing.STALE.glyph, Role.STALE)
