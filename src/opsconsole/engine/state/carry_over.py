"""What is kept of services when a new configuration takes over.

Invariant: a service whose configuration is the same keeps its record, and so its state, history and
traces, as the very same object; one that changed keeps what its changes do not affect. A service
that was merely reconfigured causes no event.
"""

from opsconsole.config.log_figures import figures_of
from opsconsole.engine.records.fleet import InstanceRecord, ProbeRecord, ServiceRecord
from opsconsole.model.written.expressions import Expression, quantity_of

Records = dict[str, ServiceRecord]


def carried(before: Records, after: Records) -> Records:
    """The records of ``after``, with everything of ``before`` that still applies."""
    return {name: _carry(before.get(name), record) for name, record in after.items()}


def _carry(old: ServiceRecord | None, new: ServiceRecord) -> ServiceRecord:
    if old is None:
        return new
    if _same(old, new):
        return old
    _inherit(old, new)
    return new


def _same(old: ServiceRecord, new: ServiceRecord) -> bool:
    return (
        old.config == new.config
        and _looks(old) == _looks(new)
        and old.metrics_every == new.metrics_every
        and old.pod_terms == new.pod_terms
        and (old.history.slots, old.history.step) == (new.history.slots, new.history.step)
    )


def _looks(record: ServiceRecord) -> list[tuple[object, ...]]:
    return [
        (
            (instance.name, instance.runs_as, instance.engine),
            (each.id, each.url, each.interval, each.limits),
        )
        for instance in record.instances
        for each in instance.probes
    ]


def _inherit(old: ServiceRecord, new: ServiceRecord) -> None:
    if (old.history.slots, old.history.step) == (new.history.slots, new.history.step):
        new.history = old.history
    new.since, new.judgement, new.actions = old.since, old.judgement, old.actions
    new.judged_once, new.at_least, new.recalled = old.judged_once, old.at_least, old.recalled
    if old.config.scaling == new.config.scaling:
        new.scaling = old.scaling
    _inherit_metrics(old, new)
    _inherit_budgets(old, new)
    known = {(each.name, each.url): each for each in old.instances}
    for instance in new.instances:
        before = known.get((instance.name, instance.url))
        if before is not None:
            _inherit_instance(before, instance)


def _inherit_metrics(old: ServiceRecord, new: ServiceRecord) -> None:
    """Figures and their history, of the metrics and log patterns whose declarations did not
    change."""
    for figure, metric in old.metrics.items():
        name = figure.partition("(")[2].rstrip(")") or figure
        if old.config.metrics.get(name) == new.config.metrics.get(name) and _declares(new, name):
            new.metrics[figure] = metric
            if figure in old.traces and old.metrics_every == new.metrics_every:
                new.traces[figure] = old.traces[figure]


def _declares(record: ServiceRecord, name: str) -> bool:
    logged = (name in figures_of(source.patterns) for source in record.config.logs)
    return name in record.config.metrics or any(logged)


def _inherit_budgets(old: ServiceRecord, new: ServiceRecord) -> None:
    """Counts of objectives that are written as before and use the same series."""
    expressions = dict(new.objectives)
    for text, history in old.budgets.items():
        if text in new.budgets:
            new.budgets[text] = history
    if old.config.availability != new.config.availability:
        return
    for text in old.scraped.keys() | old.asked.keys():
        if text in expressions and _metric_of(old, expressions[text]) == _metric_of(
            new, expressions[text]
        ):
            if text in old.scraped:
                new.scraped[text] = old.scraped[text]
            if text in old.asked:
                new.asked[text] = old.asked[text]


def _metric_of(record: ServiceRecord, expression: Expression) -> object:
    quantity = quantity_of(expression)
    return record.config.metrics.get(quantity.name) if quantity is not None else None


def _inherit_instance(old: InstanceRecord, new: InstanceRecord) -> None:
    new.judgement, new.since, new.version = old.judgement, old.since, old.version
    new.judged_once, new.at_least, new.recalled = old.judged_once, old.at_least, old.recalled
    if (old.runs_as, old.engine) == (new.runs_as, new.engine):
        new.ended = old.ended
    known = {(each.id, each.url): each for each in old.probes}
    for probe in new.probes:
        before = known.get((probe.id, probe.url))
        if before is not None:
            _inherit_probe(before, probe)


def _inherit_probe(old: ProbeRecord, new: ProbeRecord) -> None:
    new.judged, new.taken_at, new.took = old.judged, old.taken_at, old.took
    new.report, new.report_at = old.report, old.report_at
    new.fault, new.stale, new.was_down = old.fault, old.stale, old.was_down
    new.certificate = old.certificate
