"""Programs that stand beside the console in a measurement, fetched where they are not on PATH."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tools.debian import FetchError
from tools.fetch_servers import Group, provide

SERVERS: Final = Path(__file__).resolve().parents[1] / ".servers"
BTOP: Final = Group(commands=("btop",), packages=("btop",))


def btop() -> str:
    """The path of btop, a Debian package that is unpacked where it is not on PATH; '' without."""
    try:
        provide("btop", BTOP, SERVERS)
    except (FetchError, OSError) as error:
        print(f"without btop: {error}")
    unpacked = SERVERS / "btop" / "usr" / "bin" / "btop"
    return shutil.which("btop") or (str(unpacked) if unpacked.exists() else "")


@contextmanager
def glances() -> Iterator[str]:
    """The path of glances, installed into a folder that is removed where it is not on PATH."""
    if on_path := shutil.which("glances"):
        yield on_path
        return
    with tempfile.TemporaryDirectory() as folder:
        install = (
            [sys.executable, "-m", "venv", folder],
            [f"{folder}/bin/pip", "install", "glances==4.5.*"],
        )
        try:
            for command in install:
                subprocess.run(command, check=True, capture_output=True, env=dict(os.environ))
        except subprocess.CalledProcessError as error:
            print(f"without glances: {error}")
            yield ""
            return
        yield f"{folder}/bin/glances"
