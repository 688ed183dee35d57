"""Looks at what the engine knows, and commands: what holds, what does not, what cannot be told."""

from dataclasses import replace
from pathlib import Path

import pytest

from opsconsole.config.settings import Settings
from opsconsole.engine.runbooks.checks import Checks
from opsconsole.engine.state.store import Store
from opsconsole.machines.machines import Machines
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.health import Component, HealthReport
from opsconsole.model.reading import Reading
from opsconsole.model.runbooks.runbook import CommandCheck, HttpCheck, MetricCheck, StateCheck
from opsconsole.model.series import MetricValue
from opsconsole.model.state import State
from opsconsole.model.written.expressions import parse
from tests.engine.conftest import fleet
from tests.fakes import FakeClock
from tests.named import named

HEALTHY = HealthReport(
    State.OK,
    "json",
    components=(Component("db", State.DEGRADED, "slow", children=(Component("pool", State.OK),)),),
)


class Known:
    """A store with one service that was looked at."""

    def __init__(self, clock: FakeClock, base: Path) -> None:
        self.clock = clock
        self.settings: Settings = fleet(
            {
                "api": {
                    "instances": ["http://127.0.0.1:9"],
                    "interval": "5s",
                    "metrics": {"hits": {"gauge": "hits"}},
                }
            }
        )
        self.store = Store(self.settings, clock.now())
        self.checks = Checks(
            self.settings, base, Machines(), lambda: self.store.services, clock.now
        )

    def saw(self, report: HealthReport | None, fault: Fault | None = None) -> None:
        now = self.clock.now()
        for _ in range(3):
            self.store.apply(
                Reading(named("probe:api/api:health"), now, 0.01, value=report, fault=fault)
            )
        self.store.settle(now)


@pytest.fixture
def known(clock: FakeClock, tmp_path: Path) -> Known:
    return Known(clock, tmp_path)


async def test_a_state_is_the_one_that_the_console_judged(known: Known) -> None:
    check = StateCheck(State.OK)
    assert (await known.checks.look(check, "api")).holds is None
    known.saw(HEALTHY)
    assert (await known.checks.look(check, "api")).said == "api is ok"
    assert (await known.checks.look(replace(check, state=State.DOWN), "api")).holds is False
    known.saw(None, Fault(FaultKind.CONNECT, "connection refused"))
    look = await known.checks.look(check, "api")
    assert look.holds is False
    assert "connection refused" in look.said
    assert (await known.checks.look(check, "other")).holds is None
    known.clock.move(120)
    known.store.settle(known.clock.now())
    assert (await known.checks.look(check, "api")).holds is None


async def test_a_component_counts_wherever_it_stands_in_the_body(known: Known) -> None:
    known.saw(HEALTHY)
    pool = await known.checks.look(StateCheck(State.OK, "pool"), "api")
    database = await known.checks.look(StateCheck(State.OK, "db"), "api")
    absent = await known.checks.look(StateCheck(State.OK, "cache"), "api")

    assert (pool.holds, database.holds, absent.holds) == (True, False, None)
    assert database.said == "api db is degraded: slow"


async def test_a_figure_has_to_be_known_and_fresh(known: Known) -> None:
    check = MetricCheck(parse("hits > 80%"))
    assert (await known.checks.look(check, "api")).holds is None
    at = known.clock.now()
    known.store.apply_metrics([MetricValue("api", "hits", 0.75, "", at)], at)
    look = await known.checks.look(check, "api")
    assert look.holds is False
    assert look.said == "hits is 75%, wanted > 80%"
    assert (await known.checks.look(MetricCheck(parse("hits > 70%")), "api")).holds is True
    known.clock.move(600)
    stale = await known.checks.look(check, "api")
    assert stale.holds is None
    assert "is not known" in stale.said


async def test_the_exit_of_a_command_decides_and_its_last_words_are_kept(known: Known) -> None:
    good = await known.checks.look(CommandCheck(("echo", "-n", "fine"), reads=True), "api")
    bad = await known.checks.look(CommandCheck(("sh", "-c", "exit 4"), reads=True), "api")
    absent = await known.checks.look(CommandCheck(("/no/such",), reads=True), "api")
    slow = await known.checks.look(CommandCheck(("sleep", "60"), reads=True, timeout=0.2), "api")
    await known.checks.close()

    assert (good.holds, good.evidence) == (True, ("output: fine",))
    assert (bad.holds, bad.said[:6]) == (False, "exit 4")
    assert (absent.holds, "there is no program" in absent.said) == (None, True)
    assert (slow.holds, "ended after its limit" in slow.said) == (None, True)


async def test_a_command_is_run_on_the_host_that_it_names(tmp_path: Path) -> None:
    """Nobody is there: nothing is known, and nothing is run here instead."""
    known = Known(FakeClock(), tmp_path)
    known.checks.use(Settings.model_validate({"hosts": {"far": "ops@127.0.0.1"}}))
    look = await known.checks.look(CommandCheck(("true",), reads=True, host="far"), "api")
    assert look.holds is None
    assert "far" in look.said


async def test_a_command_that_does_not_only_read_is_not_run(known: Known, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    look = await known.checks.look(CommandCheck(("touch", str(mark)), reads=False), "api")

    assert look.holds is None
    assert not mark.exists()
    assert "it is a change" in look.said


async def test_a_page_is_asked_at_every_instance_and_the_worst_counts(known: Known) -> None:
    look = await known.checks.look(HttpCheck("/health", timeout=1.0), "api")
    whole = await known.checks.look(HttpCheck("http://127.0.0.1:9/x", timeout=1.0), "")
    nobody = await known.checks.look(HttpCheck("/health"), "other")
    await known.checks.close()

    assert look.holds is False
    assert look.evidence[0].startswith("api: connect")
    assert whole.holds is False
    assert nobody.holds is None
