"""A line of history in block characters on a fixed scale.

Invariant: the scale never depends on the data, so that two lines can be compared and none moves
because another did; a slot in which nothing was seen is a gap. Columns start at fixed moments, so
that a line moves only when a column's time has passed.
"""

import math
from collections.abc import Sequence
from typing import Final

from opsconsole.model.series import Trace

BLOCKS: Final = "▁▂▃▄▅▆▇█"
GAP: Final = " "

LATENCY_LOW: Final = 0.01
LATENCY_HIGH: Final = 10.0


def latency_spark(trace: Trace | None, width: int, now: float, window: float) -> str:
    """Latency over ``window`` seconds to ``now``: 10 ms to 10 s, logarithmic, the worst value per
    column."""
    if trace is None:
        return GAP * width
    return "".join(_log_block(value) for value in columns(trace, width, now, window))


def share_spark(values: Sequence[float | None], width: int) -> str:
    """The last ``width`` of fractions 0 to 1, linear."""
    recent = tuple(values)[-width:]
    text = "".join(GAP if value is None else _block(value) for value in recent)
    return text.rjust(width)


def meter(fraction: float | None, width: int) -> str:
    """A bar of ``width`` cells, full at 1.0; an unknown fraction is dotted."""
    if fraction is None or not math.isfinite(fraction):
        return "·" * width
    filled = round(max(0.0, min(1.0, fraction)) * width)
    return "━" * filled + "─" * (width - filled)


def columns(trace: Trace, width: int, now: float, window: float) -> list[float | None]:
    """The greatest value in each of ``width`` equal columns, at fixed multiples of their time."""
    step = window / width
    end = math.ceil(now / step) * step
    out: list[float | None] = [None] * width
    for index, value in enumerate(trace.values):
        if value is None:
            continue
        at = trace.start + trace.step * index
        column = width - 1 - int((end - at - 1e-9) // step)
        if 0 <= column < width:
            before = out[column]
            out[column] = value if before is None else max(before, value)
    return _bridge(out, trace.step / step)


def _bridge(values: list[float | None], slots: float) -> list[float | None]:
    """Carry a value over the columns that one slot of a coarser trace covers."""
    reach = math.ceil(slots) - 1
    if reach <= 0:
        return values
    out = list(values)
    for index, value in enumerate(values):
        if value is None:
            continue
        for ahead in range(index + 1, min(index + reach + 1, len(out))):
            if values[ahead] is not None:
                break
            out[ahead] = value
    return out


def _log_block(value: float | None) -> str:
    if value is None:
        return GAP
    bounded = min(max(value, LATENCY_LOW), LATENCY_HIGH)
    decades = math.log10(LATENCY_HIGH / LATENCY_LOW)
    return _block(math.log10(bounded / LATENCY_LOW) / decades)


def _block(fraction: float) -> str:
    level = int(max(0.0, min(fraction, 0.9999)) * len(BLOCKS))
    return BLOCKS[level]
