"""What is released, into ``dist/``: ``make dist``.

    python -m tools.delivery.build [FOLDER]

Invariant: the wheel is built once and is in the single file as it is; dependencies are those of
the locks. The container's image is made of the single file, by the ``Containerfile``.
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from tools.delivery import single_file

ROOT: Final = Path(__file__).resolve().parents[2]


def main(argv: list[str]) -> int:
    """Build all of it and name it."""
    folder = Path(argv[0]) if argv else ROOT / "dist"
    wheel = build(folder, "wheel", "sdist")
    with tempfile.TemporaryDirectory(prefix="opsconsole-wheels-") as scratch:
        wheels = {
            single_file.soabi(python): single_file.fetch(wheel, python, Path(scratch) / python)
            for python in single_file.PYTHONS
        }
        target = folder / f"{wheel.name.partition('-py3')[0]}.pyz"
        single_file.write(target, wheels, single_file.contents(wheels))
    for each in sorted(folder.iterdir()):
        print(f"{each}  {each.stat().st_size / 1e6:.1f} MB")
    return 0


def build(folder: Path, *kinds: str) -> Path:
    """Build the kinds of the project and nothing else into ``folder``; its wheel."""
    for each in folder.glob("opsconsole-*"):
        each.unlink()
    options = [word for kind in kinds for word in ("--target", kind)]
    argv = [sys.executable, "-m", "hatchling", "build", "--directory", str(folder.resolve())]
    subprocess.run([*argv, *options], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    (wheel,) = folder.glob("opsconsole-*.whl")
    return wheel


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
