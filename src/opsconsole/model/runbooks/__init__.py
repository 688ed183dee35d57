"""Runbooks as they are written, and their runs."""
