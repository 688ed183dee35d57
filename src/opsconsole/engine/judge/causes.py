"""What changed before a service or an alert first went wrong, likeliest causes first. Pure.

Invariant: an effect is not a cause. Left out are state changes and alerts of the service itself and
of the services that need it, those of a dependency whose own dependency failed earlier, and
anything that happened to a service after it had already failed. The score is the product of how
often such a change breaks things (``Kind.weight``), how close it is to the service, and how soon
before the failure it happened; equal scores are ordered by time, then by text.
"""

from collections.abc import Iterable, Sequence
from dataclasses import field, replace
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.engine.judge.causes_kinds import LIFE, MEMORY, Kind, died, kind_of
from opsconsole.engine.judge.episodes import Episode
from opsconsole.model.causes import WINDOW, Cause, Changes, Ties, Topology
from opsconsole.model.events import Event, EventCode, EventKind

SAME: Final = 1.0
DEPENDENCY: Final = 0.8
HOST: Final = 0.45
ELSEWHERE: Final = 0.2
ITSELF: Final = "the service itself"
LEAST_CLOSENESS: Final = 0.75
"""The factor that a score keeps at the far end of the window."""

_OF_HOSTS: Final = frozenset({EventCode.HOST_BOOTED, EventCode.PACKAGES_CHANGED})
"""What happens to a whole host, which is named where it is another one."""

REPLACED_WITHIN: Final = 5.0
"""Seconds around an image change within which its container stops and starts."""

SAME_MOMENT: Final = 0.1
"""Seconds by which two dates of one thing may differ."""

AFTERWARDS: Final = 50
"""The most events after the moment that are listed."""


@dataclass(frozen=True, slots=True)
class Question:
    """What went wrong and when. ``moment`` is None if its beginning was not seen."""

    subject: str
    service: str
    moment: float | None
    now: float
    over: bool = False


def what_changed(
    question: Question,
    events: Iterable[Event],
    troubles: dict[str, tuple[Episode, ...]],
    topology: Topology,
    window: float = WINDOW,
) -> Changes:
    """Everything within ``window`` seconds before it went wrong, or before now if it did not."""
    until = question.now if question.moment is None else question.moment
    needs = topology.needs(question.service)
    first = _first_reds(needs, troubles, until, window)
    root = min(first, key=lambda name: (first[name], name), default="")
    since = min([until, *first.values()]) - window
    in_order = sorted(events, key=_in_time)
    seen = [event for event in in_order if since <= event.at <= until]
    judge = _Judge(question.service, until, window, needs, first, topology)
    causes = _folded([cause for event in seen if (cause := judge.cause(event)) is not None])
    taken = {id(event) for _, part in causes for event in part}
    later = [event for event in in_order if until < event.at <= question.now]
    return Changes(
        question.subject,
        question.service,
        question.moment,
        since,
        until,
        tuple(cause for cause, _ in causes),
        tuple(event for event in seen if id(event) not in taken),
        tuple(later[:AFTERWARDS]),
        root,
        question.over,
    )


def _first_reds(
    needs: Iterable[str],
    troubles: dict[str, tuple[Episode, ...]],
    until: float,
    window: float,
) -> dict[str, float]:
    """When each needed service that had failed by ``until`` failed, within the window."""
    found: dict[str, float] = {}
    for name in needs:
        for episode in troubles.get(name, ()):
            if episode.covers(until) and episode.began_at >= until - window:
                found[name] = episode.began_at
    return found


