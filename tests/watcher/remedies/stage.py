"""A small fleet to decide on, and episodes of its past."""

from dataclasses import replace

from opsconsole.model.operation import ActionKind, OperationState
from opsconsole.model.remedies.episodes import Ending, Episode
from opsconsole.model.remedies.rules import Act, Hold, HoldCode, RemedyMode, Rule, SharedLimits
from opsconsole.model.state import State
from opsconsole.model.written.triggers import parse_trigger
from opsconsole.watcher.remedies.decision import (
    History,
    Question,
    Seen,
    Trouble,
    World,
    decide,
)

NOW = 1_700_000_000.0
RULE = Rule(
    "restart-web", "web", ActionKind.RESTART, parse_trigger("state == down"), RemedyMode.AUTO
)
DOWN = Seen("web", State.DOWN, bad=True)
LONG = Trouble(NOW - 60, 3)
SHARED = SharedLimits()


def fleet(
    count: int = 9, *, others: dict[str, Seen] | None = None, **changed: Seen
) -> dict[str, Seen]:
    """``web``, which is down, and ``count`` others that are well, but for those that are given."""
    well = {f"s{number}": Seen(f"s{number}") for number in range(count)}
    return {"web": DOWN, **well, **(others or {}), **changed}


def down(*names: str) -> dict[str, Seen]:
    """These, down."""
    return {name: Seen(name, State.DOWN, bad=True) for name in names}


def ask(
    world: World | None = None,
    *,
    rule: Rule = RULE,
    trouble: Trouble | None = LONG,
    episodes: tuple[Episode, ...] = (),
    present: str = "",
    now: float = NOW,
) -> Act | Hold:
    """What is decided."""
    there = world or World(fleet())
    return decide(Question(rule, trouble, there, History(episodes, present), SHARED, now))


def code(decision: Act | Hold) -> HoldCode | None:
    """The code of a hold; None for an act."""
    return decision.code if isinstance(decision, Hold) else None


def acted(
    at: float,
    *,
    verdict: OperationState | None = OperationState.VERIFIED,
    over: float | None = None,
    rule: Rule = RULE,
    ending: Ending = Ending.BY_REMEDY,
) -> Episode:
    """An episode of ``rule`` that acted at ``at`` and was over ten seconds later."""
    ended = at + 10 if over is None else over
    return Episode(
        id=f"{int(at)}-00000000", rule=rule.name, service=rule.service, kind=rule.kind,
        action=rule.action, mode=rule.mode, since=at - 91, at=at - 31, counting_from=at - 30,
        counting_to=at, acted_at=at, plan="plan", operation="operation", verdict=verdict,
        verdict_at=None if verdict is None else at + 10, ended_at=ended, ending=ending,
    )  # fmt: skip


def counting(service: str, since: float = NOW - 5) -> Episode:
    """An episode of another rule that counts down."""
    episode = acted(since, rule=replace(RULE, name=f"restart-{service}", service=service))
    return replace(
        episode, acted_at=None, plan="", operation="", verdict=None, ended_at=None, ending=None,
        counting_from=since, counting_to=since + 30,
    )  # fmt: skip
