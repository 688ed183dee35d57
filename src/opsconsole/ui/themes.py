"""Turns a palette of named colours into the style of every role, and into Textual's theme.

Invariant: the built-in palette needs no file, so that the first paint does not wait for one. In a
mono palette states differ by weight and reverse, never by colour. Colours are ``#rrggbb``.
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import Final

from rich.style import Style
from textual.theme import Theme

from opsconsole.dataclass import dataclass
from opsconsole.model.contrast import READABLE, contrast
from opsconsole.render.ink.cells import Role


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of a theme, by purpose."""

    name: str = "dark"
    dark: bool = True
    mono: bool = False
    background: str = "#0f1419"
    surface: str = "#1a212a"
    raised: str = "#22303f"
    text: str = "#cdd6e0"
    strong: str = "#ffffff"
    muted: str = "#8494a6"
    faint: str = "#566373"
    rule: str = "#2c3845"
    accent: str = "#62b0ff"
    trace_fill: str = "#2f5f8f"
    ok: str = "#5bc889"
    degraded: str = "#f0b849"
    down: str = "#ff7a70"
    unknown: str = "#c3a6f5"
    danger_low: str = "#f0b849"
    danger_high: str = "#c9342c"
    on_danger: str = "#ffffff"
    header_background: str = "#1a212a"
    header_text: str = "#cdd6e0"

    @property
    def chip(self) -> str:
        """What is behind a state in the header: the header where states are legible on it."""
        states = (self.ok, self.degraded, self.unknown)
        plain = all(contrast(state, self.header_background) >= READABLE for state in states)
        return self.header_background if plain else self.background


LIGHT: Final = Palette(
    name="light", dark=False, background="#fbfcfd", surface="#e9edf2", raised="#d8e6f6",
    text="#26303b", strong="#000000", muted="#56636f", faint="#8a95a1", rule="#ccd4dc",
    accent="#0a5cad", trace_fill="#9cc3ea",
    ok="#116932", degraded="#7d4e00", down="#b3231a", unknown="#6a3fb5",
    danger_low="#7d4e00", danger_high="#b3231a",
    header_background="#e9edf2", header_text="#26303b",
)  # fmt: skip

MONO: Final = Palette(
    name="mono", mono=True, background="#000000", surface="#1c1c1c", raised="#3a3a3a",
    text="#d0d0d0", strong="#ffffff", muted="#a0a0a0", faint="#6c6c6c", rule="#444444",
    accent="#ffffff", trace_fill="#8a8a8a",
    ok="#c0c0c0", degraded="#ffffff", down="#ffffff", unknown="#e0e0e0",
    danger_low="#d0d0d0", danger_high="#ffffff", on_danger="#000000",
    header_background="#1c1c1c", header_text="#d0d0d0",
)  # fmt: skip

BUILT_IN: Final[Mapping[str, Palette]] = {
    palette.name: palette for palette in (Palette(), LIGHT, MONO)
}

_NAMES: Final = frozenset(field.name for field in fields(Palette))


def palette_of(theme: object) -> Palette:
    """A palette from a validated theme; missing colours come from a built-in one."""
    dark = bool(getattr(theme, "dark", True))
    base = MONO if getattr(theme, "mono", False) else (Palette() if dark else LIGHT)
    given = {name: value for name in _NAMES if (value := getattr(theme, name, None)) is not None}
    known = {name: given.get(name, getattr(base, name)) for name in _NAMES}
    known["trace_fill"] = blended(known["accent"], known["background"])
    inks = (known["strong"], known["background"])
    known["on_danger"] = max(inks, key=lambda ink: contrast(ink, known["danger_high"]))
    return Palette(**known)


def blended(colour: str, behind: str, share: float = 0.45) -> str:
    """``colour`` at ``share`` over ``behind``."""
    pairs = ((int(colour[at : at + 2], 16), int(behind[at : at + 2], 16)) for at in (1, 3, 5))
    return "#" + "".join(f"{round(one * share + two * (1 - share)):02x}" for one, two in pairs)


def textual_theme(palette: Palette) -> Theme:
    """For the few widgets of Textual that are used: inputs, the palette, toasts."""
    return Theme(
        name=f"opsconsole-{palette.name}",
        primary=palette.accent,
        secondary=palette.accent,
        accent=palette.accent,
        foreground=palette.text,
        background=palette.background,
        surface=palette.surface,
        panel=palette.surface,
        success=palette.ok,
        warning=palette.degraded,
        error=palette.down,
        dark=palette.dark,
    )


