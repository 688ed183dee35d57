"""Reading the world: one source a file, each with its own deadline and its own executor."""

import sys

# With it httpx would import a command line of its own, and all that paints it. This is its own way
# to do without: it catches the ImportError.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
