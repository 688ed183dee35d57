"""The figures that a log's patterns give: how often each matches, and the numbers it extracts.

Invariant: pure. A pattern ``done`` with a named group, ``in (?P<seconds>[0-9.]+) s``, is the figure
``done`` (its rate) and the figure ``done.seconds`` (quantiles of the numbers). A group's name says
what it is counted in.
"""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from opsconsole import patterns
from opsconsole.config.service_log import ServiceLog

_UNITS: Final = {
    "seconds": ("s", 1.0), "secs": ("s", 1.0), "sec": ("s", 1.0), "s": ("s", 1.0),
    "milliseconds": ("s", 1e-3), "millis": ("s", 1e-3), "ms": ("s", 1e-3),
    "microseconds": ("s", 1e-6), "us": ("s", 1e-6),
    "minutes": ("s", 60.0), "bytes": ("B", 1.0),
}  # fmt: skip


class Value(NamedTuple):
    """A number that a pattern takes out of lines; ``scale`` makes it seconds or bytes."""

    group: str
    unit: str
    scale: float


def values_of(pattern: str) -> tuple[Value, ...]:
    """The numbers of ``pattern``: its named groups. None for what is no regular expression."""
    try:
        groups = patterns.pattern(pattern).groups
    except patterns.PatternError:
        return ()
    return tuple(Value(group, *_UNITS.get(group.lower(), ("", 1.0))) for group in groups)


def figures_of(patterns: Mapping[str, object]) -> Iterator[str]:
    """The names of all figures of ``patterns``."""
    for name, pattern in patterns.items():
        yield name
        if isinstance(pattern, str):
            yield from (f"{name}.{value.group}" for value in values_of(pattern))


def is_value(sources: tuple[ServiceLog, ...], figure: str) -> bool:
    """Whether ``figure`` is of numbers that a pattern of one of ``sources`` takes out."""
    name, dot, group = figure.rpartition(".")
    return bool(dot) and any(
        value.group == group
        for source in sources
        for value in values_of(source.patterns.get(name, ""))
    )
