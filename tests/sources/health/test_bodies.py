"""Bodies of some two hundred programs, each read as an engineer who knows it would.

``bodies.json`` holds them with their HTTP code and what is expected. Where that is ``unknown``
nothing in the body tells of health: green is then said of the code alone at most, and a reader
who knows the program may see more of an illness, never of health.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from opsconsole.config.services import Health
from opsconsole.model.fault import Fault
from opsconsole.model.health import HealthReport
from opsconsole.model.state import State
from opsconsole.sources.health.body import BY_CODE, read_health
from tests.clean import is_clean

BODIES = json.loads((Path(__file__).parent / "bodies.json").read_text(encoding="utf-8"))
STATES = {"up": State.OK, "degraded": State.DEGRADED, "down": State.DOWN, "unknown": State.UNKNOWN}


def read(body: str, status: int = 200, content_type: str = "") -> HealthReport | Fault:
    return read_health(
        body.encode(),
        status=status,
        accepted=200 <= status <= 299,
        content_type=content_type,
        health=Health.model_validate({}),
    )


def state_of(found: HealthReport | Fault) -> State:
    if isinstance(found, HealthReport):
        return found.state
    return State.DOWN if found.blames_target else State.UNKNOWN


def test_all_are_here() -> None:
    assert len(BODIES) == 226


@pytest.mark.parametrize("case", BODIES, ids=lambda case: case["name"])
def test_a_program_s_body_is_read_as_it_is_meant(case: dict[str, Any]) -> None:
    found = read(case["body"], case["status"], case["content_type"])
    state, wanted = state_of(found), STATES[case["expected"]]
    if wanted is State.UNKNOWN and state is State.OK:
        assert isinstance(found, HealthReport)
        told = found.format == BY_CODE or "reads up" in case["note"]
        assert told, "green without a word about health"
    elif wanted is State.UNKNOWN and state is not State.UNKNOWN:
        assert "reads down" in case["note"]
    else:
        assert state is wanted, found
    if isinstance(found, HealthReport):
        if case["parts"]:
            assert len(found.components) == case["parts"]
        assert is_clean(found.raw)
        assert is_clean(found.message)


@pytest.mark.parametrize(
    ("body", "state"),
    [
        ("db: FAIL, cache: OK", State.DOWN),
        ("db: OK, cache: FAIL", State.DOWN),
        ("cache: ok | db: degraded", State.DEGRADED),
        ("db = ok; queue = ok", State.OK),
        ("db: ok\nqueue: ok\ncache: weird", State.UNKNOWN),
        ("OK, but the cache is down now", State.UNKNOWN),
        ("all checks failed", State.DOWN),
        ("3 of 4 online", State.DEGRADED),
        ("4 of 4 online", State.OK),
        ("4/5 nodes up", State.DEGRADED),
        ("", State.OK),
        (" \n", State.OK),
        ('{"up": 350}', State.UNKNOWN),
        ('{"up": 1}', State.OK),
        ('{"ready": 503}', State.UNKNOWN),
        ('{"status": 503}', State.DOWN),
        ('{"log_level": "error"}', State.UNKNOWN),
        ('{"severity": "critical", "mode": "maintenance"}', State.UNKNOWN),
        ('{"alive": true, "ready": false}', State.DOWN),
        ('{"ready": true, "alive": false}', State.DOWN),
        ('{"status": "ok", "healthy": false}', State.DOWN),
        ('{"status": "warning", "ok": true}', State.DEGRADED),
        ('{"status": "success", "data": {"healthy": false}}', State.DOWN),
        ('{"success": true, "result": {"status": "degraded"}}', State.DEGRADED),
        ('{"code": 200, "data": {"checks": {"db": "down"}}}', State.DOWN),
        ('{"status": "success", "data": {"total": 4}}', State.OK),
        ('{"services": {"a": "ok"}, "router": {"status": "unhealthy"}}', State.DOWN),
        ('{"tasks": [{"state": "RUNNING"}, {"state": "FAILED"}]}', State.DOWN),
        ('{"checks": [{"name": "a", "pass": true}, {"name": "b", "pass": false}]}', State.DOWN),
        ('[{"name": "a", "healthy": false, "critical": false}]', State.DEGRADED),
        ('{"status": {"overall": {"level": "critical"}}}', State.DOWN),
        ('{"status": {"code": "up"}}', State.OK),
        ('{"status": [{"system": "a", "status": "red"}, {"status": "green"}]}', State.DOWN),
        ('{"services": {"a": "running", "b": "disabled"}}', State.OK),
        ('{"services": {"a": "disabled"}}', State.UNKNOWN),
        ('{"a": {"status": null}, "b": {"status": "failed"}}', State.DOWN),
        ('{"error": "this node is not serving"}', State.DOWN),
        ('{"error": null}', State.UNKNOWN),
        ('{"errors": 0}', State.UNKNOWN),
        ('{"status": "Partially available"}', State.DEGRADED),
        ('{"status": "not available"}', State.DOWN),
        ('{"status": 7, "message": "connection failed"}', State.DOWN),
        ('{"status": 7, "message": "seven"}', State.UNKNOWN),
        (
            '{"request": {"mbean": "m"}, "value": "Good", "status": 200}',
            State.OK,
        ),
        (
            '{"request": {"mbean": "m"}, "value": "Worse", "status": 200}',
            State.UNKNOWN,
        ),
    ],
)
def test_the_order_of_evidence(body: str, state: State) -> None:
    found = read(body)
    assert state_of(found) is state, found


def test_what_is_not_used_is_shown_and_not_counted() -> None:
    found = read('{"services": {"a": "running", "b": "disabled"}}')
    assert isinstance(found, HealthReport)
    assert [(part.name, part.used) for part in found.components] == [("a", True), ("b", False)]
    assert found.message == ""


def test_what_is_not_critical_is_named() -> None:
    found = read('[{"name": "cache", "healthy": false, "critical": false}]')
    assert isinstance(found, HealthReport)
    assert found.components[0].state is State.DOWN
    assert "cache" in found.message
