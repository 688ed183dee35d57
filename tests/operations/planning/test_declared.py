"""Which actions there are, what they do to the world, and what a declaration's digest covers."""

from typing import Any

import pytest

from opsconsole.config.drivers import Command
from opsconsole.config.settings import Settings
from opsconsole.model.operation import SILENCING, ActionKind, Effect
from opsconsole.operations.planning.declared import (
    Declared,
    declared,
    digest,
    find,
    lasts,
    scale_bounds,
)

COMMAND = {"command": ["true"]}
FLAGS = {"env_file": {"file": "web.env", "set": {"MODE": "reduced"}}}
FILES = {"files": ["data"]}


def settings(actions: dict[str, Any], **more: Any) -> Settings:
    """A service ``web`` with these actions; ``more`` is beside the services."""
    service = {"instances": ["http://10.0.0.1:80"], "actions": actions}
    return Settings.model_validate({"docker": [], "services": {"web": service}, **more})


def kinds(actions: dict[str, Any]) -> list[str]:
    return [f"{each.kind} {each.name}".strip() for each in declared(settings(actions), "web")]


def _found(known: Settings, kind: ActionKind, name: str = "") -> Declared:
    found = find(known, "web", kind, name)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("actions", "listed"),
    [
        ({}, []),
        ({"restart": COMMAND, "rollback": COMMAND}, ["restart", "rollback"]),
        ({"degrade": {**COMMAND, "recover": COMMAND}}, ["degrade", "recover"]),
        ({"degrade": FLAGS}, ["degrade", "recover"]),
        ({"backup": FILES}, ["backup", "restore"]),
        ({"backup": COMMAND}, ["backup"]),
        ({"backup": COMMAND, "restore": COMMAND}, ["backup", "restore"]),
        ({"call": {"warm": COMMAND}, "test": {"b": COMMAND, "a": COMMAND}},
         ["test b", "test a", "call warm"]),
    ],
)  # fmt: skip
def test_what_is_declared_and_what_follows_from_it(
    actions: dict[str, Any], listed: list[str]
) -> None:
    assert kinds(actions) == listed


def test_what_is_not_declared_does_not_exist() -> None:
    known = settings({"test": {"smoke": COMMAND}})
    assert find(known, "web", ActionKind.TEST, "smoke") is not None
    assert find(known, "web", ActionKind.TEST, "") is None
    assert find(known, "web", ActionKind.CALL, "smoke") is None
    assert find(known, "shop", ActionKind.TEST, "smoke") is None


def test_an_alertmanager_can_be_silenced() -> None:
    known = settings({}, alertmanager=[{"name": "am", "url": "http://10.0.0.9:9093"}])
    assert {each.kind for each in declared(known, "am")} == SILENCING
    assert list(declared(known, "web")) == []


@pytest.mark.parametrize(
    ("action", "only_reads"),
    [
        ({"http": {"get": "/look"}, "effect": "read"}, True),
        ({"http": {"get": "/look"}}, False),
        ({"http": {"post": "/look"}, "effect": "read"}, False),
        ({**COMMAND, "effect": "read"}, False),
    ],
)
def test_only_a_get_that_is_declared_so_only_reads(
    action: dict[str, Any], only_reads: bool
) -> None:
    found = _found(settings({"call": {"look": action}}), ActionKind.CALL, "look")
    assert found.only_reads is only_reads
    assert found.effect is Effect(action.get("effect", "change"))


def test_its_line_in_a_menu() -> None:
    plain = _found(settings({"restart": COMMAND}), ActionKind.RESTART)
    assert plain.summary == "restart by command"
    told = _found(settings({"restart": {**COMMAND, "summary": "again"}}), ActionKind.RESTART)
    assert told.summary == "again"


def test_only_a_scale_has_bounds() -> None:
    known = settings({"restart": COMMAND, "scale": {**COMMAND, "minimum": 2, "maximum": 5}})
    assert scale_bounds(_found(known, ActionKind.SCALE).action) == (2, 5)
    assert scale_bounds(_found(known, ActionKind.RESTART).action) is None


def test_only_a_degradation_lasts() -> None:
    degrade = {**COMMAND, "for": "10m", "recover": COMMAND}
    known = settings({"degrade": degrade, "restart": COMMAND, "backup": FILES})
    assert lasts(_found(known, ActionKind.DEGRADE)) == 600.0
    assert lasts(_found(known, ActionKind.RESTART)) is None
    by_flags = settings({"degrade": FLAGS})
    # The same declaration ends it, and that lasts for ever.
    assert lasts(_found(by_flags, ActionKind.RECOVER)) is None


def test_the_way_back_is_what_is_declared_for_it() -> None:
    other = {"command": ["false"]}

    def way_back(known: Settings, kind: ActionKind) -> Command | None:
        return _found(known, kind).action.command

    theirs = Command(argv=("false",))
    beside = settings({"degrade": {**COMMAND, "recover": COMMAND}, "recover": other})
    assert way_back(beside, ActionKind.RECOVER) == theirs
    within = settings({"degrade": {**COMMAND, "recover": other}})
    assert way_back(within, ActionKind.RECOVER) == theirs
    kept_elsewhere = settings({"backup": {**COMMAND, "restore": other}})
    assert way_back(kept_elsewhere, ActionKind.RESTORE) == theirs
    reload = settings({"backup": {**FILES, "restore": {**COMMAND, "deadline": "77s"}}})
    restore = _found(reload, ActionKind.RESTORE).action
    assert (restore.driver, restore.deadline) == ("backup", 77.0)


def test_a_digest_covers_all_that_decides_what_is_done_and_to_what() -> None:
    restart = {"restart": COMMAND}
    other = {"command": ["false"]}
    known = settings(restart)
    base = digest(known, _found(known, ActionKind.RESTART))
    assert digest(settings(restart), _found(known, ActionKind.RESTART)) == base
    different = [
        settings({"restart": other}),
        settings({**restart, "backup": FILES}),
        settings(restart, docker=[{"name": "edge", "host": "tcp://10.0.0.1:2375"}]),
    ]
    digests = {digest(each, _found(each, ActionKind.RESTART)) for each in different}
    assert len(digests | {base}) == 4
    beside = settings({**restart, "test": {"smoke": COMMAND}})
    assert digest(beside, _found(beside, ActionKind.RESTART)) == base


def test_the_digest_of_a_silence_covers_where_it_is_written_to() -> None:
    def of(url: str, **actions: Any) -> str:
        known = settings(actions, alertmanager=[{"name": "am", "url": url}])
        found = find(known, "am", ActionKind.SILENCE, "")
        assert found is not None
        return digest(known, found)

    assert of("http://10.0.0.9:9093") == of("http://10.0.0.9:9093", restart=COMMAND)
    assert of("http://10.0.0.9:9093") != of("http://10.0.0.8:9093")
