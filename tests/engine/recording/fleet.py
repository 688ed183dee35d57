"""A fleet that is looked at by the real store, on a clock of its own, and has its troubles."""

import json
import random
from dataclasses import replace

from opsconsole.engine.state.snapshot_builder import SnapshotBuilder
from opsconsole.engine.state.store import Store
from opsconsole.model.alerting.alerts import Alert, AlertState, Severity, Suppression
from opsconsole.model.alerting.rules import RuleView
from opsconsole.model.alerting.silences import Matcher, SilenceState, SilenceView
from opsconsole.model.events import Event, EventCode
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.health import Component, HealthReport
from opsconsole.model.observations import AlertmanagerSeen, PrometheusSeen
from opsconsole.model.operation import (
    ActionKind,
    ActionView,
    Degradation,
    Operation,
    OperationState,
    Refusal,
    StepResult,
)
from opsconsole.model.reading import Reading
from opsconsole.model.running.hosts import Disk, Host, Process
from opsconsole.model.running.workloads import Phase, Port
from opsconsole.model.series import MetricValue
from opsconsole.model.snapshot import Snapshot
from opsconsole.model.state import State
from tests.engine.conftest import ScriptedSource, fleet
from tests.fakes import FakeClock
from tests.named import named
from tests.workloads import inventory, replica, workload

START = 1_700_000_000.0
INTERVAL = 5
REPLICA = "c0ffee"


