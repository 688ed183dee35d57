"""A fleet on which automation has done, asks, is held and is about to do something."""

from dataclasses import replace
from typing import Final

from opsconsole.model.maintenance import Maintenance
from opsconsole.model.operation import ActionKind, OperationState
from opsconsole.model.remedies.automation import Automation, RemedyView
from opsconsole.model.remedies.episodes import Ending, Episode, HeldBack
from opsconsole.model.remedies.rules import HoldCode, RemedyMode
from opsconsole.model.remedies.switch import Switch
from opsconsole.model.snapshot import Snapshot
from tests.ui.fleet import NOW

RULES: Final = tuple(
    RemedyView(f"restart-{service}", service, "restart", mode, "state == down for 1m")
    for service, mode in (
        ("oatie", RemedyMode.AUTO),
        ("ai-service", RemedyMode.ASK),
        ("mailer", RemedyMode.SUGGEST),
    )
)
_OATIE: Final = Episode(
    "1-00000001", "restart-oatie", "oatie", ActionKind.RESTART, "restart", RemedyMode.AUTO,
    NOW - 70, NOW - 8, evidence=("state == down for 62 s, seen by 13 looks",),
)  # fmt: skip
_AI: Final = replace(
    _OATIE, id="2-00000001", rule="restart-ai-service", service="ai-service", mode=RemedyMode.ASK
)
EPISODES: Final = (
    replace(_OATIE, counting_from=NOW - 6, counting_to=NOW + 24),
    replace(_AI, asked_at=NOW - 6, summary="restart of ai-service: 3 copies, one after another"),
    replace(
        _AI,
        id="3-00000001",
        rule="restart-mailer",
        service="mailer",
        mode=RemedyMode.SUGGEST,
        holds=(HeldBack(HoldCode.MAINTENANCE, NOW - 5, "new relay, by kim"),),
    ),
    replace(
        _OATIE,
        id="4-00000001",
        at=NOW - 3700,
        acted_at=NOW - 3670,
        operation="20251121-081300-restart-oatie",
        verdict=OperationState.VERIFIED,
        verdict_at=NOW - 3640,
        ended_at=NOW - 3650,
        ending=Ending.BY_REMEDY,
    ),
)


def automatic(snapshot: Snapshot) -> Snapshot:
    """``snapshot`` with it."""
    work = Maintenance("m", ("mailer",), NOW - 600, NOW + 6600, "new relay", "kim", "bastion-1")
    known = Automation(RULES, Switch(), EPISODES)
    return replace(snapshot, automation=known, maintenances=(work,))
