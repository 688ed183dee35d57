"""``python -m opsconsole`` and the ``opsconsole`` command."""

import gc
import sys

from opsconsole import VERSION_LINE

COLLECT_AFTER = 20_000
"""Objects that are made before cycles among them are looked for: modules, settings and snapshots
are many small ones without any."""


def main() -> None:
    """Run the command line and exit with its code. Asked for the version alone, import nothing."""
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
