"""Alerts of every origin, merged and kept."""
