"""Whom to tell of what, when, and how it gets there."""
