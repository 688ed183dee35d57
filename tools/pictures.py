"""Pictures of the real program, for people to look at: ``python -m tools.pictures``.

Invariant: every picture is what a terminal emulator made of the program's own bytes. Blocks,
rules and braille are drawn here, exactly on the cell, so that no font decides how they look.
"""

import argparse
import contextlib
import functools
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import pyte
from PIL import Image, ImageDraw, ImageFont

from tools.terminal import Terminal

CELL: Final = (10, 20)
SIZES: Final = ((80, 24), (120, 40), (200, 60))
THEMES: Final = ("dark", "light", "mono", "deuteranopia", "tritanopia")
SCENES: Final = ("calm", "fire")
ONLY: Final[dict[str, tuple[str, ...]]] = {
    **dict.fromkeys(("tray", "unfolded", "by-team"), ("large",)),
    **dict.fromkeys(("incident", "incidents", "handover", "people"), ("together",)),
    "place": ("large",),
    "cluster": ("cluster",),
    "automation": ("automatic",),
}
"""The scenes of the views that show something of these alone."""
AWAITED: Final = {"large": " found", "start": "take them over"}
"""What is waited for in scenes with a tray, which is looked for after the first picture."""
FONTS: Final = (Path(".servers"), Path("/usr/share/fonts"))
NAMES: Final = {
    "black": "000000", "red": "cd3131", "green": "0dbc79", "brown": "e5e510", "blue": "2472c8",
    "magenta": "bc3fbc", "cyan": "11a8cd", "white": "e5e5e5", "default": "cccccc",
    "brightblack": "666666", "brightred": "f14c4c", "brightgreen": "23d18b",
    "brightbrown": "f5f543", "brightblue": "3b8eea", "brightmagenta": "d670d6",
    "brightcyan": "29b8db", "brightwhite": "ffffff",
}  # fmt: skip
_BRAILLE: Final = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3))
_LOADING: Final = "starting the engine"
_ASKING: Final = "looking …"
_LINES: Final = {
    "─": "lr", "│": "ud", "┤": "lud", "├": "rud", "└": "ur", "┌": "dr", "┐": "dl", "┘": "ul",
    "┼": "lrud", "┴": "lru", "┬": "lrd", "╵": "u", "━": "LR",
}  # fmt: skip


@functools.cache
def fonts() -> tuple[ImageFont.FreeTypeFont, ImageFont.FreeTypeFont]:
    """DejaVu Sans Mono, regular and bold, from the unpacked packages or the system."""
    found: dict[str, Path] = {}
    for root in FONTS:
        for path in root.rglob("DejaVuSansMono*.ttf") if root.is_dir() else ():
            found.setdefault(path.name, path)
    if "DejaVuSansMono.ttf" not in found:
        raise SystemExit("no DejaVuSansMono.ttf: run python tools/fetch_servers.py first")
    regular = found["DejaVuSansMono.ttf"]
    bold = found.get("DejaVuSansMono-Bold.ttf", regular)
    return ImageFont.truetype(str(regular), 16), ImageFont.truetype(str(bold), 16)


def paint(screen: pyte.Screen, path: Path) -> None:
    """Write the emulator's screen as a PNG."""
    picture(screen).save(path)


def picture(screen: pyte.Screen) -> Image.Image:
    """The emulator's screen as it is seen."""
    width, height = CELL
    image = Image.new("RGB", (screen.columns * width, screen.lines * height), "#000000")
    draw = ImageDraw.Draw(image)
    regular, bold = fonts()
    for y in range(screen.lines):
        for x in range(screen.columns):
            cell = screen.buffer[y][x]
            ink, paper = _colour(cell.fg, "cccccc"), _colour(cell.bg, "000000")
            if cell.reverse:
                ink, paper = paper, ink
            box = (x * width, y * height, (x + 1) * width - 1, (y + 1) * height - 1)
            draw.rectangle(box, fill=paper)
            if cell.data and not _shape(draw, cell.data, box, ink):
                font = bold if cell.bold else regular
                draw.text((box[0], box[1]), cell.data, fill=ink, font=font)
            if cell.underscore:
                draw.line((box[0], box[3] - 1, box[2], box[3] - 1), fill=ink)
    return image


def _colour(name: str, default: str) -> str:
    known = NAMES.get(name, name)
    return f"#{default if name == 'default' else known}"


