"""A Prometheus-compatible server: declared figures of the services, and its alerts.

Invariant: every call runs in the source's own executor with a deadline; a query that fails costs
its own figures and nothing else; with the server gone the reading is a fault, never an empty
list of alerts.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from opsconsole.clock import Clock, skew
from opsconsole.config.rule_files import RuleFiles
from opsconsole.config.settings import Prometheus
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.observations import PrometheusSeen
from opsconsole.model.running.processes import ProcessStart
from opsconsole.model.running.targets import Target
from opsconsole.model.series import MetricValue
from opsconsole.model.source_id import SourceKind
from opsconsole.sources.http.connector import Connector
from opsconsole.sources.metrics import process_starts
from opsconsole.sources.metrics.declared import Declared, Vector
from opsconsole.sources.prometheus.api_alerts import read_prometheus
from opsconsole.sources.prometheus.api_targets import (
    NOW,
    PATH,
    PROBES,
    read_probes,
    read_targets,
)
from opsconsole.sources.prometheus.promql import Query, batched
from opsconsole.sources.prometheus.query_source import QuerySource
from opsconsole.sources.prometheus.rule_watch import RuleWatch
from opsconsole.sources.prometheus.sample_pace import SamplePace
from opsconsole.sources.prometheus.server_api import BlockingApi, ServerApi, fault_of_answer

STARTS_EVERY: Final = 15.0
"""Seconds between two queries for processes that began."""

_NO_TIME: Final = Fault(FaultKind.TIMEOUT, "no time was left to ask", phase="body")


class PrometheusSource(QuerySource[PrometheusSeen]):
    """Every declared figure and the alerts of one server, within ``settings.timeout`` in all."""

    def __init__(
        self,
        settings: Prometheus,
        declared: Sequence[Declared],
        clock: Clock,
        connector: Connector,
        base: Path,
        rules: RuleFiles | None = None,
        *,
        tells_targets: bool = False,
    ) -> None:
        super().__init__(SourceKind.PROMETHEUS, settings, clock, connector, base, settings.timeout)
        self._alerting = ServerApi(
            settings.rules_url or settings.url,
            http=settings.http,
            timeout=settings.timeout,
            connector=connector,
            base=base,
        )
        self._alerts = BlockingApi(self._alerting)
        self._rules = RuleWatch(rules or RuleFiles(), self.id)
        self._queries = list(batched(declared))
        self._starts_due = 0.0
        self._tells_targets = tells_targets
        self._pace = SamplePace()
        self._reported: dict[str, str] = {}

    async def close(self) -> None:
        """Let the threads go, and the connections."""
        await super().close()
        await self._alerting.close()

    async def figures_at(self, moment: float) -> tuple[MetricValue, ...] | Fault:
        """Every declared figure as it was at ``moment``, in Unix seconds; what failed is left out.

        A fault where nothing was answered. Never raises.
        """
        return await self._on_thread(self._look_back, moment)

    def _look_back(self, moment: float) -> tuple[MetricValue, ...] | Fault:
        deadline = time.monotonic() + self._timeout
        metrics: list[MetricValue] = []
        fault: Fault | None = None
        for query in tuple(self._queries):
            if time.monotonic() >= deadline:
                break
            outcome = self._ask(query.promql, moment)
            if isinstance(outcome, Fault):
                fault = outcome
            else:
                metrics.extend(query.values(outcome, moment))
        return fault if fault is not None and not metrics else tuple(metrics)

    def _look(self) -> PrometheusSeen | Fault:
        deadline = time.monotonic() + self._timeout
        try:
            view = read_prometheus(self._alerts.get_json("/api/v1/alerts"), self.id)
        except Exception as error:  # noqa: BLE001 - the boundary: every failure is classified
            return fault_of_answer(error, self._alerting.endpoint)
        # Alerts matter more than figures, but may not take all of the time.
        reported = {each.key: each.name for each in view.alerts}
        lost = {key: name for key, name in self._reported.items() if key not in reported}
        half = deadline - self._timeout / 2
        seen = self._rules.look(self._api, self._alerts, half, again=bool(lost))
        unevaluated = frozenset(each.name for each in seen.rules if each.awaited)
        self._reported = reported | {key: name for key, name in lost.items() if name in unevaluated}
        targets, unread = self._look_for_targets()
        metrics: list[MetricValue] = []
        problems: list[tuple[str, Fault]] = []
        late: list[Query] = []
        for query in tuple(self._queries):
            outcome = self._figures(query) if time.monotonic() < deadline else _NO_TIME
            if isinstance(outcome, Fault):
                problems.append((query.promql, outcome))
                if outcome.kind is FaultKind.TIMEOUT and outcome is not _NO_TIME:
                    late.append(query)
            else:
                found = query.values(outcome, self._clock.now())
                metrics.extend(map(self._pace.paced, found))
        if late:
            # Asked last from now on, so that a slow query keeps no other from its turn.
            self._queries = [query for query in self._queries if query not in late] + late
        starts, unknown = self._look_for_starts(deadline)
        return PrometheusSeen(
            view.alerts,
            view.total,
            tuple(metrics),
            tuple(problems),
            seen.rules,
            seen.evaluations,
            (*unread, *seen.notes, *unknown),
            starts,
            seen.evaluated,
            unevaluated,
            tuple(dict.fromkeys((*seen.unknown, *sorted(unevaluated)))),
            targets,
        )

    def _look_for_targets(self) -> tuple[tuple[Target, ...] | None, tuple[str, ...]]:
        """What it scrapes, where that is wanted, and what of it is not known."""
        if not self._tells_targets:
            return None, ()
        probes = self._ask(PROBES)
        moment = self._ask(NOW)
        ours = self._clock.now()
        said = () if isinstance(moment, Fault) else moment
        theirs = said[0][1] if said else self._clock.wall()
        known = None if isinstance(probes, Fault) else read_probes(probes)
        try:
            answer = self._api.get_json(PATH, {"state": "active"})
            view = read_targets(answer, known, theirs=theirs, ours=ours)
        except Exception as error:  # noqa: BLE001 - the boundary: every failure is classified
            return None, (f"what it scrapes is not known: {fault_of_answer(error, self.endpoint)}",)
        notes = (f"{len(view.targets)} of {view.total} targets shown",)
        return view.targets, notes if view.total > len(view.targets) else ()

    def _figures(self, query: Query) -> Vector | Fault:
        outcome = self._ask(query.with_ages)
        if isinstance(outcome, Fault) or not query.has_ended(outcome):
            return outcome
        return self._ask(query.with_last_ages)

    def _look_for_starts(self, deadline: float) -> tuple[tuple[ProcessStart, ...], tuple[str, ...]]:
        """Processes that began recently, where there is time to ask, and why they are not known."""
        now = time.monotonic()
        if now >= deadline or now < self._starts_due:
            return (), ()
        self._starts_due = now + STARTS_EVERY
        outcome = self._ask(process_starts.query())
        if isinstance(outcome, Fault):
            return (), (f"which processes began recently is not known: {outcome}",)
        return process_starts.read_vector(outcome, skew(self._clock)), ()
