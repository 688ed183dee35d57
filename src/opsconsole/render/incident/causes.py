"""Orders causes before symptoms: how far a failing service is from the root of its trouble.

Invariant: a service without failing dependencies has depth 0; cycles of dependencies end.
"""

from collections.abc import Iterable

from opsconsole.model.snapshot import ServiceView
from opsconsole.model.state import State

_FAILING = frozenset({State.DOWN, State.DEGRADED})


def cause_depth(services: Iterable[ServiceView]) -> dict[str, int]:
    """Length of the longest chain of failing dependencies below each failing service."""
    failing = {service.name: service for service in services if service.state in _FAILING}
    depths: dict[str, int] = {}
    for name in failing:
        _depth(name, failing, depths, frozenset())
    return depths


def _depth(
    name: str, failing: dict[str, ServiceView], depths: dict[str, int], path: frozenset[str]
) -> int:
    if name in depths:
        return depths[name]
    if name in path or len(path) > 50:
        return 0
    below = [
        _depth(other, failing, depths, path | {name}) + 1
        for other in failing[name].depends_on
        if other in failing and other != name
    ]
    depths[name] = max(below, default=0)
    return depths[name]
