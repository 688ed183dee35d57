"""What looks at a service say: parts that fail, looks that fail, looks that are missing. Pure."""

import math
from collections.abc import Collection, Iterable, Iterator, Sequence

from opsconsole.dataclass import dataclass
from opsconsole.engine.judge.diagnosis.known import Known
from opsconsole.model.certificate import DAY
from opsconsole.model.diagnosis import Fact, FactCode
from opsconsole.model.fault import FaultKind
from opsconsole.model.health import Component, Sign, failing, whole
from opsconsole.model.running.workloads import Replica
from opsconsole.model.snapshot import InstanceView, ServiceView, SourceView, first_to_end
from opsconsole.model.state import State, worst


@dataclass(frozen=True, slots=True)
class Reported:
    """What copies say of one part: what it makes of the whole, and its first sign of trouble."""

    effect: State
    first: Sign | None = None

    def sign_before(self, fact: Fact) -> Fact | None:
        """The first sign as a fact, where it came before ``fact``."""
        first = self.first
        if first is None or fact.at is None or first.at >= fact.at:
            return None
        return Fact(fact.code, first.at, fact.subject, after=first.message, state=first.state)


def look_facts(instances: Iterable[InstanceView], all_of_them: int) -> Iterator[Fact]:
    """Failing parts, failing looks and flapping of ``instances``, of ``all_of_them`` in number."""
    ill = [each for each in instances if each.state is not State.OK and _was_read(each)]
    parts = [(each, part) for each in ill if (part := _culprit(each)) is not None]
    yield from _of_components(parts)
    # What flaps says of its looks by that.
    named = {each.name for each, _ in parts} | {each.name for each in ill if each.flapping}
    rest = [each for each in ill if each.name not in named and each.reason]
    yield from _of_probes(rest, all_of_them)
    for each in ill:
        if each.flapping:
            yield Fact(FactCode.FLAPPING, None, each.name, after=each.reason, state=each.state)


def _was_read(instance: InstanceView) -> bool:
    """Whether anybody said something of it, which is not old."""
    unheard = instance.state is State.UNKNOWN and instance.taken_at is None and not instance.url
    return not instance.stale and not unheard


def reported_parts(instances: Iterable[InstanceView]) -> dict[str, Reported]:
    """What ``instances`` say at present of the parts that ``look_facts`` names, by name."""
    found: dict[str, Reported] = {}
    for each in instances:
        part = None if each.state is State.OK or each.stale else _culprit(each)
        if part is None:
            continue
        known = found.get(part.name, Reported(State.OK))
        firsts = [sign for sign in (known.first, part.first) if sign is not None]
        effect = worst((known.effect, whole((part,))))
        first = min(firsts, key=lambda sign: (sign.at, repr(sign)), default=None)
        found[part.name] = Reported(effect, first)
    return found


def noted_facts(service: ServiceView) -> Iterator[Fact]:
    """Parts that are down by what copies say that call themselves ok all the same."""
    noted = ((each, part_in_ok(each)) for each in service.instances)
    yield from _of_components([(each, part) for each, part in noted if part is not None])


def part_in_ok(instance: InstanceView) -> Component | None:
    """The first part that is down, and needed, of a copy that is ok."""
    report = instance.report
    if report is None or not report.message or report.state is not State.OK:
        return None
    if instance.state is not State.OK or instance.stale:
        return None
    parts = (each for each in failing(report.components) if each.critical)
    return next((each for each in parts if each.state is State.DOWN), None)


def end_facts(service: ServiceView, now: float) -> Iterator[Fact]:
    """The certificate of ``service`` that ends soon, or has ended with nobody refusing it."""
    shown = [each for each in service.instances if _ends_soon(each, now)]
    first = first_to_end((each.certificate for each in shown), now)
    if first is None:
        return
    validity = first.validity
    days = validity.notice(now)
    assert days is not None, "chosen for that"
    whose = next(each.name for each in shown if each.certificate == first)
    yield Fact(
        FactCode.CERTIFICATE_ENDS,
        validity.noticed_at(days),
        whose,
        figure=_whole(validity.left(now)),
        limit=float(len(service.instances)),
        until=validity.ends,
        copies=len(shown),
    )


def _ends_soon(instance: InstanceView, now: float) -> bool:
    shown = instance.certificate
    return shown is not None and not shown.is_stale(now) and shown.validity.notice(now) is not None


def _whole(seconds: float) -> float:
    """Towards zero to what is said of it, so that it is another only when that is."""
    unit = next((each for each in (DAY, 3600.0) if abs(seconds) >= each), 60.0)
    return math.trunc(seconds / unit) * unit


def unread_facts(service: ServiceView, known: Known) -> Iterator[Fact]:
    """Why nothing is known of ``service`` at present, where its looks do not say it."""
    if not service.stale and service.state is not State.UNKNOWN:
        return
    silent = [each for each in known.sources if each.fault is not None and _serves(each, service)]
    for each in silent:
        yield Fact(FactCode.NOT_READ, each.since, each.name, after=str(each.fault))
    ill = [each for each in service.instances if each.state is State.UNKNOWN and _was_read(each)]
    looked = any(each.reason for each in ill)
    if not silent and not looked and service.reason:
        yield Fact(FactCode.NOT_READ, service.since, "", after=service.reason)


def _serves(source: SourceView, service: ServiceView) -> bool:
    """Whether a service without addresses of its own is known through ``source`` alone."""
    return source.id.kind.tells_replicas and not any(each.url for each in service.instances)


def _culprit(instance: InstanceView) -> Component | None:
    """The innermost part that fails, of a look that was answered."""
    if instance.report is None or instance.fault is not None:
        return None
    found = failing(instance.report.components)
    return found[0] if found else None


def _of_components(parts: Sequence[tuple[InstanceView, Component]]) -> Iterator[Fact]:
    alike: dict[str, list[tuple[InstanceView, Component]]] = {}
    for instance, part in parts:
        alike.setdefault(part.name, []).append((instance, part))
    for name, group in sorted(alike.items()):
        gravest = max(group, key=lambda each: each[1].state.urgency)[1]
        yield Fact(
            FactCode.COMPONENT_FAILS,
            _earliest([part.since for _, part in group]),
            name,
            after=gravest.message,
            state=gravest.state,
            copies=len(group),
        )


def _of_probes(instances: Sequence[InstanceView], all_of_them: int) -> Iterator[Fact]:
    alike: dict[str, list[InstanceView]] = {}
    for each in instances:
        kind = each.fault.kind if each.fault is not None else each.reason
        alike.setdefault(kind, []).append(each)
    for group in alike.values():
        gravest = max(group, key=lambda each: each.state.urgency)
        yield Fact(
            _code(gravest),
            _earliest([each.wrong_at or each.since for each in group]),
            gravest.name,
            after=gravest.reason,
            figure=float(len(group)),
            limit=float(all_of_them),
            state=gravest.state,
            copies=len(group),
        )


def _code(gravest: InstanceView) -> FactCode:
    if gravest.state is State.UNKNOWN:
        return FactCode.NOT_READ
    refused = gravest.fault is not None and gravest.fault.kind is FaultKind.TLS
    return FactCode.CERTIFICATE if refused else FactCode.PROBE_FAILS


def runs_as(instance: InstanceView, copies: Iterable[Replica], names: Collection[str]) -> bool:
    """Whether ``instance`` is one of the copies called ``names``."""
    ids = {each.id for each in copies if each.name in names}
    return instance.runs_as in names or not ids.isdisjoint(instance.replicas)


def _earliest(times: Iterable[float | None]) -> float | None:
    return min((at for at in times if at is not None), default=None)
