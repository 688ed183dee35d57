"""Whom to notify of what, when, and how it gets there."""
