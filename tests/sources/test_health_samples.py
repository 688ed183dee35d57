"""Health bodies captured from real programs, each read as a person would.

``samples/health`` holds captures of our own; those quoted from public documents are read from
``../shared/samples`` beside the project where that folder is, and skipped by name elsewhere.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from opsconsole.config.services import Health
from opsconsole.model.health import HealthReport
from opsconsole.model.state import State
from opsconsole.sources.health.body import read_health
from opsconsole.text import is_clean

CAPTURED = Path(__file__).parent / "samples" / "health"
QUOTED = Path(__file__).parents[2].parent / "shared" / "samples" / "health"

QUOTED_NAMES = (
    "airflow_health_unhealthy_but_200",
    "aspnet_custom_info_list",
    "aspnet_custom_overall_checks",
    "aspnet_default_plain",
    "aspnet_healthchecks_ui",
    "elasticsearch_cluster_health_yellow",
    "gitlab_health_plain",
    "gitlab_readiness_all",
    "quarkus_microprofile_down",
    "quarkus_microprofile_up_data",
    "rfc_draft_06_health_json",
    "spring_boot_1_flat",
    "spring_boot_actuator_health",
    "spring_boot_actuator_health_es_yellow",
    "vault_sys_health_standby",
)
STATES = {"up": State.OK, "degraded": State.DEGRADED, "down": State.DOWN, "unknown": State.UNKNOWN}


def load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def read_sample(folder: Path, name: str) -> HealthReport:
    meta = load(folder / f"{name}.meta.json")
    (body,) = (path for path in folder.glob(f"{name}.*") if not path.name.endswith("meta.json"))
    found = read_health(
        body.read_bytes(),
        status=int(meta["http_status"]),
        content_type=meta["content_type"],
        health=Health.model_validate({}),
    )
    assert isinstance(found, HealthReport), found
    return found


def check(folder: Path, name: str) -> HealthReport:
    state, components, _note = load(folder / "EXPECTED.json")[name]
    report = read_sample(folder, name)
    assert report.state is STATES[state], report
    if name != "rfc_draft_06_health_json":
        assert len(report.components) == components
    assert is_clean(report.raw)
    assert is_clean(report.message)
    if report.state is not State.OK:
        assert report.message or report.state is State.DEGRADED
    return report


@pytest.mark.parametrize("name", sorted(load(CAPTURED / "EXPECTED.json")))
def test_captured_body_is_read_as_expected(name: str) -> None:
    check(CAPTURED, name)


@pytest.mark.parametrize("name", QUOTED_NAMES)
def test_quoted_body_is_read_as_expected(name: str) -> None:
    if not (QUOTED / f"{name}.meta.json").exists():
        pytest.skip(f"the quoted sample {name} is not beside this project")
    check(QUOTED, name)


def test_no_quoted_sample_is_forgotten() -> None:
    if not QUOTED.exists():
        pytest.skip("the quoted samples are not beside this project")
    named = {name for name in load(QUOTED / "EXPECTED.json") if not name.startswith("_")}
    assert named - set(load(CAPTURED / "EXPECTED.json")) == {*QUOTED_NAMES, "grpc_health_v1"}


def test_an_inner_warning_of_the_rfc_is_shown_and_does_not_override_its_pass() -> None:
    if not QUOTED.exists():
        pytest.skip("the quoted samples are not beside this project")
    report = read_sample(QUOTED, "rfc_draft_06_health_json")
    parts = {part.name: part for part in report.components}
    assert report.state is State.OK
    assert parts["cassandra:connections"].state is State.DEGRADED
    assert parts["cassandra:responseTime"].latency == pytest.approx(0.25)
    assert "cassandra:connections" in report.message
    assert report.version == "1"


def test_nested_parts_and_their_latency() -> None:
    if not QUOTED.exists():
        pytest.skip("the quoted samples are not beside this project")
    spring = read_sample(QUOTED, "spring_boot_actuator_health")
    broker = next(part for part in spring.components if part.name == "broker")
    assert [part.name for part in broker.children] == ["us1", "us2"]
    assert spring.figures["components.diskSpace.details.free"] == 46753374208
    aspnet = read_sample(QUOTED, "aspnet_healthchecks_ui")
    assert aspnet.components[0].latency == pytest.approx(0.0856835)
    down = read_sample(QUOTED, "quarkus_microprofile_down")
    assert "gRPC Server" in down.message
