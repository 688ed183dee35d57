"""Which notices are due to one receiver. Pure: what is due follows from what was kept, what is
seen, and the time.

Invariant: nothing is reported before it has lasted, and nothing is called over before that has; one
cause is one notice, with what is folded below it. A notice that is due stays due, under the same
id, until the receiver took it, whatever is restarted in between. What is silenced or acknowledged
is neither begun nor repeated, but its end is reported to all who were notified of it.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from opsconsole.config.notify import Notify, Receiver
from opsconsole.model.alerting.alerts import ACKNOWLEDGEMENT, Alert, Severity
from opsconsole.model.alerting.silence_requests import LONGEST_ACK
from opsconsole.model.incidents import Incident
from opsconsole.model.notices import Episode, Notice, What
from opsconsole.model.operation import Operation, OperationState
from opsconsole.model.snapshot import Snapshot
from opsconsole.watcher.notify.episodes import Notified, Record, begun, opened
from opsconsole.watcher.notify.troubles import Standing, Troubles

GONE_AFTER: Final = 1800.0
"""Seconds after which what is watched no longer is over."""

_LEAST: Final = {each: Severity(each).urgency for each in ("info", "warning", "critical")}


class Book:
    """What one receiver was notified of, and what it is to be notified of now."""

    def __init__(self, notify: Notify, receiver: Receiver, notified: Notified) -> None:
        self._notify = notify
        self._receiver = receiver
        self.notified = notified
        # To an Alertmanager each cause is an alert of its own; it groups them itself.
        self._labelled = receiver.alertmanager is not None
        self._seen_over: dict[str, float] = {}

    def decide(self, troubles: Troubles, snapshot: Snapshot, now: float) -> list[Record]:
        """What begins and what is over: to be kept before anything is sent."""
        records: list[Record] = []
        if self.notified.followed_at is None:
            records.append({"do": "followed", "at": now})
        records += self._over(troubles, now)
        ended = {each["id"] for each in records if each["do"] == "over"}
        known = {
            member.key
            for each in self.notified.episodes.values()
            if each.over_at is None and each.id not in ended
            for member in each.members
        }
        roots = [
            each
            for each in self._roots(troubles, known)
            if each.key not in known and not self._answered(each, snapshot, now)
        ]
        due = [each for each in roots if now - each.since >= self._notify.wait]
        if due and len(roots) > self._notify.together and not self._labelled:
            records.append(opened(begun(roots, now, labelled=False)))
        else:
            records += [opened(begun([each], now, labelled=self._labelled)) for each in due]
        return records

    def notices(self, troubles: Troubles, snapshot: Snapshot, now: float) -> Iterator[Notice]:
        """What is to be sent now, the most important first."""
        below = self.below(troubles) if self.notified.episodes else {}
        last: list[Notice] = []
        for each in self.notified.episodes.values():
            if each.over_at is not None:
                last.append(Notice(f"{each.id}-over", each.id, What.OVER, each))
            elif each.taken_at is None:
                yield notice_of(f"{each.id}-new", What.NEW, each, troubles, below)
            elif self._is_to_be_repeated(each, troubles, now):
                name = f"{each.id}-{each.reminders + 1}"
                last.append(notice_of(name, What.REMINDER, each, troubles, below))
        yield from self._verdicts(snapshot)
        yield from last

    def below(self, troubles: Troubles) -> dict[str, tuple[str, ...]]:
        """For the key of each trouble that was reported, the services that fail because of it."""
        notified = {
            member.key: member.service
            for each in self.notified.episodes.values()
            if each.over_at is None
            for member in each.members
        }
        found: dict[str, dict[str, None]] = {}
        for key, each in self._eligible(troubles).items():
            if key in notified or not each.service:
                continue
            root = troubles.root(each, notified.keys()).key
            if root != key and notified[root] != each.service:
                found.setdefault(root, {})[each.service] = None
        return {key: tuple(sorted(names)) for key, names in found.items()}

    def sent(self, notice: Notice, now: float) -> Record:
        """What is to be kept when the receiver took ``notice``."""
        match notice.what:
            case What.NEW | What.REMINDER:
                return {"do": "taken", "id": notice.key, "at": now}
            case What.OVER:
                return {"do": "closed", "id": notice.key, "at": now}
            case What.VERDICT | What.TEST:
                return {"do": "verdict", "id": notice.id, "at": now}

    def _over(self, troubles: Troubles, now: float) -> Iterator[Record]:
        lasting = {
            member.key
            for each in self.notified.episodes.values()
            if each.over_at is None
            for member in each.members
        }
        self._seen_over = {key: at for key, at in self._seen_over.items() if key in lasting}
        for each in self.notified.episodes.values():
            # Each is asked: it is noted from when on it is over.
            over = [self._is_over(one.key, one.service, troubles, now) for one in each.members]
            if each.over_at is None and all(over):
                yield {"do": "over", "id": each.id, "at": now}

    def _is_over(self, key: str, service: str, troubles: Troubles, now: float) -> bool:
        standing, since = troubles.standing(key, service)
        gone = service != "" and troubles.service(service) is None
        if standing is not Standing.OVER and not (gone and standing is Standing.UNKNOWN):
            self._seen_over.pop(key, None)
            return False
        first = self._seen_over.setdefault(key, now)
        wait = GONE_AFTER if gone else self._notify.wait_well
        return now - (first if since is None else min(first, since)) >= wait

    def _eligible(self, troubles: Troubles) -> dict[str, Alert]:
        """What this receiver wants to know of, silenced or not."""
        return {key: each for key, each in troubles.all.items() if self._wants(each, troubles)}

    def _wants(self, trouble: Alert, troubles: Troubles) -> bool:
        urgency = trouble.severity.urgency
        if trouble.severity is Severity.UNRECOGNISED:
            urgency = Severity.WARNING.urgency
        return urgency >= _LEAST[self._receiver.least] and self._is_for(trouble.service, troubles)

    def _is_for(self, service: str, troubles: Troubles) -> bool:
        wanted, teams = self._receiver.services, self._receiver.teams
        if wanted and service not in wanted:
            return False
        view = troubles.service(service)
        return not teams or (view is not None and view.team in teams)

    def _roots(self, troubles: Troubles, known: Collection[str]) -> list[Alert]:
        loud = {
            key: each
            for key, each in self._eligible(troubles).items()
            if not each.quiet or key in known
        }
        return [
            each
            for each in loud.values()
            if not each.quiet and troubles.root(each, loud.keys()).key == each.key
        ]

    def _answered(self, trouble: Alert, snapshot: Snapshot, now: float) -> bool:
        """Whether it is not to be reported yet, or not at all, because somebody is at it."""
        wait = self._receiver.unanswered_for
        if not wait:
            return False
        return now - trouble.since < wait or is_answered(trouble, snapshot)

    def _is_to_be_repeated(self, episode: Episode, troubles: Troubles, now: float) -> bool:
        remind = self._receiver.remind
        last = episode.last_at
        if not remind or self._labelled or last is None or now - last < remind:
            return False
        eligible = self._eligible(troubles)
        return any(
            not each.quiet and troubles.root(each, eligible.keys()).key == each.key
            for member in episode.members
            if (each := troubles.all.get(member.key)) is not None
        )

    def _verdicts(self, snapshot: Snapshot) -> Iterator[Notice]:
        if self._labelled or self.notified.followed_at is None:
            return
        for each in reversed(snapshot.operations):
            name = _verdict_id(each, self._receiver.operations)
            ended = each.ended_at
            fresh = ended is not None and max(ended, each.updated_at) >= self.notified.followed_at
            wanted = not self._receiver.services or each.service in self._receiver.services
            if name and fresh and wanted and name not in self.notified.verdicts:
                yield Notice(name, each.id, What.VERDICT, operation=each)


def is_answered(trouble: Alert, snapshot: Snapshot) -> bool:
    """Whether somebody acknowledged it, began to do something about its service since, or commands
    an incident that names the service; an incident in which nothing happens answers no longer than
    an acknowledgement."""
    service = trouble.service
    taken = (
        why.kind == ACKNOWLEDGEMENT
        for each in (trouble, *snapshot.alerts)
        if each.service == service and (service or each.key == trouble.key)
        for why in each.suppressions
    )
    at_it = any(
        each.open and service in each.services and snapshot.taken_at - _moved_at(each) < LONGEST_ACK
        for each in snapshot.incidents
    )
    if any(taken) or at_it:
        return True
    automation = snapshot.automation
    by_remedies = {each.operation for each in automation.episodes} if automation else set()
    return any(
        each.service == service
        and each.started_at >= trouble.since
        and not each.by_promise
        and each.id not in by_remedies
        for each in snapshot.operations
    )


def _moved_at(incident: Incident) -> float:
    return max((each.at for each in incident.entries), default=incident.opened_at)


def notice_of(
    name: str, what: What, episode: Episode, troubles: Troubles, below: Mapping[str, Sequence[str]]
) -> Notice:
    """A notice of ``episode`` as it stands; ``below`` is what fails because of each trouble."""
    lasting = tuple(
        each for one in episode.members if (each := troubles.all.get(one.key)) is not None
    )
    folded = {name: None for one in episode.members for name in below.get(one.key, ())}
    return Notice(name, episode.id, what, episode, lasting=lasting, folded=tuple(folded))


def _verdict_id(operation: Operation, wanted: Sequence[str]) -> str:
    """The id of the notice of its verdict, '' where none is to be reported."""
    if operation.corrected and "failed" in wanted:
        return f"{operation.id}-corrected"
    said = operation.state in _VERDICTS and operation.state.value in wanted
    return f"{operation.id}-{operation.state}" if said else ""


_VERDICTS: Final = frozenset(
    {OperationState.VERIFIED, OperationState.FAILED, OperationState.INCONCLUSIVE}
)
