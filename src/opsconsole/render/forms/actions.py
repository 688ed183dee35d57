"""The actions of a service as rows: possible, or blocked and why."""

from typing import Final

from opsconsole.model.operation import ActionView, Effect
from opsconsole.render.ink.cells import BLANK, Line, Role, Span, clip, fit, wrap

KEYS = {"restart": "R", "degrade": "D", "recover": "D", "backup": "B", "rollback": "U"}

LABEL: Final = 22


def menu_line(view: ActionView, width: int) -> Line:
    """Key, kind, what it does; if blocked, why and what would lift it."""
    blocked = view.refusal is not None
    name = view.name if view.name and view.name != view.kind.value else ""
    label = f"{view.kind.value} {name}".strip()
    said = str(view.refusal) if view.refusal is not None else view.summary
    key = KEYS.get(view.kind.value, " ")
    reads = " (reads only)" if view.effect is Effect.READ else ""
    return (
        Span(f" {key} ", Role.FAINT if blocked else Role.ACCENT),
        Span(fit(label, LABEL), Role.MUTED if blocked else Role.STRONG),
        Span("blocked " if blocked else "        ", Role.MUTED),
        Span(
            clip(f"{said}{reads}", max(8, width - LABEL - 12)), Role.MUTED if blocked else Role.TEXT
        ),
    )


def about_lines(view: ActionView, width: int) -> list[Line]:
    """What it does and by which driver; if blocked, the full reason and what would lift it."""
    refused = view.refusal
    if refused is None:
        by = f"by {view.driver}"
        said = view.summary if view.summary.endswith(by) else f"{view.summary} · {by}"
        return [(Span(f" {part}", Role.MUTED),) for part in wrap(said, width - 2)]
    blocked = wrap(f"blocked: {refused.message}", max(8, width - 2))
    lines: list[Line] = [(Span(f" {part}", Role.TEXT),) for part in blocked]
    if refused.lifted_by:
        said = f"lifted by: {refused.lifted_by}"
        lines += [(Span(f" {part}", Role.MUTED),) for part in wrap(said, width - 2)]
    return lines


def nothing() -> list[Line]:
    """The menu of a service without actions."""
    return [
        (Span(" no action is allowed for this service", Role.TEXT),),
        BLANK,
        (Span(" what may be done is declared under actions: in the configuration", Role.MUTED),),
    ]
