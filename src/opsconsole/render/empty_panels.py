"""The text of an empty panel: what would be there, and how to get it.

Invariant: "none" is shown only for sources that were read; a source that is not configured or does
not answer is never shown as calm.
"""

from collections.abc import Sequence
from typing import Final

from opsconsole.model.reading import is_stale
from opsconsole.model.snapshot import Snapshot, SourceView
from opsconsole.render.ink import figures
from opsconsole.render.ink.cells import BLANK, Line, Role, Row, Span, wrap
from opsconsole.render.overview import Panel

BY_HAND: Final = (
    "name yours in opsconsole.yaml, here or in ~/.config/opsconsole/config.yaml:",
    "",
    "  services:",
    "    my-api:",
    "      instances: http://localhost:8000",
    "",
    "'opsconsole check FILE' checks it; 'opsconsole demo' shows a fleet",
)
"""What to write where nothing was found."""


def nothing_to_show(panel: Panel, snapshot: Snapshot | None, back: str = "") -> list[Line]:
    """The text of an empty panel: still looking, filtered out, none, or why it is unknown.

    ``back`` says how what was filtered out is listed again.
    """
    if snapshot is None:
        return _said("looking …", role=Role.MUTED)
    if panel is Panel.SERVICES:
        return _no_services(back)
    if panel is Panel.ALERTS:
        return no_alerts(snapshot)
    if panel is Panel.PLACES:
        return _no_resources(snapshot)
    return _said("nothing has happened since the console was opened", role=Role.MUTED)


def _said(head: str, *rest: str, role: Role = Role.TEXT) -> list[Line]:
    return [BLANK, (Span(f"  {head}", role),), *((Span(f"  {text}", Role.MUTED),) for text in rest)]


def _no_services(back: str) -> list[Line]:
    if back:
        return _said("no service matches", back)
    return _said(
        "no services are configured: below are this host and its containers",
        *BY_HAND,
    )


def blind_to_alerts(snapshot: Snapshot) -> list[SourceView]:
    """The sources of alerts that do not answer: there may be more alerts than are known."""
    return [each for each in _alerting(snapshot) if each.fault is not None]


def no_alerts(snapshot: Snapshot, calm: str = "no alert is firing") -> list[Line]:
    """Why no alert is shown: ``calm`` if every source of alerts was asked and answered."""
    asked = _alerting(snapshot)
    unread = _cannot_tell(asked, snapshot.taken_at)
    if unread:
        return unread
    silent = [source for source in asked if not source.tells_alerts]
    if silent and len(silent) == len(asked):
        return _said(
            f"unknown: {silent[0].name} evaluates no rules",
            "name its vmalert as prometheus.rules_url, or set alertmanager.url",
            role=Role.UNKNOWN,
        )
    doubted = next((each for each in asked if each.unknown_rules), None)
    if doubted is not None:
        return _said(
            f"unknown: {len(doubted.unknown_rules)} rules of {doubted.name} are not evaluated",
            f"first {doubted.unknown_rules[0]}",
            doubted.note,
            role=Role.UNKNOWN,
        )
    if not asked and not snapshot.rules:
        return _said(
            "no alerts here: they are not looked for",
            "set prometheus.url or alertmanager.url",
            role=Role.MUTED,
        )
    return _said(calm, role=Role.MUTED)


def _alerting(snapshot: Snapshot) -> list[SourceView]:
    return [each for each in snapshot.sources if each.id.kind.knows_alerts]


def _cannot_tell(asked: Sequence[SourceView], now: float) -> list[Line]:
    """Which of ``asked`` does not answer, or last did too long ago, and why; () if all did."""
    blind = next((each for each in asked if each.fault is not None), None)
    if blind is not None and blind.fault is not None:
        head = f"unknown: {blind.name} does not answer"
        return _said(head, str(blind.fault), blind.fault.hint, role=Role.UNKNOWN)
    late = next((each for each in asked if is_stale(each.taken_at, each.interval, now)), None)
    if late is None:
        return []
    at = late.taken_at
    if at is None and not is_stale(late.since, late.interval, now):
        return _said(f"looking: {late.name} was not read yet", role=Role.MUTED)
    read = "was not read yet" if at is None else f"was read {figures.age(now - at)} ago"
    return _said(f"unknown: {late.name} {read}", role=Role.UNKNOWN)


def _no_resources(snapshot: Snapshot) -> list[Line]:
    asked = [each for each in snapshot.sources if each.id.kind.shows_resources]
    lines: list[Line] = []
    for source in asked:
        if source.fault is not None:
            lines += _said(f"{source.name}: {source.fault}", source.fault.hint, role=Role.UNKNOWN)
    if not asked:
        return _said(
            "neither this host nor an engine is read",
            "processor, memory, disks and containers would be listed here:",
            "set host.enabled or docker.enabled",
            role=Role.MUTED,
        )
    return (
        lines
        or _cannot_tell(asked, snapshot.taken_at)
        or _said("there is no container", role=Role.MUTED)
    )


def engines_down(snapshot: Snapshot, width: int) -> list[Row]:
    """Why containers below the host's lines are missing or old, for each engine that is down."""
    rows: list[Row] = []
    for source in snapshot.sources:
        if not source.id.kind.tells_replicas or source.fault is None:
            continue
        fault = source.fault
        missing = "" if snapshot.engines else "containers would be listed here"
        texts = [f"{source.name}: {fault.message or fault}", missing, fault.hint]
        parts = [part for text in texts if text for part in wrap(text, max(8, width - 2))]
        roles = [Role.UNKNOWN] + [Role.MUTED] * len(parts)
        rows.append(Row(f"{source.id}:gap", BLANK))
        rows += [
            Row(f"{source.id}:absent:{index}", (Span(f" {part}", role),))
            for index, (part, role) in enumerate(zip(parts, roles, strict=False))
        ]
    return rows
