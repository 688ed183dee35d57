"""Since when each component of a health body has been in its reported state.

Invariant: pure. A component is identified by its name among its siblings; a new component, or one
whose state changed, has its state since this look.
"""

from dataclasses import replace

from opsconsole.model.health import Component, HealthReport


def aged(report: HealthReport, before: HealthReport | None, at: float) -> HealthReport:
    """``report``, seen at ``at``, with the age of each component; ``before`` is the previous
    one."""
    if not report.components:
        return report
    earlier = before.components if before is not None else ()
    return replace(report, components=_aged(report.components, earlier, at))


def _aged(
    components: tuple[Component, ...], before: tuple[Component, ...], at: float
) -> tuple[Component, ...]:
    known = {component.name: component for component in before}
    out: list[Component] = []
    for component in components:
        old = known.get(component.name)
        since = old.since if old is not None and old.state is component.state else None
        children = component.children
        if children:
            children = _aged(children, old.children if old is not None else (), at)
        out.append(replace(component, since=at if since is None else since, children=children))
    return tuple(out)
