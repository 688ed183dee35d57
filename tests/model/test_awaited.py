"""What is waited for has its answer when it was seen, and never by what is not known."""

from dataclasses import replace

import pytest

from opsconsole.model.alerting.alerts import AlertState
from opsconsole.model.awaited import (
    Answer,
    Awaited,
    Heard,
    answer,
    of_alert,
    of_operation,
    of_service,
)
from opsconsole.model.operation import OperationState
from opsconsole.model.snapshot import Snapshot
from opsconsole.model.state import State
from opsconsole.render.awaited import asked, heard
from tests.ui import working
from tests.ui.fleet import NOW, calm, on_fire


def with_service(snapshot: Snapshot, name: str, **changes: object) -> Snapshot:
    """``snapshot`` in which one service is otherwise."""
    return replace(
        snapshot,
        services=tuple(
            replace(each, **changes) if each.name == name else each  # type: ignore[arg-type]
            for each in snapshot.services
        ),
    )


def service(snapshot: Snapshot, name: str) -> Awaited:
    """What is asked of one service there."""
    found = snapshot.service(name)
    assert found is not None
    return of_service(found)


def heard_of(awaited: Awaited, snapshot: Snapshot) -> Heard | None:
    """What the answer is, if there is one."""
    found = answer(awaited, snapshot)
    return None if found is None else found.heard


def test_a_service_that_is_down_is_back_once_it_is_seen_to_be_ok() -> None:
    fire = on_fire()
    down = service(fire, "ai-service")
    assert heard_of(down, fire) is None
    assert heard_of(down, calm()) is Heard.BACK


@pytest.mark.parametrize(
    "changes",
    [{"stale": True}, {"state": State.UNKNOWN}, {"state": State.DEGRADED}],
    ids=["stale", "unknown", "degraded"],
)
def test_unknown_is_not_back(changes: dict[str, object]) -> None:
    down = service(on_fire(), "ai-service")
    assert heard_of(down, with_service(calm(), "ai-service", **changes)) is None


@pytest.mark.parametrize("changes", [{"stale": True}, {"state": State.UNKNOWN}])
def test_unknown_is_not_wrong_either(changes: dict[str, object]) -> None:
    well = service(calm(), "ai-service")
    assert well.was_well
    assert heard_of(well, with_service(calm(), "ai-service", **changes)) is None
    assert heard_of(well, on_fire()) is Heard.WRONG


def test_what_is_not_watched_any_more_ends_and_an_empty_moment_ends_nothing() -> None:
    down = service(on_fire(), "ai-service")
    others = tuple(each for each in calm().services if each.name != "ai-service")
    assert heard_of(down, replace(calm(), services=others)) is Heard.GONE
    assert heard_of(down, replace(calm(), services=())) is None


@pytest.mark.parametrize("state", list(OperationState))
def test_an_operation_is_heard_of_when_it_has_its_verdict(state: OperationState) -> None:
    run = working.ended(1, "web", state)
    found = heard_of(of_operation(run), replace(calm(), operations=(run,)))
    if not state.final:
        assert found is None
    else:
        verified = state is OperationState.VERIFIED
        assert found is (Heard.DONE if verified else Heard.NOT_DONE)
    assert heard_of(of_operation(run), calm()) is None, "what is not listed is not known"


def test_a_verdict_that_did_not_last_is_none() -> None:
    run = working.ended(1, "web", OperationState.VERIFIED, corrected="web-1 died again")
    found = answer(of_operation(run), replace(calm(), operations=(run,)))
    assert found is not None
    assert (found.heard, found.why) == (Heard.NOT_DONE, "web-1 died again")


def test_an_alert_is_over_when_it_is_said_to_be_and_not_when_nobody_reports_it() -> None:
    alert = on_fire().alerts[0]
    assert alert.state is AlertState.FIRING
    awaited = of_alert(alert)

    def seen(**changes: object) -> Heard | None:
        moved = replace(alert, **changes)  # type: ignore[arg-type]
        return heard_of(awaited, replace(calm(), alerts=(moved,)))

    assert seen() is None
    assert seen(state=AlertState.RESOLVED) is Heard.BACK
    assert seen(state=AlertState.RESOLVED, seen_at=NOW - 60) is None
    assert heard_of(awaited, replace(calm(), alerts=())) is None
    pending = of_alert(replace(alert, state=AlertState.PENDING))
    assert heard_of(pending, replace(calm(), alerts=(alert,))) is Heard.WRONG


def test_each_is_said_in_a_sentence() -> None:
    down = service(on_fire(), "ai-service")
    assert asked(down) == "you will hear when ai-service is ok again"
    said = {each: heard(Answer(down, each, "because")) for each in Heard}
    assert said[Heard.BACK] == "ai-service is ok again"
    assert said[Heard.WRONG] == "ai-service is not well any more: because"
    assert len(set(said.values())) == len(Heard)
