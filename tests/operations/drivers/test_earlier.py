"""What ran before, and what policy says of going back to it."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from opsconsole.model.operation import ActionKind, ConfirmLevel, OperationState, Plan
from opsconsole.operations.drivers.docker.versions import split
from opsconsole.operations.drivers.previous_version import known_to_fail, seen_before
from opsconsole.operations.journal.records import Past
from opsconsole.operations.planning.policy import refuse_rollback

_S = OperationState


def _plan(kind: ActionKind, facts: Mapping[str, str]) -> Plan:
    choice = ConfirmLevel.CHOICE
    return Plan("p", "web", kind, "", 0.0, "test", "none", (), facts, choice, (), "")


def _restart(version: str) -> Past:
    return Past(_plan(ActionKind.RESTART, {"image": version}), _S.VERIFIED)


def _rollback(now: str, target: str, state: OperationState = _S.VERIFIED) -> Past:
    plan = _plan(ActionKind.ROLLBACK, {"image": now, "image target": target})
    return Past(replace(plan, goals={"image": target}), state)


@pytest.mark.parametrize(
    ("past", "offered"),
    [
        ((), []),
        ((_restart("3"), _restart("2"), _restart("1"), _restart("2")), ["2", "1"]),
        ((_rollback("2", "1"),), ["1"]),
        ((_restart("2"), _rollback("2", "1"), _restart("2")), ["1"]),
        ((_rollback("2", "1", _S.FAILED),), ["2"]),
    ],
)
def test_what_is_offered(past: tuple[Past, ...], offered: list[str]) -> None:
    assert list(seen_before(past, "image", "3")) == offered


def _failed(version: str) -> Past:
    return Past(_restart(version).plan, _S.FAILED)


@pytest.mark.parametrize(
    ("past", "failing"),
    [
        ((), set()),
        ((_restart("2"),), set()),
        ((_failed("2"),), {"2"}),
        ((_failed("2"), _restart("2")), {"2"}),
        ((_restart("2"), _failed("2")), set()),
        ((_rollback("2", "1", _S.FAILED),), {"1"}),
        ((_rollback("2", "1", _S.INCONCLUSIVE), _failed("3")), {"3"}),
        ((replace(_failed("2"), said_by="mallory"),), set()),
    ],
)
def test_what_is_known_to_fail_is_what_its_last_operation_failed_with(
    past: tuple[Past, ...], failing: set[str]
) -> None:
    assert known_to_fail(past, "image") == failing


@pytest.mark.parametrize(
    ("now", "target", "past", "code"),
    [
        ("3", "2", (), ""),
        ("2", "2", (), "already-running"),
        ("2", "1", (_rollback("3", "2"),), "rollback-of-rollback"),
        ("2", "1", (_restart("2"), _rollback("3", "2")), "rollback-of-rollback"),
        ("4", "2", (_rollback("3", "2"),), ""),
        ("3", "2", (_rollback("3", "2", _S.FAILED),), ""),
    ],
)
def test_what_policy_says(now: str, target: str, past: tuple[Past, ...], code: str) -> None:
    refusal = refuse_rollback(_rollback(now, target).plan, past)
    assert (refusal.code if refusal else "") == code


def test_only_rollbacks_are_judged() -> None:
    assert refuse_rollback(_plan(ActionKind.RESTORE, {"a": "1", "a target": "1"}), ()) is None


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("web", ("web", "")),
        ("web:1.4", ("web", "1.4")),
        ("host:5000/shop/web:1", ("host:5000/shop/web", "1")),
        ("host:5000/shop/web", ("host:5000/shop/web", "")),
        ("web:1@sha256:" + "0" * 64, ("web", "1")),
        ("sha256:" + "0" * 64, ("", "")),
    ],
)
def test_the_parts_of_an_image_s_name(name: str, parts: tuple[str, str]) -> None:
    assert split(name) == parts
