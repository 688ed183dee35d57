"""What a runner does with a found service: only what is found again is what was planned."""

from dataclasses import replace
from typing import Any

import pytest

from opsconsole.config.effective import effective
from opsconsole.config.loader import default_settings
from opsconsole.config.settings import Settings
from opsconsole.discovery.docker import read
from opsconsole.discovery.look import Fleet
from opsconsole.model.operation import ActionKind, Refusal
from opsconsole.operations.planning.declared import Declared, digest, find
from tests.operations.journal.samples import intent, own_of
from tests.workloads import inventory, replica


def fleet(*containers: Any, declared: Settings | None = None) -> Fleet:
    settings = declared or default_settings()
    found = [each.found for each in read(settings, inventory(*containers), None)]
    return Fleet(effective(settings, found).settings)


WEB = replica("web")
PLANNED = fleet(WEB)


def answer(now: Fleet) -> Declared | Refusal:
    action = find(PLANNED.settings, "web", ActionKind.RESTART, "")
    assert action is not None
    confirmed = replace(intent("one"), declaration=digest(PLANNED.settings, action))
    environment = PLANNED.settings.environment.name
    confirmed = replace(confirmed, plan=replace(confirmed.plan, environment=environment))
    return own_of(confirmed).declared(now, confirmed)


def test_what_is_found_again_is_carried_out() -> None:
    assert isinstance(answer(fleet(WEB, replica("another"))), Declared)


@pytest.mark.parametrize(
    ("now", "code"),
    [
        (fleet(replica("another")), "not-declared"),
        (fleet(replica("web", labels={"io.opsconsole.actions": "none"})), "not-declared"),
        (Fleet(default_settings(), ("docker does not answer: x",)), "cannot-look"),
        (
            fleet(
                WEB,
                declared=Settings.model_validate(
                    {
                        "discover": {"docker": True},
                        "services": {"web": {"actions": {"restart": {"docker": "other"}}}},
                    }
                ),
            ),
            "plan-stale",
        ),
        (
            fleet(
                WEB,
                declared=default_settings().model_copy(update={"read_only": True}),
            ),
            "read-only",
        ),
    ],
)
def test_what_moved_is_refused(now: Fleet, code: str) -> None:
    refusal = answer(now)
    assert isinstance(refusal, Refusal)
    assert refusal.code == code
