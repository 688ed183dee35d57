"""What a Prometheus scrapes, as services: each job is one, and its targets are its copies. Pure.

Invariant: the same targets always give the same names: the job's, with ``-SERVER`` behind it where
several servers are read. Nothing can be done to what was found here, and it is found by what is
scraped alone. A declared service that names the job, or another job under this name, is no other.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, Final

from opsconsole.config.effective import FoundService
from opsconsole.config.services import Service
from opsconsole.config.settings import Settings
from opsconsole.discovery.finding import Finding, fit, labelled, matches
from opsconsole.model.running.targets import Target
from opsconsole.model.source_id import SourceId, SourceKind

JOB_LIMIT: Final = 200
"""Services at most that one server's jobs become."""


def read(declared: Settings, server: str, targets: Iterable[Target]) -> tuple[Finding, ...]:
    """The services of ``targets`` of ``server`` that ``declared`` wants found, by name.

    Those beyond ``JOB_LIMIT`` are there too: what takes them leaves them out and says so.
    """
    by = SourceId(SourceKind.PROMETHEUS, server)
    if not declared.discovers(by):
        return ()
    jobs: defaultdict[str, list[Target]] = defaultdict(list)
    for each in targets:
        jobs[each.job].append(each)
    wanted = [job for job in sorted(jobs) if _is_wanted(declared, job, jobs[job])]
    found = (
        FoundService(
            name,
            Service.model_validate(_document(declared, server, name, job)),
            by,
            f"job {job} of {server}",
        )
        for name, job in _named(declared, server, wanted)
    )
    ordered = sorted(found, key=lambda each: each.name)
    return tuple(Finding(each, serves=True, is_over=False) for each in ordered)


def _is_wanted(declared: Settings, job: str, targets: Iterable[Target]) -> bool:
    rules = declared.discover.prometheus
    if rules is None or (rules.jobs and not matches(job, rules.jobs)):
        return False
    return any(all(labelled(each.labels, one) for one in rules.labels) for each in targets)


def _named(declared: Settings, server: str, jobs: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Each job with the name that it has as a service; what is declared already is left out."""
    suffix = f"-{server}" if len(declared.prometheus) > 1 else ""
    known = {
        each.job: name
        for name, each in declared.services.items()
        if each.job and _knows(declared, name, server)
    }
    taken: set[str] = set()
    for job in jobs:
        name = fit(job, suffix)
        if known.get(job, name) != name:
            continue
        if name in taken or not _fits(declared, name, server, job):
            name = fit(name, ".job")
        if name and name not in taken and _fits(declared, name, server, job):
            taken.add(name)
            yield name, job


def _fits(declared: Settings, name: str, server: str, job: str) -> bool:
    """Whether a declared service called ``name``, if there is one, may be ``job`` of ``server``."""
    service = declared.services.get(name)
    if service is None:
        return True
    return service.job in {None, job} and _knows(declared, name, server)


def _knows(declared: Settings, name: str, server: str) -> bool:
    knows = declared.prometheus_of(name)
    return knows is not None and knows.name == server


def _document(declared: Settings, server: str, name: str, job: str) -> dict[str, Any]:
    """What was found of it, and nothing else, is set."""
    known = declared.services.get(name)
    if known is None:
        return {"job": job, "labels": {"job": job}, "prometheus": server}
    # Which series its metrics are of is said where they are declared.
    says = known.metrics or known.availability or known.objectives
    return {"job": job} if says else {"job": job, "labels": {"job": job}}
