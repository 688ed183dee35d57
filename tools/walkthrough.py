"""The README's pictures, one of them moving: an incident of the demo, from red to verified.

Invariant: ``python -m tools.walkthrough`` runs the real program on its real fleet; what is seen is
what the terminal was sent.
"""

import argparse
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from PIL import Image

from tools.film import Film
from tools.pictures import picture
from tools.terminal import Terminal

OUT: Final = Path(__file__).parents[1] / "docs" / "pictures"
SIZE: Final = (120, 36)
VICTIM: Final = "ai-backend"
LASTS: Final = 20.0
"""Seconds that the moving picture takes."""


class Walk:
    """One incident, a picture at each turn, and all of it as a moving one."""

    def __init__(self, terminal: Terminal, out: Path) -> None:
        self._terminal = terminal
        self._out = out
        self._film = Film(terminal)

    def take(self, name: str) -> None:
        """Keep what is seen as ``NAME.png``, in few colours so that it is small."""
        path = self._out / f"{name}.png"
        image = picture(self._terminal.screen)
        image.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
        print(path)

    def until(self, wanted: Callable[[str], bool] | str) -> None:
        """Go on when it is seen."""
        self._terminal.until(wanted)

    def press(self, keys: str, said: str, pause: float = 1.0) -> None:
        """Press keys, which are ``said`` below, and let the screen answer."""
        self._film.keys = said
        self._film.take()
        self._terminal.press(keys)
        self._terminal.read(pause)
        self._film.take()

    def go(self) -> None:
        """From red to green."""
        film = self._film
        self.until(lambda text: is_in("ok", text))
        film.keys = "all is well"
        film.hold(1.0)
        self.until(lambda text: is_in("down", text))
        film.keys = "a service goes down"
        film.hold(1.0)
        self.until("DatabaseUnreachable")
        self._terminal.read(8.0)
        self.press("g", "a service goes down: its row says why")
        film.hold(2.5)
        self.take("overview")
        self.press("\r", "enter   why is it so?")
        film.hold(3.5)
        self.press("\x1b", "esc   back")
        self.press("R", "R   what would a restart do?", 2.0)
        self.until("undone by")
        film.hold(3.5)
        self.take("plan")
        self.press("\t", "tab, space   start it", 0.5)
        self.press(" ", "tab, space   start it", 0.5)
        film.keys = "a process of its own carries it out, and looks whether it helped"
        while "verified" not in self._terminal.text:
            film.run(0.5)
        self._terminal.read(2.0)
        film.keys = "verified: the service was seen healthy again"
        film.hold(3.0)
        self.take("verified")
        self.press("\x1b", "esc   and the row is green again")
        film.hold(2.5)
        path = self._out / "incident.gif"
        film.write(path, LASTS)
        print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")


def is_in(state: str, text: str) -> bool:
    """Whether the row of the one that breaks says ``state``."""
    return re.search(rf"^ ?\S {state}\b.*\b{VICTIM}\b", text, re.MULTILINE) is not None


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--python", default=sys.executable, help="seen in the plan")
    parser.add_argument("--state", type=Path, help="folder of the demo; seen in the plan")
    arguments = parser.parse_args()
    out: Path = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        state = arguments.state or Path(folder, "demo")
        argv = [arguments.python, "-m", "opsconsole", "demo", "--state-dir", str(state)]
        environment = {"HOME": folder, "NO_COLOR": None, "COLORTERM": "truecolor"}
        with Terminal(argv, size=SIZE, environment=environment) as terminal:
            Walk(terminal, out).go()
            terminal.press(":q\r")
            terminal.wait(20)


if __name__ == "__main__":
    main()
