"""A week of a remedy that only suggests, as its report says it."""

from opsconsole.engine.desks.automation_desk import automation_of, rules_of
from opsconsole.model.operation import ActionKind, Operation, OperationState
from opsconsole.render.automation.report import report
from tests.watcher.remedies.theatre import RESTART, Theatre

HOUR = 3600.0
WEEK = 7 * 24 * HOUR
SUGGEST = {**RESTART, "mode": "suggest"}


def _hand(stage: Theatre, kind: ActionKind) -> Operation:
    now, verified = stage.clock.now(), OperationState.VERIFIED
    id_ = f"{len(stage.by_hand) + 4096:016x}"
    return Operation(id_, f"hand-{id_}", "web", kind, "", verified, "kim", "b", now, now)


async def _trouble(
    stage: Theatre, lasts: float, kind: ActionKind | None = None, others: tuple[str, ...] = ()
) -> None:
    """``web`` is down for a minute and then ``lasts`` more, until somebody does something."""
    stage.fail("web", *others)
    await stage.go(70 + lasts, step=10)
    if kind is None:
        stage.heal("web", *others)
    else:
        stage.hand(_hand(stage, kind))
    await stage.go(10, step=10)
    await stage.go(6 * HOUR, step=2 * HOUR)


def _reported(stage: Theatre) -> str:
    known = automation_of(rules_of(stage.settings), stage.book.switch(), stage.episodes, 0.0)
    assert known is not None
    now = stage.clock.now()
    return "\n".join(report(known.rules, known.episodes, now - WEEK, now))


async def test_a_week_in_which_it_mostly_came_back_alone() -> None:
    stage = Theatre(SUGGEST)
    for number in range(11):
        await _trouble(stage, 10.0 * number)
    await _trouble(stage, 720.0, ActionKind.RESTART)
    await _trouble(stage, 540.0, ActionKind.RESTART)
    await _trouble(stage, 1860.0, ActionKind.ROLLBACK)
    await _trouble(stage, 280.0, others=("s1", "s2", "s3", "s4", "s5"))
    await _trouble(stage, 280.0, others=("s1", "s2", "s3", "s4", "s5"))

    assert stage.door.done == []
    assert _reported(stage) == (
        "restart-web: restart of web when state == down for 1m;"
        " suggest, only records what it would do; the last 7 days\n"
        "  would have acted 14 times\n"
        "    11 came back alone within 2 min\n"
        "    2 brought back by hand with the same action, usually after 12 min\n"
        "    1 brought back by hand with another action, usually after 31 min\n"
        "  held back twice: 2 by a storm\n"
        "    2 came back alone within 5 min\n"
        "  most of it was for nothing: waiting 2 min longer (state == down for 3m)"
        " would have left 3 of 14"
    )


async def test_a_week_in_which_people_did_what_it_would_have_done() -> None:
    stage = Theatre(SUGGEST)
    for number in range(6):
        await _trouble(stage, 400.0 + 60 * number, ActionKind.RESTART)
    await _trouble(stage, 30.0)

    said = _reported(stage)

    assert "  would have acted 7 times\n" in said
    assert "    6 brought back by hand with the same action, usually after 10 min\n" in said
    assert "  people did the same by hand most of the time: it would have saved them that" in said


async def test_a_quiet_week_and_a_short_one_advise_nothing() -> None:
    stage = Theatre(SUGGEST)
    assert _reported(stage).endswith("  it has seen nothing that it waits for")
    await _trouble(stage, 30.0)

    assert _reported(stage).endswith(
        "  would have acted once\n    1 came back alone within 60 s\n"
        "  too few to judge it by: 1 of 5"
    )


async def test_a_week_of_acting() -> None:
    stage = Theatre()
    for _ in range(5):
        stage.fail("web")
        await stage.go(200, step=10)
        await stage.go(6 * HOUR, step=2 * HOUR)
    stage.fail("web")
    await stage.go(80)
    stage.book.stop(stage.episodes[-1].id, "", stage.clock.now())
    await stage.go(60)
    stage.heal("web")
    await stage.go(60)

    assert _reported(stage).splitlines()[1:] == [
        "  acted 5 times: 5 verified",
        "    5 well again by it, usually after 40 s",
        f"  stopped by hand once: 1 by {stage.episodes[-1].stopped}",
    ]
