"""Asking an API server: where it is, as whom, and what it answers."""
