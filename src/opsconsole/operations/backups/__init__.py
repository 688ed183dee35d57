"""Backups that can be trusted: written whole or not at all, verified before they are used."""
