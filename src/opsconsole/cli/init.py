"""``opsconsole init``: a first configuration of what runs here, written once.

Invariant: it only looks, for two seconds at each place and at all of them side by side. A file that
is there is never touched: what would be different is printed. Exit codes: 0 complete, 1 with parts
left open.
"""

import argparse
import difflib
import os
import sys
from pathlib import Path
from typing import Final

from opsconsole import durable
from opsconsole.config.files.finding import find
from opsconsole.config.files.opening import FileError, read_text
from opsconsole.config.loader import default_settings
from opsconsole.discovery.look import look
from opsconsole.errors import OpsconsoleError
from opsconsole.inspection.servers_around import servers_around
from opsconsole.render.empty_panels import BY_HAND
from opsconsole.render.first_configuration import FirstConfiguration, first_configuration
from opsconsole.text import sanitize

PATIENCE: Final = 2.0
"""Seconds for a look at each place."""

_NEW: Final = Path("opsconsole.yaml")
_MODE: Final = 0o600
_OPEN: Final = 1


def run(arguments: argparse.Namespace) -> int:
    """Look, print what was found and on which evidence, and write or compare it."""
    path = find(getattr(arguments, "config", None), os.environ) or _NEW
    if path.is_dir():
        raise OpsconsoleError(
            f"{sanitize(str(path))} is a folder, and a first configuration is one file",
            remedy="name a file by --config",
        )
    fleet = look(default_settings(), within=PATIENCE)
    services = [each.found for each in fleet.findings if each.serves]
    made = first_configuration(
        services,
        servers_around(fleet.inventories, PATIENCE),
        fleet.inventories,
        fleet.faults,
    )
    _tell(made)
    text = "\n".join(made.lines) + "\n"
    if path.exists():
        _compare(path, text)
    elif services:
        _write(path, text)
    else:
        print("nothing was written: no service was found", *BY_HAND, sep="\n")
        return _OPEN
    return _OPEN if made.left_open else 0


def _tell(made: FirstConfiguration) -> None:
    width = max((len(name) for name, _ in made.found), default=0)
    for name, evidence in made.found:
        print(sanitize(f"{name:<{width}} ← {evidence}"))
    for line in made.left_open:
        print(sanitize(f"left open: {line}"))


def _write(path: Path, text: str) -> None:
    try:
        durable.create(path, text.encode(), _MODE)
    except OSError as error:
        raise OpsconsoleError(
            f"{sanitize(str(path))} was not written: {error.strerror}",
            remedy="name another file by --config",
        ) from error
    print(sanitize(f"written: {path}; opsconsole check looks at it"))


def _compare(path: Path, text: str) -> None:
    """What is found now against what is written; nothing is changed."""
    try:
        before = read_text(path).text
    except FileError as error:
        raise OpsconsoleError(
            f"{sanitize(str(path))}: {error.message}", remedy=error.remedy
        ) from error
    lines = difflib.unified_diff(
        before.splitlines(), text.splitlines(), str(path), "what runs now", lineterm=""
    )
    different = False
    for line in lines:
        different = True
        print(sanitize(line))
    said = "nothing was written; above is what would be different" if different else "as it is"
    print(sanitize(f"{path}: {said}"), file=sys.stderr if different else sys.stdout)
