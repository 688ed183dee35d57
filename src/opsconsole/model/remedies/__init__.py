"""Automation as values: rules, episodes, the switch, breakers."""
