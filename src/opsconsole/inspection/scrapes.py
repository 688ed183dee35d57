"""Whether what a service declares is on the metrics pages of its instances.

Invariant: pages are read only where no Prometheus serves the service, as in the console itself; a
metric needs to be on one page only.
"""

import asyncio
from pathlib import Path

from opsconsole.config.files.problems import KeyPath
from opsconsole.config.services import Service
from opsconsole.config.settings import Settings
from opsconsole.dataclass import dataclass
from opsconsole.engine.records.fleet import scrape_interval
from opsconsole.hiding import without_query
from opsconsole.inspection.finding import Finding, Weight, listed, of_fault, shown
from opsconsole.inspection.names import remedy_for_declared
from opsconsole.inspection.series import short_window
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.sources.health.factory import join_url, timeout_of
from opsconsole.sources.http.connector import Connector
from opsconsole.sources.http.transport_fault import TransportFaultError
from opsconsole.sources.metrics.declared import Declared, Kind, declared_metrics, series_names
from opsconsole.sources.metrics.exposition import (
    Exposed,
    Exposition,
    ExpositionError,
    TooManySeriesError,
    exposed_names,
    read_exposition,
)
from opsconsole.sources.metrics.scrape import DEFAULT_PATH, MetricsPage
from opsconsole.sources.metrics.service_samples import matches, mistaken


@dataclass(frozen=True, slots=True)
class _Page:
    """What an instance exposes: all names, and what there is of declared metrics."""

    names: frozenset[str]
    exposed: Exposition

    @property
    def samples(self) -> list[Exposed]:
        """The samples of declared metrics."""
        return self.exposed.samples


async def check_scrapes(
    settings: Settings, name: str, connector: Connector, base: Path
) -> list[Finding]:
    """Findings on the metrics of the service ``name``, read from its own pages."""
    service = settings.services[name]
    declared = declared_metrics(name, service)
    found = [_needs_prometheus(each) for each in declared if each.kind is Kind.PROMQL]
    if service.job is not None:
        message = f"no Prometheus is read that could know job {shown(service.job)}"
        remedy = "give one: prometheus: {url: …}, or take job: away"
        found.append(Finding(("services", name, "job"), Weight.WARNING, message, remedy))
    if service.availability is not None:
        message = "these series need a Prometheus, and none knows this service"
        remedy = "without one, its own looks are counted from the console's start"
        where: KeyPath = ("services", name, "availability")
        found.append(Finding(where, Weight.WARNING, message, remedy))
    names = series_names(declared)
    if not names or not service.instances:
        return found
    timeout = timeout_of(settings, service)
    looked = await asyncio.gather(
        *(
            _read(service, instance.url, names, timeout, connector, base)
            for instance in service.instances
        )
    )
    for number, page in enumerate(looked):
        if isinstance(page, Fault):
            path: KeyPath = ("services", name, "instances", number)
            found.append(of_fault(path, page, Weight.ERROR, "its metrics"))
    pages = [page for page in looked if isinstance(page, _Page)]
    if pages:
        for each in declared:
            if each.kind is not Kind.PROMQL:
                found.extend(_of_metric(each, pages, scrape_interval(service)))
    return found


async def _read(
    service: Service,
    url: str,
    names: frozenset[str],
    timeout: float,
    connector: Connector,
    base: Path,
) -> _Page | Fault:
    where = join_url(url, service.metrics_path or DEFAULT_PATH)
    page = MetricsPage(where, http=service.http, timeout=timeout, connector=connector, base=base)
    try:
        body, kind = await page.read(asyncio.get_running_loop().time() + timeout)
        return _Page(exposed_names(body), read_exposition(body, kind, names))
    except TransportFaultError as error:
        return error.fault
    except (ExpositionError, TooManySeriesError) as error:
        hint = "is metrics_path the right path?"
        return Fault(FaultKind.NOT_UNDERSTOOD, f"{without_query(where)}: {error}", hint)
    finally:
        await page.close()


def _of_metric(declared: Declared, pages: list[_Page], every: float) -> list[Finding]:
    path: KeyPath = ("services", declared.service, "metrics", declared.name)
    names = frozenset(name for page in pages for name in page.names)
    if declared.series not in names:
        message = f"no series is called {declared.series}"
        return [Finding(path, Weight.ERROR, message, remedy_for_declared(declared, names))]
    found: list[Finding] = []
    said = next(filter(None, (mistaken(declared, page.exposed) for page in pages)), "")
    if said:
        remedy = f"write gauge: {declared.series}" if "is a gauge" in said else ""
        found.append(Finding(path, Weight.ERROR, said, remedy))
    problems = {each for page in pages for each in page.exposed.problems}
    found += [
        Finding(path, Weight.ERROR, each)
        for each in sorted(problems)
        if each.startswith(f"{declared.series}: ")
    ]
    samples = [
        sample for page in pages for sample in page.samples if sample.name == declared.series
    ]
    if not any(matches(declared.labels, sample.labels) for sample in samples):
        found.append(_wrong_labels((*path, "labels"), declared, samples))
    if declared.window and declared.window < 2 * every:
        found.append(short_window((*path, "window"), declared.window, every))
    return found


def _wrong_labels(path: KeyPath, declared: Declared, samples: list[Exposed]) -> Finding:
    """Which label does not match, and which values or labels exist."""
    name = declared.series
    for label, value in declared.labels:
        given = {dict(sample.labels).get(label, "") for sample in samples}
        if matches(((label, value),), ()) or value in given:
            continue
        there = sorted(given - {""})
        if there:
            message = f"no series of {name} has {label} {value!r}"
            return Finding((*path, label), Weight.WARNING, message, f"there is {listed(there)}")
        labels = sorted({key for sample in samples for key, _ in sample.labels})
        message = f"no series of {name} has a label {label}"
        remedy = f"there is {listed(labels)}" if labels else "it has no labels"
        return Finding((*path, label), Weight.ERROR, message, remedy)
    message = f"no series of {name} has all of these labels at once"
    return Finding(path, Weight.ERROR, message)


def _needs_prometheus(declared: Declared) -> Finding:
    path: KeyPath = ("services", declared.service, "metrics", declared.name, "promql")
    message = "a query needs a Prometheus, and none is configured"
    return Finding(path, Weight.ERROR, message, "add prometheus: {url: …}, or name the metric")
