"""`python -m opsconsole.demo`: the fleet without the console."""

import sys

from opsconsole.demo.command import main

if __name__ == "__main__":
    sys.exit(main())
