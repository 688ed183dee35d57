"""What series a Prometheus-compatible server has, for checking a configuration against it.

Invariant: every call has a deadline, and is read on a thread of its own; one that fails gives a
fault and no guess; what names or labels are called is raw, and must be sanitised where it is shown.

Formats: Prometheus' HTTP API v1 (query, label values, labels, targets). A server that lacks the
last of these, as VictoriaMetrics does, gives no scrape intervals.
"""

import asyncio
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from opsconsole.config.http import HttpConfig
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.written.units import parse_duration
from opsconsole.sources.http.connector import Connector
from opsconsole.sources.prometheus import long_json
from opsconsole.sources.prometheus.server_api import ServerApi, fault_of_answer
from opsconsole.threads import BoundedExecutor, QueueFullError, fault_of

PATIENCE: Final = 3
"""Calls in a row without any answer after which a server is asked no more."""

_AT_ONCE: Final = 4
_SILENT: Final = frozenset({FaultKind.TIMEOUT, FaultKind.CONNECT, FaultKind.DNS, FaultKind.TLS})


class PatientApi:
    """GETs of one server, ``timeout`` seconds each, at most four at once.

    A server that does not answer is soon given up, so that it is not waited for again and again.
    """

    def __init__(
        self, url: str, *, http: HttpConfig, timeout: float, connector: Connector, base: Path
    ) -> None:
        self._api = ServerApi(url, http=http, timeout=timeout, connector=connector, base=base)
        self._reader = BoundedExecutor(f"check-{urlsplit(url).netloc}", 1)
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._unanswered = 0
        self._given_up: Fault | None = None

    @property
    def endpoint(self) -> str:
        """The URL as it may be shown."""
        return self._api.endpoint

    async def get(self, path: str, params: dict[str, str] | None = None) -> Any | Fault:
        """The decoded body of ``path``, or why it could not be read."""
        async with self._room:
            if self._given_up is not None:
                return self._given_up
            answer = await self._ask(path, params)
        silent = isinstance(answer, Fault) and answer.kind in _SILENT
        self._unanswered = self._unanswered + 1 if silent else 0
        if self._unanswered >= PATIENCE:
            self._given_up = answer
        return answer

    async def close(self) -> None:
        """Let the thread go, and the connection."""
        self._reader.close()
        await self._api.close()

    async def _ask(self, path: str, params: dict[str, str] | None) -> Any | Fault:
        try:
            body = (await self._api.call("GET", path, params)).content
            return await self._reader.run(long_json.loads, body, deadline=self._api.timeout)
        except (TimeoutError, QueueFullError) as error:
            return fault_of(error, f"the reader of {self.endpoint}", self._api.timeout)
        except Exception as error:  # noqa: BLE001 - the boundary: every failure is classified
            return fault_of_answer(error, self.endpoint)


class SeriesIndex:
    """Names, labels and scrape intervals of one Prometheus-compatible server."""

    def __init__(self, api: PatientApi) -> None:
        self._api = api
        self._names: frozenset[str] | Fault | None = None
        self._intervals: dict[tuple[str, str], float] | None = None

    async def query(self, promql: str) -> list[Any] | Fault:
        """The series of an instant query; a scalar or a text counts as one."""
        data = await self._data("/api/v1/query", {"query": promql})
        if isinstance(data, Fault):
            return data
        result = data.get("result") if isinstance(data, dict) else None
        if not isinstance(result, list):
            return _not_understood(self._api.endpoint)
        return result if data.get("resultType") in {"vector", "matrix"} else [{}]

    async def targets(self, selector: str) -> list[tuple[str, str]] | Fault:
        """Job and instance of the series that ``selector`` finds; none when it finds none."""
        found = await self.query(f"count by (job, instance) ({selector})")
        if isinstance(found, Fault):
            return found
        labels = [_labels(series) for series in found]
        return [(each.get("job", ""), each.get("instance", "")) for each in labels]

    async def names(self) -> frozenset[str] | Fault:
        """The names of all series, asked for once."""
        if self._names is None:
            data = await self._data("/api/v1/label/__name__/values", {})
            self._names = data if isinstance(data, Fault) else frozenset(_texts(data))
        return self._names

    async def type_of(self, name: str) -> str:
        """counter, gauge, histogram …, as its targets say; '' where that is not known."""
        data = await self._data("/api/v1/metadata", {"metric": name})
        entries = data.get(name) if isinstance(data, dict) else None
        first = entries[0] if isinstance(entries, list) and entries else None
        kind = first.get("type") if isinstance(first, dict) else None
        return kind if isinstance(kind, str) else ""

    async def label_names(self, selector: str) -> list[str]:
        """Labels of the series that ``selector`` finds; none where they cannot be read."""
        data = await self._data("/api/v1/labels", {"match[]": selector})
        return [] if isinstance(data, Fault) else sorted(set(_texts(data)) - {"__name__"})

    async def label_values(self, name: str, label: str) -> list[str]:
        """What ``label`` is on the present series called ``name``."""
        found = await self.query(f"count by ({label}) ({name})")
        if isinstance(found, Fault):
            return []
        values = {_labels(series).get(label, "") for series in found}
        return sorted(value for value in values if value)

    async def scrape_interval(self, targets: list[tuple[str, str]]) -> float | None:
        """The longest scrape interval of ``targets`` in seconds, where the server says it."""
        if self._intervals is None:
            data = await self._data("/api/v1/targets", {"state": "active"})
            active = data.get("activeTargets") if isinstance(data, dict) else None
            self._intervals = dict(
                entry for each in active or () if (entry := _interval(each)) is not None
            )
        known = [self._intervals[target] for target in targets if target in self._intervals]
        return max(known, default=None)

    async def rules(self) -> list[tuple[str, str]]:
        """Name and expression of each loaded rule; none where the server reports none."""
        data = await self._data("/api/v1/rules", {})
        groups = data.get("groups") if isinstance(data, dict) else None
        found: list[tuple[str, str]] = []
        for group in groups if isinstance(groups, list) else ():
            for rule in group.get("rules") or () if isinstance(group, dict) else ():
                query = rule.get("query") if isinstance(rule, dict) else None
                if isinstance(query, str):
                    found.append((str(rule.get("name", "")), query))
        return found

    async def _data(self, path: str, params: dict[str, str]) -> Any | Fault:
        body = await self._api.get(path, params)
        if isinstance(body, Fault):
            return body
        if not isinstance(body, dict) or body.get("status") != "success":
            return _not_understood(self._api.endpoint)
        return body.get("data")


def _not_understood(endpoint: str) -> Fault:
    hint = "is the URL that of a Prometheus, with its path prefix?"
    return Fault(FaultKind.NOT_UNDERSTOOD, f"{endpoint} does not answer as a Prometheus", hint)


def _labels(series: Any) -> dict[str, str]:
    labels = series.get("metric") if isinstance(series, dict) else None
    return labels if isinstance(labels, dict) else {}


def _texts(data: Any) -> list[str]:
    return [each for each in data if isinstance(each, str)] if isinstance(data, list) else []


def _interval(target: Any) -> tuple[tuple[str, str], float] | None:
    labels = target.get("labels") if isinstance(target, dict) else None
    if not isinstance(labels, dict):
        return None
    try:
        every = parse_duration(str(target.get("scrapeInterval", "")))
    except ValueError:
        return None
    return (labels.get("job", ""), labels.get("instance", "")), every
