"""What a person decides a plan by: what happens, who is hit, what is lost, how it is undone.

Invariant: nothing is promised that the plan or the latest snapshot does not say; what is not known
is called so. An id is shown by its first twelve digits.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.operation import (
    COPIES,
    SILENCING,
    TAKES_AWAY,
    ActionKind,
    ActionRequest,
    Effect,
    Plan,
    Step,
)
from opsconsole.model.snapshot import InstanceView, ServiceView, Snapshot
from opsconsole.model.state import State
from opsconsole.render import people
from opsconsole.render.ink import figures
from opsconsole.render.ink.cells import Role, Span

_ID: Final = re.compile(r"\b(?:sha256:)?([0-9a-f]{12})[0-9a-f]{20,}\b")
_VERBS: Final = {ActionKind.ROLLBACK: "roll back", ActionKind.EXPIRE_SILENCE: "end the silence at"}
_IN_MEMORY: Final = frozenset({"docker", "swarm", "kubernetes", "systemd", "pid_file"})
"""Drivers that stop and start what runs, and touch no file of it."""
_REMADE: Final = frozenset({"docker", "swarm", "kubernetes"})
"""Drivers whose rollback creates the copies again."""
_ROLLING: Final = frozenset({"swarm", "kubernetes"})
"""Drivers that hand it on to what replaces the copies a few at a time."""


def short_ids(text: str) -> str:
    """``text`` with every long id cut to its first twelve digits."""
    return _ID.sub(r"\1", text)


def verb(kind: ActionKind) -> str:
    """What is done, as a verb: ``roll back``."""
    return _VERBS.get(kind, kind.value.replace("-", " "))


@dataclass(frozen=True, slots=True)
class Setting:
    """What the latest snapshot knows of a plan's service: itself, who needs it, and which other
    people look at it."""

    service: ServiceView | None = None
    needed_by: tuple[str, ...] = ()
    looked_at_by: str = ""

    @classmethod
    def of(cls, snapshot: Snapshot | None, service: str) -> "Setting":
        """What ``snapshot`` knows of ``service``."""
        if snapshot is None:
            return cls()
        waiting = tuple(each.name for each in snapshot.services if service in each.depends_on)
        return cls(snapshot.service(service), waiting, people.looking(snapshot.present, service))

    @property
    def instances(self) -> tuple[InstanceView, ...]:
        """The instances of the service."""
        return self.service.instances if self.service else ()

    @property
    def healthy(self) -> frozenset[str]:
        """The names of those that are ok now."""
        well = (each for each in self.instances if each.state is State.OK and not each.stale)
        return frozenset(each.name for each in well)


def touched(plan: Plan) -> tuple[str, ...]:
    """The instances that the steps of ``plan`` touch, in their order."""
    return tuple(dict.fromkeys(step.instance for step in plan.steps if step.instance))


def sentence(plan: Plan, setting: Setting) -> str:
    """What would happen, in figures: which, how many, in which order, how long."""
    usual = plan.usual_duration
    about = f", about {figures.spoken(usual)}" if usual is not None else ""
    copies = touched(plan)
    if plan.kind in TAKES_AWAY and copies:
        total = max(len(setting.instances), len(copies))
        how = f"{len(copies)} of {total} {_copies(total)} of {plan.service}"
        order = ", one after the other" if len(copies) > 1 else ""
        said = f"on {how}" if _version(plan) else f"{verb(plan.kind)} {how}"
        return f"{_version(plan)} {said}{order}{about}.".lstrip()
    steps = _first(plan)
    more = len(plan.steps) - 1
    return f"{steps}{f', and {more} {_calls(more)} more' if more > 0 else ''}{about}."


def is_command(step: Step) -> bool:
    """Whether it runs a program of the configuration's."""
    return step.driver == "command"


def command_line(step: Step) -> str:
    """The program with its arguments."""
    return step.summary.removeprefix("run ")


def _first(plan: Plan) -> str:
    """The first step as a sentence; a command's words say little to who did not write them."""
    if not plan.steps:
        return f"{verb(plan.kind)} {plan.service}"
    first = plan.steps[0]
    if not is_command(first):
        return short_ids(first.summary)
    program = command_line(first).split(" ", 1)[0].rpartition("/")[2]
    named = f" {plan.name}" if plan.name and plan.name != plan.kind.value else ""
    return f"{verb(plan.kind)}{named} {plan.service} by the command {program}"


def _version(plan: Plan) -> str:
    """``v1.5.0 → v1.4.2``; '' where the plan does not say one pair for all."""
    pairs = {(plan.fingerprint.get(fact, "?"), after) for fact, after in plan.goals.items()}
    if len(pairs) != 1:
        return ""
    before, after = pairs.pop()
    name, _, tag = after.rpartition(":")
    same = name and before.startswith(f"{name}:")
    return short_ids(f"{before.rpartition(':')[2]} → {tag}" if same else f"{before} → {after}")


def _copies(count: int) -> str:
    return "copy" if count == 1 else "copies"


def _calls(count: int) -> str:
    return "call" if count == 1 else "calls"


def choice(plan: Plan) -> str:
    """The words of the choice that starts it: ``roll back 3 copies``."""
    copies = len(touched(plan))
    if plan.kind in TAKES_AWAY and copies:
        return f"{verb(plan.kind)} {copies} {_copies(copies)}"
    named = f" {plan.name}" if plan.name and plan.name != plan.kind.value else ""
    return f"{verb(plan.kind)}{named} {plan.service}"


