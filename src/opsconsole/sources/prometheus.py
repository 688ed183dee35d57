"""A Prometheus-compatible server: declared figures of the services, and its alerts.

Invariant: every call runs in the source's own executor with a deadline; a query that fails costs
its own figures and nothing else; with the server gone the reading is a fault, never an empty
list of alerts.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from opsconsole.clock import Clock
from opsconsole.config.rule_files import RuleFiles
from opsconsole.config.settings import Prometheus
from opsconsole.errors import SecretError
from opsconsole.model.alerts import Alert
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.rules import RuleEvaluation, RuleView
from opsconsole.model.series import MetricValue
from opsconsole.sources.api_alerts import read_prometheus
from opsconsole.sources.api_source import ApiSource
from opsconsole.sources.declared import Declared
from opsconsole.sources.guarded_session import classify, classify_status, get_json
from opsconsole.sources.promql import Query, batched, read_vector
from opsconsole.sources.rule_watch import RuleWatch

if TYPE_CHECKING:
    from prometheus_api_client.prometheus_connect import PrometheusConnect

_NO_TIME: Final = Fault(FaultKind.TIMEOUT, "no time was left to ask", phase="body")
_STATUS_PREFIX: Final = "HTTP Status Code "


@dataclass(frozen=True, slots=True)
class PrometheusView:
    """What one look gave. ``problems`` holds a fault for each query text that failed.

    ``total_alerts`` counts alerts that were left out for their number too.
    """

    alerts: tuple[Alert, ...]
    total_alerts: int
    metrics: tuple[MetricValue, ...]
    problems: tuple[tuple[str, Fault], ...] = ()
    rules: tuple[RuleView, ...] = ()
    evaluations: tuple[RuleEvaluation, ...] = ()
    notes: tuple[str, ...] = ()


class PrometheusSource(ApiSource[PrometheusView]):
    """Every declared figure and the alerts of one server, within ``settings.timeout`` in all."""

    def __init__(
        self,
        settings: Prometheus,
        declared: Sequence[Declared],
        clock: Clock,
        base: Path,
        rules: RuleFiles | None = None,
    ) -> None:
        super().__init__("prometheus", settings, clock, base, settings.timeout)
        self._alerts_url = (settings.rules_url or settings.url).rstrip("/")
        self._rules = RuleWatch(settings.url, self._alerts_url, rules or RuleFiles(), self.key)
        self._queries = list(batched(declared))

    def _look(self) -> PrometheusView | Fault:
        deadline = time.monotonic() + self._timeout
        alerts_url = f"{self._alerts_url}/api/v1/alerts"
        try:
            view = read_prometheus(get_json(self._session(), alerts_url), self.key)
        except SecretError as error:
            return Fault(FaultKind.AUTH, str(error))
        except Exception as error:  # noqa: BLE001 - the boundary: every failure is classified
            return classify(error, alerts_url)
        # Alerts matter more than figures, but may not take all of the time.
        seen = self._rules.look(self._session(), deadline - self._timeout / 2)
        metrics: list[MetricValue] = []
        problems: list[tuple[str, Fault]] = []
        late: list[Query] = []
        for query in tuple(self._queries):
            outcome = self._ask(query) if time.monotonic() < deadline else _NO_TIME
            if isinstance(outcome, Fault):
                problems.append((query.promql, outcome))
                if outcome.kind is FaultKind.TIMEOUT and outcome is not _NO_TIME:
                    late.append(query)
            else:
                metrics.extend(outcome)
        if late:
            # Asked last from now on, so that a slow query keeps no other from its turn.
            self._queries = [query for query in self._queries if query not in late] + late
        return PrometheusView(
            view.alerts,
            view.total,
            tuple(metrics),
            tuple(problems),
            seen.rules,
            seen.evaluations,
            seen.notes,
        )

    def _ask(self, query: Query) -> list[MetricValue] | Fault:
        from prometheus_api_client.exceptions import PrometheusApiClientException

        try:
            vector = read_vector(self._connect().custom_query(query.promql))
        except PrometheusApiClientException as error:
            return self._api_fault(str(error))
        except Exception as error:  # noqa: BLE001 - the boundary: every failure is classified
            return classify(error, self._url)
        return query.values(vector, self._clock.now())

    def _api_fault(self, text: str) -> Fault:
        """Read ``HTTP Status Code 400 (b'…')``, the client's only form of an API error."""
        code, _, body = text.removeprefix(_STATUS_PREFIX).partition(" ")
        raw = body.strip("()").removeprefix("b").strip("'\"")
        status = int(code) if code.isdigit() else 0
        return classify_status(status, raw.encode("utf-8", "replace"), self.endpoint)

    def _connect(self) -> "PrometheusConnect":
        if not hasattr(self._local, "client"):
            from prometheus_api_client.prometheus_connect import PrometheusConnect
            from urllib3.util.retry import Retry

            self._local.client = PrometheusConnect(
                url=self._url,
                session=self._session(),
                retry=Retry(total=0),
                timeout=math.ceil(self._timeout),
            )
        client: PrometheusConnect = self._local.client
        return client
