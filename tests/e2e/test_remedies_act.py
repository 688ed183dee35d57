"""Remedies on real containers: one that dies is brought back once, whoever watches; all at once are
left alone; one that keeps dying is for a person after the second time."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from opsconsole.config.loader import load
from opsconsole.demo.docker_engine import Engine
from opsconsole.model.operation import OperationState
from opsconsole.model.remedies.episodes import Ending, Episode, Stage
from opsconsole.model.remedies.rules import HoldCode
from opsconsole.operations.remedies.book import RemedyBook
from opsconsole.operations.state_place import place_from, scope_of
from tests.e2e.drill_fleet import Fleet
from tests.patience import until

pytestmark = pytest.mark.servers

NAMES = ("web", "api", "mail", "search", "shop")


@contextmanager
def _watching(config: Path) -> Iterator["subprocess.Popen[str]"]:
    argv = [sys.executable, "-m", "opsconsole", "watch", "--config", str(config)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def _line(process: "subprocess.Popen[str]", word: str) -> None:
    """Wait until the watcher has said ``word``."""
    assert process.stdout is not None
    for line in process.stdout:
        if word in line:
            return
    raise AssertionError(f"it ended without saying {word}")


class _State:
    """What was recorded under a configuration."""

    def __init__(self, config: Path) -> None:
        settings = load(config)
        self.place = place_from(settings)
        self.book = RemedyBook(self.place, scope_of(settings, config))

    def episodes(self, rule: str) -> list[Episode]:
        """Those of one rule, the oldest first."""
        return [each for each in self.book.episodes()[::-1] if each.rule == rule]

    def wait(self, rule: str, holds: Callable[[Episode], bool]) -> Episode:
        """The latest episode of a rule, once something holds for it."""
        until(lambda: any(map(holds, self.episodes(rule)[-1:])), every=0.2)
        return self.episodes(rule)[-1]


def _fleet(docker: Engine, folder: Path, countdown: str) -> tuple[Fleet, Path]:
    fleet = Fleet(docker, folder)
    for name in NAMES:
        fleet.serve(name)
    limits = {"looks": 2, "apart": "5s"}
    config = fleet.write(
        remedies=[
            {"when": "state == down for 2s", "service": name, "action": "restart", "mode": "auto",
             "limits": limits}
            for name in NAMES
        ],
        automation={"countdown": countdown},
        operations={"cooldown": "1s", "restart_limit": 100},
        recording={"enabled": False},
    )  # fmt: skip
    return fleet, config


def test_one_is_brought_back_once_all_are_left_alone_and_one_that_flaps_is_given_up(
    docker_sandbox: Engine, tmp_path: Path
) -> None:
    fleet, config = _fleet(docker_sandbox, tmp_path, "6s")
    state = _State(config)
    with _watching(config) as first:
        _line(first, "leads")
        with _watching(config) as second:
            _line(second, "stands by")
            fleet.container("web").kill()
            counting = state.wait("restart-web", lambda each: each.stage is Stage.COUNTING)
            first.send_signal(signal.SIGKILL)
            _line(second, "leads")

            over = state.wait("restart-web", lambda each: each.ending is not None)
            assert (over.id, over.ending) == (counting.id, Ending.BY_REMEDY)
            assert over.verdict is OperationState.VERIFIED
            _is_in_the_audit(state, over)

            fleet.container("web").kill()
            again = state.wait("restart-web", lambda each: each.id != over.id and not each.open)
            assert again.ending is Ending.BY_REMEDY
            fleet.container("web").kill()
            held = state.wait("restart-web", lambda each: each.id != again.id and bool(each.holds))
            assert held.holds[-1].code is HoldCode.RATE

            for name in NAMES:
                fleet.container(name).stop(timeout=0)
            for name in NAMES[1:]:
                seen = state.wait(f"restart-{name}", lambda each: bool(each.holds))
                assert {each.code for each in seen.holds} <= {HoldCode.STORM, HoldCode.DARK}
    journal = state.place.journal()
    try:
        done = journal.operations()
        rows = [row for row in journal.audit_rows() if "auto, rule" in str(row)]
    finally:
        journal.close()
    assert [each.who for each in done] == ["auto, rule restart-web"] * 2
    assert rows
    assert not any(fleet.container(name).status == "running" for name in NAMES)


def _is_in_the_audit(state: _State, over: Episode) -> None:
    """Who, on which evidence, and with which verdict."""
    journal = state.place.journal()
    try:
        operation = journal.operation(over.operation)
    finally:
        journal.close()
    assert operation is not None
    assert operation.who == "auto, rule restart-web"
    assert operation.reason.startswith("rule restart-web: state == down for ")
    assert operation.state is OperationState.VERIFIED


def test_a_hand_from_a_command_stops_it_at_a_watcher(
    docker_sandbox: Engine, tmp_path: Path
) -> None:
    fleet, config = _fleet(docker_sandbox, tmp_path, "1h")
    state = _State(config)
    with _watching(config) as watcher:
        _line(watcher, "leads")
        fleet.container("web").kill()
        state.wait("restart-web", lambda each: each.stage is Stage.COUNTING)
        off = [sys.executable, "-m", "opsconsole", "remedies", "off", "--config", str(config)]
        subprocess.run(off, check=True, stdout=subprocess.DEVNULL)
        held = state.wait("restart-web", lambda each: each.stage is Stage.HELD)

    assert held.holds[-1].code is HoldCode.OFF
    assert held.acted_at is None
    assert fleet.container("web").status == "exited"
