"""Why a service is as it is, in one sentence: subject, verb, measure.

Invariant: a sentence takes as many cells as it is given and no more. It is shortened at its commas,
what matters least first; only where that is not enough is it cut, and never within an address or a
reason of failure as long as what stands before it can go instead.
"""

from collections.abc import Callable, Mapping
from typing import Final

from opsconsole.model.diagnosis import Fact, FactCode
from opsconsole.model.snapshot import ServiceView
from opsconsole.model.state import State
from opsconsole.render.ink import figures
from opsconsole.render.ink.cells import Line, Role, Span, width_of
from opsconsole.render.ink.cuts import cut_sentence
from opsconsole.render.service.held_back import held_back
from opsconsole.render.timeline.words import made_otherwise

LONGEST: Final = 50
"""Cells of a sentence."""


def why(service: ServiceView, width: int) -> str:
    """The best known cause, or what else is to be said of ``service``; '' if there is nothing."""
    before = []
    if service.stale and service.state is not State.UNKNOWN:
        before.append(f"last seen {service.state.value}")
    lead = service.diagnosis.lead
    if service.flapping and (lead is None or lead.code is not FactCode.FLAPPING):
        before.append("flapping")
    room = width - sum(width_of(each) + 3 for each in before)
    said = service.reason if lead is None else sentence(lead, max(room, 12))
    return cut_sentence(" · ".join([*before, said] if said else before), width)


_LEAST_DOING: Final = 8
"""Cells in which what is being done says something; in fewer its mark stands alone."""


