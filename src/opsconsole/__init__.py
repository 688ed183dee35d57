"""opsconsole: the terminal operations console for the engineer on call."""

__version__ = "0.1.0"
VERSION_LINE = f"opsconsole {__version__}"
