"""Runbooks as they are written."""
