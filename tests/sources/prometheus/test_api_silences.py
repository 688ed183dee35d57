"""Silences as real Alertmanagers list them, and as nobody should."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.model.alerting.silences import Matcher, SilenceState
from opsconsole.sources.prometheus.api_silences import (
    SILENCE_LIMIT,
    exact_matchers,
    matcher_document,
    raw_matchers,
    read_silences,
)

SAMPLES = Path(__file__).parents[1] / "samples" / "prometheus"


def silence(number: int = 0, state: str = "active", **more: Any) -> dict[str, Any]:
    return {
        "id": f"id-{number}",
        "status": {"state": state},
        "matchers": [{"name": "job", "value": "api", "isRegex": False}],
        "createdBy": "ann",
        "comment": "disks",
        "startsAt": "2026-11-21T07:00:00Z",
        "endsAt": "2026-11-21T08:00:00Z",
        **more,
    }


def test_a_captured_list_is_read() -> None:
    payload = json.loads((SAMPLES / "alertmanager_0.25_api_v2_silences.json").read_text())
    (found,) = read_silences(payload, "main")
    assert found.matchers == (Matcher("alertname", "PendingForever"),)
    assert (found.state, found.by, found.comment) == (SilenceState.ACTIVE, "eco", "eco test")
    assert found.starts_at is not None
    assert found.ends_at == pytest.approx(found.starts_at + 3600, abs=1)
    assert not found.acknowledges


def test_active_ones_stand_first_and_what_is_malformed_is_left_out() -> None:
    listed = [
        silence(1, "expired"),
        silence(2, "active"),
        silence(3, "pending"),
        silence(4, "strange"),
        {**silence(5), "matchers": "all"},
        {**silence(6), "id": 6},
        None,
    ]
    assert [each.id for each in read_silences(listed, "main")] == ["id-2", "id-3", "id-1"]


def test_an_older_server_without_is_equal_means_equal() -> None:
    (found,) = read_silences([silence()], "main")
    assert found.matchers[0].is_equal


def test_a_flood_is_bounded_and_the_active_ones_are_kept() -> None:
    listed = [silence(number, "expired") for number in range(SILENCE_LIMIT + 10)]
    found = read_silences([*listed, silence(99_999)], "main")
    assert len(found) == SILENCE_LIMIT
    assert found[0].id == "id-99999"


def test_outside_text_cannot_control_the_terminal_but_matchers_stay_exact() -> None:
    evil = "\x1b]0;x\x07"
    item = silence(comment=evil, createdBy=evil)
    item["matchers"][0]["value"] = evil
    (found,) = read_silences([item], "main")
    assert "\x1b" not in f"{found.comment}{found.by}{found.matchers[0]}"
    assert raw_matchers(item["matchers"])[0].value == evil


@given(st.dictionaries(st.text(min_size=1), st.text()))
def test_exact_matchers_survive_the_api(labels: dict[str, str]) -> None:
    matchers = exact_matchers(labels)
    assert raw_matchers(json.loads(json.dumps(matcher_document(matchers)))) == matchers
    assert all(matcher.matches(labels) for matcher in matchers)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_anything_else_is_refused_or_read_never_a_crash(payload: object) -> None:
    try:
        read_silences(payload, "x")
    except ValueError:
        return
