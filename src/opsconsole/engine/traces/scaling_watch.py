"""The recent load of one service's copies, and the scaling advice that follows from it.

Invariant: advice is based on means over the stabilisation window, never on one reading; there is
none until a third of the window was seen.
"""

from typing import Final

from opsconsole.config.services import Scaling
from opsconsole.engine.judge.scaling import Stabiliser, advise, differing, mean
from opsconsole.engine.traces.figure_trace import FigureTrace
from opsconsole.model.running.scaling import Need, ScalingBounds
from opsconsole.model.running.workloads import Autoscaler

SLOTS: Final = 30
_LEAST: Final = SLOTS // 3


class ScalingWatch:
    """Traces of the load of one copy, for the targets that are configured."""

    def __init__(self, config: Scaling) -> None:
        targets = {
            "cpu": (config.cpu, "%"),
            "memory": (config.memory, "%"),
            "request rate": (config.requests, "/s"),
        }
        self._targets = {name: (at, unit) for name, (at, unit) in targets.items() if at}
        step = max(1.0, config.stabilisation / SLOTS)
        self._traces = {name: FigureTrace(SLOTS, step) for name in self._targets}
        self._past = Stabiliser(config.stabilisation)
        self._bounds = ScalingBounds(
            config.minimum, config.maximum, config.tolerance, config.stabilisation
        )

    def note(
        self, now: float, *, cpu: float | None, memory: float | None, requests: float | None
    ) -> None:
        """The load of one copy: shares of its CPU and memory, requests per second."""
        for name, value in (("cpu", cpu), ("memory", memory), ("request rate", requests)):
            if name in self._traces:
                self._traces[name].add(now, value)

    def advice(
        self, now: float, copies: int, autoscaler: Autoscaler | None = None
    ) -> tuple[str, ...]:
        """A sentence of advice with its arithmetic, where there is any; and another where the
        autoscaler that is there would do otherwise."""
        needs = []
        for name, (target, unit) in self._targets.items():
            values = self._traces[name].view(now).values
            actual = mean(values)
            if actual is not None and sum(value is not None for value in values) >= _LEAST:
                needs.append(Need(name, actual, target, unit))
        found = advise(copies, needs, self._bounds, self._past, now)
        said = [found.sentence] if found else []
        if autoscaler is not None:
            own = {name: target for name, (target, _) in self._targets.items()}
            said += differing(autoscaler, self._bounds, own, found.desired if found else None)
        return tuple(said)
