"""The only ways to hand outside text to Textual's own widgets.

Invariant: text that passes here is never read as markup, whatever brackets it holds, and no control
character gets through, even one that the sources missed.
"""

from textual.content import Content

from opsconsole.text import sanitize


def content(text: str, style: str = "") -> Content:
    """``text`` unchanged, for titles, options and palette hits."""
    clean = sanitize(text, multiline=True)
    return Content.styled(clean, style) if style else Content(clean)
