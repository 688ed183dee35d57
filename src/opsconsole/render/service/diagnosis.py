"""The page of why: the verdict, whom it hits, the explanations, and what can be done.

Invariant: pure; the likeliest cause is in the strongest ink, and there is none where none is known.
What is not known stands above what can be done. Rows have keys that stay while their text changes;
what little height there is goes to what is higher on the page.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Final, NamedTuple

from opsconsole.model.diagnosis import Confidence, Diagnosis, Explanation, Fact, FactCode
from opsconsole.model.events import Event, EventKind
from opsconsole.model.snapshot import ServiceView, Snapshot
from opsconsole.render.ink import figures
from opsconsole.render.ink.cells import (
    BLANK,
    ELLIPSIS,
    Line,
    Role,
    Row,
    Span,
    clip,
    clip_line,
    fit,
    labelled,
    line_width,
    spread,
    titled,
    width_of,
    wrap,
)
from opsconsole.render.ink.cuts import cut_sentence
from opsconsole.render.ink.own_keys import key_of
from opsconsole.render.objectives import objective_line
from opsconsole.render.service.latency import latency_chart
from opsconsole.render.service.remedies import Remedy, remedies
from opsconsole.render.service.standing import Standing, standing
from opsconsole.render.service.why import sentence, why
from opsconsole.render.timeline import rows as events
from opsconsole.render.timeline import words as event_words
from opsconsole.render.timeline.trouble import last_trouble

LABEL: Final = 11
_NAMES: Final = 24
"""Cells that the names of remedies take at most, so that what they do has room."""
_ROOMY: Final = 24
"""Rows from which on blank lines stand between the parts."""
_LEAST_CHART: Final = 7
_MOST_CHART: Final = 14
_WIDE: Final = 100
_ROOMY_LINE: Final = 80
"""Cells from which on a line has room for how likely something is beside what it follows from."""
_CONSIDERED: Final = 3
_LEAST_FACT: Final = 24
"""Cells that a fact needs where it shares a line with others."""


class Leads(StrEnum):
    """Where a row comes from, and enter goes to."""

    NOWHERE = ""
    COPIES = "copies"
    LATENCY = "latency"
    METRICS = "metrics"
    ALERTS = "alerts"
    TIMELINE = "timeline"
    SERVICE = "service"


class WhyRow(NamedTuple):
    """A row, where enter leads from it, and the remedy that it is, if it is one."""

    row: Row
    leads: Leads = Leads.NOWHERE
    subject: str = ""
    remedy: Remedy | None = None


_GLYPHS: Final = {
    FactCode.OUT_OF_MEMORY: ("✖", Role.DOWN), FactCode.EXITED: ("✖", Role.DOWN),
    FactCode.SIGNALLED: ("✖", Role.DOWN), FactCode.CRASH_LOOP: ("✖", Role.DOWN),
    FactCode.HELD_BACK: ("✖", Role.DOWN), FactCode.UPDATE_OVERDUE: ("▲", Role.DEGRADED),
    FactCode.NEVER_STARTED: ("✖", Role.DOWN), FactCode.GONE: ("✖", Role.DOWN),
    FactCode.PAUSED: ("▲", Role.DEGRADED),
    FactCode.COPIES_MISSING: ("▲", Role.DEGRADED), FactCode.UPDATE_STOPPED: ("▲", Role.DEGRADED),
    FactCode.CHECK_FAILS: ("▲", Role.DEGRADED), FactCode.IMAGE_CHANGED: ("⇧", Role.ACCENT),
    FactCode.VERSION_CHANGED: ("⇧", Role.ACCENT),
    FactCode.CONFIGURATION_CHANGED: ("⇧", Role.ACCENT), FactCode.OPERATED: ("▶", Role.ACCENT),
    FactCode.COMPONENT_FAILS: ("▲", Role.DEGRADED), FactCode.PROBE_FAILS: ("✖", Role.DOWN),
    FactCode.DEPENDENCY: ("↳", Role.DEGRADED), FactCode.OBJECTIVE_MISSED: ("△", Role.DEGRADED),
    FactCode.ALERT: ("▲", Role.DEGRADED), FactCode.ALERTS_SILENCED: ("·", Role.MUTED),
    FactCode.DISK_FULL: ("✖", Role.DOWN), FactCode.HOST_MEMORY: ("↗", Role.DEGRADED),
    FactCode.HOST_CERTIFICATE: ("§", Role.DEGRADED),
    FactCode.CERTIFICATE: ("✖", Role.DOWN), FactCode.FLAPPING: ("▲", Role.DEGRADED),
    FactCode.NOT_READ: ("◌", Role.UNKNOWN), FactCode.CERTIFICATE_ENDS: ("§", Role.DEGRADED),
}  # fmt: skip

_LEADS: Final = {
    **dict.fromkeys(FactCode, Leads.COPIES),
    **dict.fromkeys(
        (FactCode.IMAGE_CHANGED, FactCode.VERSION_CHANGED, FactCode.CONFIGURATION_CHANGED,
         FactCode.OPERATED, FactCode.FLAPPING), Leads.TIMELINE,
    ),
    FactCode.DEPENDENCY: Leads.SERVICE,
    FactCode.OBJECTIVE_MISSED: Leads.METRICS,
    FactCode.ALERT: Leads.ALERTS,
    FactCode.ALERTS_SILENCED: Leads.ALERTS,
    FactCode.DISK_FULL: Leads.NOWHERE,
    FactCode.HOST_MEMORY: Leads.NOWHERE,
    FactCode.HOST_CERTIFICATE: Leads.NOWHERE,
    FactCode.NOT_READ: Leads.NOWHERE,
}  # fmt: skip


def rows(
    service: ServiceView, snapshot: Snapshot, width: int, height: int, now: float, window: float
) -> list[WhyRow]:
    """The whole page; the chart is as high as what is left of ``height``."""
    roomy = height >= _ROOMY
    gap = [_text("gap", BLANK)] if roomy else []
    parts = [_verdict(service, snapshot, width, now)]
    if standing(service) is Standing.OK:
        parts += [_well(service, snapshot, width, now)]
    else:
        parts += [_explained(service, width, now), _limits(service.diagnosis, width)]
    parts.append(_done_about(service, snapshot, width))
    out: list[WhyRow] = []
    for part in parts:
        out += [*gap, *part] if out and part else part
    left = min(_MOST_CHART, height - len(out) - len(gap))
    if left >= _LEAST_CHART:
        out += [*gap, *_picture(service, snapshot, width, left, now, window)]
    return [
        replaced._replace(row=Row(f"{number}/{replaced.row.key}", replaced.row.line))
        if replaced.row.key == "gap"
        else replaced
        for number, replaced in enumerate(out)
    ]


def brief(
    service: ServiceView, snapshot: Snapshot, width: int, now: float, *, facts: bool
) -> list[Line]:
    """The likeliest cause, what it stands on, and who is hit; nothing where no cause is known, or
    where its sentence does not fit one line.

    With ``facts`` each of them has a line, else they share one.
    """
    if not service.diagnosis.explanations:
        return []
    first = service.diagnosis.explanations[0]
    cause, *others = (each.row.line for each in _explanation(1, first, width, now))
    if any(ELLIPSIS in span.text for span in cause):
        return []
    if not facts and others:
        others = [(Span(f"     {_facts_in_one(first, width - 6, now)}", Role.MUTED),)]
    hit = _hit(service, snapshot)
    said = cut_sentence(hit, width - 7)
    return [cause, *others, *([(Span(" hit: ", Role.MUTED), Span(said))] if hit else [])]


def _facts_in_one(explanation: Explanation, width: int, now: float) -> str:
    """``03:02:00 image v1.4.2→v1.5.0 · 03:10:44 killed ×3``, as many as fit."""
    said = ""
    for fact in explanation.facts:
        at = figures.when(fact.at, now).strip() if fact.at is not None else ""
        before = f"{said} · {at} ".removeprefix(" · ") if at else f"{said} · ".removeprefix(" · ")
        room = width - width_of(before)
        if room < _LEAST_FACT:
            break
        said = f"{before}{sentence(replace(fact, because=()), room)}"
    return said


def _text(key: str, line: Line) -> WhyRow:
    return WhyRow(Row(key, line))


# ---- the verdict, and whom it hits ----


def _verdict(service: ServiceView, snapshot: Snapshot, width: int, now: float) -> list[WhyRow]:
    stands = standing(service)
    since = f" for {figures.age(now - service.since)}, since {figures.when(service.since, now)}"
    head: Line = (Span(f" {stands.glyph} {stands}", stands.role), Span(since.rstrip(), Role.TEXT))
    copies = _copies(service)
    room = width - line_width(head) - 4
    if copies and room >= 16:
        head = (*head, Span(f"    {cut_sentence(copies, room)}", Role.MUTED))
    out = [_text("verdict", head)]
    hit = _hit(service, snapshot)
    if hit and stands is not Standing.OK:
        lines = labelled("  hit", hit, width, room=LABEL + 2)
        out += [_text(f"hit/{number}", line) for number, line in enumerate(lines[:2])]
    return out


def _copies(service: ServiceView) -> str:
    if not service.instances:
        return ""
    total, well = len(service.instances), service.ok_instances
    said = f"{well} of {total} {'copies is' if total == 1 else 'copies are'} ok"
    faults = {each.fault.message for each in service.instances if each.fault is not None}
    return f"{said}: {faults.pop()}" if len(faults) == 1 else said


def _hit(service: ServiceView, snapshot: Snapshot) -> str:
    """Who needs it, those that are not well first."""
    needing = [each for each in snapshot.services if service.name in each.depends_on]
    ill = [each for each in needing if standing(each) is not Standing.OK]
    parts = [
        f"{each.name} {standing(each)}"
        + (f", {figures.percent(each.error_rate)} errors" if (each.error_rate or 0) > 0.005 else "")
        for each in ill
    ]
    count = len(needing)
    if count:
        parts.append(f"{count} service{'s' * (count != 1)} need{'s' * (count == 1)} it")
    return " · ".join(parts)


# ---- why ----


def _explained(service: ServiceView, width: int, now: float) -> list[WhyRow]:
    known = service.diagnosis
    note = "likeliest first"
    if known.watched_since is not None:
        note += f" · watched since {figures.when(known.watched_since, now).strip()}"
    out = [_text("why", titled("Why", width, note=(Span(note, Role.MUTED),)))]
    if not known.explanations:
        said = service.reason or "nothing that was read says why"
        out += [
            _text(f"none/{number}", (Span(f" {part}", Role.TEXT),))
            for number, part in enumerate(wrap(f"no cause found: {said}", width - 2)[:3])
        ]
        logs, changed = key_of("logs", "l"), key_of("what-changed", "w")
        looks = f" next looks: 4 copies · {logs} logs · {changed} what changed"
        return [*out, _text("none/next", (Span(looks, Role.MUTED),))]
    for number, each in enumerate(known.explanations[:_CONSIDERED], 1):
        out += _explanation(number, each, width, now)
    return out


def _explanation(number: int, each: Explanation, width: int, now: float) -> Iterator[WhyRow]:
    glyph, role = _GLYPHS[each.lead.code]
    beside = each.confidence.value
    if each.later is not None:
        later = f"began {figures.age(each.later)} after it went wrong"
        # Where there is little room, that it is unlikely follows from this.
        beside = f"{beside} · {later}" if width >= _ROOMY_LINE else later
    elif width >= _WIDE:
        count = len(each.facts)
        beside += f" · stands on {count} fact{'s' * (count != 1)}"
    room = width - width_of(beside) - 8
    # What is unlikely stays so where nothing likelier was found.
    first = Role.STRONG if number == 1 and each.confidence is not Confidence.UNLIKELY else Role.TEXT
    left: Line = (
        Span(f" {number} ", Role.ACCENT if number == 1 else Role.MUTED),
        Span(f"{glyph} ", role),
        Span(_after_glyph(sentence(each.lead, max(20, room)), glyph), first),
    )
    line = spread(left, (Span(f"{beside} ", Role.MUTED),), width)
    yield WhyRow(Row(f"cause/{number}", line), _LEADS[each.lead.code], each.lead.subject)
    facts = each.facts if number == 1 else each.facts[:2]
    if facts == (each.lead,) and (number > 1 or each.lead.at is None):
        return
    for index, fact in enumerate(facts):
        line = _fact(fact, width, now)
        yield WhyRow(Row(f"fact/{number}/{index}", line), _LEADS[fact.code], fact.subject)


def _after_glyph(said: str, glyph: str) -> str:
    """``said`` without ``glyph``, which stands before it already."""
    return said.removeprefix(f"{glyph} ")


def _fact(fact: Fact, width: int, now: float) -> Line:
    glyph, role = _GLYPHS[fact.code]
    at = figures.when(fact.at, now) if fact.at is not None else " " * 8
    source = fact.source if width >= _WIDE else ""
    by = f", by {fact.by}" if fact.by and fact.code is not FactCode.OPERATED else ""
    room = width - 16 - width_of(source) - 2
    said = f"{_after_glyph(sentence(replace(fact, because=()), room), glyph)}{by}"
    left: Line = (
        Span(f"     {at}  ", Role.MUTED),
        Span(f"{glyph} ", role),
        Span(cut_sentence(said, max(10, room))),
    )
    return spread(left, (Span(f"{source} ", Role.FAINT),), width) if source else left


def _limits(known: Diagnosis, width: int) -> list[WhyRow]:
    """What was ruled out, and what is not known."""
    out: list[WhyRow] = []
    if known.ruled_out:
        said = " · ".join(each.value for each in known.ruled_out)
        lines = labelled("ruled out", said, width, room=LABEL)
        out += [_text(f"out/{number}", line) for number, line in enumerate(lines)]
    if known.unknown:
        said = " · ".join(f"{each.what}: {each.why}" if each.why else each.what
                          for each in known.unknown)  # fmt: skip
        lines = labelled("not known", said, width, room=LABEL, role=Role.UNKNOWN)
        out += [_text(f"unknown/{number}", line) for number, line in enumerate(lines)]
    return out


# ---- what can be done ----


def _done_about(service: ServiceView, snapshot: Snapshot, width: int) -> list[WhyRow]:
    found = remedies(service, snapshot)
    if not found:
        return []
    note = (Span("each opens its plan; nothing starts by itself", Role.MUTED),)
    out = [_text("do", titled("What can be done", width, note=note))]
    # A runbook's name is as long as its writer liked, and only a number of steps follows it.
    actions = [width_of(each.what) for each in found if each.action is not None]
    room = min(_NAMES, max(actions, default=0) + 2)
    well = standing(service) is Standing.OK
    for each in found:
        out += _remedy(each, room, width, well=well)
    return out


def _remedy(each: Remedy, room: int, width: int, *, well: bool) -> list[WhyRow]:
    blocked = each.blocked
    said = each.effect
    if well and not blocked and each.action is not None:
        said = each.action.summary
    if each.action is None:
        room = max(room, min(width_of(each.what) + 2, width - width_of(said) - 6))
    cells = max(16, width - room - 7)
    first, *rest = wrap(said, cells) if blocked else [cut_sentence(said, cells)]
    name = Role.MUTED if blocked else Role.TEXT
    line: Line = (
        Span(f" {each.key}  ", Role.FAINT if blocked else Role.ACCENT),
        Span(fit(clip(each.what, room), room), name),
        Span(first, Role.MUTED if blocked else Role.TEXT),
    )
    key = f"do/{each.what}"
    out = [WhyRow(Row(key, clip_line(line, width)), remedy=each)]
    for index, part in enumerate(rest):
        below: Line = (Span(f"{' ' * (room + 4)}{part}", Role.MUTED),)
        out.append(WhyRow(Row(f"{key}/{index}", clip_line(below, width)), remedy=each))
    return out


# ---- when it is well ----


def _well(service: ServiceView, snapshot: Snapshot, width: int, now: float) -> list[WhyRow]:
    out: list[WhyRow] = []
    said = why(service, width - 4)
    if said:
        out.append(_text("noted", (Span(f"   {said}"),)))
    mine = [each for each in events.latest(snapshot.events) if each.service == service.name]
    trouble = last_trouble(reversed(mine))
    out += _event_lines("last trouble", trouble, "none was seen here", width, now)
    changed = next((each for each in mine if _is_change(each)), None)
    out += _event_lines("last change", changed, "none was seen here", width, now)
    if service.objectives:
        out.append(_text("goals", titled("Objectives", width)))
        out += [
            WhyRow(Row(f"goal/{each.objective}", clip_line(objective_line(each, width), width)),
                   Leads.METRICS)
            for each in service.objectives
        ]  # fmt: skip
    return out


def _is_change(event: Event) -> bool:
    return event.kind in {EventKind.IMAGE, EventKind.VERSION, EventKind.OPERATION}


def _event_lines(
    label: str, event: Event | None, nothing: str, width: int, now: float
) -> list[WhyRow]:
    if event is None:
        line: Line = (Span(f"   {fit(label, LABEL + 3)}{nothing}", Role.MUTED),)
        return [_text(label, line)]
    age = f"{figures.age(now - event.at)} ago"
    happened = event_words.words(event)
    named = event.subject in {"", event.service} or happened.startswith(event.subject)
    said = f"{age}: {happened}" if named else f"{age}: {event.subject} {happened}"
    line = (
        Span(f"   {fit(label, LABEL + 3)}", Role.MUTED),
        Span(cut_sentence(said, max(10, width - LABEL - 8))),
    )
    return [WhyRow(Row(label, line), Leads.TIMELINE)]


# ---- the picture ----


def _picture(
    service: ServiceView, snapshot: Snapshot, width: int, height: int, now: float, window: float
) -> Sequence[WhyRow]:
    note = (Span(figures.span(window), Role.MUTED),)
    lines = [
        titled("p95", width, note=note),
        *latency_chart(service, snapshot, width - 1, height - 1, now, window),
    ]
    return [_text(f"chart/{number}", line) for number, line in enumerate(lines)]
