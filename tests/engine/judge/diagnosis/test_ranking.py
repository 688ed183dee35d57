"""What holds of every diagnosis, whatever happened and in whatever order it was heard of."""

import random
from dataclasses import replace
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from opsconsole.engine.judge.diagnosis.known import PRECISION
from opsconsole.model.alerting.alerts import Alert, AlertState, Severity
from opsconsole.model.diagnosis import Confidence, Diagnosis, FactCode
from opsconsole.model.events import Event, EventCode
from opsconsole.model.operation import ActionKind
from opsconsole.model.running.workloads import Phase, Replica
from opsconsole.model.snapshot import ServiceView
from opsconsole.model.state import State
from opsconsole.render.ink.cells import width_of
from opsconsole.render.service.why import LONGEST, sentence, why
from tests.engine.judge.diagnosis.stage import NOW, T, copy, diagnosed, missed, service
from tests.workloads import engine, replica

NAMES = ("web", "api", "db")
TIMES = st.sampled_from([T - 100, T - 1, T, T + 10]) | st.floats(T - 1200, NOW)
CODES = [
    EventCode.ENDED, EventCode.OUT_OF_MEMORY, EventCode.STARTED, EventCode.IMAGE_CHANGED,
    EventCode.VERSION_CHANGED, EventCode.RECREATED, EventCode.LIMITS_CHANGED, EventCode.PAUSED,
    EventCode.OPERATION, EventCode.HEALTH_CHANGED, EventCode.ALERT_FIRED,
]  # fmt: skip
EVENTS = st.builds(
    lambda at, code, whose, number, state, figure, memory, name: Event(
        at, code, "why", whose, f"{whose}-{number}", state, "a:1", "a:2", figure, memory,
        ActionKind.RESTART if code is EventCode.OPERATION else None, name, "kim", "docker",
    ),
    TIMES, st.sampled_from(CODES), st.sampled_from(NAMES), st.integers(1, 2),
    st.sampled_from(State), st.sampled_from([None, 0.0, 1.0, 137.0]), st.booleans(),
    st.sampled_from(["", "SIGKILL"]),
)  # fmt: skip
COPIES = st.builds(
    lambda name, phase, state, at, oom, loop, restarts: replica(
        name, phase, state, exit_code=137, oom_killed=oom, loop=loop, restarts=restarts,
        finished_at=at if phase is not Phase.RUNNING else None, memory_limit=64 << 20,
    ),
    st.sampled_from([f"{name}-{number}" for name in NAMES for number in (1, 2)]),
    st.sampled_from(Phase), st.sampled_from(State), TIMES, st.booleans(), st.integers(0, 4),
    st.integers(0, 9),
)  # fmt: skip
ALERTS = st.builds(
    lambda name, severity, state, since, whose: Alert(
        f"{name}{whose}", name, severity, state, since, service=whose
    ),
    st.sampled_from("AB"), st.sampled_from(Severity), st.sampled_from(AlertState), TIMES,
    st.sampled_from(NAMES),
)  # fmt: skip


@st.composite
def fleets(draw: st.DrawFn) -> tuple[ServiceView, ...]:
    found = []
    for name in NAMES:
        copies = []
        for number in (1, 2):
            wrong = draw(TIMES)
            each = copy(
                number, draw(st.sampled_from(State)), name, flapping=draw(st.booleans()),
                wrong_at=wrong, well_at=draw(st.sampled_from([None, wrong - 5])),
            )  # fmt: skip
            copies.append(replace(each, since=wrong))
        slow = (missed("p95(latency) < 250ms", 2.4, 0.25),) if draw(st.booleans()) else ()
        found.append(
            replace(
                service(name, draw(st.sampled_from(State)), *copies, objectives=slow),
                stale=draw(st.booleans()),
                since=draw(TIMES),
                depends_on=tuple(draw(st.lists(st.sampled_from(NAMES), max_size=2))),
            )
        )
    return tuple(found)


def of(
    fleet: tuple[ServiceView, ...],
    events: list[Event],
    copies: list[Replica],
    alerts: list[Alert],
) -> dict[str, ServiceView]:
    unique = {each.id: each for each in copies}
    return diagnosed(
        *fleet, events=events, alerts=alerts, engines=[engine(*unique.values(), at=NOW)]
    )


GIVEN = (
    fleets(),
    st.lists(EVENTS, max_size=12),
    st.lists(COPIES, max_size=4, unique_by=lambda each: each.id),
    st.lists(ALERTS, max_size=3, unique_by=lambda each: each.key),
)


@settings(max_examples=60)
@given(*GIVEN, st.randoms(use_true_random=False))
def test_the_order_depends_on_what_is_known_alone(
    fleet: tuple[ServiceView, ...],
    events: list[Event],
    copies: list[Replica],
    alerts: list[Alert],
    mixed: random.Random,
) -> None:
    first = of(fleet, events, copies, alerts)
    for each in (events, copies, alerts):
        mixed.shuffle(each)
    second = of(tuple(mixed.sample(fleet, len(fleet))), events, copies, alerts)
    for name, view in first.items():
        assert second[name].diagnosis == view.diagnosis


@settings(max_examples=150)
@given(*GIVEN)
def test_what_is_said_was_read_and_nothing_later_is_more_than_unlikely(
    fleet: tuple[ServiceView, ...],
    events: list[Event],
    copies: list[Replica],
    alerts: list[Alert],
) -> None:
    for name, view in of(fleet, events, copies, alerts).items():
        found = view.diagnosis
        assert not found.explanations or found.lead is found.explanations[0].lead
        ranks = [tuple(Confidence).index(each.confidence) for each in found.explanations]
        assert ranks == sorted(ranks), "the likeliest first"
        for one, other in pairwise(found.explanations):
            assert one != other, "nothing is said twice"
        for each in found.explanations:
            assert each.lead in each.facts
            assert (each.later is None) or each.confidence is Confidence.UNLIKELY
            assert all(fact.at is None or fact.at <= NOW + PRECISION for fact in each.facts)
        _read_somewhere(name, found, events, copies)
        for width in (12, 25, 40, LONGEST, 120):
            assert width_of(why(view, width)) <= width
        assert all(width_of(sentence(each.lead)) <= LONGEST for each in found.explanations)


def _read_somewhere(
    name: str, found: Diagnosis, events: list[Event], copies: list[Replica]
) -> None:
    """Ends and changes are of the service and were reported, by an event or by the engine."""
    own = [each for each in events if each.service == name]
    known = {each.name for each in copies} | {each.subject for each in own}
    for each in found.explanations:
        if each.lead.code is FactCode.DEPENDENCY:
            continue
        for fact in each.facts:
            if fact.code in {FactCode.OUT_OF_MEMORY, FactCode.EXITED, FactCode.SIGNALLED}:
                assert fact.subject in known
            if fact.code is FactCode.IMAGE_CHANGED:
                assert any(event.at == fact.at for event in own)