def why_beside(service: ServiceView, doing: str | None, width: int, role: Role = Role.TEXT) -> Line:
    """The cause in ``role``, and beside it what is being done where there is room: for it the cause
    loses what follows a comma, and is never cut."""
    said = why(service, width)
    if doing is None:
        return (Span(said, role),)
    brief = why(service, max(width - 2 - width_of(doing), width // 2))
    said = said if brief.endswith("…") else brief
    if not said:
        return (Span(cut_sentence(doing, width), Role.ACCENT),)
    room = max(0, width - width_of(said) - 2)
    if room < min(_LEAST_DOING, width_of(doing)):
        return (Span(said, role), Span(f"  {doing[:1]}" if room else "", Role.ACCENT))
    # Who does it says more than from which host.
    short = doing if width_of(doing) <= room else doing.partition("@")[0]
    beside = cut_sentence(short, room)
    return (Span(said, role), Span("  "), Span(beside, Role.ACCENT))


def silenced(service: ServiceView) -> int:
    """How many alerts of ``service`` fire and are kept quiet by somebody."""
    facts = (each.lead for each in service.diagnosis.explanations)
    return next((each.count for each in facts if each.code is FactCode.ALERTS_SILENCED), 0)


def sentence(fact: Fact, width: int = LONGEST) -> str:
    """``fact`` in at most ``width`` cells."""
    core, *more = _PARTS[fact.code](fact)
    if width_of(core) > width and fact.code in _OF_COPIES:
        # What happened is worth more than to which copy.
        core = core.removeprefix(f"{_who(fact)} ")
    change = "" if fact.code is FactCode.DEPENDENCY else " ".join(map(_since, fact.because))
    # The change that it is laid to says more than what is beside the core.
    for end in ([f" {change}"] if change else []) + [""]:
        for parts in _shorter(more):
            whole = f"{', '.join([core, *parts])}{end}"
            if width_of(whole) <= width:
                return whole
    return cut_sentence(core, width)


def _shorter(parts: list[str]) -> list[list[str]]:
    """All of ``parts`` that are not empty, then one less and so on."""
    said = [each for each in parts if each]
    return [said[:count] for count in range(len(said), -1, -1)]


def _since(change: Fact) -> str:
    match change.code:
        case FactCode.IMAGE_CHANGED | FactCode.VERSION_CHANGED:
            return f"since {change_of(change)}"
        case FactCode.OPERATED:
            return f"after {change.after} by {change.by}" if change.by else f"after {change.after}"
        case FactCode.CONFIGURATION_CHANGED:
            return f"since {_otherwise(change)}"
        case _:
            return ""


def change_of(fact: Fact) -> str:
    """``1.0→2.0``: of images that differ by their tags alone, the tags."""
    before, after = fact.before, fact.after
    name, _, tag = before.rpartition(":")
    other, _, new = after.rpartition(":")
    if name and name == other and "/" not in tag and "/" not in new:
        before, after = tag, new
    return f"{before}→{after}" if before else after


def _who(fact: Fact) -> str:
    return fact.subject if fact.copies == 1 else f"{fact.copies} copies"


def _times(count: int, least: int = 2) -> str:
    return f" ×{count}" if count >= least else ""


def _out_of_memory(fact: Fact) -> list[str]:
    limit = f"limit {figures.size(fact.figure)}" if fact.figure else ""
    return [f"{_who(fact)} killed, out of memory{_times(fact.count)}", limit]


def _exited(fact: Fact) -> list[str]:
    code = int(fact.figure or 0)
    if code == 0:
        return [f"{_who(fact)} ended by itself, exit 0"]
    word = "killed" if code == 137 else "died"
    return [f"{_who(fact)} {word}, exit {code}{_times(fact.count, fact.copies + 1)}"]


def _signalled(fact: Fact) -> list[str]:
    return [f"{_who(fact)} stopped by {fact.after}"]


def _crash_loop(fact: Fact) -> list[str]:
    code = "" if fact.figure is None else f"exit {fact.figure:.0f}"
    over = f" in {figures.age(fact.limit)}" if fact.limit else ""
    restart = "restarts" if fact.copies == 1 else "restart"
    return [f"{_who(fact)} {restart} in a loop, ×{fact.count}{over}", code]


def _never_started(fact: Fact) -> list[str]:
    if not fact.after:
        return [f"{_who(fact)} never started"]
    return [f"{_who(fact)} cannot start: {fact.after}"]


def _gone(fact: Fact) -> list[str]:
    return [f"{_who(fact)} {'was' if fact.copies == 1 else 'were'} removed"]


def _paused(fact: Fact) -> list[str]:
    return [f"{_who(fact)} paused"]


def _copies_missing(fact: Fact) -> list[str]:
    running, wanted = int(fact.figure or 0), int(fact.limit or 0)
    return [f"{running} of {wanted} copies run", fact.subject]


def _update_stopped(fact: Fact) -> list[str]:
    return [f"update {fact.before}", fact.after]


def _held_back(fact: Fact) -> list[str]:
    return held_back(fact, _who(fact))


def _update_overdue(fact: Fact) -> list[str]:
    return ["its rollout makes no progress", fact.after]


def _check_fails(fact: Fact) -> list[str]:
    if fact.before:
        return _held_back(fact)
    return [f"{_who(fact)} {fact.after or 'is called ill by its health check'}"]


def _changed(fact: Fact) -> list[str]:
    word = "image" if fact.code is FactCode.IMAGE_CHANGED else "version"
    return [f"{word} {change_of(fact)}"]


def _configured(fact: Fact) -> list[str]:
    return [_otherwise(fact)]


def _otherwise(fact: Fact) -> str:
    return made_otherwise(fact.before, "", fact.after)


def _operated(fact: Fact) -> list[str]:
    return [f"{fact.after} by {fact.by}" if fact.by else fact.after]


def _component_fails(fact: Fact) -> list[str]:
    state = "" if fact.state is None else f" {fact.state.value}"
    return [f"{fact.subject}{state}: {fact.after}" if fact.after else f"{fact.subject}{state}"]


def _probe_fails(fact: Fact) -> list[str]:
    some, whole = int(fact.figure or 1), int(fact.limit or 1)
    if whole == 1 or (some == 1 and fact.subject in fact.after.split()):
        return [fact.after]
    who = f"{some} of {whole}" if some > 1 else fact.subject
    return [f"{who}: {fact.after}"]


def _host_certificate(fact: Fact) -> list[str]:
    return [f"{_ending(fact.figure or 0.0)}: {fact.subject}", f"in a file of {fact.by}"]


def _ending(left: float) -> str:
    span = _days(abs(left))
    return f"certificate ends in {span}" if left > 0 else f"certificate expired {span} ago"


def _certificate_ends(fact: Fact) -> list[str]:
    said = _ending(fact.figure or 0.0)
    return [said if fact.copies == int(fact.limit or 1) else f"{_who(fact)}: {said}"]


def _days(seconds: float) -> str:
    days, hours = int(seconds // 86400), int(seconds // 3600)
    if days:
        return f"{days} day{'s' * (days != 1)}"
    return f"{hours} h" if hours else f"{int(seconds // 60)} min"


def _dependency(fact: Fact) -> list[str]:
    said = next((_of_another(each) for each in fact.because), fact.after)
    if not said and fact.state is not None:
        said = fact.state.value
    return [f"↳ {fact.subject}: {said}"]


def _of_another(cause: Fact) -> str:
    return cause.after if cause.code is FactCode.PROBE_FAILS else sentence(cause)


def _objective_missed(fact: Fact) -> list[str]:
    name, _, rest = fact.subject.partition(" ")
    quantile, _, figure = name.partition("(")
    what = quantile if figure.rstrip(")") in {"latency", ""} else name
    operator = rest.partition(" ")[0]
    against = {"<": ">", "<=": ">", ">": "<", ">=": "<"}.get(operator, "<")
    if fact.figure is None:
        return [f"{fact.subject} missed"]
    actual, limit = (_number(each, fact.unit) for each in (fact.figure, fact.limit))
    return [f"{what} {actual} {against} {limit}"]


def _number(value: float | None, unit: str) -> str:
    """A figure in a sentence, with a blank before a unit of time."""
    if value is None:
        return figures.UNKNOWN
    if unit == "%":
        return f"{value * 100:.4g}%"
    if unit == "s":
        return f"{value * 1000:.3g} ms" if value < 1 else f"{value:.3g} s"
    return figures.number(value, unit)


def _alert(fact: Fact) -> list[str]:
    whose = f" for {fact.part}" if fact.part else ""
    if fact.until is not None:
        seen = figures.clock(fact.until, seconds=False)
        return [f"{fact.subject} fired{whose}, not read since {seen}", fact.after]
    return [f"{fact.subject} fires{whose}", fact.after]


def _silenced(fact: Fact) -> list[str]:
    by = f" by {fact.by}" if fact.by else ""
    until = "" if fact.until is None else f" until {figures.clock(fact.until, seconds=False)}"
    return [f"{fact.count} silenced{by}{until}"]


def _disk_full(fact: Fact) -> list[str]:
    return ["disk full", f"{fact.subject} {figures.percent(fact.figure)}", fact.by]


def _host_memory(fact: Fact) -> list[str]:
    return [f"{fact.subject}: memory {figures.percent(fact.figure)} in use"]


def _flapping(fact: Fact) -> list[str]:
    return [f"{fact.subject} flaps", fact.after]


def _not_read(fact: Fact) -> list[str]:
    if fact.figure is not None:
        return _probe_fails(fact)
    return [f"not read: {fact.subject}: {fact.after}" if fact.subject else fact.after]


_OF_COPIES: Final = frozenset(
    {FactCode.NEVER_STARTED, FactCode.CHECK_FAILS, FactCode.OUT_OF_MEMORY, FactCode.CRASH_LOOP}
    | {FactCode.EXITED}
)

_PARTS: Final[Mapping[FactCode, Callable[[Fact], list[str]]]] = {
    FactCode.OUT_OF_MEMORY: _out_of_memory,
    FactCode.EXITED: _exited,
    FactCode.SIGNALLED: _signalled,
    FactCode.CRASH_LOOP: _crash_loop,
    FactCode.NEVER_STARTED: _never_started,
    FactCode.HELD_BACK: _held_back,
    FactCode.GONE: _gone,
    FactCode.PAUSED: _paused,
    FactCode.COPIES_MISSING: _copies_missing,
    FactCode.UPDATE_STOPPED: _update_stopped,
    FactCode.UPDATE_OVERDUE: _update_overdue,
    FactCode.CHECK_FAILS: _check_fails,
    FactCode.IMAGE_CHANGED: _changed,
    FactCode.VERSION_CHANGED: _changed,
    FactCode.CONFIGURATION_CHANGED: _configured,
    FactCode.OPERATED: _operated,
    FactCode.COMPONENT_FAILS: _component_fails,
    FactCode.PROBE_FAILS: _probe_fails,
    FactCode.DEPENDENCY: _dependency,
    FactCode.OBJECTIVE_MISSED: _objective_missed,
    FactCode.ALERT: _alert,
    FactCode.ALERTS_SILENCED: _silenced,
    FactCode.DISK_FULL: _disk_full,
    FactCode.HOST_MEMORY: _host_memory,
    FactCode.HOST_CERTIFICATE: _host_certificate,
    FactCode.CERTIFICATE: _probe_fails,
    FactCode.CERTIFICATE_ENDS: _certificate_ends,
    FactCode.FLAPPING: _flapping,
    FactCode.NOT_READ: _not_read,
}
