"""Moments that have passed: replay, what changed, the incident report."""