@dataclass(frozen=True, slots=True)
class _Judge:
    service: str
    until: float
    window: float
    needs: dict[str, tuple[str, ...]]
    first: dict[str, float]
    topology: Topology
    below: dict[str, frozenset[str]] = field(default_factory=dict)

    def cause(self, event: Event) -> Cause | None:
        """``event`` as a cause, with its score; None where it cannot be one."""
        kind = kind_of(event)
        # What happens to a dependency after it first failed did not cause that failure.
        if kind is None or event.at > self.first.get(event.service, self.until):
            return None
        if self._is_effect(event):
            return None
        nearness, where = self._nearness(event)
        age = max(0.0, self.until - event.at)
        closeness = 1.0 - (1.0 - LEAST_CLOSENESS) * min(1.0, age / self.window)
        score = round(kind.weight * nearness * closeness, 3)
        return Cause(event, score, _reason(kind, where, age))

    def _is_effect(self, event: Event) -> bool:
        if event.kind not in {EventKind.HEALTH, EventKind.ALERT}:
            return False
        if not event.service:
            return False
        if event.service not in self.needs:
            return True
        earlier = [name for name, at in self.first.items() if at < event.at]
        return bool(earlier) and not self._below(event.service).isdisjoint(earlier)

    def _below(self, service: str) -> frozenset[str]:
        """What a service needs; computed once for each."""
        if service not in self.below:
            self.below[service] = frozenset(self.topology.needs(service))
        return self.below[service]

    def _nearness(self, event: Event) -> tuple[float, str]:
        service = event.service
        if not service and event.place and event.code in _OF_HOSTS:
            if event.place in self.topology.services.get(self.service, Ties()).hosts:
                return HOST, f"{event.place}, which it runs on"
            return ELSEWHERE, f"{event.place}, elsewhere"
        if service and service == self.service:
            return SAME, ITSELF
        if service in self.needs:
            way = self.needs[service]
            through = f", needed through {way[1]}" if len(way) > 2 else ", which it needs"
            return DEPENDENCY, f"{service}{through}"
        if service and self.topology.share_host(service, self.service):
            return HOST, f"{service}, on the same host"
        if not service:
            return HOST, "of no service here"
        return ELSEWHERE, f"{service}, elsewhere"


def _reason(kind: Kind, where: str, age: float) -> str:
    return f"{kind.words}; {where}; {_ago(age)}"


def _ago(seconds: float) -> str:
    whole = int(seconds)
    if not whole:
        return "just before"
    return f"{whole}s before" if whole < 60 else f"{whole // 60}m{whole % 60:02d}s before"


def _folded(causes: Sequence[Cause]) -> list[tuple[Cause, list[Event]]]:
    """One cause per change, even if repeated or reported by several sources; likeliest first."""
    images = [cause.event for cause in causes if cause.event.kind is EventKind.IMAGE]
    groups: dict[tuple[str, ...], list[Cause]] = {}
    for cause in causes:
        groups.setdefault(_identity(_replacement(cause.event, images)), []).append(cause)
    merged = [_merge(group) for group in groups.values()]
    return sorted(merged, key=lambda each: (-each[0].score, *_newest_first(each[0].event)))


def _replacement(event: Event, images: Iterable[Event]) -> Event:
    """The image change because of which a container stopped or started; else the event itself."""
    if kind_of(event) not in LIFE:
        return event
    # An image change is dated by the end that was for it; any other death is one of its own.
    within = SAME_MOMENT if died(event) and not event.name else REPLACED_WITHIN
    near = (
        each
        for each in images
        if each.subject == event.subject and abs(each.at - event.at) <= within
    )
    return next(near, event)


def _identity(event: Event) -> tuple[str, ...]:
    """What two reports of the same thing have in common."""
    kind = kind_of(event)
    whose = event.service, event.subject
    if kind is MEMORY:
        return "memory", *whose
    if kind in LIFE:
        # A restart is reported as a stop, a start and a restart.
        return "life", *whose
    if event.kind is EventKind.OPERATION:
        return event.kind, *whose, str(event.action), event.name
    where = event.place if event.code in _OF_HOSTS else ""
    return event.code, where, *whose, event.before, event.after, event.detail


def _merge(group: Sequence[Cause]) -> tuple[Cause, list[Event]]:
    best = max(group, key=lambda cause: (cause.score, *_in_time(cause.event)))
    events = [cause.event for cause in group]
    if best.event.kind is EventKind.OPERATION:
        # An operation is reported at its start and at its verdict: it acted from its start on.
        best = min(group, key=lambda cause: _in_time(cause.event))
        return best, events
    ends = [cause for cause in group if died(cause.event)]
    if best.event.kind is EventKind.IMAGE:
        return best, events
    if ends:
        best = max(ends, key=lambda cause: (cause.score, *_in_time(cause.event)))
    lives = all(kind_of(event) in LIFE for event in events)
    count = len(ends) or (1 if lives else len(group))
    return replace(best, count=count), events


def _in_time(event: Event) -> tuple[float, str, str, str, str]:
    # Every field takes part in the order, so that it is total.
    return event.at, event.code, event.service, event.subject, repr(event)


def _newest_first(event: Event) -> tuple[float, str, str, str, str]:
    at, *words = _in_time(event)
    return (-at, *words)  # type: ignore[return-value]  # the same words as above
