"""What the reading of a probe means for a verdict. Pure.

Invariant: an answer from before ``since`` is none, and a look that failed says nothing of its
target.
"""

from opsconsole.model.fault import Fault
from opsconsole.model.health import HealthReport, failing
from opsconsole.model.reading import Reading
from opsconsole.model.state import State
from opsconsole.operations.driving.driver import Sight
from opsconsole.sources.health.lifetime import lifetime_in
from opsconsole.sources.http.header_times import age, is_kept


def sight_of(name: str, reading: Reading[HealthReport], since: float | None) -> Sight:
    """What a look at ``name`` saw."""
    if reading.value is not None:
        report = reading.value
        kept_for = age(report.headers)
        if kept_for and since is not None and reading.taken_at - kept_for < since:
            said = f"answered by a cache, {kept_for:.0f} s old: from before the change"
            return Sight(name, State.UNKNOWN, said)
        if since is not None and is_kept(report.headers):
            return Sight(name, State.UNKNOWN, "answered by a cache, which does not say since when")
        runs = lifetime_in(report.raw)
        said = _said(report)
        return Sight(
            name, report.state, said, reading.took, uptime=runs.uptime, started=runs.started
        )
    assert reading.fault is not None
    answered = reading.took if reading.fault.status is not None else None
    return Sight(name, _state_of(reading.fault), str(reading.fault), answered)


def _state_of(fault: Fault) -> State:
    return State.DOWN if fault.blames_target else State.UNKNOWN


def _said(report: HealthReport) -> str:
    parts = failing(report.components)
    culprits = ", ".join(f"{part.name} {part.state}" for part in parts[:3])
    return "; ".join(text for text in (report.message, culprits) if text)
