"""A moving picture of a terminal: what it showed, with the keys that were pressed below.

Invariant: every frame is a screen that the program painted, in the order in which it did; what is
made shorter is how long they stand, so that waiting costs nobody time. The strip of keys is
outside of the screen and is ours.
"""

import copy
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pyte
from PIL import Image, ImageDraw

from tools.pictures import CELL, fonts, picture
from tools.terminal import Terminal

PASSING: Final = 0.35
"""Seconds that a frame stands in which nothing is to be read."""

_EVERY: Final = 0.25
_COLOURS: Final = 200
_PAPER, _INK = "#202020", "#ffd75f"


@dataclass
class _Frame:
    screen: pyte.Screen
    keys: str
    stands: float


@dataclass
class Film:
    """Frames of one terminal. ``keys`` is what stands below the frames that come."""

    terminal: Terminal
    keys: str = ""
    _frames: list[_Frame] = field(default_factory=list)

    def run(self, seconds: float) -> None:
        """Let time pass, and keep what is seen of it."""
        for _ in range(max(1, round(seconds / _EVERY))):
            self.terminal.read(_EVERY)
            self.take()

    def take(self) -> None:
        """Keep what is seen where it is another sight than before."""
        latest = self._frames[-1] if self._frames else None
        seen = self.terminal.screen
        if latest is None or latest.keys != self.keys or latest.screen.buffer != seen.buffer:
            self._frames.append(_Frame(copy.deepcopy(seen), self.keys, PASSING))

    def hold(self, seconds: float) -> None:
        """Let what is seen stand for ``seconds``."""
        self.take()
        self._frames[-1].stands = seconds

    def write(self, path: Path, lasts: float) -> None:
        """As a GIF of ``lasts`` seconds that begins again at its end."""
        pace = lasts / sum(frame.stands for frame in self._frames)
        drawn = [_drawn(frame) for frame in self._frames]
        palette = _palette(drawn)
        reduced = [each.quantize(palette=palette, dither=Image.Dither.NONE) for each in drawn]
        reduced[0].save(
            path,
            save_all=True,
            append_images=reduced[1:],
            duration=[round(frame.stands * pace * 1000) for frame in self._frames],
            loop=0,
            optimize=True,
        )


def _palette(images: Sequence[Image.Image]) -> Image.Image:
    """The colours that are most of all images, so that none that means something is lost."""
    counted: Counter[tuple[float, ...]] = Counter()
    for each in images:
        for count, colour in each.getcolors(maxcolors=each.width * each.height) or ():
            assert isinstance(colour, tuple)
            counted[colour] += count
    made = Image.new("P", (1, 1))
    common = [colour for colour, _ in counted.most_common(_COLOURS)]
    made.putpalette([int(part) for colour in common for part in colour])
    return made


def _drawn(frame: _Frame) -> Image.Image:
    seen = picture(frame.screen)
    strip = CELL[1] + 8
    image = Image.new("RGB", (seen.width, seen.height + strip), _PAPER)
    image.paste(seen, (0, 0))
    _, bold = fonts()
    draw = ImageDraw.Draw(image)
    draw.text((CELL[0], seen.height + 4), frame.keys, fill=_INK, font=bold)
    return image
