"""``python -m opsconsole`` and the ``opsconsole`` command."""

import gc
import os
import sys

from opsconsole import VERSION_LINE

COLLECT_AFTER = 200_000
"""Objects that are made before cycles among them are looked for: modules, settings and snapshots
are many small ones without any, and a command has ended before it has made as many."""


def _open_what_is_closed() -> None:
    """A standard stream that the caller closed leads nowhere, and to no file that is opened
    later."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    sys.stdin = sys.stdin or open(0, closefd=False)  # noqa: SIM115 - as long as the program
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115


def main() -> None:
    """Run the command line and exit with its code. Asked for the version alone, import nothing."""
    _open_what_is_closed()
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"{VERSION_LINE}\n")
        return
    gc.set_threshold(COLLECT_AFTER)
    from opsconsole.cli.main import main as run

    try:
        code = run(sys.argv[1:])
    finally:
        # What is left when the program ends need not be looked through once more.
        gc.freeze()
    sys.exit(code)


if __name__ == "__main__":
    main()
