"""Logs as they come in, are held, searched and counted."""
