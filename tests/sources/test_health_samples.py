"""Health bodies of real programs, each read as a person would.

``samples/health`` holds captures of our own and, with the origin ``written``, bodies in the forms
that programs document which could not be run.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from opsconsole.config.services import Health
from opsconsole.model.health import HealthReport
from opsconsole.model.state import State
from opsconsole.sources.health.body import read_health
from opsconsole.sources.health.expect import accepts_status
from tests.clean import is_clean

SAMPLES = Path(__file__).parent / "samples" / "health"
STATES = {"up": State.OK, "degraded": State.DEGRADED, "down": State.DOWN, "unknown": State.UNKNOWN}


def load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def read_sample(name: str) -> HealthReport:
    meta = load(SAMPLES / f"{name}.meta.json")
    (body,) = (path for path in SAMPLES.glob(f"{name}.*") if not path.name.endswith("meta.json"))
    found = read_health(
        body.read_bytes(),
        status=int(meta["http_status"]),
        accepted=accepts_status(None, int(meta["http_status"])),
        content_type=meta["content_type"],
        health=Health.model_validate({}),
    )
    assert isinstance(found, HealthReport), found
    return found


def check(name: str) -> HealthReport:
    state, components, _note = load(SAMPLES / "EXPECTED.json")[name]
    report = read_sample(name)
    assert report.state is STATES[state], report
    assert len(report.components) == components
    assert is_clean(report.raw)
    assert is_clean(report.message)
    if report.state is not State.OK:
        assert report.message or report.state is State.DEGRADED
    return report


@pytest.mark.parametrize("name", sorted(load(SAMPLES / "EXPECTED.json")))
def test_a_body_is_read_as_expected(name: str) -> None:
    check(name)


def test_an_inner_warning_of_the_rfc_is_shown_and_does_not_override_its_pass() -> None:
    report = read_sample("rfc_draft_06")
    parts = {part.name: part for part in report.components}
    assert report.state is State.OK
    assert parts["postgres:connections"].state is State.DEGRADED
    assert parts["postgres:responseTime"].latency == pytest.approx(0.12)
    assert "postgres:connections" in report.message
    assert report.version == "3"


def test_nested_parts_and_their_latency() -> None:
    spring = read_sample("spring_boot")
    broker = next(part for part in spring.components if part.name == "broker")
    assert [part.name for part in broker.children] == ["east", "west"]
    assert spring.figures["components.diskSpace.details.free"] == 40_000_000_000
    aspnet = read_sample("aspnet_entries")
    assert aspnet.components[0].latency == pytest.approx(0.03125)
    down = read_sample("microprofile_down")
    assert "gRPC Server" in down.message
