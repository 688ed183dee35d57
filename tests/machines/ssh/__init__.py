"""Hosts over ssh, tried on real ones."""