def who_is_hit(plan: Plan, setting: Setting) -> str:
    """Who notices it while it is done."""
    if plan.effect is Effect.READ:
        return "nobody: it only reads"
    if plan.kind in SILENCING:
        return "nobody's service; who is paged hears of these alerts, or no longer hears of them"
    if plan.kind in TAKES_AWAY:
        return f"{_away(plan, setting)}{_needed(setting)}"
    if plan.kind is ActionKind.BACKUP:
        return "nobody, unless its declaration stops something"
    if plan.kind is ActionKind.DEGRADE:
        return f"who uses it gets less while it lasts{_needed(setting)}"
    if plan.kind is ActionKind.RECOVER:
        return f"who uses it gets all of it again{_needed(setting)}"
    return f"who uses it, while it is done: how much is not known{_needed(setting)}"


def _away(plan: Plan, setting: Setting) -> str:
    copies, healthy, total = frozenset(touched(plan)), setting.healthy, len(setting.instances)
    if not total:
        return "who uses it, while it is away"
    if not healthy:
        unseen = any(each.stale or each.state is State.UNKNOWN for each in setting.instances)
        return f"nobody more than now: no copy is {'known to be ' if unseen else ''}well"
    if copies and not copies & healthy:
        be = "is" if len(healthy) == 1 else "are"
        return f"nobody more than now: {len(healthy)} of {total} copies {be} well"
    if {step.driver for step in plan.steps} <= _ROLLING and len(healthy) > 1:
        return (
            f"nobody, if fewer than {len(healthy)} {_copies(len(healthy))} carry the load: they are"
            " replaced as its strategy has it"
        )
    left = len(healthy - copies) if len(plan.steps) == 1 else len(healthy) - 1
    if not copies or left < 1:
        return "everybody who uses it: no copy answers while it is done"
    return f"nobody, if {left} of {total} {_copies(total)} carry the load: one at a time is away"


def _needed(setting: Setting) -> str:
    if not setting.needed_by:
        return ""
    names, more = setting.needed_by[:3], len(setting.needed_by) - 3
    named = f"{', '.join(names)}{f' and {more} more' if more > 0 else ''}"
    return f"; {named} need{'s' * (len(setting.needed_by) == 1)} it"


def what_is_lost(plan: Plan) -> str:
    """What is gone afterwards."""
    drivers = {step.driver for step in plan.steps}
    match plan.kind:
        case ActionKind.BACKUP | ActionKind.DEGRADE | ActionKind.RECOVER:
            return "nothing is deleted"
        case ActionKind.ACKNOWLEDGE | ActionKind.SILENCE | ActionKind.EXPIRE_SILENCE:
            return "nothing: no alert is deleted"
        case ActionKind.RESTART if drivers <= _IN_MEMORY:
            return "what it holds in memory · no file and no volume is touched"
        case ActionKind.ROLLBACK if drivers <= _REMADE:
            return "what it holds in memory or wrote outside of volumes · no volume is touched"
        case ActionKind.RESTORE:
            return "what was written since the backup"
        case ActionKind.SCALE:
            return "what a copy that goes holds in memory · no volume is touched"
        case ActionKind.TEST | ActionKind.CALL if plan.effect is Effect.READ:
            return "nothing: it only reads"
        case _:
            return "not known to the console: what is called decides"


def good_when(plan: Plan) -> str:
    """What a verdict of verified needs."""
    return " · ".join(plan.verification) or "not looked at: the verdict will be inconclusive"


def otherwise(plan: Plan) -> str:
    """What follows where it is not good."""
    if plan.auto_rollback:
        return f"it is rolled back by itself, {plan.rollback_after:g} s after the verdict"
    stop = "it stops at the step that fails, says so" if len(plan.steps) > 1 else "it says so"
    return f"{stop}, and changes nothing more"


def differences(plan: Plan) -> list[tuple[str, str, str]]:
    """What changes: fact, before, after, each pair once."""
    found: dict[tuple[str, str], str] = {}
    for fact, after in plan.goals.items():
        found.setdefault((plan.fingerprint.get(fact, "?"), after), fact)
    return [(fact, short_ids(old), short_ids(new)) for (old, new), fact in found.items()]


def name_answer(typed: str, wanted: str, others: Iterable[str]) -> Span:
    """What is said of a name while it is typed."""
    if not typed:
        return Span(f"type {wanted}", Role.MUTED)
    if typed == wanted:
        return Span("● as it should be", Role.OK)
    if wanted.startswith(typed):
        return Span(f"· {len(wanted) - len(typed)} to go", Role.MUTED)
    if typed in set(others):
        return Span(f"✖ that is {typed}", Role.DOWN)
    return Span(f"✖ not {wanted}", Role.DOWN)


def may_choose(plan: Plan, setting: Setting) -> bool:
    """Whether single copies can be left out of ``plan``."""
    names = {each.name for each in setting.instances}
    copies = touched(plan)
    return plan.kind is ActionKind.RESTART and len(names) > 1 and bool(names & set(copies))


def with_copies(request: ActionRequest, chosen: Sequence[str], total: int) -> dict[str, str] | str:
    """The parameters of ``request`` for ``chosen`` copies, or why that cannot be asked for."""
    said = {"instance", COPIES}
    rest = {key: value for key, value in request.parameters.items() if key not in said}
    if not chosen:
        return "one copy at least"
    if len(chosen) == total:
        return rest
    return {**rest, "instance": ",".join(chosen)}
