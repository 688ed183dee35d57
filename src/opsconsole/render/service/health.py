"""The health of one service: every instance with its probes and the tree of its components.

Invariant: nothing here is fresher than what was read: every instance says when it was last seen. A
row's key is its instance and the names down to its component, so that a cursor stays on its
component whatever rows come before it.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from opsconsole.model.health import Component, ProbeKind
from opsconsole.model.snapshot import InstanceView, ProbeView, ServiceView
from opsconsole.model.state import State
from opsconsole.render.ink import figures
from opsconsole.render.ink.cells import (
    BLANK,
    Align,
    Line,
    Role,
    Row,
    Span,
    clip,
    clip_line,
    fit,
    line_width,
    state_role,
    wrap,
)

DEPTH = 12
_NAME = 24


class HealthRow(NamedTuple):
    """A row, the component that it shows and the copy that it is about; '' for none."""

    row: Row
    component: str = ""
    copy: str = ""


def rows(
    service: ServiceView,
    width: int,
    now: float,
    tested: Collection[str] = (),
    facts: Mapping[str, Sequence[Line]] = MappingProxyType({}),
) -> list[HealthRow]:
    """All rows. ``tested`` are the names of components with a declared test, ``facts`` what else is
    known of an instance by its name."""
    out: list[HealthRow] = []
    for instance in service.instances:
        name, first = instance.name, len(out) + 1
        out.append(_text(f"{name}/", BLANK))
        out += [
            _text(f"{name}/{n}", line)
            for n, line in enumerate(instance_lines(instance, width, now))
        ]
        out += [_text(f"{name}/fact/{n}", line) for n, line in enumerate(facts.get(name, ()))]
        out += _reported(instance, width, now, tested)
        out[first:] = [each._replace(copy=name) for each in out[first:]]
    return out


def _reported(
    instance: InstanceView, width: int, now: float, tested: Collection[str]
) -> Iterator[HealthRow]:
    """The components of its report, else what it says."""
    report, name = instance.report, instance.name
    if report is None:
        return
    old = is_old(instance)
    if old and instance.report_at is not None:
        then = f"   as it was {figures.age(now - instance.report_at)} ago:"
        yield _text(f"{name}/old", (Span(then, Role.STALE),))
    if report.components:
        tree = _Tree(width, now, {each.casefold() for each in tested}, stale=old)
        yield from tree.rows(report.components, f"{name}/parts", "   ", 0)
    elif report.message:
        for n, text in enumerate(wrap(report.message, max(8, width - 4))):
            yield _text(f"{name}/said/{n}", (Span(f"   {text}", Role.MUTED),))


def is_old(instance: InstanceView) -> bool:
    """Whether its report is older than the latest look, which failed or is overdue."""
    return instance.stale or instance.fault is not None


def _text(key: str, line: Line) -> HealthRow:
    return HealthRow(Row(key, line))


def instance_lines(instance: InstanceView, width: int, now: float) -> list[Line]:
    """One instance: its state and its age, its address, the reason, its other probes."""
    role = state_role(instance.state, stale=instance.stale)
    word = "stale" if instance.stale else instance.state.value
    seen = "never read"
    if instance.taken_at is not None:
        seen = f"read {figures.age(now - instance.taken_at)} ago"
    lasts = figures.lasting(now - instance.since, at_least=instance.at_least)
    head: list[Span] = [
        Span(f" {'◌' if instance.stale else instance.state.glyph} {word:<9}", role),
        Span(f"{instance.name}  ", Role.STRONG),
        Span(f"for {lasts}  ", Role.MUTED),
        Span(f"{instance.url}  " if instance.url else "", Role.MUTED),
        Span(f"{figures.duration(instance.latency)}  ", Role.TEXT),
        Span(seen, Role.MUTED),
    ]
    lines: list[Line] = [tuple(head)]
    if instance.reason or instance.fault:
        said = instance.reason or str(instance.fault)
        lines += [(Span(f"   {text}", Role.TEXT),) for text in wrap(said, max(8, width - 4))[:3]]
    if instance.fault is not None and instance.fault.hint:
        lines.append((Span(f"   {clip(instance.fault.hint, width - 4)}", Role.MUTED),))
    others = [probe for probe in instance.probes if probe.kind is not ProbeKind.HEALTH]
    if others:
        lines.append(tuple(span for probe in others for span in _probe(probe)))
    return lines


def _probe(probe: ProbeView) -> Line:
    return (
        Span(f"   {probe.state.glyph} ", state_role(probe.state)),
        Span(f"{probe.kind.value} ", Role.TEXT),
        Span(f"{figures.duration(probe.took)}", Role.MUTED),
    )


class _Tree:
    """Components, one per row: state, latency, age, and their own text."""

    def __init__(
        self, width: int, now: float, tested: Collection[str], *, stale: bool = False
    ) -> None:
        self._width = width
        self._now = now
        self._tested = tested
        self._stale = stale

    def rows(
        self, parts: tuple[Component, ...], place: str, indent: str, depth: int
    ) -> Iterator[HealthRow]:
        """``parts`` and all below them."""
        seen: Counter[str] = Counter()
        for index, part in enumerate(parts):
            last = index == len(parts) - 1
            key = f"{place}\n{part.name}\n{seen[part.name]}"
            seen[part.name] += 1
            line = self._line(part, f"{indent}{'└─' if last else '├─'} ", depth)
            yield HealthRow(Row(key, line), part.name)
            if depth < DEPTH:
                below = indent + ("   " if last else "│  ")
                yield from self.rows(part.children, key, below, depth + 1)

    def _line(self, part: Component, indent: str, depth: int) -> Line:
        role = state_role(part.state, stale=self._stale)
        calm = Role.STALE if self._stale else Role.TEXT
        loud = calm if part.state is State.OK or self._stale else Role.STRONG
        room = max(_NAME - depth * 3, 8)
        since = "" if part.since is None else figures.age(self._now - part.since)
        spans = [
            Span(indent, Role.RULE),
            Span(f"{part.state.glyph} ", role),
            Span(fit(part.name, room), loud),
            Span(f" {part.state.value:<9}", role),
            Span(fit(figures.duration(part.latency), 6, Align.RIGHT), Role.MUTED),
            Span(fit(since, 8, Align.RIGHT), Role.MUTED),
        ]
        offer = "[V] test" if self._width >= 100 else "[V]"
        if self._tested:
            test = offer if part.name.casefold() in self._tested else ""
            spans.append(Span(f"  {fit(test, len(offer))}", Role.MUTED))
        said = part.message
        if part.breaker and "breaker" not in said:
            said = f"breaker {part.breaker}{f' · {said}' if said else ''}"
        left = max(0, self._width - line_width(tuple(spans)) - 2)
        return clip_line((*spans, Span(f"  {clip(said, left)}", calm)), self._width)


def raw_rows(service: ServiceView, width: int, now: float) -> list[HealthRow]:
    """The raw bodies, sanitised, one instance after the other."""
    out: list[HealthRow] = []
    for instance in service.instances:
        lines = _raw(instance, width, now)
        out += [
            _text(f"{instance.name}/raw/{n}", line)._replace(copy=instance.name)
            for n, line in enumerate(lines)
        ]
    if not out:
        out.append(_text("none", (Span("  no endpoint is probed for this service", Role.MUTED),)))
    return out


def _raw(instance: InstanceView, width: int, now: float) -> list[Line]:
    report = instance.report
    lines: list[Line] = [(Span(f" {instance.name}  ", Role.STRONG), Span(instance.url, Role.MUTED))]
    if report is None:
        return [*lines, (Span("   no body was understood", Role.MUTED),), BLANK]
    seen = ""
    if instance.report_at is not None:
        seen = f" · read {figures.age(now - instance.report_at)} ago"
    status = f"   HTTP {report.status_code} · {report.content_type or 'no content type'}"
    stale = Role.STALE if instance.fault is not None or instance.stale else Role.MUTED
    lines.append((Span(f"{status} · read as {report.format}{seen}", stale),))
    for text in report.raw.split("\n"):
        lines += [(Span(f"   {part}"),) for part in wrap(text, max(8, width - 4))]
    return [*lines, BLANK]
