"""Which cells of a line changed, so that only those are sent to the terminal.

Invariant: cells outside the ranges returned look the same in both lines.
"""

from opsconsole.render.ink.cells import Line, Span, width_of


def changed(old: Line, new: Line) -> list[tuple[int, int]]:
    """Ranges of cells ``(start, end)`` that differ; lines of different shapes differ as a whole."""
    if old == new:
        return []
    if len(old) != len(new):
        return [(0, max(_width(old), _width(new)))]
    ranges: list[tuple[int, int]] = []
    x = 0
    for before, after in zip(old, new, strict=True):
        width = width_of(after.text)
        if width_of(before.text) != width:
            return [*ranges, (x, max(_width(old), _width(new)))]
        if before != after:
            ranges.append(_narrow(before, after, x, width))
        x += width
    return ranges


def _width(line: Line) -> int:
    return sum(width_of(span.text) for span in line)


def _narrow(before: Span, after: Span, x: int, width: int) -> tuple[int, int]:
    """The part of a span that differs; all of it if its characters are not single cells."""
    if before.role is not after.role or len(after.text) != width or len(before.text) != width:
        return (x, x + width)
    start, end = 0, width
    while start < end and before.text[start] == after.text[start]:
        start += 1
    while end > start and before.text[end - 1] == after.text[end - 1]:
        end -= 1
    return (x + start, x + end)
