"""The series of declared metrics in what a target exposes.

Invariant: lines of other metrics are dropped before the official parser sees them, so that the
cost of a large body is that of one search; at most ``LINE_LIMIT`` lines are parsed; a line of a
declared metric that is not understood makes the whole body not understood, because a figure
without one of its series would be wrong.

Formats: Prometheus' text format 0.0.4, and OpenMetrics where the content type says so.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from opsconsole.text import sanitize

ACCEPT: Final = (
    "text/plain;version=0.0.4;q=0.9, application/openmetrics-text;version=1.0.0;q=0.5, */*;q=0.1"
)
LINE_LIMIT: Final = 20_000
"""Series of declared metrics in one body; a parser's time for them is about 0.2 s."""

_OPEN_METRICS: Final = "application/openmetrics-text"
_SUFFIX: Final = re.compile(r"_(bucket|total|count|sum)$")
_NAME: Final = re.compile(rb"^([A-Za-z_:][A-Za-z0-9_:]*)[ \t{]", re.M)
_WORD_LIMIT: Final = 120
_PIECE: Final = 256 * 1024


class ExpositionError(ValueError):
    """The body is not an exposition; the text is safe to show."""


class TooManySeriesError(ValueError):
    """More lines of declared metrics than ``LINE_LIMIT``; ``count`` says how many."""

    def __init__(self, count: int) -> None:
        super().__init__(f"{count} series of declared metrics")
        self.count = count


@dataclass(frozen=True, slots=True)
class Exposed:
    """One sample, as the target gives it; labels are sorted pairs and not sanitised."""

    name: str
    labels: tuple[tuple[str, str], ...]
    value: float


def read_exposition(body: bytes, content_type: str, names: frozenset[str]) -> list[Exposed]:
    """The samples of ``body`` whose name is in ``names``.

    Raises ExpositionError and TooManySeriesError.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind.endswith(("html", "json", "xml")):
        raise ExpositionError(f"the body is {sanitize(kind, limit=_WORD_LIMIT)}, not metrics")
    if not names:
        return []
    wanted = _pattern(names)
    lines = [line for begin, end in pieces(body) for line in wanted.findall(body, begin, end)]
    if len(lines) > LINE_LIMIT:
        raise TooManySeriesError(len(lines))
    return _parse(lines, names, open_metrics=kind == _OPEN_METRICS)


def pieces(body: bytes) -> Iterator[tuple[int, int]]:
    """Begin and end of parts of ``body`` at ends of lines, each searched in about 10 ms.

    One search of a large body would let no other thread run, not even the event loop's.
    """
    begin = 0
    while begin < len(body):
        end = body.find(b"\n", begin + _PIECE) + 1 or len(body)
        yield begin, end
        begin = end


def exposed_names(body: bytes) -> frozenset[str]:
    """The names of all samples in ``body``, for saying what there is instead."""
    return frozenset(name.decode("ascii") for name in _NAME.findall(body))


def _parse(lines: list[bytes], names: frozenset[str], *, open_metrics: bool) -> list[Exposed]:
    from prometheus_client.openmetrics.parser import (
        text_string_to_metric_families as read_open_metrics,
    )
    from prometheus_client.parser import text_string_to_metric_families as read_text

    try:
        text = b"\n".join((*lines, b"# EOF\n" if open_metrics else b"")).decode("utf-8")
        families = (read_open_metrics if open_metrics else read_text)(text)
        return [
            Exposed(sample.name, tuple(sorted(sample.labels.items())), float(sample.value))
            for family in families
            for sample in family.samples
            if sample.name in names
        ]
    except UnicodeDecodeError as error:
        raise ExpositionError(f"not UTF-8 at byte {error.start} of the metrics") from None
    except Exception as error:  # noqa: BLE001 - the parser promises no one class for bad lines
        said = sanitize(str(error), limit=_WORD_LIMIT)
        raise ExpositionError(f"a line of the metrics is not understood: {said}") from None


@lru_cache(maxsize=256)
def _pattern(names: frozenset[str]) -> "re.Pattern[bytes]":
    """Whole lines of the samples in ``names``, and the types of their families."""
    samples = _alternatives(names)
    families = _alternatives({*names, *(_SUFFIX.sub("", name) for name in names)})
    return re.compile(
        rb"^(?:(?:" + samples + rb")[ \t{][^\n]*|# TYPE (?:" + families + rb") [^\n]*)", re.M
    )


def _alternatives(names: Iterable[str]) -> bytes:
    return "|".join(re.escape(name) for name in sorted(names)).encode()
