"""Rules of reading health bodies: what beats what, what is bounded, what is not guessed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.config.services import Health
from opsconsole.model.fault import Fault, FaultKind
from opsconsole.model.health import HealthReport
from opsconsole.model.state import State
from opsconsole.sources.health.body import read_health
from opsconsole.sources.health.expect import accepts_status
from opsconsole.sources.health.figures import FIGURE_LIMIT, RAW_LIMIT, seconds
from opsconsole.sources.health.tree import COMPONENT_LIMIT
from opsconsole.sources.health.words import state_of_word
from tests.clean import is_clean


def read(body: object, status: int = 200, content_type: str = "", **health: Any) -> HealthReport:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    config = Health.model_validate(health)
    accepted = accepts_status(config.expect, status)
    found = read_health(
        raw, status=status, accepted=accepted, content_type=content_type, health=config
    )
    assert isinstance(found, HealthReport), found
    return found


def states(report: HealthReport) -> dict[str, State]:
    return {part.name: part.state for part in report.components}


@pytest.mark.parametrize(
    ("body", "state"),
    [
        ({"status": "not_ready"}, State.DOWN),
        ({"status": "OUT_OF_SERVICE"}, State.DOWN),
        ({"Status": "Degraded"}, State.DEGRADED),
        ({"state": "warning"}, State.DEGRADED),
        ({"status": "UNKNOWN"}, State.UNKNOWN),
        ({"status": "SERVING"}, State.OK),
        ({"status": "NOT_SERVING"}, State.DOWN),
        ({"healthy": True}, State.OK),
        ({"healthy": 0}, State.DOWN),
        ({"health": "true", "reason": ""}, State.OK),
        ({"ok": False}, State.DOWN),
        ({"status": 200}, State.OK),
        ({"status": 503}, State.DOWN),
        ({"status": 0}, State.UNKNOWN),
        ({"status": "fine, thanks"}, State.UNKNOWN),
        ({"status": None}, State.UNKNOWN),
        ("OK", State.OK),
        (True, State.OK),
        ([1, 2], State.UNKNOWN),
        ([{"name": "db", "status": "up"}, {"name": "mq", "status": "down"}], State.DOWN),
        ({"database": True, "debug": False}, State.UNKNOWN),
        ({"database": "online", "region": "eu-west-1"}, State.OK),
        ({}, State.UNKNOWN),
        ({"sealed": True, "initialized": True, "standby": False}, State.DOWN),
        ({"sealed": False, "initialized": True, "standby": False}, State.OK),
    ],
)
def test_bodies_with_2xx(body: object, state: State) -> None:
    report = read(body)
    assert report.state is state, report
    if state is State.UNKNOWN and body != {"status": "UNKNOWN"}:
        assert report.message


@pytest.mark.parametrize(
    ("text", "state"),
    [
        (b"OK", State.OK),
        (b"pong\n", State.OK),
        (b"Prometheus Server is Ready.\n", State.OK),
        (b"not ready", State.DOWN),
        (b"Service is not ready", State.DOWN),
        (b"OK: 0 failed", State.UNKNOWN),
        (b"It works!", State.UNKNOWN),
        (b"no errors, all ok", State.UNKNOWN),
        (b"[+]ping ok\n[-]etcd failed: reason withheld\nreadyz check failed", State.DOWN),
        (b"# TYPE up gauge\nup 1\n", State.UNKNOWN),
        (b"probe_success 1\n", State.OK),
        (b'# HELP x y\nprobe_success{a="b"} 0\n', State.DOWN),
        (b"x" * 5000, State.UNKNOWN),
    ],
)
def test_texts(text: bytes, state: State) -> None:
    assert read(text).state is state


def test_a_bad_code_beats_a_healthy_body_and_a_bad_body_beats_a_good_code() -> None:
    lying = read({"status": "healthy", "checks": {"db": {"status": "ok"}}}, status=503)
    assert lying.state is State.DOWN
    assert lying.message == "HTTP 503 Service Unavailable"
    assert states(lying) == {"db": State.OK}
    assert read({"status": "unhealthy"}, status=200).state is State.DOWN


def test_a_bad_code_without_a_payload_is_a_fault() -> None:
    for body in (b"", b"<html>", b'{"detail":"Not Found"}', b"{", b"nothing here"):
        found = read_health(body, status=404, accepted=False, content_type="", health=Health())
        assert isinstance(found, Fault)
        assert (found.kind, found.message) == (FaultKind.STATUS, "HTTP 404 Not Found")


@pytest.mark.parametrize(
    ("body", "state"),
    [(b"OK", State.OK), (b"true", State.OK), (b"<html>", State.UNKNOWN), (b"503", State.DOWN)],
)
def test_what_a_server_calls_json(body: bytes, state: State) -> None:
    assert read(body, content_type="application/json").state is state


def test_vault_standby_is_no_failure() -> None:
    body = {"initialized": True, "sealed": False, "standby": True, "version": "1.17.0"}
    for code in (429, 472, 473):
        assert read(body, status=code).state is State.DEGRADED
    assert read(body | {"sealed": True}, status=503).state is State.DOWN


def test_an_inner_failure_is_named_and_does_not_override_the_bodys_own_status() -> None:
    report = read({"status": "ok", "checks": {"mail": {"status": "fail", "output": "refused"}}})
    assert report.state is State.OK
    assert report.message == "mail down: refused"


def test_details_of_a_component_are_facts() -> None:
    report = read(
        {"status": "UP", "components": {"es": {"status": "UP", "details": {"status": "red"}}}}
    )
    assert states(report) == {"es": State.OK}
    assert report.components[0].children == ()


def test_a_failing_flat_body_keeps_the_error_text() -> None:
    body = {"Cache": "OK", "Database": "could not connect\nTraceback: \x1b[31m"}
    report = read(body, status=500)
    assert states(report) == {"Cache": State.OK, "Database": State.DOWN}
    assert is_clean(report.components[1].message)


@pytest.mark.parametrize(
    ("body", "content_type", "family"),
    [
        ({"status": "x"}, "application/health+json", "health+json"),
        ({"status": "pass"}, "", "health+json"),
        ({"status": "x"}, "application/vnd.spring-boot.actuator.v3+json", "spring"),
        ({"status": "UP"}, "", "spring"),
        ({"status": "UP", "checks": []}, "", "microprofile"),
        ({"status": "UP", "checks": {}}, "", "spring"),
        ({"status": "Healthy", "entries": {}, "totalDuration": "1"}, "", "aspnet"),
        ({"status": "Healthy", "entries": {}}, "", "json"),
        ({"status": "green", "cluster_name": "a", "number_of_nodes": 3}, "", "elasticsearch"),
        ({"status": "green", "cluster_name": "a"}, "", "json"),
        ({"status": "SERVING"}, "", "grpc"),
        ({"status": "NOT_SERVING"}, "", "grpc"),
        ({"status": "ok"}, "application/json", "json"),
        ({"status": 200}, "", "json"),
    ],
)
def test_the_family_of_a_body_is_named(body: object, content_type: str, family: str) -> None:
    assert read(body, content_type=content_type).format == family


@pytest.mark.parametrize("word", ["maintenance", "failed", "starting", "db is gone"])
def test_an_error_is_no_part_whatever_its_word(word: str) -> None:
    told = read({"error": word}, 503)
    assert (told.state, told.components, told.message) == (State.DOWN, (), f"HTTP 503: {word}")
    assert read({"error": word}).state is State.DOWN


def test_a_bad_code_tells_what_a_body_that_is_not_well_says_of_it() -> None:
    told = read({"status": "down", "message": "disk full"}, 503)
    assert told.message == "HTTP 503: disk full"
    assert read({"status": "up", "message": "all is well"}, 503).message.endswith("Unavailable")
    silent = read({"status": "down"}, 503)
    assert (silent.state, silent.message) == (State.DOWN, "HTTP 503 Service Unavailable")


def test_a_word_that_is_known_is_no_error_text_beside_one_that_is_not() -> None:
    report = read({"db": "up", "queue": "connection refused", "log_level": "debug"}, 503)
    assert [(part.name, part.state, part.message) for part in report.components] == [
        ("db", State.OK, ""),
        ("queue", State.DOWN, "connection refused"),
    ]


def test_a_component_that_says_nothing_of_itself_has_no_message() -> None:
    report = read({"status": "down", "checks": {"db": {"status": "down"}, "mq": {"status": "up"}}})
    assert [part.message for part in report.components] == ["", ""]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (b"[+]ping ok\n[-]etcd failed: reason withheld\nhealthz check failed",
         [("ping", State.OK, ""), ("etcd", State.DOWN, "failed: reason withheld")]),
        (b"[+]ping ok\n[+]log ok\nhealthz check passed",
         [("ping", State.OK, ""), ("log", State.OK, "")]),
    ],
)  # fmt: skip
def test_the_lines_of_a_kubernetes_check(text: bytes, parts: list[tuple[str, State, str]]) -> None:
    report = read(text)
    assert [(part.name, part.state, part.message) for part in report.components] == parts


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("partial outage", State.DEGRADED),
        ("not ready", State.DOWN),
        ("Not-Ready", State.DOWN),
        ("not down", None),
        ("partial " + "x" * 200, None),
        ("not " + "x" * 200, None),
        ("UP", State.OK),
        (" up ", State.OK),
    ],
)
def test_what_a_word_means(word: str, state: State | None) -> None:
    assert state_of_word(word) is state


def test_paths_override() -> None:
    body = {
        "status": "ok",
        "meta": {"build.tag": "v7", "mode": "degraded"},
        "parts": {"a": {"status": "down"}},
    }
    report = read(body, state="meta.mode", components="parts", version="meta.build.tag")
    assert (report.state, report.version) == (State.DEGRADED, "v7")
    assert states(report) == {"a": State.DOWN}
    missing = read(body, state="meta.none")
    assert missing.state is State.UNKNOWN
    assert "'meta.none'" in missing.message


@pytest.mark.parametrize(
    ("value", "unit", "wanted"),
    [
        (12, "ms", 0.012),
        (0.5, "s", 0.5),
        ("12ms", "s", 0.012),
        ("1.5 s", "ms", 1.5),
        ("250", "ms", 0.25),
        ("00:00:01.3147942", "s", 1.3147942),
        ("1.02:03:04", "s", 93784.0),
        (-1, "ms", None),
        (True, "ms", None),
        ("soon", "ms", None),
        (10**400, "ms", None),
    ],
)
def test_times(value: Any, unit: str, wanted: float | None) -> None:
    found = seconds(value, unit)
    assert found == (wanted if wanted is None else pytest.approx(wanted))


def test_everything_is_bounded() -> None:
    body = {
        "status": "ok",
        "version": "v" * 500,
        "message": "m" * 5000,
        "components": {f"part-{n}" + "x" * 200: {"status": "ok", "n": n} for n in range(900)},
    }
    report = read(body)
    assert len(report.components) == COMPONENT_LIMIT
    assert len(report.figures) == FIGURE_LIMIT
    assert len(report.raw) <= RAW_LIMIT
    assert len(report.message) < 320
    assert len(report.version) < 100
    assert max(len(part.name) for part in report.components) < 100


def test_the_body_is_shown_as_the_standard_encoder_would() -> None:
    body: dict[str, Any] = {
        "status": "ok",
        "n": [1, 2.5, True, None, [], {}],
        "é": {'a"b': "c\\d"},
        "e": {},
    }
    assert read(body).raw == json.dumps(body, indent=2, ensure_ascii=False)


def test_a_body_that_grows_when_shown_is_cut() -> None:
    body = b"[" * 60 + b",".join([b"1"] * 50_000) + b"]" * 60
    report = read(body)
    assert len(report.raw) <= RAW_LIMIT
    assert report.raw.endswith("…")


def test_nesting_is_followed_and_bounded() -> None:
    body: dict[str, Any] = {"status": "down", "message": "deepest"}
    for _ in range(20):
        body = {"components": {"inner": body}}
    report = read(body)
    depth = 0
    parts = report.components
    while parts:
        depth, parts = depth + 1, parts[0].children
    assert 3 <= depth <= 8


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["status", "checks", "components", "details", "name", "error", "healthy",
                 "circuit_breaker", "state", "latency", "observedUnit", "version", "message",
                 "sealed", "standby", "initialized", "x"]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=25,
)  # fmt: skip


@given(JSON, st.sampled_from([200, 204, 404, 429, 503]))
def test_any_json_gives_a_clean_report_or_fault(value: object, status: int) -> None:
    body = json.dumps(value).encode()
    found = read_health(
        body, status=status, accepted=status < 300, content_type="", health=Health()
    )
    if isinstance(found, Fault):
        assert is_clean(found.message)
        return
    texts = [found.message, found.version, found.raw, *found.figures]
    assert all(is_clean(text) for text in texts)
    assert found.state is not State.OK or 200 <= status <= 299


@given(st.binary(max_size=300), st.sampled_from(["", "text/plain", "application/json"]))
def test_any_bytes_give_a_clean_report_or_fault(body: bytes, content_type: str) -> None:
    found = read_health(
        body, status=200, accepted=True, content_type=content_type, health=Health.model_validate({})
    )
    assert is_clean(found.message)
