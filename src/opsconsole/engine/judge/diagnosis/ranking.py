"""From facts to explanations, the likeliest first. Pure.

Invariant: the order is total and depends on the facts alone, never on the order in which they came.
What began after the service had gone wrong did not cause it, so that it is UNLIKELY, unless it is
what the service itself says of its present state.
"""

from collections.abc import Iterable
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.engine.judge.diagnosis.known import PRECISION, Onset
from opsconsole.model.diagnosis import Confidence, Explanation, Fact, FactCode

_TELLING: Final = (
    FactCode.OUT_OF_MEMORY,
    FactCode.PAUSED,
    FactCode.HELD_BACK,
    FactCode.NEVER_STARTED,
    FactCode.SIGNALLED,
    FactCode.GONE,
    FactCode.DEPENDENCY,
    FactCode.UPDATE_STOPPED,
    FactCode.CRASH_LOOP,
    FactCode.EXITED,
    FactCode.CERTIFICATE,
    FactCode.COMPONENT_FAILS,
    FactCode.FLAPPING,
    FactCode.DISK_FULL,
    FactCode.HOST_MEMORY,
    FactCode.HOST_CERTIFICATE,
    FactCode.CHECK_FAILS,
    FactCode.PROBE_FAILS,
    FactCode.UPDATE_OVERDUE,
    FactCode.COPIES_MISSING,
    FactCode.NOT_READ,
    FactCode.OBJECTIVE_MISSED,
    FactCode.ALERT,
    FactCode.IMAGE_CHANGED,
    FactCode.VERSION_CHANGED,
    FactCode.CONFIGURATION_CHANGED,
    FactCode.OPERATED,
    FactCode.CERTIFICATE_ENDS,
    FactCode.ALERTS_SILENCED,
)
"""What says more of the cause comes first: causes before symptoms, one's own before others'."""

_CONFIDENT: Final = tuple(Confidence)


@dataclass(frozen=True, slots=True)
class Story:
    """An explanation before it is compared with the onset; ``began`` is the earliest that its
    beginning can have been, None where that is not known. ``present``: the service says so itself,
    of the state that it is in."""

    lead: Fact
    facts: tuple[Fact, ...]
    confidence: Confidence
    began: float | None
    present: bool = False


def ranked(stories: Iterable[Story], onset: Onset | None) -> tuple[Explanation, ...]:
    """The explanations of ``stories``, the likeliest first."""
    return tuple(sorted((_explained(each, onset) for each in stories), key=_rank))


def _explained(story: Story, onset: Onset | None) -> Explanation:
    late = 0.0
    if onset is not None and story.began is not None and not story.present:
        late = story.began - onset.wrong
    facts = tuple(sorted(story.facts, key=_in_time))
    if late > PRECISION:
        return Explanation(story.lead, facts, Confidence.UNLIKELY, late)
    return Explanation(story.lead, facts, story.confidence)


def _rank(explanation: Explanation) -> tuple[int, int, float, float, str]:
    lead = explanation.lead
    return (
        _CONFIDENT.index(explanation.confidence),
        _TELLING.index(lead.code),
        -_excess(lead),
        lead.at if lead.at is not None else float("inf"),
        repr(explanation),
    )


def _excess(fact: Fact) -> float:
    """By how much an objective is missed; how many copies anything else is about."""
    if fact.code is not FactCode.OBJECTIVE_MISSED:
        return float(fact.copies)
    figure, limit = abs(fact.figure or 0.0), abs(fact.limit or 0.0)
    return max(figure, limit) / min(figure, limit) if figure and limit else max(figure, limit)


def _in_time(fact: Fact) -> tuple[bool, float, str]:
    return fact.at is None, fact.at or 0.0, repr(fact)
