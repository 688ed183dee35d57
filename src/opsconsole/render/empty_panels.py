"""What a panel says when it has nothing to show: what would be there, and how to get it.

Invariant: none is said only of what was looked at; what is not asked, or does not answer, is
never shown as calm.
"""

from collections.abc import Iterable
from typing import Final

from opsconsole.model.reading import is_stale
from opsconsole.model.snapshot import Snapshot, SourceView
from opsconsole.render.ink import figures
from opsconsole.render.ink.cells import BLANK, Line, Role, Row, Span, wrap
from opsconsole.render.overview import Panel

_ALERTING: Final = ("prometheus", "alertmanager")


def nothing_to_show(panel: Panel, snapshot: Snapshot | None, *, filtered: bool) -> list[Line]:
    """What an empty panel says: still looking, filtered away, none, or why it cannot be known."""
    if snapshot is None:
        return _said("looking …", role=Role.MUTED)
    if panel is Panel.SERVICES:
        return _no_services(filtered)
    if panel is Panel.ALERTS:
        return no_alerts(snapshot)
    if panel is Panel.RESOURCES:
        return _no_resources(snapshot)
    return _said("nothing has happened since the console was opened", role=Role.MUTED)


def _said(head: str, *rest: str, role: Role = Role.TEXT) -> list[Line]:
    return [BLANK, (Span(f"  {head}", role),), *((Span(f"  {text}", Role.MUTED),) for text in rest)]


def _no_services(filtered: bool) -> list[Line]:
    if filtered:
        return _said("no service matches", "esc clears the filter, f shows all again")
    return _said(
        "no services are configured: below are this host and its containers",
        "name yours in opsconsole.yaml, here or in ~/.config/opsconsole/config.yaml:",
        "",
        "  services:",
        "    my-api:",
        "      instances: http://localhost:8000",
        "",
        "'opsconsole check FILE' checks it; 'opsconsole demo' shows a fleet",
    )


def blind_to_alerts(snapshot: Snapshot) -> list[SourceView]:
    """The sources of alerts that do not answer: there may be more than is known."""
    return [each for each in snapshot.sources if _alerting(each) and each.fault is not None]


def no_alerts(snapshot: Snapshot, calm: str = "no alert is firing") -> list[Line]:
    """Why there is none to show: ``calm`` where whoever knows was asked and answered."""
    asked = [source for source in snapshot.sources if _alerting(source)]
    blind = blind_to_alerts(snapshot)
    if blind:
        fault = blind[0].fault
        return _said(
            f"cannot tell: {blind[0].name} does not answer",
            str(fault),
            fault.hint if fault else "",
            role=Role.UNKNOWN,
        )
    late = [each for each in asked if is_stale(each.taken_at, each.interval, snapshot.taken_at)]
    if late:
        at = late[0].taken_at
        read = "was not read yet" if at is None else f"was read {_ago(snapshot.taken_at - at)}"
        return _said(f"cannot tell: {late[0].name} {read}", role=Role.UNKNOWN)
    silent = [source for source in asked if not source.tells_alerts]
    if silent and len(silent) == len(asked):
        return _said(
            f"cannot tell: {silent[0].name} evaluates no rules",
            "name its vmalert as prometheus.rules_url, or set alertmanager.url",
            role=Role.UNKNOWN,
        )
    if not asked and not snapshot.rules:
        return _said(
            "no alerts here: they are not looked for",
            "set prometheus.url or alertmanager.url",
            role=Role.MUTED,
        )
    return _said(calm, role=Role.MUTED)


def _ago(seconds: float) -> str:
    return f"{figures.age(seconds)} ago"


def _alerting(source: SourceView) -> bool:
    known = any(word in source.name for word in _ALERTING)
    return known and not source.name.endswith(" history")


def _no_resources(snapshot: Snapshot) -> list[Line]:
    lines: list[Line] = []
    for source in snapshot.sources:
        if source.name in {"docker", "host"} and source.fault is not None:
            lines += _said(f"{source.name}: {source.fault}", source.fault.hint, role=Role.UNKNOWN)
    return lines or _said(
        "neither this host nor a Docker Engine is read",
        "processor, memory, disks and containers would be listed here:",
        "set host.enabled or docker.enabled",
        role=Role.MUTED,
    )


def no_containers(sources: Iterable[SourceView], width: int) -> list[Row]:
    """Why there are no containers below the host's lines, where Docker is asked in vain."""
    docker = next((each for each in sources if each.name == "docker"), None)
    if docker is None or docker.fault is None:
        return []
    fault = docker.fault
    texts = [fault.message or str(fault), "containers would be listed here", fault.hint]
    parts = [part for text in texts if text for part in wrap(text, max(8, width - 2))]
    roles = [Role.UNKNOWN] + [Role.MUTED] * len(parts)
    return [
        Row("docker:gap", BLANK),
        *(
            Row(f"docker:absent:{index}", (Span(f" {part}", role),))
            for index, (part, role) in enumerate(zip(parts, roles, strict=False))
        ),
    ]
