"""The first picture, before anything is known: the environment, and that reading has begun.

Invariant: imports no more than cells, so that it is painted at once.
"""

from opsconsole.render.ink.cells import BLANK, Line, Role, Span, badge_role, clip, titled


def lines(environment: str, danger: str, width: int) -> list[Line]:
    """The header's two lines and the first panel's title, where they will be."""
    name = f" {clip(environment.upper(), 20)} "
    first: Line = (
        Span(name, badge_role(danger)),
        Span("  looking …".ljust(max(0, width - len(name))), Role.BAR_MUTED),
    )
    second: Line = (Span(" starting the engine …".ljust(width), Role.BAR_MUTED),)
    return [first, second, titled("Services", width, focused=True), BLANK]
