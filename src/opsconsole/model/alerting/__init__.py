"""Alerts, the rules that they come from, and the silences that hide them."""
