"""Alerts and silences: rows, folding under a cause, words."""
