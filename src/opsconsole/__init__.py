"""opsconsole: the terminal operations console for whoever is on call."""

__version__ = "0.1.0"