class SimulatedFleet:
    """``tick`` passes one second and gives what a console would show then.

    ``padding`` is how many random characters each health body has on top.
    """

    def __init__(
        self, services: int, *, per_service: int = 1, seed: int = 1, padding: int = 0
    ) -> None:
        self._padding = padding
        self.clock = FakeClock(START)
        self._random = random.Random(seed)
        self.settings = fleet(
            {
                f"service-{number}": {
                    "instances": [
                        f"http://10.0.{number}.{copy}:8000" for copy in range(per_service)
                    ],
                    "containers": ["worker"] if number == 0 else [],
                    "metrics": {"jobs": {"gauge": "jobs"}},
                    "objectives": ["p95(latency) < 100ms", "availability 99.9% over 30d"],
                    "alerts": [{"name": "Down", "when": "state == down", "for": "10s"}],
                }
                for number in range(services)
            },
            docker={},
        )
        now = self.clock.now()
        self.store = Store(self.settings, now)
        others = (
            named("alertmanager:am"),
            named("prometheus:main"),
            named("docker:docker"),
            named("host:local"),
        )
        sources = [ScriptedSource(key, 5.0, self.clock) for key in others]
        self.store.watch(sources, now)
        self._builder = SnapshotBuilder(self.settings, self.store, read_only=False)
        self._probes = tuple(
            probe.id
            for record in self.store.services.values()
            for instance in record.instances
            for probe in instance.probes
        )
        self._operations: tuple[Operation, ...] = ()
        self._degradations: tuple[Degradation, ...] = ()
        self._notices: tuple[str, ...] = ()
        self._second = 0

    def tick(self, seconds: int = 1) -> Snapshot:
        """Look at what is due and build the snapshot."""
        self.clock.move(seconds)
        self._second += seconds
        self._look_at_services()
        if self._second % 10 < seconds:
            self._look_at_monitoring()
            self._look_at_docker()
            self._look_at_host()
        if self._second % 60 < seconds:
            self._operate()
        now = self.clock.now()
        self.store.settle(now)
        return self._builder.build(now, self._operations, self._notices, self._degradations)

    def _look_at_services(self) -> None:
        now = self.clock.now()
        for number, key in enumerate(self._probes):
            if (self._second + number) % INTERVAL:
                continue
            took = self._random.lognormvariate(-3.5, 0.5)
            at = now - self._random.random() / 2
            failing = (self._second // 90 + number) % 11 == 0
            if failing:
                fault = Fault(FaultKind.CONNECT, "connection refused", "is it started?")
                self.store.apply(Reading(key, at, took, fault=fault))
            else:
                self.store.apply(Reading(key, at, took, value=self._report()))

    def _report(self) -> HealthReport:
        cache = State.DEGRADED if self._random.random() < 0.02 else State.OK
        figures = {"uptime": float(self._second), "pool.size": round(self._random.random() * 20)}
        body = {"status": "ok", "uptime": self._second, "pool": figures["pool.size"], "é": "☃"}
        version = "1.4.2" if self._second < 1200 else "1.5.0"
        return HealthReport(
            State.OK if cache is State.OK else State.DEGRADED,
            "components",
            (
                Component("database", State.OK, "", self._random.random() / 100),
                Component("cache", cache, "slow" if cache is not State.OK else "", 0.5),
                Component("llm", State.OK, children=(Component("gpu", State.OK),)),
            ),
            version,
            figures=figures,
            headers={"server": "uvicorn"},
            raw=json.dumps(body, indent=2) + self._random.randbytes(self._padding // 2).hex(),
        )

    def _look_at_monitoring(self) -> None:
        now = self.clock.now()
        alerts = tuple(
            Alert(
                f"Slow{{n={number}}}",
                "Slow",
                Severity.WARNING,
                AlertState.FIRING,
                START + number,
                service=f"service-{number}",
                labels={"n": str(number), "severity": "warning"},
                sources=(named("alertmanager:am"),),
                suppressions=(Suppression("silence", "1", "ops", ends_at=now + 60),)
                if number % 2
                else (),
            )
            for number in range((self._second // 120) % 5)
        )
        silence = SilenceView(
            "1", (Matcher("n", "1"),), "ops", "ACK seen", START, now + 60, SilenceState.ACTIVE, "am"
        )
        silences = (silence,) if self._second % 240 < 120 else ()
        told = AlertmanagerSeen(alerts, len(alerts), silences)
        self.store.apply(Reading(named("alertmanager:am"), now, 0.1, value=told))
        metrics = tuple(
            MetricValue(name, "jobs", self._random.random(), at=now, by_instance={name: 1.0})
            for name in self.store.services
        )
        rules = (RuleView("Slow", "vector(1)", health="ok"),)
        seen = PrometheusSeen(rules=rules, metrics=metrics)
        self.store.apply(Reading(named("prometheus:main"), now, 0.1, value=seen))

    def _look_at_docker(self) -> None:
        worker = replica(
            "worker",
            id=REPLICA,
            workload="shop/worker",
            image="worker:1",
            image_id="sha256:1",
            ports=(Port(8000, 80),),
            labels={"app": "worker"},
            cpu=self._random.random(),
            memory=self._random.randrange(10**9),
        )
        if self._second % 600 >= 480:
            worker = replace(
                worker, phase=Phase.ENDED, state=State.DOWN, exit_code=137, oom_killed=True
            )
        running = self._random.randrange(4)
        told = inventory(worker, workloads=[workload("stack_web", running, 3)])
        self.store.apply(Reading(named("docker:docker"), self.clock.now(), 0.01, value=told))

    def _look_at_host(self) -> None:
        cpu = self._random.random()
        host = Host(
            "bastion", cpu, (cpu, cpu), (1.0, 0.5, 0.25), 10**9, 4 * 10**9, 0, 0,
            (Disk("/", 10, 20),), 1e3, None, 1e6 + self._second,
            (Process(1, "init", 0.0, 4096),), "linux",
        )  # fmt: skip
        self.store.apply(Reading(named("host:local"), self.clock.now(), 0.01, value=host))

    def _operate(self) -> None:
        now = self.clock.now()
        number = self._second // 60
        state = list(OperationState)[number % len(OperationState)]
        operation = Operation(
            f"op-{number}", f"plan-{number}", "service-0", ActionKind.RESTART, "restart", state,
            "ops", "bastion", now - 5, now, steps=(StepResult("restart worker", "done"),),
        )  # fmt: skip
        self._operations = (operation, *self._operations)[:20]
        self._degradations = (
            (Degradation("op-1", "service-1", now + 60, "ops", "bastion"),) if number % 3 else ()
        )
        self._notices = (f"minute {number}",) if number % 2 else ()
        refusal = Refusal("cooling-down", "it was restarted", "wait") if number % 4 else None
        action = ActionView(
            ActionKind.SCALE, "scale", "docker", "scale it", refusal=refusal, bounds=(1, 3)
        )
        self.store.set_actions("service-0", (action,))
        self.store.events.add(
            Event(now, EventCode.OPERATION, f"restart {state}", service="service-0")
        )
