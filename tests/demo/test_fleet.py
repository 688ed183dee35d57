"""The fleet's processes: replaced, killed, reaped, loaded, and gone at the end."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess

import httpx
import pytest

from opsconsole.demo import faults
from opsconsole.demo.channel import ChannelError
from opsconsole.demo.faults import InjectedFault
from opsconsole.demo.fleet import Fleet
from opsconsole.demo.traffic import Flow, read_plan, write_plan
from tests.patience import until


def is_alive(pid: int) -> bool:
    """Whether a process of that id exists, a zombie included."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_restart_gives_another_process_that_is_well(fleet: Fleet, http: httpx.Client) -> None:
    member = fleet.layout.of("ai-backend")[0]
    fleet.inject("ai-backend", InjectedFault(faults.COMPONENT, component="redis"))
    assert http.get(f"{member.url}/health").status_code == 503
    before = fleet.pids()
    fleet.restart("ai-backend")
    after = fleet.pids()
    assert after["ai-backend"] != before["ai-backend"]
    assert {**after, "ai-backend": 0} == {**before, "ai-backend": 0}
    assert int(member.pid_file.read_text()) == after["ai-backend"]
    assert http.get(f"{member.url}/health").json()["status"] == "healthy"
    assert not is_alive(before["ai-backend"])


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not on this machine")
def test_ai_operations_runs_the_version_that_is_checked_out(
    fleet: Fleet, http: httpx.Client
) -> None:
    member = fleet.layout.of("ai-ops")[0]
    for tag in ("v1.0.0", "main"):
        subprocess.run(["git", "checkout", "--quiet", tag], cwd=member.folder, check=True)
        fleet.restart("ai-ops")
        version = (member.folder / "VERSION").read_text().strip()
        server = http.get(f"{member.url}/health").headers["server"]
        assert server == f"ai-ops-assistant/{version}"
    assert version == "1.1.0"


def test_restart_of_a_service_replaces_every_instance(fleet: Fleet) -> None:
    before = fleet.pids()
    fleet.restart("ai-service")
    after = fleet.pids()
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"ai-service-1", "ai-service-2", "ai-service-3"}


def test_killed_process_stays_dead_until_started(fleet: Fleet, http: httpx.Client) -> None:
    member = fleet.layout.of("ai-service")[1]
    pid = fleet.pids()[member.instance]
    os.kill(pid, signal.SIGKILL)
    until(lambda: member.instance not in fleet.pids())
    fleet.reap()
    assert not member.pid_file.exists()
    assert not is_alive(pid)
    with pytest.raises(httpx.ConnectError):
        http.get(f"{member.url}/health")
    with pytest.raises(ChannelError, match="is the demo running"):
        fleet.inject(member.instance, InjectedFault(faults.GARBAGE))
    fleet.start("ai-service")
    assert http.get(f"{member.url}/health").status_code == 200


def test_crash_and_stop_are_harmless_twice(fleet: Fleet) -> None:
    for end in (fleet.crash, fleet.stop):
        end("oatie")
        end("oatie")
        assert "oatie" not in fleet.pids()
        fleet.start("oatie")
        assert "oatie" in fleet.pids()


def test_unknown_name_and_component_are_refused_with_what_is_known(fleet: Fleet) -> None:
    with pytest.raises(ValueError, match="known: errorscope, ai-ops"):
        fleet.restart("nothing")
    with pytest.raises(ChannelError, match="known: database, redis, ml_models"):
        fleet.inject("ai-backend", InjectedFault(faults.COMPONENT, component="disk"))


def test_traffic_moves_the_metrics_of_every_platform(fleet: Fleet, http: httpx.Client) -> None:
    fleet.start_all(load=True)
    backend, oatie, ai_ops = (
        fleet.layout.of(name)[0] for name in ("ai-backend", "oatie", "ai-ops")
    )

    def served() -> bool:
        rates = http.get(f"{backend.url}/metrics").text
        busy = "ai_backend_requests_per_minute 0.0" not in rates
        reports = "oatie_requests_total 0.0" not in http.get(f"{oatie.url}/health/metrics").text
        stats = [http.get(f"{m.url}/stats").json() for m in fleet.layout.of("ai-service")]
        tasks = "Task 1 completed" in (ai_ops.folder / "app.log").read_text()
        return busy and reports and tasks and all(s["total_requests"] > 0 for s in stats)

    until(served)


def test_close_leaves_no_process_and_no_pid_file(fleet: Fleet) -> None:
    pids = fleet.pids()
    assert len(pids) == 7
    fleet.close()
    assert not any(is_alive(pid) for pid in pids.values())
    assert not list(fleet.layout.run_folder.glob("*.pid"))
    fleet.start_all(load=False)


def test_traffic_plan_is_read_back(fleet: Fleet) -> None:
    flows = [Flow("127.0.0.1", 80, "/x", 0.5, [{"a": "é"}])]
    path = fleet.layout.folder / "plan.json"
    write_plan(path, flows)
    assert read_plan(path) == flows


@pytest.mark.parametrize(
    ("message", "why"),
    [
        ({"kind": "flood"}, "known: component, latency"),
        ({"kind": "component"}, "names its component"),
        ({"kind": "component", "component": "x", "state": "odd"}, "known: down, degraded"),
        ({"kind": "latency", "factor": 0.5}, "factor >= 1"),
        ({"kind": "latency", "factor": [1]}, "factor is not a number"),
        ({"kind": "errors", "rate": 2}, "rate from 0 to 1"),
    ],
)
def test_fault_that_cannot_be_played_is_refused(message: dict[str, object], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        faults.parse_fault(message)


def test_fault_is_read_back() -> None:
    fault = InjectedFault(faults.LATENCY, factor=3, over_s=2.5)
    assert faults.parse_fault(fault.as_message()) == fault
