"""Why a service is as it is: known facts about it, in explanations, the likeliest first.

Invariant: nothing here is guessed: every fact was read somewhere, at a time that is known or said
to be not known. A fact has a code and figures, never a sentence; words are made in
``render.service.why``. Of two explanations of one service the order is total.
"""

from enum import StrEnum
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.state import State


class FactCode(StrEnum):
    """What is known. The members' comments say what ``before``, ``after``, ``figure`` hold."""

    OUT_OF_MEMORY = "out-of-memory"  # figure: memory limit in bytes; count: deaths
    EXITED = "exited"  # figure: exit code; count: deaths
    SIGNALLED = "signalled"  # after: the signal's name; count: deaths
    CRASH_LOOP = "crash-loop"  # count: deaths, figure: exit code, limit: seconds they took
    NEVER_STARTED = "never-started"  # after: why its engine could not start it, where it said so
    HELD_BACK = "held-back"  # before: a TroubleCode, after: its detail, part, figure of limit
    GONE = "gone"  # a copy that is declared was removed
    PAUSED = "paused"
    COPIES_MISSING = "copies-missing"  # limit: wanted, figure: running
    UPDATE_STOPPED = "update-stopped"  # before: how it stands, after: what the engine said
    UPDATE_OVERDUE = "update-overdue"  # after: what was said of it
    CHECK_FAILS = "check-fails"  # after: what its health check said; before: a TroubleCode, or ''
    IMAGE_CHANGED = "image-changed"  # before, after: images
    VERSION_CHANGED = "version-changed"  # before, after: versions
    CONFIGURATION_CHANGED = "configuration-changed"  # before: what is gone, after: what is another
    OPERATED = "operated"  # after: the kind of operation; by: who
    COMPONENT_FAILS = "component-fails"  # subject: the component, after: what it said
    PROBE_FAILS = "probe-fails"  # after: what the look said; figure: copies that say so, limit: all
    DEPENDENCY = "dependency"  # subject: the other service; because: its own first cause
    OBJECTIVE_MISSED = "objective-missed"  # figure, limit, unit; subject: the objective
    ALERT = "alert"  # subject: its name, after: its summary; until: when a silent source was read
    ALERTS_SILENCED = "alerts-silenced"  # count; by: who, until: the last end
    DISK_FULL = "disk-full"  # subject: the path, figure: the part in use; by: the host
    HOST_MEMORY = "host-memory"  # subject: the host, figure: the part in use
    HOST_CERTIFICATE = "host-certificate"  # subject: whose, figure: seconds left, by: the host
    CERTIFICATE = "certificate"  # after: what the look said; subject: whose
    CERTIFICATE_ENDS = "certificate-ends"  # until: its end, figure: seconds left, limit: all copies
    FLAPPING = "flapping"  # before, after: the states
    NOT_READ = "not-read"  # subject: the source, after: its fault; of looks as in PROBE_FAILS


class Confidence(StrEnum):
    """How sure an explanation is; a word for people, never a percentage."""

    LIKELY = "likely"
    POSSIBLE = "possible"
    UNLIKELY = "unlikely"


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that is known. ``at`` is when it began, None where that was not seen.

    ``subject`` is what it is about: a copy, a component, another service, an alert; ``copies`` how
    many copies it is about, ``subject`` then being the first by name. ``count`` is how often.
    ``source`` is the label of where it was read, '' for our own looks. ``until`` is when it ends
    or ended last. ``limit`` is what ``figure`` is compared with. ``part`` is what of the subject it
    is about: a container, an image, a volume. ``because`` are the facts that it follows from: a
    change before it, or the first cause of the service that it names.
    """

    code: FactCode
    at: float | None = None
    subject: str = ""
    count: int = 1
    before: str = ""
    after: str = ""
    figure: float | None = None
    limit: float | None = None
    unit: str = ""
    until: float | None = None
    source: str = ""
    state: State | None = None
    by: str = ""
    copies: int = 1
    because: tuple["Fact", ...] = ()
    part: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """One story: ``lead`` is what its sentence says, ``facts`` what it stands on, by time.

    ``lead`` is one of ``facts``. ``later`` is by how many seconds its first fact came after the
    service went wrong, None where it did not, and of what the service itself says of its present
    state; what has it is never more than UNLIKELY.
    """

    lead: Fact
    facts: tuple[Fact, ...]
    confidence: Confidence
    later: float | None = None


class Checked(StrEnum):
    """What was looked at and found well: the names for *ruled out*."""

    HOST_MEMORY = "host memory"
    HOST_CPU = "cpu"
    HOST_DISK = "disk"
    DEPENDENCIES = "dependencies"
    IMAGE = "image"
    CONFIGURATION = "configuration"


@dataclass(frozen=True, slots=True)
class Unknown:
    """What could not be looked at: ``what`` in a word or two, ``why`` in the source's own."""

    what: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All explanations of one service, the likeliest first; none where nothing is known.

    ``ruled_out`` lists only what was really read, and freshly. ``watched_since`` is from when on
    changes would have been seen, by this console or by the recording.
    """

    explanations: tuple[Explanation, ...] = ()
    ruled_out: tuple[Checked, ...] = ()
    unknown: tuple[Unknown, ...] = ()
    watched_since: float | None = None

    @property
    def lead(self) -> Fact | None:
        """The best known cause, if there is one."""
        return self.explanations[0].lead if self.explanations else None


_RECURRING: Final = frozenset({FactCode.OUT_OF_MEMORY, FactCode.CRASH_LOOP})


def recurring_end(diagnosis: Diagnosis) -> Fact | None:
    """The end that copies come to again and again, so that another start will not last.

    None where nobody knows of one. From ``at`` to ``until`` it happened ``count`` times.
    """
    leads = (each.lead for each in diagnosis.explanations)
    return next((each for each in leads if each.code in _RECURRING and each.count > 1), None)


NO_DIAGNOSIS: Final = Diagnosis()
"""The diagnosis of a service that is well."""