_LOOKS: Final[Mapping[Role, tuple[str, str, str]]] = {
    Role.TEXT: ("text", "background", ""),
    Role.STRONG: ("strong", "background", "bold"),
    Role.MUTED: ("muted", "background", ""),
    Role.FAINT: ("faint", "background", ""),
    Role.ACCENT: ("accent", "background", "bold"),
    Role.TITLE: ("text", "background", "bold"),
    # By form too: where the accent is nearly white, hue alone shows no focus.
    Role.TITLE_FOCUSED: ("accent", "background", "bold underline"),
    Role.HEADER: ("muted", "background", ""),
    Role.RULE: ("rule", "background", ""),
    Role.STALE: ("muted", "background", "italic"),
    Role.OK: ("ok", "background", ""),
    Role.DEGRADED: ("degraded", "background", "bold"),
    Role.DOWN: ("down", "background", "bold"),
    Role.UNKNOWN: ("unknown", "background", ""),
    # Drawn with block characters, which no attribute may cross.
    Role.BIG_OK: ("ok", "background", ""),
    Role.BIG_DEGRADED: ("degraded", "background", ""),
    Role.BIG_UNKNOWN: ("unknown", "background", ""),
    Role.BAR: ("header_text", "header_background", ""),
    Role.BAR_MUTED: ("header_text", "header_background", "dim"),
    Role.BAR_STRONG: ("header_text", "header_background", "bold"),
    Role.BAR_OK: ("ok", "chip", ""),
    Role.BAR_DEGRADED: ("degraded", "chip", "bold"),
    Role.BAR_DOWN: ("background", "down", "bold"),
    Role.BAR_UNKNOWN: ("unknown", "chip", ""),
    Role.BADGE: ("background", "accent", "bold"),
    Role.BADGE_LOW: ("background", "danger_low", "bold"),
    Role.BADGE_HIGH: ("on_danger", "danger_high", "bold"),
    Role.BADGE_NOTE: ("background", "muted", "bold"),
    Role.REPLAY: ("background", "accent", "bold"),
    Role.TRACE: ("accent", "background", ""),
    Role.TRACE_FILL: ("trace_fill", "background", ""),
    Role.TRACE_LOW: ("muted", "background", ""),
    Role.TRACE_HIGH: ("strong", "background", ""),
    Role.TRACE_OVER: ("degraded", "background", ""),
    Role.OBJECTIVE: ("text", "background", ""),
    Role.KEY: ("accent", "surface", "bold"),
    Role.KEY_LABEL: ("text", "surface", ""),
    Role.KEY_OFF: ("faint", "surface", ""),
    Role.KEY_NOTICE: ("strong", "surface", ""),
    Role.MATCH: ("background", "accent", ""),
    Role.CURSOR_TEXT: ("text", "surface", "reverse"),
}
_OVERLAYS: Final = {
    Role.CURSOR: "raised",
    Role.CURSOR_IDLE: "surface",
    Role.CHOSEN: "raised",
}
_MONO_LOOKS: Final = {
    Role.DOWN: "bold reverse",
    Role.DEGRADED: "bold underline",
    Role.UNKNOWN: "italic",
    Role.BAR_DOWN: "bold",
    Role.BAR_DEGRADED: "bold underline",
    Role.BADGE_HIGH: "bold",
    Role.REPLAY: "bold",
    Role.TITLE_FOCUSED: "bold underline",
}


_PAST: Final[Mapping[Role, tuple[str, str]]] = {
    Role.TITLE: ("accent", "bold italic"),
    Role.TITLE_FOCUSED: ("accent", "bold italic underline"),
    Role.RULE: ("accent", ""),
}
"""Ink and attributes of titles and rules while the past is shown."""
_FRAME: Final = frozenset(_PAST)


class RoleStyles:
    """The style of each role in one palette, with or without a cursor over it.

    ``past``: titles and rules are tinted, so that any part of the screen says that it is past.
    """

    def __init__(self, palette: Palette, *, past: bool = False) -> None:
        self.palette = palette
        self.past = past
        self._styles: dict[tuple[Role, Role | None], Style] = {}

    def style(self, role: Role, over: Role | None = None) -> Style:
        """The Rich style of ``role``; ``over`` is the row's cursor or choice."""
        key = (role, over)
        found = self._styles.get(key)
        if found is None:
            found = self._styles[key] = self._make(role, over)
        return found

    def _make(self, role: Role, over: Role | None) -> Style:
        palette = self.palette
        ink, paper, attributes = _LOOKS.get(role, _LOOKS[Role.TEXT])
        if self.past and role in _FRAME:
            ink, attributes = _PAST[role]
        if over is not None and paper == "background":
            paper = _OVERLAYS[over]
        background = getattr(palette, paper)
        colour = getattr(palette, ink)
        if palette.mono:
            tinted = self.past and role in _FRAME
            attributes = attributes if tinted else _MONO_LOOKS.get(role, attributes)
        if over in {Role.CURSOR, Role.CHOSEN} and colour == palette.faint:
            colour = palette.muted
        return Style.parse(f"{attributes} {colour} on {background}")
