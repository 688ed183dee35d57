"""opsconsole: the terminal operations console for the engineer on call."""

import sys

__version__ = "0.1.0"
VERSION_LINE = f"opsconsole {__version__}"

# With it httpx would import a command line of its own, and all that paints it. This is its own way
# to do without: it catches the ImportError.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
