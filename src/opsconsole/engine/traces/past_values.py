"""Maps a trace that was recorded elsewhere onto the slots of a trace that is kept here.

Invariant: a value goes into the slot that contains the middle of its own slot; of several the
highest is kept, because a lost peak would look like calm. The open slot gets nothing.
"""

from collections.abc import Iterator

from opsconsole.model.series import Trace


def past_values(
    trace: Trace | None, step: float, first: int, opened: int
) -> Iterator[tuple[int, float]]:
    """The values of ``trace`` by slots of ``step`` seconds, from ``first`` to before ``opened``."""
    if trace is None:
        return
    found: dict[int, float] = {}
    for index, value in enumerate(trace.values):
        if value is None:
            continue
        slot = int((trace.start + trace.step * (index + 0.5)) // step)
        if first <= slot < opened:
            found[slot] = max(value, found.get(slot, value))
    yield from found.items()
