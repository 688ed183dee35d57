"""Symptoms behind what caused them.

Invariant: what is given comes back, each once; what has no cause among it stays in its order, and
what has one stands behind that one.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from opsconsole.model.diagnosis import FactCode
from opsconsole.model.snapshot import ServiceView


def causes_first(services: Sequence[ServiceView]) -> list[ServiceView]:
    """``services`` with each behind the service that its diagnosis names as the cause."""
    there = {each.name for each in services}
    caused: defaultdict[str, list[ServiceView]] = defaultdict(list)
    roots: list[ServiceView] = []
    for each in services:
        cause = cause_of(each)
        if cause in there and cause != each.name:
            caused[cause].append(each)
        else:
            roots.append(each)
    if not caused:
        return list(services)
    best = {each.name: number for number, each in enumerate(services)}
    out: dict[str, ServiceView] = {}
    for root in sorted(roots, key=lambda each: _first(each, caused, best)):
        out |= {each.name: each for each in _with_symptoms(root, caused)}
    # What is left causes itself, in a circle.
    return [*out.values(), *(each for each in services if each.name not in out)]


def cause_of(service: ServiceView) -> str:
    """The service whose trouble explains that of ``service``, or ''."""
    lead = service.diagnosis.lead
    return lead.subject if lead is not None and lead.code is FactCode.DEPENDENCY else ""


def _with_symptoms(
    root: ServiceView, caused: dict[str, list[ServiceView]]
) -> Iterator[ServiceView]:
    """``root``, then what it caused, each before what that caused. A root is in no circle."""
    pending = [root]
    while pending:
        each = pending.pop()
        yield each
        pending += reversed(caused.get(each.name, ()))


def _first(root: ServiceView, caused: dict[str, list[ServiceView]], best: dict[str, int]) -> int:
    """The first place of what hangs on ``root``: a cause stands before its worst symptom."""
    return min(best[each.name] for each in _with_symptoms(root, caused))
