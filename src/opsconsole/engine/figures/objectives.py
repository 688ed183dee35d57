"""A service's objectives with what was measured and their error budgets.

Invariant: an objective without a fresh figure, or of which too little was seen, is neither met nor
missed; a budget covers what was seen, and says by whom and over how long.
"""

from dataclasses import replace

from opsconsole.engine.figures.budget_sources import BudgetSource, budget_source
from opsconsole.engine.figures.service_figures import compared, state_is, trace_of, undecided
from opsconsole.engine.judge.attainment import closeness, trend
from opsconsole.engine.judge.budget import budget_of
from opsconsole.engine.records.fleet import ServiceRecord
from opsconsole.model.objectives import Attainment
from opsconsole.model.series import Trace
from opsconsole.model.written.expressions import (
    DEFAULT_WINDOW,
    Availability,
    Comparison,
    Expression,
    Quantity,
)


def attainment(record: ServiceRecord, text: str, expression: Expression, now: float) -> Attainment:
    """An objective with what was measured."""
    if isinstance(expression, Availability):
        return _availability(record, text, expression, now)
    if isinstance(expression, Comparison):
        actual, copy = compared(record, expression, now)
        judged = actual is not None and not undecided(record, expression, actual, now)
        met = expression.holds(actual) if actual is not None and judged else None
        return replace(_compared(record, text, expression, actual, met, now), copy=copy)
    met = state_is(record, expression.state)
    return Attainment(record.name, text, None, 1.0, "", met)


def _compared(
    record: ServiceRecord,
    text: str,
    objective: Comparison,
    actual: float | None,
    met: bool | None,
    now: float,
) -> Attainment:
    plain = Attainment(
        record.name,
        text,
        actual,
        objective.threshold,
        _base_unit(objective),
        met,
        closeness=None if met is None else closeness(objective, actual),
        trend=trend(_trace_of(record, objective.quantity)),
    )
    share = objective.quantity.quantile
    source = budget_source(record, text, DEFAULT_WINDOW, now)
    if share is None or source is None:
        return plain
    return _with_budget(plain, source, 1 - share, DEFAULT_WINDOW)


def _with_budget(
    plain: Attainment, source: BudgetSource, allowed: float, window: float
) -> Attainment:
    budget = budget_of(allowed, window, source.counts, source.seen)
    if budget is None:
        return plain
    return replace(
        plain,
        budget_left=budget.left,
        budget_seconds=budget.seconds_left,
        burn_rate=budget.burn_rate,
        burning=str(budget.burning or ""),
        seen=budget.seen,
        origin=source.origin,
    )


def _trace_of(record: ServiceRecord, quantity: Quantity) -> Trace | None:
    if quantity.name == "latency" and quantity.name not in record.config.metrics:
        # As it was last shown: a trace for each objective would cost more than it is worth.
        return record.view.latency.trace if record.view else None
    return trace_of(record, str(quantity)) or trace_of(record, quantity.name)


def _availability(
    record: ServiceRecord, text: str, objective: Availability, now: float
) -> Attainment:
    """The good share over the watched part of its window, with its budget.

    It is neither met nor missed until as much was seen as the budget lasts in complete failure:
    before that, one bad minute would count for more than it ever does in the whole window, and a
    few good seconds say nothing of it.
    """
    source = budget_source(record, text, objective.window, now)
    good, bad = source.counts(objective.window) if source else (0, 0)
    if source is None or not good + bad:
        return Attainment(record.name, text, None, objective.target, "%", None)
    actual, allowed = good / (good + bad), 1 - objective.target
    met = actual >= objective.target
    too_short = source.seen(objective.window) < allowed * objective.window
    plain = Attainment(
        record.name,
        text,
        actual,
        objective.target,
        "%",
        None if too_short else met,
        closeness=None if too_short else (1 - actual) / allowed,
    )
    return _with_budget(plain, source, allowed, objective.window)


def _base_unit(comparison: Comparison) -> str:
    """The base unit that the threshold is held in: s, B, % for fractions, /s, or none."""
    unit = comparison.unit
    if unit.startswith("/"):
        return "/s"
    if unit == "%":
        return "%"
    if unit.endswith("B"):
        return "B"
    return "s" if unit else ""
