"""Whether the series of a metric are those of its service, and not of others as well.

Invariant: a label is suggested only where the series have it, and where it leaves those of the
service's own instances.
"""

from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import urlsplit

from opsconsole.config.files.problems import KeyPath
from opsconsole.config.services import Service
from opsconsole.inspection.finding import Finding, Weight, listed
from opsconsole.model.fault import Fault
from opsconsole.sources.metrics.declared import Declared, Kind
from opsconsole.sources.prometheus.promql_sharing import quote, select
from opsconsole.sources.prometheus.series_index import SeriesIndex

Target = tuple[str, str]
"""Job and instance, as a Prometheus has them."""


def shared_figures(served: Mapping[str, Sequence[Declared]]) -> list[Finding]:
    """Metrics of several services that are made of the very same series."""
    by_series: dict[tuple[str, str], list[Declared]] = {}
    for declared in served.values():
        for each in declared:
            by_series.setdefault((each.kind, selected(each)), []).append(each)
    found: list[Finding] = []
    for (_kind, text), same in by_series.items():
        names = dict.fromkeys(each.service for each in same)
        for each in same if len(names) > 1 else ():
            others = listed(name for name in names if name != each.service)
            message = f"{text} is the same figure for {others}"
            remedy = "give each service the labels of its own series: labels: {job: …}"
            where: KeyPath = ("services", each.service, "metrics", each.name)
            found.append(Finding(where, Weight.WARNING, message, remedy))
    return found


async def check_selection(
    service: Service, declared: Sequence[Declared], index: SeriesIndex
) -> list[Finding]:
    """Findings on metrics whose series are of other targets too; the first of them says it."""
    own = frozenset(filter(None, (_address(each.url) for each in service.instances)))
    for each in declared:
        if each.kind is Kind.PROMQL:
            continue
        targets = await index.targets(selected(each))
        if isinstance(targets, Fault) or len(targets) < 2:
            continue
        mine = [target for target in targets if target[1] in own]
        if len(mine) == len(targets) or (not mine and len({job for job, _ in targets}) < 2):
            continue
        jobs = sorted({job for job, _ in targets if job})
        of = (
            f"of {len(targets)} targets, {len(mine)} of them its own" if mine else "of several jobs"
        )
        message = f"{selected(each)} has the series {of}: {listed(jobs)}"
        where: KeyPath = ("services", each.service, "metrics", each.name)
        remedy = _remedy(each.service, targets, mine)
        return [Finding(where, Weight.WARNING, message, remedy)]
    return []


def selected(declared: Declared) -> str:
    """The series of ``declared`` as PromQL selects them."""
    if declared.kind is Kind.PROMQL:
        return declared.series
    matchers = tuple(f"{label}={quote(value)}" for label, value in declared.labels)
    return select(declared.series, matchers)


def _remedy(service: str, targets: Iterable[Target], mine: Sequence[Target]) -> str:
    jobs = {job for job, _ in targets}
    of_mine = {job for job, _ in mine}
    wanted = f"write services.{service}.labels: "
    if len(of_mine) == 1:
        (job,) = of_mine
        if job and all(target in mine for target in targets if target[0] == job):
            return f"{wanted}{{job: {job}}}"
        if len(mine) == 1:
            return f"{wanted}{{instance: {mine[0][1]!r}}}"
    if not mine and service in jobs:
        return f"{wanted}{{job: {service}}}"
    return f"{wanted}{{job: …}}, which all of its metrics then have"


def _address(url: str) -> str:
    """``host:port``, which a Prometheus names an instance by unless it is configured otherwise."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return f"{parts.hostname}:{port}" if parts.hostname else ""
