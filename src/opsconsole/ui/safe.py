"""The only ways to hand outside text to Textual's own widgets.

Invariant: nothing that passes here is read as markup, whatever brackets it holds, and no
control character gets through, even one that came round the sources' door.
"""

from textual.content import Content

from opsconsole.text import sanitize


def content(text: str, style: str = "") -> Content:
    """``text`` as it stands, for titles, options and palette hits."""
    clean = sanitize(text, multiline=True)
    return Content.styled(clean, style) if style else Content(clean)
