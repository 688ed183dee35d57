"""A service's objectives beside what was measured, with their error budgets.

Invariant: an objective without a fresh figure is neither met nor missed; a budget is of looks that
were made, and says over how long it was seen.
"""

from dataclasses import replace

from opsconsole.engine.budget_history import BudgetHistory
from opsconsole.engine.figures import figure, state_is, trace_of
from opsconsole.engine.fleet import ServiceRecord
from opsconsole.engine.judge.attainment import closeness, trend
from opsconsole.engine.judge.budget import reckon
from opsconsole.model.expressions import (
    DEFAULT_WINDOW,
    Availability,
    Comparison,
    Expression,
    Quantity,
)
from opsconsole.model.objectives import Attainment
from opsconsole.model.series import Trace


def attainment(record: ServiceRecord, text: str, expression: Expression, now: float) -> Attainment:
    """An objective beside what was measured."""
    if isinstance(expression, Availability):
        return _availability(record, text, expression, now)
    if isinstance(expression, Comparison):
        actual = figure(record, expression.quantity, now, expression.unit)
        met = None if actual is None else expression.holds(actual)
        return _compared(record, text, expression, actual, met, now)
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
        closeness=closeness(objective, actual),
        trend=trend(_trace_of(record, objective.quantity)),
    )
    share = objective.quantity.quantile
    if share is None or text not in record.budgets:
        return plain
    return _with_budget(plain, record.budgets[text], 1 - share, DEFAULT_WINDOW, now)


def _with_budget(
    plain: Attainment, history: BudgetHistory, allowed: float, window: float, now: float
) -> Attainment:
    budget = reckon(
        allowed,
        window,
        lambda over: history.counts(now, over),
        lambda over: history.seen(now, over),
    )
    if budget is None:
        return plain
    return replace(
        plain,
        budget_left=budget.left,
        budget_seconds=budget.seconds_left,
        burn_rate=budget.burn_rate,
        burning=str(budget.burning or ""),
        seen=budget.seen,
    )


def _trace_of(record: ServiceRecord, quantity: Quantity) -> Trace | None:
    if quantity.name == "latency" and quantity.name not in record.config.metrics:
        # As it was last shown: a trace for each objective would cost more than it tells.
        return record.view.latency.trace if record.view else None
    return trace_of(record, str(quantity)) or trace_of(record, quantity.name)


def _availability(
    record: ServiceRecord, text: str, objective: Availability, now: float
) -> Attainment:
    """Share of good looks over as much of its window as was watched, with its budget."""
    history = record.budgets.get(text)
    good, bad = history.counts(now, objective.window) if history else (0, 0)
    if history is None or not good + bad:
        return _availability_of_window(record, text, objective, now)
    actual, allowed = good / (good + bad), 1 - objective.target
    plain = Attainment(
        record.name,
        text,
        actual,
        objective.target,
        "%",
        actual >= objective.target,
        closeness=(1 - actual) / allowed,
    )
    return _with_budget(plain, history, allowed, objective.window, now)


def _availability_of_window(
    record: ServiceRecord, text: str, objective: Availability, now: float
) -> Attainment:
    """Share of looks that did not fail, over what the console watched itself.

    The burn rate is the share of failures over the share that is allowed (SRE Workbook, ch. 5).
    The budget is told only when the whole of its window was watched.
    """
    failed = record.history.error_rate(now, objective.window)
    if failed is None:
        return Attainment(record.name, text, None, objective.target, "%", None)
    allowed = 1 - objective.target
    burn = failed / allowed
    whole = record.history.covered(now) >= 0.95 * objective.window
    return Attainment(
        record.name,
        text,
        1 - failed,
        objective.target,
        "%",
        1 - failed >= objective.target,
        budget_left=1 - burn if whole else None,
        burn_rate=burn,
    )


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
