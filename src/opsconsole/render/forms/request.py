"""The form before a plan: its fields, and the request made from them.

Invariant: a form only makes a request; a wrong value is reported beside its field and makes no
request. The executor checks policy again.
"""

from collections.abc import Mapping
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.operation import (
    OVERRIDING,
    ActionKind,
    ActionRequest,
    ActionView,
)
from opsconsole.model.written.units import format_duration, read_duration
from opsconsole.render.ink import figures
from opsconsole.text import sanitize

REASON_LIMIT: Final = 200
LONGEST: Final = 86400.0
OVERRIDABLE: Final = frozenset({"cooling-down", "restart-loop", "last-healthy-instance"})
"""Refusals that an override with a reason lifts."""

_ASKING: Final = frozenset({ActionKind.DEGRADE, ActionKind.SCALE, ActionKind.RESTORE})


@dataclass(frozen=True, slots=True)
class Field:
    """One input line. ``hint`` is shown in it while it is empty."""

    id: str
    label: str
    hint: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with the value of a field."""

    field: str
    text: str


def needs_form(view: ActionView) -> bool:
    """Whether the action needs a form."""
    return view.kind in _ASKING


def fields(view: ActionView, *, override: bool = False) -> tuple[Field, ...]:
    """The fields of the form of an action, in their order."""
    found: list[Field] = []
    if view.kind is ActionKind.SCALE:
        found.append(Field("to", "copies", _bounds(view)))
    if view.kind is ActionKind.DEGRADE:
        lasts = format_duration(view.lasts) if view.lasts else ""
        found.append(Field("reason", "reason", "why, for those who see it"))
        found.append(Field("for", "for", "how long: 30m, 2h, at most 24h", lasts))
    if override and view.kind is not ActionKind.DEGRADE:
        found.append(Field("reason", "reason", "why it is done all the same"))
    return tuple(found)


def values_of(request: ActionRequest) -> dict[str, str]:
    """What the fields hold of a request that was made from them, by their ids."""
    lasts = "" if request.duration is None else format_duration(request.duration)
    found = {"reason": request.reason, "to": request.parameters.get("to", ""), "for": lasts}
    return {name: value for name, value in found.items() if value}


def _bounds(view: ActionView) -> str:
    return f"{view.bounds[0]} to {view.bounds[1]}" if view.bounds else "how many"


def read(
    service: str,
    view: ActionView,
    values: Mapping[str, str],
    *,
    backup: str = "",
    override: bool = False,
) -> ActionRequest | Problem:
    """The request for ``service``, or the first problem."""
    parameters = dict(OVERRIDING) if override else {}
    reason = sanitize(values.get("reason", "")[:REASON_LIMIT])[:REASON_LIMIT].strip()
    if not reason and (override or view.kind is ActionKind.DEGRADE):
        return Problem("reason", "a reason is needed")
    duration: float | None = None
    if view.kind is ActionKind.DEGRADE:
        lasts = duration_of(values.get("for", ""), view.lasts)
        if isinstance(lasts, Problem):
            return lasts
        duration = lasts
    if view.kind is ActionKind.SCALE:
        copies = values.get("to", "").strip()
        wrong = copies_problem(copies, view.bounds)
        if wrong:
            return Problem("to", wrong)
        parameters["to"] = copies
    if view.kind is ActionKind.RESTORE:
        if not backup:
            return Problem("backup", "choose a backup that is not damaged")
        parameters["backup"] = backup
    return ActionRequest(service, view.kind, view.name, reason, duration, parameters)


def duration_of(text: str, usual: float | None) -> float | Problem | None:
    """Seconds as typed; ``usual`` if the field is empty."""
    if not text.strip():
        return usual
    try:
        seconds = read_duration(text)
    except ValueError:
        return Problem("for", "not a time such as 5m, 90s or 1h30m")
    if not 0 < seconds <= LONGEST:
        return Problem("for", "more than nothing and at most 24h")
    return seconds


def copies_problem(text: str, bounds: tuple[int, int] | None) -> str:
    """What is wrong with a number of copies, or ''."""
    if not (text.isascii() and text.isdigit()) or len(text) > 6:
        return "a whole number is needed"
    if bounds is not None and not bounds[0] <= int(text) <= bounds[1]:
        return f"{bounds[0]} to {bounds[1]} are allowed"
    return ""


def end_line(values: Mapping[str, str], view: ActionView, now: float) -> str:
    """When a degradation would end, as a time; or what is wrong with the input."""
    seconds = duration_of(values.get("for", ""), view.lasts)
    if isinstance(seconds, Problem):
        return seconds.text
    if seconds is None:
        return "ends after the declared time, by itself"
    return f"ends by itself at {figures.zoned(now + seconds)}, in {figures.age(seconds)}"
