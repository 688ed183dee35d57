"""What a remedy saw, in words: for its episode, and for the audit as the reason of its act.

Invariant: one line says one thing that was seen; who reads the audit needs no other record.
"""

from collections.abc import Iterable
from typing import Final

from opsconsole.model.health import Component
from opsconsole.model.remedies.rules import Rule
from opsconsole.model.snapshot import ServiceView
from opsconsole.render.ink import figures

_LONGEST: Final = 900
"""Characters of a reason; a reason takes 1,000."""


def evidence_lines(
    rule: Rule,
    since: float,
    looks: int,
    view: ServiceView | None,
    breakers: Iterable[Component],
    now: float,
) -> tuple[str, ...]:
    """What was seen when the rule held."""
    lines = [f"{rule.trigger.condition} for {figures.spoken(now - since)}, seen by {looks} looks"]
    if view is not None:
        if view.reason:
            lines.append(view.reason)
        lines.append(f"{view.ok_instances} of {len(view.instances)} copies ok")
    lines += [f"the circuit breaker of {part.name} is open" for part in breakers]
    return tuple(lines)


def reason_of(rule: str, evidence: Iterable[str]) -> str:
    """``rule restart-web: state == down for 61 s, seen by 14 looks; connection refused``."""
    return f"rule {rule}: {'; '.join(evidence)}"[:_LONGEST]
