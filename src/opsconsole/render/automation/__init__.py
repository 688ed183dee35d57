"""Automation and maintenance in words."""
