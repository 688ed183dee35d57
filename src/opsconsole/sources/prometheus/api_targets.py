"""Targets as ``/api/v1/targets`` gives them, read into the model.

Invariant: one malformed target is left out, never the whole answer; text is sanitised; at most
``TARGET_LIMIT`` are kept, the first by job and name, and how many there were is said. What the
answer does not say is UNKNOWN, never OK.

Format: https://prometheus.io/docs/prometheus/latest/querying/api/#targets.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from opsconsole.dataclass import dataclass
from opsconsole.model.running.targets import TARGET_LIMIT, Target
from opsconsole.model.state import State
from opsconsole.sources.one_of_many import each_alone
from opsconsole.sources.prometheus.api_alerts import parse_time
from opsconsole.sources.prometheus.server_api import endpoint_of
from opsconsole.text import sanitize

PATH: Final = "/api/v1/targets"
PROBES: Final = "probe_success"
NOW: Final = "vector(time())"
"""The query for the moment by the server's clock."""

_INTERVAL: Final = 60.0
"""Seconds between scrapes where a server does not say; Prometheus' own default."""

_LONGEST: Final = 86_400.0
_LABELS: Final = 100
_TEXT: Final = 300
_NAME: Final = 120
_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_DURATION: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|[smhdw])")

Probes = Mapping[tuple[str, str], bool]
"""Whether the latest probe succeeded, by job and instance."""


@dataclass(frozen=True, slots=True)
class TargetsView:
    """Targets of one answer, by job and name; ``total`` counts those that were left out too."""

    targets: tuple[Target, ...]
    total: int


def read_targets(
    payload: object, probes: Probes | None, *, theirs: float, ours: float
) -> TargetsView:
    """Read the body of ``/api/v1/targets``. Raises ValueError when it is not one.

    ``probes`` is None where it could not be asked how probes went. ``theirs`` and
    ``ours`` are this moment by the server's clock and by the console's.
    """
    if not isinstance(payload, dict) or payload.get("status") != "success":
        raise ValueError(f"not an answer of {PATH}")
    data = payload.get("data")
    listed = data.get("activeTargets") if isinstance(data, dict) else None
    if not isinstance(listed, list):
        raise ValueError("no list of targets in the answer")
    found: dict[tuple[str, str], Target] = {}
    for item in listed:
        target = each_alone(lambda each: _target(each, probes), item)
        if target is None:
            continue
        if target.scraped_at is not None:
            # What a server says of times to come keeps nothing fresh.
            age = max(0.0, theirs - target.scraped_at)
            target = replace(target, scraped_at=ours - age)
        key = target.job, target.name
        known = found.get(key)
        # Two endpoints of one instance are one copy, which is as well as the worse of them.
        if known is None or target.state.urgency > known.state.urgency:
            found[key] = target
    ordered = [found[key] for key in sorted(found)]
    return TargetsView(tuple(ordered[:TARGET_LIMIT]), len(ordered))


def read_probes(vector: Iterable[tuple[Mapping[str, str], float]]) -> Probes:
    """How the latest probes went, of a vector of ``probe_success``."""
    went: dict[tuple[str, str], bool] = {}
    for labels, value in vector:
        key = _name(labels.get("job")), _name(labels.get("instance"))
        went[key] = went.get(key, True) and value == 1
    return went


def seconds(text: object) -> float:
    """A duration as Prometheus writes it, ``1m30s``, in seconds; its default where it is none."""
    parts = _DURATION.findall(text) if isinstance(text, str) else []
    if not parts or "".join(map("".join, parts)) != text:
        return _INTERVAL
    found = sum(float(number) * _UNITS[unit] for number, unit in parts)
    return found if 0 < found <= _LONGEST else _INTERVAL


def _target(item: Any, probes: Probes | None) -> Target | None:
    labels = _texts(item.get("labels"))
    job = labels.get("job") or _name(item.get("scrapePool"))
    url, asks = _address(item.get("scrapeUrl"))
    name = labels.get("instance") or _name(url.partition("//")[2].partition("/")[0])
    if not job or not name:
        return None
    scraped = parse_time(item.get("lastScrape"))
    found = _texts(item.get("discoveredLabels"))
    # VictoriaMetrics says it as a label alone.
    every = item.get("scrapeInterval") or found.get("__scrape_interval__")
    state, reason = _judged(item, scraped is not None)
    if state is State.OK:
        state, reason = _probed((job, name), probes, asks=asks)
    return Target(
        job=_name(job),
        name=_name(name),
        url=url,
        state=state,
        reason=reason,
        scraped_at=scraped,
        interval=seconds(every),
        labels={**found, **labels},
    )


def _judged(item: Mapping[str, Any], scraped: bool) -> tuple[State, str]:
    match item.get("health"):
        case "up" if scraped:
            return State.OK, ""
        case "down":
            error = item.get("lastError")
            said = sanitize(error, limit=_TEXT) if isinstance(error, str) else ""
            return State.DOWN, f"not scraped: {said}" if said else "not scraped"
    return State.UNKNOWN, "not scraped yet"


def _address(url: object) -> tuple[str, bool]:
    """Where it is scraped, as it may be shown, and whether an exporter is asked of another."""
    if not isinstance(url, str):
        return "", False
    try:
        return endpoint_of(url), "target" in parse_qs(urlsplit(url).query)
    except ValueError:
        return "", False


def _probed(key: tuple[str, str], probes: Probes | None, *, asks: bool) -> tuple[State, str]:
    """What the exporter that was scraped says of what it probes."""
    if probes is None:
        return (State.UNKNOWN, "how its probe went is not known") if asks else (State.OK, "")
    return (State.OK, "") if probes.get(key, True) else (State.DOWN, "its probe failed")


def _texts(mapping: Any) -> dict[str, str]:
    if not isinstance(mapping, dict):
        return {}
    return {_name(key): _name(value) for key, value in list(mapping.items())[:_LABELS]}


def _name(text: object) -> str:
    return sanitize(text, limit=_NAME) if isinstance(text, str) else ""
