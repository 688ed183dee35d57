"""``opsconsole import``: a first configuration of what other programs' files say, written once.

Invariant: the files are read and nothing is contacted; a file that is there is never touched: what
would be different is printed. What is written can be loaded. Exit codes: 0 complete, 1 with parts
left open or not understood; with ``--strict`` nothing is written if any was not understood.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Final

from opsconsole.cli.first_file import place_of, print_found, write_or_compare
from opsconsole.config.loader import load
from opsconsole.discovery.imported.reading import read_files
from opsconsole.errors import ConfigError, OpsconsoleError
from opsconsole.render.first_configuration import FirstConfiguration, imported

_OPEN: Final = 1


def run(arguments: argparse.Namespace) -> int:
    """Read the files, print what they say, and write or compare it."""
    path = place_of(arguments)
    draft = read_files(arguments.files, arguments.service or "")
    made = imported(draft, [each.name for each in arguments.files])
    print_found(made)
    if made.not_understood and arguments.strict:
        count = len(made.not_understood)
        raise OpsconsoleError(
            f"{count} parts were not understood, and nothing was written",
            remedy="leave out --strict to write the rest",
        )
    _check(made)
    write_or_compare(path, made, "what the files say")
    return _OPEN if made.left_open or made.not_understood else 0


def _check(made: FirstConfiguration) -> None:
    """Nothing if it can be loaded. Raises OpsconsoleError."""
    with tempfile.TemporaryDirectory(prefix="opsconsole-") as folder:
        file = Path(folder) / "opsconsole.yaml"
        file.touch(mode=0o600)
        file.write_text("\n".join(made.lines) + "\n", encoding="utf-8")
        try:
            load(file)
        except ConfigError as error:
            why = "; ".join(error.problems[:3])
            raise OpsconsoleError(
                f"what the files say together is no valid configuration: {why}",
                remedy="import them one by one",
            ) from error
