"""What a remedy would do if what it waits for held at this moment. Pure.

Invariant: it asks the same rules as what acts; the service alone is taken to be as the remedy
waits for it, seen for long enough.
"""

from collections.abc import Sequence
from dataclasses import replace

from opsconsole.model.remedies.episodes import Episode
from opsconsole.model.remedies.rules import Act, Hold, Rule, SharedLimits
from opsconsole.model.remedies.switch import Switch
from opsconsole.model.snapshot import Snapshot
from opsconsole.model.state import State
from opsconsole.model.written.expressions import StateIs
from opsconsole.watcher.remedies.decision import History, Question, Trouble, decide
from opsconsole.watcher.remedies.world import world_of


def foresee(
    rule: Rule,
    snapshot: Snapshot,
    switch: Switch,
    episodes: Sequence[Episode],
    shared: SharedLimits,
    now: float,
) -> Act | Hold:
    """To act, in which way, or the first that would hold it back."""
    world = world_of(snapshot, switch, now, acting=True, held={}, planned=switch.plans_open(now))
    seen = world.services.get(rule.service)
    if seen is not None:
        condition = rule.trigger.condition
        state = condition.state if isinstance(condition, StateIs) else State.OK
        well = seen.copies_well if state is not State.DOWN else 0
        bad = state is not State.OK
        as_if = replace(seen, state=state, stale=False, bad=bad, copies_well=well)
        world = replace(world, services={**world.services, rule.service: as_if})
    trouble = Trouble(now - rule.trigger.hold, rule.limits.looks)
    return decide(Question(rule, trouble, world, History(tuple(episodes)), shared, now))
