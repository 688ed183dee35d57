"""When processes began and which version they run, read from metrics that most of them expose.

Invariant: one query serves a whole fleet, and answers only with those that began recently; a body
is searched, not parsed, and one without these metrics says nothing.

Formats: ``process_start_time_seconds`` and ``NAME_build_info{version="…"}``, by the conventions
of Prometheus' client libraries (https://prometheus.io/docs/instrumenting/writing_clientlibs/).
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from opsconsole.model.running.processes import ProcessStart
from opsconsole.sources.metrics.exposition import pieces
from opsconsole.text import sanitize

RECENT: Final = 900
"""Seconds for which a start is reported, so that a console opened after it knows of it too."""

_START: Final = "process_start_time_seconds"
_BEGAN: Final = re.compile(rb"^process_start_time_seconds(?:\{[^\n]*\})?[ \t]+([0-9.eE+]+)", re.M)
_BUILD: Final = re.compile(
    rb"^(?!go_)[A-Za-z_:][\w:]*_build_info\{(?:[^\n]*,)?version=\"([^\"\n]+)\"", re.M
)
_BEFORE: Final = "opsconsole_before"
_LIMIT: Final = 120


def query() -> str:
    """PromQL for every process that began recently, its version, and the version before it.

    ``go_build_info`` is of the program's libraries more often than of the program.
    """
    began = f"{_START} > time() - {RECENT}"
    build = '{__name__=~".+_build_info",__name__!="go_build_info",version!=""}'
    of_these = f"and on (job, instance) ({began})"
    earlier = f'label_replace({build} offset {RECENT + 300}s, "{_BEFORE}", "yes", "", "")'
    return f"({began}) or ({build} {of_these}) or ({earlier} {of_these})"


def read_vector(
    vector: Iterable[tuple[Mapping[str, str], float]], skew: float
) -> tuple[ProcessStart, ...]:
    """The processes of an answer to ``query``; ``skew`` is the wall's lead over the clock."""
    began: dict[tuple[str, str], tuple[float, Mapping[str, str]]] = {}
    versions: dict[tuple[str, str], str] = {}
    before: dict[tuple[str, str], str] = {}
    for labels, value in vector:
        target = labels.get("job", ""), labels.get("instance", "")
        if labels.get("__name__") == _START:
            began[target] = value, labels
        else:
            into = before if _BEFORE in labels else versions
            into.setdefault(target, sanitize(labels.get("version", ""), limit=_LIMIT))
    return tuple(
        ProcessStart(
            at - skew,
            versions.get(target, ""),
            before.get(target, ""),
            labels={
                sanitize(name, limit=_LIMIT): sanitize(text, limit=_LIMIT)
                for name, text in labels.items()
            },
        )
        for target, (at, labels) in began.items()
    )


def read_body(body: bytes, service: str, instance: str, skew: float) -> ProcessStart | None:
    """The process that exposed ``body``; None where that does not say when it began."""
    found = _first(_BEGAN, body)
    if found is None:
        return None
    try:
        began = float(found[1])
    except ValueError:
        return None
    build = _first(_BUILD, body)
    version = sanitize(build[1].decode("utf-8", "replace"), limit=_LIMIT) if build else ""
    return ProcessStart(began - skew, version, service=service, instance=instance)


def _first(wanted: re.Pattern[bytes], body: bytes) -> re.Match[bytes] | None:
    found = (wanted.search(body, begin, end) for begin, end in pieces(body))
    return next((match for match in found if match is not None), None)
