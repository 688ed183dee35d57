"""The README's pictures: an incident of the demo, from red to verified.

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

from tools.pictures import paint
from tools.terminal import Terminal

OUT: Final = Path(__file__).parents[1] / "docs" / "pictures"
SIZE: Final = (120, 36)
VICTIM: Final = "ai-backend"


class Walk:
    """One incident, a picture at each turn."""

    def __init__(self, terminal: Terminal, out: Path) -> None:
        self._terminal = terminal
        self._out = out

    def take(self, name: str) -> None:
        """Keep what is seen as ``NAME.png``, in few colours so that it is small."""
        path = self._out / f"{name}.png"
        paint(self._terminal.screen, path)
        with Image.open(path) as image:
            image.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
        print(path)

    def until(self, wanted: Callable[[str], bool] | str) -> None:
        """Go on when it is seen."""
        self._terminal.until(wanted)

    def press(self, keys: str, pause: float = 1.0) -> None:
        """Press keys and let the screen answer."""
        self._terminal.press(keys)
        self._terminal.read(pause)

    def go(self) -> None:
        """From red to green."""
        self.until(lambda text: is_in("down", text))
        self.until("DatabaseUnreachable")
        self._terminal.read(8.0)
        self.press("g")
        self.take("overview")
        self.press("\r")
        self.take("service")
        self.press("\x1b")
        self.press("R", 2.0)
        self.until("undone by")
        self.take("plan")
        self.press("\t")
        self.press(" ")
        self.until("verified")
        self._terminal.read(2.0)
        self.take("verified")
        self.press("\x1b")


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
