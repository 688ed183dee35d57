"""``python -m opsconsole`` and the ``opsconsole`` command."""

import sys

from opsconsole.cli.main import main as run


def main() -> None:
    """Run the command line and exit with its code."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
