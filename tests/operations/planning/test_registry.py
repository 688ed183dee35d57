"""The table of drivers: complete, and each of them what the table says."""

import pytest

from opsconsole.config.actions import DRIVERS, Action
from opsconsole.model.operation import ActionKind
from opsconsole.operations.planning import registry

_PAIRS = [
    (name, kind) for name, row in registry.DRIVERS.items() for kind in sorted(row.carries_out)
]


def test_each_driver_that_an_action_can_name_is_listed() -> None:
    assert set(registry.DRIVERS) == {*DRIVERS, "alertmanager"}


@pytest.mark.parametrize(("name", "kind"), _PAIRS)
def test_what_is_listed_can_be_imported(name: str, kind: ActionKind) -> None:
    assert callable(registry.DRIVERS[name].carries_out[kind]())


def test_each_kind_is_carried_out_by_some_driver() -> None:
    assert {kind for _, kind in _PAIRS} == set(ActionKind)


@pytest.mark.parametrize(
    ("kind", "able"),
    [
        (ActionKind.RESTART, {"docker", "swarm", "systemd", "pid_file", "http", "command"}),
        (ActionKind.RESTORE, {"files", "volume", "backup", "command"}),
        (ActionKind.ROLLBACK, {"docker", "swarm", "git", "releases", "backup", "http", "command"}),
    ],
)
def test_a_pair_that_is_not_listed_cannot_be_planned(kind: ActionKind, able: set[str]) -> None:
    assert {name for name, row in registry.DRIVERS.items() if kind in row.carries_out} == able
    action = Action.model_validate({"command": ["true"]})
    assert registry.can(action, kind)
    assert not registry.can(
        Action.model_validate({"env_file": {"file": "f", "set": {"A": "1"}}}), kind
    )


def test_who_ends_a_degradation_can_recover() -> None:
    able = [row for row in registry.DRIVERS.values() if row.ends_degradation]
    assert able
    assert all(ActionKind.RECOVER in row.carries_out for row in able)


def test_who_keeps_backups_makes_and_restores_them() -> None:
    able = [row for row in registry.DRIVERS.values() if row.keeps_backups]
    assert able
    assert all({ActionKind.BACKUP, ActionKind.RESTORE} <= set(row.carries_out) for row in able)