def _shape(draw: ImageDraw.ImageDraw, char: str, box: tuple[int, int, int, int], ink: str) -> bool:
    """Draw a block, a rule or braille exactly; whether ``char`` was one."""
    code = ord(char[0])
    if char == " ":
        return True
    if 0x2800 <= code <= 0x28FF:
        _braille(draw, code - 0x2800, box, ink)
    elif char == "▀":
        draw.rectangle((box[0], box[1], box[2], box[1] + CELL[1] // 2 - 1), fill=ink)
    elif 0x2581 <= code <= 0x2588:
        top = box[3] + 1 - round(CELL[1] * (code - 0x2580) / 8)
        draw.rectangle((box[0], top, box[2], box[3]), fill=ink)
    elif char in _LINES:
        _rule(draw, _LINES[char], box, ink)
    else:
        return False
    return True


def _braille(
    draw: ImageDraw.ImageDraw, bits: int, box: tuple[int, int, int, int], ink: str
) -> None:
    for bit, (column, row) in enumerate(_BRAILLE):
        if bits >> bit & 1:
            x = box[0] + column * CELL[0] // 2 + 1
            y = box[1] + row * CELL[1] // 4 + 1
            draw.rectangle((x, y, x + 2, y + 2), fill=ink)


def _rule(draw: ImageDraw.ImageDraw, ends: str, box: tuple[int, int, int, int], ink: str) -> None:
    x, y = (box[0] + box[2]) // 2, (box[1] + box[3]) // 2
    targets = {
        "l": (box[0], y), "r": (box[2] + 1, y), "u": (x, box[1]), "d": (x, box[3] + 1),
    }  # fmt: skip
    for end in ends:
        weight = 3 if end.isupper() else 1
        draw.line((x, y, *targets[end.lower()]), fill=ink, width=weight)


def take(
    argv: Sequence[str],
    size: tuple[int, int],
    path: Path,
    keys: Iterable[str] = (),
    awaited: str = "",
) -> None:
    """Run a program, press keys, and write what is seen. What never loads is taken loading.

    The first key is pressed once ``awaited`` is seen.

    Raises ``SystemExit`` where something is still being asked for after the last key.
    """
    with Terminal(argv, size=size, environment={"NO_COLOR": None}) as terminal:
        terminal.settle()
        with contextlib.suppress(AssertionError):
            terminal.until(lambda text: bool(text.strip()) and _LOADING not in text)
        terminal.settle(0.3)
        if awaited:
            terminal.until(awaited)
        for key in keys:
            terminal.press(key)
            terminal.settle(0.4)
        if keys:
            with contextlib.suppress(AssertionError):
                terminal.until(lambda text: _ASKING not in text)
            if _ASKING in terminal.text:
                raise SystemExit(f"{path.name}: the screen still says {_ASKING!r}")
        terminal.settle()
        paint(terminal.screen, path)


VIEWS: Final[dict[str, tuple[str, ...]]] = {
    "overview": (),
    "service": ("\r",),
    "latency": ("\r", "2"),
    "plan": ("R",),
    "actions": ("x",),
    "help": ("?",),
    "operations": ("u",),
    "request": ("D",),
    **{
        name: ("\r", key)
        for name, key in (
            ("metrics", "3"),
            ("copies", "4"),
            ("log-tab", "5"),
            ("pages", "6"),
            ("service-alerts", "7"),
            ("backups", "8"),
            ("service-timeline", "9"),
            ("runbooks", "0"),
        )
    },
    "logs": ("l",),
    "changed": ("w",),
    "timeline": ("t",),
    "all-runbooks": ("b",),
    "runbook": ("b", "\r"),
    "silences": ("s",),
    "alert": ("2", "\r"),
    "silence-form": ("2", "S"),
    "describe": ("d",),
    "raw": ("y",),
    "filter": ("/", "a", "i"),
    "tray": ("+",),
    "unfolded": ("g", "\x1b[C"),
    "by-team": (":", *"group team", "\r"),
    "incident": ("i",),
    "incidents": (":", *"incident", "\r"),
    "handover": (":", *"handover", "\r"),
    "people": (":", *"people", "\r"),
    "automation": (":", *"automation", "\r"),
    "palette": ("\x10",),
    "command": (":",),
    "theme": ("\x14",),
    "replay": ("[",),
    "place": ("3", "d"),
    "cluster": (":", *"place", "\r"),
    "wall": (),
    "wall-services": (),
    "wall-resources": (),
    "wall-timeline": (),
}
"""The keys that lead to each view."""

WALLS: Final = {
    "wall": "overview",
    "wall-services": "services",
    "wall-resources": "resources",
    "wall-timeline": "timeline",
}
"""What a wall begins with, for the views that are one; what is red comes before it."""


def main() -> int:
    """Take the pictures that are asked for; all of them by default."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("pictures"))
    parser.add_argument("--view", action="append", choices=VIEWS)
    parser.add_argument("--scene", action="append")
    parser.add_argument("--theme", action="append")
    parser.add_argument("--size", action="append", help="as 120x40")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    sizes = [tuple(map(int, size.split("x"))) for size in arguments.size or ()] or list(SIZES)
    for view in arguments.view or VIEWS:
        for scene in arguments.scene or ONLY.get(view, SCENES):
            for theme in arguments.theme or THEMES:
                for columns, rows in sizes:
                    path = arguments.out / f"{view}-{scene}-{theme}-{columns}x{rows}.png"
                    argv = [sys.executable, "-m", "tests.ui.program", scene, "--theme", theme]
                    argv += ["--wall", WALLS[view]] if view in WALLS else []
                    take(argv, (columns, rows), path, VIEWS[view], AWAITED.get(scene, ""))
                    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
