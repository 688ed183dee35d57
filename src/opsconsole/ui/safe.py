"""The only ways to hand outside text to Textual's own widgets.

Invariant: nothing that passes here is read as markup, whatever brackets it holds, and no
control character gets through, even one that came round the sources' door.
"""

from textual.app import App
from textual.content import Content
from textual.widgets import Static

from opsconsole.text import sanitize


def content(text: str, style: str = "") -> Content:
    """``text`` as it stands, for titles, options and palette hits."""
    clean = sanitize(text, multiline=True)
    return Content.styled(clean, style) if style else Content(clean)


def static(text: str, **kwargs: str) -> Static:
    """A Static that shows ``text`` as it stands. Keywords are ``id`` and ``classes``."""
    return Static(content(text), markup=False, **kwargs)  # type: ignore[arg-type]  # id, classes


def notify(app: App[int], text: str, *, title: str = "", severity: str = "information") -> None:
    """A toast with ``text`` as it stands."""
    known = {"information", "warning", "error"}
    app.notify(
        sanitize(text, multiline=True),
        title=sanitize(title),
        severity=severity if severity in known else "information",  # type: ignore[arg-type]
        markup=False,
    )
