"""What each Prometheus said last of its targets, as copies of the services that name its jobs.

Invariant: a target is as it was scraped last until that is stale, whatever its server has not said
since: one that has just begun knows no target, and one that is away says nothing. After that it
is unknown, and a job that the server does not have any more is gone.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from math import inf

from opsconsole.config.settings import Settings
from opsconsole.dataclass import dataclass
from opsconsole.engine.judge.service import Judgement
from opsconsole.engine.records.fleet import ServiceRecord
from opsconsole.engine.records.replica_book import UNREAD
from opsconsole.model.reading import is_stale, stale_after
from opsconsole.model.running.targets import Target
from opsconsole.model.snapshot import InstanceView
from opsconsole.model.state import State

_Jobs = dict[str, dict[str, Target]]
"""Targets by the name of their job and their own."""


@dataclass(slots=True)
class _Server:
    """``interval`` is the seconds between two looks; ``jobs`` are as of ``at``, None before."""

    interval: float
    at: float | None
    jobs: _Jobs

    def stale(self, now: float) -> bool:
        return is_stale(self.at, self.interval, now)


class TargetBook:
    """The targets of the servers that ``settings`` name; ``least`` as of a ``ReplicaBook``."""

    def __init__(
        self, settings: Settings, before: "TargetBook | None" = None, *, least: float = 0.0
    ) -> None:
        self._settings, self._least = settings, least
        known = before._servers if before is not None else {}
        self._servers: dict[str, _Server] = {
            each.name: _Server(
                max(each.interval, least),
                known[each.name].at if each.name in known else None,
                known[each.name].jobs if each.name in known else {},
            )
            for each in settings.prometheus
        }
        self._due = -inf
        self._server_names: dict[str, str] = {}

    def note(self, server: str, targets: Iterable[Target] | None, at: float) -> bool:
        """Take in what ``server`` said at ``at``; False where it said nothing of targets."""
        place = self._servers.get(server)
        if place is None or targets is None:
            return False
        jobs: defaultdict[str, dict[str, Target]] = defaultdict(dict)
        for each in targets:
            known = place.jobs.get(each.job, {}).get(each.name)
            goes_on = each.scraped_at is None and known is not None and not self._old(known, at)
            jobs[each.job][each.name] = known if goes_on and known is not None else each
        for job, known_targets in place.jobs.items():
            if job not in jobs and not all(self._old(one, at) for one in known_targets.values()):
                jobs[job] = known_targets
        place.jobs, place.at, self._due = dict(jobs), at, -inf
        return True

    def expire(self, now: float) -> bool:
        """Whether a target or a server has become stale since the last call that said so."""
        if now <= self._due:
            return False
        last = [
            (at, every)
            for place in self._servers.values()
            for at, every in (
                (place.at, place.interval),
                *((each.scraped_at, each.interval) for each in _all(place.jobs)),
            )
            if at is not None and not is_stale(at, max(every, self._least), now)
        ]
        self._due = min(
            (stale_after(at, max(every, self._least)) for at, every in last), default=inf
        )
        return True

    def copies(self, record: ServiceRecord, now: float) -> tuple[InstanceView, ...]:
        """The targets of the job of ``record``, by name; none where it names no job."""
        job = record.config.job
        if job is None:
            return ()
        server = self._server_of(record.name)
        if not server:
            said = f"no Prometheus is read that could know job {job}"
            return (_lacking(record, job, said, stale=False),)
        place = self._servers[server]
        targets = place.jobs.get(job, {})
        if targets:
            return tuple(self._copy(record, server, place, each, now) for each in targets.values())
        if place.stale(now):
            was_read = place.at is not None
            return (_lacking(record, job, f"{server} {UNREAD}", stale=was_read),)
        return (_lacking(record, job, f"gone: {server} has no job {job} now", stale=True),)

    def _server_of(self, service: str) -> str:
        """The name of the server that knows the job of ``service``; '' for none."""
        known = self._server_names.get(service)
        if known is None:
            server = self._settings.prometheus_of(service)
            known = self._server_names[service] = server.name if server else ""
        return known

    def _copy(
        self, record: ServiceRecord, server: str, place: _Server, target: Target, now: float
    ) -> InstanceView:
        old = target.scraped_at is not None and self._old(target, now)
        judgement = Judgement(target.state, target.reason)
        if place.stale(now):
            judgement = Judgement(State.UNKNOWN, f"{server} {UNREAD}")
        elif old:
            judgement = Judgement(State.UNKNOWN, "not scraped in time")
        return InstanceView(
            service=record.name,
            name=target.name,
            url=target.url,
            state=judgement.state,
            since=record.since,
            taken_at=target.scraped_at,
            stale=old or place.stale(now),
            reason=judgement.reason,
            origin=record.config.origin,
        )

    def _old(self, target: Target, now: float) -> bool:
        every = max(target.interval, self._least)
        return target.scraped_at is None or is_stale(target.scraped_at, every, now)


def _all(jobs: _Jobs) -> Iterator[Target]:
    return (each for job in jobs.values() for each in job.values())


def _lacking(record: ServiceRecord, job: str, said: str, *, stale: bool) -> InstanceView:
    return InstanceView(
        service=record.name,
        name=job,
        url="",
        state=State.UNKNOWN,
        since=record.since,
        stale=stale,
        reason=said,
        origin=record.config.origin,
    )
